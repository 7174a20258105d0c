#!/usr/bin/env bash
# The cluster of docker-compose.yml in containers: compose.sh up | load-test | down
#
# Variables of load-test: LOAD_WORKLOAD, LOAD_CLIENTS, LOAD_SECONDS, LOAD_RECORDS, LOAD_OUTPUT.
# `down` keeps the volumes, and with them all data; `up` goes on with them.
set -euo pipefail

directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# How long a new cluster may take until it answers.
start_seconds=60

fail() {
    echo "compose.sh: $1" >&2
    exit "${2:-69}"
}

compose=()
find_engine() {
    command -v docker >/dev/null || fail "there is no docker on the PATH; nothing was started"
    docker info >/dev/null 2>&1 ||
        fail "no container engine answers (docker info failed); nothing was started"
    if docker compose version >/dev/null 2>&1; then
        compose=(docker compose)
    elif command -v docker-compose >/dev/null; then
        compose=(docker-compose)
    else
        fail "docker has no compose plugin and there is no docker-compose; nothing was started"
    fi
    compose+=(--project-name optimystic --file "$directory/docker-compose.yml")
}

up() {
    local second
    "${compose[@]}" build init
    "${compose[@]}" up -d
    for second in $(seq "$start_seconds"); do
        if "${compose[@]}" exec -T proxy-1 optimystic status; then return; fi
        sleep 1
    done
    "${compose[@]}" ps
    fail "the cluster does not answer after $start_seconds s"
}

case ${1:-} in
up | load-test | down) find_engine ;;
*) fail "usage: compose.sh up | load-test | down" 64 ;;
esac
case $1 in
up) up ;;
load-test) "${compose[@]}" --profile load-test run --rm load-test ;;
down) "${compose[@]}" --profile load-test down ;;
esac
