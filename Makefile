# `make demo` and `make test` need python3 (3.11 or newer) and make, nothing else.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= auto

.PHONY: help demo run test lint format bench screenshots recording clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/demo  ## chat with the demo contacts on an embedded homeserver
	@$(BIN)/dmtui demo

run: $(VENV)/app  ## open dmtui with your own account
	@$(BIN)/dmtui

test: lint  ## check everything: format, lint, types, tests
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup

lint: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/dev  ## put the code in shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/dev  ## measure speed and memory (about ten minutes)
	$(BIN)/python -m benchmarks

screenshots: $(VENV)/dev  ## draw screenshots/ from the real app
	$(BIN)/python -m screenshots

recording: $(VENV)/dev  ## film screenshots/recording.svg, which the README begins with
	$(BIN)/python -m screenshots recording

clean:  ## remove what make made
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/app $(VENV)/demo $(VENV)/dev: pyproject.toml | $(VENV)/bin/pip
	@echo "Installing dmtui into $(VENV) (once, about a minute) ..."
	@$(BIN)/pip install --quiet --quiet --disable-pip-version-check --editable \
		'.$(patsubst %,[%],$(filter-out app,$(@F)))'
	@touch $@

$(VENV)/bin/pip:
	@test -n "$(PYTHON)" || { echo "dmtui needs Python 3.11 or newer, as python3" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "python3 can't make virtual environments; on Debian: apt install python3-venv" >&2; exit 1; }
