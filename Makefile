# GrantFlow: each target sets up what is missing, by itself. Needs Python >= 3.11, make and git.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test check wheel lock clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

demo: $(READY) ## play the 2023 call from publication to the last closed case, and tell what happened
	@$(BIN)/grantflow demo

test: $(READY) ## run all tests, on a real PostgreSQL that they start themselves
	@$(BIN)/pytest -q -n 2 --dist worksteal

check: $(READY) ## format, lint, types, import layers and definitions
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy src tests
	@$(BIN)/mypy projections/*.py
	@$(BIN)/lint-imports --no-logo
	@for call in workflows/calls/*; do $(BIN)/grantflow call check $$call || exit 3; done

wheel: $(READY) ## build the wheel into dist/
	@$(BIN)/uv build --wheel --no-build-isolation --offline --python $(BIN)/python --out-dir dist .

lock: $(READY) ## lock the dependencies anew, with hashes
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements/runtime.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --group dev pyproject.toml -o requirements/dev.txt

clean: ## remove the environment and everything built (not the data in .grantflow)
	@rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

$(READY): requirements/dev.txt pyproject.toml
	@echo "Setting up .venv (once; later runs start at once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip --quiet --disable-pip-version-check install --require-hashes --only-binary :all: -r requirements/dev.txt
	@$(BIN)/python -m pip --quiet --disable-pip-version-check install --no-deps --no-build-isolation --editable .
	@touch $(READY)
