# Needs Python 3.11 or later and make; everything else is installed into virtual environments.

PYTHON ?= python3
VENV := .venv
BACKENDS_VENV := .venv-backends
LOWEST_VENV := .venv-lowest
DEVICE_VENV := .venv-lowest-device
BUNDLE ?= runs/demo/bundle
PINNED := --constraint constraints.txt --build-constraint constraints.txt
# Tests of a file run in one process, since they share slow fixtures, in the order of tests/conftest.py
# instead of the number of tests per file.
PYTEST := -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
ifeq ($(TIER),fast)
TESTS := tests/layers tests/video tests/clips tests/data tests/runtime tests/deploy/formats tests/test_files.py
PYTEST += -m "not slow"
endif
GROUPS := --group test --group check --group docs
LOWEST_TESTS := tests/layers tests/video tests/clips tests/config tests/runtime tests/deploy/formats \
	tests/data/test_remote_data.py tests/data/shards tests/runs/test_earlier_runs.py tests/test_lock.py
# Their processes take turns on both cores, so they run by themselves.
CLUSTER_TESTS := tests/cluster tests/training/test_workers.py
comma := ,
space := $() $()

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.NOTPARALLEL:
.PHONY: help demo arm apk android android-core ablation test cluster check docs format backends backends-jax backends-torch lowest sizes tables wheel constraints clean

help:  ## List the targets.
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / {printf "%-14s%s\n", $$1, $$2}' Makefile

demo: $(VENV)/installed  ## Generate small videos, train on them and write runs/demo/report.html.
	$(VENV)/bin/pan-keras demo

ablation: $(VENV)/installed  ## Train networks without parts of PAN; make ablation QUICK=--quick.
	$(VENV)/bin/pan-keras ablation $(QUICK)

arm: $(VENV)/installed  ## Run the bundle of the demo (or BUNDLE=DIR) on emulated 64-bit Arm.
	PYTHON=$(VENV)/bin/python export/devices/arm.sh $(BUNDLE)

apk:  ## Build the Android app with the bundle of the demo (or BUNDLE=DIR).
	android_demo/build.sh $(BUNDLE)

android: android-core  ## Build and check the Android app: core, runtimes, screens, APK.
	android_demo/check.sh android_demo/target/inputs/bundles/*

android-core: $(VENV)/test-tools  ## Test the Kotlin core of the Android app, with TensorFlow Lite for Android.
	rm -rf android_demo/target/inputs
	mkdir -p android_demo/target/inputs
	PYTHONPATH=. $(VENV)/bin/python tests/android_inputs.py android_demo/target/inputs
	mvn --batch-mode --quiet --file android_demo/pom.xml -Dinputs=$(CURDIR)/android_demo/target/inputs test

test: $(VENV)/test-tools  ## Run the tests with TensorFlow, or some: TESTS=tests/data, TIER=fast.
	$(VENV)/bin/python $(PYTEST) $(or $(TESTS),$(addprefix --ignore=,$(CLUSTER_TESTS)))

cluster: $(VENV)/test-tools  ## Test training with several processes, and Ray.
	$(VENV)/bin/python -m pytest $(CLUSTER_TESTS)

check: $(VENV)/check-tools  ## Check format, lint, types and the import direction.
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

docs: $(VENV)/docs-tools  ## Build the documentation into site/; broken links and references are errors.
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --quiet

format: $(VENV)/check-tools  ## Format the code.
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

backends: backends-jax backends-torch  ## Test layers, backbones, models and exported state_dicts on JAX and PyTorch.

backends-jax backends-torch: backends-%: $(BACKENDS_VENV)/installed
	KERAS_BACKEND=$* $(BACKENDS_VENV)/bin/python $(PYTEST) tests/layers tests/backbones tests/models \
		tests/flow/test_blocks.py tests/flow/test_flow_networks.py tests/bench/test_without_tensorflow.py \
		tests/checkpoints/test_reference.py tests/checkpoints/test_state_dict.py tests/test_gpu_script.py

# Warnings are not errors there, since old packages warn about newer ones.
lowest: $(LOWEST_VENV)/installed $(DEVICE_VENV)/installed  ## Test with the lowest versions that pyproject.toml allows.
	$(LOWEST_VENV)/bin/python $(PYTEST) --override-ini filterwarnings= -m "not slow" $(LOWEST_TESTS)
	$(DEVICE_VENV)/bin/python .ci/parts.py $(DEVICE_VENV) litert onnx video

tables: $(VENV)/installed  ## Write the tables of README and docs from export/results.
	$(VENV)/bin/python .ci/tables.py

sizes: wheel  ## Measure the size of each extra; writes export/results/installation.csv.
	$(VENV)/bin/python .ci/sizes.py dist/*.whl

wheel: $(VENV)/pip  ## Build dist/pan_keras-VERSION-py3-none-any.whl.
	$(VENV)/bin/python -m pip wheel --no-deps $(PINNED) --wheel-dir dist .

constraints: $(VENV)/pip  ## Look up current releases and write them to constraints.txt.
	$(VENV)/bin/python -m pip install --dry-run --ignore-installed --quiet \
		--report $(VENV)/releases.json '.[all,distributed,tensorflow-io,jax,torch]' $(GROUPS) pip hatchling editables
	$(VENV)/bin/python -c "import json, sys; print(*sorted( \
		'{name}=={version}'.format(**release['metadata']) \
		for release in json.load(sys.stdin)['install'] \
		if release['metadata']['name'] != 'pan-keras'), sep='\n')" \
		< $(VENV)/releases.json > constraints.txt

clean:  ## Remove environments and build outputs.
	rm -rf $(VENV) $(BACKENDS_VENV) $(LOWEST_VENV) $(DEVICE_VENV) .arm android_demo/build dist site \
		android_demo/target android_demo/*/target

# Marker files in an environment avoid repeated installations.
%/pip: constraints.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --upgrade --constraint constraints.txt pip
	@touch $@

$(VENV)/installed: $(VENV)/pip pyproject.toml
	$(VENV)/bin/python -m pip install --quiet $(PINNED) --editable '.[all,distributed,tensorflow-io]'
	@touch $@

$(VENV)/test-tools: $(VENV)/installed
	$(VENV)/bin/python -m pip install --quiet $(PINNED) --group test
	@touch $@

$(VENV)/docs-tools: $(VENV)/installed
	$(VENV)/bin/python -m pip install --quiet $(PINNED) --group docs
	@touch $@

$(VENV)/check-tools: $(VENV)/installed
	$(VENV)/bin/python -m pip install --quiet $(PINNED) --group check
	@touch $@

# Without TensorFlow, to test that it is not needed.
$(BACKENDS_VENV)/installed: $(BACKENDS_VENV)/pip pyproject.toml
	$(BACKENDS_VENV)/bin/python -m pip install --quiet $(PINNED) --editable '.[jax,torch]' --group test
	@touch $@

$(LOWEST_VENV)/installed: EXTRAS := all
$(LOWEST_VENV)/installed: GROUP := --group test
$(DEVICE_VENV)/installed: EXTRAS := litert onnx video
$(LOWEST_VENV)/installed $(DEVICE_VENV)/installed: %/installed: %/pip pyproject.toml .ci/lowest.py
	$*/bin/python .ci/lowest.py $(EXTRAS) > $*/lowest.txt
	$*/bin/python -m pip install --quiet --constraint $*/lowest.txt --build-constraint constraints.txt \
		--editable '.[$(subst $(space),$(comma),$(EXTRAS))]' $(GROUP)
	@touch $@
