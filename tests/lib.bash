# shellcheck shell=bash
# lib: what every bats file does alike. Load it with `load lib` (tests/) or `load ../lib`.
#
# Each test gets a home, a catalogue and no configuration of its own, and the built programs first
# in PATH. A file that needs more in setup or teardown defines its own after `load`, and calls
# rota_setup and rota_teardown in them.
#
#   eventually COMMAND…   runs COMMAND every 50 ms until it succeeds; fails after 120 s
#   json EXPRESSION       jq -r EXPRESSION over $output (one JSON object a line)
#   config                writes standard input as this test's rota.ini
#   process_lives PID     whether it is there and not a zombie
#   worker_spool          the directory of this catalogue's spools on this machine

bats_require_minimum_version 1.5.0

ROTA_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
ROTA_BUILD_DIR=${ROTA_BUILD_DIR:-$ROTA_TOP/build}
export ROTA_TOP ROTA_BUILD_DIR
PATH=$ROTA_BUILD_DIR:$PATH
# The home that a worker on this machine uses: it asks the password file, not $HOME.
ROTA_REAL_HOME=$(getent passwd "$(id -u)" | cut -d: -f6)

setup()
{
    rota_setup
}

teardown()
{
    rota_teardown
}

# The schedules of tests are hourly, in zones that are half an hour off too: none is to come due in the midst
# of a test that counts what is due.
pass_the_hour()
{
    local left=$((1800 - EPOCHSECONDS % 1800))
    [ "$left" -gt 15 ] || sleep "$((left + 1))"
}

rota_setup()
{
    pass_the_hour
    unset ROTA_CONFIG ROTA_SSH_CONFIG XDG_STATE_HOME XDG_CONFIG_HOME SSH_AUTH_SOCK NO_COLOR
    export HOME=$BATS_TEST_TMPDIR/home TZ=UTC
    export ROTA_CATALOGUE=$HOME/catalogue.db
    # A mark in the environment of every process this test starts.
    export ROTA_TEST_ID=${ROTA_TEST_RUN:-$$}.${BATS_TEST_FILENAME##*/}.$BATS_TEST_NUMBER
    mkdir -p "$HOME"
    cd "$BATS_TEST_TMPDIR" || return
}

# Fails when a process of the test is still there (a worker that was just let go gets a moment to
# end), and leaves nothing in the real home.
rota_teardown()
{
    local rc=0 pids
    if ! eventually_within 20 no_process_left; then
        pids=$(test_processes)
        echo "processes that outlived the test:"
        # shellcheck disable=SC2086 # a list of numbers
        ps -o pid,ppid,stat,args -p ${pids//$'\n'/,} || :
        # shellcheck disable=SC2086
        kill -KILL $pids 2>/dev/null || :
        rc=1
    fi
    remove_spool
    return $rc
}

catalogue_uuid()
{
    [ -s "$ROTA_CATALOGUE" ] || return 0
    sqlite3 "file:$ROTA_CATALOGUE?mode=ro" 'SELECT uuid FROM meta' 2>/dev/null || :
}

worker_spool()
{
    printf '%s\n' "$ROTA_REAL_HOME/.local/state/rota-worker/${1:-$(catalogue_uuid)}"
}

remove_spool()
{
    local uuid
    uuid=$(catalogue_uuid)
    if [[ $uuid =~ ^[0-9a-f]{32}$ ]]; then
        rm -rf "$(worker_spool "$uuid")"
    fi
}

# Processes of this test, one pid a line. What rota starts does not inherit the environment of the
# test, so there are three traces: the mark, the token of an attempt, an open file in a spool.
test_processes()
{
    local uuid pid
    uuid=$(catalogue_uuid)
    {
        printf 'ROTA_TEST_ID=%s\n' "$ROTA_TEST_ID"
        if [ -n "$uuid" ]; then
            sqlite3 "file:$ROTA_CATALOGUE?mode=ro" \
                "SELECT printf('ROTA_TOKEN=%016x', token) FROM attempt" 2>/dev/null || :
        fi
    } >"$BATS_TEST_TMPDIR/traces"
    {
        grep -lszxFf "$BATS_TEST_TMPDIR/traces" /proc/[0-9]*/environ || :
        if [ -n "$uuid" ]; then
            find /proc/[0-9]*/fd -lname "*/rota-worker*/$uuid/*" 2>/dev/null || :
        fi
    } | cut -d/ -f3 | sort -un | while read -r pid; do
        # not the helpers of this very function, which are gone by now, nor what is only a zombie
        if process_lives "$pid"; then
            printf '%s\n' "$pid"
        fi
    done
}

# Whether a process is there and not only a zombie that its parent has yet to reap (kill -0 takes
# that for alive).
process_lives()
{
    grep -qs '^State:[[:space:]][^ZX]' "/proc/$1/status"
}

no_process_left()
{
    [ -z "$(test_processes)" ]
}

# Waits 50 ms without a process: reads from a pipe that nobody writes.
pause()
{
    if [ -z "${ROTA_NEVER-}" ]; then
        exec {ROTA_NEVER}<> <(:)
    fi
    read -rt 0.05 -u "$ROTA_NEVER" || :
}

eventually_within()
{
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        if ((SECONDS >= until)); then
            return 1
        fi
        pause
    done
}

eventually()
{
    if ! eventually_within 120 "$@"; then
        echo "not within 120 s: $*"
        return 1
    fi
}

json()
{
    # shellcheck disable=SC2154 # output is set by bats' run
    jq -r "$1" <<<"$output"
}

# Whether these programs are a sanitizer build: they are neither static nor small.
is_sanitized()
{
    ldd "$ROTA_BUILD_DIR/rota-worker" 2>&1 | grep -q asan
}

# The leak checker of a sanitizer build cannot look at a traced process, and fails it.
strace()
{
    ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" command strace "$@"
}

config()
{
    export ROTA_CONFIG=$HOME/rota.ini
    cat >"$ROTA_CONFIG"
    chmod 600 "$ROTA_CONFIG"
}
