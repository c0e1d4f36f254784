# Each target is one command for a reader or a contributor; `make` alone lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Each is written at the very end of what it stands for.
MADE := $(VENV)/ready $(VENV)/lab-ready $(VENV)/frameworks-ready $(VENV)/assign/ready $(VENV)/lite/ready _build/lite/ready _build/html/index.html _build/html/why-q-minus-p.pdf
ASSIGN := $(VENV)/assign/bin/python -m tools.assign
# pip's warnings are not the reader's; its errors are. Modules are compiled when they are first imported: all at once
# they take as long as the rest of the set-up.
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install -qq --no-compile --requirement
ALONE := $(PYTHON) tools/one_at_a_time.py
# With the settings in tools/lab and the kernel of the environment, whatever else of Jupyter the user has.
LAB := env JUPYTER_CONFIG_PATH=tools/lab JUPYTER_PATH=$(VENV)/share/jupyter $(BIN)/jupyter lab

CHAPTERS := $(sort $(wildcard chapters/*.ipynb chapters/solutions/*.ipynb))
# What they show of PyTorch and JAX.
AT_WORK := $(wildcard frameworks/at_work/*.md frameworks/in_pytorch/*.py frameworks/in_jax/*.py)
# All that a page shows: when none of it is newer than the book, the book is up to date.
PAGES := _config.yml _toc.yml references.bib $(CHAPTERS) $(AT_WORK) $(wildcard *.md api/*.md audits/*.md benchmarks/*.md benchmarks/*.svg chapters/figures/* _static/* \
	$(addprefix xentlib/,*.py */*.py */*/*) tools/*.py tools/pages/*.* tools/pages/*/*.*)
# What goes into the reader's browser when a chapter is run there.
LITE := tools/lite/build.py tools/standalone.py tools/at_work.py references.bib $(CHAPTERS) $(AT_WORK) $(wildcard chapters/data/* $(addprefix xentlib/,*.py */*.py */*.mplstyle */*/*.py */*/*.js */*/*.json */*/*.css))

# Else each kernel and each worker of the tests compiles the library again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help book pdf serve lab assign class board test style test-fast thorough frameworks lite bench audit weigh notebooks experiments exercises picture lock clean FORCE

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

book: _build/html/index.html  ## build the book, warnings as errors
	@echo "The book is at _build/html/index.html: open it in a browser, or run 'make serve'."

pdf: _build/html/why-q-minus-p.pdf  ## print the book as one PDF, with the solutions (needs Chromium)

test: $(VENV)/lab-ready  ## everything that CI runs: style, types, the book, unit tests, doctests, every notebook as on another processor
	@$(MAKE) --no-print-directory --jobs=2 style book
	$(BIN)/pytest tests frameworks
	$(BIN)/python tools/other_processor  # the notebooks and the examples: what holds there was stored here

# For make test, beside the book, which one process builds.
style:
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

test-fast: $(VENV)/ready  ## while you work: the numerics, the prover and the exercises (tests/fast lists the files)
	$(BIN)/pytest @tests/fast

thorough: $(VENV)/lab-ready book  ## all tests, with all that make test leaves to samples (half an hour)
	XENTLIB_THOROUGH=yes $(BIN)/pytest tests frameworks

frameworks: $(VENV)/frameworks-ready  ## install PyTorch and JAX, and test the losses in frameworks/ (its README says how large they are)
	$(BIN)/pytest frameworks tests/frameworks

lite: book  ## run every chapter to its end in the browser (some minutes; make test runs one of them)
	XENTLIB_THOROUGH=yes $(BIN)/pytest -n 0 tests/browser/test_lite.py

serve: book  ## serve the book on this machine (PORT=8000)
	@echo "Serving the book at http://localhost:$(or $(PORT),8000). Stop with Ctrl-C."
	@$(BIN)/python -m http.server $(or $(PORT),8000) --bind 127.0.0.1 --directory _build/html

lab: $(VENV)/lab-ready  ## open the chapters in JupyterLab (PORT=8888; IN=folder for other notebooks)
	@echo "Starting JupyterLab. Stop with Ctrl-C."
	@$(LAB) --port=$(or $(PORT),8888) $(or $(IN),chapters)

assign: $(VENV)/assign/ready  ## make homework of exercises: an nbgrader course (FROM=assignment.toml; teachers.md says more)
	@$(ASSIGN).course $(or $(FROM),assignment.toml)

class: $(VENV)/assign/ready  ## write what a class got wrong, when nbgrader has graded it (FROM=assignment.toml)
	@$(ASSIGN).report $(or $(FROM),assignment.toml)

board: $(VENV)/ready  ## write a page of each chapter for the board, to be printed
	@$(BIN)/python -m tools.board _build/board

bench: $(VENV)/ready  ## measure speed, memory and accuracy at each SIMD level, and the peers that are installed (a quarter of an hour)
	$(BIN)/python -m benchmarks.run

audit: $(VENV)/ready  ## audit the losses of PyTorch, JAX and others that are installed (some minutes)
	$(BIN)/python -m audits.run

weigh: book  ## measure what each page weighs and how soon it stands still (needs Chromium)
	$(BIN)/python -m benchmarks.pages

notebooks: $(VENV)/ready  ## re-execute the chapters and store their outputs (ONLY=chapters/05_gradient.ipynb for one)
	$(BIN)/python tools/run_notebooks.py $(or $(ONLY),$(CHAPTERS))

experiments: $(VENV)/ready  ## run again what takes too long for a cell, and store what chapters load (some minutes)
	$(BIN)/python tools/experiments.py

exercises: $(VENV)/ready  ## write anew what chapters, solutions and exercises.md say of the exercises
	$(BIN)/python -m xentlib.teaching.exercises.pages chapters exercises.md

picture: $(VENV)/ready  ## draw again the picture of the README and the landing page
	MPLBACKEND=agg $(BIN)/python -c "from tools import drawings; from xentlib.teaching.figures import *; use_book_style(); q_minus_p([1.0, 2.0, 0.5], 1); drawings.save(plt.gcf(), Path('_static/q-minus-p.svg')); plt.savefig('_static/q-minus-p.png', metadata={'Software': None})"

lock: $(VENV)/ready  ## pin again all that requirements.in and those of tools/lab and tools/assign ask for (needs uv)
	uv pip compile --universal --python-version 3.11 --no-header --annotation-style line -q requirements.in -o requirements.txt
	uv pip compile --universal --python-version 3.11 --no-header --annotation-style line -q tools/lab/requirements.in -c requirements.txt -o tools/lab/requirements.txt
	uv pip compile --universal --python-version 3.11 --no-header --annotation-style line -q tools/assign/requirements.in -c requirements.txt -o tools/assign/requirements.txt

clean:  ## remove the built book and the environment
	@$(ALONE) rm -rf $(MADE) _build $(VENV)  # in this order: what is half removed counts as not made

ifndef IN_TURN

# Two at once would clear each other's folders. So one waits, looks again, and finds made what the other has made.
.PHONY: $(MADE)
$(MADE):
	@$(ALONE) $(MAKE) --silent IN_TURN=yes $@

else

# Else a make that is interrupted at the last moment deletes what is made.
.PRECIOUS: $(MADE)

$(VENV)/ready: requirements.txt
	@$(PYTHON) tools/setup_venv.py $(VENV) requirements.txt

$(VENV)/assign/ready: $(VENV)/ready tools/assign/requirements.txt
	@$(PYTHON) tools/setup_venv.py $(VENV)/assign tools/assign/requirements.txt

$(VENV)/lab-ready: $(VENV)/ready tools/lab/requirements.txt
	@echo "Installing JupyterLab (once, half a minute) ..."
	@$(INSTALL) tools/lab/requirements.txt
	@touch $@

$(VENV)/frameworks-ready: $(VENV)/ready frameworks/requirements.txt
	@echo "Installing PyTorch and JAX (once, some minutes) ..."
	@$(INSTALL) frameworks/requirements.txt
	@touch $@

$(VENV)/lite/ready: $(VENV)/ready tools/lite/fetch.py tools/lite/pyodide-lock.json
	@$(BIN)/python tools/lite/fetch.py $(VENV)/lite

_build/lite/ready: $(VENV)/lite/ready $(LITE)
	@$(BIN)/python -m tools.lite.build $(VENV)/lite _build/lite

# Where Colab and Binder find the chapters, and where the book is published: it is built again when that is another place.
_build/source: FORCE
	@mkdir -p _build
	@test "$(BOOK_SOURCE) $(BOOK_URL)" = "$$(cat $@ 2> /dev/null)" || echo "$(BOOK_SOURCE) $(BOOK_URL)" > $@

_build/html/index.html: $(VENV)/ready _build/lite/ready _build/source $(PAGES)
	@echo "Building the book ..."
	@$(BIN)/python -m tools.build_book $(@D)

_build/html/why-q-minus-p.pdf: _build/html/index.html tools/make_pdf.py tools/browser.py
	@echo "Printing the book ..."
	@$(BIN)/python -m tools.make_pdf $(@D)

endif
