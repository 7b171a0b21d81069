# Everything happens in .venv, made on first use. `make demo` and `make test` need git, make and
# python3 with venv, nothing else.

PYTHON ?= python3
PYTHON310 ?= python3.10
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -q -c constraints.txt
ROOMS := soil contract firmware_bridge calibration edge training export deploy loamscan.py
TENSORRT := 10.3.0 11.4.0.106
RUNTIME_TESTS := tests/soil tests/contract tests/calibration tests/firmware_bridge tests/edge
STRICT ?=
JOBS ?= 2
SPREAD = -n $(JOBS)
# Tests beside each other that each take every core for torch take twice as long.
test test-py310: export OMP_NUM_THREADS ?= 1
# Where a run takes two all the same, threads that wait leave the core to others.
test test-py310: export OMP_WAIT_POLICY ?= passive
AXIS := neospectra
FUZZ_S := 60

.PHONY: demo test test-long test-faults test-py310 lint fuzz bench bundle reference clean

demo: $(VENV)/.demo ## the whole line on this machine; make demo ARGS="--scans 5"
	@$(BIN)/loamscan demo $(ARGS)

test: lint $(TENSORRT:%=$(VENV)/tensorrt/%) ## every check, JOBS at once; STRICT=1 fails where a part such as mosquitto is missing
	LOAMSCAN_STRICT=$(STRICT) $(BIN)/python -m pytest -m "not long" $(SPREAD) --cov --cov-report=term $(ARGS)

test-long: $(VENV)/.dev ## the same tests at full length
	LOAMSCAN_STRICT=$(STRICT) $(BIN)/python -m pytest -m long $(ARGS)

test-faults: $(VENV)/.dev ## attacks and faults of updates at full length; LOAMSCAN_WRITE_DOCS=1 writes their page
	LOAMSCAN_STRICT=$(STRICT) $(BIN)/python -m pytest tests/edge/updates tests/integration/test_updates.py $(ARGS)

.venv310/.test: pyproject.toml constraints.txt
	$(PYTHON310) -m venv .venv310
	.venv310/bin/python -m pip --disable-pip-version-check install -q -c constraints.txt -e '.[demo,test]'
	@touch $@

test-py310: .venv310/.test $(TENSORRT:%=.venv310/tensorrt/%) ## the runtime's tests on Python 3.10, as on JetPack 6
	LOAMSCAN_STRICT=$(STRICT) .venv310/bin/python -m pytest -m "not long" $(SPREAD) -p no:cacheprovider $(RUNTIME_TESTS) $(ARGS)

# TensorRT's own bindings, of the oldest and the newest that is served; without them tests are skipped.
$(VENV)/tensorrt/%: | $(VENV)/.dev
	@$(PIP) --no-deps --target $@ tensorrt-cu12-bindings==$* || echo "no bindings of TensorRT $* here"

.venv310/tensorrt/%: | .venv310/.test
	@.venv310/bin/python -m pip --disable-pip-version-check install -q --no-deps --target $@ \
	  tensorrt-cu12-bindings==$* || echo "no bindings of TensorRT $* here"

lint: $(VENV)/.dev ## style, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check -q .
	$(BIN)/mypy --no-error-summary $(ROOMS)
	$(BIN)/lint-imports --no-cache > $(VENV)/lint-imports.txt || (cat $(VENV)/lint-imports.txt; false)

fuzz: $(VENV)/.dev ## throw bytes at the codecs of every wire; make fuzz FUZZ_S=3600
	$(PIP) 'atheris==3.0.0'
	$(BIN)/python tests/fuzz/wire.py -max_total_time=$(FUZZ_S) -max_len=16384 -timeout=10 -rss_limit_mb=2048

bench: $(VENV)/.dev ## every benchmark
	$(BIN)/python -m benchmarks --all $(ARGS)

ifeq ($(AXIS),neospectra)
bundle: $(VENV)/.dev ## export the reference checkpoint anew, and write its figures down
	$(BIN)/loamscan export edge/bundles/reference-neospectra --out edge/bundles
	$(BIN)/loamscan bundle inspect --markdown edge/bundles/reference-neospectra-1.0.0.loam \
	  > docs/reference-model.md
else
bundle: bundles/reference-$(AXIS)/card.json ## for another scanner: make bundle AXIS=nirscan-nano
	$(BIN)/loamscan export bundles/reference-$(AXIS) --out bundles
	$(BIN)/loamscan bundle inspect --markdown bundles/reference-$(AXIS)-1.0.0.loam \
	  > bundles/reference-$(AXIS)-1.0.0.md

bundles/reference-$(AXIS)/card.json: | $(VENV)/.dev
	$(BIN)/loamscan train --synthetic --axis $(AXIS) --name reference-$(AXIS) --version 1.0.0 \
	  --out bundles/reference-$(AXIS)
endif

reference: $(VENV)/.dev ## train the reference model anew, some ten minutes, and export it
	$(BIN)/loamscan train --synthetic --name reference-neospectra --version 1.0.0 --restart \
	  --out edge/bundles/reference-neospectra
	$(BIN)/loamscan soils --out firmware_bridge/synthetic_soils.csv -n 24 --seed 0
	$(MAKE) bundle AXIS=neospectra

clean:
	rm -rf $(VENV) .venv310 build dist *.egg-info

$(BIN)/python:
	@echo "Making $(VENV) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  (echo "loamscan needs Python 3.10 or newer; name one: make PYTHON=python3.12"; exit 1)
	@$(PYTHON) -m venv $(VENV) || \
	  (echo "python3 has no venv; apt-get install python3-venv"; rm -rf $(VENV); exit 1)

$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing loamscan into $(VENV) ..."
	@$(PIP) -e '.[demo]'
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml constraints.txt
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  (echo "the tests need Python 3.11 or newer: make clean, then make test PYTHON=python3.12"; exit 1)
	@echo "Installing loamscan with its laboratory and tests into $(VENV) ..."
	@$(PIP) -e '.[demo,train,export,dev]'
	@touch $@ $(VENV)/.demo
