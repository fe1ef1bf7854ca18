# Every target makes the virtual environment that it needs, and is quick the second time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The default editable install lets any folder called deep/ in the current directory shadow the package.
EDITABLE := --config-settings editable_mode=compat
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: install demo test check tests wheel-test bench clean

install: $(VENV)/.demo

demo: $(VENV)/.demo
	$(BIN)/semblance demo -o demo

test: check tests wheel-test

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

tests: $(VENV)/.dev
	$(BIN)/pytest -n 2 -q

# The built wheel, alone in a clean environment without torch, away from the sources.
wheel-test: $(VENV)/.dev $(VENV)-wheel/.made
	rm -rf build dist
	$(BIN)/python -m build --wheel --outdir dist . > $(VENV)/wheel.log 2>&1 || { cat $(VENV)/wheel.log; exit 1; }
	$(VENV)-wheel/bin/python -m pip --disable-pip-version-check install -q --no-deps --force-reinstall dist/*.whl
	$(BIN)/python tests/in_clean_environment.py $(VENV)-wheel

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) $(VENV)-wheel build dist demo *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Semblance needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: setup.cfg pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -q -c constraints.txt $(EDITABLE) -e '.[demo]'
	touch $@

$(VENV)/.dev: setup.cfg pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -q -c constraints.txt $(EDITABLE) -e '.[demo,dev]'
	touch $@ $(VENV)/.demo

$(VENV)-wheel/.made: setup.cfg constraints.txt
	rm -rf $(VENV)-wheel
	$(PYTHON) -m venv $(VENV)-wheel
	$(VENV)-wheel/bin/python -m pip --disable-pip-version-check install -q -c constraints.txt -e '.[demo]' pytest hypothesis psutil
	$(VENV)-wheel/bin/python -m pip --disable-pip-version-check uninstall -q -y semblance
	touch $@
