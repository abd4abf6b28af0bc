# Everything from a fresh machine with python3, venv and make; .venv/bin/asvkit is the command.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: setup demo verify firmware firmware-image test gate hil hil-local hil-all install-test radio-gate check bench mf4-test wheel-test lock clean

setup: .venv/dev.stamp  ## the environment with everything for development

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/run.stamp: requirements/run.txt pyproject.toml | .venv/bin/python
	$(PIP) install -r requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@

.venv/dev.stamp: requirements/dev.txt requirements/cars.txt .venv/run.stamp
	$(PIP) install -r requirements/dev.txt
	$(PIP) install --no-deps -r requirements/cars.txt
	touch $@

# MicroPython's WebAssembly port beside the environment; node is not needed for anything else
WASM := tools/asvtools/firmware/wasm
.venv/wasm.stamp: $(WASM)/package.json $(WASM)/package-lock.json | .venv/bin/python
	rm -rf .venv/wasm && mkdir -p .venv/wasm
	cp $^ .venv/wasm/
	if command -v npm >/dev/null; then cd .venv/wasm && npm ci --no-audit --no-fund --loglevel=error && touch ../../$@; \
		else echo "no npm: tests on MicroPython's WebAssembly port are skipped by name"; fi

demo: .venv/run.stamp  ## an encounter at a blind crossing, judged, with a verdict
	$(BIN)/asvkit demo

verify: .venv/run.stamp  ## every scenario judged; verify-report/index.html goes through the guideline
	$(BIN)/asvkit verify

# Hundreds of processes are started: compiled modules are kept, whatever the environment says
test gate hil hil-local hil-all radio-gate: export PYTHONDONTWRITEBYTECODE =

# One worker more than processors: many tests wait for a device, a process or the clock
WORKERS = $(shell expr $$(nproc 2>/dev/null || echo 1) + 1)

test: .venv/dev.stamp  ## the everyday tests
	$(BIN)/pytest -n $(WORKERS) --durations=25

gate: .venv/dev.stamp .venv/wasm.stamp  ## what the everyday tests leave out, at full length: every scenario's journal on MicroPython, long tests
	ASVKIT_ALL=1 $(BIN)/pytest -n $(WORKERS) -m "long or hypothesis or micropython or fuller" \
		--ignore=tests/hil/test_radio_flood.py --ignore=tests/hil/test_pi3_qemu.py --ignore=tests/hil/test_install.py

# Alone on the machine: the emulated Pi is twenty times slower than what plays it
hil: .venv/dev.stamp  ## builds and boots an emulated Raspberry Pi, and runs the suite's main part on it
	mkdir -p build
	$(BIN)/python -m asvrig.pi3 build
	ASVKIT_ALL=1 $(BIN)/pytest hil/suite -m main --asvkit-target pi3-qemu --asvkit-results build/hil-pi3.json $(HIL)

hil-local: .venv/dev.stamp  ## the whole suite on this machine, and on one whose bus can go off; a soak of a minute
	mkdir -p build
	ASVKIT_ALL=1 $(BIN)/pytest hil/suite --asvkit-results build/hil-local.json $(HIL)
	ASVKIT_ALL=1 $(BIN)/pytest hil/suite --asvkit-target local-multicast -k bus_off

install-test: .venv/dev.stamp  ## the kit's installer in a Debian of its own (root, debootstrap, systemd-container)
	ASVKIT_ALL=1 $(BIN)/pytest tests/hil/test_install.py

hil-all: hil-local  ## and on the emulated Pi
	ASVKIT_ALL=1 $(BIN)/pytest tests/hil/test_pi3_qemu.py
	$(BIN)/python -m asvrig.pi3 build
	ASVKIT_ALL=1 $(BIN)/pytest hil/suite --asvkit-target pi3-qemu --asvkit-results build/hil-pi3.json $(HIL)

radio-gate: .venv/dev.stamp  ## the radio under floods and over bad links, on every road; ASVKIT_SOAK=1: 30 minutes each
	ASVKIT_ALL=1 $(BIN)/pytest tests/hil/test_radio_flood.py tests/hil/test_radio_bad_link.py tests/hil/test_radio_scapy.py \
		tests/hil/test_peer.py

check: .venv/dev.stamp  ## what CI checks beside the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy hil/suite
	$(BIN)/lint-imports
	$(BIN)/python -m asvtools.codec_source | cmp - firmware/asvcore/codec.py
	$(BIN)/python -m asvtools.codec_source viper | cmp - firmware/asvcore/codec_viper.py
	$(BIN)/python -m asvtools.firmware.stubs

firmware: .venv/dev.stamp .venv/wasm.stamp  ## what the core takes of a board, beside its goals; WRITE=docs/firmware.md renews the page
	mkdir -p build
	$(BIN)/python -m asvtools.firmware.budgets build/firmware $(if $(WRITE),--write "$(WRITE)")

firmware-image: .venv/dev.stamp  ## DIR=build/pico-w: the folder for a Pico W; UNIT=unit.json CAR=map TEXTS=none|en|ja|all NAMES=short|full
	@$(BIN)/python -m asvtools.firmware.image "$(DIR)" --unit "$(UNIT)" --car "$(CAR)" --texts "$(TEXTS)" --names "$(NAMES)"

bench: .venv/dev.stamp  ## speed and memory beside peers; writes docs/benchmarks.md
	$(BIN)/python benchmarks/run.py

mf4-test: .venv/dev.stamp  ## CAN logs in .mf4, with what reads them beside the environment: it would slow every command
	$(PIP) install --target build/mf4 --upgrade -r requirements/mf4.txt
	PYTHONPATH=build/mf4 $(BIN)/pytest -n auto -k mf4 tests/unit/test_can_tools.py tests/replay/test_can_logs.py --junitxml=build/mf4/told.xml
	! grep -q '<skipped' build/mf4/told.xml

wheel-test: .venv/dev.stamp  ## an installed wheel works without the checkout
	rm -rf build/wheel && mkdir -p build/wheel
	$(PIP) wheel --no-deps --no-build-isolation -w build/wheel .
	$(PYTHON) -m venv build/wheel/venv
	build/wheel/venv/bin/python -m pip --disable-pip-version-check -q install -r requirements/run.txt build/wheel/asvkit-*.whl
	cd build/wheel && venv/bin/asvkit --version && venv/bin/asvkit doctor >/dev/null && venv/bin/asvkit demo >demo.txt && grep '^GOOD' demo.txt
	cd build/wheel && venv/bin/python -c "from asvrig.pi3 import host, image; from pathlib import Path; assert (Path(host.__file__).parent / 'guest' / 'init').is_file()"
	cd build/wheel && venv/bin/python -c "from asvunit.screen.files import page_files; assert {'/', '/bench', '/static/js/driver.js'} <= {*page_files()}"

lock: .venv/dev.stamp  ## renew the pinned versions
	$(PIP) install pip-tools
	cd requirements && ../$(BIN)/pip-compile -q --upgrade --strip-extras --no-emit-index-url --no-emit-options --no-header -o run.txt run.in
	cd requirements && ../$(BIN)/pip-compile -q --upgrade --strip-extras --no-emit-index-url --no-emit-options --no-header --allow-unsafe -o dev.txt dev.in

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
