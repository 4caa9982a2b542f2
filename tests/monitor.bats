# rota monitor: health and metrics.
# bats' run sets stderr
# shellcheck disable=SC2154

load lib

sql()
{
    sqlite3 "$ROTA_CATALOGUE" "$1"
}

# A catalogue with two runs that were dispatched and nothing to mend.
well()
{
    rota submit --name good -- true >/dev/null
    rota submit --name bad -- sh -c 'echo out; exit 3' >/dev/null
    rota dispatch
}

# The same with at least one of everything that a metric can be of.
everything()
{
    well
    config <<<$'[worker local]\ntransport = local\n[worker away]\naddress = nowhere.invalid'
    rota submit -- true >/dev/null
    sql "INSERT INTO alert (rule, subject, detail, opened_at) VALUES ('failed', 'bad', 'x', 1000);
        INSERT INTO delivery (channel, kind, alert, made_at, due_at, tries, error)
            VALUES ('ops', 1, 1, 1000, 9e15, 2, 'refused');
        INSERT INTO host (name, state, reason, state_at) VALUES ('away', 2, 'no route', 1000)"
}

registered()
{
    printf 'name: %s\nschedule: {every: 1h}\nshell: "exit 3"\n' "$1" >job.yaml
    rota schedule add job.yaml >/dev/null
}

trouble()
{
    rota monitor -o json | jq -r '.troubles[] | "\(.bad) \(.what)"'
}

# ---- health ----

@test "all is well: exit 0, the verdict first" {
    well
    run rota monitor
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = 'healthy: 1 host, 0 jobs, 0 queued, 0 running' ]
    [[ $output == *'dispatcher  none now; the last one left '*'longest loop turn'* ]]
    [[ $output == *'HOST   STATE'*'local  up'* ]]
    run rota monitor -q
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

@test "without a catalogue there is nothing to look at" {
    run rota monitor
    [ "$status" -eq 74 ]
}

@test "json is one object with everything" {
    everything
    run rota monitor -o json
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 1 ]
    [ "$(json '.healthy, .queue.queued, .dispatcher.alive, .host_counts.down, (.hosts | length), .failing[0].job,
        .alerts[0].rule, .undelivered[0].channel' | tr '\n' ' ')" = 'false 1 false 1 2 bad failed ops ' ]
    [ "$(json '.dispatcher.longest_turn > 0')" = true ]
}

@test "a job submitted by hand that failed is shown, and no reason to be unhealthy" {
    well
    run rota monitor
    [ "$status" -eq 0 ]
    [[ $output == *'FAILING'*'bad'* ]]
}

@test "a registered job whose last run failed is; a success mends it, a pause too" {
    well
    registered nightly
    rota submit --job nightly >/dev/null
    rota dispatch
    run rota monitor
    [ "$status" -eq 1 ]
    [ "${lines[0]}" = 'unhealthy: 1 thing to mend' ]
    [[ ${lines[1]} == *'! nightly failed '*' ago (exit 3)  -> rota logs 3' ]]
    rota submit --job nightly >/dev/null
    rota dispatch
    [[ $(trouble) == 'true nightly failed 2 times in a row'* ]]
    rota schedule pause nightly >/dev/null
    rota monitor -q
    [ "$(rota monitor -o json | jq .schedules.missed)" = 0 ]
    rota monitor metrics | grep -qx 'rota_occurrence_missed_timestamp_seconds 0'
    rota schedule resume nightly >/dev/null
    printf 'name: nightly\nshell: "true"\n' >job.yaml
    rota submit job.yaml >/dev/null
    rota dispatch
    rota monitor -q
}

@test "a host that is down is; one that is drained is not" {
    everything
    sql "DELETE FROM delivery; DELETE FROM alert"
    run rota monitor
    [ "$status" -eq 1 ]
    [[ $output == *'! away has been down for '*': no route  -> rota monitor doctor away'* ]]
    rota hosts drain away 'in repair' >/dev/null
    run rota monitor
    [ "$status" -eq 0 ]
    [[ $output == *'away   drained, down'*'in repair'* ]]
}

@test "work that waits without a dispatcher is; work that was just submitted is not" {
    well
    rota submit -- true >/dev/null
    rota monitor -q
    sql "UPDATE run SET queued_at = queued_at - 400000 WHERE id = 3"
    rota monitor -q # the last dispatcher left just now
    sql "UPDATE holder SET seen_at = seen_at - 400000"
    run rota monitor
    [ "$status" -eq 1 ]
    [[ ${lines[1]} == *'nobody has dispatched for '*', and there is work  -> run rota dispatch'* ]]
    # a run that is to start later is no such work
    sql "UPDATE run SET not_before = 9e15 WHERE id = 3"
    rota monitor -q
}

@test "a dispatcher that lives is shown, one that was killed and left work is told" {
    rota submit -- sleep 100 >/dev/null
    rota dispatch --stay &
    dispatcher=$!
    # eventually changes $!
    eventually sh -c "rota status -o id --state running | grep -q 1"
    run rota monitor
    [ "$status" -eq 0 ]
    [[ $output == *"dispatcher  alive: process $dispatcher on "* ]]
    kill -KILL "$dispatcher"
    wait "$dispatcher" || :
    sql "UPDATE holder SET seen_at = seen_at - 400000"
    [[ $(trouble) == "true the dispatcher (process $dispatcher on "*") died and left work" ]]
    rota cancel 1 >/dev/null
    rota dispatch
}

@test "an overdue schedule, one set aside and a missed one are told" {
    well
    registered nightly
    sql "UPDATE job SET next_at = 1000"
    [[ $(trouble) == 'true 1 schedule is overdue, the longest by '* ]]
    sql "UPDATE job SET next_at = 9e15, aside = 'no such zone'"
    [ "$(trouble)" = 'true nightly takes no part: its timetable cannot be read' ]
    sql "UPDATE job SET aside = NULL; INSERT INTO occurrence (job, due_at, outcome, reason, recorded_at)
        VALUES ('nightly', strftime('%s', 'now') * 1000 - 60000, 3, 'late', 1)"
    [[ $(trouble) == 'true nightly was missed at '*' and has not run since' ]]
    # run by hand after it: good
    sql "INSERT INTO tally VALUES ('nightly', 6, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, strftime('%s', 'now') * 1000)"
    rota monitor -q
    [ "$(rota monitor -o json | jq .schedules.missed)" = 1 ]
}

@test "what is due while a job is paused makes nothing unhealthy, also after it goes on" {
    well
    registered nightly
    rota schedule pause --reason 'new disk' nightly >/dev/null
    sql "UPDATE job SET next_at = next_at - 3 * 3600000, paused_at = 1000"
    rota dispatch
    [ "$(sql "SELECT count(*) FROM occurrence WHERE outcome = 3")" -ge 3 ]
    rota monitor -q
    [ "$(rota monitor -o json | jq .schedules.missed)" = 0 ]
    rota monitor metrics | grep -qx 'rota_occurrence_missed_timestamp_seconds 0'
    rota schedule resume nightly >/dev/null
    rota monitor -q
}

@test "open alerts and messages that could not be sent are told" {
    well
    sql "INSERT INTO alert (rule, subject, opened_at) VALUES ('host-down', 'db1', 1000);
        INSERT INTO alert (rule, subject, opened_at, parent) VALUES ('failed', 'x', 1000, 1);
        INSERT INTO delivery (channel, kind, alert, made_at, due_at, tries, error)
            VALUES ('ops', 1, 1, 1000, 9e15, 2, 'connection refused')"
    run rota monitor -o json
    [ "$status" -eq 1 ]
    [[ $(json '.troubles[].what') == 'alert host-down db1 has been open for '*$'\n1 message could not be sent to ops: connection refused' ]]
    [ "$(json '.alerts | length, .[0].parts' | tr '\n' ' ')" = '1 1 ' ]
}

@test "one trouble is one thing to mend, also when an alert is open for it" {
    everything
    registered nightly
    rota submit --job nightly >/dev/null
    rota dispatch
    sql "DELETE FROM delivery; DELETE FROM alert; INSERT INTO alert (rule, subject, opened_at)
        VALUES ('host-down', 'away', 1000), ('failed', 'nightly', 1000), ('late', 'nightly', 1000), ('host-down', 'gone', 1000)"
    run -1 rota monitor -o json
    [[ $(json '.troubles[].what') == 'away has been down for '*$'\nnightly failed '*$'\nalert late nightly '*$'\nalert host-down gone '* ]]
    [ "$(json '(.troubles | length), (.alerts | length)' | tr '\n' ' ')" = '4 4 ' ]
}

@test "an alert that outlives the one it belonged to is told" {
    well
    sql "INSERT INTO alert (rule, subject, opened_at, closed_at) VALUES ('host-down', 'db1', 1000, 2000);
        INSERT INTO alert (rule, subject, opened_at, parent) VALUES ('late', 'x', 1000, 1)"
    [[ $(trouble) == 'true alert late x has been open for '* ]]
    rota monitor metrics | grep -xF 'rota_alert_open{rule="late",subject="x"} 1'
}

@test "a full disk is told, a clock that is off is worth a note" {
    well
    sql "UPDATE host SET disk_free_kb = 100, skew_ms = -90000"
    run rota monitor -o json
    [ "$(json '.troubles[] | "\(.bad) \(.what)"')" = $'true the disk of local is nearly full: 100.0K free\nfalse the clock of local is 1m30s slow' ]
}

@test "names and reasons cannot reach the terminal" {
    well
    sql "INSERT INTO alert (rule, subject, detail, opened_at) VALUES ('failed', 'x', char(27) || '[2J' || char(10), 1000)"
    run rota monitor
    [[ $output != *$'\033'* ]]
    [[ $output == *'\x1b[2J'* ]]
    [ "$(rota monitor -o json | jq -r .alerts[0].detail)" = $'\033[2J' ]
}

@test "colours are for terminals" {
    well
    run script -qec "rota monitor" /dev/null </dev/null
    [[ $output == *$'\033[1;32mhealthy'* ]]
    NO_COLOR=1 run script -qec "rota monitor" /dev/null </dev/null
    [[ $output != *$'\033'* ]]
}

@test "many hosts: those with something to tell, and how many more" {
    config <<<$'[worker n[1-100]]\ntransport = exec\ncommand = false'
    rota submit -- true >/dev/null
    rota hosts drain n7 'new disk' >/dev/null
    run rota monitor
    [[ $output == *'n7    drained'* && $output == *'(99 more; -o wide shows all)'* ]]
    [ "$(rota monitor -o wide | grep -c '^n[0-9]')" -eq 100 ]
}

@test "a thousand troubles are one screen; -o wide has them all" {
    config <<<$'[worker n[1-1000]]\ntransport = exec\ncommand = false'
    rota submit -- true >/dev/null
    sql "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
        INSERT INTO host (name, state, state_at) SELECT 'n' || i, 2, 1000 FROM n;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
        INSERT INTO alert (rule, subject, opened_at) SELECT 'late', 'job' || i, 1000 FROM n"
    run -1 rota monitor
    [ "${lines[0]}" = 'unhealthy: 2000 things to mend' ]
    [ "${#lines[@]}" -lt 100 ]
    [ "$(grep -c '(1975 more; -o wide shows all)' <<<"$output")" = 1 ]
    [ "$(grep -c '(975 more; -o wide shows all)' <<<"$output")" = 2 ]
    run -1 rota monitor -o wide
    [ "$(grep -c 'n[0-9]* has been down' <<<"$output")" = 1000 ]
    [ "$(grep -c '^n[0-9]* *down' <<<"$output")" = 1000 ]
    run ! grep 'more;' <<<"$output"
}

@test "a wrong form or word is a usage error" {
    run rota monitor -o tsv
    [ "$status" -eq 64 ]
    run rota monitor helth
    [ "$status" -eq 64 ]
}

# ---- metrics ----

@test "promtool accepts the metrics" {
    everything
    rota monitor metrics >now.prom
    run promtool check metrics <now.prom
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    grep -qx 'rota_runs_total{job="bad",state="failed"} 1' now.prom
    grep -qx 'rota_run_duration_seconds_bucket{job="bad",le="+Inf"} 1' now.prom
    grep -qx 'rota_output_bytes_total{job="bad"} 4' now.prom
    grep -qx 'rota_queue_runs{state="queued"} 1' now.prom
    grep -qx 'rota_host_up{host="away"} 0' now.prom
    grep -qx 'rota_dispatcher_up 0' now.prom
    grep -qx 'rota_occurrence_missed_timestamp_seconds 0' now.prom
    sql "INSERT INTO occurrence (job, due_at, outcome, recorded_at) VALUES ('good', 5000, 3, 1), ('good', 7000, 3, 1)"
    rota monitor metrics | grep -qx 'rota_occurrence_missed_timestamp_seconds 7'
    grep -qx 'rota_alert_open{rule="failed",subject="bad"} 1' now.prom
}

@test "durations are counted into cumulative buckets, without cancelled and lost runs" {
    rota submit --name j -- true >/dev/null
    sql "INSERT INTO tally (job, state, runs, duration_ms, le_1, le_10, le_60, le_300, le_1800, le_7200, le_43200, bytes)
        VALUES ('k', 6, 10, 99500, 1, 2, 3, 0, 0, 0, 0, 7), ('k', 7, 2, 500, 2, 0, 0, 0, 0, 0, 0, 1),
        ('k', 9, 5, 0, 5, 0, 0, 0, 0, 0, 0, 0)"
    run rota monitor metrics
    for want in 'bucket{job="k",le="1"} 3' 'bucket{job="k",le="10"} 5' 'bucket{job="k",le="60"} 8' \
        'bucket{job="k",le="43200"} 8' 'bucket{job="k",le="+Inf"} 12' 'count{job="k"} 12' 'sum{job="k"} 100'; do
        grep -qxF "rota_run_duration_seconds_$want" <<<"$output"
    done
    grep -qx 'rota_runs_total{job="k",state="cancelled"} 5' <<<"$output"
    grep -qx 'rota_output_bytes_total{job="k"} 8' <<<"$output"
}

@test "labels with quotes, backslashes and newlines stay one line" {
    rota submit -- true >/dev/null
    sql "INSERT INTO alert (rule, subject, opened_at) VALUES ('failed', 'a\"b\\c' || char(10) || 'd} 1', 1)"
    rota monitor metrics >now.prom
    grep -qxF 'rota_alert_open{rule="failed",subject="a\"b\\c\nd} 1"} 1' now.prom
    promtool check metrics <now.prom
}

@test "--output replaces the file whole, readable for others, and leaves nothing beside it" {
    well
    mkdir out
    umask 077
    rota monitor metrics --output out/rota.prom
    [ "$(stat -c %a out/rota.prom)" = 644 ]
    promtool check metrics <out/rota.prom
    rota submit -- true >/dev/null
    rota monitor metrics --output out/rota.prom
    grep -qx 'rota_queue_runs{state="queued"} 1' out/rota.prom
    [ "$(ls -A out)" = rota.prom ]
}

@test "a file that cannot be written is told, and what was there stays" {
    well
    run rota monitor metrics --output nowhere/rota.prom
    [ "$status" -eq 74 ]
    [ "$output" = 'rota monitor: cannot make a file beside nowhere/rota.prom: No such file or directory' ]
    mkdir -p out/rota.prom
    run rota monitor metrics --output out/rota.prom
    [ "$status" -eq 74 ]
    [[ $output == *'cannot put out/rota.prom in place: Is a directory' ]]
    [ "$(ls -A out)" = rota.prom ]
    # the disk is full
    rm -r out
    mkdir out
    echo old >out/rota.prom
    run bash -c 'trap "" XFSZ; ulimit -f 1; exec rota monitor metrics --output out/rota.prom'
    [ "$status" -eq 74 ]
    [ "$(cat out/rota.prom)" = old ]
    [ "$(ls -A out)" = rota.prom ]
}

# The names of ours in a text, without what a histogram adds.
names()
{
    grep -oE 'rota_[a-z_]+' "$@" | sed -E 's/_(bucket|sum|count)$//' | sort -u
}

@test "every metric that the dashboard and the rules name is there" {
    everything
    rota monitor metrics >now.prom
    grep '^# TYPE' now.prom | cut -d' ' -f3 | sort -u >there
    promtool check rules "$ROTA_TOP/lib/monitor/rules.yml"
    jq -r '.. | .expr? // empty' "$ROTA_TOP/lib/monitor/grafana.json" >dashboard
    jq -r '.templating.list[].definition // empty' "$ROTA_TOP/lib/monitor/grafana.json" >>dashboard
    [ "$(wc -l <dashboard)" -gt 20 ]
    grep 'expr:' "$ROTA_TOP/lib/monitor/rules.yml" >rules
    for file in dashboard rules; do
        names -h $file >named
        run -1 grep -vxFf there named
        [ -z "$output" ]
    done
}

@test "the rules fire when they should" {
    cat >test.yml <<END
rule_files: ['$ROTA_TOP/lib/monitor/rules.yml']
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'rota_job_failing_streak{instance="h",job="j"}', values: '1 2 3 3 3'}
      - {series: 'rota_host_up{instance="h",host="db1"}', values: '0x20'}
      - {series: 'rota_host_up{instance="h",host="db2"}', values: '0x20'}
      - {series: 'rota_host_drained{instance="h",host="db1"}', values: '0x20'}
      - {series: 'rota_host_drained{instance="h",host="db2"}', values: '1x20'}
      - {series: 'rota_dispatcher_up{instance="h"}', values: '0x20'}
      - {series: 'rota_dispatcher_seen_timestamp_seconds{instance="h"}', values: '0x20'}
      - {series: 'rota_queue_runs{instance="h",state="queued"}', values: '3x20'}
      - {series: 'rota_tick_lag_seconds{instance="h"}', values: '0x20'}
      # missed at 03:00 each day: the count stays, the time changes
      - {series: 'rota_occurrences_missed{instance="h"}', values: '1x40'}
      - {series: 'rota_occurrence_missed_timestamp_seconds{instance="h"}', values: '1000x15 87400x25'}
    alert_rule_test:
      - {eval_time: 15m, alertname: RotaOccurrencesMissed, exp_alerts: []}
      - eval_time: 20m
        alertname: RotaOccurrencesMissed
        exp_alerts:
          - exp_labels: {severity: warning, instance: h}
            exp_annotations:
              summary: '1 occurrences were missed in the last day: rota status --occurrences --outcome missed'
      - {eval_time: 35m, alertname: RotaOccurrencesMissed, exp_alerts: []}
      - eval_time: 4m
        alertname: RotaJobFailing
        exp_alerts:
          - exp_labels: {severity: warning, instance: h, job: j}
            exp_annotations: {summary: 'j failed 3 times in a row'}
      - eval_time: 15m
        alertname: RotaHostDown
        exp_alerts:
          - exp_labels: {severity: warning, instance: h, host: db1}
            exp_annotations: {summary: 'db1 is down: rota monitor doctor db1'}
      - eval_time: 15m
        alertname: RotaNobodyDispatches
        exp_alerts:
          - exp_labels: {severity: critical, instance: h}
            exp_annotations:
              summary: there is work and nobody dispatches
              description: cron does not run rota dispatch on h.
      - {eval_time: 15m, alertname: RotaSchedulesOverdue, exp_alerts: []}
END
    run promtool test rules test.yml
    echo "$output"
    [ "$status" -eq 0 ]
}
