# Everything is installed in .venv/; nothing outside this folder is touched.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test check fuzz bench protos policies gateway schemas conformance

BIN   := .venv/bin
# An environment knows its folder: one that was moved is made anew.
STAMP := .venv/stamp-$(shell pwd | cksum | cut -d' ' -f1)
CORE := $(shell grep -l "^\# cython:" svc_match/*.py svc_match/core/*.py) $(wildcard svc_match/*.pxd svc_match/core/*.pxd)
INPUTS := requirements.txt pyproject.toml setup.py $(CORE) protos/pyproject.toml sdk/python/pyproject.toml Makefile
PYTHON_SOURCES := chassis cli mesh svc_match svc_ledger svc_order svc_quote sdk/python/bourse_sdk

# The first Python that is at least 3.11 and can make an environment; name another with `make setup PYTHON=/path/to/python3`.
FIND_PYTHON = for python in $(PYTHON) python3 python3.13 python3.12 python3.11 /usr/bin/python3; do \
	"$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; python=; done; \
	[ -n "$$python" ] || { echo "No Python 3.11 or newer with venv was found: install one, or name it: make setup PYTHON=/path/to/python3" >&2; exit 1; }

help: ## This list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(STAMP) ## Everything that is needed, in .venv/ (the command is then .venv/bin/bourse)

$(STAMP): $(INPUTS)
	@[ -e $@ ] || rm -rf .venv
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { $(FIND_PYTHON); \
	echo "Setting up .venv with $$("$$python" --version) ($$python)"; \
	rm -rf .venv && "$$python" -m venv .venv; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		-e protos -e sdk/python -e .
	@$(BIN)/python -c 'from svc_match.core.books import COMPILED; COMPILED or print("No C compiler, or no Python headers: the matching core runs interpreted")'
	@touch $@

demo: setup ## A whole exchange trades for half a minute, is killed and released on the way, and every cent is reconciled
	@$(BIN)/bourse demo

test: setup ## Every test, with a real PostgreSQL and a real NATS, in two processes (make test ARGS=-n0: in one)
	@$(BIN)/python -m pytest -n 2 $(ARGS)

check: setup ## ruff, mypy --strict, buf lint, the import contracts, and that the stubs are fresh
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted: run .venv/bin/ruff format ." >&2; exit 1; }
	@$(BIN)/mypy $(wildcard $(PYTHON_SOURCES))
	@$(BIN)/buf lint
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest --quiet tests/test_protos.py

fuzz: setup ## The matching core beside its twin on random commands: make fuzz SEED=1 COMMANDS=1000000
	@$(BIN)/python -m tests.svc_match.twin --seed $(or $(SEED),1) --commands $(or $(COMMANDS),300000)

bench: setup ## One figure and its conditions: make bench NAME=orders
	@[ -n "$(NAME)" ] || { echo "Which one? make bench NAME=..., of:" $(patsubst bench/%.py,%,$(wildcard bench/[a-z]*.py)) $(patsubst bench/%/__main__.py,%,$(wildcard bench/*/__main__.py)) >&2; exit 2; }
	@$(BIN)/python -m bench.$(NAME) $(ARGS)

protos: setup ## Generates protos/gen from protos/bourse
	@$(BIN)/python protos/generate.py

policies: setup ## Generates who may call which method from the protos: mesh/istio/policies.yaml, docs/callers.md
	@$(BIN)/python -m mesh.policies

gateway: setup ## Generates the gateway's JSON, from the protos, and its own answers (mesh/istio/gateway-json.yaml, -replies.yaml)
	@$(BIN)/python -m mesh.gateway

schemas: setup ## Fetches again what documents are checked against (Go on the PATH)
	@$(BIN)/python -m mesh.schemas.vendor

conformance: setup ## What Istio's own discovery server makes of our YAML, beside what the local mesh does (needs Go)
	@$(BIN)/python -m mesh.conformance
