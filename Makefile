# What can be done with this repository. Needs Python 3.11, pip and make; everything else lands in .venv.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 3
ARGS ?=

# Tests start hundreds of processes, which would each compile every module.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup ui serve test test-ui shots check lint soak cases proto docs bench
.PHONY: bench-ui bench-engine bench-live bench-values bench-groups bench-projections bench-boot bench-access bench-past bench-debugger bench-peers binary vsix test-peers
.PHONY: test-frozen clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ready static/dist/index.html ## create or update .venv with everything pinned in constraints.txt, and build the dashboard

# What pip builds this package with is constrained too: one variable for pip before 25.3, the other since.
.venv/.ready: export PIP_CONSTRAINT := constraints.txt
.venv/.ready: export PIP_BUILD_CONSTRAINT := constraints.txt
# The stamp is written last: an interrupted installation is taken up again, a finished one costs nothing.
.venv/.ready: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 setup" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[server,dev]'
	@touch $@

ui: static/dist/index.html ## build the dashboard into static/dist (make ui ARGS=--watch builds on each change)
	@test -z "$(ARGS)" || (cd static && exec node build.mjs $(ARGS))

# What npm installs is pinned by package-lock.json, and none of it may run scripts of its own.
static/node_modules/.ready: static/package.json static/package-lock.json
	@node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null || { echo "Node 20 or newer is needed to build the dashboard, with npm" >&2; exit 1; }
	cd static && npm ci --silent --ignore-scripts
	@touch $@

static/dist/index.html: static/node_modules/.ready static/build.mjs $(shell find static/src -type f)
	cd static && node build.mjs

serve: setup ## start the server on http://127.0.0.1:9123 (ARGS="--port 8000 --database-url …")
	@exec $(BIN)/ironflow serve $(ARGS)

test: setup ## run all tests (ARGS="-k word" narrows them; they bring their own Postgres)
	cd static && node test.mjs
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

test-ui: setup ## the dashboard alone: its pure modules, and all pages in Chromium on both stores
	cd static && node test.mjs
	IRONFLOW_UI_GALLERY=yes $(BIN)/python -m pytest -n 0 tests/ui $(ARGS)

SHOTS ?= $(or $(TMPDIR),/tmp)/ironflow-shots
shots: setup ## pictures of every page, in every state and theme, wide and narrow, into the folder SHOTS
	IRONFLOW_UI_SHOTS=$(abspath $(SHOTS)) $(BIN)/python -m pytest -n 0 tests/ui -k "sqlite and (light or dark or states)" $(ARGS)
	@echo "look at them: $(abspath $(SHOTS))"

check: lint ## format, lint, types, layers and the fast tests: green before every commit
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow and not frozen" tests/unit tests/contract

lint: setup ## format, lint, types, import layers, the compose file and the Dockerfile
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/hadolint packaging/Dockerfile
	cd static && npm run --silent check

soak: setup ## 300 kills of server and workers at random instants on each store, with figures (ARGS="--seed=7")
	$(BIN)/python -m pytest tests/scenario/test_kill_cycles.py -s --timeout=0 --kill-cycles=300 $(ARGS)

cases: setup ## 50 requests that Schemathesis makes of each operation of the API, on both stores (ARGS="--cases=200")
	$(BIN)/python -m pytest tests/api/test_schemathesis.py --timeout=0 --cases=50 $(ARGS)

proto: setup ## generate sdk/ironflow/v1 from proto/
	$(BIN)/python -m tests.support.protobuf sdk

docs: setup ## write docs/reference from the code's tables
	$(BIN)/python -m tests.support.reference

bench: setup ## measure this machine and the server on it (ARGS chooses)
	$(BIN)/python -m benchmarks $(ARGS)

bench-ui: setup ## measure the frames of a run of 200,000 records in Chromium (ARGS: how many records)
	cd static && node bench/long_run.mjs $(ARGS)

bench-engine: setup ## measure starts, fan-out, timers, a long run and idling (ARGS chooses)
	$(BIN)/python -m benchmarks.engine $(ARGS)

bench-live: setup ## measure live subscriptions: latency, fan-out, replay, memory
	$(BIN)/python -m benchmarks.live $(ARGS)

bench-values: setup ## measure key-values beside raw JetStream KV and Redis (ARGS chooses)
	$(BIN)/python -m benchmarks.values $(ARGS)

bench-groups: setup ## measure delivery to consumer groups
	$(BIN)/python -m benchmarks.groups $(ARGS)

bench-projections: setup ## measure how fast projections fold, and how soon they have what comes (ARGS chooses)
	$(BIN)/python -m benchmarks.projections $(ARGS)

bench-boot: binary ## measure how soon the executable is there, and what it weighs (ARGS chooses)
	$(BIN)/python -m benchmarks.boot $(ARGS)

bench-access: setup ## measure what it takes to decide whether a caller may do something (ARGS chooses)
	$(BIN)/python -m benchmarks.access $(ARGS)

bench-past: setup ## measure timelines and states of a run of 10,000 steps (ARGS chooses)
	$(BIN)/python -m benchmarks.run_past $(ARGS)

bench-debugger: setup ## measure each move through a run of 50,000 records in the debugger (ARGS chooses)
	$(BIN)/python -m benchmarks.debugger $(ARGS)

bench-peers: setup ## measure Ironflow, DBOS and Restate in turns (ARGS chooses)
	$(BIN)/python -m benchmarks.peers $(ARGS)

.venv/.binary: export PIP_CONSTRAINT := constraints.txt
.venv/.binary: export PIP_BUILD_CONSTRAINT := constraints.txt
.venv/.binary: .venv/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[server,dev,binary]'
	@touch $@

binary: setup .venv/.binary ## build the one-file executable dist/ironflow
	$(BIN)/pyinstaller --noconfirm --log-level WARN --distpath dist --workpath build/pyinstaller ironflow.spec

vsix: setup ## write the editor extension dist/ironflow.vsix
	$(BIN)/python packaging/vscode/pack.py dist/ironflow.vsix

test-peers: setup ## the debugger with clients that others wrote (installs Microsoft's first)
	cd tests/dap/peers && npm ci --silent --ignore-scripts
	$(BIN)/python -m pytest -n 0 tests/dap/test_peers.py $(ARGS)

test-frozen: binary ## test the executable as a user would have it
	$(BIN)/python -m pytest -m frozen tests/frozen $(ARGS)

clean: ## remove what make made (not your data in .ironflow)
	rm -rf .venv .bench build dist static/dist static/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
