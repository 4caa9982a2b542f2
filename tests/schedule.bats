#!/usr/bin/env bats
# rota schedule: registering jobs, due instants and what becomes of them.

load lib

setup()
{
    rota_setup
    export TZ=UTC
}

# A job file NAME.yaml with a schedule: job NAME SCHEDULE [LINE…]
job()
{
    {
        printf 'name: %s\nschedule: %s\n' "$1" "$2"
        printf '%s\n' "${@:3}"
        printf 'shell: "true"\n'
    } >"$1.yaml"
}

# Pretends that a job was due before: its next instant moves back by so many ms.
make_due()
{
    sqlite3 "$ROTA_CATALOGUE" "UPDATE job SET next_at = next_at - $2 WHERE name = '$1'"
}

occurrences()
{
    sqlite3 -separator ' ' "$ROTA_CATALOGUE" "SELECT outcome, count(*) FROM v_occurrences
        WHERE job = '$1' GROUP BY outcome ORDER BY outcome"
}

@test "the same file twice changes nothing; a changed one is changed" {
    job nightly '{cron: "30 4 * * *", timezone: Europe/Berlin}'
    run -0 rota schedule add nightly.yaml
    [ "$output" = 'added nightly' ]
    run -0 rota schedule add nightly.yaml
    [ -z "$output" ]
    job nightly '{cron: "30 3 * * *", timezone: Europe/Berlin}'
    run -0 rota schedule add -n nightly.yaml
    [[ ${lines[0]} = 'changed nightly' ]]
    [[ $output == *'- "schedule"'*'30 4'*'+ "schedule"'*'30 3'* ]]
    run -0 rota schedule add nightly.yaml
    [ "$output" = 'changed nightly' ]
    run -0 rota schedule -o json nightly
    [ "$(json '[.job, .state, .schedule, .timezone] | join(" ")')" = 'nightly active 30 3 * * * Europe/Berlin' ]
}

@test "a directory with --prune is what the catalogue has" {
    mkdir jobs
    (cd jobs && job one '{every: 1h}' && job two '{every: 1h}')
    run -0 rota schedule add jobs
    [ "$output" = $'added one\nadded two' ]
    rm jobs/two.yaml
    (cd jobs && job three '{every: 1h}')
    run -0 rota schedule add --prune -n jobs
    [[ $output == *'removed two'* ]]
    run -0 rota schedule add --prune jobs
    [ "$output" = $'added three\nremoved two' ]
    run -0 rota schedule -o id
    [ "$output" = $'one\nthree' ]
}

@test "--dry-run without a catalogue makes none" {
    job one '{every: 1h}'
    run -0 rota schedule add -n one.yaml
    [ "${lines[0]}" = 'added one' ]
    [ ! -e "$ROTA_CATALOGUE" ]
}

@test "what is wrong is said at add, all of it, and nothing is added" {
    job never '{cron: "0 0 30 2 *"}'
    job past '{at: 2001-01-01 10:00}'
    job fine '{every: 1h}'
    run -65 rota schedule add never.yaml past.yaml fine.yaml
    [[ $output == *'never.yaml'*'never due'* ]]
    [[ $output == *'past.yaml'*'is past'* ]]
    run rota schedule
    [ "$status" -ne 0 ]
    job bad '{cron: "60 * * * *"}'
    run -65 rota schedule add bad.yaml
    [[ $output == *'bad.yaml:2:'*'60'* ]]
    job bad '{cron: "0 0 * * *", timezone: Mars/Olympus}'
    run -65 rota schedule add bad.yaml
    [[ $output == *'time zone'* ]]
    job twice '{every: 1h}'
    run -65 rota schedule add twice.yaml twice.yaml
    [[ $output == *"'twice'"* ]]
}

@test "an unchanged job whose at has passed is no error" {
    job once '{at: 2030-01-01 10:00}'
    rota schedule add once.yaml
    sqlite3 "$ROTA_CATALOGUE" "UPDATE job SET timetable = replace(timetable, '2030', '2020'),
        next_at = NULL, spec = spec WHERE name = 'once'"
    sed -i s/2030/2020/ once.yaml
    sqlite3 "$ROTA_CATALOGUE" "UPDATE spec SET text = replace(text, '2030', '2020')"
    run -0 rota schedule add once.yaml
}

@test "a schedule that is never due as a whole is refused, and why is said" {
    job over '{every: 1h, until: 2020-01-01}'
    job narrow '{cron: "0 0 1 1 *", from: 2090-02-01, until: 2090-03-01}'
    job early '{at: 2090-12-01, from: 2091-01-01}'
    job late '{at: 2090-12-01, until: 2090-12-01}'
    run -65 rota schedule add over.yaml narrow.yaml early.yaml late.yaml
    [[ $output == *over.yaml*"'until' (2020-01-01 00:00:00) is past"* ]]
    [[ $output == *narrow.yaml*"nothing falls before 'until' (2090-03-01"* ]]
    [[ $output == *early.yaml*"'at 2090-12-01' is before 'from' (2091-01-01"* ]]
    [[ $output == *late.yaml*"'at 2090-12-01' is not before 'until'"* ]]
    run -65 rota schedule add -n over.yaml
    job narrow '{cron: "0 0 1 1 *", from: 2090-01-01, until: 2090-03-01}'
    run -0 rota schedule add narrow.yaml
}

@test "a list of at grows at its end, when its first has passed" {
    job once '{at: [2030-01-01 10:00, 2090-01-01]}'
    rota schedule add once.yaml
    sqlite3 "$ROTA_CATALOGUE" "UPDATE job SET timetable = replace(timetable, '2030', '2020')"
    job once '{at: [2020-01-01 10:00, 2090-01-01, 2091-01-01]}'
    run -0 rota schedule add once.yaml
    job once '{at: [2020-01-01 10:00, 2020-01-01 11:00, 2091-01-01]}'
    run -65 rota schedule add once.yaml
    [[ $output == *"'at 2020-01-01 11:00' is past"* ]]
    [[ $output != *"10:00' is past"* ]]
    job once '{at: 2020-01-01 10:00}'
    run -65 rota schedule add once.yaml
    [[ $output == *"each 'at' is past"* ]]
}

@test "from and until are compared in the job's zone, not this machine's" {
    # 22:00 in New York is 03:00Z of the next day
    job fine '{every: 1h, timezone: America/New_York, from: 2090-01-02T02:00Z, until: 2090-01-01 22:00}'
    run -0 rota schedule add fine.yaml
    job mixed '{every: 1h, timezone: America/New_York, from: 2090-01-02T04:00Z, until: 2090-01-01 22:00}'
    run -65 rota schedule add mixed.yaml
    [[ $output == *"'until' is not after 'from'"* ]]
    # a gap of the machine's zone
    job gap '{every: 10m, timezone: UTC, from: 2090-03-26 02:30, until: 2090-03-26 03:00}'
    TZ=Europe/Berlin run -0 rota schedule add gap.yaml
    job same '{every: 1h, from: 2090-01-01, until: 2090-01-01 00:00}'
    run -65 rota schedule add same.yaml
    [[ $output == *"same.yaml:2:"*"'until' is not after 'from'"* ]]
}

@test "a jitter that reaches the deadline is refused" {
    job slack '{every: 1h, jitter: 10m, deadline: 10m}'
    run -65 rota schedule add slack.yaml
    [[ $output == *slack.yaml:2:*"'jitter' (10m00s) must be shorter than 'deadline' (10m00s)"*'longer deadline'* ]]
    job slack '{every: 1h, jitter: 10m, deadline: 11m}'
    run -0 rota schedule add slack.yaml
}

@test "surprises are warned of: gaps, starred steps, many at one minute" {
    job gap '{cron: "30 2 * * *", timezone: Europe/Berlin}'
    run -0 rota schedule add gap.yaml
    [[ $output == *'skips that time'* ]]
    [[ $output == *'shows that time twice'* ]]
    job star '{cron: "0 0 */2 * MON"}'
    run -0 rota schedule add star.yaml
    [[ $output == *'both day fields must match'* ]]
    for n in {1..20}; do
        printf 'name: many%d\nschedule: {cron: "0 3 * * *"}\nshell: "true"\n---\n' "$n"
    done | sed '$d' >many.yaml
    run -0 rota schedule add many.yaml
    [[ $output == *'20 of these jobs are due at'*'spread them with H'* ]]
}

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

@test "--prune gives what is due its outcome first, and an empty directory removes nothing" {
    job old '{every: 1h, catch_up: all, overlap: allow}'
    job new '{every: 1h}'
    rota schedule add old.yaml
    make_due old 7200000
    rota schedule add --prune new.yaml
    [ "$(occurrences old)" = 'ran 2' ]
    mkdir nothing
    run -65 rota schedule add --prune nothing
    [[ $output == *'no job file'* ]]
    run -0 rota schedule -o id
    [ "$output" = new ]
}

@test "a catalogue of the version before is taken along" {
    rota submit -- true
    sqlite3 "$ROTA_CATALOGUE" 'DROP VIEW v_jobs; DROP VIEW v_occurrences; DROP TABLE job; DROP TABLE occurrence;
        DROP INDEX run_active; DROP INDEX run_blocked; DROP INDEX run_start_by; DROP INDEX run_occurrence;
        DROP TRIGGER run_over; DROP VIEW v_alerts; DROP VIEW v_deliveries; DROP TABLE delivery; DROP TABLE alert;
        DROP TABLE news; DROP TABLE failing; DROP TABLE tally; DROP TABLE monitor;
        ALTER TABLE holder DROP COLUMN left_at; ALTER TABLE run DROP COLUMN start_by; PRAGMA user_version = 1'
    job a '{every: 1h}'
    run -0 rota schedule add a.yaml
    run -0 rota status -o id
    [ "$output" = 1 ]
    run -0 sqlite3 "$ROTA_CATALOGUE" 'PRAGMA integrity_check; PRAGMA user_version'
    [ "$output" = $'ok\n3' ]
}

@test "the zone of a machine whose /etc/localtime is a copy is in /etc/timezone" {
    unshare -rm mount -t tmpfs none /etc 2>/dev/null || skip 'no mounts of its own here'
    job z '{every: 1h}'
    for want in Asia/Tokyo:Asia/Tokyo Mars/Olympus:UTC; do
        # shellcheck disable=SC2016 # for the inner shell
        run -0 env -u TZ unshare -rm sh -c 'mount -t tmpfs none /etc && echo root:x:0:0::/:/bin/sh >/etc/passwd &&
            cp /usr/share/zoneinfo/Asia/Tokyo /etc/localtime && echo "$1" >/etc/timezone &&
            rota schedule add z.yaml >/dev/null && rota schedule -o json' sh "${want%:*}"
        [ "$(json .timezone)" = "${want#*:}" ]
    done
}
