#!/usr/bin/env bats
# shellcheck disable=SC2154 # dispatcher is set by disk.bash
# Other processes hold the catalogue: its write lock for a minute, or a read transaction for as long as
# everything takes.

load disk

# sqlite3 that does what it is told on descriptor 8: reader_or_writer STATEMENT…
holder_starts()
{
    mkfifo "$HOME/hold"
    /usr/bin/sqlite3 "$ROTA_CATALOGUE" <"$HOME/hold" >"$HOME/held" 3>&- &
    holder=$!
    exec 8>"$HOME/hold"
    echo "$1" >&8
    eventually test -s "$HOME/held"
}

holder_ends()
{
    exec 8>&-
    wait "$holder"
}

# A minute is what people wait, whatever the machine does meanwhile.
a_minute_went()
{
    ((SECONDS >= since + 60))
}

@test "write lock held 60 s: dispatch and its runs go on, submit says try again, all is recorded after" {
    held_jobs 4 '-o 5000 -x 3'
    dispatcher_starts
    eventually all_are 4 running
    holder_starts "BEGIN IMMEDIATE; SELECT 'locked';"
    since=$SECONDS
    touch "$WITNESS/go"
    eventually ended 4
    run -75 --separate-stderr rota submit w.yaml
    one_message 'is locked by another process: try again'
    run -0 rota status
    # another dispatcher leaves the work to the one that lives, without waiting for the lock
    run -0 rota dispatch
    eventually a_minute_went
    all_are 4 running
    process_lives "$dispatcher"
    dispatcher_says 'is locked by another process'
    holder_ends
    dispatcher_ends
    all_are 4 failed
    [ "$(grep -c 'is locked' dispatch.err)" -eq 1 ]
    witness_holds
}

@test "reader open throughout: all goes on beside it, and the WAL is copied when it is gone" {
    jobs 1
    holder_starts 'BEGIN; SELECT count(*) FROM run;'
    for _ in 1 2 3; do
        jobs 2 '-o 5000'
        run -0 rota dispatch
    done
    # it sees what it saw
    echo 'SELECT count(*) FROM run;' >&8
    holder_ends
    [ "$(cat "$HOME/held")" = $'1\n1' ]
    all_are 7 succeeded
    witness_holds
    jobs 1
    run -0 rota dispatch
    sqlite3 "file:$ROTA_CATALOGUE?immutable=1" 'PRAGMA integrity_check; SELECT count(*) FROM run WHERE state = 6' >found
    [ "$(cat found)" = $'ok\n8' ]
}
