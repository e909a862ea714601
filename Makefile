# Every command of TrueCandle. Each does its own set-up; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help setup demo run dev test lint unit e2e bench pictures setup-dev lock audit sbom clean

PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/pytest --numprocesses 4 --dist loadfile

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## everything that is needed to run, in .venv/, node_modules/ and static/dist/
	@$(PYTHON) -m tools.setup

demo: setup ## the whole system on simulated data, without network or account (PORT=, REDIS_PORT=, SIM_PORT=)
	@$(BIN)/python -m tools.start demo

run: setup ## the whole system on real Binance data; settings from .env (PORT=, REDIS_PORT=)
	@$(BIN)/python -m tools.start run

dev: setup-dev ## bundles the browser's code anew whenever it changes, beside `make demo` or `make run`
	@$(BIN)/python -m tools.assets watch

test: lint ## all checks and all tests, four files at a time: much of it is waiting; this is what CI runs
	@$(PYTEST)

lint: setup-dev ## style, types and the import ladder
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tools.assets check

unit: setup-dev ## the short tests: rules, store, the browser's code
	@$(PYTEST) tests/test_*.py tests/candles tests/binance tests/store tests/ingest tests/fetcher tests/feed tests/js

e2e: setup-dev ## the tests in a real Chromium, and those that break things
	@$(PYTEST) tests/e2e tests/faults

bench: setup-dev ## every target measured beside its yardstick, some ten minutes; WRITE=1: into docs/measurements.md
	@$(BIN)/python -m bench.all $(if $(WRITE),--write)

pictures: setup-dev ## docs/pictures anew, by the tests that bring each state about
	@PICTURES=1 $(PYTEST) $(addprefix tests/e2e/test_,everyone.py states.py truth.py drawings.py history.py markets.py panes.py studies.py touch.py)

setup-dev:
	@$(PYTHON) -m tools.setup --dev

lock: setup-dev ## turn requirements*.in and package.json into locks with exact versions and hashes
	@$(BIN)/python -m tools.lock

audit: setup ## known weaknesses of what is installed (pip-audit, npm audit) and of our own code (bandit)
	@$(BIN)/python -m tools.audit

sbom: setup ## what the image holds, package by package, as CycloneDX: var/sbom/
	@$(BIN)/python -m tools.audit sbom

clean: ## remove what set-up and runs have made, but not the data in var/
	rm -rf .venv .venv-audit static/dist node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
