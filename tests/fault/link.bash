# shellcheck shell=bash
# link: a worker `away` behind a link that a test can cut (link.py), and a job that tells on itself.
#
# Load it after ../lib: it brings ../e2e/four and is all the set-up of its file. Times are short: PING
# each half second, silence is 2 s ($ROTA_TEST_PING_MS); a step of connecting may take 5 s.
#
#   away_config [SLOTS]     rota.ini with `near` (127.0.1.2, directly) and `away`, through a link
#   link COMMAND            what link.py understands: cut, heal, forget, drop, count, times; after
#                           LINK_PROGRAM=chaos.py what that one does
#   ticks_job NAME [LINE…]  prints a job file: it says what it does in `witness` until `go` is there
#   once RUN                it ended well, one attempt, executed once, all of its output is here

load ../e2e/four
load ../e2e/four_once

setup()
{
    rota_setup
    dispatcher='' LINK='' OTHER_LINKS=''
    unset AWAY_SSHD AWAY_ADDRESS AWAY_PORT
}

teardown()
{
    local pid
    touch "$BATS_TEST_TMPDIR/go"
    for pid in $dispatcher $LINK $OTHER_LINKS; do
        kill "$pid" 2>/dev/null || :
        wait "$pid" || :
    done
    if [ -n "${AWAY_SSHD-}" ]; then
        four_end "$AWAY_SSHD"
    fi
    cat "$BATS_TEST_TMPDIR/dispatch.err" 2>/dev/null || : # seen only when it fails
    rota_teardown
}

# `away` leads to port AWAY_PORT of AWAY_ADDRESS, by default one of the four.
away_config()
{
    export ROTA_TEST_PING_MS=500 ROTA_TEST_STEP_MS=5000
    four_config 4 unused near
    sed -i '/^\[worker unused\]/,/^$/d' "$ROTA_CONFIG"
    mkdir -p "$HOME/link"
    "$ROTA_TOP/tests/fault/${LINK_PROGRAM-link.py}" serve "$HOME/link" "${AWAY_ADDRESS-127.0.1.1}" \
        "${AWAY_PORT-$(cat "$FOUR/four/port")}" 3>&- &
    LINK=$!
    eventually test -s "$HOME/link/port"
    printf '[127.0.0.1]:%s %s\n' "$(cat "$HOME/link/port")" \
        "$(cat "${AWAY_SSHD-$FOUR/four}/host.pub")" >>"$HOME/known_hosts"
    four_add away 'address = 127.0.0.1' "port = $(cat "$HOME/link/port")" "slots = ${1-4}"
}

# The host of `away` gets an sshd of its own, which the test may end: away_sshd [LINE…].
away_sshd()
{
    AWAY_SSHD=$FOUR/away AWAY_ADDRESS=127.0.1.5
    four_sshd "$AWAY_SSHD" "$AWAY_ADDRESS" "$@"
    AWAY_PORT=$(cat "$AWAY_SSHD/port")
}

# Ends the sshd of `away` and all sessions, as when it crashes.
away_sshd_dies()
{
    # shellcheck disable=SC2046 # a list of numbers
    kill -KILL $(four_sessions "$AWAY_SSHD") "$(cat "$AWAY_SSHD/pid")"
    wait "$(cat "$AWAY_SSHD/pid")" || :
}

link()
{
    "$ROTA_TOP/tests/fault/${LINK_PROGRAM-link.py}" ask "$HOME/link" "$*"
}

# ---- the dispatcher ----

dispatcher_starts()
{
    rota dispatch -v 2>>"$BATS_TEST_TMPDIR/dispatch.err" 3>&- &
    dispatcher=$!
}

dispatcher_ends()
{
    local rc=0
    wait "$dispatcher" || rc=$?
    dispatcher=''
    [ "$rc" -eq 0 ]
}

dispatcher_dies()
{
    kill -KILL "$dispatcher"
    wait "$dispatcher" || :
    dispatcher=''
}

is_state()
{
    [ "$(rota status --format '{state}' "$1")" = "$2" ]
}

# The state and the reason of a run match a pattern.
is_so()
{
    local so
    so=$(rota status --format '{state} {reason}' "$1")
    # shellcheck disable=SC2053 # a pattern
    [[ $so == $2 ]]
}

away_says()
{
    # shellcheck disable=SC2053 # a pattern
    [[ $(rota hosts --format '{state} {reason}' away) == $1 ]]
}

is_connected()
{
    away_says 'up*'
}

# ---- the job ----

# Each line of `witness`: RUN ATTEMPT HOST WORD. One file with O_APPEND: its order is that of time.
ticks_job()
{
    printf 'name: %s\n' "$1"
    [ $# -eq 1 ] || printf '%s\n' "${@:2}"
    cat <<YAML
shell: |
  say() { echo "\$ROTA_RUN \$ROTA_ATTEMPT \$ROTA_HOST \$1" | tee -a $PWD/witness; }
  say start
  until [ -e $PWD/go ]; do say tick; sleep 0.1; done
  say end
YAML
}

# The lines of witness that match, counted: witnessed PATTERN.
witnessed()
{
    grep -cE "$1" witness || :
}

# So many lines or more.
witnessed_at_least()
{
    [ -e witness ] && [ "$(witnessed "$1")" -ge "$2" ]
}

# So many more lines than there are now.
ticks_on()
{
    eventually witnessed_at_least "$1" $(($(witnessed "$1") + $2))
}

# Submits a job for `away` and follows it until it runs; the id is in `id`.
away_run()
{
    ticks_job "$@" >job.yaml
    id=$(rota submit --host away job.yaml)
    dispatcher_starts
    eventually is_state "$id" running
    eventually witnessed_at_least "^$id 1 away tick" 1
}

# What carries the run's token, but for its supervisor.
processes_of()
{
    local token
    token=$(sqlite3 "$ROTA_CATALOGUE" "SELECT printf('ROTA_TOKEN=%016x', token) FROM attempt
        WHERE run = $1")
    grep -lszxF "$token" /proc/[0-9]*/environ | cut -d/ -f3
}

supervisor_of()
{
    local pid
    for pid in $(processes_of "$1"); do
        while [ "$pid" -gt 1 ] && ! grep -qsx rota-shim "/proc/$pid/comm"; do
            pid=$(ps -o ppid= -p "$pid" | tr -d ' ')
        done
        [ "$pid" -le 1 ] || break
    done
    printf '%s\n' "$pid"
}

once()
{
    is_state "$1" succeeded
    [ "$(rota status --format '{attempt} {host}' "$1")" = '1 away' ]
    [ "$(witnessed "^$1 .* start")" -eq 1 ]
    [ "$(witnessed "^$1 .* end")" -eq 1 ]
    rota logs "$1" | cmp - <(grep "^$1 " witness)
}
