#!/usr/bin/env bats
# rota catalogue prune: what is not to be kept any more goes, and nothing else.
# shellcheck disable=SC2016,SC2154 # $ is for the job's shell; output and status are set by bats' run

load lib

setup()
{
    rota_setup
    day=86400000
    now=$(($(date +%s) * 1000))
}

change()
{
    sqlite3 "$ROTA_CATALOGUE" "PRAGMA foreign_keys = ON; $1"
}

# Runs are as old as that many days: `aged 40 'id = 1'`.
aged()
{
    change "UPDATE run SET queued_at = $now - $1 * $day - 1000, finished_at = $now - $1 * $day
        WHERE ${2-1} AND finished_at IS NOT NULL;
        UPDATE occurrence SET recorded_at = $now - $1 * $day WHERE ${2-1};"
}

ids()
{
    rota status --format '{id}' | paste -sd' '
}

ran()
{
    rota submit -q "$@"
    rota dispatch
}

# Nothing is left of what has gone but the files of what stays.
clean()
{
    rota catalogue check -q
    [ -z "$(change 'SELECT * FROM discarded')" ]
}

@test "a finished run goes after 30 days, with its output, events and specification" {
    ran -- sh -c 'echo old; echo err >&2'
    rota submit -q -- sh -c 'echo new'
    rota submit -q --hold -- true
    rota cancel 3
    rota dispatch
    aged 31 'id IN (1, 3)'
    aged 29 'id = 2'
    run -0 rota catalogue prune -v
    [[ $output == *'gone: 2 runs of 2 jobs, 8 of output'* ]]
    [ "$(ids)" = 2 ]
    [ "$(find "$HOME/output" -type f)" = "$HOME/output/0/2.1.out" ]
    [ "$(change 'SELECT count(*) FROM event WHERE run IN (1, 3); SELECT count(*) FROM attempt')" = $'0\n1' ]
    # the newest specification stays, so that no id comes again
    [ "$(change 'SELECT group_concat(id) FROM spec')" = 2,3 ]
    clean
    run -0 rota submit -- true
    [ "$output" = 4 ]
}

@test "keep and keep_failed of the configuration, keep of the job, --older-than over both" {
    config < <(printf '[rota]\nkeep = 10d\nkeep_failed = 20d\n')
    printf 'name: short\nshell: exit $ROTA_RUN\nkeep: 2d\n' >short.yaml
    printf 'name: long\nshell: exit 1\nkeep: {succeeded: 1d, failed: forever}\n' >long.yaml
    ran -- true
    ran -- false
    ran short.yaml
    ran long.yaml
    ran -- true
    run -0 rota catalogue prune
    [ -z "$output" ]
    aged 3
    run -0 rota catalogue prune -n -o json
    [ "$(json '"\(.job) \(.runs)"')" = 'short 1' ]
    [ "$(ids)" = '1 2 3 4 5' ]
    rota catalogue prune -q
    [ "$(ids)" = '1 2 4 5' ]
    aged 11
    rota catalogue prune -q
    [ "$(ids)" = '2 4' ]
    aged 21
    rota catalogue prune -q
    [ "$(ids)" = 4 ]
    aged 4000
    rota catalogue prune -q
    [ "$(ids)" = 4 ]
    rota catalogue prune -q --older-than 3999d
    [ -z "$(ids)" ]
    clean
}

@test "wrong ways to say for how long are errors with their place" {
    printf 'name: a\nshell: x\nkeep: 0\n' >a.yaml
    run -65 rota submit a.yaml
    [[ $output == *"a.yaml:3:7: 'keep': '0' keeps nothing"* ]]
    printf 'name: a\nshell: x\nkeep: {lost: 1d}\n' >a.yaml
    run -65 rota submit a.yaml
    [[ $output == *"a.yaml:3:8: unknown key 'lost'"* ]]
    config < <(printf '[rota]\nkeep_failed = always\n')
    run -78 rota catalogue prune
    [[ $output == *"rota.ini:2: 'keep_failed': 'always' is no duration"* ]]
}

@test "--dry-run tells what would go, and changes nothing" {
    ran -- echo four
    aged 31
    before=$(change .dump | sha256sum)
    run -0 rota catalogue prune -n -o tsv
    [[ ${lines[1]} == echo$'\t'1$'\t'5 ]]
    run -0 rota catalogue prune -n -q
    [ -z "$output" ]
    [ "$(change .dump | sha256sum)" = "$before" ]
    [ -s "$HOME/output/0/1.1.out" ]
    run -64 rota catalogue prune -o id
}

@test "nothing goes that is not over, or that a run which is not over needs" {
    rota submit -q -- true
    rota dispatch
    rota submit -q --hold -- sleep 1
    rota submit -q --hold --after 1 -- true
    aged 100
    rota catalogue prune -q
    [ "$(ids)" = '1 2 3' ]
    rota cancel 3
    aged 100
    rota catalogue prune -q
    [ "$(ids)" = 2 ]
    clean
}

@test "an array goes as a whole, when the last of it may" {
    config < <(printf '[rota]\nkeep_failed = 60d\n')
    printf 'name: a\narray: 0-3\nshell: echo $ROTA_INDEX; exit $((ROTA_INDEX == 2))\n' >a.yaml
    ran a.yaml
    aged 40
    rota catalogue prune -q
    [ "$(ids)" = '1 2 3 4' ]
    aged 100 'id <> 3'
    rota catalogue prune -q
    [ "$(ids)" = '1 2 3 4' ]
    aged 61
    rota catalogue prune -q
    [ -z "$(ids)" ]
    clean
}

@test "a group or workflow of which one run is not over stays" {
    printf 'name: a\narray: 0-2\nshell: true\n' >a.yaml
    rota submit -q --hold a.yaml
    rota cancel 1 2
    printf 'name: b\nshell: true\n---\nname: c\nshell: true\nafter: [{job: b}]\n' >w.yaml
    rota submit -q --hold w.yaml
    rota cancel 5
    aged 100
    rota catalogue prune -q
    [ "$(ids)" = '1 2 3 4 5' ]
}

@test "the newest run of a registered job stays, and its occurrence; older ones go with theirs" {
    printf 'name: j\nshell: true\nschedule: {every: 1h, overlap: allow, catch_up: all}\n' >j.yaml
    rota schedule add -q j.yaml
    change "UPDATE job SET next_at = next_at - 3 * 3600000"
    rota dispatch --once
    rota dispatch
    [ "$(change 'SELECT count(*) FROM occurrence')" = 3 ]
    aged 100
    rota catalogue prune -q
    [ "$(ids)" = 3 ]
    [ "$(change 'SELECT id, outcome FROM occurrence')" = '3|1' ]
    clean
}

@test "an instant that was pruned does not become due again" {
    printf 'name: j\nshell: true\nschedule: {every: 1h, catch_up: all, overlap: allow}\n' >j.yaml
    rota schedule add -q j.yaml
    change "UPDATE job SET next_at = next_at - 3 * 3600000"
    rota dispatch
    rota schedule remove -q j
    aged 100
    rota catalogue prune -q
    [ -z "$(ids)" ]
    [ "$(change 'SELECT count(*) FROM occurrence')" = 0 ]
    rota schedule add -q j.yaml
    run -0 rota schedule tick
    [ -z "$output" ]
}

@test "instants without runs, events of no run and closed alerts go by their age" {
    rota submit -q --hold -- true
    change "INSERT INTO occurrence VALUES (7, 'j', 1, 3, 'late', $now - 31 * $day),
            (8, 'j', 2, 2, 'skipped', $now - 29 * $day);
        INSERT INTO event (at, kind) VALUES ($now - 31 * $day, 'drain'), ($now - 29 * $day, 'drain');
        INSERT INTO alert (rule, subject, opened_at, closed_at) VALUES
            ('failed', 'a', 1, $now - 31 * $day), ('failed', 'b', 1, $now - 29 * $day),
            ('failed', 'c', 1, NULL);"
    events=$(change 'SELECT count(*) FROM event')
    run -0 rota catalogue prune -v
    [[ $output == *'gone: 3 instants without runs, events and alerts'* ]]
    [ "$(change 'SELECT id FROM occurrence; SELECT subject FROM alert')" = $'8\nb\nc' ]
    [ "$(change 'SELECT count(*) FROM event')" = $((events - 1)) ]
}

@test "files that a prune of before has left go with the next, and empty directories with them" {
    ran -- echo hi
    change "UPDATE sqlite_sequence SET seq = 5000 WHERE name = 'run'"
    ran -- echo ho
    mkdir -p "$HOME/output/2"
    touch "$HOME"/output/2/2001.{1,2}.{out,err}
    change "INSERT INTO discarded VALUES (2001, 2)"
    rota catalogue check -q
    rota catalogue prune -q
    [ ! -e "$HOME/output/2" ]
    aged 31 'id = 1'
    rota catalogue prune -q
    [ "$(find "$HOME/output" -mindepth 1 | sort | paste -sd' ')" = \
        "$HOME/output/5 $HOME/output/5/5001.1.out" ]
    clean
}

@test "one prune at a time: a second one is exit 75" {
    ran -- true
    exec {held}<"$HOME"
    flock -x "$held"
    run -75 rota catalogue prune
    [[ $output == *'another process prunes'* ]]
    exec {held}<&-
    rota catalogue prune
}
