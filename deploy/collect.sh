#!/usr/bin/env bash
# Puts what an image needs into one folder: collect.sh BUILD_FOLDER OUTPUT_FOLDER
#
# That is the executables, stripped, and the shared libraries of the Swift runtime that they load,
# which they look for beside themselves. Debian's own libraries are packages of the image.
set -euo pipefail

[[ $# == 2 ]] || { echo "usage: collect.sh BUILD_FOLDER OUTPUT_FOLDER" >&2; exit 64; }
build=$1
output=$2

mkdir -p "$output"
for name in storage-peer coordinator client-proxy optimystic load-tester; do
    strip -o "$output/$name" "$build/$name"
    ldd "$build/$name" | awk '$3 ~ "/swift/linux/" { print $3 }'
done | sort -u | while read -r library; do
    cp --dereference "$library" "$output/"
done
