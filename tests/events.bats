# rota status --events and --occurrences: what became of a run, and of what was due.
# bats' run sets stderr
# shellcheck disable=SC2154

load lib

# Events of a run, one "event try detail" a line.
events()
{
    rota status --events -o json "$@" | jq -r '"\(.event)|\(.attempt // "-")|\(.detail // "-")"'
}

@test "a run's life: submitted, placed, started, ended" {
    rota submit --name hello --host local -- true >/dev/null
    rota dispatch
    [ "$(events 1)" = $'submitted|-|hello\nplaced|1|hosts local\nstarted|1|-\nsucceeded|1|exit 0' ]
    run rota status --events 1
    [[ ${lines[0]} == *ID*AT*EVENT*TRY*HOST*BY*DETAIL ]]
    [[ ${lines[1]} == *submitted*"$(id -un)@"*hello ]]
    [[ ${lines[2]} == *placed*local* ]]
}

@test "each attempt is told, and why there was another" {
    printf 'name: flaky\nshell: "exit 3"\nretry: {attempts: 2, delay: 0s}\n' >flaky.yaml
    rota submit flaky.yaml >/dev/null
    rota dispatch
    [ "$(events 1 | cut -d'|' -f1,2 | tr '\n' ' ')" = \
        'submitted|- placed|1 started|1 failed|1 placed|2 started|2 failed|2 ' ]
    [[ $(events 1) == *'failed|1|attempt 1 of 2: exit code 3'* ]]
}

@test "who held, released and cancelled it" {
    rota submit -- true >/dev/null
    rota cancel --hold 1 >/dev/null
    rota cancel --release 1 >/dev/null
    rota cancel 1 >/dev/null
    [ "$(events 1 | cut -d'|' -f1 | tr '\n' ' ')" = 'submitted held released cancel asked cancelled ' ]
    me=$(id -un)@$(uname -n)
    [ "$(rota status --events -o json 1 | jq -r '.actor // "-"' | tr '\n' ' ')" = "$me $me $me $me - " ]
    [[ $(events 1) == *"cancelled|-|cancelled by $me" ]]
}

@test "a run of a schedule was due, one again is of another" {
    printf 'name: n\nschedule: {every: 1h}\nshell: "true"\n' >n.yaml
    rota schedule add n.yaml >/dev/null
    sqlite3 "$ROTA_CATALOGUE" "UPDATE job SET next_at = next_at - 3600000"
    rota schedule tick >/dev/null
    [[ $(events 1) == $'due|-|by its schedule\nsubmitted|-|n'* ]]
    rota cancel 1 >/dev/null
    rota submit --rerun 1 >/dev/null
    [[ $(events 2) == 'submitted|-|n, run 1 again, due '* ]]
}

@test "several runs, from standard input; those that are not there are told" {
    rota submit -- true >/dev/null
    rota submit -- true >/dev/null
    [ "$(rota status -o id | rota status --events -o tsv - | cut -f1,3)" = $'id\tevent\n1\tsubmitted\n2\tsubmitted' ]
    run --separate-stderr rota status --events -o tsv 1 9
    [ "$status" -eq 1 ]
    [ "$stderr" = 'rota status: 1 of the 2 runs named are not in the catalogue' ]
    [ "${#lines[@]}" -eq 2 ]
    run --separate-stderr rota status --events -o json - </dev/null
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [ "$stderr" = 'rota status: standard input names no runs' ]
    run rota status --events
    [ "$status" -eq 64 ]
    run rota status --events --state failed 1
    [ "$status" -eq 64 ]
}

# ---- occurrences ----

four()
{
    rota submit -- true >/dev/null
    sqlite3 "$ROTA_CATALOGUE" "INSERT INTO occurrence (job, due_at, outcome, reason, recorded_at)
        SELECT j, strftime('%s', 'now') * 1000 - ago * 60000, o, r, 1 FROM (
            SELECT 'backup' AS j, 30 AS ago, 1 AS o, NULL AS r
            UNION ALL SELECT 'backup', 20, 3, 'late' || char(27) || char(10)
            UNION ALL SELECT 'clean', 10, 2, 'paused'
            UNION ALL SELECT 'backup', 2000, 3, 'long ago');
        UPDATE run SET occurrence = 1"
}

occurrences()
{
    rota status --occurrences -o json "$@" | jq -r '"\(.job) \(.outcome)"' | tr '\n' ' '
}

@test "occurrences of the last day, oldest first" {
    four
    [ "$(occurrences)" = 'backup ran backup missed clean skipped ' ]
    [ "$(occurrences --since -2d)" = 'backup missed backup ran backup missed clean skipped ' ]
    [ "$(occurrences --until -15m)" = 'backup ran backup missed ' ]
    [ "$(occurrences clean)" = 'clean skipped ' ]
    [ "$(occurrences --job 'b*')" = 'backup ran backup missed ' ]
    [ "$(occurrences --outcome missed,skipped)" = 'backup missed clean skipped ' ]
    [ "$(rota status --occurrences --format '{runs}' --outcome ran)" = 1 ]
    run rota status --occurrences
    [[ ${lines[0]} == JOB*DUE*OUTCOME*RUNS*REASON ]]
    [[ ${lines[2]} == backup*missed*'late\x1b\x0a' ]]
    [ "${#lines[@]}" -eq 4 ]
}

@test "no occurrence is exit 1; words that make no sense are told" {
    four
    run rota status --occurrences nobody
    [ "$status" -eq 1 ]
    [ "$output" = 'rota status: no occurrence matches' ]
    run rota status --occurrences --outcome mised
    [ "$status" -eq 64 ]
    [ "$output" = "rota status: unknown outcome 'mised' (did you mean 'missed'?)" ]
    run rota status --occurrences -o id
    [ "$status" -eq 64 ]
    run rota status --occurrences --state failed
    [ "$status" -eq 64 ]
    run rota status --outcome missed
    [ "$status" -eq 64 ]
    run rota status --events --occurrences
    [ "$status" -eq 64 ]
}
