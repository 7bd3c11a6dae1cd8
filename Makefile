# For users: make lab, make test. Both make .venv and install into it where that has not been done yet.
SHELL := /bin/bash
PYTHON ?= python3
ARGS ?=
WORKERS ?= 2
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
export PYTHON
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Modules are compiled once, whatever the shell says: a hundred processes start here.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help lab test check fast slow browser lock clean

.NOTPARALLEL:

help:
	@echo "make lab       open JupyterLab on the notebooks (NO_BROWSER=1: only print the address; ARGS=...: passed on)"
	@echo "make test      every check, the cheap ones first"
	@echo "make fast      style, floors, types and the fast tests only"
	@echo "make lock      resolve constraints.txt anew for what pyproject.toml asks (remove it first to upgrade)"
	@echo "make clean     remove .venv and everything that is made"

lab: .venv/.installed
	$(BIN)/workbench lab $(if $(NO_BROWSER),--no-browser) $(ARGS)

test: fast slow browser

fast: check
	$(PYTEST) -n $(WORKERS) --dist loadfile -m "not slow and not notebook and not browser"

check: .venv/.installed-for-tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

slow: .venv/.installed-for-tests
	$(PYTEST) -n $(WORKERS) --dist worksteal -m "(slow or notebook) and not browser" tests

browser: .venv/.installed-for-tests
	$(PYTEST) -m browser tests/browser tests/reports

.venv/.installed: pyproject.toml constraints.txt
	.ci/install '.'
	@touch $@

.venv/.installed-for-tests: pyproject.toml constraints.txt
	.ci/install '.[scale,postgres,models,energy,track,export,test,dev]'
	@touch $@ .venv/.installed

lock: .venv/.installed-for-tests
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --no-annotate --custom-compile-command "make lock" pyproject.toml -o constraints.txt

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
