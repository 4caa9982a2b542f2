#!/usr/bin/env bats
# Links that are late or slow (chaos.py): what a host at the end of one does, and that the others do not
# notice.

load ../lib
load link
load witness

export LINK_PROGRAM=chaos.py

sql()
{
    sqlite3 "file:$ROTA_CATALOGUE?mode=ro" "$1"
}

@test "2 s latency: the starts of all slots are under way at once, and no PING is missed" {
    away_config 40
    export ROTA_TEST_PING_MS=1500
    # one run is there throughout, so that the dispatcher is
    witness_job first -g >job.yaml
    rota submit --host away job.yaml
    dispatcher_starts
    eventually is_state 1 running
    link both delay 2
    witness_job late '-o 100' 'array: 0-116' >job.yaml
    rota submit --host away job.yaml >"$WITNESS/acknowledged"
    late_end()
    {
        [ -z "$(sql 'SELECT 1 FROM run WHERE id > 1 AND finished_at IS NULL LIMIT 1')" ]
    }
    eventually late_end
    touch "$WITNESS/go"
    dispatcher_ends
    witness_holds
    [ "$(link count)" -eq 1 ]
    # three times the free slots. The first 39 are started before any end can be heard of, and a slot is free
    # again when its end is heard: some claims each time round, not one run
    run -0 sql 'SELECT count(*) FROM attempt WHERE run > 1 AND claimed_at <
        (SELECT min(claimed_at) FROM attempt WHERE run > 1) + 2000'
    echo "at first: $output"
    [ "$output" -eq 39 ]
    run -0 sql 'SELECT count(DISTINCT claimed_at / 4000) FROM attempt WHERE run > 1'
    echo "times round: $output"
    [ "$output" -le 12 ]
}

@test "1 byte a second: the host is given up for its silence, and taken back when it is faster" {
    away_sshd 'SetEnv ROTA_TEST_PING_MS=500'
    away_config
    away_run slow
    link both rate 1
    # there are always bytes on the way, but never a whole frame in time
    eventually is_so "$id" 'running away unreachable since *'
    ticks_on tick 3
    good=$(rota submit --host near -- true)
    eventually is_state "$good" succeeded
    is_so "$id" 'running away unreachable since *'
    link both pass
    eventually is_so "$id" 'running '
    touch go
    dispatcher_ends
    once "$id"
}

# A host with a link of its own that has a fault from the start: bad_link NAME FAULT. Its run is NAME's.
bad_link()
{
    local dir=$HOME/link.$1
    mkdir -p "$dir"
    "$ROTA_TOP/tests/fault/chaos.py" serve "$dir" 127.0.1.3 "$(cat "$FOUR/four/port")" "$2" 3>&- &
    OTHER_LINKS+=" $!"
    eventually test -s "$dir/port"
    printf '[127.0.0.1]:%s %s\n' "$(cat "$dir/port")" "$(cat "$FOUR/four/host.pub")" >>"$HOME/known_hosts"
    four_add "$1" 'address = 127.0.0.1' "port = $(cat "$dir/port")" 'slots = 2'
    bad_ids+=" $(witness_job "on-$1" | rota submit --host "$1" -)"
}

@test "a bad link of each kind does not delay the runs of good hosts: they all end first" {
    export ROTA_TEST_PING_MS=1000 ROTA_TEST_STEP_MS=20000
    bad_ids=''
    four_config 4 good1 good2
    bad_link held 'both hold'
    bad_link deaf 'up hold'
    bad_link mute 'down hold'
    bad_link half 'down end'
    bad_link trickle 'both rate 1'
    bad_link late 'both delay 2'
    bad_link torn 'down reset 500 500 500 500 500 500 500 500'
    witness_job good '-o 1000' 'where: {hosts: "good[1-2]"}' 'array: 0-59' >job.yaml
    rota submit job.yaml >good
    dispatcher_starts
    good_end()
    {
        [ "$(rota status --format '{state}' - <good | sort | uniq -c | xargs)" = '60 succeeded' ]
    }
    eventually good_end
    # shellcheck disable=SC2086 # a list of numbers
    run -0 rota status --format '{state}' $bad_ids
    [ "$(sort -u <<<"$output")" = queued ] || [ "$(sort <<<"$output" | uniq -c | xargs)" = '6 queued 1 starting' ]
    # each of them says why
    kill "$dispatcher"
    dispatcher_ends
    witness_holds --open 7
}
