#!/usr/bin/env bash
# A cluster of real services on loopback, for trying things out: up | status | down.
#
# Variables: PEERS (3), REPLICAS (3; 1 when there are fewer peers), SHARDS (16), COORDINATORS (2),
# PROXIES (1), NAME (local), FIRST_PORT (7710: the first port that is tried), CLUSTER_DIR
# (.cluster: data, logs and pids), OPTIMYSTIC_BIN (.build/release: the executables).
#
# `down` keeps the data; `up` goes on with it. Remove CLUSTER_DIR to begin anew.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${OPTIMYSTIC_BIN:-$root/.build/release}
dir=${CLUSTER_DIR:-$root/.cluster}
name=${NAME:-local}
peers=${PEERS:-3}
coordinators=${COORDINATORS:-2}
proxies=${PROXIES:-1}
shards=${SHARDS:-16}
replicas=${REPLICAS:-$((peers >= 3 ? 3 : 1))}
first_port=${FIRST_PORT:-7710}

# How long a service may take to start, and to stop: a drain takes 10 s at most.
start_seconds=15
stop_seconds=12

fail() {
    echo "cluster.sh: $1" >&2
    exit "${2:-69}"
}

for count in "$peers" "$coordinators" "$proxies" "$shards" "$replicas" "$first_port"; do
    [[ $count =~ ^[1-9][0-9]*$ ]] || fail "\"$count\" is not a positive number" 64
done

# Whether the process of a pidfile runs and is the executable it was started as: a number may have
# been given to another process since.
runs() {
    local pidfile=$1 role=$2 pid
    [[ -f $pidfile ]] || return 1
    pid=$(<"$pidfile")
    [[ $(readlink "/proc/$pid/exe" 2>/dev/null) == */"$role" ]]
}

# Sets `port` to the next port on which nobody listens.
next_port=$first_port
take_port() {
    while (exec 3<>"/dev/tcp/127.0.0.1/$next_port") 2>/dev/null; do next_port=$((next_port + 1)); done
    port=$next_port
    next_port=$((next_port + 1))
}

# The services of the cluster, one `role instance address` a line, as the cluster file was made.
services() { cat "$dir/services"; }

plan() {
    local arguments=() number port
    : >"$dir/services.new"
    for number in $(seq "$peers"); do
        take_port
        [[ -f $dir/peer-$number/IDENTITY ]] ||
            "$bin/storage-peer" init --data-directory "$dir/peer-$number" \
                --log-level warning >/dev/null
        arguments+=(--peer "$dir/peer-$number=tcp://127.0.0.1:$port")
        echo "storage-peer peer-$number tcp://127.0.0.1:$port" >>"$dir/services.new"
    done
    for number in $(seq "$coordinators"); do
        take_port
        arguments+=(--coordinator "tcp://127.0.0.1:$port")
        echo "coordinator coordinator-$number tcp://127.0.0.1:$port" >>"$dir/services.new"
    done
    for number in $(seq "$proxies"); do
        take_port
        arguments+=(--proxy "tcp://127.0.0.1:$port")
        echo "client-proxy proxy-$number tcp://127.0.0.1:$port" >>"$dir/services.new"
    done
    "$bin/optimystic" cluster plan --name "$name" --replicas "$replicas" --shards "$shards" \
        "${arguments[@]}" --out "$dir/cluster.json"
    mv "$dir/services.new" "$dir/services"
    echo "$name" >"$dir/name"
}

start() {
    local role=$1 instance=$2 address=$3 arguments
    arguments=(--cluster-file "$dir/cluster.json" --listen "$address")
    [[ $role == storage-peer ]] && arguments+=(--data-directory "$dir/$instance")
    # The log of this start alone: readiness is looked for in it.
    [[ -f $dir/$instance.log ]] && mv "$dir/$instance.log" "$dir/$instance.log.old"
    setsid "$bin/$role" "${arguments[@]}" >/dev/null 2>"$dir/$instance.log" </dev/null &
    echo $! >"$dir/$instance.pid"
}

wait_ready() {
    local role=$1 instance=$2 tenth
    for tenth in $(seq $((start_seconds * 10))); do
        grep -q '"msg":"ready"' "$dir/$instance.log" 2>/dev/null && return 0
        # A moment for the shell's child to become the executable.
        if ((tenth > 5)) && ! runs "$dir/$instance.pid" "$role"; then break; fi
        sleep 0.1
    done
    echo "cluster.sh: $instance did not start:" >&2
    tail -n 3 "$dir/$instance.log" >&2
    return 1
}

url() {
    local role instance address list=""
    while read -r role instance address; do
        [[ $role == client-proxy ]] && list+="${list:+,}${address#tcp://}"
    done < <(services)
    echo "optimystic://$list/$(<"$dir/name")"
}

up() {
    local executable role instance address
    for executable in storage-peer coordinator client-proxy optimystic; do
        [[ -x $bin/$executable ]] || fail "$bin/$executable is missing; run make build"
    done
    mkdir -p "$dir"
    [[ -f $dir/cluster.json && -f $dir/services ]] || plan
    while read -r role instance address; do
        runs "$dir/$instance.pid" "$role" || start "$role" "$instance" "$address"
    done < <(services)
    while read -r role instance address; do
        wait_ready "$role" "$instance" || { down; exit 69; }
    done < <(services)
    echo "$(url)"
}

status() {
    local role instance address
    [[ -f $dir/services ]] || fail "there is no cluster in $dir; start one with: $0 up"
    while read -r role instance address; do
        if runs "$dir/$instance.pid" "$role"; then
            echo "$instance runs as $(<"$dir/$instance.pid") at $address"
        else
            echo "$instance does not run (its log: $dir/$instance.log)"
        fi
    done < <(services)
    "$bin/optimystic" status --connect "$(url)"
}

down() {
    local role instance address tenth left
    [[ -f $dir/services ]] || return 0
    while read -r role instance address; do
        if runs "$dir/$instance.pid" "$role"; then kill -TERM "$(<"$dir/$instance.pid")"; fi
    done < <(services)
    for tenth in $(seq $((stop_seconds * 10))); do
        left=""
        while read -r role instance address; do
            if runs "$dir/$instance.pid" "$role"; then left+=" $instance"; fi
        done < <(services)
        [[ -z $left ]] && break
        sleep 0.1
    done
    while read -r role instance address; do
        if runs "$dir/$instance.pid" "$role"; then
            echo "cluster.sh: $instance did not stop in $stop_seconds s and is killed" >&2
            kill -KILL "$(<"$dir/$instance.pid")"
        fi
        rm -f "$dir/$instance.pid"
    done < <(services)
}

case ${1:-} in
up) up ;;
status) status ;;
down) down ;;
*) fail "usage: cluster.sh up | status | down" 64 ;;
esac
