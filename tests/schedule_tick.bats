#!/usr/bin/env bats
# Due instants and what becomes of them: at a tick of the command, and of the dispatcher.

load lib
load schedule

@test "a tick turns what is due into runs and prints their ids, each once" {
    job a '{every: 1h, catch_up: all, overlap: allow}'
    job b '{every: 1h}'
    rota schedule add a.yaml b.yaml
    run -0 rota schedule tick
    [ -z "$output" ]
    make_due a $((3 * 3600000))
    make_due b $((3 * 3600000))
    run -0 rota schedule tick -n
    [[ $output == '6 due instants, 4 runs'* ]]
    run -0 rota schedule tick
    [ "$(sort <<<"$output")" = $'1\n2\n3\n4' ]
    [ "$(occurrences a)" = 'ran 3' ]
    [ "$(occurrences b)" = $'coalesced 2\nran 1' ]
    run -0 rota schedule tick
    [ -z "$output" ]
    run -0 rota status -o json 4
    [ "$(json '.due_at != null and .occurrence != null')" = true ]
}

@test "eight ticks at once, a thousand jobs: a thousand runs, each id printed once" {
    for n in $(seq 1000); do
        printf '{"name": "j%d", "schedule": {"every": "1h"}, "shell": "true"}\n---\n' "$n"
    done | sed '$d' | rota schedule add - >/dev/null
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE job SET next_at = next_at - 3600000'
    for n in {1..8}; do
        rota schedule tick >"ids.$n" 3>&- &
    done
    wait
    [ "$(cat ids.* | sort -n)" = "$(seq 1000)" ]
    [ "$(sqlite3 "$ROTA_CATALOGUE" 'SELECT count(*), count(DISTINCT job) FROM occurrence')" = '1000|1000' ]
    [ "$(sqlite3 "$ROTA_CATALOGUE" 'SELECT count(*), count(DISTINCT job) FROM run')" = '1000|1000' ]
}

@test "overlap: forbid skips, allow runs beside, queue waits, replace cancels" {
    for policy in forbid allow queue replace; do
        job "$policy" "{every: 1h, overlap: $policy}"
        rota schedule add "$policy.yaml"
        make_due "$policy" 3600000
        rota schedule tick
        make_due "$policy" 3600000
        # the instant that was made up before has its occurrence: this is another one
        sqlite3 "$ROTA_CATALOGUE" "UPDATE occurrence SET due_at = due_at - 3600000 WHERE job = '$policy'"
        rota schedule tick
    done
    run -0 rota status --format '{job} {state}'
    [ "$output" = 'forbid queued
allow queued
allow queued
queue queued
queue blocked
replace cancelled
replace queued' ]
    [ "$(occurrences forbid)" = $'ran 1\nskipped 1' ]
    # the first one's end lets the waiting one go, whoever ended it
    rota cancel 4
    rota schedule tick
    run -0 rota status --format '{state}' 5
    [ "$output" = queued ]
}

@test "replace waits until the run that it cancels is gone" {
    mkfifo pipe
    exec 7<>pipe
    printf 'name: long\nschedule: {every: 1h, overlap: replace}\nkill_after: 100ms\nshell: %s\n' \
        "'trap \"\" TERM; echo begin >>$PWD/witness; read x <$PWD/pipe; echo end >>$PWD/witness'" >long.yaml
    rota schedule add long.yaml
    make_due long 3600000
    rota dispatch --stay 2>dispatch.err 3>&- 7>&- &
    dispatcher=$!
    eventually grep -qs begin witness
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE occurrence SET due_at = due_at - 3600000'
    make_due long 3600000
    eventually second_began
    run -0 rota status --format '{state}' 1
    [ "$output" = cancelled ]
    # the first one never came to its end, and the second began when it was gone
    run ! grep -q end witness
    echo >&7
    kill "$dispatcher"
    wait "$dispatcher" || :
    exec 7>&-
}

second_began()
{
    [ "$(grep -c begin witness)" -eq 2 ]
}

@test "a deadline: an overdue instant is missed, and so is a run that nobody took" {
    job late '{every: 1h, deadline: 10m}'
    rota schedule add late.yaml
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE job SET next_at = (SELECT CAST(strftime("%s") AS INTEGER) / 3600 * 3600000 - 7200000)'
    rota schedule tick >/dev/null
    # the third one is missed as well, or runs, by the minute of the hour that it is
    [[ $(occurrences late) == *'missed '[23]* ]]
    # a run that is queued past its deadline
    job queued '{every: 1h, deadline: 10m, overlap: allow}'
    rota schedule add queued.yaml
    sqlite3 "$ROTA_CATALOGUE" "UPDATE job SET next_at = next_at - 3600000, deadline_ms = 7200000 WHERE name = 'queued'"
    id=$(rota schedule tick)
    sqlite3 "$ROTA_CATALOGUE" "UPDATE run SET start_by = start_by - 7200000 WHERE id = $id"
    run -0 rota dispatch
    run -0 rota status --format '{state} {attempt}' "$id"
    [ "$output" = 'cancelled 0' ]
    run -0 rota status --format '{reason}' "$id"
    [[ $output == *'missed: not started by its deadline'* ]]
    [[ $(occurrences queued) == *'missed 1'* ]]
}

@test "dispatch ticks first, and wakes for what becomes due while it lives" {
    job now '{every: 1s, overlap: allow}'
    rota schedule add now.yaml
    rota dispatch 3>&- &
    dispatcher=$!
    eventually has_run_thrice
    kill "$dispatcher"
    wait "$dispatcher" || :
    [ "$(sqlite3 "$ROTA_CATALOGUE" 'SELECT count(*) = count(DISTINCT due_at) FROM occurrence')" = 1 ]
}

has_run_thrice()
{
    [ "$(rota status --state succeeded -o id | wc -l)" -ge 3 ]
}

@test "dispatch leaves when nothing is due within a minute" {
    job later '{cron: "0 0 1 1 *"}'
    rota schedule add later.yaml
    run -0 timeout 60 rota dispatch
}

@test "a job whose timetable cannot be read stops no other" {
    job bad '{every: 1h}'
    job good '{every: 1h}'
    rota schedule add bad.yaml good.yaml
    sqlite3 "$ROTA_CATALOGUE" "UPDATE job SET next_at = next_at - 3600000;
        UPDATE job SET timetable = 'zone Mars/Olympus' || char(10) || 'every 1h' WHERE name = 'bad'"
    run -0 --separate-stderr rota schedule tick
    [ "$output" = 1 ]
    # shellcheck disable=SC2154 # set by bats
    [[ $stderr == *"job bad takes no part"*"Mars/Olympus"* ]]
    run -0 rota status --format '{job}'
    [ "$output" = good ]
}

@test "a job that was set aside takes part again when its zone is there" {
    job z '{every: 1h, timezone: Asia/Kolkata}'
    rota schedule add z.yaml
    make_due z 3600000
    mkdir empty
    TZDIR=$PWD/empty run -0 rota schedule tick
    [[ $output == *'takes no part'* ]]
    run -0 rota schedule -o json
    [ "$(json .state)" = aside ]
    run -0 rota dispatch --once
    run -0 rota schedule -o json
    [ "$(json .state)" = active ]
    [ "$(occurrences z)" = 'ran 1' ]
}

@test "a dry tick counts what was set aside, and changes nothing" {
    job z '{every: 1h, timezone: Asia/Kolkata}'
    rota schedule add z.yaml
    make_due z 3600000
    mkdir empty
    TZDIR=$PWD/empty rota schedule tick
    sqlite3 "$ROTA_CATALOGUE" .dump >before
    grep -q 'does not know the time zone' before
    run -0 rota schedule tick -n
    [ "$output" = '1 due instants, 1 runs, 0 past their deadline' ]
    TZDIR=$PWD/empty run -0 --separate-stderr rota schedule tick -n
    [ "$output" = '0 due instants, 0 runs, 0 past their deadline' ]
    sqlite3 "$ROTA_CATALOGUE" .dump | diff before -
}

@test "a run that waits for one of another origin goes on when that ends" {
    job w '{every: 1d, overlap: queue}'
    rota schedule add w.yaml
    rota submit --name w -- true
    make_due w 86400000
    run -0 rota schedule tick
    [ "$output" = 2 ]
    run -0 timeout 60 rota dispatch --wait 2
    # and it cannot be held, to pass by what it waits for
    rota submit --hold --name w -- true
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE occurrence SET due_at = due_at - 86400000'
    make_due w 86400000
    run -0 rota schedule tick
    run -1 rota cancel --hold "$output"
}

# All runs that there are, submitted now, are of the day on which a job is due.
of_its_day()
{
    sqlite3 "$ROTA_CATALOGUE" "UPDATE run SET queued_at = (SELECT next_at FROM job WHERE name = '$1')"
}

@test "an element that has no parent: the occurrence is skipped, and has no runs" {
    printf '%s\n' 'name: a' 'array: 0-1' 'shell: "true"' >a.yaml
    job b '{every: 1h}' 'array: 0-3' 'after: [{job: a, each: true}]'
    job c '{every: 1h}'
    rota schedule add a.yaml b.yaml c.yaml
    rota submit --job a
    make_due b 3600000
    make_due c 3600000
    of_its_day b
    run -0 rota schedule tick
    [ "$output" = 3 ]
    [ "$(occurrences b)" = 'skipped 1' ]
    [ "$(occurrences c)" = 'ran 1' ]
    [ "$(sqlite3 "$ROTA_CATALOGUE" "SELECT count(*) FROM run WHERE job = 'b'")" = 0 ]
}

@test "elements of one occurrence do not wait for each other" {
    printf '%s\n' 'name: a' 'array: 0-1' 'shell: "true"' >a.yaml
    job b '{every: 1h, overlap: queue}' 'array: 0-1' 'after: [{job: a, each: true, is: finished}]'
    rota schedule add a.yaml b.yaml
    rota submit --job a
    make_due b 3600000
    of_its_day b
    rota schedule tick
    rota cancel 1
    [ "$(rota status --format '{state}' 3 4)" = $'queued\nblocked' ]
    rota cancel 2
    [ "$(rota status --format '{state}' 3 4)" = $'queued\nqueued' ]
}
