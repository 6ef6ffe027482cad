# `make` shows what there is. Needed beforehand: Python 3.11 or newer with venv, and make; the rest comes with `make setup`.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo demo-stop test test-unit test-integration test-attacks test-long soak check format bench clean

UV_VERSION := 0.13.9
PYTHON ?= $(firstword $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python; done))
BIN := .venv/bin
STAMP := .venv/.set-up
REPORTS ?= 200000
FAULTS ?= 200
SEED ?=
# One more than there are cores: a test waits for the database half of its time.
PYTEST := $(BIN)/pytest -n 3 --dist worksteal

help: ## Show this
	@awk 'BEGIN { FS = ":.*## " } \
		/^## / { printf "\n%s\n", substr($$0, 4) } \
		/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

## Begin

setup: $(STAMP) ## Make .venv with all that is needed; does nothing when nothing changed

demo: setup ## Three months of seven creditors, seen through to the municipality's desk; leaves both running
	@$(BIN)/vroegsein demo

demo-stop: setup ## End what `make demo` left running
	@$(BIN)/vroegsein demo --stop

## Test

test: setup ## All tests, three at a time
	@$(PYTEST)

test-unit: setup ## The tests that need no database
	@$(PYTEST) tests/unit

test-integration: setup ## The tests on a real PostgreSQL, which they start themselves
	@$(PYTEST) tests/integration

test-attacks: setup ## Attacks on the running service and its database, each from an attacker's position
	@$(PYTEST) tests/attacks

test-long: setup ## Property tests with many more examples, the changed rule sets, then the soak
	@TEST_BUDGET=long $(PYTEST) -m "hypothesis or mutation" -o timeout=7200
	@$(MAKE) --no-print-directory soak

soak: setup ## FAULTS faults (200) in a running service; SEED repeats an earlier soak (docs/faults.md)
	@$(BIN)/python -m tests.soak --faults $(FAULTS) $(if $(SEED),--seed $(SEED))

check: setup ## Lint, form and types, as pre-commit and CI do
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: setup ## Put the code in form, and mend what ruff can mend safely
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

## Measure

bench: setup ## Ingest of REPORTS reports (200000) over HTTP, next to a plain \copy of the same
	@$(BIN)/python -m bench.ingest --reports $(REPORTS) --json

## Tidy

clean: ## Remove .venv, caches and what was built; the demo's data stay
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Without a home to write to (an empty environment, a system user) neither tool keeps a cache. UV_SYSTEM_CERTS: many
# networks of municipalities have a certificate authority of their own, which the system knows and uv's own list does not.
$(STAMP): pyproject.toml uv.lock
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found; install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@set -eu; \
	if ! test -w "$${HOME:-/nonexistent}"; then export PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1; fi; \
	export PIP_DISABLE_PIP_VERSION_CHECK=1 UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=1 UV_PROJECT_ENVIRONMENT=.venv; \
	unset VIRTUAL_ENV PYTHONPATH PYTHONHOME UV_PYTHON; \
	if ! $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		echo "Making .venv with $(PYTHON)"; rm -rf .venv; \
		$(PYTHON) -m venv .venv || { rm -rf .venv; echo "Python's venv is missing; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }; \
	fi; \
	if test "$$($(BIN)/uv --version 2>/dev/null | cut -d ' ' -f 2)" != "$(UV_VERSION)"; then \
		$(BIN)/python -m pip install --quiet "uv==$(UV_VERSION)"; \
	fi; \
	$(BIN)/uv sync --quiet --locked --all-extras --python $(BIN)/python; \
	touch $@
