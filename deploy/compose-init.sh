#!/usr/bin/env bash
# Makes the identities of the storage peers and the cluster file: what the compose file runs before
# everything else. Does nothing when both are there.
#
# Variables: NAME (of the cluster), PEERS, COORDINATORS, PROXIES (each a list of host:port). The
# directory of the peer at host:port is /peers/host, the cluster file is /cluster/cluster.json.
set -euo pipefail

file=/cluster/cluster.json
arguments=()
for address in $PEERS; do
    directory=/peers/${address%:*}
    if [[ ! -f $directory/IDENTITY ]]; then
        if [[ -f $file ]]; then
            echo "compose-init: $directory is empty, but the cluster file counts on what it held;" \
                "a storage peer that lost its disk cannot be replaced yet" >&2
            exit 78
        fi
        storage-peer init --data-directory "$directory" --log-level warning
    fi
    arguments+=(--peer "$directory=tcp://$address")
done
for address in $COORDINATORS; do arguments+=(--coordinator "tcp://$address"); done
for address in $PROXIES; do arguments+=(--proxy "tcp://$address"); done
if [[ ! -f $file ]]; then
    # Whole or not at all: nothing but a whole file may be found there the next time.
    rm -f "$file.new"
    optimystic cluster plan --name "$NAME" --out "$file.new" "${arguments[@]}"
    mv "$file.new" "$file"
fi
# Volumes belong to root when they are new, and services do not run as root. What a peer has already
# is not touched: it may be running. The directory itself comes last and says that all in it is done.
for address in $PEERS; do
    directory=/peers/${address%:*}
    if [[ $(stat -c %U "$directory") != optimystic ]]; then
        find "$directory" -depth -exec chown optimystic: {} +
    fi
done
chmod 644 "$file"
