#!/usr/bin/env bats
# SIGSTOP of the dispatcher past the expiry of its hold: another takes over, and the old one, continued, writes nothing.

load ../lib
load ../dispatcher
load witness

setup()
{
    rota_setup
    local_workers w
    dispatcher=''
    mkfifo pipe
}

teardown()
{
    touch "$WITNESS/go"
    exec 7<>pipe # whoever still waits
    echo >&7
    if [ -n "$dispatcher" ]; then
        kill -KILL "$dispatcher" 2>/dev/null || :
        wait "$dispatcher" || :
    fi
    cat "$BATS_TEST_TMPDIR/dispatch.err" || : # seen only when it fails
    eventually_within 20 no_process_left || :
    exec 7>&-
    rota_teardown
}

# Run 1 goes on, run 2 is about to end.
runs_stopped()
{
    witness_job on -g >job.yaml
    witness_job ends '-o 20 -x 3' | sed "s|exec|read line <$PWD/pipe; exec|" >ends.yaml
    rota submit job.yaml ends.yaml
    dispatcher_starts
    eventually is_state 1 running
    eventually is_state 2 running
    kill -STOP "$dispatcher"
}

ends_with()
{
    local rc=0
    wait "$dispatcher" || rc=$?
    dispatcher=''
    [ "$rc" -eq "$1" ]
}

fence()
{
    sqlite3 "file:$ROTA_CATALOGUE?mode=ro" 'SELECT fence FROM holder'
}

another_takes_over()
{
    rota dispatch --once
    [ "$(fence)" -gt 1 ]
}

# Whoever comes now records the end of a run.
another_records()
{
    rota dispatch --once
    is_state "$1" failed
}

# All that a dispatcher could have written.
contents()
{
    sqlite3 "file:$ROTA_CATALOGUE?mode=ro" .dump
    (cd "$HOME/output" && find . -type f | sort | xargs cksum)
}

@test "SIGSTOP past the expiry, another takes over, SIGCONT: the old one writes nothing, says so and ends" {
    export ROTA_TEST_LEASE_MS=500
    runs_stopped
    # its result goes to the old one, who is not there to read it
    echo >pipe
    eventually grep -q '^2 1 end' "$WITNESS/witness"
    eventually another_takes_over
    eventually another_records 2
    # something to do for whoever believes to hold the catalogue: a slot is free
    witness_job waits | rota submit -
    contents >before
    kill -CONT "$dispatcher"
    ends_with 75
    grep 'another dispatcher has taken the catalogue .*: this one was stopped too long' dispatch.err
    contents | diff before -

    touch "$WITNESS/go"
    run -0 rota dispatch
    is_state 1 succeeded
    is_state 3 succeeded
    [ "$(rota status --format '{state} {exit_code} {attempt}' 2)" = 'failed 3 1' ]
    witness_holds
}

@test "SIGSTOP and SIGCONT before the expiry: nobody takes over, and all goes on" {
    runs_stopped
    run -0 rota dispatch
    run -0 rota dispatch --once
    [ "$(fence)" -eq 1 ]
    run -75 rota dispatch --take-over
    kill -CONT "$dispatcher"
    echo >pipe
    eventually is_state 2 failed
    touch "$WITNESS/go"
    ends_with 0
    [ "$(fence)" -eq 1 ]
    is_state 1 succeeded
    witness_holds
}
