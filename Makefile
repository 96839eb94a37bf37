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
OTHERS = --ignore tests/dbt --ignore tests/s3 --ignore tests/cluster --ignore tests/pages
CALLS ?= 20000
CUSTOMERS ?= 50000

.PHONY: help setup demo run headline pages docs status check lint lock clean
.PHONY: test test-all test-dbt test-sources test-s3 test-cluster test-page bench-day bench-sources bench-s3

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

setup: ## everything that has to be downloaded or built, once
	@./setup.sh >/dev/null
	@./setup.sh requirements/dbt.txt >/dev/null
	@./setup.sh requirements/pages.txt >/dev/null
	@conf/spark/archive.sh

demo: setup ## four days of six sources, landed, loaded and shown (CALLS=, CUSTOMERS= a day)
	@$(PYTHON) -m demo --calls $(CALLS) --customers $(CUSTOMERS)

run: setup ## DATE=D, or FROM=D TO=D [SOURCE=S] [REPLAY=1]: the demo's days as the schedule does them
	@code=0; $(WITH_SERVICES) $(WITH_POSTGRES) ./spark-submit.sh run $(DAYS) $(if $(SOURCE),--source $(SOURCE)) $(if $(REPLAY),--replay) || code=$$?; \
	case $$code in 64 | 78) ;; *) ./dbt.sh build $(if $(DATE),--from $(DATE) --to $(DATE),--from $(FROM) --to $(TO)) ;; esac; exit $$code

headline: setup ## the headline numbers from Gold
	@./dbt.sh headline

pages: setup ## two offline pages: what customers complain about, and whether to trust it (ARGS="--env E --out DIR")
	@$$(./setup.sh requirements/pages.txt) -m pages $(ARGS)

docs: setup ## dbt's documentation, source to Gold, as one offline page
	@./dbt.sh docs

status: setup ## the ledger: what was delivered, landed, rejected and loaded
	@./spark-submit.sh status

check: setup ## is all configuration valid?
	@./spark-submit.sh check

test: setup ## the tests
	@$(PYTHON) -m pytest -q -m "not slow" $(OTHERS)

test-all: setup test-dbt test-s3 test-cluster test-page ## the heavier tests
	@$(PYTHON) -m pytest -q -m slow $(OTHERS)

test-s3: setup ## sources and lake on an S3 server (moto, on loopback), faults included
	@$(PYTHON) -m pytest -q tests/s3

test-cluster: setup ## a standalone Spark cluster: a master and two workers
	@$(PYTHON) -m pytest -q tests/cluster

test-page: ## the two pages in headless Chromium: every number, accessibility, a year of data
	@$$(./setup.sh requirements/pages-test.txt) -m pytest -q tests/pages

test-dbt: setup ## Silver and Gold: replays, corrections, a planted fan-out, offline
	@cd dbt && $$(../setup.sh requirements/dbt-test.txt) -m mypy --strict build.py headline.py warehouse.py plugins/bronze.py
	@$$(./setup.sh requirements/dbt-test.txt) -m pytest -q tests/dbt

test-sources: setup ## Postgres, SSM, Google Sheets, REST: faults, TLS, credentials that show nowhere
	@$(PYTHON) -m pytest -q tests/unit/test_credentials.py tests/unit/test_sheets.py tests/unit/test_api.py \
		tests/spark/test_postgres.py tests/spark/test_fetched.py tests/e2e/test_canaries.py tests/e2e/test_sources_elsewhere.py

lint: setup ## ruff, mypy, import-linter, sqlfluff, yamllint, shellcheck
	@$(BIN)ruff check jobs demo tests bench dbt pages
	@$(BIN)ruff format --check jobs demo tests bench dbt pages
	@$(BIN)mypy
	@$(BIN)lint-imports >/dev/null || $(BIN)lint-imports
	@$$(dirname $$(./setup.sh requirements/dbt.txt))/sqlfluff lint dbt/models dbt/tests >/dev/null || $$(dirname $$(./setup.sh requirements/dbt.txt))/sqlfluff lint dbt/models dbt/tests
	@$(BIN)yamllint --strict $$(git ls-files '*.yml' '*.yaml' .yamllint)
	@$(BIN)shellcheck -x $$(git ls-files '*.sh' .ci/run)

bench-day: setup ## a 100k-call day against bare Spark: medians of interleaved ratios
	@$(PYTHON) -m bench.day

bench-sources: setup ## landing a table against COPY: CPU a row, the slope between 100,000 and 500,000
	@$(PYTHON) -m bench.sources

bench-s3: setup ## the same day on an S3 server against folders: at most 1.3 times the CPU
	@$(PYTHON) -m bench.s3

lock: ## compile the lock files anew from their .in files
	@uv=$(BIN)uv; compile="$$uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links"; \
	$$compile requirements.in -o requirements.txt; \
	$$compile -c requirements.txt requirements/dev.in -o requirements/dev.txt; \
	$$compile requirements/dbt.in -o requirements/dbt.txt; \
	$$compile -c requirements/dbt.txt requirements/dbt-test.in -o requirements/dbt-test.txt; \
	$$compile -c requirements/dev.txt requirements/pages.in -o requirements/pages.txt; \
	$$compile -c requirements/pages.txt requirements/pages-test.in -o requirements/pages-test.txt; \
	$$compile requirements/uv.in -o requirements/uv.txt

clean: ## remove what the demo made (.local)
	@rm -rf .local
