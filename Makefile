# `make run` measures the bundled sample; `make test` tests. Everything else is for developers.
#
#   make run BOOKS="a.txt b.txt" MODEL=llama-3.2-1b CONTROLS=unseen.txt OUT=results SET="top_k=20 cursor_inc=50"
#
# is `byheart run` with these words; .venv/bin/byheart, which it installs, has all other commands. What a shell takes for
# its own stands in single quotes within, and $ as \$\$: BOOKS="'Cash \$\$100 (1851).txt'" SET="'chapters=[IVX]+\$\$'"

PYTHON ?= python3
# Of make run; without BOOKS and MODEL, the sample.
BOOKS ?=
MODEL ?=
CONTROLS ?=
STORE ?=
OUT ?= out
SET ?=
# What JAX is installed for: cpu, cuda12, cuda13 or tpu; empty leaves an installation as it is, and a new one for CPUs.
JAX ?=
# Of tests and benchmarks.
BASE_IMAGE ?=
KILLS ?= 100
FAULTS ?= 1000
SEED ?=
ROUNDS ?= 3
BENCH ?=
QUICK ?=
OFFLINE ?=
SECONDS ?= 600
PARSERS ?=
PAGES ?=

# What PIP_ variables, a pip.conf with `user = true` and PYTHONPATH say of other installations does not hold for this one.
export PIP_USER := 0
export PIP_REQUIRE_HASHES := 0
export PIP_DRY_RUN := 0
export PIP_TARGET :=
export PIP_PREFIX :=
export PIP_ROOT :=
unexport PYTHONPATH
unexport PYTHONDONTWRITEBYTECODE  # without bytecode each of hundreds of processes compiles this code anew

VENV := .venv
BIN := $(VENV)/bin
AOT := PYTHONPATH=.venv-aot $(BIN)/python
LOCK = uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate
LOCK_IMAGE = $(LOCK) --config-file images/uv.toml --constraints requirements.txt --group component

# A variable that means nothing here is refused, with the nearest that does.
KNOWN := PYTHON BOOKS MODEL CONTROLS STORE OUT SET JAX BASE_IMAGE KILLS FAULTS SEED ROUNDS BENCH QUICK OFFLINE SECONDS PARSERS PAGES
GIVEN := $(foreach name,$(.VARIABLES),$(if $(filter command line,$(origin $(name))),$(name)))
UNKNOWN := $(firstword $(filter-out $(KNOWN),$(GIVEN)))
NEAREST = import difflib, sys; name, *known = sys.argv[1:]; near = difflib.get_close_matches(name.upper(), known, 1, 0.5); \
	print("did you mean %s=?" % near[0] if near else "make run takes settings in SET, as SET=\"%s=...\"; all else is in .venv/bin/byheart --help" % name)
ifneq ($(UNKNOWN),)
$(error $(UNKNOWN) is no variable of this Makefile: $(shell $(PYTHON) -c '$(NEAREST)' $(UNKNOWN) $(KNOWN)))
endif

FLAVOURS := cpu cuda12 cuda13 tpu
ifneq ($(JAX),$(filter $(JAX),$(FLAVOURS)))
$(error JAX must be one of $(FLAVOURS), found $(JAX))
endif

.PHONY: help run compile test test-slow nightly test-page test-browser test-runs test-families test-truth test-gcs test-hub test-kfp test-k8s test-containers test-docs
.PHONY: bench-gpu bench-report test-parity test-real test-aot soak fuzz audit real validate bench bench-plot bench-download bench-load bench-precision
.PHONY: bench-tokenize docs pictures check format
.PHONY: sample goldens lock

help:  ## Say what there is
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 18

run: $(VENV)/run $(JAX:%=$(VENV)/jax-%)  ## Measure BOOKS under MODEL on this machine; without them, the sample
	@$(BIN)/python -m byheart run $(BOOKS) $(SET) $(if $(MODEL),--model "$(MODEL)") $(CONTROLS:%=--control %) \
		$(if $(STORE),--store "$(STORE)") --out "$(OUT)"

compile: $(VENV)/run  ## Write build/pipeline.yaml, which Kubeflow runs
	@$(BIN)/python -m byheart compile build/pipeline.yaml

test: $(VENV)/dev  ## Run the tests, in two processes
	$(BIN)/python -m pytest --numprocesses 2

test-slow: $(VENV)/dev  ## Run those of them that take long: the engine's, every chart, many processes at once
	$(BIN)/python -m pytest --numprocesses 2 -m slow

test-page:  ## Test the scripts of the pages, those that need no browser; needs Node.js 18 or later
	node --test tests/pages/*.test.mjs tests/plot/report/*.test.mjs tests/compare/*.test.mjs

test-browser: $(VENV)/dev  ## Read the sample's report in Chromium, from a disk and in a frame as Kubeflow's
	$(BIN)/python -m pytest tests/browser --timeout 600

test-runs: $(VENV)/dev  ## Test what takes minutes: bad input of every kind, many books, secrets, eight devices
	$(BIN)/python -m pytest tests/runs --numprocesses 2 --dist loadfile --timeout 600

test-families: $(VENV)/dev  ## Score small random models of every family, and compare with transformers
	$(BIN)/python -m pytest tests/families --numprocesses 2 --timeout 300

test-truth: $(VENV)/dev  ## Simulate what error rates and intervals promise
	$(BIN)/python -m pytest tests/truth --timeout 300

test-gcs: $(VENV)/dev  ## Test the server that stands in for Google Cloud Storage in the tests
	$(BIN)/python -m pytest tests/gcs

test-hub: $(VENV)/dev  ## Test the server that stands in for the Hugging Face Hub in the tests
	$(BIN)/python -m pytest tests/hub

test-kfp: $(VENV)/dev  ## Drive KFP's command line and ours against a server that checks its published API
	$(BIN)/python -m pytest tests/kfp_api --numprocesses 2 --timeout 300

test-k8s: $(VENV)/dev  ## Render k8s/ with kubectl, and hold what comes out against published schemas
	$(BIN)/python -m pytest tests/k8s

test-containers: $(VENV)/dev  ## Build the images and run the compiled pipeline in them; needs Docker Engine
	BASE_IMAGE="$(BASE_IMAGE)" $(BIN)/python -m pytest tests/containers --timeout 900

test-docs: $(VENV)/dev  ## Run every command of README.md and docs/, or of PAGES, in a clean clone
	$(BIN)/python -m tests.documented $(PAGES)

test-parity: .venv-goldens/done $(VENV)/dev  ## Compare with transformers on random models, drawn anew; SEED, ROUNDS
	.venv-goldens/bin/python -m tests.extract.parity --engine $(BIN)/python --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED))

test-real: $(VENV)/dev  ## Measure as `make real` does, and compare with docs/real.md; some minutes, fetches 93 MB
	$(BIN)/python -m pytest tests/real --timeout 3600

test-aot: .venv-aot/done $(VENV)/dev  ## Compile large models for TPUs, without one, and hold the plan to it
	$(AOT) -m pytest tests/aot --durations=0

nightly: .venv-aot/done $(VENV)/dev  ## Run what takes too long for each change: hours, and 93 MB to fetch
	$(BIN)/python -m pytest tests/families tests/runs --numprocesses 2 -m nightly
	$(AOT) -m pytest tests/aot -m nightly --durations=0
	$(MAKE) test-docs soak validate test-parity test-real
	$(MAKE) fuzz SECONDS=3600

soak: $(VENV)/dev  ## Kill and disturb runs at random; KILLS and FAULTS say how often
	$(BIN)/python -m tests.soak --kills $(KILLS) --faults $(FAULTS)

fuzz: $(VENV)/dev  ## Feed parsers of foreign bytes what nobody would write; SECONDS for all together, PARSERS, SEED
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) $(PARSERS)

real: $(VENV)/dev  ## Measure texts that everyone has met under a model of others; writes docs/real.md and its picture
	$(BIN)/python -m benchmarks.real

validate: $(VENV)/dev  ## Train models that have seen passages 0 to 64 times, and measure them; under 90 minutes, QUICK=1 under four
	$(BIN)/python -m benchmarks.validate $(if $(QUICK),--quick)

bench: .venv-peers/done $(VENV)/dev  ## Score windows here and in every peer; build/bench has the table, a chart and JSON; BENCH=--readme writes README.md
	$(BIN)/python -m benchmarks.extract $(BENCH)

bench-gpu: .venv-peers/done $(VENV)/run  ## Score windows on a GPU, beside compiled PyTorch; under ten minutes, needs JAX=cuda12 or cuda13 once
	$(BIN)/python -m benchmarks.gpu $(BENCH)

bench-report: $(VENV)/dev  ## Open the report of a synthetic book of a million characters in Chromium; seconds and frames
	$(BIN)/python -m benchmarks.report

bench-plot: $(VENV)/dev  ## Plot a synthetic book of a million characters; seconds and memory
	$(BIN)/python -m benchmarks.plot

bench-download: $(VENV)/dev  ## Bring a model of 2 GB into a store; seconds, memory and disk, beside those of peers
	$(BIN)/python -m benchmarks.download

bench-load: $(VENV)/dev  ## Bring weights of some GB onto devices: the host memory that it takes
	$(BIN)/python -m benchmarks.load

bench-precision: $(VENV)/dev  ## How far weights and arithmetic of 16 bits move log_p_z, of a real model and the sample; fetches 93 MB
	$(BIN)/python -m benchmarks.precision

bench-tokenize: $(VENV)/dev  ## Make windows of a book in several ways; windows per second and ratios
	$(BIN)/python -m benchmarks.tokenize

docs: $(VENV)/dev  ## Write the parts of docs/ that are made from the code: fields, units, the JSON Schema
	$(BIN)/python -m docs

pictures:  ## Draw the pictures of README.md and docs/ anew
	$(MAKE) run OUT=build/pictures SET="control_sample=200 dpi=200"
	cp build/pictures/the-soap-winter/*.png docs/pictures/

check: $(VENV)/dev  ## Lint, and check formats and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/dev  ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

sample: $(VENV)/dev  ## Train the sample model anew
	$(BIN)/python -m samples.train

goldens: .venv-goldens/done  ## Compute the tests' expected values anew with transformers and PyTorch
	.venv-goldens/bin/python -m tests.extract.goldens.make
	.venv-goldens/bin/python -m tests.extract.adapters.make

audit: .venv-audit/done  ## List licences and known vulnerabilities of all locks, and write SBOMs, into build/audit; OFFLINE=1 asks nobody
	@.venv-audit/bin/python -m audit build/audit $(wildcard requirements*.txt images/requirements/*.txt) $(if $(OFFLINE),--offline)

lock:  ## Resolve the dependencies anew (needs uv)
	$(LOCK) --output-file requirements.txt --group run pyproject.toml
	$(LOCK) --output-file requirements-dev.txt --constraints requirements.txt --group dev pyproject.toml
	for image in download tokenize plan extract-cpu extract-tpu extract-cuda12 plot verdict compare; do \
		$(LOCK_IMAGE) --group $$image --output-file images/requirements/$$image.txt || exit; done
	$(LOCK) --constraints requirements.txt --group launch --output-file images/requirements/launch.txt
	for jax in cuda12 cuda13 tpu; do \
		$(LOCK) --constraints requirements.txt --group $$jax --output-file requirements-$$jax.txt || exit; done

# TPUs' compiler, which jax[tpu]==0.10.2 adds to jax. It has a folder of its own, since where jax finds it jax looks for TPUs.
.venv-aot/done: | $(VENV)/run
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --upgrade --target .venv-aot libtpu==0.0.42.1
	@touch $@

.venv-audit/done:
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/pip install --quiet pip==26.3 pip-audit==2.10.1 cyclonedx-bom==7.5.0 'cyclonedx-python-lib[json-validation]==11.12.0'
	@touch $@

.venv-goldens/done:
	$(PYTHON) -m venv .venv-goldens
	.venv-goldens/bin/pip install --quiet torch==2.13.0 transformers==5.23.0 accelerate==1.15.0 peft==0.21.2 safetensors==0.8.0 numpy==2.4.6 msgspec==0.22.0
	@touch $@

.venv-peers/done:
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet torch==2.13.0 transformers==5.23.0 'lm-eval[hf]==0.4.13' numpy==2.4.6 \
		openvino==2026.4.1 onnxruntime==1.32.0 onnx==1.23.2 onnxscript==0.7.2
	@touch $@

$(VENV)/run: requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; (3, 11) <= v < (3, 14) or sys.exit("error: Python 3.11 to 3.13 is needed, found %d.%d: name one, as in make PYTHON=python3.12" % v[:2])'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# JAX for one kind of device takes the place of that for another: two plugins for CUDA would both be started.
$(VENV)/jax-%: $(VENV)/run $(wildcard requirements-*.txt)
	$(BIN)/pip list --format=freeze --disable-pip-version-check | sed -nE 's/^((jax-cuda|libtpu|nvidia-)[^=]*)==.*/\1/p' \
		| xargs -r $(BIN)/pip uninstall --quiet --yes
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt $(patsubst %,-r %,$(wildcard requirements-$*.txt))
	@rm -f $(VENV)/jax-* && touch $@

$(VENV)/dev: requirements-dev.txt $(VENV)/run
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
