#!/bin/sh
# Makes, completes or repairs the checkout's .venv:  tools/venv.sh [runtime|dev]
#
# Says on stderr what it does, one line each, and nothing when there is nothing to do.
# Exit 0: ready. 1: installing failed. 3: Python or its venv module is missing or too old.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd -P)
venv=$root/.venv
lock=$root/.venv.setup
extras=${1:-runtime}
locked=no

say() { printf 'kapture-tui: %s\n' "$1" >&2; }

die() {
    status=$1
    shift
    for line in "$@"; do say "$line"; done
    [ "$locked" = no ] || rm -f "$lock"
    exit "$status"
}

# --- is there anything to do? -----------------------------------------------------------------------------------

# The path belongs to it: the scripts in a moved .venv point to where it was.
fingerprint() { printf '%s %s\n' "$(cat "$root/pyproject.toml" "$root/constraints.txt" | cksum)" "$root"; }

is_ready() {
    [ -x "$venv/bin/kapture-tui" ] && [ -x "$venv/bin/python" ] &&
        [ "$(cat "$venv/kapture-$extras.stamp" 2>/dev/null)" = "$(fingerprint)" ]
}

# --- which Python? ----------------------------------------------------------------------------------------------

recent_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

can_make_venvs() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

have() { command -v "$1" >/dev/null 2>&1; }

# Sets python to the first one that will do. Otherwise without_venv and too_old name the last one that would not.
find_python() {
    python='' without_venv='' too_old=''
    for candidate in python3.13 python3.12 python3.11 python3; do
        have "$candidate" || continue
        if ! recent_enough "$candidate"; then
            too_old="$candidate is $("$candidate" --version 2>&1 | head -n 1)"
        elif have uv || can_make_venvs "$candidate"; then
            python=$candidate
            return 0
        else
            without_venv=$candidate
        fi
    done
    return 1
}

how_to_get_python() {
    if [ "$(uname -s)" = Darwin ]; then
        echo "brew install python"
    elif have apt-get; then
        echo "sudo apt install python3 python3-venv   (Debian 12, Ubuntu 24.04 or newer)"
    elif have dnf; then
        echo "sudo dnf install python3.12"
    elif have zypper; then
        echo "sudo zypper install python312"
    elif have pacman; then
        echo "sudo pacman -S python"
    else
        echo "your system's package manager has it as python3"
    fi
}

how_to_get_venv() {
    if have apt-get; then
        version=$("$1" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
        echo "sudo apt install python3-venv   (or $version-venv)"
    else
        how_to_get_python
    fi
}

# uv needs none: it fetches one.
require_python() {
    find_python && return 0
    if have uv; then
        python='>=3.11'
    elif [ -n "$without_venv" ]; then
        die 3 "$without_venv lacks the venv module." "Install it: $(how_to_get_venv "$without_venv")"
    else
        die 3 "needs Python 3.11 or newer; ${too_old:-there is no python3 on PATH}." \
            "Install it: $(how_to_get_python)" "Or install uv, which brings its own Python."
    fi
}

# --- one at a time ----------------------------------------------------------------------------------------------

# The lock is a symbolic link, because one is made together with what it says: the process that works on .venv.
# If that process is gone, it was interrupted.
lock_owner() {
    owner=$(readlink "$lock" 2>/dev/null || true)
    owner=${owner#pid-}
}

# Only who holds the guard may replace a lock; two who find the same dead owner would both take it otherwise.
take_over() {
    mkdir "$lock.guard" 2>/dev/null || return 1
    lock_owner
    if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
        ln -s "pid-$$" "$lock.new"
        mv -f "$lock.new" "$lock"
        locked=yes
        interrupted=yes
    fi
    rmdir "$lock.guard"
    [ "$locked" = yes ]
}

wait_for_lock() {
    if [ -n "$owner" ] && kill -0 "$owner" 2>/dev/null; then
        [ "$waited" -gt 0 ] || say "process $owner is working on .venv; waiting for it"
        waited=$((waited + 1))
    else
        stuck=$((stuck + 1))
        # The guard is held for a moment only; whoever still holds it was killed in that moment.
        [ "$stuck" -lt 10 ] || rm -rf "$lock.guard" "$lock.new"
    fi
    sleep 1
}

take_lock() {
    interrupted=no
    waited=0
    stuck=0
    until ln -s "pid-$$" "$lock" 2>/dev/null && locked=yes; do
        [ -L "$lock" ] || [ -w "$root" ] || die 1 "cannot write to $root, where .venv belongs."
        lock_owner
        if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null && take_over; then
            break
        fi
        wait_for_lock
    done
}

# --- making and filling .venv -----------------------------------------------------------------------------------

# Prints why .venv cannot be used as it is; nothing if it can.
what_is_wrong() {
    if [ "$interrupted" = yes ]; then
        echo "its last setup was interrupted"
    elif ! "$venv/bin/python" -c '' >/dev/null 2>&1; then
        echo "its Python does not run"
    elif ! recent_enough "$venv/bin/python"; then
        echo "its Python is too old"
    elif ! grep -qF "$venv" "$venv/bin/activate" 2>/dev/null; then
        echo "it was made for another folder"
    elif ! have uv && ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        echo "it has no pip"
    fi
}

make_venv() {
    require_python
    say "$1 .venv with $(have uv && echo "uv, " || true)$python"
    rm -rf "$venv"
    if have uv; then
        uv venv --quiet --python "$python" "$venv" >&2
    else
        "$python" -m venv "$venv" >&2
    fi || die 1 "making .venv failed; the reason is above."
}

ensure_venv() {
    if [ ! -e "$venv" ]; then
        make_venv making
        return
    fi
    reason=$(what_is_wrong)
    [ -z "$reason" ] || make_venv "$reason: making again"
}

install() {
    if have uv; then
        uv pip install --quiet --python "$venv/bin/python" "$@"
    else
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$@"
    fi
}

fill_venv() {
    project=.
    [ "$extras" = runtime ] || project=".[$extras]"
    say "installing $([ "$extras" = runtime ] || echo "the development tools and ")what kapture-tui needs into .venv"
    (cd "$root" && install --constraint constraints.txt --editable "$project" >&2) ||
        die 1 "installing failed; the reason is above." "Is a package index in reach? HTTPS_PROXY and PIP_INDEX_URL are honoured."
    fingerprint >"$venv/kapture-runtime.stamp"
    fingerprint >"$venv/kapture-$extras.stamp"
}

main() {
    take_lock
    is_ready || { ensure_venv && fill_venv; }
    rm -f "$lock"
}

is_ready || main
