#!/usr/bin/env bats
# A host dies with all that runs on it, and comes back: one message each, sent by dispatch itself.

load ../lib
load four
load four_once

setup()
{
    rota_setup
    four_config 4
    dying=$FOUR/dying dispatcher=''
    four_sshd "$dying" 127.0.1.5
    four_know "$dying" 127.0.1.5
    four_add dying 'address = 127.0.1.5' "port = $(cat "$dying/port")" 'slots = 8'
    printf '#!/bin/sh\ncat >>"%s/told"\n' "$HOME" >"$HOME/tell"
    chmod +x "$HOME/tell"
    cat >>"$ROTA_CONFIG" <<INI
[monitor]
down_after = 1s
[alert ops]
on = failed, lost, late, recovered, host-down, host-up
command = $HOME/tell
INI
}

teardown()
{
    if [ -n "$dispatcher" ]; then
        kill "$dispatcher"
        wait "$dispatcher" || :
    fi
    four_end "$dying"
    rota_teardown
}

# The host is gone, with its supervisors and what they started.
die()
{
    local server pids
    server=$(cat "$dying/pid")
    # shellcheck disable=SC2046 # a list of numbers
    kill -KILL "$server" $(four_sessions "$dying") || :
    wait "$server" || :
    pids=$({
        find /proc/[0-9]*/fd -lname "*/rota-worker*/$(catalogue_uuid)/dying/*" 2>/dev/null || :
        grep -lszx 'ROTA_HOST=dying' /proc/[0-9]*/environ || :
    } | cut -d/ -f3 | sort -u)
    # shellcheck disable=SC2086
    kill -KILL $pids 2>/dev/null || :
}

all_run()
{
    [ "$(rota status --state running -o id | wc -l)" -eq 8 ]
}

messages()
{
    [ -e "$HOME/told" ] && [ "$(wc -l <"$HOME/told")" -ge "$1" ]
}

checks_of()
{
    sqlite3 "$ROTA_CATALOGUE" 'SELECT checked_at FROM monitor'
}

checked_since()
{
    [ "$(checks_of)" -gt "$1" ]
}

@test "a host with eight runs dies: one message, and one when it is back" {
    export ROTA_TEST_CHECK_MS=500 ROTA_TEST_PING_MS=500
    for n in {1..8}; do
        printf '{"name": "job%s", "shell": "sleep 1000", "where": {"hosts": "dying"}}\n---\n' "$n"
    done | sed '$d' | rota submit - >ids
    rota dispatch --stay 3>&- &
    dispatcher=$!
    eventually all_run
    die
    eventually messages 1
    four_launch "$dying"
    eventually messages 2
    # nothing more comes of it
    for _ in 1 2; do
        eventually checked_since "$(checks_of)"
    done
    run -0 jq -r '.text' "$HOME/told"
    [ "${#lines[@]}" -eq 2 ]
    [[ ${lines[0]} == 'host-down: dying: down since '* ]]
    [[ ${lines[1]} == 'host-up dying, was host-down for '*'; and 8 runs lost there: job8, '*' job1' ]]
    run -0 rota status --state lost -o id
    [ "${#lines[@]}" -eq 8 ]
}
