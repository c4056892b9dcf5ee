# Everything a newcomer needs: `make run`, `make test`. Only Python 3.11 or newer and make must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := shared system_apis system_apis/sandboxes process_apis experience_apis
MANIFESTS := $(PACKAGES:%=%/pyproject.toml)
PORT ?= 8080
export PORT
export PYTHONDONTWRITEBYTECODE :=# each process would compile anew what the one before it has compiled

.DEFAULT_GOAL := help
.PHONY: help run test test-alone test-beside check bench lock generated clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  Options: PORT=8080 moves the edge, ONCE=1 ends after one order, TOPOLOGY=split runs three processes."

$(VENV)/.run: requirements.lock $(MANIFESTS)
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Triptych needs Python 3.11 or newer; set PYTHON=/path/to/it.")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what Triptych runs on …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(PACKAGES:%=-e ./%)
	@$(BIN)/python -m compileall -q $(PACKAGES:%=%/src)
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo "Installing what the tests need …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

run: $(VENV)/.run ## Start the suite with stand-in backends, place one order, serve until Ctrl-C
	@$(BIN)/triptych up $(or $(TOPOLOGY),fused) --order $(if $(ONCE),--once)

# A test that fails beside others is run once more alone and must pass there: a loaded machine is no defect of the
# product. What passes only then is listed, and is a defect of the test. Five: no test has this mark; one: some failed.
AGAIN = case $$? in 0|5) ;; 1) echo "Once more, alone, what failed beside others:"; \
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none --verbose -m
test: $(VENV)/.dev ## Run every test (real Valkey, SQLite, PostgreSQL and HTTP on loopback)
	@$(MAKE) --no-print-directory test-alone
	@$(MAKE) --no-print-directory test-beside

# Measures time or starves processes. First, because it compiles the tests once, and three workers need not each do so.
test-alone: $(VENV)/.dev
	@$(BIN)/python -m pytest --cache-clear -m alone $(ARGS) || $(AGAIN) alone $(ARGS);; *) exit 1;; esac

test-beside: $(VENV)/.dev
	@$(BIN)/python -m pytest --cache-clear -n 3 --dist loadscope --no-loadscope-reorder -m "not alone" $(ARGS) || $(AGAIN) "not alone" $(ARGS);; *) exit 1;; esac

check: $(VENV)/.dev ## Lint, types, fences, declarations, generated files
	@$(BIN)/ruff format --check --quiet . || { echo "Run: $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/basedpyright --warnings
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/triptych check

bench: $(VENV)/.dev ## Measure, as ratios within one run
	@$(BIN)/python tests/benchmarks $(ARGS)

generated: $(VENV)/.run ## Write deploy/call_graph.md, deploy/openapi and deploy/access anew
	@$(BIN)/triptych check --write

lock: ## Resolve dependencies anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-package triptych-shared --no-header $(MANIFESTS) --group build -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-package triptych-shared --no-header --group dev -c requirements.lock -o requirements-dev.lock

clean: ## Remove the environment and all state
	rm -rf $(VENV) .state
