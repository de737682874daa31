# One command for each thing. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help install run test check bench docs new

PYTHON ?= python3
BIN := .venv/bin
# the environment is made again only when one of these changed
SOURCES := requirements.lock pyproject.toml hatch_build.py

help: ## list these commands
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r name what; do printf '  make %-9s %s\n' "$$name" "$$what"; done

install: .venv/installed ## make the environment: locked libraries, front-end assets, the wasl command

.venv/installed: $(SOURCES)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Wasl needs Python 3.11 or newer: install one, and name it as in 'make install PYTHON=python3.12'."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "This Python makes no environments: install its venv package (on Debian: apt-get install python3-venv)."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

run: install ## run Wasl with the demo country at http://127.0.0.1:8000/ (Ctrl-C stops it)
	@$(BIN)/wasl up --demo

# by file: the tests of one file share the instance that it starts
test: install ## run all tests, browser journeys included
	@.ci/needs
	$(BIN)/pytest -n 2 --dist loadfile

check: install ## format, lint, types, contracts, migrations, translations, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/wasl docs --check
	$(BIN)/wasl migrate --check
	$(BIN)/wasl words --check

bench: install ## measure: images a second beside Orthanc, as ratios within one run
	@.ci/needs
	@PYTHONPATH=. $(BIN)/python bench/store.py

docs: install ## write the reference pages from the code
	$(BIN)/wasl docs

new: install ## start a module: make new NAME=beds
	$(BIN)/wasl new $(NAME)
