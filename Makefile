# gearshift: `make run` serves, `make test` tests, `make help` lists the rest.
#
# An environment is a stamp in its folder that is newer than its lock, so a second run is quick.

VENV := .venv
DEV  := .venv-dev
SERVE_STAMP := $(VENV)/.installed
DEV_STAMP   := $(DEV)/.installed

# Data and services that the tests use where they exist, and skip with a reason where not.
export GEARSHIFT_SHARED_DATA ?= $(realpath ../shared/data)
# One thread for each of the processes that tests and training start: more of them only wait for one another.
export OPENBLAS_NUM_THREADS ?= 1
TEST_POSTGRES := postgresql://postgres@127.0.0.1:5432/test

.DEFAULT_GOAL := help
.PHONY: run setup test check fix bench train docs lock help

run: $(SERVE_STAMP)  ## serve on 127.0.0.1:8080, the sandbox answering where nothing is configured (ARGS="--port 9000")
	@exec $(VENV)/bin/gearshift serve $(ARGS)

setup: $(SERVE_STAMP)  ## install without starting; EXTRAS=train adds that extra (train, second, sim, ray, report, postgres, registry, otel)
	@$(if $(EXTRAS),scripts/setup $(VENV) requirements/serve.txt $(EXTRAS))

test: $(DEV_STAMP)  ## run every test, in parallel (ARGS="-k cache -n 0")
	@$(find_postgres); exec $(DEV)/bin/pytest -q -n auto --dist loadfile $(ARGS)

check: $(DEV_STAMP)  ## lint, format, types, import contracts, the house's rules; writes nothing
	@$(DEV)/bin/ruff check
	@$(DEV)/bin/ruff format --check
	@$(DEV)/bin/mypy
	@$(DEV)/bin/lint-imports --no-logo
	@$(DEV)/bin/pytest -q -p no:cacheprovider tests/house

fix: $(DEV_STAMP)  ## mend what lint and format can mend, and write the generated documentation
	@$(DEV)/bin/ruff check --fix
	@$(DEV)/bin/ruff format
	@$(DEV)/bin/python -m scripts.reference

bench: $(DEV_STAMP)  ## run every benchmark, or one: ONLY=overhead
	@for bench in $(basename $(notdir $(wildcard benchmarks/bench_$(or $(ONLY),*).py))); do \
	    $(DEV)/bin/python -m benchmarks.$$bench $(ARGS) || exit 1; done

train: EXTRAS = train
train: setup  ## train a classifier version into the registry (ARGS="--data F --registry DIR")
	@exec $(VENV)/bin/gearshift train $(ARGS)

lock:  ## compile the requirement locks anew; needs uv (ARGS=--upgrade)
	@scripts/lock $(ARGS)

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(SERVE_STAMP): requirements/serve.txt pyproject.toml scripts/setup
	@scripts/setup $(VENV) requirements/serve.txt
	@touch $@

$(DEV_STAMP): requirements/dev.txt pyproject.toml scripts/setup
	@scripts/setup $(DEV) requirements/dev.txt
	@touch $@

# A PostgreSQL is named to the tests only when it answers.
define find_postgres
if [ -z "$$GEARSHIFT_TEST_POSTGRES_URL" ] && \
    $(DEV)/bin/python -c "import psycopg; psycopg.connect('$(TEST_POSTGRES)', connect_timeout=1).close()" 2>/dev/null; \
    then export GEARSHIFT_TEST_POSTGRES_URL=$(TEST_POSTGRES); fi
endef
