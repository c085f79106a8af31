#!/bin/sh
# Runs the tests on a PostgreSQL cluster made for this one run: in a temporary folder, reached through a socket in it,
# and gone afterwards however the run ends. Without a PostgreSQL server on the machine it says so and is content.
set -eu
cd "$(dirname "$0")/.."

newest_server() {
    for folder in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -rn); do
        [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && echo "$folder" && return
    done
    initdb=$(command -v initdb) && dirname "$initdb"
}

server=$(newest_server) || {
    echo "test-pg: no PostgreSQL server is installed here (Debian: postgresql-15), so nothing was tested on it"
    exit 0
}

# PostgreSQL refuses to run as root.
as_owner() { "$@"; }
home=$(mktemp -d "${TMPDIR:-/tmp}/intake-pg.XXXXXX")
if [ "$(id -u)" -eq 0 ]; then
    owner=postgres
    id "$owner" >/dev/null 2>&1 || owner=nobody
    chown "$owner" "$home"
    as_owner() { setpriv --reuid="$owner" --regid="$(id -g "$owner")" --clear-groups env HOME="$home" "$@"; }
fi

clean_up() {
    status=$?
    trap - EXIT
    (cd "$home" && as_owner "$server/pg_ctl" -D "$home/data" -m immediate -w stop >/dev/null 2>&1) || true
    rm -rf "$home"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

start() (
    cd "$home" # a folder its owner may enter
    as_owner "$server/initdb" -D "$home/data" -U intake -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$home/initdb.log"
    # The cluster lives for minutes: nothing in it needs to survive a power cut.
    as_owner "$server/pg_ctl" -D "$home/data" -l "$home/server.log" -w start >/dev/null -o \
        "-c listen_addresses='' -c unix_socket_directories='$home' -c fsync=off -c max_connections=100"
    as_owner "$server/createdb" -h "$home" -U intake intake_test
)
start || {
    cat "$home"/*.log >&2
    exit 1
}

echo "test-pg: $("$server/postgres" --version), in a cluster made for this run"
INTAKE_TEST_DATABASE_URL="postgresql+psycopg://intake@/intake_test?host=$home"
export INTAKE_TEST_DATABASE_URL
.venv/bin/pytest -n 2 -m "not packaging and not browser" "$@"
