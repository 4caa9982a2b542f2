#!/usr/bin/env bats
# rota schedule: what people ask of registered jobs, and do to them.

load lib
load schedule

@test "next prints instants with their offset; wide marks gap and overlap" {
    run -0 rota schedule next -n 3 --from 2026-03-28T00:00:00Z --timezone Europe/Berlin --cron '30 2 * * *'
    [ "$output" = '2026-03-28T02:30:00+01:00
2026-03-29T03:00:00+02:00
2026-03-30T02:30:00+02:00' ]
    run -0 rota schedule next -n 1 --from 2026-03-28T12:00:00Z --timezone Europe/Berlin -o wide --cron '30 2 * * *'
    [[ $output == *gap* ]]
    run -0 rota schedule next -n 1 --from 2026-10-24T12:00:00Z --timezone Europe/Berlin -o json --cron '30 2 * * *'
    [ "$(json '[.due_at, .bend] | join(" ")')" = '2026-10-25T02:30:00+02:00 overlap' ]
    # exclusive of --from
    run -0 rota schedule next -n 1 --from 2026-01-01T00:00:00Z --timezone UTC --cron '0 0 * * *'
    [ "$output" = '2026-01-02T00:00:00+00:00' ]
    run -64 rota schedule next
    run -65 rota schedule next --cron '61 * * * *'
    [[ $output == *'--cron'*61* ]]
    job a '{every: 1h}'
    rota schedule add a.yaml
    run -1 rota schedule next nosuch
}

@test "pause records what is missed, resume goes on, skip leaves out one" {
    job p '{every: 1h, catch_up: all, overlap: allow}'
    rota schedule add p.yaml
    run -0 rota schedule pause --reason 'new disk' p
    [ "$output" = p ]
    run -0 rota schedule -o json
    [ "$(json '[.state, .paused] | join(" ")')" = 'paused new disk' ]
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE job SET next_at = next_at - 7200000, paused_at = paused_at - 86400000'
    run -0 rota schedule resume p
    [ "$(occurrences p)" = 'missed 2' ]
    run -1 rota schedule resume p
    [[ $output == *'not paused'* ]]
    run -0 rota schedule skip p
    make_due p 10800000
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE occurrence SET due_at = due_at - 86400000'
    rota schedule tick >/dev/null
    [ "$(occurrences p)" = $'missed 2\nran 2\nskipped 1' ]
    run -0 rota schedule remove p
    run -1 rota schedule
    run -1 rota schedule pause nosuch
    [[ $output == *"no job 'nosuch'"* ]]
}

@test "backfill makes the runs of a time that is past, once, with their instants" {
    cat >b.yaml <<'YAML'
name: b
schedule: {cron: "0 3 * * *", timezone: Europe/Berlin}
shell: echo "$ROTA_DUE_AT"
YAML
    rota schedule add b.yaml
    run -0 rota schedule backfill -n --from 2026-03-28 --to 2026-03-31 b
    [ "$output" = '3 runs' ]
    run -0 rota schedule backfill --from 2026-03-28 --to 2026-03-31 b
    [ "$output" = $'1\n2\n3' ]
    run -0 rota schedule backfill --from 2026-03-28 --to 2026-03-31 b
    [ -z "$output" ]
    run -0 rota status --format '{state}'
    [ "$output" = $'queued\nblocked\nblocked' ]
    run -0 rota dispatch --wait 1 2 3
    run -0 rota logs 1 2 3
    [[ $output == *2026-03-28T02:00:00.000Z*2026-03-29T01:00:00.000Z*2026-03-30T01:00:00.000Z* ]]
    run -64 rota schedule backfill --from 2026-03-28 --to 2096-03-31 b
}

@test "submit --job runs a registered job now and leaves its schedule alone" {
    job j '{every: 1h}' 'priority: 7'
    rota schedule add j.yaml
    before=$(sqlite3 "$ROTA_CATALOGUE" 'SELECT next_at FROM job')
    run -0 rota submit --job j
    [ "$output" = 1 ]
    run -0 rota status -o json 1
    [ "$(json '[.job, .priority, .due_at] | map(tostring) | join(" ")')" = 'j 7 null' ]
    [ "$(sqlite3 "$ROTA_CATALOGUE" 'SELECT next_at FROM job')" = "$before" ]
    run -1 rota submit --job nosuch
    [[ $output == *"no job 'nosuch'"* ]]
}

@test "explain says why it ran, did not, or will" {
    job e '{cron: "30 2 * * *", timezone: Europe/Berlin, overlap: forbid}'
    rota schedule add e.yaml
    run -0 rota schedule explain e
    [[ $output == *'next:'*"by 'cron 30 2 * * *'"* ]]
    run -0 rota schedule explain e 2030-03-31T01:00:00Z
    [[ $output == *'does not exist that day'* ]]
    run -0 rota schedule explain e 2030-06-01T12:00:00Z
    [[ $output == *'not due'*'does not match: minute hour'*'next:'* ]]
    run -0 rota schedule explain e 2020-06-01T12:00:00Z
    [[ $output == *'not due'*$'next:\n  2020-06-02 00:30:00  due by '*'nothing is recorded: the job was not registered'* ]]
    make_due e 86400000
    rota schedule tick
    run -0 rota schedule explain e
    [[ $output == *'last:'*'ran'*'run 1: queued'* ]]
}

@test "explain says that an hour of * is due both times when the clock shows it twice" {
    job star '{cron: "30 * * * *", timezone: Europe/Berlin}'
    job wall '{cron: "30 2 * * *", timezone: Europe/Berlin}'
    rota schedule add star.yaml wall.yaml
    for time in 00 01; do
        run -0 rota schedule explain star 2030-10-27T$time:30:00Z
        [[ $output == *'comes twice that day'*'due both times'* ]]
    done
    run -0 rota schedule explain wall 2030-10-27T00:30:00Z
    [[ $output == *'due the first time'* ]]
}

@test "a registered job that is submitted for later has its deadline, a run again has none" {
    job late '{every: 1h, deadline: 10m}'
    rota schedule add late.yaml
    rota submit --at +1h late.yaml
    rota submit --at +1h --job late
    rota submit --at +1h --priority 1 --job late
    rota submit --at +1h --rerun 1
    rota submit --at +1h --priority 1 --rerun 1
    rota submit --job late
    run -0 sqlite3 "$ROTA_CATALOGUE" 'SELECT ifnull(start_by - not_before, 0) FROM run ORDER BY id'
    [ "${output//$'\n'/ }" = '600000 600000 600000 0 0 0' ]
}
