# Everything here sets itself up: Python 3.11 or newer, make and a network are enough.
# Another Python: make demo PYTHON=python3.13

.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
DOC_TESTS := $(sort $(wildcard tests/test_project_files.py tests/test_docs*.py tests/*/test_docs*.py))
BENCHES := $(sort $(wildcard tests/bench/bench_*.py))

.PHONY: help demo test test-browser test-wheel lint bench wheel pictures lock clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(READY) ## the whole story on this machine; opens the sample inboxes in a browser (Ctrl-C ends it)
	@$(BIN)/funnel demo $(ARGS)

test: $(READY) ## the tests, in a few minutes; BROWSER=1 adds those that need Chromium, ARGS goes to pytest
	@$(if $(BROWSER),,echo "Without the browser tests. With them: make test BROWSER=1. One file: make test ARGS=tests/core/test_when.py")
	@$(BIN)/python -m pytest --numprocesses auto $(if $(BROWSER),,-m "not browser") $(ARGS)

test-browser: $(READY) ## only the tests that need Chromium
	@$(BIN)/python -m pytest -m browser $(ARGS)

test-wheel: wheel ## the built wheel, installed on its own, runs the demo in an empty folder
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && set -e && \
	$(PYTHON) -m venv "$$folder/venv" && \
	"$$folder/venv/bin/python" -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements.lock && \
	"$$folder/venv/bin/python" -m pip --disable-pip-version-check --quiet install --no-deps dist/funnel-*.whl && \
	mkdir "$$folder/empty" && cd "$$folder/empty" && \
	../venv/bin/funnel demo --no-serve --json > ../demo.json && \
	../venv/bin/python -c 'import json; told = json.load(open("../demo.json")); print("the wheel ran the demo:", *(str(len(one["received"])) + " mails to " + one["email"] + ";" for one in told["contacts"]))'

lint: $(READY) ## style, types, import contracts, and the tests of the documentation
	@failed=0; \
	$(BIN)/ruff check . || failed=1; \
	$(BIN)/ruff format --check . || failed=1; \
	$(BIN)/mypy || failed=1; \
	$(BIN)/lint-imports || failed=1; \
	$(BIN)/python -m pytest $(DOC_TESTS) || failed=1; \
	exit $$failed

bench: $(READY) ## measure and print: build, start, import, throughput (nothing passes or fails)
	@$(if $(BENCHES),,echo "there are no tests/bench/bench_*.py yet")
	@set -e; for file in $(BENCHES); do $(BIN)/python "$$file"; done

wheel: $(READY) ## build dist/funnel-<version>-py3-none-any.whl
	@rm -f dist/funnel-*.whl
	@$(BIN)/python -m build --quiet --wheel --no-isolation --outdir dist .
	@ls dist/funnel-*.whl

pictures: $(READY) ## photograph the README's mail anew (needs Chromium)
	@$(BIN)/python docs/guide/images/make.py

lock: $(READY) ## resolve the dependencies anew and write both lock files (needs the network)
	@$(PIP) install uv
	@$(BIN)/python -m uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --custom-compile-command "make lock" -o requirements.lock
	@$(BIN)/python -m uv pip compile pyproject.toml --group dev --quiet --upgrade --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --custom-compile-command "make lock" -c requirements.lock -o requirements-dev.lock

clean: ## take away everything that make made (not .funnel/, which holds your people and deliveries)
	@rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# The virtual environment; made again when the project's needs or the lock change.
$(READY): pyproject.toml requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "funnel needs Python 3.11 or newer. If it has another name here: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "Python cannot make virtual environments here. On Debian or Ubuntu: sudo apt install python3-venv"; exit 1; }
	@echo "Setting up $(VENV) (the first time this takes a minute) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
