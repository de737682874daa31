# One command for each thing. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help install run test hard check bench docs new

PYTHON ?= python3
BIN := .venv/bin
# the environment is made again only when one of these changed
SOURCES := requirements.lock pyproject.toml hatch_build.py $(wildcard frontend/*.json frontend/*.txt frontend/*.py)

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

# tests/conftest.py says which tests stay together, and in which order they come
test: install ## run all tests, browser journeys included
	@.ci/needs
	$(BIN)/pytest -n 3

hard: install ## the long runs: images under kill -9 and cuts, a database away, three days without the line, five thousand slices, nonsense
	@.ci/needs
	@WASL_LONG=$${WASL_LONG:-10000} WASL_SEED=$${WASL_SEED:-$$RANDOM} WASL_AWAY=$${WASL_AWAY:-60} $(BIN)/pytest -s \
		tests/edges/test_kill.py tests/edges/test_database_away.py
	@WASL_DOWNTIME=$${WASL_DOWNTIME:-300} $(BIN)/pytest -s tests/edges/test_downtime.py
	@WASL_SLICES=$${WASL_SLICES:-5000} $(BIN)/pytest -s tests/edges/test_many_slices.py
	@WASL_FUZZ=$${WASL_FUZZ:-20} $(BIN)/pytest \
		tests/edges/test_fuzz.py tests/edges/test_fuzz_dimse.py tests/edges/test_fuzz_json.py tests/archive/test_fuzz.py

check: install ## format, lint, types, contracts, migrations, translations, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/wasl docs --check
	$(BIN)/wasl migrate --check
	$(BIN)/wasl words --check

bench: install ## measure: images taken in and given beside Orthanc, HTJ2K, copies in S3, thin lines, earlier exams in time, an outage put in order, an instance lost and restored, acts in doubt, who reads next, a day under load, the evaluation, who is who, a desk's questions; ratios within one run
	@.ci/needs
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r bench/requirements.lock
	@figures=$$(mktemp); trap 'rm -f "$$figures"' EXIT; export BENCH_FIGURES="$$figures" PYTHONPATH=.; \
	for script in store stow give htj2k keep thin line gateway priors downtime standby doubts dispatch load evaluation identity register goals; do $(BIN)/python bench/$$script.py; done

docs: install ## write the reference pages from the code
	$(BIN)/wasl docs

new: install ## start a module: make new NAME=beds
	$(BIN)/wasl new $(NAME)
