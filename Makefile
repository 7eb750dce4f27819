# Two commands do all: `make serve` and `make test`. Python 3.11 or newer and make are enough.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
SOURCES := core plugins tests docs
PROTO := switchgear_cursor/proto/agent.proto
PROTOC = $(BIN)/python -m grpc_tools.protoc -I plugins

# Without bytecode on disk each of the suite's many processes would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help serve test test-clients check format lint types imports docs docs-write proto proto-write bench bench-docs clean

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile

serve: $(STAMP) ## run the gateway in demo mode
	@$(BIN)/switchgear serve --demo

test: $(STAMP) ## run the tests
	@$(BIN)/python -m pytest -q -n 3 $(TESTARGS)  # on two cores: many wait for processes

test-clients: $(STAMP) ## run real clients, installed into .clients, against the gateway, and the whole kit on bad plugins
	@SWITCHGEAR_CLIENTS=1 $(BIN)/python -m pytest -q tests/clients tests/core/test_contract_bad_plugins.py $(TESTARGS)

check: format lint types imports docs proto test ## everything that has to be green

format: $(DEV_STAMP)
	@$(BIN)/ruff format --check --quiet $(SOURCES) || { echo "run: $(BIN)/ruff format $(SOURCES)"; exit 1; }

lint: $(DEV_STAMP)
	@$(BIN)/ruff check --quiet $(SOURCES)

types: $(DEV_STAMP)
	@$(BIN)/mypy
	@$(BIN)/mypy tests

imports: $(DEV_STAMP)
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

docs: $(DEV_STAMP)
	@$(BIN)/cog -I . --check -r docs/*.md README.md || { echo "run: make docs-write"; exit 1; }

docs-write: $(DEV_STAMP)
	@$(BIN)/cog -I . -r docs/*.md README.md

proto: $(DEV_STAMP)
	@mkdir -p $(VENV)/proto && $(PROTOC) --python_out=$(VENV)/proto --pyi_out=$(VENV)/proto $(PROTO)
	@diff -q $(VENV)/proto/$(PROTO:.proto=_pb2.py) plugins/$(PROTO:.proto=_pb2.py) && \
	 diff -q $(VENV)/proto/$(PROTO:.proto=_pb2.pyi) plugins/$(PROTO:.proto=_pb2.pyi) || { echo "run: make proto-write"; exit 1; }

proto-write: $(DEV_STAMP)
	@$(PROTOC) --python_out=plugins --pyi_out=plugins $(PROTO)

bench: $(STAMP) ## measure the gateway beside a bare pass-through, in one run
	@$(BIN)/python -m tests.bench $(BENCHARGS)
	@$(BIN)/python -m tests.bench.duplex

bench-docs: $(DEV_STAMP) ## measure it all, and write the figures into docs/performance.md
	@$(BIN)/python -m tests.bench --quiet --rounds 5 --keep docs/performance.json $(BENCHARGS)
	@$(BIN)/python -m tests.bench.costs --keep docs/performance.json
	@$(BIN)/cog -I . -r docs/performance.md

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "cannot make a virtual environment; on Debian: apt install python3-venv"; exit 1; }

$(STAMP): pyproject.toml | $(VENV)/bin/python
	@echo "installing into $(VENV) (once, about half a minute) ..."
	@$(PIP) install -e '.[test]'
	@touch $@

$(DEV_STAMP): pyproject.toml $(STAMP)
	@$(PIP) install -e '.[dev]'
	@touch $@

clean: ## remove the virtual environment and caches
	@rm -rf $(VENV) .ci-venv .clients .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
