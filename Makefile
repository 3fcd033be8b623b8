# `make demo` and `make test` set up all they need: Python 3.11+, pip, git and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
BACKEND ?= jax
# The build without CUDA where there is one.
TENSORFLOW := 'tensorflow-cpu; sys_platform == "linux" and platform_machine == "x86_64"' \
	'tensorflow; sys_platform != "linux" or platform_machine != "x86_64"'

.PHONY: demo test lint setup browser snapshots soak bench backend matrix clean
.DEFAULT_GOAL := test

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "lossmon needs Python 3.11 or newer. Received: " + sys.version.split()[0] + ". Fix: make PYTHON=/path/to/python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV), without a word, which takes some minutes once."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(TENSORFLOW) -e '.[demo,dev,frames,postgres]'
	touch $@

setup: $(VENV)/.installed

demo: setup
	$(BIN)/lossmon demo $(ARGS)

browser: setup
	$(BIN)/python -m tests.browser.install

test: setup browser
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/basedpyright

# What the main pages look like, for people to look at before they commit it.
snapshots: setup browser
	$(BIN)/python -m tests.browser.looks

soak: setup browser
	$(BIN)/python -m pytest -m slow $(ARGS)

bench: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m tests.bench $(ARGS)

# Verified programs, metrics, ways of training, audits, that nothing is harmed, and the rules on written
# and on drawn programs, on another backend.
backend:
	test -x $(VENV)-$(BACKEND)/bin/python || $(PYTHON) -m venv $(VENV)-$(BACKEND)
	$(VENV)-$(BACKEND)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(BACKEND) -e '.[dev]'
	KERAS_BACKEND=$(BACKEND) $(VENV)-$(BACKEND)/bin/python -m pytest tests/capture/test_verified_programs.py \
		tests/capture/test_audited_arguments.py tests/capture/test_ways_of_training.py tests/capture/test_other_metrics.py \
		tests/capture/test_never_harm.py tests/capture/test_audit.py tests/capture/test_random_trainings.py \
		tests/capture/test_distributed_jobs.py tests/capture/test_torch_compile.py tests/capture/test_torch_data.py tests/capture/test_spoiled.py tests/rules/test_zoo.py tests/rules/test_random_programs.py \
		tests/test_programs.py -m "not slow" \
		-o faulthandler_timeout=0 -W ignore::DeprecationWarning -W ignore::UserWarning $(ARGS)

# Every Python that is installed with the newest packages, and the oldest packages that are allowed.
matrix: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/python -m tests.matrix $(ARGS)

clean:
	rm -rf $(VENV) $(VENV)-* build dist .pytest_cache .ruff_cache .hypothesis
