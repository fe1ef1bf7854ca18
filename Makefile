# Every target makes the virtual environment that it needs, and is quick the second time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ALONE := $(VENV)-wheel
BASE := $(VENV)-base
PIP := -m pip --disable-pip-version-check
# The default editable install lets any folder called deep/ in the current directory shadow the package.
EDITABLE := --config-settings editable_mode=compat
# One process more than two cores: some tests wait for servers and browsers. Files of tests stay together where that is
# as quick, so that what a file prepares is prepared once.
SIDE_BY_SIDE := -n 3 --dist worksteal

.PHONY: install demo test check page-check tests soak fuzz docs wheel wheel-test base-test bench clean

install: $(VENV)/.warm $(VENV)/.annoy

demo: $(VENV)/.demo
	$(BIN)/semblance demo -o demo

# The kernels are compiled while mypy looks at the sources: else each process of the tests compiles what it calls.
test: $(VENV)/.dev $(VENV)/.annoy
	+$(MAKE) --output-sync=target -j 2 check $(VENV)/.warm
	+$(MAKE) tests wheel-test

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

tests: $(VENV)/.dev $(VENV)/.annoy
	$(BIN)/pytest $(SIDE_BY_SIDE) -q

# What takes too long for every run, some hours: a thousand faults, kills and flips, a million mutated inputs,
# readers beside a writer for ten minutes, and commands of the documents that take more than 20 seconds.
soak: $(VENV)/.dev
	$(BIN)/pytest -q -m soak

# Mutated inputs of every kind, for an hour; prints the table of docs/explanation/reliability.md.
fuzz: $(VENV)/.dev
	cd tests && ../$(BIN)/python -m support.fuzz --seconds $(or $(SECONDS),3600)

docs: $(VENV)/.docs
	$(BIN)/sphinx-build -q -W --keep-going -d build/doctrees docs build/docs

wheel: $(VENV)/.dev
	rm -rf build dist
	$(BIN)/python -m build --wheel --outdir dist . > $(VENV)/wheel.log 2>&1 || { cat $(VENV)/wheel.log; exit 1; }

# The scripts of the page by TypeScript's checker and eslint: for those who change them; needs Node.
PAGE_TOOLS := npx --yes -p typescript@5.9 -p eslint@9.39
page-check:
	$(PAGE_TOOLS) tsc -p tests/viewer/page/jsconfig.json
	cd viewer/static/page/js && $(PAGE_TOOLS) eslint -c ../../../../tests/viewer/page/eslint.config.mjs .

# The built wheel, alone in an environment without torch and without tools, away from the sources. It runs the demo itself, and
# what two files of tests take long to show is shown of the sources alone.
wheel-test: wheel | $(ALONE)/bin/python
	$(ALONE)/bin/python $(PIP) install -q --force-reinstall --no-deps dist/*.whl
	wheel=$$(ls dist/*.whl) && $(ALONE)/bin/python $(PIP) install -q -c constraints.txt "$$wheel" pytest pytest-xdist hypothesis psutil
	$(ALONE)/bin/semblance warm
	root=$$PWD && cd "$$(mktemp -d)" && SEMBLANCE_WHEEL=$$(ls "$$root"/dist/*.whl) "$$root"/$(ALONE)/bin/pytest $(SIDE_BY_SIDE) -q \
		-c "$$root"/setup.cfg -p no:cacheprovider --ignore-glob '*/test_planted_names.py' --ignore-glob '*/cli/commands/test_demo.py' \
		"$$root"/tests/test_packaging.py "$$root"/tests/cli "$$root"/tests/viewer "$$root"/tests/semblance

# What the base packages can do, without torch, by any Python: make base-test PYTHON=python3.13
base-test: | $(BASE)/bin/python
	$(BASE)/bin/python $(PIP) install -q -c constraints.txt $(EDITABLE) -e . pytest hypothesis psutil
	$(BASE)/bin/pytest -q -p no:cacheprovider tests --ignore tests/benchmarks --ignore tests/documents

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks.run

clean:
	rm -rf $(VENV) $(ALONE) $(BASE) build dist demo *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/bin/python $(ALONE)/bin/python $(BASE)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Semblance needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(@D:/bin=)

$(VENV)/.demo: setup.cfg pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python $(PIP) install -q -c constraints.txt $(EDITABLE) -e '.[deep,hnsw,pacs,slides,viewer]'
	touch $@

# The kernels, compiled once: else the first index of the user waits for that.
$(VENV)/.warm: $(VENV)/.demo
	$(BIN)/semblance warm
	touch $@

# Trees of dense vectors. Annoy comes as C++ alone: without a compiler all else works. CI sets REQUIRE_ANNOY.
$(VENV)/.annoy: setup.cfg constraints.txt | $(VENV)/bin/python $(VENV)/.demo
	@if $(BIN)/python $(PIP) install -q -c constraints.txt annoy > $(VENV)/annoy.log 2>&1; then touch $@; \
	elif [ -n "$(REQUIRE_ANNOY)" ]; then cat $(VENV)/annoy.log; exit 1; \
	else echo "annoy is left out, as it needs a C++ compiler (see $(VENV)/annoy.log): --ranker annoy will not work"; fi

$(VENV)/.dev: setup.cfg pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python $(PIP) install -q -c constraints.txt $(EDITABLE) -e '.[cloud,deep,hnsw,milvus,pacs,scale,slides,timm,viewer,dev]'
	touch $@ $(VENV)/.demo

$(VENV)/.docs: setup.cfg pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python $(PIP) install -q -c constraints.txt $(EDITABLE) -e '.[docs]'
	touch $@
