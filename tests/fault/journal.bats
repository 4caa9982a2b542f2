#!/usr/bin/env bats
# The worker's journal is torn, cut, removed, or of another version: what began is not begun again, and
# unknown is never success.

load ../lib
load ../dispatcher
load witness

setup()
{
    rota_setup
    local_workers here
}

teardown()
{
    touch "$WITNESS/go" 2>/dev/null || :
    rota_teardown
}

# A run that holds, and of which the head knows nothing but that it was ordered: the dispatcher dies before
# it hears of the start. The front end ends with it.
begins_unheard()
{
    witness_job job '-g -o 1000 -x 3' >job.yaml
    id=$(rota submit job.yaml)
    witness_begins 1
    grep -qx "$id 1 start" "$WITNESS/witness"
    eventually no_front_end
    sqlite3 "$ROTA_CATALOGUE" "UPDATE run SET state = 4, started_at = NULL WHERE id = $id"
    is_state "$id" starting
    journal=$(worker_spool)/here/journal.1
}

no_front_end()
{
    [ -z "$(find /proc/[0-9]*/fd -lname "$(worker_spool)/here/lock" 2>/dev/null)" ]
}

ends()
{
    touch "$WITNESS/go"
    eventually grep -qsx "$id 1 end 3 1000" "$WITNESS/witness"
    eventually no_process_left
}

here_says()
{
    run -0 rota hosts --format '{state} {reason}' here
    # shellcheck disable=SC2053 # a pattern
    [[ $output == $1 ]]
}

dispatch()
{
    run -0 timeout 20 rota dispatch
}

# It was executed once, and nothing is left of it.
once()
{
    [ "$(grep -c " start$" "$WITNESS/witness")" -eq 1 ]
    eventually_within 20 test ! -s "$journal"
    witness_holds "$@"
}

@test "the journal is cut to nothing while a run lives: it goes on, and its result counts" {
    begins_unheard
    truncate -s 0 "$journal"
    touch "$WITNESS/go"
    dispatch
    is_so "$id" 'failed exit code 3'
    once
}

@test "the journal is cut to nothing behind the end of a run: lost, not executed again" {
    begins_unheard
    ends
    truncate -s 0 "$journal"
    dispatch
    is_so "$id" 'lost *supervisor is gone*'
    once --may-lose
}

@test "the journal is removed while a run lives: it ends, is lost, and not executed again" {
    begins_unheard
    rm "$journal"
    touch "$WITNESS/go"
    dispatch
    is_so "$id" 'lost *supervisor is gone*'
    once --may-lose
}

@test "the journal is torn before the run's records, and behind them: they are found" {
    begins_unheard
    {
        head -c 100 /dev/urandom
        cat "$journal"
        head -c 200 "$journal"
    } >torn
    cp torn "$journal"
    touch "$WITNESS/go"
    dispatch
    is_so "$id" 'failed exit code 3'
    once
}

@test "the journal is torn within the promise of a run that lives: it goes on, and its result counts" {
    begins_unheard
    printf 'x' | dd of="$journal" bs=1 seek=100 conv=notrunc status=none
    touch "$WITNESS/go"
    dispatch
    is_so "$id" 'failed exit code 3'
    once
}

@test "torn result: it counts as absent, and the run is lost" {
    begins_unheard
    ends
    truncate -s -1 "$journal"
    dispatch
    is_so "$id" 'lost *supervisor is gone*'
    once --may-lose
}

@test "a result with a flipped bit counts as absent" {
    begins_unheard
    ends
    size=$(stat -c %s "$journal")
    # the exit code of the last record, to the one of a success
    printf '\0' | dd of="$journal" bs=1 seek=$((size - 384 + 68)) conv=notrunc status=none
    dispatch
    is_so "$id" 'lost *supervisor is gone*'
    once --may-lose
}

@test "the journal is of another version: said so, and nothing is started until it is gone" {
    begins_unheard
    printf '\2' | dd of="$journal" bs=1 conv=notrunc status=none
    other=$(rota submit -- true)
    dispatcher_starts
    eventually here_says "down the worker refuses: */journal.1 was written by another build of rota-worker (version 2 of it, this one's is 1)*remove the spool*"
    is_state "$id" starting
    is_state "$other" queued
    [ "$(grep -c start "$WITNESS/witness")" -eq 1 ]
    # the build that wrote it is back
    printf '\1' | dd of="$journal" bs=1 conv=notrunc status=none
    touch "$WITNESS/go"
    dispatcher_ends
    is_so "$id" 'failed exit code 3'
    is_state "$other" succeeded
    once
}

@test "the table of cells is of another version: said so, and nothing is started" {
    begins_unheard
    table=$(worker_spool)/here/cells/table
    printf '\2' | dd of="$table" bs=1 seek=88 conv=notrunc status=none
    dispatcher_starts
    eventually here_says 'down the worker refuses: *made by another build of rota-worker*'
    is_state "$id" starting
    printf '\1' | dd of="$table" bs=1 seek=88 conv=notrunc status=none
    touch "$WITNESS/go"
    dispatcher_ends
    is_so "$id" 'failed exit code 3'
    once
}
