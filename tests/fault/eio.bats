#!/usr/bin/env bats
# shellcheck disable=SC2154 # stderr is set by bats' run
# The head's disk fails (EIO, injected), or its filesystem turns read-only: said, nothing told that is not
# on disk, and all of it recorded once the disk works again.

load disk

# The program ROTA-… fails at the WHENth call of CALLS on the file: injected WHEN CALLS FILE PROGRAM…
injected()
{
    ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" inside timeout 100 strace -qq -o trace -P "$3" \
        -e trace="$2" -e inject="$2:error=${ERROR-EIO}:when=$1" "$ROTA_BUILD_DIR/$4" "${@:5}" 3>&-
}

# What failed was said in words; a dispatcher that could not even begin has begun nothing.
dispatch_with_failing()
{
    jobs 2 '-x 3 -o 100'
    run --separate-stderr injected "$1" "$2" "$3" rota-dispatch
    [ "$(grep -c INJECTED trace)" -ge 1 ]
    if [ "$status" -ne 0 ]; then
        [ "$status" -eq 74 ]
        [[ $stderr == *"$ROTA_CATALOGUE"*'look after its disk'* ]]
        run -0 rota dispatch
    fi
    [ -z "$(rota status --state held,blocked,queued,starting,running -o id)" ]
    witness_holds
}

@test "EIO on fsync of the WAL at each commit in turn, take, claim, result and release: once, and all of it" {
    for n in 1 2 3 4 5; do
        dispatch_with_failing "$n" fdatasync,fsync "$ROTA_CATALOGUE-wal"
    done
}

@test "EIO on the write of the WAL at each of many places: once, and all of it" {
    for n in 1 3 6 10 15 21; do
        dispatch_with_failing "$n" pwrite64 "$ROTA_CATALOGUE-wal"
    done
}

@test "EIO on fsync of the WAL for a while: the runs go on, and are recorded when it works again" {
    jobs 3
    run -0 --separate-stderr injected 2..5 fdatasync,fsync "$ROTA_CATALOGUE-wal" rota-dispatch
    [ "$(grep -c INJECTED trace)" -eq 4 ]
    [[ $stderr == *'look after its disk'*'; trying on'* ]]
    all_are 3 succeeded
    witness_holds
}

@test "EIO on fsync of a checkpoint: nothing is lost, and the next one is whole" {
    jobs 3
    run -0 injected 1 fdatasync,fsync "$ROTA_CATALOGUE" rota-dispatch
    [ "$(grep -c INJECTED trace)" -eq 1 ]
    all_are 3 succeeded
    witness_holds
    jobs 1
    run -0 rota dispatch
    # all of it is in the file itself
    sqlite3 "file:$ROTA_CATALOGUE?immutable=1" 'PRAGMA integrity_check; SELECT count(*) FROM run WHERE state = 6' >found
    [ "$(cat found)" = $'ok\n4' ]
}

@test "EIO at submit: exit 74, and what was not acknowledged is not run" {
    jobs 1
    for call in fdatasync,fsync pwrite64; do
        run -74 --separate-stderr injected 1 "$call" "$ROTA_CATALOGUE-wal" rota submit w.yaml
        [ -z "$output" ]
        one_message 'look after its disk'
    done
    run -0 rota status -o id
    [ "$output" = 1 ]
    jobs 1
    run -0 rota dispatch
    all_are 2 succeeded
    witness_holds
}

@test "EIO at a tick: exit 74, and the next one makes the runs, once" {
    witness_job w >w.yaml
    echo 'schedule: {every: 1h, catch_up: all, overlap: allow}' >>w.yaml
    rota schedule add w.yaml
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE job SET next_at = next_at - 5 * 3600000'
    run -74 --separate-stderr injected 1 fdatasync,fsync "$ROTA_CATALOGUE-wal" rota schedule tick
    [ -z "$output" ]
    one_message 'look after its disk'
    rota schedule tick >"$WITNESS/acknowledged"
    [ "$(wc -l <"$WITNESS/acknowledged")" -eq 5 ]
    run -0 rota dispatch
    all_are 5 succeeded
    witness_holds
}

@test "writes to the WAL fail as on a read-only filesystem while dispatch runs: it tries on, and records all" {
    jobs 3 '-o 100'
    ERROR=EROFS run -0 --separate-stderr injected 4..9 pwrite64 "$ROTA_CATALOGUE-wal" rota-dispatch
    [ "$(grep -c 'INJECTED' trace)" -eq 6 ]
    [[ $stderr == *'look after its disk'*'; trying on'* ]]
    all_are 3 succeeded
    witness_holds
}

@test "the filesystem is read-only when dispatch begins: the runs end, and are recorded when it is writable" {
    disk size=4m
    held_jobs 4 '-o 5000'
    dispatcher_starts
    eventually all_are 4 running
    dispatcher_dies
    disk_made remount,ro
    touch "$WITNESS/go"
    eventually ended 4
    for command in 'submit w.yaml' dispatch 'schedule tick'; do
        # shellcheck disable=SC2086 # words
        run -74 --separate-stderr rota $command
        one_message 'is on a filesystem that is read-only now'
    done
    all_are 4 running # it can be asked
    disk_made remount,rw
    run -0 rota dispatch
    all_are 4 succeeded
    witness_holds
}
