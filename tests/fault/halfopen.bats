#!/usr/bin/env bats
# Connections that one side, or both, believes to be there: they end, new ones take their place, and no
# run minds.

load ../lib
load link

# The worker's front ends of `away` that hold or held its spool, one pid a line.
fronts()
{
    local pid
    for pid in $(find /proc/[0-9]*/fd -lname "$(worker_spool)/away/lock" 2>/dev/null | cut -d/ -f3); do
        if process_lives "$pid"; then
            printf '%s\n' "$pid"
        fi
    done | sort -u
}

is_gone()
{
    ! process_lives "$1"
}

@test "a new connection while the old one is half-open: its front end wins, the run is unharmed" {
    away_config
    away_run taken
    old=$(fronts)
    [ "$(wc -w <<<"$old")" -eq 1 ]
    # the host is not told that the old connection is over
    link forget
    eventually is_so "$id" 'running away unreachable since *'
    eventually is_so "$id" 'running '
    new=$(fronts)
    [ "$(wc -w <<<"$new")" -eq 1 ]
    [ "$new" != "$old" ]
    is_gone "$old"
    ticks_on tick 3
    touch go
    dispatcher_ends
    once "$id"
}

@test "the same for the front end of a dispatcher that died behind the cut link" {
    away_config
    away_run taken
    old=$(fronts)
    link forget
    dispatcher_dies
    process_lives "$old"
    dispatcher_starts
    eventually is_gone "$old"
    eventually is_connected
    touch go
    dispatcher_ends
    once "$id"
}

@test "a host that stays away is tried again and again, with growing delay" {
    away_config
    away_run tried
    link drop
    before=$(link count)
    tries()
    {
        [ "$(link count)" -ge $((before + $1)) ]
    }
    eventually tries 3
    # at least so long between one try and the next; on a slow machine it takes longer
    link times | tail -n +$((before + 1)) | head -n 3 | awk '
        NR > 1 && $1 - last < least { print "after " $1 - last " s, not " least; bad = 1 }
        { last = $1; least = least ? least * 2 : 1.9 }
        END { exit bad }'
    # another dispatcher does not know of the delay
    kill "$dispatcher"
    dispatcher_ends
    link heal
    dispatcher_starts
    eventually is_so "$id" 'running '
    touch go
    dispatcher_ends
    once "$id"
}

@test "a half-open connection ends on both sides within 60 s, without anybody's word" {
    away_config
    unset ROTA_TEST_PING_MS
    away_run silent
    front=$(fronts)
    link cut
    begin=$SECONDS
    # what is more than 60 s is a slow machine's
    eventually_within 90 is_so "$id" 'running away unreachable since *: nothing was heard for 60 s'
    [ $((SECONDS - begin)) -ge 40 ]
    # nobody could tell the front end either
    eventually_within 30 is_gone "$front"
    link heal
    eventually is_so "$id" 'running '
    touch go
    dispatcher_ends
    once "$id"
}
