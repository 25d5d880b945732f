# Both `make demo` and `make test` set up .venv themselves, from nothing but a Python 3.11.
# On a machine without an Nvidia card, pip can be pointed at PyTorch's smaller wheels for the
# processor with its own PIP_EXTRA_INDEX_URL.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev

.PHONY: help demo test docs wheel format benchmark clean

help:
	@echo "make demo       install, paint docs/demo.jpg and print where the picture is"
	@echo "make test       install, check style and types, run every test"
	@echo "make docs       install, build the documentation's site and print where it is"
	@echo "make wheel      build wheel and sdist, install the wheel elsewhere and paint with it"
	@echo "make format     let ruff rewrite what it can"
	@echo "make benchmark  seconds and memory by size, beside the classic recipe (half an hour)"
	@echo "make clean      remove .venv and everything else that was made here"

demo: $(RUN_STAMP)
	$(BIN)/impasto stylize docs/demo.jpg --style starry-night -o demo.png --force
	@echo "The picture is $(CURDIR)/demo.png"

test: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest --numprocesses logical --dist worksteal

# Strict: a broken link, a picture without a text or a page that the navigation lacks is an error.
# The variable silences a notice about the builder's successor, which is no warning of ours.
docs: $(DEV_STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "The documentation is $(CURDIR)/build/site/index.html"

wheel: $(DEV_STAMP)
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/python tools/try_wheel.py dist

format: $(DEV_STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark: $(DEV_STAMP)
	$(BIN)/python benchmarks/stylize.py --out benchmarks/results

clean:
	rm -rf $(VENV) build dist demo.png .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "There is no '$(PYTHON)' here. Install Python 3.11 or newer, or name one: make PYTHON=python3.12 …" >&2; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)

# The stamps make the second run fast; a changed pyproject.toml installs again. `|` because the
# interpreter has only to exist: its date is that of the Python it links to.
$(RUN_STAMP): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(DEV_STAMP): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(RUN_STAMP) $@
