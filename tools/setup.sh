#!/bin/sh
# Makes this tree ready to run and to test, and does nothing twice. Called by make setup, make run and make test.
# First word: "run" leaves out what only the tests need; "test" or nothing sets up everything.
# As root on Debian, missing system packages are installed; otherwise the command to type is printed and we stop.
set -eu
cd "$(dirname "$0")/.."

NEEDS=${1:-test}
PYTHON=${PYTHON:-python3}
VENV=.venv
NODE_AT_LEAST=20

say() { printf 'setup: %s\n' "$*"; }
stop() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# --- System packages -------------------------------------------------------------------------------------------------

# WeasyPrint loads Pango and HarfBuzz by name when it draws a record, so they must lie where the loader looks.
has_library() {
    ldconfig=$(command -v ldconfig || echo /sbin/ldconfig)
    "$ldconfig" -p 2>/dev/null | grep -q "$1"
}

has_jar() { [ -f "/usr/share/java/$1.jar" ]; }

missing_packages() {
    has_library libpango-1.0.so.0 || echo libpango-1.0-0
    has_library libpangoft2-1.0.so.0 || echo libpangoft2-1.0-0
    has_library libharfbuzz-subset.so.0 || echo libharfbuzz-subset0
    have "$PYTHON" || echo python3
    # Without ensurepip Debian's Python cannot fill a virtual environment.
    [ -x "$VENV/bin/python" ] || "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    if ! have node; then echo nodejs; elif ! have npm; then echo npm; fi
    if [ "$NEEDS" != run ]; then
        have chromium || echo chromium
        have pdftotext || echo poppler-utils
        have qpdf || echo qpdf
        # A token in software, to try a seal that never leaves its device.
        have softhsm2-util || echo softhsm2
        # PDFBox preflight, an independent judge of PDF/A, with what its Java leaves out.
        has_jar preflight || echo libpdfbox2-java
        has_jar javax.activation || echo libactivation-java
        has_jar jaxb-api || echo libjaxb-api-java
        have java || echo default-jre-headless
    fi
}

# Debian 12 itself carries Node.js 18; a machine with a newer one has its own source for it, which often brings npm too.
apt_offers_node() {
    offered=$(apt-cache policy nodejs 2>/dev/null | sed -n 's/^ *Candidate: \([0-9]*\).*/\1/p')
    [ "${offered:-0}" -ge "$NODE_AT_LEAST" ]
}

install_packages() {
    packages=$(missing_packages | tr '\n' ' ')
    packages=${packages% }
    [ -n "$packages" ] || return 0
    have apt-get || stop "these Debian packages, or their like on your system, are missing: $packages"
    if [ "$(id -u)" -ne 0 ]; then
        stop "system packages are missing. Type this, then start again:
    sudo apt-get update && sudo apt-get install -y --no-install-recommends $packages"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    case $packages in
    *nodejs*) apt_offers_node || stop "Node.js $NODE_AT_LEAST or newer with npm is needed, and apt offers none; see nodejs.org" ;;
    esac
    say "installing $packages"
    # shellcheck disable=SC2086 # a list of words on purpose
    apt-get install -y -qq --no-install-recommends $packages >/dev/null
}

check_versions() {
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        stop "Python 3.11 or newer is needed and $PYTHON is older; name another with PYTHON=python3.11 make ..."
    node_is=$(node -p 'process.versions.node.split(".")[0]')
    [ "$node_is" -ge "$NODE_AT_LEAST" ] ||
        stop "Node.js $NODE_AT_LEAST or newer is needed to build the pages' scripts and fonts; this is $node_is"
}

# --- Python ----------------------------------------------------------------------------------------------------------

# A stamp holds the hash of what a step was made from; the step runs again only when that hash changes.
hash_of() { cat "$@" | sha256sum | cut -d' ' -f1; }
is_done() { [ -f "$VENV/.done-$1" ] && [ "$(cat "$VENV/.done-$1")" = "$2" ]; }
mark_done() { echo "$2" >"$VENV/.done-$1"; }

make_environment() {
    if [ ! -x "$VENV/bin/python" ] || ! "$VENV/bin/python" -c '' 2>/dev/null; then
        say "making $VENV"
        rm -rf "$VENV"
        "$PYTHON" -m venv "$VENV"
    fi
    wanted=$(hash_of requirements/dev.txt)
    if ! is_done requirements "$wanted"; then
        say "installing the Python packages of requirements/dev.txt"
        "$VENV/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/dev.txt
        mark_done requirements "$wanted"
    fi
    wanted=$(hash_of pyproject.toml)
    if ! is_done intake "$wanted"; then
        say "installing intake itself, editable"
        # The build backend is one of the packages above, so nothing unpinned is fetched to build with.
        "$VENV/bin/python" -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
        mark_done intake "$wanted"
    fi
}

install_packages
install_packages # again: whether npm is a package of its own shows only once Node.js is there
check_versions
make_environment
"$VENV/bin/python" assets/build.py
"$VENV/bin/pybabel" --quiet compile --directory=intake/translations
