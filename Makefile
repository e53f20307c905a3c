# Two commands do everything: `make demo` sets up and runs the main job, `make test` sets up and passes the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt

# Tests start hundreds of processes, which should not each compile the sources anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint docs smoke baselines tables picture clean

demo: $(VENV)/demo.done
	$(BIN)/mmret eval --bench omnicvr-mini --model tagbridge --output results/demo

# Two tests run side by side: with one thread each, none waits for the threads of the other.
test: export OMP_NUM_THREADS = 1
test: export OPENBLAS_NUM_THREADS = 1
test: $(VENV)/test.done lint
	$(BIN)/pytest -n 2 --dist worksteal

lint: $(VENV)/test.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/test.done
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

smoke: $(VENV)/test.done
	PYTHON=$(PYTHON) scripts/smoke.sh

baselines: $(VENV)/test.done
	$(BIN)/python scripts/baselines.py

tables: $(VENV)/test.done
	$(BIN)/python scripts/tables.py

picture: $(VENV)/test.done
	$(BIN)/python scripts/picture.py

# torch first: whatever names it loosely afterwards then leaves the build in place that fits this machine.
$(BIN)/python: constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mmret needs Python 3.11 or newer; name one with: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV) || { echo 'on Debian and Ubuntu: apt-get install python3-venv'; exit 1; }
	$(PIP) "$$(grep '^torch==' constraints.txt)"
	touch $@

$(VENV)/demo.done: $(BIN)/python pyproject.toml
	$(PIP) --editable '.[offline]'
	touch $@

$(VENV)/test.done: $(BIN)/python pyproject.toml scripts/system_packages.sh
	scripts/system_packages.sh
	$(PIP) --editable '.[offline,models,asr,tables,board,pipeline,ray,docs,dev]'
	touch $@

clean:
	rm -rf $(VENV) results site .pytest_cache .mypy_cache .ruff_cache .hypothesis
