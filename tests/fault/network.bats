#!/usr/bin/env bats
# What a network does to a connection, over a link that can (chaos.py): a cut, of one direction too, a
# half-closed connection, a reset in the middle of a frame. The run goes on, ends once, and all of its
# output is here.

load ../lib
load link
load witness

export LINK_PROGRAM=chaos.py

ends_well()
{
    touch go
    dispatcher_ends
    once "$id"
}

count_is_over()
{
    [ "$(link count)" -gt "$1" ]
}

# `away` with an sshd of its own, whose front ends have the short times of the dispatcher.
away_with_short_times()
{
    away_sshd 'SetEnv ROTA_TEST_PING_MS=500'
    away_config
}

is_back()
{
    is_so "$id" 'running ' && is_connected
}

@test "a link that is cut for 5 s: the connection lives through it" {
    away_config
    unset ROTA_TEST_PING_MS
    away_run five
    link both hold
    eventually_within 5 false || :
    link both pass
    ticks_on tick 3
    ends_well
    [ "$(link count)" -eq 1 ]
}

@test "a link that is cut one way, from the head to the host" {
    away_with_short_times
    away_run up
    # what the host says still arrives, all the time
    link up hold
    eventually is_so "$id" 'running away unreachable since *'
    ticks_on tick 3
    link up pass
    eventually is_back
    ends_well
}

@test "a link that is cut one way, from the host to the head" {
    away_with_short_times
    away_run down
    link down hold
    eventually is_so "$id" 'running away unreachable since *: nothing was heard for *'
    ticks_on tick 3
    link down pass
    eventually is_back
    ends_well
}

# The connection is half-closed in a direction; the next one is not.
half_closed()
{
    local before
    away_config
    away_run half
    before=$(link count)
    link "$1" end
    eventually is_so "$id" 'running away unreachable since *'
    link "$1" pass
    eventually is_back
    count_is_over "$before"
    ends_well
}

@test "a connection that is half-closed, from the head to the host" {
    half_closed up
}

@test "a connection that is half-closed, from the host to the head" {
    half_closed down
}

# Four runs with so much input, and so much output, that a reset after so many bytes is in the middle of a
# frame: of START on the way up, of OUTPUT on the way down. What connecting takes is less than 10,000.
reset_mid_frame()
{
    away_config 4
    witness_job writes '-o 150000 -g' "stdin: $(head -c 30000 /dev/zero | tr '\0' i)" >job.yaml
    rota submit --host away job.yaml job.yaml job.yaml job.yaml | tee "$WITNESS/acknowledged"
    touch "$WITNESS/go"
    link "$1" reset "${@:2}"
    dispatcher_starts
    dispatcher_ends
    [ "$(link count)" -eq $# ]
    witness_holds
    [ "$(rota status -o id --state succeeded | wc -l)" -eq 4 ]
}

@test "RST mid-frame, from the head to the host" {
    reset_mid_frame up 25000 50000 75000
}

@test "RST mid-frame, from the host to the head" {
    reset_mid_frame down 25000 100000 200000
}
