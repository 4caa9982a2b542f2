#!/usr/bin/env bats
# A host that is cut off for longer than lost_after: with `on_lost: retry` another attempt is made, and
# no two of them ever overlap; without it nothing is started twice.

load ../lib
load link

# A run that begins at `away`, with a free `near`; the id is in `id`.
leashed_run()
{
    away_config
    ticks_job leashed 'on_lost: retry' 'lost_after: 2s' >job.yaml
    rota hosts drain near 'not yet'
    id=$(rota submit job.yaml)
    dispatcher_starts
    eventually is_state "$id" running
    eventually witnessed_at_least "^$id 1 away tick" 1
    rota hosts resume near
}

# Every line of the first attempt was written before any of the second, which ran to its end.
attempts_did_not_overlap()
{
    [ "$(grep -oE "^$id [0-9]+ [a-z]+ start" witness)" = "$id 1 away start
$id 2 near start" ]
    grep "^$id " witness | cut -d' ' -f2 | sort -nc
    [ "$(witnessed "^$id 1 away end")" -eq 0 ]
    [ "$(witnessed "^$id 2 near end")" -eq 1 ]
}

# The catalogue has two attempts, the first lost and the second good, and the output of the second.
second_attempt_counts()
{
    is_so "$id" 'succeeded '
    [ "$(rota status --format '{attempt} {host}' "$id")" = '2 near' ]
    [ "$(sqlite3 "$ROTA_CATALOGUE" "SELECT group_concat(attempt || ' ' || host || ' ' || state_name)
        FROM (SELECT attempt, host, CASE state WHEN 6 THEN 'succeeded' WHEN 10 THEN 'lost'
            ELSE state END AS state_name FROM attempt WHERE run = $id ORDER BY attempt)")" = \
        '1 away lost,2 near succeeded' ]
    rota logs "$id" | cmp - <(grep "^$id 2 " witness)
}

# What the worker of `away` keeps of runs that were not acknowledged, in bytes.
away_remembers()
{
    cat "$(worker_spool)"/away/journal.* | wc -c
}

# `away` is used again: it tells what it has, and is told to forget it.
away_comes_back()
{
    link heal
    run -0 rota submit --host away -- true
    back=$output
    run -0 timeout 60 rota dispatch
    is_state "$back" succeeded
    [ "$(away_remembers)" -eq 0 ]
}

@test "on_lost: retry: a second attempt elsewhere, and no two ever overlap" {
    leashed_run
    link cut
    # the worker ends it by itself, the head waits for longer than that
    eventually witnessed_at_least "^$id 2 near tick" 3
    touch go
    dispatcher_ends
    attempts_did_not_overlap
    second_attempt_counts
    run -0 grep 'over lost_after of 2' dispatch.err
    # what the old host says when it is back changes nothing
    away_comes_back
    attempts_did_not_overlap
    second_attempt_counts
}

@test "the same when the host is back while the second attempt runs" {
    leashed_run
    link cut
    eventually witnessed_at_least "^$id 2 near tick" 1
    link heal
    run -0 rota submit --host away -- true
    eventually is_state "$output" succeeded
    ticks_on "^$id 2 near tick" 3
    is_so "$id" 'running '
    touch go
    dispatcher_ends
    attempts_did_not_overlap
    second_attempt_counts
    [ "$(away_remembers)" -eq 0 ]
}

@test "the same when the dispatcher dies meanwhile, and the next one counts anew" {
    leashed_run
    link cut
    eventually is_so "$id" 'running away unreachable since *'
    dispatcher_dies
    dispatcher_starts
    eventually witnessed_at_least "^$id 2 near tick" 3
    touch go
    dispatcher_ends
    attempts_did_not_overlap
    second_attempt_counts
    away_comes_back
    second_attempt_counts
}

@test "the same when the host comes back before the head has given the run up" {
    leashed_run
    link cut
    # its shim has ended it
    nothing_runs()
    {
        [ -z "$(processes_of "$id")" ]
    }
    eventually nothing_runs
    is_state "$id" running
    link heal
    eventually witnessed_at_least "^$id 2 near tick" 1
    touch go
    dispatcher_ends
    attempts_did_not_overlap
    second_attempt_counts
}

@test "on_lost: fail, the default: nothing is started twice, and the run ends when the host is back" {
    away_config
    away_run patient 'retry: {attempts: 3, elsewhere: true}'
    link cut
    eventually is_so "$id" 'running away unreachable since *'
    ticks_on tick 30
    is_so "$id" 'running away unreachable since *'
    link heal
    eventually is_so "$id" 'running '
    touch go
    dispatcher_ends
    once "$id"
}

@test "rota cancel --lost for a host that is cut off: it is over at once, and ended when the host is back" {
    away_config
    away_run declared
    link cut
    eventually is_so "$id" 'running away unreachable since *'
    run -0 rota cancel --lost "$id"
    is_so "$id" 'lost declared lost by *'
    dispatcher_ends
    # another run may do its work now: it ends as soon as it can be told to
    job=$(processes_of "$id" | head -n 1)
    link heal
    run -0 rota dispatch --wait "$(rota submit --host away -- true)"
    gone()
    {
        ! process_lives "$job"
    }
    eventually gone
    # and is forgotten at the next occasion
    away_comes_back
    is_so "$id" 'lost declared lost by *'
    [ "$(witnessed "^$id .* start")" -eq 1 ]
    [ "$(witnessed "^$id .* end")" -eq 0 ]
}

@test "rota cancel --lost while the next dispatcher is not there yet" {
    away_config
    away_run declared
    link cut
    dispatcher_dies
    run -0 rota cancel --lost "$id"
    touch go
    eventually witnessed_at_least "^$id .* end" 1
    away_comes_back
    is_so "$id" 'lost declared lost by *'
    [ "$(witnessed "^$id .* start")" -eq 1 ]
}
