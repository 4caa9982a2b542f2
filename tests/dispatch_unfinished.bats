#!/usr/bin/env bats
# Runs that do not simply end: tried again, held, cancelled, lost, or outliving their dispatcher.

load lib
load dispatcher

@test "a failed run is tried again after its delay, and says so" {
    cat >flaky.yaml <<END
name: flaky
shell: 'echo "\$ROTA_ATTEMPT" >>$PWD/tries; test "\$ROTA_ATTEMPT" = 3'
retry: {attempts: 3, delay: 10ms}
END
    id=$(rota submit flaky.yaml)
    rota dispatch
    run -0 rota status -o json "$id"
    [ "$(json '"\(.state) \(.attempt)"')" = "succeeded 3" ]
    [ "$(tr '\n' ' ' <tries)" = "1 2 3 " ]
}

@test "retry with elsewhere prefers a worker that has not tried" {
    local_workers a b c
    cat >job.yaml <<END
name: job
shell: 'echo "\$ROTA_HOST" >>$PWD/hosts; exit 1'
retry: {attempts: 3, delay: 0, elsewhere: true}
END
    rota submit job.yaml
    rota dispatch
    [ "$(sort -u hosts | wc -l)" = 3 ]
}

@test "after a wait of more than a minute it leaves the retry to the next dispatcher" {
    printf 'name: slow\nshell: exit 1\nretry: {attempts: 2, delay: 1h}\n' >slow.yaml
    id=$(rota submit slow.yaml)
    run -0 rota dispatch
    run -0 rota status -o json "$id"
    [ "$(json .state)" = queued ]
    [[ $(json .reason) == "attempt 1 of 2: exit code 1; again after 1h"* ]]
}

@test "a run is tried again even after the dispatcher was another one" {
    printf 'name: slow\nshell: exit 1\nretry: {attempts: 2, delay: 1h}\n' >slow.yaml
    id=$(rota submit slow.yaml)
    rota dispatch
    sqlite3 "$ROTA_CATALOGUE" "UPDATE run SET not_before = 1"
    rota dispatch
    run -0 rota status -o json "$id"
    [ "$(json '"\(.state) \(.attempt)"')" = "failed 2" ]
}

@test "a run that is cancelled while it runs is cancelled when it is proved dead" {
    id=$(rota submit -- sh -c "echo \$\$ >$PWD/pid; exec sleep 1000")
    dispatcher_starts
    eventually test -s pid
    run -0 rota cancel "$id"
    dispatcher_ends
    is_state "$id" cancelled
    run ! kill -0 "$(cat pid)"
}

@test "held runs wait, released ones go on with a living dispatcher" {
    mkfifo go
    first=$(rota submit -- sh -c "read line <$PWD/go")
    held=$(rota submit --hold -- true)
    dispatcher_starts
    eventually is_state "$first" running
    is_state "$held" held
    rota cancel --release "$held"
    eventually is_state "$held" succeeded
    echo go >go
    dispatcher_ends
}

@test "kill -9 of the dispatcher: the next one adopts the run and its output" {
    mkfifo go
    id=$(rota submit -- sh -c "echo once; read line <$PWD/go; echo twice; exit 5")
    dispatcher_starts
    eventually is_state "$id" running
    kill -9 "$dispatcher"
    wait "$dispatcher" || :
    dispatcher_starts
    echo go >go
    dispatcher_ends
    run -0 rota status -o json "$id"
    [ "$(json '"\(.state) \(.exit_code) \(.attempt)"')" = "failed 5 1" ]
    run -0 rota logs "$id"
    [ "$output" = $'once\ntwice' ]
}

@test "SIGTERM ends the dispatcher cleanly, the runs go on" {
    mkfifo go
    id=$(rota submit -- sh -c "read line <$PWD/go; echo done")
    dispatcher_starts
    eventually is_state "$id" running
    kill -TERM "$dispatcher"
    dispatcher_ends
    echo go >go
    rota dispatch
    is_state "$id" succeeded
}

@test "a run that ended while no dispatcher lived is recorded by the next one" {
    id=$(rota submit -- sh -c "echo x >>$PWD/witness; exit 2")
    rota dispatch --once
    eventually test -s witness
    rota dispatch
    run -0 rota status -o json "$id"
    [ "$(json '"\(.state) \(.exit_code)"')" = "failed 2" ]
    [ "$(wc -l <witness)" = 1 ]
}

@test "a spool that was taken away: what it held is lost, and nothing is started twice" {
    mkfifo go
    id=$(rota submit -- sh -c "echo x >>$PWD/witness; read line <$PWD/go")
    dispatcher_starts
    eventually is_state "$id" running
    kill -9 "$dispatcher"
    wait "$dispatcher" || :
    rm -rf "$(worker_spool)"
    # claimed, as a dispatcher leaves it that died before it heard of the start
    sqlite3 "$ROTA_CATALOGUE" "UPDATE run SET state = 4, started_at = NULL"
    rota dispatch
    run -0 rota status -o json "$id"
    [ "$(json .state)" = lost ]
    [[ $(json .reason) == "spool gone"* ]]
    echo go >go
    [ "$(wc -l <witness)" = 1 ]
}

@test "--wait ends when a run that was held is cancelled" {
    mkfifo go
    first=$(rota submit -- sh -c "read line <$PWD/go")
    held=$(rota submit --hold -- true)
    rota dispatch --wait "$first" "$held" 3>&- &
    waiter=$!
    eventually is_state "$first" running
    rota cancel "$held"
    echo go >go
    rc=0
    wait "$waiter" || rc=$?
    [ "$rc" -eq 1 ]
}

@test "a run is declared lost at once, with no dispatcher living" {
    mkfifo go
    id=$(rota submit -- sh -c "read line <$PWD/go")
    rota dispatch --once
    run -0 rota cancel --lost "$id"
    run -0 rota status -o json "$id"
    [ "$(json .state)" = lost ]
    [[ $(json .reason) == "declared lost by "* ]]
    echo go >go
    rota dispatch # the worker may forget it, and nothing changes
    is_state "$id" lost
}

@test "a run is declared lost with a dispatcher living, which leaves when nothing else is there" {
    id=$(rota submit -- sh -c "echo \$\$ >$PWD/pid; exec sleep 1000")
    dispatcher_starts
    eventually test -s pid
    run -0 rota cancel --lost "$id"
    dispatcher_ends
    is_state "$id" lost
    pid_is_gone()
    {
        ! kill -0 "$(cat pid)"
    }
    eventually pid_is_gone
}
