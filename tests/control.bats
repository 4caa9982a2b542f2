#!/usr/bin/env bats
# What people ask of runs and hosts while they are at work, with a living dispatcher and without.

load lib

setup()
{
    rota_setup
    dispatcher=''
    mkfifo go
    exec {gate}<>go
}

teardown()
{
    if [ -n "$dispatcher" ]; then
        kill "$dispatcher" 2>/dev/null || :
        kill -CONT "$dispatcher" 2>/dev/null || :
        wait "$dispatcher" || :
    fi
    exec {gate}>&-
    rota_teardown
}

two_workers()
{
    config <<<$'[worker a]\ntransport = local\nslots = 2\n[worker b]\ntransport = local\nslots = 2'
}

dispatcher_starts()
{
    rota dispatch 2>"$BATS_TEST_TMPDIR/dispatch.err" 3>&- &
    dispatcher=$!
}

dispatcher_ends()
{
    local rc=0
    wait "$dispatcher" || rc=$?
    dispatcher=''
    [ "$rc" -eq 0 ]
}

is_state()
{
    [ "$(rota status --format '{state}' "$1")" = "$2" ]
}

# A run that waits for a line of `go`: submit_waiting OPTION…
submit_waiting()
{
    rota submit "$@" -- sh -c "read line <$PWD/go"
}

let_go()
{
    printf '%*s' "$1" '' | tr ' ' '\n' >&"$gate"
}

states()
{
    rota status --format '{state}' | tr '\n' ' '
}

@test "cancel with a living dispatcher: a queued run at once, a running one when it is proved" {
    config <<<$'[worker one]\ntransport = local\nslots = 1'
    cat >deaf.yaml <<YAML
name: deaf
kill_after: 1h
shell: |
  trap 'echo asked >$PWD/asked' TERM
  echo \$\$ >$PWD/pid
  while :; do read line <$PWD/go; done
YAML
    running=$(rota submit deaf.yaml)
    queued=$(rota submit -- sh -c "echo x >>$PWD/witness")
    dispatcher_starts
    eventually test -s pid
    eventually is_state "$running" running
    run -0 rota cancel "$queued"
    is_state "$queued" cancelled
    run -0 rota cancel "$running"
    # its main process lives on after TERM: asked for, and not yet so
    eventually test -s asked
    is_state "$running" running
    run -0 rota status -o json "$running"
    [ "$(json .cancel_at)" != null ]
    kill -KILL "$(cat pid)"
    dispatcher_ends
    is_state "$running" cancelled
    [ ! -e witness ]
}

@test "cancel without a dispatcher: the next one ends the run and proves it" {
    id=$(rota submit -- sh -c "echo \$\$ >$PWD/pid; exec tail -f /dev/null")
    rota dispatch --once
    eventually test -s pid
    run -0 rota cancel "$id"
    process_lives "$(cat pid)"
    run -0 rota dispatch
    is_state "$id" cancelled
    run ! process_lives "$(cat pid)"
}

@test "running runs are chosen by job, host and state; the others go on" {
    two_workers
    submit_waiting --name one --host a
    submit_waiting --name two --host a
    submit_waiting --name one --host b
    submit_waiting --name two --host b
    submit_waiting --name two --host b
    dispatcher_starts
    all_run()
    {
        [ "$(states)" = 'running running running running queued ' ]
    }
    eventually all_run
    [ "$(rota cancel --state queued)" = 5 ]
    [ "$(rota cancel --job one --host a)" = 1 ]
    eventually is_state 1 cancelled
    [ "$(rota cancel --host b --state running | sort | tr '\n' ' ')" = '3 4 ' ]
    eventually is_state 3 cancelled
    eventually is_state 4 cancelled
    is_state 2 running
    let_go 1
    dispatcher_ends
    [ "$(states)" = 'cancelled succeeded cancelled cancelled cancelled ' ]
}

@test "cancel --signal reaches the main process, by name and by number, and nothing else happens" {
    cat >signals.yaml <<YAML
name: signals
shell: |
  trap 'echo usr1' USR1
  trap 'echo hup' HUP
  trap 'echo term; exit 9' TERM
  echo ready
  while :; do read line <$PWD/go; done
YAML
    id=$(rota submit signals.yaml)
    dispatcher_starts
    said()
    {
        [ "$(rota logs "$id" | tr '\n' ' ')" = "$1" ]
    }
    eventually said 'ready '
    [ "$(rota cancel --signal usr1 "$id")" = "$id" ]
    eventually said 'ready usr1 '
    rota cancel --signal 1 "$id"
    eventually said 'ready usr1 hup '
    eventually is_state "$id" running
    rota cancel --signal SIGTERM "$id"
    dispatcher_ends
    # a signal that was sent is not a request to cancel
    [ "$(rota status --format '{state} {exit_code}' "$id")" = 'failed 9' ]
}

@test "hold keeps a queued run from the slot that comes free, release lets it go" {
    config <<<$'[worker one]\ntransport = local\nslots = 1'
    first=$(submit_waiting)
    held=$(rota submit -- true)
    last=$(submit_waiting)
    dispatcher_starts
    eventually is_state "$first" running
    [ "$(rota cancel --hold "$held")" = "$held" ]
    let_go 1
    eventually is_state "$last" running
    is_state "$held" held
    [ "$(rota cancel --release "$held")" = "$held" ]
    let_go 1
    dispatcher_ends
    [ "$(states)" = 'succeeded succeeded succeeded ' ]
}

@test "drain with a living dispatcher: what runs goes on, what waits starts at resume" {
    two_workers
    first=$(submit_waiting --host a)
    dispatcher_starts
    eventually is_state "$first" running
    rota hosts drain a 'new disk'
    waiting=$(rota submit --host a -- true)
    elsewhere=$(rota submit -- true)
    eventually is_state "$elsewhere" succeeded
    [ "$(rota status --format '{host}' "$elsewhere")" = b ]
    waits_for_disk()
    {
        [ "$(rota status --format '{state} {reason}' "$waiting")" = 'queued a is drained: new disk' ]
    }
    eventually waits_for_disk
    is_state "$first" running
    rota hosts resume a
    eventually is_state "$waiting" succeeded
    let_go 1
    dispatcher_ends
    is_state "$first" succeeded
}

@test "retry elsewhere avoids the host that failed, even when the dispatcher was another one" {
    two_workers
    printf 'name: picky\nshell: echo "$ROTA_HOST" >>%s/hosts; exit 1\nretry: {attempts: 2, delay: 1h, elsewhere: true}\n' \
        "$PWD" >picky.yaml
    rota submit picky.yaml
    rota dispatch
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE run SET not_before = 1'
    rota dispatch
    [ "$(sort hosts | tr '\n' ' ')" = 'a b ' ]
}

@test "submit --wait exits 125 for a run that is cancelled while it runs, or lost" {
    for request in '' --lost; do
        rm -f pid id
        rota submit -q --wait -- sh -c "echo \$\$ >$PWD/pid; exec tail -f /dev/null" >id 3>&- &
        waiter=$!
        eventually test -s pid
        # shellcheck disable=SC2086 # no word when empty
        run -0 rota cancel $request "$(cat id)"
        rc=0
        wait "$waiter" || rc=$?
        [ "$rc" -eq 125 ]
    done
    [ "$(states)" = 'cancelled lost ' ]
}

@test "submit --wait does not wait for a dispatcher that was stopped for longer than its lease" {
    first=$(submit_waiting)
    dispatcher_starts
    eventually is_state "$first" running
    kill -STOP "$dispatcher"
    # as if a minute had passed
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE holder SET expires = 0'
    run -5 timeout 60 rota submit -q --wait -- sh -c 'exit 5'
    let_go 1
    kill -CONT "$dispatcher"
    rc=0
    wait "$dispatcher" || rc=$?
    dispatcher=''
    [ "$rc" -eq 75 ]
    rota dispatch
    is_state "$first" succeeded
}

@test "submit --wait follows a dispatcher that lives already, with the run's own code" {
    first=$(submit_waiting)
    dispatcher_starts
    eventually is_state "$first" running
    run -5 rota submit -q --wait -- sh -c 'exit 5'
    run -143 rota submit -q --wait -- sh -c 'kill -TERM $$'
    run -124 rota submit -q --wait --timeout 100ms -- tail -f /dev/null
    let_go 1
    dispatcher_ends
}
