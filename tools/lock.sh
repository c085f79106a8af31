#!/bin/sh
# Works out requirements/run.txt (a clinic) and requirements/dev.txt (this tree) anew from pyproject.toml, with hashes.
# The names of package hosts stay out of both files, so that each machine may use its own.
set -eu
cd "$(dirname "$0")/.."

PIP_TOOLS=7.6.2
tools=build/lock-tools
[ -x "$tools/bin/pip-compile" ] || {
    .venv/bin/python -m venv "$tools"
    "$tools/bin/python" -m pip install -qq --disable-pip-version-check "pip-tools==$PIP_TOOLS"
}

compile() {
    "$tools/bin/pip-compile" --quiet --allow-unsafe --generate-hashes --strip-extras \
        --no-emit-index-url --no-emit-find-links --no-emit-trusted-host "$@" pyproject.toml
}

compile --output-file=requirements/run.txt
compile --extra=dev --output-file=requirements/dev.txt
