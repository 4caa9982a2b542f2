#!/usr/bin/env bats
# What may have run is not started again, whatever a host says of itself when it is back.

load ../lib
load bad

@test "another spool, told only after a connection that died on the way: lost, not started again" {
    two_runs
    connection 1 <<<'be_ready(); hear("START"); hear_all()'
    connection 2 <<<'greet(); welcome(spool="S2")'
    connection 3 <<<'work(spool="S2")'
    dispatch --once
    is_state 1 starting
    dispatch --once
    is_state 1 starting
    dispatch
    is_so 1 'lost * spool gone*'
    is_state 2 succeeded
    [ "$(connections)" -eq 3 ]
    [ "$(heard START)" -eq 1 ]
    ended_once 1 2
}

@test "the same within one dispatcher, which connects again by itself" {
    two_runs
    connection 1 <<<'be_ready(); hear("START")'
    connection 2 <<<'greet(); welcome(spool="S2")'
    connection 3 <<<'work(spool="S2")'
    dispatch
    is_so 1 'lost * spool gone*'
    is_state 2 succeeded
    [ "$(connections)" -eq 3 ]
    [ "$(heard START)" -eq 1 ]
    ended_once 1 2
}

@test "the host rebooted before the run was seen to start: lost, not started again" {
    two_runs
    connection 1 <<<'be_ready(boot="B1"); hear("START"); hear_all()'
    connection 2 <<<'greet(); welcome(boot="B2")'
    connection 3 <<<'work(boot="B2")'
    dispatch --once
    dispatch --once
    is_state 1 starting
    dispatch
    is_so 1 'lost * host rebooted*'
    [ "$(connections)" -eq 3 ]
    [ "$(heard START)" -eq 1 ]
    ended_once 1 2
}

@test "a worker that rebooted and still has the result: that result counts" {
    two_runs
    connection 1 <<<'be_ready(boot="B1"); hear("START"); hear_all()'
    connection 2 <<'PYTHON'
greet()
welcome(boot="B2")
say("RUN", key_of(), STATE=ENDED, AGE=0)
say("READY")
hear("ADOPT")
end(key_of(), code=7)
hear_all()
PYTHON
    dispatch --once
    dispatch
    is_so 1 'failed 7 *'
    [ "$(heard START)" -eq 1 ]
    ended_once 1 2
}

@test "a START that never arrived is sent again with the same token, and runs once" {
    two_runs
    connection 1 <<<'be_ready(); hear("START"); hear_all()'
    connection 2 <<<'greet(); welcome()'
    connection 3 <<<'work()'
    dispatch --once
    dispatch --once
    is_state 1 starting
    dispatch
    is_state 1 succeeded
    [ "$(heard START)" -eq 2 ]
    [ "$(cat "$HOME"/bad.d/*.log | grep '^START' | sort -u | wc -l)" -eq 1 ]
    [ "$(heard ACK)" -eq 1 ]
    ended_once 1 2
}

@test "the same within one dispatcher" {
    two_runs
    connection 1 <<<'be_ready(); hear("START")'
    connection 2 <<<'work()'
    dispatch
    is_state 1 succeeded
    [ "$(heard START)" -eq 2 ]
    [ "$(cat "$HOME"/bad.d/*.log | grep '^START' | sort -u | wc -l)" -eq 1 ]
    ended_once 1 2
}

@test "another machine under the name: its run is waited for, and nothing is started there" {
    two_runs
    run -0 rota submit --host bad -- echo waits
    connection 1 <<PYTHON
be_ready(machine="M1")
key = hear("START")
say("STARTED", key, AGE=0)
wait_file("$HOME/go")
PYTHON
    connection 2 3 <<<'work(machine="M2")'
    connection 4 <<'PYTHON'
greet()
welcome(machine="M1")
say("RUN", key_of(), STATE=ENDED, AGE=0)
say("READY")
hear("ADOPT")
end(key_of(), code=5)
key = hear("START") # of the one that waited
say("STARTED", key, AGE=0)
end(key)
hear_all()
PYTHON
    sed -i '/^worker = /a slots = 1' "$ROTA_CONFIG"
    dispatcher_starts
    eventually is_state 1 running
    touch "$HOME/go"
    eventually bad_says 'down another machine answers as bad*'
    is_so 1 'running * bad unreachable since*'
    is_state 3 queued
    kill "$dispatcher"
    dispatcher_ends
    dispatch --once
    is_state 1 running
    is_state 3 queued
    [ "$(heard 'START run=1')" -eq 1 ]
    [ "$(heard 'START run=3')" -eq 0 ]
    dispatch
    is_so 1 'failed 5 *'
    is_state 3 succeeded
    ended_once 1 2 3
}
