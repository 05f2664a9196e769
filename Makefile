.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
SET ?=
RUN ?= runs/lab
ARGS ?=

.PHONY: help quickstart lab lab-seeds bench claims pictures test test-slow check clean

help:  ## show what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

quickstart: $(BIN)/.installed  ## train SmolLM2 to think and measure how far it carries (SET="--set minutes=4" bounds it)
	$(BIN)/ponder models pull smollm2-135m
	$(BIN)/ponder train recipes/quickstart.toml --resume $(SET)

lab: $(BIN)/.installed  ## train the lab's small model and measure everything about it, two minutes
	$(BIN)/ponder train recipes/lab.toml --resume $(SET)

lab-seeds: $(BIN)/.installed  ## two more seed models, for the studies, from nothing (half an hour to an hour each)
	for seed in 2 3; do $(BIN)/ponder train recipes/lab-seed.toml --set seed=$$seed --out runs/lab-seed-$$seed --resume || exit; done

bench: $(BIN)/.installed  ## beside vLLM, transformers, OpenVINO and TRL, hours (ARGS="--quick", "--only WORK", "--resume")
	$(BIN)/ponder models pull smollm2-135m
	$(BIN)/python -m benchmarks $(ARGS)

claims: $(BIN)/.installed  ## docs/claims.md and .html, from what the studies found
	$(BIN)/ponder claims

pictures: $(BIN)/.installed  ## docs/pictures of the report and the viewer of a finished run (RUN=runs/lab); needs a browser
	PYTHONPATH=tests $(BIN)/python -m viewer.pictures $(RUN) docs/pictures

test: $(BIN)/.installed  ## the fast tests
	$(BIN)/pytest -m "not slow"

$(BIN)/.peers: $(BIN)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,peers]'
	@touch $@

test-slow: $(BIN)/.peers  ## the slow ones too: the real model, whole data sets, all of reasoning-gym, TRL and PEFT
	$(BIN)/pytest

check: $(BIN)/.installed  ## lint, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

clean:  ## remove the environment and caches; runs stay
	rm -rf .venv .pytest_cache .ruff_cache .import_linter_cache
	find src tests examples -name __pycache__ -type d -prune -exec rm -rf {} +
