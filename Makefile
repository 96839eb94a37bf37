# Two commands make everything they need: `make demo` and `make test`. Python 3.11, make and git are assumed.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Clouds' SDKs look for credentials at a link-local address; nothing here may talk to anything but loopback.
export AWS_EC2_METADATA_DISABLED := true
export GCE_METADATA_HOST := 127.0.0.1:9
export NO_GCE_CHECK := true

PYTHON = $(shell ./setup.sh)
BIN = $(dir $(PYTHON))
WITH_SERVICES = $(PYTHON) -m demo.services --sources .local/sources --secrets .local/secrets/services --
WITH_POSTGRES = $(PYTHON) -m demo.postgres --folder .local/postgres --secrets .local/secrets/database --load .local/sources/web_forms --
DAYS = $(if $(DATE),--date $(DATE),--from $(FROM) --to $(TO))
# Suites with targets, and partly environments, of their own.
OTHERS = $(addprefix --ignore tests/,dbt s3 cluster bigquery googlesql snowflake parity dags terraform pages mysql)
TERRAFORM ?= terraform
KIND ?= spark
IMAGE ?= coretelecoms-$(KIND)
COMMIT = $(shell git rev-parse --short=12 HEAD)
INTO ?= conf/env
# The longest first.
HEAVIER = test-warehouses test-airflow test-terraform test-s3 test-slow test-dbt test-page test-meaning test-cluster demo-spark test-sql lint-infra
CALLS ?= 20000
CUSTOMERS ?= 50000

# What a pushed image stands on; a tag could be moved between two builds.
define ON_A_DIGEST
[[ "$(BASE)" =~ @sha256:[0-9a-f]{64}$$ ]] || { echo "error: BASE: a pushed image stands on a digest (...@sha256:...), found '$(BASE)'; see docs/deploy.md, section 5" >&2; exit 64; };
endef

.PHONY: help setup setup-spark demo demo-spark run headline pages docs status check lint lock clean
.PHONY: test test-all test-slow test-dbt test-sources test-s3 test-nightly test-cluster test-warehouses test-bigquery test-snowflake test-parity test-sql test-meaning
.PHONY: bigquery-costs
.PHONY: test-airflow test-terraform test-page env-from-terraform stop-application personal-columns lint-infra advisories plan image verify-bigquery verify-snowflake
.PHONY: bench bench-quick bench-full bench-levers bench-docs bench-cluster bench-sources bench-s3 bench-load bench-history bench-gold

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 20

setup: ## everything that has to be downloaded or built, once
	@./setup.sh >/dev/null
	@./setup.sh requirements/dbt.txt >/dev/null
	@./setup.sh requirements/pages.txt >/dev/null

setup-spark: setup ## what Spark needs besides: its jars and, once, an archive of its classes
	@conf/spark/archive.sh

demo: $(if $(MASTER),setup-spark,setup) ## four days of six sources, landed, loaded and shown (CALLS=, CUSTOMERS= a day; MASTER=local[2]: by Spark)
	@$(PYTHON) -m demo --calls $(CALLS) --customers $(CUSTOMERS) $(if $(MASTER),--master '$(MASTER)')

demo-spark: ## the same in small, by Spark on this machine
	@$(MAKE) --no-print-directory demo MASTER='local[2]' CALLS=1000 CUSTOMERS=1000

run: setup ## DATE=D, or FROM=D TO=D [SOURCE=S] [REPLAY=1]: the demo's days as the schedule does them
	@code=0; $(WITH_SERVICES) $(WITH_POSTGRES) ./spark-submit.sh run $(DAYS) $(if $(SOURCE),--source $(SOURCE)) $(if $(REPLAY),--replay) || code=$$?; \
	case $$code in 64 | 78) ;; *) ./dbt.sh build --look-back $(if $(DATE),--from $(DATE) --to $(DATE),--from $(FROM) --to $(TO)) ;; esac; exit $$code

headline: setup ## the headline numbers from Gold
	@./dbt.sh headline

pages: setup ## two offline pages: what customers complain about, and whether to trust it (ARGS="--env E --out DIR")
	@./pages.sh $(ARGS)

docs: setup ## dbt's documentation, source to Gold, as one offline page
	@./dbt.sh docs

status: setup ## the ledger: what was delivered, landed, rejected and loaded
	@./spark-submit.sh status

check: setup ## is all configuration valid?
	@./spark-submit.sh check

test: setup-spark ## the tests
	@$(PYTHON) -m pytest -q -m "not slow" $(OTHERS)

test-all: setup ## the heavier tests, two suites at a time
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target --keep-going $(HEAVIER)

test-slow: setup-spark ## kills at random moments, faults that take their time
	@$(PYTHON) -m pytest -q -m slow $(OTHERS)

test-s3: setup-spark ## sources and lake on an S3 server (moto, on loopback), faults included
	@$(PYTHON) -m pytest -q tests/s3

test-nightly: setup-spark ## S3 on a second, independent server (versitygw, built with Go); each statement of a Snowflake build, and a test of each table of Gold, fails; 300 random histories of Gold; source contracts by datacontract-cli; MariaDB; feeds adopted from a file on
	@CORETELECOMS_S3_SERVER=versitygw $(PYTHON) -m pytest -q -rs tests/s3
	@CORETELECOMS_NIGHTLY=1 $(PYTHON) -m pytest -q -s tests/snowflake/test_failed_statements.py -k "each_statement or publication"
	@CORETELECOMS_NIGHTLY=1 $(PYTHON) -m pytest -q tests/unit/test_odcs.py -k datacontract
	@CORETELECOMS_NIGHTLY=1 $(PYTHON) -m pytest -q tests/mysql
	@CORETELECOMS_NIGHTLY=1 $$(./setup.sh requirements/dbt-test.txt) -m pytest -q tests/dbt/test_publication.py -k failed_test
	@CORETELECOMS_NIGHTLY=1 $$(./setup.sh requirements/dbt-test.txt) -m pytest -q tests/dbt/test_any_order.py
	@CORETELECOMS_NIGHTLY=1 $$(./setup.sh requirements/airflow-test.txt) -m pytest -q tests/dags/test_corrections.py
	@CORETELECOMS_NIGHTLY=1 $(PYTHON) -m pytest -q tests/e2e/test_adopted.py

test-cluster: setup-spark ## a standalone Spark cluster: a master and two workers
	@$(PYTHON) -m pytest -q tests/cluster

test-warehouses: setup ## BigQuery, Snowflake, and the comparison of what they exported
	@for suite in test-bigquery test-snowflake test-parity; do $(MAKE) --no-print-directory $$suite; done

test-snowflake: setup ## Bronze, Silver and Gold in a stand-in for Snowflake, the lake on an S3 server
	@$(PYTHON) -m pytest -q tests/snowflake

verify-snowflake: setup ## [ENV=snowflake] [INTEGRATION=I]: what only real Snowflake proves, in a scratch schema; or READER=ENV: what a reader is given
	@$(if $(READER),$(PYTHON) -m tests.snowflake.verify_reader --env $(or $(ENV),snowflake) --reader $(READER),\
	$(PYTHON) -m tests.snowflake.verify --env $(or $(ENV),snowflake) $(if $(INTEGRATION),--integration $(INTEGRATION)))

test-parity: setup ## what the two suites above exported: Silver and Gold of three warehouses, row by row
	@$(PYTHON) -m pytest -q tests/parity

test-bigquery: setup-spark ## Bronze, Silver and Gold in a stand-in for BigQuery, equal to the local ones row by row
	@for made in conf/spark/bigquery.sha256 requirements/bigquery-emulator.txt requirements/dbt-bigquery.txt requirements/googlesql.txt; do \
		./setup.sh $$made >/dev/null; done # its tests can reach loopback only
	@$(PYTHON) -m pytest -q tests/bigquery

verify-bigquery: setup ## PROJECT=P KEY=FILE [LOCATION=EU]: what only real BigQuery proves, in scratch datasets; or READER=KEY [ENV=E]: what a reader is given
	@$(if $(READER),$(PYTHON) -m tests.bigquery.verify_reader --env $(or $(ENV),bigquery) --reader $(READER),\
	$(PYTHON) -m tests.bigquery.verify --project $(PROJECT) --key $(KEY) --location $(or $(LOCATION),EU))

bigquery-costs: ## what a day costs in BigQuery, computed: into docs/bigquery.md
	@$$(./setup.sh requirements/googlesql.txt) -m tests.googlesql.costs --write

test-sql: ## all SQL of dbt, pages and documents by BigQuery's own analyzer, without a server; seconds where nothing changed
	@$$(./setup.sh requirements/googlesql.txt) -m mypy --strict --follow-imports=silent \
		tests/googlesql/{asked,costs,engine,judge,kept,language,lint,project,reads,rows,scripts,values}.py \
		tests/googlesql/test_{costs,engine,judge,models,project,reads}.py
	@$$(./setup.sh requirements/googlesql.txt) -m pytest -q tests/googlesql/test_{costs,engine,judge,project,reads}.py

test-meaning: setup ## macros and models by Google's evaluator of that SQL, equal to DuckDB's row by row
	@$$(./setup.sh requirements/googlesql.txt) -m pytest -q tests/googlesql/test_macros.py tests/googlesql/test_models.py

test-page: ## the two pages in headless Chromium: every number, accessibility, a year of data
	@$$(./setup.sh requirements/pages-test.txt) -m pytest -q tests/pages

test-dbt: setup ## Silver and Gold: replays, corrections, a planted fan-out, offline
	@cd dbt && $$(../setup.sh requirements/dbt-test.txt) -m mypy --strict --explicit-package-bases {arguments,behind,build,complaints,errors,export,gold,headline,operation,owner,query,told,warehouse}.py plugins/bronze.py
	@$$(./setup.sh requirements/dbt-test.txt) -m pytest -q tests/dbt

test-airflow: setup ## the DAG, and Airflow's whole stack as native processes before an EMR Serverless double
	@./setup.sh tests/dags/postgres.sha256 >/dev/null # the release of docker-compose.yml
	@$$(./setup.sh requirements/airflow-test.txt) -m mypy --strict dags
	@$$(./setup.sh requirements/airflow-test.txt) -m pytest -q tests/dags

test-sources: setup-spark ## Postgres, SSM, Google Sheets, REST: faults, TLS, credentials that show nowhere
	@$(PYTHON) -m pytest -q tests/unit/test_credentials.py tests/unit/test_sheets.py tests/unit/test_api.py \
		tests/spark/test_postgres.py tests/spark/test_fetched.py tests/e2e/test_canaries.py tests/e2e/test_sources_elsewhere.py

lint: setup ## ruff, mypy, import-linter, sqlfluff, yamllint, shellcheck, hadolint, the compose schema
	@$(BIN)ruff check jobs demo tests bench dbt dags terraform pages
	@$(BIN)ruff format --check jobs demo tests bench dbt dags terraform pages
	@$(BIN)mypy
	@$(BIN)lint-imports >/dev/null || $(BIN)lint-imports
	@$$(dirname $$(./setup.sh requirements/dbt.txt))/sqlfluff lint dbt/models dbt/tests >/dev/null || $$(dirname $$(./setup.sh requirements/dbt.txt))/sqlfluff lint dbt/models dbt/tests
	@$(BIN)yamllint --strict $$(git ls-files '*.yml' '*.yaml' .yamllint)
	@$(BIN)hadolint --failure-threshold warning docker/Dockerfile.*
	@$(BIN)check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml >/dev/null
	@$(BIN)shellcheck -x $$(git ls-files '*.sh' .ci)

lint-infra: ## checkov, zizmor, actionlint, hadolint, detect-secrets
	@.ci/lint-infra

advisories: ## known holes in what is locked: asks PyPI and npm, which offer no database to take along (nightly, at GitHub)
	@audit="$$(dirname "$$(./setup.sh requirements/advisories.txt)")/pip-audit --require-hashes --disable-pip --progress-spinner off"; code=0; \
	for lock in requirements.txt requirements/*.txt; do echo "$$lock"; $$audit $(ARGS) -r "$$lock" || code=1; done; \
	PATH="$$(dirname "$$(./setup.sh requirements/node.txt)"):$$PATH" npm --prefix tests/terraform/iam audit --package-lock-only || code=1; exit $$code

plan: ## what an apply of terraform/aws would change, from its state alone (STATE_BUCKET=); needs no secret
	@printf 'bucket = "%s"\nregion = "%s"\n' "$(STATE_BUCKET)" "$${AWS_REGION:-eu-north-1}" >terraform/backend.hcl
	@terraform -chdir=terraform/aws init -input=false -lockfile=readonly -backend-config=../backend.hcl >/dev/null
	@terraform -chdir=terraform/aws plan -input=false -refresh=false -lock=false

image: ## the jobs' image with labels (KIND=airflow: Airflow's; IMAGE=, BASE=, DBT=; PUSH=1 with SBOM and provenance)
	@$(if $(PUSH),$(if $(filter-out undefined,$(origin BASE)),$(ON_A_DIGEST))) \
	docker $(if $(PUSH),buildx build --sbom=true --provenance=true --push,build) --platform linux/amd64 -f docker/Dockerfile.$(KIND) -t $(IMAGE):$(COMMIT) --build-arg COMMIT=$(COMMIT) \
		$(if $(BASE),--build-arg BASE=$(BASE)) $(if $(DBT),--build-arg DBT=$(DBT)) --label org.opencontainers.image.revision=$$(git rev-parse HEAD) \
		--label org.opencontainers.image.created=$$(git log -1 --format=%cI) .

bench: ## side by side with dlt, pandas, Polars and DuckDB: days of 100,000 and 1,000,000 calls; into docs/benchmarks.md
	@$(PYTHON) -m bench.side_by_side --save day-100k day-1m
	@$(MAKE) --no-print-directory bench-docs

bench-quick: ## a day of 100,000 calls, without dlt's default path, three repetitions; writes nothing
	@$(PYTHON) -m bench.side_by_side --repetitions 3 --without dlt day-100k

bench-full: ## all sizes and make demo's run, a Spark cluster, S3, a table, BigQuery's stand-in
	@$(PYTHON) -m bench.side_by_side --save day-100k day-1m calls-1m calls-10m customers demo
	@$(MAKE) --no-print-directory --keep-going bench-docs bench-cluster bench-s3 bench-sources bench-load bench-history

bench-levers: setup-spark ## what each choice is worth: a day of 100,000 calls with it undone; into docs/benchmarks.md
	@$(PYTHON) -m bench.levers --save
	@$(MAKE) --no-print-directory bench-docs

bench-docs: ## docs/benchmarks.md and its chart from bench/results
	@$(PYTHON) -m bench.document

bench-cluster: setup-spark ## 10,000,000 call logs by a Spark cluster and by threads: Bronze equal in order, CPU of Python
	@$(PYTHON) -m bench.cluster

bench-sources: setup-spark ## landing a table against COPY, and by Spark against bare Spark: CPU a row, the slope from 500,000 to 2,000,000
	@$(PYTHON) -m bench.sources

bench-s3: setup-spark ## a day of 2,300,000 calls on an S3 server against folders: at most 1.2 times the CPU; and by a Spark cluster
	@$(PYTHON) -m bench.s3 --calls 2300000 --repetitions 2

bench-load: setup-spark ## loading into BigQuery's stand-in against landing: at most 2 times the CPU a row
	@$(PYTHON) -m bench.load

bench-gold: setup ## a day's build of Gold over 10, 100 and 400 days of 20,000 complaints, and by ce44c05: at most 1.25 and 0.15 times the CPU (half an hour)
	@$(PYTHON) -m bench.gold --before

bench-history: setup ## status of a day over a lake of three years against one of ten days: at most 1.2 times the CPU
	@$(PYTHON) -m bench.history

test-terraform: setup ## terraform/: applied to a stand-in of AWS, mocked for the others; roles and bucket against requests made
	@$(PYTHON) -m pytest -q tests/terraform

env-from-terraform: ## ENV=s3: conf/env/s3.toml with the names that terraform/ made
	@$$(./setup.sh requirements/env-from-terraform.txt) terraform/environment.py $(ENV) --folders $(TERRAFORM) --into $(INTO)

lock: ## compile the lock files anew from their .in files
	@uv=$(BIN)uv; compile="$$uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links"; \
	$$compile requirements.in -o requirements.txt; \
	$$compile -c requirements.txt requirements/dev.in -o requirements/dev.txt; \
	$$compile requirements/fakesnow.in -o requirements/fakesnow.txt; \
	$$compile requirements/dbt.in -o requirements/dbt.txt; \
	$$compile requirements/dbt-snowflake.in -o requirements/dbt-snowflake.txt; \
	$$compile -c requirements/dbt.txt requirements/dbt-test.in -o requirements/dbt-test.txt; \
	$$compile -c requirements/dbt.txt requirements/dbt-bigquery.in -o requirements/dbt-bigquery.txt; \
	$$compile -c requirements/dbt-bigquery.txt requirements/googlesql.in -o requirements/googlesql.txt; \
	$$compile requirements/bigquery-emulator.in -o requirements/bigquery-emulator.txt; \
	$$compile requirements/airflow.in -o requirements/airflow.txt; \
	$$compile -c requirements/airflow.txt requirements/airflow-test.in -o requirements/airflow-test.txt; \
	$$compile requirements/env-from-terraform.in -o requirements/env-from-terraform.txt; \
	$$compile requirements/node.in -o requirements/node.txt; \
	$$compile requirements/advisories.in -o requirements/advisories.txt; \
	$$compile requirements/infra.in -o requirements/infra.txt; \
	$$compile -c requirements/dev.txt requirements/pages.in -o requirements/pages.txt; \
	$$compile -c requirements/pages.txt requirements/pages-test.in -o requirements/pages-test.txt; \
	$$compile requirements/odcs.in -o requirements/odcs.txt; \
	$$compile requirements/peers.in -o requirements/peers.txt; \
	$$compile requirements/uv.in -o requirements/uv.txt

stop-application: ## EMR Serverless' application, which AWS changes and removes only then; the next job starts it
	@$(PYTHON) terraform/stop.py

personal-columns: ## terraform/gcp/personal.json from the source contracts
	@$(PYTHON) terraform/personal.py

clean: ## remove what the demo made (.local)
	@rm -rf .local
