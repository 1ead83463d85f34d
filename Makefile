# `make run` measures the bundled sample; `make test` tests. Everything else is below, one line each.
#
#   make run BOOKS="a.txt b.txt" CONTROLS=unseen.txt MODEL=llama-3.2-1b OUT=results SET="top_k=20 cursor_inc=50"
#   make submit ARGS="k8s/runs/novels.yaml --host http://localhost:8080 --wait"
#   make compile QUEUE=scores RUN_AS=0
#   make plan MODEL=llama-3.1-8b ACCELERATOR=v6e-2x4 BOOKS="a.txt b.txt" COMPILE=1

# What is fixed for all runs of a cluster stands in compile.mk, as QUEUE = scores, where there is such a file.
-include compile.mk

PYTHON ?= python3
BOOKS ?= samples/the-soap-winter.txt
CONTROLS ?= $(if $(filter samples/the-soap-winter.txt,$(BOOKS)),samples/the-lamp-ledger.txt)
MODEL ?= samples/model
STORE ?= build/store
OUT ?= out
SET ?=
ACCELERATOR ?=
JAX ?= tpu
BASE_IMAGE ?=
REGISTRY ?=
COMPILE ?=
QUEUE ?=
TIMEOUT_HOURS ?=
RETRIES ?=
TMP_SIZE ?=
RUN_AS ?=
DO ?= ls
KILLS ?= 100
FAULTS ?= 1000
SEED ?=
ROUNDS ?= 3
BENCH ?=
ARGS ?=
CHECK ?=
OFFLINE ?=

VENV := .venv
BIN := $(VENV)/bin
AOT := PYTHONPATH=.venv-aot $(BIN)/python
ORDER := build/order.json
LOCK = uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate
LOCK_IMAGE = $(LOCK) --config-file images/uv.toml --constraints requirements.txt --group component

.PHONY: help run plan compile images push submit manifests test test-runs test-gcs test-hub test-kfp test-k8s
.PHONY: test-containers test-docs test-parity test-aot soak store audit bench bench-plot bench-download bench-load
.PHONY: bench-precision bench-tokenize docs pictures check format sample goldens lock

help:  ## Say what there is
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 18

run: compile  ## Measure BOOKS under MODEL on this machine; results in OUT
	@$(BIN)/python -m byheart.launch run build/pipeline.yaml --books $(BOOKS) --controls $(CONTROLS) --model "$(MODEL)" --store "$(STORE)" --out "$(OUT)" --set $(SET)

compile: $(VENV)/run  ## Write build/pipeline.yaml; JAX, QUEUE, TIMEOUT_HOURS, RETRIES, TMP_SIZE and RUN_AS are fixed in it
	@$(BIN)/python -m byheart.launch compile build/pipeline.yaml --jax "$(JAX)" $(if $(QUEUE),--queue "$(QUEUE)") \
		$(if $(TIMEOUT_HOURS),--timeout-hours "$(TIMEOUT_HOURS)") $(if $(RETRIES),--retries "$(RETRIES)") \
		$(if $(TMP_SIZE),--tmp-size "$(TMP_SIZE)") $(if $(RUN_AS),--run-as "$(RUN_AS)")

images: $(VENV)/run  ## Build the stages' images with Docker, tagged by commit; JAX=tpu, cuda12 or cpu
	@$(BIN)/python -m byheart.launch images --jax "$(JAX)" --base "$(BASE_IMAGE)"

push: $(VENV)/run  ## Build them and push them to REGISTRY; images/digests.json says what a pod will pull
	@$(BIN)/python -m byheart.launch images --jax "$(JAX)" --base "$(BASE_IMAGE)" --push "$(REGISTRY)"

submit: build/pipeline.yaml  ## Submit a run to Kubeflow Pipelines; ARGS="k8s/runs/novels.yaml --wait", or name=value
	@$(BIN)/python -m byheart.launch submit $(ARGS)

build/pipeline.yaml:
	@$(MAKE) --no-print-directory compile

manifests: compile  ## Write the Jobs of k8s/runs for GitOps; CHECK=1 says whether they are current
	@$(BIN)/python -m byheart.launch manifests build/pipeline.yaml $(if $(CHECK),--check)

test: $(VENV)/dev  ## Run the tests, in two processes
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup

test-runs: $(VENV)/dev  ## Test what takes minutes: bad input of every kind, many books, secrets, eight devices
	$(BIN)/python -m pytest tests/runs

test-gcs: $(VENV)/dev  ## Test the server that stands in for Google Cloud Storage in the tests
	$(BIN)/python -m pytest tests/gcs

test-hub: $(VENV)/dev  ## Test the server that stands in for the Hugging Face Hub in the tests
	$(BIN)/python -m pytest tests/hub

test-kfp: $(VENV)/dev  ## Drive KFP's command line and ours against a server that checks its published API
	$(BIN)/python -m pytest tests/kfp_api

test-k8s: $(VENV)/dev  ## Render k8s/ with kubectl, and hold what comes out against published schemas
	$(BIN)/python -m pytest tests/k8s

test-containers: $(VENV)/dev  ## Build the images and run the compiled pipeline in them; needs Docker Engine
	BASE_IMAGE="$(BASE_IMAGE)" $(BIN)/python -m pytest tests/containers --timeout 900

test-docs: $(VENV)/dev  ## Run every command of README.md and docs/ in a clean clone
	$(BIN)/python -m tests.documented

test-parity: .venv-goldens/done $(VENV)/dev  ## Compare with transformers on random models, drawn anew; SEED, ROUNDS
	.venv-goldens/bin/python -m tests.extract.parity --engine $(BIN)/python --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED))

test-aot: .venv-aot/done $(VENV)/dev  ## Compile large models for TPUs, without one, and hold the plan to it
	$(AOT) -m pytest tests/aot --durations=0

soak: $(VENV)/dev  ## Kill and disturb runs at random; KILLS and FAULTS say how often
	$(BIN)/python -m tests.soak --kills $(KILLS) --faults $(FAULTS)

plan: $(VENV)/run $(if $(COMPILE),.venv-aot/done)  ## Say whether MODEL fits on ACCELERATOR, how fast, and what BOOKS cost; COMPILE=1 compiles
	@$(BIN)/python -m byheart.launch plan --model "$(MODEL)" --accelerator "$(ACCELERATOR)" --books $(if $(filter file default,$(origin BOOKS)),,$(BOOKS)) --set $(SET) $(if $(COMPILE),--order $(ORDER))
	@$(if $(COMPILE),$(AOT) -m byheart.desk.ahead $(ORDER))

store: $(VENV)/run  ## See what STORE holds: DO="ls", "show ADDRESS" or "rm ADDRESS"
	@$(BIN)/python -m byheart.launch store $(DO) --store "$(STORE)"

bench: .venv-peers/done $(VENV)/dev  ## Score windows here, in PyTorch and in lm-evaluation-harness; windows/s and ratios
	$(BIN)/python -m benchmarks.extract $(BENCH)

bench-plot: $(VENV)/dev  ## Plot a synthetic book of a million characters; seconds and memory
	$(BIN)/python -m benchmarks.plot

bench-download: $(VENV)/dev  ## Bring a model of 2 GB into a store; seconds, memory and disk, beside those of peers
	$(BIN)/python -m benchmarks.download

bench-load: $(VENV)/dev  ## Bring weights of some GB onto devices: the host memory that it takes
	$(BIN)/python -m benchmarks.load

bench-precision: $(VENV)/dev  ## How far weights and arithmetic of 16 bits move log_p_z of the sample
	$(BIN)/python -m benchmarks.precision

bench-tokenize: $(VENV)/dev  ## Make windows of a book in several ways; windows per second and ratios
	$(BIN)/python -m benchmarks.tokenize

docs: $(VENV)/dev  ## Write the parts of docs/ that are made from the code: fields, units, the JSON Schema
	$(BIN)/python -m docs

pictures:  ## Draw the pictures of README.md and docs/ anew
	$(MAKE) run OUT=build/pictures SET="control_sample=200 figsize=10x2.6 dpi=160"
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

audit: .venv-audit/done  ## List licences and known vulnerabilities of all locks, and write SBOMs, into build/audit; OFFLINE=1 asks nobody
	@.venv-audit/bin/python -m audit build/audit $(wildcard requirements*.txt images/requirements/*.txt) $(if $(OFFLINE),--offline)

lock:  ## Resolve the dependencies anew (needs uv)
	$(LOCK) --group run --output-file requirements.txt pyproject.toml
	$(LOCK) --group dev --output-file requirements-dev.txt pyproject.toml
	for image in download tokenize plan extract-cpu extract-tpu extract-cuda12 plot verdict; do \
		$(LOCK_IMAGE) --group $$image --output-file images/requirements/$$image.txt pyproject.toml || exit; done
	$(LOCK) --constraints requirements.txt --group launch --output-file images/requirements/launch.txt pyproject.toml

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
	.venv-goldens/bin/pip install --quiet torch==2.13.0 transformers==5.23.0 safetensors==0.8.0 numpy==2.4.6
	@touch $@

.venv-peers/done:
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet torch==2.13.0 transformers==5.23.0 'lm-eval[hf]==0.4.13' numpy==2.4.6
	@touch $@

$(VENV)/run: requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; (3, 11) <= v < (3, 14) or sys.exit("error: Python 3.11 to 3.13 is needed, found %d.%d: name one, as in make PYTHON=python3.12" % v[:2])'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/dev: requirements-dev.txt $(VENV)/run
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
