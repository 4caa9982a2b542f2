#!/usr/bin/env bats
# kill -9 of schedule tick at every system call: after the next one each due instant has its occurrence and its runs,
# once.

load ../lib
load ../schedule
load sweep

# What is due, and the runs it got; not what becomes due while the test runs.
became()
{
    sqlite3 "$ROTA_CATALOGUE" "SELECT job, due_at, outcome, (SELECT count(*) FROM run WHERE occurrence = o.id)
        FROM occurrence AS o WHERE due_at <= $1 ORDER BY job, due_at"
}

killed_tick()
{
    cp "$BATS_TEST_TMPDIR"/due/catalogue.db* home/
    sweep_kill rota schedule tick >acknowledged
    became "$until" | wc -l >outcome
    rota schedule tick >next 2>&1 || echo "the next: exit $?: $(cat next)"
    became "$until" | diff "$BATS_TEST_TMPDIR/wanted" - || echo "that is not what is due"
    sort acknowledged next | uniq -d | sed 's/$/ was printed twice/'
    sweep_catalogue 'SELECT id FROM run' >ids
    sort acknowledged next | comm -23 - <(sort ids) | sed 's/$/ was printed and is not there/'
}

@test "kill -9 of schedule tick at every system call: each due instant once, and none is missing" {
    job all '{every: 1h, catch_up: all, overlap: allow}' 'array: 0-2'
    job latest '{every: 1h}'
    job forbid '{every: 1h, catch_up: all, overlap: forbid}'
    rota schedule add all.yaml latest.yaml forbid.yaml
    for name in all latest forbid; do
        make_due "$name" $((3 * 3600000))
    done
    until=$(date +%s%3N)
    mkdir due
    cp "$HOME"/catalogue.db* due
    sweep_trace rota schedule tick
    became "$until" >wanted
    [ "$(wc -l <wanted)" -ge 9 ]
    [ "$(occurrences all)" = 'ran 3' ]
    sweep_whole >sites
    sweep killed_tick
    sweep_killed fcntl pread64 pwrite64 fdatasync write
    # killed before anything was recorded, and after
    cat sweep/*/outcome | sort -u >outcomes
    grep -qx 0 outcomes
    grep -qx "$(wc -l <wanted)" outcomes
}
