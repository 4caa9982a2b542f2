#!/usr/bin/env bats
# rota monitor check: dead hosts, and what is lost there.

load lib
load alerts

@test "host-down opens after a while, reminds, and closes as host-up" {
    section 'host-down, host-up' 'remind = 1h'
    hosts 2 30000
    rota monitor check
    [ -z "$(told "$LINE")" ]
    sql "UPDATE host SET state_at = state_at - 60000"
    rota monitor check
    [ "$(told "$LINE")" = 'opened host-down db2' ]
    age 3600000
    rota monitor check
    [ "$(told "$LINE")" = 'open host-down db2' ]
    sql "UPDATE host SET state = 1, state_at = $(now)"
    rota monitor check # it may not stay
    [ -z "$(told "$LINE")" ]
    sql "UPDATE host SET state_at = state_at - 5000"
    rota monitor check
    [ "$(jq -r .text "$HOME/told")" = 'host-up db2, was host-down for 1h00m' ]
    [ "$(told "$LINE")" = 'closed host-down db2' ]
}

@test "a host that a person drained, or that is in the configuration no more, is no trouble" {
    section host-down
    hosts 2 90000
    rota hosts drain db2 'new disk'
    sql "INSERT INTO host (name, state, state_at) VALUES ('gone', 2, 1)"
    rota monitor check
    [ -z "$(told "$LINE")" ]
}

# A run of a job is lost on a host: lose JOB [HOST].
lose()
{
    rota submit --name "$1" -- true >id
    sql "UPDATE run SET state = 10, host = '${2-db2}', finished_at = $(now) WHERE id = $(cat id)"
}

@test "a dead host that is drained, or taken out of the configuration, is not told to be back" {
    section 'host-down, host-up, disk' '[monitor]' 'disk = 1M'
    hosts 2 90000
    sql "UPDATE host SET disk_free_kb = 1000 WHERE name = 'db2'"
    rota monitor check
    [ "$(told "$LINE")" = $'opened host-down db2\nopened disk db2' ]
    rota hosts drain db2 'new disk'
    run -0 rota monitor check
    [[ $output == *'closed'*'host-down db2 after '*': set aside: new disk'* ]]
    [ -z "$(told "$LINE")" ]
    [ "$(sql "SELECT state, detail FROM v_alerts WHERE rule = 'host-down'")" = 'closed|set aside: new disk' ]
    # it is in service again, and still dead
    rota hosts resume db2
    rota monitor check
    [ "$(told "$LINE")" = 'opened host-down db2' ]
    sed -i '/worker db2/,$d' "$ROTA_CONFIG"
    rota monitor check
    [ -z "$(told "$LINE")" ]
    [ "$(sql "SELECT DISTINCT rule, state, detail FROM v_alerts WHERE id > 1 ORDER BY id")" = \
        $'disk|closed|no longer configured\nhost-down|closed|no longer configured' ]
}

@test "a dead host that came for a moment and is gone again is one trouble" {
    section 'host-down, host-up'
    hosts 2 90000
    rota monitor check
    [ "$(told "$LINE")" = 'opened host-down db2' ]
    sql "UPDATE host SET state_at = $(now) - 3000 WHERE name = 'db2'" # down anew
    rota monitor check
    [ -z "$(told "$LINE")" ]
}

@test "what is lost on a dead host is told with the host, and with its return" {
    section 'failed, lost, late, recovered, host-down, host-up' 'remind = 1d'
    hosts 2 90000
    for n in 1 2 3; do
        lose job$n
    done
    lose job3
    ran elsewhere 1
    rota monitor check
    [ "$(wc -l <"$HOME/told")" -eq 1 ]
    [ "$(jq -r '.alerts[0].text' "$HOME/told")" = \
        "$(jq -r '"host-down: db2: " + .alerts[0].detail + "; and 4 runs lost there: job3 (2), job2, job1"' "$HOME/told")" ]
    [ "$(told "$LINE")" = $'opened host-down db2\nopened failed elsewhere' ]
    # what comes later is told with the host again, all of one check together, and once
    lose job4
    lose job6
    lose job3
    rota monitor check
    [ "$(jq -r '.alerts[] | .state + (.text | sub(".*no route"; ""))' "$HOME/told")" = \
        'open; and 7 runs lost there: job6, job4, job3 (3), job2, job1' ]
    told "$LINE"
    lose job4
    rota monitor check
    [ -z "$(told "$LINE")" ]
    # and one that is found lost when the host is back belongs to it as well
    lose job5
    sql "UPDATE host SET state = 1, state_at = $(now) - 5000"
    rota monitor check
    [ "$(jq '.alerts[0].children | length' "$HOME/told")" -eq 6 ]
    [ "$(told "$LINE")" = 'closed host-down db2' ]
    # one that nobody mends is reminded of by itself
    sql "INSERT INTO job (name, spec, added_at) SELECT 'job5', min(id), 0 FROM spec"
    sql "UPDATE alert SET closed_at = closed_at - $DAY, opened_at = opened_at - $DAY WHERE closed_at IS NOT NULL"
    rota monitor check
    [[ $(told "$LINE") == *'open lost job5'* ]]
    ran job5 0
    rota monitor check
    [ "$(told "$LINE")" = 'closed lost job5' ]
}

@test "what is lost later on a dead host is told though nothing reminds, and to who was told of the host" {
    config <<INI
[alert ops]
on = lost, host-down
remind = never
command = $HOME/tell
[alert web]
on = lost, host-down
jobs = web*
command = $HOME/tell
INI
    hosts 2 90000
    rota monitor check
    [ "$(jq -r .section "$HOME/told" | sort)" = $'ops\nweb' ]
    told "$LINE"
    lose job1
    rota monitor check
    [ "$(jq -r .section "$HOME/told")" = ops ]
    [ "$(told "$LINE + \" \(.children | length)\"")" = 'open host-down db2 1' ]
    # a check that finds nothing new says nothing
    rota monitor check
    [ -z "$(told "$LINE")" ]
    # the host is back: nobody asked for host-up, so what is still open is told by itself
    lose web1
    sql "UPDATE host SET state = 1, state_at = $(now) - 5000"
    rota monitor check
    [ "$(jq -r '"\(.section) \(.alerts[] | .state + " " + .subject)"' "$HOME/told" | sort)" = \
        $'ops opened job1\nops opened web1\nweb opened web1' ]
}

@test "what a host lost is told with its return, or with the host when it dies again at once" {
    section 'lost, host-down, host-up' 'remind = never'
    hosts 2 90000
    rota monitor check
    told "$LINE"
    state()
    {
        sql "UPDATE host SET state = $1, state_at = $(now) $2 WHERE name = 'db2';
             UPDATE delivery SET due_at = 1 WHERE due_at IS NOT NULL"
    }
    state 1 '+ 60000' # it has been back for less than a moment
    lose job1
    rota monitor check
    [ -z "$(told "$LINE")" ]
    state 2 '- 90000'
    rota monitor check
    [ "$(told "$LINE + \" \(.children | length)\"")" = 'open host-down db2 1' ]
    state 1 '+ 60000'
    lose job2
    rota monitor check
    [ -z "$(told "$LINE")" ]
    state 1 '- 5000'
    rota monitor check
    [ "$(told "$LINE + \" \(.children | length)\"")" = 'closed host-down db2 2' ]
}

@test "what moves on to another host and is lost there too is told by itself" {
    section 'lost, recovered, host-down, host-up' 'remind = never'
    hosts 2 90000
    lose job1
    lose job2
    rota monitor check
    [ "$(told "$LINE")" = 'opened host-down db2' ]
    lose job1 db1
    rota monitor check
    [ "$(told "$LINE + \" \(.host)\"")" = 'opened lost job1 db1' ]
    sql "UPDATE host SET state = 1, state_at = $(now) - 5000"
    rota monitor check
    [ "$(jq -c '[.alerts[0].children[].subject]' "$HOME/told")" = '["job2"]' ]
    told "$LINE"
    ran job1 0
    rota monitor check
    [ "$(told "$LINE")" = 'closed lost job1' ]
}

@test "who is not told of hosts is told of what is lost there" {
    section lost
    hosts 2 90000
    rota submit --name job -- true >id
    sql "UPDATE run SET state = 10, host = 'db2', finished_at = $(now)"
    rota monitor check
    [ "$(told "$LINE")" = 'opened lost job' ]
}
