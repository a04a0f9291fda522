# Every target sets itself up in .venv; a fresh clone needs make and Python 3.11 or newer, nothing else.

VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?= -n auto
QUICKSTART_ARGS ?=
# Someone else's paths must not get between the tests and this clone.
unexport PYTHONPATH

.PHONY: help quickstart test unoptimised lint format keras web cuda conformance kernels report bench clean

help:
	@echo "make quickstart  train, save, swap the backend and export on real digits (QUICKSTART_ARGS=...)"
	@echo "make test        run the test suite (PYTEST_ARGS=...)"
	@echo "make unoptimised conformance, parity and the tests of core and backends with every pass off"
	@echo "make lint        check style (ruff) and types (mypy)"
	@echo "make format      put the sources in the shape that 'make lint' asks for"
	@echo "make keras       compare with a live Keras 3, which is installed for it"
	@echo "make web         run exported models in Node.js and in a headless Chromium (see tests/web/README.md)"
	@echo "make cuda        test the onnxruntime backend on a GPU, in an environment with onnxruntime-gpu"
	@echo "make conformance BACKEND=torch  install a backend of plugins/ beside Cornu; run its tests, types and conformance"
	@echo "make kernels     build the custom operators of plugins/cornu-kernels (needs a C compiler); their tests, conformance with them"
	@echo "make report      all backends' conformance anew, and README's table of it"
	@echo "make bench       Cornu beside Keras on jax, torch, tensorflow and numpy: bench.md, bench.json, bench.png"
	@echo "make clean       remove .venv and caches"

quickstart: $(VENV)/.plot
	$(BIN)/python -m cornu.cli quickstart $(QUICKSTART_ARGS)

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(PYTEST_ARGS)

unoptimised: export CORNU_PASSES := off
unoptimised: $(VENV)/.dev
	$(BIN)/python -m cornu.cli conformance numpy
	$(BIN)/python -m cornu.cli conformance onnxruntime
	$(BIN)/python -m pytest $(PYTEST_ARGS) tests/core tests/backends tests/keras tests/models

lint: $(VENV)/.dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

format: $(VENV)/.dev
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

keras: $(VENV)/.oracle
	KERAS_BACKEND=jax $(BIN)/python -m pytest -m keras $(PYTEST_ARGS)

web: $(VENV)/.dev tests/web/node_modules/.installed
	@for name in "$$CORNU_BROWSER" chromium chromium-browser google-chrome google-chrome-stable; do \
	  if [ -n "$$name" ] && command -v "$$name" >/dev/null; then exit 0; fi; \
	done; \
	echo "make web needs Chromium (Debian: apt-get install chromium), or its name in CORNU_BROWSER." >&2; exit 1
	$(BIN)/python -m pytest -m web tests/web

tests/web/node_modules/.installed: tests/web/package.json tests/web/package-lock.json
	@for tool in node npm; do \
	  command -v $$tool >/dev/null || { echo "make web needs $$tool (Debian: apt-get install nodejs npm)." >&2; exit 1; }; \
	done
	cd tests/web && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

# The wheels onnxruntime and onnxruntime-gpu hold the same module, so the latter has an environment of its own.
CUDA_BIN := $(VENV)/cuda/bin

cuda: $(VENV)/cuda/.installed
	$(CUDA_BIN)/python -c "import cornu_onnxruntime as m; m.OnnxRuntimeBackend(providers=['CUDAExecutionProvider'])"
	$(CUDA_BIN)/python -m pytest -m cuda tests/backends
	$(CUDA_BIN)/python -m cornu.cli conformance onnxruntime --device cuda

$(VENV)/cuda/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m venv $(VENV)/cuda
	$(CUDA_BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --editable ".[test]"
	$(CUDA_BIN)/python -m pip uninstall --quiet --disable-pip-version-check --yes onnxruntime onnxruntime-gpu
	$(CUDA_BIN)/python -m pip install --quiet --disable-pip-version-check --no-input "onnxruntime-gpu[cuda,cudnn]"
	@touch $@

# A backend of plugins/ has an environment of its own, as its users would have; BACKEND_ARGS are for `cornu conformance`.
BACKEND ?= jax
BACKEND_ARGS ?=
BACKEND_VENV := $(VENV)/backends/$(BACKEND)
BACKEND_BIN := $(BACKEND_VENV)/bin
REPORT := $(VENV)/backends/$(BACKEND).json

conformance: $(BACKEND_VENV)/.installed
	cd plugins/cornu-$(BACKEND) && $(abspath $(BACKEND_BIN))/python -m mypy --strict -p cornu_$(BACKEND)
	cd plugins/cornu-$(BACKEND) && $(abspath $(BACKEND_BIN))/python -m pytest -q --ignore tests/test_conformance.py
	$(BACKEND_BIN)/python -m cornu.cli conformance $(BACKEND) --json $(REPORT) $(BACKEND_ARGS)

$(VENV)/backends/%/.installed: pyproject.toml plugins/cornu-%/pyproject.toml | $(BIN)/python
	$(BIN)/python -m venv $(VENV)/backends/$*
	$(VENV)/backends/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
	  --editable . --editable "plugins/cornu-$*[test]" mypy
	@touch $@

kernels: $(VENV)/backends/kernels/.installed
	cd plugins/cornu-kernels && $(abspath $(VENV)/backends/kernels/bin)/python -m mypy --strict -p cornu_kernels
	cd plugins/cornu-kernels && $(abspath $(VENV)/backends/kernels/bin)/python -m pytest -q
	$(VENV)/backends/kernels/bin/python -m cornu.cli conformance onnxruntime $(BACKEND_ARGS)

$(VENV)/backends/kernels/.installed: $(wildcard plugins/cornu-kernels/native/*) plugins/cornu-kernels/setup.py

report: $(VENV)/.dev
	@mkdir -p $(VENV)/backends
	for name in numpy onnxruntime; do \
	  $(BIN)/python -m cornu.cli conformance $$name --json $(VENV)/backends/$$name.json || exit 1; \
	done
	for name in jax torch openvino; do $(MAKE) conformance BACKEND=$$name || exit 1; done
	$(BIN)/python tests/support/describe_backends.py $(VENV)/backends/*.json

# Keras on each of its backends, in environments of their own, and Cornu on each of ours; BENCH_ARGS are for bench.py.
BENCH_ARGS ?=
BENCH := $(VENV)/bench

bench: $(VENV)/.dev $(BENCH)/jax/.installed $(BENCH)/torch/.installed $(BENCH)/tensorflow/.installed \
  $(VENV)/backends/jax/.installed $(VENV)/backends/torch/.installed $(VENV)/backends/openvino/.installed \
  $(VENV)/backends/kernels/.installed
	$(BIN)/python benchmarks/bench.py --side cornu:onnxruntime \
	  --side cornu:onnxruntime+kernels=$(VENV)/backends/kernels/bin/python --side cornu:numpy \
	  $(foreach name,jax torch openvino,--side cornu:$(name)=$(VENV)/backends/$(name)/bin/python) \
	  $(foreach name,jax torch tensorflow,--side keras:$(name)=$(BENCH)/$(name)/bin/python) \
	  --side keras:numpy=$(BENCH)/jax/bin/python $(BENCH_ARGS)

$(BENCH)/%/.installed: | $(BIN)/python
	$(BIN)/python -m venv $(BENCH)/$*
	$(BENCH)/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-input keras $(if \
	  $(filter tensorflow,$*),tensorflow-cpu,$*)
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache quickstart tests/web/node_modules

# One stamp for each group of dependencies, older than pyproject.toml when something there has changed.
$(VENV)/.plot: EXTRAS := plot
$(VENV)/.dev: EXTRAS := dev
$(VENV)/.oracle: EXTRAS := dev,oracle

$(VENV)/.plot $(VENV)/.dev $(VENV)/.oracle: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --editable ".[$(EXTRAS)]"
	@touch $@

# The first Python that is new enough and can make an environment: names on the path may be stubs or lack a module.
$(BIN)/python:
	@set -e; found=; \
	for python in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14 python; do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "No Python 3.11 or newer with the module venv was found; name one: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$found" --version)"; \
	"$$found" -m venv $(VENV)
