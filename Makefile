# One command each, on a fresh Linux or macOS machine with Python 3.11 and make. `make` alone lists them.
#
# PyTorch: the CPU build, from PyTorch's CPU index or from whatever pip itself is configured with; CUDA is never
# fetched unasked. GPU=1 takes PyTorch's default build instead (on Linux CUDA, several GB); .venv remembers it.
#   make demo GPU=1            make demo TORCH_INDEX=https://a.mirror.example/cpu            make demo TORCH_INDEX=

PYTHON      ?= $(shell command -v python3.11 || command -v python3)
VENV        := .venv
BIN         := $(VENV)/bin
GPU         ?= $(if $(wildcard $(VENV)/.gpu),1)
TORCH_INDEX ?= $(if $(GPU),,https://download.pytorch.org/whl/cpu)
WORKERS     ?= 3
ARGS        ?=

# --retries 0: an index that cannot be reached costs seconds per package otherwise. pip compiles what it installs,
# also where PYTHONDONTWRITEBYTECODE is set, because uncompiled packages take three times as long to import.
PIP_INSTALL := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pip install --quiet --retries 0 \
	$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -c constraints.txt $(if $(GPU),,-c cpu-only.txt)
SET_UP_FROM := pyproject.toml constraints.txt cpu-only.txt
KIND        := $(if $(GPU),gpu,cpu)
CORE        := $(VENV)/.installed-core-$(KIND)
DEV         := $(VENV)/.installed-dev-$(KIND)

.PHONY: help demo test check bench image soak model
.DELETE_ON_ERROR:

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(CORE)  ## make the demo shop and serve it at http://127.0.0.1:8080/ (ARGS="--port 9000")
	$(BIN)/shopclerk demo $(ARGS)

test: $(DEV)  ## the whole suite, warnings are errors (ARGS="tests/unit -k identity", WORKERS=4)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: $(DEV)  ## style, types, and which package may import which
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

image:  ## the container image (PIP_CONF=FILE, TAG=shopclerk:latest, ARGS="--build-arg TORCH=1")
	docker/build.sh $(or $(TAG),shopclerk:latest) $(ARGS)

bench: $(DEV)  ## the quick benchmarks, a table each; DATA=FOLDER holds stores/ and benchmarks/
	$(call measure,retail_tasks,stores/retail,--store $(DATA)/stores/retail)
	$(call measure,retrieval,benchmarks/retrieval/chorus,$(DATA)/benchmarks/retrieval/chorus)
	@echo "== search_speed" && $(BIN)/python -m benchmarks.search_speed
	@echo "== turns" && $(BIN)/python -m benchmarks.turns

soak: $(DEV)  ## the promises of durability, the long runs: 50 kills, 1,000 cut connections … (ARGS="--only crash")
	$(BIN)/python -m tests.soak $(ARGS)

model: $(DEV)  ## train the language model we ship from nothing: two hours on two cores, goes on where it was (ARGS="--minutes 60")
	$(BIN)/python -m training.embedded $(ARGS)

DATA        ?= ../shared

# $(1) a module of benchmarks/, $(2) the folder under DATA it needs, $(3) its arguments
define measure
	@if [ -d "$(DATA)/$(2)" ]; then echo "== $(1)" && $(BIN)/python -m benchmarks.$(1) $(3); \
		else echo "== $(1): left out, there is no $(DATA)/$(2)"; fi
endef

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "shopclerk needs Python 3.11 or newer; name it with PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(CORE): $(BIN)/python $(SET_UP_FROM)
	$(call install,.)

$(DEV): $(BIN)/python $(SET_UP_FROM)
	$(call install,.[dev$(comma)train])
	@touch $(CORE)

comma := ,
define install
	@echo "installing into $(VENV) ($(KIND) build of PyTorch); the first time takes minutes"
	@$(if $(GPU),$(BIN)/python -m pip uninstall --quiet --yes torch)
	@$(PIP_INSTALL) -e '$(1)' || { echo "the set-up failed. Where no CPU build of PyTorch can be had: configure pip \
	with an index or a folder that has one, or take the default build with GPU=1"; exit 1; }
	@touch $@ $(if $(GPU),$(VENV)/.gpu)
endef
