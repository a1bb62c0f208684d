# GrantFlow: each target sets up what is missing, by itself. Needs Python >= 3.11, make and git.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header pyproject.toml
READY := .venv/.ready
PEERS := .venv/bench/.ready

.DEFAULT_GOAL := help
.PHONY: help demo serve test bench check wheel lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## play the 2023 call from publication to the last closed case (ARGS=--keep to look on)
	@$(BIN)/grantflow demo $(ARGS)

serve: $(READY) ## serve the HTTP interface at http://127.0.0.1:8000 (documentation at /docs)
	@$(BIN)/grantflow serve

test: $(READY) ## run all tests, on a real PostgreSQL that they start themselves
	@$(BIN)/pytest -q -n 2 --dist worksteal

bench: $(PEERS) ## measure beside others on the same database (ROUNDS=1 SCALE=small for a smoke; ARGS="--only http")
	@PYTHONPATH=tests $(BIN)/python -m benchmarks --rounds $(or $(ROUNDS),5) --scale $(or $(SCALE),full) $(ARGS)

check: $(READY) ## check format, lint, types, import layers and definitions
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@for call in workflows/calls/*/; do $(BIN)/grantflow call check "$$call" || exit; done

wheel: $(READY) ## build the wheel into dist/
	@$(BIN)/uv build --wheel --no-build-isolation --offline --python $(BIN)/python --out-dir dist .

lock: $(READY) ## lock the dependencies anew, with hashes (newer versions: make lock UPGRADE=--upgrade)
	@$(LOCK) $(UPGRADE) --output-file requirements/runtime.txt
	@$(LOCK) $(UPGRADE) --group dev --extra tracing --constraints requirements/runtime.txt --output-file requirements/dev.txt
	@$(filter-out pyproject.toml,$(LOCK)) $(UPGRADE) --group bench --constraints requirements/runtime.txt --output-file requirements/bench.txt

clean: ## remove the environment and everything built (not the data in .grantflow)
	@rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "GrantFlow needs Python 3.11 or newer, and '$(PYTHON)' is not. Name one: make PYTHON=python3.11"; exit 1; }
	@echo "Setting up .venv (once; later runs start at once) ..."
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(PIP) install --require-hashes --only-binary :all: --requirement requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(READY)

$(PEERS): requirements/bench.txt $(READY)
	@echo "Setting up .venv/bench, what GrantFlow is measured beside (once) ..."
	@$(PYTHON) -m venv --clear .venv/bench
	@.venv/bench/bin/python -m pip --quiet --disable-pip-version-check --no-input install \
		--require-hashes --only-binary :all: --requirement requirements/bench.txt
	@touch $(PEERS)
