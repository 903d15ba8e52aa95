# make help says what there is. Everything runs in .venv, which tools/venv.sh makes and completes.
PYTHON = .venv/bin/python

# How many tests run side by side: most of them wait for something. 0: one after the other.
WORKERS ?= 2

.PHONY: help run test test-all check format perf perf-check verdict screenshots venv

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

run: ## open the console (make run ARGS="up demo 2 -r")
	@./kapture.sh $(ARGS)

test: check ## all checks and all tests (PYTEST="-k ledger" narrows them)
	@$(PYTHON) -m pytest -n $(WORKERS) $(PYTEST)

test-all: ## the same, and those that hurt whole stacks on a cluster for minutes
	@KAPTURE_THOROUGH=1 $(MAKE) test

check: venv ## lint, format, types, import contracts
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@.venv/bin/lint-imports --no-logo

format: venv ## repair what the linter and the formatter can repair
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

perf: venv ## measure this software itself: table, ratios, JSON
	@$(PYTHON) -m benchmark.perf $(ARGS)

perf-check: venv ## fail when a measured ratio falls below its goal
	@$(PYTHON) -m benchmark.perf --check $(ARGS)

verdict: venv ## see that verdicts are true: on simulated clusters, here, and on the cluster that KUBECONFIG names
	@$(PYTHON) -m benchmark.verdict $(ARGS)
	@KAPTURE_THOROUGH=1 KAPTURE_VERDICT=1 $(PYTHON) -m pytest tests/local/test_bench.py tests/cluster/test_bench.py

screenshots: venv ## make all pictures of the docs anew, in four minutes
	@$(PYTHON) tools/screenshots.py

venv:
	@sh tools/venv.sh dev
