# Linux and macOS; README.md gives the same for Windows. `make` alone lists what there is.

VENV := .venv
PY := $(VENV)/bin/python
WORKERS ?= 2
ARGS ?=
UPGRADE ?=

LOCK := $(PY) -m uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)
PYTEST := $(PY) -m pytest -q -n $(WORKERS) --dist loadfile

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run demo test check lint types browser bench lock clean

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-12s %s\n", $$1, $$2}'

run: $(VENV)/run.stamp ## the server on http://127.0.0.1:8501, over the demo base where there is no store yet
	$(PY) dashboard.py $(ARGS) < /dev/null

demo: $(VENV)/run.stamp ## build the demo base anew (ARGS="--people 200 --days 30")
	$(PY) -m data demo $(ARGS)

# What fails is tried once more by itself: a browser on a busy machine can be late once. Failing twice fails.
test: lint types browser ## everything that CI runs: format, lint, types, unit, property, screen and browser tests, docs
	$(PYTEST) $(ARGS) || $(PYTEST) --last-failed --last-failed-no-failures none $(ARGS)

check: lint types ## the part of it that takes less than two minutes
	$(PYTEST) -m "not slow and not browser" $(ARGS)

lint: $(VENV)/dev.stamp ## format and lint
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .

types: $(VENV)/dev.stamp ## mypy
	$(PY) -m mypy

browser: $(VENV)/dev.stamp ## is there a Chromium, and a font with Chinese, for the browser tests?
	@$(PY) -m tests.browser

bench: $(VENV)/dev.stamp ## the budgets beside what was measured (ARGS="--rows 2000000" makes it smaller)
	$(PY) -m bench $(ARGS)

lock: $(VENV)/dev.stamp ## requirements*.in to requirements*.txt with hashes; UPGRADE=1 moves every version to the newest
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-dev.in -c requirements.txt -o requirements-dev.txt

clean: ## remove the environment and what tools left behind; data under var/ stays
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@for python in $(PYTHON) python3.13 python3.12 python3.11 python3 python; do \
		if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
			echo "$$($$python --version) → $(VENV)"; \
			$$python -m venv $(VENV) && exit 0; \
			rm -rf $(VENV); echo "“$$python -m venv” failed; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
		fi; \
	done; \
	echo "Python 3.11, 3.12 or 3.13 is needed and was not found; make PYTHON=/path/to/python names one." >&2; exit 1

$(VENV)/run.stamp: requirements.txt | $(PY)
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt requirements.txt | $(PY)
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/run.stamp
