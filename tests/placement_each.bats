#!/usr/bin/env bats
# Runs that are bound to a host, or kept apart, and what they must not do to others.

load lib
load dispatcher

# A dispatcher that stays, and is the one: a --wait that came first would dispatch itself.
stays()
{
    rota dispatch --stay 2>"$BATS_TEST_TMPDIR/dispatch.err" 3>&- &
    dispatcher=$!
    eventually holds
}

holds()
{
    [ "$(sqlite3 "file:$ROTA_CATALOGUE?mode=ro" 'SELECT pid FROM holder' 2>/dev/null)" = "$dispatcher" ]
}

ends()
{
    kill "$dispatcher"
    wait "$dispatcher"
}

@test "a run of a count that waits for a drained host holds up nobody, and the dispatcher ends" {
    local_workers a b
    printf 'name: x\nshell: true\nwhere: {count: 2}\n' >x.yaml
    rota hosts drain b 'new disk'
    rota submit x.yaml
    timeout 60 rota dispatch
    is_so 2 'queued *'
    rota submit -- true
    timeout 60 rota dispatch
    is_state 3 succeeded
    is_so 2 'queued *'
}

@test "a run for one host is not given up before its host was tried for it" {
    config < <(printf '[worker e]\ntransport = exec\ncommand = test -e %s/up && env\n' "$PWD")
    printf 'name: x\nshell: true\nwhere: {each: true}\n' >x.yaml
    stays
    rota submit x.yaml
    eventually is_so 1 'cancelled not run: e is down (*)'
    touch up
    rota submit x.yaml
    eventually is_state 2 succeeded
    ends
}

@test "a host whose slots line went away is asked before a run for it is too big" {
    [ "$(nproc)" -ge 2 ] || skip 'one processor'
    local_workers first a
    sed -i 's/slots = 2/slots = 1/' "$ROTA_CONFIG"
    printf 'name: x\nshell: true\nslots: 2\nwhere: {hosts: a, each: true}\n' >x.yaml
    stays
    rota submit --wait --host first -- true
    printf '[worker %s]\ntransport = local\n' a b >"$ROTA_CONFIG"
    rota submit --wait --host b -- true
    rota submit --wait x.yaml
    ends
}

@test "run again, a run for one host goes where it is told, and is refused when that is no worker" {
    local_workers a b
    printf 'name: x\nshell: true\nwhere: {hosts: a, each: true}\n' >x.yaml
    rota submit x.yaml
    rota dispatch
    rota submit --rerun 1 --host b
    rota dispatch
    [ "$(rota status --format '{host} {state}' 2)" = 'b succeeded' ]
    local_workers b
    run -65 rota submit --rerun 1
    [[ $output == *'run 1: it is for a alone, which is no worker of the configuration any more (--host names others)'* ]]
    run -0 rota submit --rerun 1 --host b
}

@test "--why names the run that a host and a pool's place are kept for" {
    export ROTA_TEST_PATIENCE_MS=0
    local_workers one
    printf '[pool p]\nlimit = 1\n' >>"$ROTA_CONFIG"
    mkfifo go
    printf 'name: small\nshell: read line <%s/go\n' "$PWD" >small.yaml
    printf 'name: big\nshell: true\nslots: 2\npools: p\n' >big.yaml
    printf 'name: late\nshell: true\npools: p\n' >late.yaml
    rota submit small.yaml
    dispatcher_starts
    eventually is_state 1 running
    rota submit big.yaml late.yaml
    run -0 rota status --why 3
    [[ $output == *'pool p: 0 of 1 in use; kept for run 2 (big, which goes first)'* ]]
    [[ $output == *'host one: '*'kept for a bigger run'* ]]
    echo go >go
    dispatcher_ends
}
