#!/usr/bin/env bats
# What dispatchers do for the monitor when they find nothing to do, and when they leave.

load lib

# Tells, once the gate is open; that it got there is in the file at.
setup()
{
    rota_setup
    mkfifo "$HOME/gate"
    cat >"$HOME/tell" <<'SH'
#!/bin/sh
cat >>"$HOME/told"
SH
    cat >"$HOME/wait" <<'SH'
#!/bin/sh
: >"$HOME/at"
cat "$HOME/gate" >/dev/null
cat >>"$HOME/told"
SH
    chmod +x "$HOME/tell" "$HOME/wait"
    unset INVOCATION_ID
}

section()
{
    config < <(printf '[alert ops]\non = failed\nremind = 1h\ncommand = %s\n' "$HOME/$1")
}

nobody()
{
    config </dev/null
}

sql()
{
    sqlite3 -cmd '.timeout 5000' "$ROTA_CATALOGUE" "$1"
}

# A failed run of which somebody was told so many ms ago, as many as the last check.
told_before()
{
    nobody
    rota submit --name bad -- false
    rota dispatch 3>&-
    section tell
    rota monitor check -q
    rm "$HOME/told"
    sql "UPDATE delivery SET made_at = made_at - $1, due_at = due_at - $1;
         UPDATE alert SET opened_at = opened_at - $1;
         UPDATE monitor SET checked_at = checked_at - $1"
}

is_told()
{
    [ "$(jq -r '.alerts[] | "\(.state) \(.rule) \(.subject)"' "$HOME/told" 2>/dev/null)" = "$1" ]
}

# The programs that an idle dispatch runs: the names of all that was started.
programs()
{
    strace -f -qq -e signal=none -e trace=execve -o "$BATS_TEST_TMPDIR/trace" rota dispatch "$@" 3>&-
    sed -n 's/.*execve("[^"]*\/\([^"\/]*\)".* = 0$/\1/p' "$BATS_TEST_TMPDIR/trace" | tr '\n' ' '
}

# ---- nothing to do ----

@test "an idle night has its reminders, through no SSH program" {
    told_before 3600000
    [ "$(programs)" = 'rota rota-monitor tell cat ' ]
    is_told 'open failed bad'
}

@test "an idle dispatch checks once a minute, however often it is started" {
    told_before 3600000
    rota dispatch 3>&-
    eventually is_told 'open failed bad'
    [ "$(programs)" = 'rota ' ]
    # cron starts one a little less than a minute after the last one's check
    sql "UPDATE monitor SET checked_at = checked_at - 58000"
    [ "$(programs)" = 'rota rota-monitor ' ]
    # that a clock was set back stops no check
    sql "UPDATE monitor SET checked_at = checked_at + 3600000"
    [ "$(programs)" = 'rota rota-monitor ' ]
}

@test "so does one that is not plain enough for the short way" {
    told_before 3600000
    [ "$(programs -v)" = 'rota rota-dispatch rota-monitor tell cat ' ]
    is_told 'open failed bad'
}

@test "an idle night sends again what could not be sent" {
    told_before 3600000
    sql "UPDATE delivery SET made_at = $(date +%s000), sent_at = NULL, error = 'no route',
         due_at = $(date +%s000) - 1000"
    rota dispatch 3>&-
    eventually is_told 'opened failed bad'
}

@test "who names nobody to tell, or does not own the catalogue, touches no message" {
    told_before 3600000
    sql "UPDATE delivery SET sent_at = NULL, error = 'no route', due_at = 1"
    nobody
    [ "$(programs)" = 'rota ' ]
    [ "$(sql 'SELECT due_at FROM delivery')" = 1 ]
    section tell
    if [ "$(id -u)" -eq 0 ]; then
        chown 12345 "$ROTA_CATALOGUE"
        [ "$(programs)" = 'rota ' ]
        chown 0 "$ROTA_CATALOGUE"
    fi
    [ "$(programs)" = 'rota rota-monitor tell cat ' ]
}

# How many system calls an idle dispatch makes.
calls_made()
{
    strace -f -qq -e signal=none -o "$BATS_TEST_TMPDIR/calls" rota dispatch 3>&-
    wc -l <"$BATS_TEST_TMPDIR/calls"
}

@test "with nobody to tell, an idle dispatch starts nothing, syncs nothing and links no SSH code" {
    local told
    told_before 0
    told=$(calls_made)
    nobody
    [ "$(calls_made)" -lt "$told" ] # not even the question
    run ! grep -E 'fdatasync|fork|libssh2|^[0-9]+ +clone' "$BATS_TEST_TMPDIR/calls"
}

# ---- the last check of one that leaves, as a service of systemd ----

is_free()
{
    [ "$(sql 'SELECT pid IS NULL FROM holder')" = 1 ]
}

dispatcher_is_gone()
{
    ! process_lives "$dispatcher"
}

# A dispatcher with a failed run, in the background, whose last check is at the gate.
leaves()
{
    section wait
    rota submit --name bad -- false
    INVOCATION_ID=1 rota dispatch 2>"$HOME/said" 3>&- &
    dispatcher=$!
    eventually test -e "$HOME/at"
    eventually is_free
}

@test "systemd would end the last check with the dispatcher: it is waited for, without the catalogue" {
    leaves
    # the next dispatcher can work meanwhile, and cron's waits for nothing
    rota submit -- true >id
    rota dispatch 3>&-
    [ "$(rota status --format '{state}' "$(cat id)")" = succeeded ]
    process_lives "$dispatcher"
    echo >"$HOME/gate"
    wait "$dispatcher"
    is_told 'opened failed bad'
    # recorded as told: its check was over
    [ "$(sql 'SELECT count(*) FROM delivery WHERE sent_at IS NULL')" = 0 ]
}

@test "a dispatcher that is told to stop does not wait for its last check" {
    leaves
    process_lives "$dispatcher"
    kill "$dispatcher"
    eventually_within 20 dispatcher_is_gone # it would wait for longer
    wait "$dispatcher"
    [ ! -e "$HOME/told" ]
    echo >"$HOME/gate"
    eventually is_told 'opened failed bad'
}

@test "a check that began earlier is waited for as well" {
    told_before 3600000
    section wait
    mkfifo "$HOME/go"
    rota submit -- sh -c 'read line <"$0"' "$HOME/go"
    ROTA_TEST_CHECK_MS=500 INVOCATION_ID=1 rota dispatch 2>"$HOME/said" 3>&- &
    dispatcher=$!
    eventually test -e "$HOME/at"
    echo >"$HOME/go"
    eventually is_free
    rota submit -- true >id
    rota dispatch 3>&-
    process_lives "$dispatcher"
    echo >"$HOME/gate"
    wait "$dispatcher"
    is_told 'open failed bad'
}

# Traces the wait for a check, which is the only such call.
traced()
{
    strace -f -qq -e signal=none -e trace=rt_sigtimedwait -o "$HOME/trace" "$@"
}

@test "an idle dispatch waits for its check there too" {
    told_before 3600000
    INVOCATION_ID=1 traced rota dispatch 2>"$HOME/said" 3>&-
    [ -s "$HOME/trace" ]
    is_told 'open failed bad'
}

@test "whoever waits for runs does not wait for a check, nor does a terminal or cron" {
    export INVOCATION_ID=1
    section tell
    rota submit -- true >id
    traced rota dispatch --wait "$(cat id)" 3>&-
    [ ! -s "$HOME/trace" ]
    traced rota submit --wait -- true 3>&-
    [ ! -s "$HOME/trace" ]
    rota submit -- true >id
    export -f traced strace
    SHELL=/bin/bash script -qec 'traced rota dispatch' /dev/null 3>&- >/dev/null
    [ "$(rota status --format '{state}' "$(cat id)")" = succeeded ]
    [ ! -s "$HOME/trace" ]
    unset INVOCATION_ID
    rota submit -- true >id
    traced rota dispatch 3>&- 2>"$HOME/said"
    [ ! -s "$HOME/trace" ]
    # and it would be seen
    rota submit -- true >id
    INVOCATION_ID=1 traced rota dispatch 3>&- 2>"$HOME/said"
    [ -s "$HOME/trace" ]
}
