#!/usr/bin/env bats
# A worker's front end is killed at each of its system calls, once the head has spoken to it: no run is
# executed twice, none is forgotten, and the next connection finds all in order.

load ../lib
load witness
load killer

# A worker for each call that the trace has shown.
one_for_each_call()
{
    local n
    n=$(wc -l <"$HOME/kill/$1.0.log")
    [ "$n" -ge "$2" ]
    killer_config "$1" 1 "$n"
}

# Nearly all sites were reached (the last ones may not come), what they left is in order, and their hosts
# work.
all_is_well()
{
    local n
    n=$(wc -l <runs.ids)
    [ "$(killed "$1")" -ge $((n * 8 / 10)) ]
    killer_submit after
    dispatch_all
    [ "$(states <after.ids)" = "$n succeeded" ]
    witness_holds
    spools_are_clean
}

@test "the front end is killed at each step while a run starts, ends and is acknowledged" {
    killer_config front 0 0
    killer_submit trace '-o 1000'
    dispatch_all
    one_for_each_call front 60
    killer_submit runs '-o 1000'
    dispatch_all
    # between its promise and the fork of a shim it cannot be known whether that was
    [ "$(rota status --state lost --format '{reason}' - <runs.ids | sort -u)" = \
        'its supervisor is gone (killed, or out of memory)' ]
    lost=$(rota status --state lost -o id - <runs.ids)
    [ "$(wc -l <<<"$lost")" -le 5 ]
    for id in $lost; do
        run -1 grep "^$id " "$WITNESS/witness"
    done
    [ "$(states <runs.ids | grep -c .)" -eq 2 ]
    states <runs.ids | grep succeeded
    all_is_well front
}

@test "the front end is killed at each step while it takes over a run, tells its end and forgets it" {
    killer_config again 0 0
    killer_submit trace '-o 1000 -g'
    witness_begins 1
    touch "$WITNESS/go"
    dispatch_all
    one_for_each_call again 60
    rm "$WITNESS/go"
    killer_submit runs '-o 1000 -g'
    n=$(wc -l <runs.ids)
    witness_begins $((n + 1))
    touch "$WITNESS/go"
    dispatch_all
    [ "$(states <runs.ids)" = "$n succeeded" ]
    all_is_well again
}
