#!/bin/sh
# Starts kapture-tui from this checkout; the first time it makes .venv. Takes what kapture-tui takes: ./kapture.sh --help
set -eu

self=$0
while [ -L "$self" ]; do
    target=$(readlink "$self")
    case $target in
        /*) self=$target ;;
        *) self=$(dirname "$self")/$target ;;
    esac
done
root=$(cd "$(dirname "$self")" && pwd -P)

sh "$root/tools/venv.sh" runtime
exec "$root/.venv/bin/kapture-tui" "$@"
