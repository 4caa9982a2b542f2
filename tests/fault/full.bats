#!/usr/bin/env bats
# shellcheck disable=SC2154 # dispatcher is set by disk.bash
# The head's disk is full, of bytes or of inodes: it is said, nothing that was acknowledged is lost, the
# runs go on at their workers, and all is recorded, once, when there is space again.

load disk

# Nobody has written before: the WAL has no room that could be used again.
running_then_full()
{
    held_jobs 8 "${1-}"
    dispatcher_starts
    eventually all_are 8 running
    disk_full
}

@test "disk full at submit: exit 74, what was acknowledged stays, and it goes through when there is space" {
    disk size=2m
    jobs 3
    disk_full
    run -74 --separate-stderr rota submit w.yaml
    [ -z "$output" ]
    one_message 'free space, or inodes, on its filesystem'
    run -0 rota status # to ask takes no space
    [ "$(rota status -o id | wc -l)" -eq 3 ]
    disk_free
    jobs 1
    run -0 rota dispatch
    all_are 4 succeeded
    witness_holds
}

@test "disk full at the first submit of all: no half of a catalogue stays" {
    disk size=64k
    run -74 --separate-stderr rota submit -- true
    [ -z "$output" ]
    one_message 'free space, or inodes, on its filesystem'
    [ -z "$(inside ls -A "$HOME/disk")" ]
    disk_made remount,size=2m
    run -0 rota submit -- true
    [ "$output" = 1 ]
}

@test "disk full at the start of dispatch: exit 74, and nothing is started" {
    disk size=2m
    jobs 3
    disk_full
    run -74 --separate-stderr rota dispatch
    one_message 'free space, or inodes, on its filesystem'
    [ ! -e "$WITNESS/witness" ]
    all_are 3 queued
    disk_free
    run -0 rota dispatch
    all_are 3 succeeded
    witness_holds
}

@test "disk full at a tick: exit 74, and each due instant has its runs once when there is space" {
    disk size=2m
    witness_job w >w.yaml
    echo 'schedule: {every: 1h, catch_up: all, overlap: allow}' >>w.yaml
    rota schedule add w.yaml
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE job SET next_at = next_at - 40 * 3600000'
    disk_full
    run -74 --separate-stderr rota schedule tick
    [ -z "$output" ]
    one_message 'free space, or inodes, on its filesystem'
    run -74 --separate-stderr rota dispatch
    [ ! -e "$WITNESS/witness" ]
    disk_free
    rota schedule tick >"$WITNESS/acknowledged"
    [ "$(wc -l <"$WITNESS/acknowledged")" -eq 40 ]
    run -0 rota dispatch
    all_are 40 succeeded
    witness_holds
}

@test "disk full while dispatch runs: the runs end, and it records them when there is space" {
    disk size=2m
    running_then_full
    run -74 --separate-stderr rota submit w.yaml
    touch "$WITNESS/go"
    eventually ended 8
    eventually dispatcher_says 'cannot grow: free space, or inodes, on its filesystem; trying on'
    all_are 8 running
    disk_free
    dispatcher_ends
    [ "$(grep -c 'cannot grow' dispatch.err)" -eq 1 ]
    all_are 8 succeeded
    witness_holds
}

@test "disk full while dispatch runs, which is killed: the next one records all, once" {
    disk size=2m
    running_then_full
    touch "$WITNESS/go"
    eventually ended 8
    eventually dispatcher_says 'cannot grow'
    dispatcher_dies
    run -74 rota dispatch
    disk_free
    run -0 rota dispatch
    all_are 8 succeeded
    witness_holds
}

@test "disk full while dispatch runs, which is told to end: it does, and the next one records all" {
    disk size=2m
    running_then_full '-o 5000'
    touch "$WITNESS/go"
    eventually ended 8
    eventually dispatcher_says 'cannot write .*No space left on device'
    kill "$dispatcher"
    dispatcher_ends
    all_are 8 running
    disk_free
    run -0 rota dispatch
    all_are 8 succeeded
    witness_holds
}

@test "disk full for the output alone: runs without output end, and the others when there is space" {
    jobs 1
    run -0 rota dispatch
    disk size=64k "$HOME/disk/output"
    held_jobs 4 '-o 5000'
    held_jobs 2
    dispatcher_starts
    eventually all_but_first_run
    disk_full
    touch "$WITNESS/go"
    eventually ended 7
    eventually dispatcher_says 'cannot write .*output.*No space left on device'
    run -0 rota status 2
    [[ $output == *'No space left on device'* ]]
    disk_free
    dispatcher_ends
    all_are 7 succeeded
    witness_holds
}

all_but_first_run()
{
    [ "$(rota status --state running -o id | wc -l)" -eq 6 ]
}

@test "inodes full: neither a catalogue nor a file of output can be made, and it goes on when they can" {
    disk nr_inodes=8
    inodes_full
    run -74 --separate-stderr rota submit -- true
    one_message 'No space left on device'
    disk_free
    held_jobs 8 '-o 5000'
    dispatcher_starts
    eventually all_are 8 running
    inodes_full
    touch "$WITNESS/go"
    eventually ended 8
    eventually dispatcher_says 'cannot write .*output.*No space left on device'
    disk_made remount,nr_inodes=100
    dispatcher_ends
    all_are 8 succeeded
    witness_holds
}
