#!/usr/bin/env bats
# rota monitor check: rules, and who is told.

load lib
load alerts

# ---- rules ----

@test "failed opens once, reminds by interval and closes once" {
    section 'failed, recovered' 'remind = 1d'
    ran bad 3
    sql "INSERT INTO job (name, spec, added_at) VALUES ('bad', 1, 0)"
    run -0 rota monitor check
    [[ $output == *'opened'*'failed bad on local: exit code 3'* ]]
    [[ $output == *'sent'*'ops: 1 alert through'* ]]
    [ "$(told "$LINE + \" \(.host) \(.run)\"")" = 'opened failed bad local 1' ]
    run -0 rota monitor check
    [ -z "$output" ]
    ran bad 4
    run -0 rota monitor check
    [ -z "$(told "$LINE")" ]
    age $((DAY - 60000))
    run -0 rota monitor check
    [ -z "$(told "$LINE")" ]
    age 120000
    run -0 rota monitor check
    [ "$(told "$LINE + \" \(.count) \(.detail)\"")" = 'open failed bad 2 exit code 4' ]
    run -0 rota monitor check
    [ -z "$(told "$LINE")" ]
    ran bad 0
    run -0 rota monitor check
    [[ $output == *'closed'*'failed bad after 1d'* ]]
    [ "$(told "$LINE")" = 'closed failed bad' ]
    run -0 rota monitor check
    [ -z "$output" ]
}

@test "a failure that was mended before anybody looked is told, and its end with it" {
    section 'failed, recovered'
    ran flaky 1
    ran flaky 0
    run -0 rota monitor check
    [ "$(told "$LINE")" = 'closed failed flaky' ]
}

@test "a timeout is a failure too" {
    section failed
    printf 'name: slow\nshell: sleep 100\ntimeout: 50ms\n' >slow.yaml
    rota submit slow.yaml
    work
    rota monitor check
    [ "$(told "$LINE + \" \(.detail)\"")" = 'opened failed slow over its timeout of 50ms' ]
}

@test "failed: 3 in a row tells from the third on; its recovery only to who was told" {
    config <<INI
[alert each]
on = failed, recovered
command = $HOME/tell
[alert third]
on = failed: 3 in a row, recovered
command = $HOME/tell
INI
    ran bad 1
    ran other 1
    ran bad 1
    rota monitor check
    [ "$(jq -r .section "$HOME/told")" = each ]
    rm "$HOME/told"
    ran bad 1
    rota monitor check
    [ "$(jq -r '.section + " " + .alerts[0].subject' "$HOME/told")" = 'third bad' ]
    rm "$HOME/told"
    ran bad 0
    ran other 0
    rota monitor check
    [ "$(jq -r '"\(.section) \(.alerts | length)"' "$HOME/told" | sort)" = $'each 2\nthird 1' ]
}

@test "missed opens, counts, reminds and closes with the job's next success" {
    section 'missed, recovered'
    ran nightly 0
    miss()
    {
        sql "INSERT INTO occurrence (job, due_at, outcome, reason, recorded_at)
             VALUES ('nightly', $1, 3, 'not started by 03:30', $(now))"
    }
    miss 1000
    rota monitor check
    [ "$(told "$LINE + \" \(.detail)\"")" = 'opened missed nightly not started by 03:30' ]
    miss 2000
    rota monitor check
    [ -z "$(told "$LINE")" ]
    age "$DAY"
    ran nightly 1 # no success
    sql "INSERT INTO job (name, spec, added_at) VALUES ('nightly', 1, 0)"
    rota monitor check
    [ "$(told "$LINE + \" \(.count)\"")" = 'open missed nightly 2' ]
    ran nightly 0
    rota monitor check
    [ "$(told "$LINE")" = 'closed missed nightly' ]
}

@test "what is due while a job is paused is nobody's alert" {
    section missed
    printf 'name: rests\nschedule: {every: 1h}\nshell: "true"\n' >rests.yaml
    rota schedule add rests.yaml
    rota schedule pause rests
    sql "UPDATE job SET next_at = next_at - 7200000, paused_at = paused_at - 7200000"
    rota schedule tick
    [ "$(rota status --occurrences --format '{outcome}' | sort -u)" = missed ]
    rota monitor check
    [ -z "$(told "$LINE")" ]
}

@test "late: over expect.within, and well over what the job usually takes" {
    section 'late, recovered' 'remind = 1h'
    cat >jobs.yaml <<'YAML'
name: expected
shell: "true"
expect: {within: 10m}
---
name: usual
shell: "true"
YAML
    rota submit jobs.yaml
    # three successes of 30 s, then one that runs: three times as long is 90 s
    for id in 3 4 5; do
        rota submit --rerun 2
        sql "UPDATE run SET started_at = 1000, finished_at = 31000, state = 6 WHERE id = $id"
    done
    running()
    {
        sql "UPDATE run SET state = 5, host = 'local', started_at = $(now) - $2 WHERE id = $1"
    }
    running 1 590000
    running 2 80000
    rota monitor check
    [ -z "$(told "$LINE")" ]
    running 1 610000
    running 2 95000
    rota monitor check
    [ "$(wc -l <"$HOME/told")" -eq 1 ] # two alerts, one message
    [ "$(told "$LINE + \" \(.run)\"")" = $'opened late expected 1\nopened late usual 2' ]
    age 3700000
    rota monitor check
    [ "$(told "$LINE")" = $'open late expected\nopen late usual' ]
    # any end ends it
    sql "UPDATE run SET state = 7, finished_at = $(now) WHERE id = 1"
    sql "UPDATE run SET state = 6, finished_at = $(now) WHERE id = 2"
    rota monitor check
    [ "$(told "$LINE")" = $'closed late expected\nclosed late usual' ]
}

@test "lost opens, reminds and closes" {
    section 'lost, recovered'
    rota submit --name job -- true
    sql "UPDATE run SET state = 10, host = 'db2', reason = 'the host rebooted', finished_at = $(now)"
    sql "INSERT INTO job (name, spec, added_at) VALUES ('job', 1, 0)"
    rota monitor check
    [ "$(told "$LINE + \" \(.host) \(.detail)\"")" = 'opened lost job db2 the host rebooted' ]
    age "$DAY"
    rota monitor check
    [ "$(told "$LINE")" = 'open lost job' ]
    ran job 0
    rota monitor check
    [ "$(told "$LINE")" = 'closed lost job' ]
}

@test "a command that failed once and never ran again is closed in silence after a day" {
    section 'failed, recovered'
    ran once 1
    rota monitor check
    told "$LINE"
    age $((DAY + 60000))
    run -0 rota monitor check
    [[ $output == *closed* ]]
    [ -z "$(told "$LINE")" ]
    [ "$(sql "SELECT count(*) FROM alert WHERE closed_at IS NULL")" = 0 ]
}
@test "queue-age opens, reminds and closes" {
    section queue-age 'remind = 2h' '[monitor]' 'queue_age = 30m'
    rota submit --name stuck -- true
    rota submit --in 2h -- true # is not to start yet
    sql "UPDATE run SET queued_at = queued_at - 1700000"
    rota monitor check
    [ -z "$(told "$LINE")" ]
    sql "UPDATE run SET queued_at = queued_at - 200000"
    rota monitor check
    [ "$(told "$LINE + \"\(.run)\"")" = 'opened queue-age 1' ]
    age 7200000
    rota monitor check
    [ "$(told "$LINE")" = 'open queue-age ' ]
    rota cancel 1
    rota monitor check
    [ "$(told "$LINE")" = 'closed queue-age ' ]
}

@test "dispatcher-silent: something waits and nobody has dispatched for a while" {
    section dispatcher-silent 'remind = 1h'
    rota submit -- true
    rota monitor check
    [ -z "$(told "$LINE")" ]
    sql "UPDATE run SET queued_at = queued_at - 200000"
    rota monitor check
    [ "$(told "$LINE")" = 'opened dispatcher-silent ' ]
    age 3600000
    rota monitor check
    [ "$(told "$LINE")" = 'open dispatcher-silent ' ]
    work
    rota monitor check
    [ "$(told "$LINE")" = 'closed dispatcher-silent ' ]
    # one that just left may have left what it could not start
    rota submit -- true
    sql "UPDATE run SET queued_at = queued_at - 200000 WHERE id = 2"
    rota monitor check
    [ -z "$(told "$LINE")" ]
    sql "UPDATE holder SET seen_at = seen_at - 200000"
    rota monitor check
    [ "$(told "$LINE")" = 'opened dispatcher-silent ' ]
    # an instant that is due waits too
    work
    rota monitor check
    told "$LINE"
    sql "UPDATE holder SET seen_at = seen_at - 200000;
         INSERT INTO job (name, spec, next_at, added_at) VALUES ('due', 1, $(now) - 200000, 0)"
    rota monitor check
    [[ $(told .detail) == 'due has been due since '* ]]
}

@test "disk: of hosts and of the head, and its end is well above the limit" {
    section disk 'remind = 1h' '[monitor]' 'disk = 1M'
    hosts 1 0
    sql "UPDATE host SET disk_free_kb = 1000 WHERE name = 'db2'"
    rota monitor check
    [ "$(told "$LINE")" = 'opened disk db2' ]
    age 3600000
    sql "UPDATE host SET disk_free_kb = 1100 WHERE name = 'db2'"
    rota monitor check
    [ "$(told "$LINE")" = 'open disk db2' ]
    sql "UPDATE host SET disk_free_kb = 1200 WHERE name = 'db2'"
    rota monitor check
    [ "$(told "$LINE")" = 'closed disk db2' ]
    sed -i 's/^disk =.*/disk = 100000T/' "$ROTA_CONFIG"
    rota monitor check
    [ "$(told "$LINE" | sort)" = "$(printf 'opened disk %s\n' "$HOME" db1 db2)" ]
}

# ---- who is told ----

@test "jobs = narrows a section, notify: names sections, and unknown ones are refused" {
    config <<INI
[alert web]
on = failed
jobs = web*, www
command = $HOME/tell
[alert dba]
on = failed
jobs = db*
command = $HOME/tell
INI
    printf 'name: web1\nshell: exit 1\n---\nname: www\nshell: exit 1\nnotify: [dba]\n' >jobs.yaml
    rota submit jobs.yaml
    work
    rota monitor check
    [ "$(jq -r '"\(.section) \(.alerts[].subject)"' "$HOME/told" | sort)" = $'dba www\nweb web1' ]
    printf 'name: x\nshell: exit 1\nnotify: [wev, ops]\n' >bad.yaml
    run -65 rota submit bad.yaml
    [[ $output == *"'notify': there is no [alert wev] (did you mean 'web'?)"*'[alert ops] in rota.ini'* ]]
    run -65 rota schedule add bad.yaml
    [[ $output == *"did you mean 'web'?"* ]]
}

@test "without any [alert] troubles are seen, and nobody is told" {
    ran bad 1
    run -0 rota monitor check
    [[ $output == *'opened'*'failed bad'* ]]
    [ "$(sql 'SELECT count(*) FROM delivery')" = 0 ]
    # whoever is added later is told of what is open
    section failed
    rota monitor check
    [ "$(told "$LINE")" = 'opened failed bad' ]
}

@test "what is older than a day is not told as news" {
    section failed
    ran old 1
    sql "UPDATE news SET at = at - $DAY - 60000"
    run -0 rota monitor check
    [ -z "$output" ]
    [ "$(sql 'SELECT count(*) FROM news')" = 0 ]
}

@test "closed alerts are kept as long as runs are, however many older ones stay open" {
    config < <(printf '[rota]\nkeep = 30d\n')
    ran job 1
    sql "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
         INSERT INTO alert (rule, subject, opened_at) SELECT 'failed', 'job' || i, $(now) FROM n;
         INSERT INTO failing (job, streak, since) SELECT subject, 1, 1 FROM alert;
         INSERT INTO alert (rule, subject, opened_at, closed_at) VALUES ('failed', 'new', 1, $(now)),
          ('failed', 'old', 1, $(now) - 31 * $DAY), ('failed', 'young', 1, $(now) - 29 * $DAY)"
    rota monitor check
    [ "$(sql "SELECT group_concat(subject) FROM v_alerts WHERE state = 'closed'")" = new,young ]
    [ "$(sql "SELECT count(*) FROM v_alerts WHERE state = 'open'")" = 31 ]
}

@test "a reminder that could not be sent is dropped when its trouble is over" {
    section 'failed' 'remind = 1h'
    ran bad 1
    rota monitor check
    told "$LINE"
    age 3600000
    sed -i "s|^command.*|command = /nowhere/x|" "$ROTA_CONFIG"
    run -1 rota monitor check
    sed -i "s|^command.*|command = $HOME/tell|" "$ROTA_CONFIG"
    ran bad 0
    sql "UPDATE delivery SET due_at = 1 WHERE due_at IS NOT NULL"
    run -0 rota monitor check
    [[ $output != *sent* ]]
    [ -z "$(told "$LINE")" ]
    [ "$(sql "SELECT group_concat(DISTINCT state) FROM v_deliveries")" = sent ]
}

@test "-n shows what would be told and changes nothing" {
    section failed
    ran bad 1
    before=$(sqlite3 "$ROTA_CATALOGUE" .dump)
    run -0 rota monitor check -n
    [[ $output == *'would open'*'failed bad'*'would send'*'ops: failed: bad on local: exit code 1'* ]]
    [ "$(sqlite3 "$ROTA_CATALOGUE" .dump)" = "$before" ]
    [ -z "$(told "$LINE")" ]
    run -0 rota monitor check -q
    [ -z "$output" ]
    [ "$(told "$LINE")" = 'opened failed bad' ]
}

@test "many checks at once tell once" {
    section failed
    ran bad 1
    checks=()
    for _ in {1..6}; do
        rota monitor check -q 3>&- &
        checks+=($!)
    done
    for pid in "${checks[@]}"; do
        wait "$pid"
    done
    [ "$(told "$LINE")" = 'opened failed bad' ]
}

@test "what a crash interrupts is told again, not before its lease is over" {
    section failed
    printf '#!/bin/sh\necho $PPID >"$HOME/parent"\nexec cat "$HOME/fifo"\n' >"$HOME/tell"
    mkfifo "$HOME/fifo"
    ran bad 1
    rota monitor check -q 3>&- &
    check=$!
    eventually [ -s "$HOME/parent" ]
    kill -KILL "$check"
    wait "$check" || :
    : >"$HOME/fifo" # the command ends too
    printf '#!/bin/sh\ncat >>"$HOME/told"\n' >"$HOME/tell"
    rota monitor check
    [ -z "$(told "$LINE")" ]
    sql "UPDATE delivery SET due_at = due_at - 400000"
    rota monitor check
    [ "$(told "$LINE")" = 'opened failed bad' ]
}

# ---- by itself ----

is_told()
{
    [ -s "$HOME/told" ]
}

@test "dispatch checks soon after an end that is news, and once when it leaves" {
    section 'failed, recovered'
    rota submit --name bad -- false
    rota dispatch 3>&-
    eventually is_told
    [ "$(told "$LINE")" = 'opened failed bad' ]
    export ROTA_TEST_CHECK_MS=1000
    rota dispatch --stay 3>&- &
    dispatcher=$!
    rota submit --name bad -- true
    eventually is_told
    [ "$(told "$LINE")" = 'closed failed bad' ]
    kill "$dispatcher"
    wait "$dispatcher"
}

@test "a monitor that hangs blocks no dispatch" {
    mkfifo "$HOME/never"
    printf '#!/bin/sh\nexec cat "$HOME/never"\n' >"$HOME/tell"
    section failed
    export ROTA_TEST_CHECK_MS=600 ROTA_TEST_SEND_MS=5000
    for _ in 1 2 3; do
        run -1 timeout 60 rota submit --wait -- false 3>&-
    done
}
