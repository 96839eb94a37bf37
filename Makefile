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
WITH_POSTGRES = $(PYTHON) -m demo.postgres --folder .local/postgres --secrets .local/secrets/database --load .local/sources/web_forms --
DAYS = $(if $(DATE),--date $(DATE),--from $(FROM) --to $(TO))
NO_CLOUD = --ignore tests/s3 --ignore tests/cluster
CALLS ?= 20000
CUSTOMERS ?= 50000

.PHONY: help setup demo run status check test test-all test-s3 test-cluster lint bench-day bench-s3 lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

setup: ## everything that has to be downloaded or built, once
	@./setup.sh >/dev/null
	@conf/spark/archive.sh

demo: setup ## four days of five sources, landed, loaded and shown (CALLS=, CUSTOMERS= a day)
	@$(PYTHON) -m demo --calls $(CALLS) --customers $(CUSTOMERS)

run: setup ## DATE=D, or FROM=D TO=D [SOURCE=S] [REPLAY=1]: a day as the schedule does it, on the demo's sources
	@$(WITH_POSTGRES) ./spark-submit.sh run $(DAYS) $(if $(SOURCE),--source $(SOURCE)) $(if $(REPLAY),--replay)

status: setup ## the ledger: what was delivered, landed, rejected and loaded
	@./spark-submit.sh status

check: setup ## is all configuration valid?
	@./spark-submit.sh check

test: setup ## the tests
	@$(PYTHON) -m pytest -q -m "not slow" $(NO_CLOUD)

test-all: setup test-s3 test-cluster ## the heavier tests too
	@$(PYTHON) -m pytest -q -m slow $(NO_CLOUD)

test-s3: setup ## sources and lake on an S3 server (moto, on loopback), faults included
	@$(PYTHON) -m pytest -q tests/s3

test-cluster: setup ## a standalone Spark cluster: a master and two workers
	@$(PYTHON) -m pytest -q tests/cluster

lint: setup ## ruff, mypy, import-linter, yamllint, shellcheck
	@$(BIN)ruff check jobs demo tests bench
	@$(BIN)ruff format --check jobs demo tests bench
	@$(BIN)mypy
	@$(BIN)lint-imports >/dev/null || $(BIN)lint-imports
	@$(BIN)yamllint --strict $$(git ls-files '*.yml' '*.yaml' .yamllint)
	@$(BIN)shellcheck -x $$(git ls-files '*.sh' .ci/run)

bench-day: setup ## a 100k-call day against bare Spark: medians of interleaved ratios
	@$(PYTHON) -m bench.day

bench-s3: setup ## the same day on an S3 server against folders: at most 1.3 times the CPU
	@$(PYTHON) -m bench.s3

lock: ## compile the lock files anew from their .in files
	@uv=$(BIN)uv; compile="$$uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links"; \
	$$compile requirements.in -o requirements.txt; \
	$$compile -c requirements.txt requirements/dev.in -o requirements/dev.txt; \
	$$compile requirements/uv.in -o requirements/uv.txt

clean: ## remove what the demo made (.local)
	@rm -rf .local
