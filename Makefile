# The commands people type. A fresh machine needs Python 3.11 or newer, Java 17 and make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
CONFIG ?= conf/online_retail.yaml

# A Spark or Python path of the caller's shell would be mixed with the one installed here.
unexport SPARK_HOME
unexport SPARK_CONF_DIR
unexport PYTHONPATH
# Scripts of the environment find its Python and its Spark through PATH.
# One thread per process for linear algebra: small fits on several threads mostly wait for each other.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help preflight install jars kernels demo docs reference lint check test bench bench-accuracy bench-models bench-plan bench-scale clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

preflight: ## say what this machine lacks
	@$(PYTHON) -c 'from __future__ import annotations' 2>/dev/null || { echo "skucast: $(PYTHON) is missing or far too old: install Python 3.11 or newer, or run make PYTHON=its-name" >&2; exit 2; }
	@$(PYTHON) lib/skucast/setup/preflight.py

install: $(VENV)/.installed ## everything into .venv

$(VENV)/.installed: pyproject.toml conf/constraints.txt | preflight
	@echo "installing into $(VENV), which takes about two minutes the first time"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --disable-pip-version-check -c conf/constraints.txt -e '.[dev,notebooks]' > $(VENV)/install.log 2>&1 \
		|| { $(PYTHON) lib/skucast/setup/preflight.py --pip-log $(VENV)/install.log; echo "skucast: the whole output is in $(VENV)/install.log" >&2; exit 2; }
	@touch $@

jars: install ## Delta's jars into the Spark of .venv
	@$(BIN)/python -m skucast.setup.jars

kernels: install ## compile the kernels, once per machine
	@$(BIN)/python -m skucast.setup.kernels

demo: jars kernels ## from order lines to an order plan, on the packaged sample
	$(BIN)/skucast nightly --config $(CONFIG)
	$(BIN)/skucast show order_plan --top 10 --config $(CONFIG)

docs: install ## the documentation as a site, into build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet -f conf/mkdocs.yml

reference: install ## the reference pages of docs/, from the code
	$(BIN)/python -m skucast.cli.reference docs/reference

lint: install ## style, types and layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint kernels ## lint and the tests that need no Spark: about four minutes
	$(BIN)/pytest -q -n 2 --dist loadgroup -m "not spark and not cluster"

test: lint jars kernels ## lint and all tests: about twenty minutes on two quiet cores (HYPOTHESIS_PROFILE=deep looks further)
	$(BIN)/pytest -q -n 2 --dist loadgroup --no-loadscope-reorder

bench: jars kernels ## seconds of each stage
	$(BIN)/python benchmarks/scale/stages.py

bench-models: install kernels ## the models beside the packages they replace
	$(BIN)/python -m benchmarks.parity.prophet_parity --series 60 --timed 5
	$(BIN)/python -m benchmarks.parity.sarima_parity 45
	$(BIN)/python -m benchmarks.parity.automatic_parity --series 60
	$(BIN)/python -m benchmarks.parity.intermittent_parity
	$(BIN)/python -m benchmarks.parity.m5_size

bench-accuracy: install kernels ## forecasts beside those of other packages, on held-out periods
	$(BIN)/python -m benchmarks.accuracy.accuracy

bench-plan: jars kernels ## from forecasts to orders and alerts for a million items in local[2]
	$(BIN)/python -m benchmarks.plan.plan_scale

bench-scale: jars kernels ## the forecast stage on a million synthetic series (two hours on 2 cores)
	$(BIN)/python benchmarks/scale/scale.py

clean: ## remove what can be made again
	rm -rf $(VENV) build dist warehouse spark-warehouse metastore_db derby.log .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
