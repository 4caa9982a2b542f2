#!/usr/bin/env bats
# A link that holds words of the head back and lets them trickle in, one by one, long after the head is
# gone: with `on_lost: retry` they keep no run alive beside its second attempt, and start none.

load ../lib
load link
load witness

export LINK_PROGRAM=chaos.py

# So many words of the head are under way to `away`.
are_under_way()
{
    [ "$(link waiting)" -ge "$1" ]
}

is_all_there()
{
    [ "$(link waiting)" -eq 0 ]
}

has_begun()
{
    [ "$(grep -c "^$id $1 start" "$WITNESS/witness")" -eq 1 ]
}

# Both sides take 2 s for silence.
trickling_config()
{
    away_sshd 'SetEnv ROTA_TEST_PING_MS=500'
    away_config
}

# The attempts after all is well again: the first was never seen beside the second.
second_attempt_alone()
{
    run -0 rota submit --host away -- true
    eventually is_state "$output" succeeded
    touch "$WITNESS/go"
    dispatcher_ends
    is_state "$id" succeeded
    [ "$(rota status --format '{attempt} {host}' "$id")" = '2 near' ]
    run -1 grep overlap "$WITNESS/witness"
    witness_holds
}

@test "PINGs that trickle in after the head is gone: no run is alive beside its second attempt" {
    trickling_config
    witness_job leashed '-g' 'on_lost: retry' 'lost_after: 8s' >job.yaml
    rota hosts drain near 'not yet'
    id=$(rota submit job.yaml)
    dispatcher_starts
    eventually is_state "$id" running
    eventually has_begun 1
    rota hosts resume near
    link up trickle 1
    eventually are_under_way 8
    # the head hears nothing more, the worker hears what was said before
    link down hold, up trickle 1.5
    eventually_within 60 has_begun 2
    are_under_way 1
    link both pass
    second_attempt_alone
}

@test "a START that trickles in after the head is gone: it is not begun beside the second attempt" {
    trickling_config
    witness_job busy -g >busy.yaml
    busy=$(rota submit --host away busy.yaml)
    dispatcher_starts
    eventually is_state "$busy" running
    witness_job late '-g' 'on_lost: retry' 'lost_after: 2s' >job.yaml
    link up trickle 1
    eventually are_under_way 8
    rota hosts drain near 'not yet'
    id=$(rota submit job.yaml)
    eventually is_state "$id" starting
    rota hosts resume near
    link down hold, up trickle 1.5
    eventually_within 60 has_begun 2
    # what is still under way arrives now, START among it
    are_under_way 1
    link up trickle 0.5
    eventually is_all_there
    link both pass
    second_attempt_alone
    [ "$(grep -c "^$id 1 " "$WITNESS/witness")" -eq 0 ]
}
