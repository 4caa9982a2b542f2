#!/usr/bin/env bats
# rota dispatch with workers on this machine: what it starts, when it leaves, what it tells.
load lib

# Several workers on this machine, each with a spool of its own.
local_workers()
{
    local name
    config < <(for name; do
        printf '[worker %s]\ntransport = local\nslots = 2\n' "$name"
    done)
}

status_of()
{
    rota status --format '{state}' "$1"
}

is_state()
{
    [ "$(status_of "$1")" = "$2" ]
}

# The state and the reason of a run are as the pattern.
is_so()
{
    run -0 rota status --format '{state} {reason}' "$1"
    # shellcheck disable=SC2053 # a pattern
    [[ $output == $2 ]]
}

# Starts a dispatcher in the background; dispatcher_ends waits for it.
dispatcher_starts()
{
    rota dispatch 2>"$BATS_TEST_TMPDIR/dispatch.err" 3>&- &
    dispatcher=$!
}

dispatcher_ends()
{
    wait "$dispatcher"
}

@test "it runs what is queued and leaves" {
    id=$(rota submit -- sh -c 'echo hello')
    run -0 rota dispatch
    is_state "$id" succeeded
    run -0 rota logs "$id"
    [ "$output" = hello ]
}

@test "nothing to do: it leaves at once and connects to nothing" {
    run -0 rota dispatch
    run -0 strace -f -o trace -e trace=socket,socketpair,execve,clone,fork,vfork rota dispatch
    run grep -cE 'rota-worker|AF_INET' trace
    [ "$output" = 0 ]
}

@test "nothing to do: it writes nothing, and reads no long WAL" {
    run -0 rota submit -- true
    run -0 rota dispatch
    run -0 strace -f -o trace -e trace=pwrite64,fdatasync,pread64 -P "$ROTA_CATALOGUE" \
        -P "$ROTA_CATALOGUE-wal" rota dispatch
    run grep -cE 'pwrite|fdatasync' trace
    [ "$output" = 0 ]
    # frames: those of the last commit, and the one after it that does not belong to it
    run grep -c 'pread64.*, 4120, ' trace
    [ "$output" -le 4 ]
}

@test "an exit code other than 0 is failed, with that code" {
    id=$(rota submit -- sh -c 'exit 3')
    rota dispatch
    run -0 rota status -o json "$id"
    [ "$(json '"\(.state) \(.exit_code) \(.reason)"')" = "failed 3 exit code 3" ]
}

@test "a run killed by a signal says which" {
    id=$(rota submit -- sh -c 'kill -SEGV $$')
    rota dispatch
    run -0 rota status -o json "$id"
    [ "$(json '"\(.state) \(.signal) \(.reason)"')" = "failed 11 killed by SIGSEGV" ]
}

@test "--wait exits with the run's own code" {
    id=$(rota submit -- sh -c 'exit 7')
    run -7 rota dispatch --wait "$id"
}

@test "--wait takes ids from standard input and exits 1 when any failed" {
    run -1 bash -c "{ rota submit -- true; rota submit -- false; } | rota dispatch --wait -"
    run -0 rota status --format '{state}'
    [ "$output" = $'succeeded\nfailed' ]
}

@test "--wait - with nothing exits 1" {
    run -1 rota dispatch --wait - </dev/null
}

@test "a second dispatcher exits 0 at once, and --wait follows the first" {
    mkfifo go
    id=$(rota submit -- sh -c "read line <$PWD/go; exit 4")
    dispatcher_starts
    eventually is_state "$id" running
    run -0 rota dispatch
    rota dispatch --wait "$id" 3>&- &
    waiter=$!
    echo go >go
    rc=0
    wait "$waiter" || rc=$?
    [ "$rc" -eq 4 ]
    dispatcher_ends
}

@test "a living dispatcher takes new submissions at once" {
    mkfifo go
    first=$(rota submit -- sh -c "read line <$PWD/go")
    dispatcher_starts
    eventually is_state "$first" running
    second=$(rota submit -- true)
    eventually is_state "$second" succeeded
    echo go >go
    dispatcher_ends
    is_state "$first" succeeded
}

@test "priority first, then age" {
    config <<<$'[worker one]\ntransport = local\nslots = 1'
    for p in 0 5 0 9; do
        rota submit --priority "$p" -- sh -c "echo $p >>$PWD/order"
    done
    rota dispatch
    [ "$(tr -d '\n' <order)" = 9500 ]
}

@test "runs are spread over the least loaded workers, never over their slots" {
    local_workers a b
    mkfifo go
    for _ in 1 2 3 4 5 6; do
        rota submit -- sh -c "read line <$PWD/go"
    done
    dispatcher_starts
    running()
    {
        [ "$(rota status --state running --format '{host}' | sort | tr '\n' ' ')" = "$1" ]
    }
    eventually running 'a a b b '
    [ "$(rota status --state queued -o id | wc -l)" = 2 ]
    exec {gate}<>go
    echo $'1\n2\n3\n4\n5\n6' >&"$gate"
    dispatcher_ends
    exec {gate}>&-
    [ "$(rota status --state succeeded -o id | wc -l)" = 6 ]
}

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

@test "--once starts what it can and does not wait" {
    mkfifo go
    id=$(rota submit -- sh -c "read line <$PWD/go")
    run -0 rota dispatch --once
    run is_state "$id" succeeded
    [ "$status" -ne 0 ]
    echo go >go
    rota dispatch
    is_state "$id" succeeded
}

@test "--dry-run says where each queued run would go, and changes nothing" {
    local_workers a b
    cat >two.yaml <<END
name: here
shell: true
where: {hosts: b}
---
name: anywhere
shell: true
END
    rota submit two.yaml
    before=$(sha256sum <"$ROTA_CATALOGUE")
    run -0 rota dispatch --dry-run
    [ "${lines[0]}" = $'1\there\tb\t' ]
    [ "${lines[1]}" = $'2\tanywhere\ta\t' ]
    [ "$before" = "$(sha256sum <"$ROTA_CATALOGUE")" ]
    [ "$(status_of 1)" = queued ]
}

@test "--dry-run reads a specification once, however many runs have it" {
    {
        printf 'name: long\nscript: |\n'
        printf '    echo %0100d\n' {1..2000}
    } >long.yaml
    rota submit long.yaml
    sqlite3 "$ROTA_CATALOGUE" "
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO run (spec, job, state, queued_at) SELECT 1, 'long', 3, 1 FROM n"
    # 20,000 times 200 KB of YAML are some ten seconds of processor time
    ulimit -t 4
    run -0 rota dispatch --dry-run
    [ "${#lines[@]}" -eq 20001 ]
}

@test "a drained worker gets no new runs, and the waiting ones say why" {
    local_workers a
    id=$(rota submit -- true)
    rota hosts drain a 'new disk'
    run -0 rota dispatch
    run -0 rota status -o json "$id"
    [ "$(json '"\(.state) \(.reason)"')" = "queued a is drained: new disk" ]
    rota hosts resume a
    rota dispatch
    is_state "$id" succeeded
}

@test "a new worker in the configuration is used without a restart" {
    local_workers a
    mkfifo go
    first=$(rota submit -- sh -c "read line <$PWD/go")
    dispatcher_starts
    eventually is_state "$first" running
    printf '[worker b]\ntransport = local\n' >>"$ROTA_CONFIG"
    printf 'name: on-b\nshell: true\nwhere: {hosts: b}\n' >on-b.yaml
    second=$(rota submit on-b.yaml)
    eventually is_state "$second" succeeded
    echo go >go
    dispatcher_ends
}

@test "a configuration that becomes bad is said, and the old one stays in force" {
    local_workers a
    mkfifo go
    first=$(rota submit -- sh -c "read line <$PWD/go")
    second=$(rota submit -- true)
    rota cancel --hold "$second"
    dispatcher_starts
    eventually is_state "$first" running
    cp "$ROTA_CONFIG" good
    echo nonsense >>"$ROTA_CONFIG"
    eventually grep -q 'stays in force' dispatch.err
    cp good "$ROTA_CONFIG"
    rota cancel --release "$second"
    eventually is_state "$second" succeeded
    echo go >go
    dispatcher_ends
}

@test "a run whose user does not exist fails with that reason" {
    printf 'name: who\nshell: true\nuser: nobody-of-this-name\n' >who.yaml
    id=$(rota submit who.yaml)
    rota dispatch
    run -0 rota status -o json "$id"
    [ "$(json .state)" = failed ]
    [[ $(json .reason) == *nobody-of-this-name* ]]
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

@test "a job that writes beside the catalogue without end does not hold the dispatcher" {
    id=$(rota submit -- sh -c "while :; do echo x; done >$HOME/noise")
    dispatcher_starts
    eventually test -s "$HOME/noise"
    second=$(rota submit -- true)
    eventually is_state "$second" succeeded
    rota cancel "$id"
    dispatcher_ends
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

@test "the WAL stays short however long a dispatcher lives" {
    config <<<$'[worker one]\ntransport = local\nslots = 16'
    for _ in {1..1500}; do
        printf 'name: n\nshell: true\n---\n'
    done | sed '$d' | rota submit - >ids
    rota dispatch
    [ "$(rota status --state succeeded -o id | wc -l)" = 1500 ]
    # the file keeps its greatest length
    [ "$(stat -c %s "$ROTA_CATALOGUE-wal")" -lt 4000000 ]
}

@test "a worker that comes back into the configuration gets its runs back" {
    local_workers a b
    mkfifo go
    printf 'name: on-a\nshell: read line <%s/go\nwhere: {hosts: a}\n' "$PWD" >on-a.yaml
    id=$(rota submit on-a.yaml)
    rota dispatch --once
    cp "$ROTA_CONFIG" both
    local_workers b
    rota dispatch --wait "$id" 2>dispatch.err 3>&- &
    waiter=$!
    eventually is_so "$id" "* a is no worker of the configuration any more: * rota cancel --lost $id"
    grep -q 'no worker of the configuration' dispatch.err
    cat both >"$ROTA_CONFIG"
    echo go >go
    wait "$waiter"
    is_so "$id" 'succeeded '
}

@test "a run whose specification cannot be read says so, and is not waited for" {
    bad=$(rota submit --name bad -- true)
    good=$(rota submit --name good -- false)
    sqlite3 "$ROTA_CATALOGUE" "UPDATE spec SET text = '{' WHERE id = $bad"
    run -65 timeout 60 rota dispatch --wait "$bad" "$good"
    [[ $output == *"run $bad cannot be waited for: specification $bad "*'cannot be read'* ]]
    is_so "$bad" "queued specification $bad in the catalogue cannot be read: *"
    is_state "$good" failed
}

# One run takes the only slot, and others wait for it and say so: first, second, third.
slot_is_taken()
{
    config <<<$'[worker one]\ntransport = local\nslots = 1'
    mkfifo go
    printf 'name: again\nshell: true\n' >again.yaml
    first=$(rota submit -- sh -c "read line <$PWD/go")
    dispatcher_starts
    eventually is_state "$first" running
    second=$(rota submit again.yaml)
    eventually is_so "$second" 'queued no free slot on one'
    third=$(rota submit -- sh -c "echo another")
    eventually is_so "$third" 'queued no free slot on one'
}

@test "a reason to wait ends with the wait: the same file submitted again has none" {
    slot_is_taken
    echo go >go
    dispatcher_ends
    is_so "$second" 'succeeded '
    is_so "$(rota submit again.yaml)" 'queued '
    is_so "$(rota submit -- sh -c "echo another")" 'queued '
}

@test "the same with a dispatcher that lives on" {
    slot_is_taken
    rota cancel "$second" "$third"
    none_is_left()
    {
        [ "$(sqlite3 "$ROTA_CATALOGUE" 'SELECT count(waiting) FROM spec')" = 0 ]
    }
    eventually_within 30 none_is_left
    is_state "$first" running
    echo go >go
    dispatcher_ends
}

@test "reasons to wait that a dispatcher left which was killed go with the next one" {
    slot_is_taken
    kill -9 "$dispatcher"
    wait "$dispatcher" || :
    rota cancel "$second" "$third"
    dispatcher_starts
    echo go >go
    dispatcher_ends
    is_state "$first" succeeded
    is_so "$(rota submit again.yaml)" 'queued '
}
