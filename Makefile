# Every target sets up what it needs by itself; `make` alone lists them.
# PYTHON=/path/to/python3.12 names the Python to use, ARGS="-k name" passes options to pytest.

.DEFAULT_GOAL := help
.PHONY: bench check clean demo fix fleet help local lock test zip
MAKEFLAGS += --no-print-directory

# A version manager's shim may be on PATH and yet not run: take the first that does.
BOOT = $(or $(shell for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	$$python -c '' 2>/dev/null && command -v $$python && break; done), \
	$(error Python 3.11 or newer is needed and none runs: install one, \
	or name one with `make PYTHON=/path/to/python3.11`))
SETUP = PYTHON="$(PYTHON)" $(BOOT) scripts/setup.py
BIN = .venv/bin
RUN = exec env PYTHONPATH=tests:lambda $(BIN)/python

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-6s %s\n", $$1, $$2}' Makefile

demo: ## Show the main job on a local AWS: tag a bucket, get its twin
	@$(SETUP) terraform dev
	@$(RUN) -m scripts.demo --parent $$PPID

local: ## The same, and leave the local AWS running to play with (PORT=4567, WORLD=second)
	@$(SETUP) terraform dev
	@$(RUN) -m scripts.demo --parent $$PPID --keep $(if $(PORT),--port $(PORT)) $(if $(WORLD),--world $(WORLD))

bench: ## Measure seconds to protect, API calls and the time of a plan
	@$(SETUP) terraform dev
	@$(RUN) -m benchmarks.protect
	@$(RUN) -m benchmarks.plan

fleet: ## Measure 500 buckets tagged at once, a sweep, the copying of 5,000 old objects, and 100 first copies
	@$(SETUP) terraform dev
	@$(RUN) -m benchmarks.fleet $(if $(CUSTODIAN),--custodian $(CUSTODIAN))
	@$(RUN) -m benchmarks.backfill
	@$(RUN) -m benchmarks.queue

test: ## Run all tests: unit, functional, plan, compliance, end to end
	@$(SETUP) terraform dev compliance $(if $(CI),terraforms)
	@$(BIN)/python -m pytest -n 3 --no-loadscope-reorder $(if $(CI),--cov) $(ARGS)

check: ## Check style and types, and that the zip is fresh
	@$(SETUP) terraform dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --python-version 3.13 lambda/s3_dr
	PYTHONPATH=tests $(BIN)/python -m harness.toolchain fmt -check -diff -recursive
	$(BIN)/python lambda/package.py --check
	$(BIN)/python scripts/readme_tables.py --check

fix: ## Format Python and Terraform, and mend what can be mended
	@$(SETUP) terraform dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	PYTHONPATH=tests $(BIN)/python -m harness.toolchain fmt -recursive

zip: ## Build lambda/dist/s3_dr.zip from lambda/s3_dr
	@$(BOOT) lambda/package.py

lock: ## Write the lock files anew (UPGRADE=--upgrade takes newer versions)
	@$(SETUP) lock
	@for name in dev compliance; do \
		.cache/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --no-annotate \
			--custom-compile-command 'make lock' $(UPGRADE) \
			requirements/$$name.in --output-file requirements/$$name.txt || exit; \
	done

clean: ## Remove the virtual environments and every cache
	rm -rf .venv .venv-compliance .cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
