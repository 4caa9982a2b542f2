#!/usr/bin/env bats
# rota dispatch with workers on this machine: what it starts, when it leaves, what it tells.

load lib
load dispatcher

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

@test "--once records what has ended" {
    rota submit -- sh -c 'echo told; exit 3'
    rota submit -- sh -c 'echo told; exit 3'
    rota dispatch --once
    eventually no_process_left # the supervisors, which leave the results
    run -0 rota dispatch --once
    run -0 rota status --format '{id} {state} {exit_code}'
    [ "$output" = $'1 failed 3\n2 failed 3' ]
    run -0 rota logs 1 2
    [ "$output" = $'told\ntold' ]
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

@test "a run whose user does not exist fails with that reason" {
    printf 'name: who\nshell: true\nuser: nobody-of-this-name\n' >who.yaml
    id=$(rota submit who.yaml)
    rota dispatch
    run -0 rota status -o json "$id"
    [ "$(json .state)" = failed ]
    [[ $(json .reason) == *nobody-of-this-name* ]]
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
