#!/usr/bin/env bats
# rota monitor check: rules, sections, channels.

load lib

setup()
{
    rota_setup
    sinks=''
    # what dispatches here tells nobody: each test says itself when it checks
    printf '[rota]\n' >"$HOME/plain.ini"
    # a command that keeps what it is told, one line a message
    cat >"$HOME/tell" <<'SH'
#!/bin/sh
cat >>"$HOME/told"
SH
    chmod +x "$HOME/tell"
    chmod 600 "$HOME/plain.ini"
}

teardown()
{
    if [ -n "$sinks" ]; then
        kill "$sinks"
        wait "$sinks" || :
    fi
    rota_teardown
}

work()
{
    ROTA_CONFIG=$HOME/plain.ini rota dispatch 3>&-
}

sql()
{
    sqlite3 -cmd '.timeout 5000' "$ROTA_CATALOGUE" "$1"
}

# A run of a job that ends with a code.
ran()
{
    rota submit --name "$1" -- sh -c "exit $2" >id
    work
}

# What was told since the last time: FILTER over each alert of each message, one a line.
told()
{
    touch "$HOME/told"
    jq -r ".alerts[] | $1" "$HOME/told"
    rm -f "$HOME/told"
}

# Moves all that was told so many ms into the past.
age()
{
    sql "UPDATE delivery SET made_at = made_at - $1; UPDATE alert SET opened_at = opened_at - $1"
}

DAY=86400000
LINE='"\(.state) \(.rule) \(.subject)"'

# A section that is told through the command: section RULES [LINE…]
section()
{
    config < <(
        printf '[alert ops]\non = %s\ncommand = %s\n' "$1" "$HOME/tell"
        printf '%s\n' "${@:2}"
    )
}

start_sinks()
{
    mkdir -p "$HOME/sinks"
    /usr/bin/python3 "$ROTA_TOP/tests/sinks.py" "$HOME/sinks" 3>&- &
    sinks=$!
    eventually [ -e "$HOME/sinks/http" ]
    HTTP=http://127.0.0.1:$(cat "$HOME/sinks/http")
    printf '%s\n' 'account default' 'host 127.0.0.1' "port $(cat "$HOME/sinks/smtp")" \
        'from rota@example.com' 'auth off' 'tls off' >"$HOME/msmtprc"
    chmod 600 "$HOME/msmtprc"
}

now()
{
    date +%s000
}

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
    age $DAY
    ran nightly 1 # no success
    sql "INSERT INTO job (name, spec, added_at) VALUES ('nightly', 1, 0)"
    rota monitor check
    [ "$(told "$LINE + \" \(.count)\"")" = 'open missed nightly 2' ]
    ran nightly 0
    rota monitor check
    [ "$(told "$LINE")" = 'closed missed nightly' ]
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
    age $DAY
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

hosts()
{
    printf '[worker db%d]\ntransport = local\n' 1 2 >>"$ROTA_CONFIG"
    rota submit -- true >id
    sql "DELETE FROM run; INSERT INTO host (name, state, reason, state_at, seen_at, disk_free_kb)
         VALUES ('db1', 1, NULL, 1, 1, 9999999), ('db2', $1, 'no route', $(now) - $2, 1, 9999999)"
}

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

@test "what is lost on a dead host is told with the host, and with its return" {
    section 'failed, lost, late, recovered, host-down, host-up' 'remind = 1d'
    hosts 2 90000
    lose()
    {
        rota submit --name "$1" -- true >id
        sql "UPDATE run SET state = 10, host = 'db2', finished_at = $(now) WHERE id = $(cat id)"
    }
    for n in 1 2 3; do
        lose job$n
    done
    lose job3
    ran elsewhere 1
    rota monitor check
    [ "$(wc -l <"$HOME/told")" -eq 1 ]
    [ "$(jq -r '.alerts[0].text' "$HOME/told")" = \
        "$(jq -r '"host-down: db2: " + .alerts[0].detail + "; and 4 runs lost there: job1, job2, job3 (2)"' "$HOME/told")" ]
    [ "$(told "$LINE")" = $'opened host-down db2\nopened failed elsewhere' ]
    # another one while it is down is not told by itself
    lose job4
    rota monitor check
    [ -z "$(told "$LINE")" ]
    # and one that is found lost when the host is back belongs to it as well
    lose job5
    sql "UPDATE host SET state = 1, state_at = $(now) - 5000"
    rota monitor check
    [ "$(jq '.alerts[0].children | length' "$HOME/told")" -eq 5 ]
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

@test "who is not told of hosts is told of what is lost there" {
    section lost
    hosts 2 90000
    rota submit --name job -- true >id
    sql "UPDATE run SET state = 10, host = 'db2', finished_at = $(now)"
    rota monitor check
    [ "$(told "$LINE")" = 'opened lost job' ]
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

# ---- channels ----

@test "mail through sendmail to a real SMTP server, with the end of the output" {
    start_sinks
    config <<INI
[alert ops]
on = failed, recovered
mail = ops@example.com, b@example.com
[monitor]
sendmail = $(command -v msmtp) -C $HOME/msmtprc
from = rota@example.com
INI
    rota submit --name backup -- sh -c 'seq 100; printf "dïsk full\n=?x?= \"</script>\"\033[31m\n.\nFrom me\n" >&2; exit 2'
    work
    sql "UPDATE run SET reason = 'exit code 2' || char(10) || 'Bcc: evil@example.com'"
    rota monitor check
    [ "$(head -n 1 "$HOME/sinks/mail.1")" = 'rota@example.com ops@example.com b@example.com' ]
    sed 1d "$HOME/sinks/mail.1" | /usr/bin/python3 -c '
import email.policy, sys
m = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
print(sorted(k for k in m.keys() if k in ("Subject", "To", "Bcc", "From")))
print(m["Subject"])
print(m.get_content())' >mail
    [ "$(sed -n 1p mail)" = "['From', 'Subject', 'To']" ]
    [ "$(sed -n 2p mail)" = '[rota] failed: backup on local: exit code 2\x0aBcc: evil@example.com' ]
    grep -q 'rota logs 1' mail
    grep -q '^  | dïsk full$' mail
    grep -qF '  | =?x?= "</script>"\x1b[31m' mail
    grep -q '^  | 100$' mail
    run ! grep -q "^  | 80$" mail
    grep -q '^  where local$' mail
    ran backup 0
    rota monitor check
    grep -q '^Subject: .rota. recovered backup, was failed for' "$HOME/sinks/mail.2"
}

@test "a subject that is not ASCII is encoded in words that no mail program breaks" {
    start_sinks
    config <<INI
[alert ops]
on = failed
mail = ops@example.com
[monitor]
sendmail = $(command -v msmtp) -C $HOME/msmtprc
INI
    ran bad 1
    reason=$(printf 'größer als die Platte 💾 %.0s' {1..20})
    sql "UPDATE run SET reason = '$reason'"
    rota monitor check
    # one header, each line short enough
    [ "$(awk 'length > 76' "$HOME/sinks/mail.1" | grep -c '=?UTF-8')" -eq 0 ]
    sed 1d "$HOME/sinks/mail.1" | /usr/bin/python3 -c '
import email.policy, sys
m = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
print(m["Subject"])
print(m.get_content())' >mail
    [[ $(head -n 1 mail) == '[rota] failed: bad on local: größer als die Platte 💾 größer'*… ]]
    grep -qF "$reason" mail
}

@test "a webhook gets JSON by POST, Slack its own form; the address is in no command line" {
    start_sinks
    config <<INI
[alert ops]
on = failed
webhook = $HTTP/secret?key=[1]
[alert chat]
on = failed
webhook = $HTTP/slack
template = slack
INI
    rota submit --name bad -- sh -c 'printf "a\"b\\\\c\n</script>\n"; exit 1'
    work
    run -0 rota monitor check
    [[ $output != *secret* ]]
    slack=$(grep -l '^/slack' "$HOME"/sinks/request.*)
    json=$(grep -l '^/secret' "$HOME"/sinks/request.*)
    [ "$(sed -n 1,3p "$json")" = $'POST\n/secret?key=[1]\napplication/json' ]
    [ "$(sed -n 4p "$json" | jq -r '.alerts[0].output')" = $'a"b\\c\n</script>' ]
    [ "$(sed -n 4p "$json" | jq -r '.text')" = 'failed: bad on local: exit code 1' ]
    [ -z "$(sed 1,4d "$json")" ]
    [ "$(sed -n 4p "$slack")" = '{"text": "failed: bad on local: exit code 1"}' ]
}

@test "Slack's own markup in a name or reason stays text" {
    start_sinks
    config < <(printf '[alert c]\non = failed\nwebhook = %s/x\ntemplate = slack\n' "$HTTP")
    ran bad 1
    sql "UPDATE run SET reason = '<!channel> & \"so\"'"
    rota monitor check
    [ "$(sed -n 4p "$HOME/sinks/request.1" | jq -r .text)" = \
        'failed: bad on local: &lt;!channel&gt; &amp; "so"' ]
}

@test "a webhook that answers 500 is tried again, in order, and said once" {
    start_sinks
    echo 500 >"$HOME/sinks/status"
    config < <(printf '[alert ops]\non = failed, recovered\nwebhook = %s/hook\n' "$HTTP")
    ran bad 1
    run -1 rota monitor check
    [[ $output == *'not sent'*'ops: '*500*'again in 1m'* ]]
    [ "$(sql "SELECT state, tries FROM v_deliveries")" = 'waiting|1' ]
    run -0 rota monitor check # it is not time yet
    [ -z "$output" ]
    sql "UPDATE delivery SET due_at = due_at - 60000"
    run -1 rota monitor check
    [ -z "$output" ]
    [ "$(sql "SELECT (due_at - (SELECT checked_at FROM monitor)) / 60000 FROM delivery")" = 5 ]
    [[ $(sql "SELECT error FROM v_deliveries") == *500* ]]
    # its end goes with it, as one
    rm "$HOME/sinks/status"
    ran bad 0
    run -0 rota monitor check
    [ "$(sed -n 4p "$HOME/sinks/request.3" | jq -c '[.alerts[].state]')" = '["closed"]' ]
    [ "$(sql "SELECT group_concat(DISTINCT state) FROM v_deliveries")" = sent ]
}

@test "what cannot be told within a day is given up, and said" {
    config < <(printf '[alert ops]\non = failed\ncommand = /nowhere/x\n')
    ran bad 1
    run -1 rota monitor check
    [[ $output == *'cannot run /nowhere/x'* ]]
    age $((DAY + 60000))
    sql "UPDATE delivery SET due_at = 1"
    run -1 rota monitor check
    [[ $output == *'given up'*'/nowhere/x'* ]]
    [ "$(sql "SELECT state FROM v_deliveries ORDER BY id LIMIT 1")" = 'given up' ]
}

@test "what was for a section that is gone is dropped" {
    config < <(printf '[alert ops]\non = failed\ncommand = /nowhere/x\n')
    ran bad 1
    run -1 rota monitor check
    config < <(printf '[alert other]\non = lost\ncommand = %s\n' "$HOME/tell")
    sql "UPDATE delivery SET due_at = 1"
    run -0 rota monitor check
    [[ $output == *'dropped'*'no [alert ops] any more'* ]]
    run -0 rota monitor check
    [ -z "$output" ]
}

@test "a mail program that hangs and a webhook that never answers hold up nobody else" {
    start_sinks
    echo never >"$HOME/sinks/status"
    mkfifo "$HOME/never"
    # it hangs, and so does what it started
    printf '#!/bin/sh\ncat "$HOME/never" &\nexec cat "$HOME/never"\n' >"$HOME/hang"
    chmod +x "$HOME/hang"
    config <<INI
[alert mail]
on = failed
mail = ops@example.com
[alert hook]
on = failed
webhook = $HTTP/hook
[alert ops]
on = failed
command = $HOME/tell
[monitor]
sendmail = $HOME/hang
INI
    ran bad 1
    export ROTA_TEST_SEND_MS=700
    SECONDS=0
    run -1 rota monitor check
    ((SECONDS < 20))
    [[ $output == *"hook: curl did not end"* || $output == *'hook: '*'did not end within'* ]]
    [[ $output == *'mail: '*'did not end within 700ms and was killed'* ]]
    [ "$(told "$LINE")" = 'opened failed bad' ]
    [ "$(sql "SELECT group_concat(channel) FROM (SELECT channel FROM v_deliveries WHERE state = 'waiting' ORDER BY 1)")" = hook,mail ]
    run -1 pgrep -f "$HOME/never"
}

@test "a command gets fields in its environment and never a shell" {
    printf '#!/bin/sh\nenv | grep ^ROTA_ALERT_ | sort >"$HOME/env"; cat >"$HOME/told"\n' >"$HOME/tell"
    section failed
    ran bad 1
    sql "UPDATE run SET reason = '\$(touch pwned) \`touch pwned\`; \"x' || char(10) || 'ROTA_ALERT_X=1'"
    rota monitor check
    [ ! -e pwned ] && [ ! -e "$HOME/pwned" ]
    grep -qxF 'ROTA_ALERT_DETAIL=$(touch pwned) `touch pwned`; "x' "$HOME/env"
    grep -qx 'ROTA_ALERT_RULE=failed' "$HOME/env"
    grep -qx 'ROTA_ALERT_SUBJECT=bad' "$HOME/env"
    grep -qx 'ROTA_ALERT_STATE=opened' "$HOME/env"
    grep -qx 'ROTA_ALERT_RUN=1' "$HOME/env"
    grep -qx 'ROTA_ALERT_SECTION=ops' "$HOME/env"
    [ "$(jq -r '.alerts[0].detail' "$HOME/told" | tail -n 1)" = ROTA_ALERT_X=1 ]
}

@test "--test sends a sample at once, without a catalogue, and says whether it worked" {
    start_sinks
    config <<INI
[alert ops]
on = failed
command = $HOME/tell
[alert hook]
on = failed
webhook = $HTTP/hook
INI
    run -0 rota monitor check --test ops
    [[ $output == *'ops: a sample through'* ]]
    [ "$(told "$LINE")" = 'opened failed sample' ]
    run -0 rota monitor check --test hook
    echo 404 >"$HOME/sinks/status"
    run -1 rota monitor check --test hook
    [[ $output == *'[alert hook]: '*404* ]]
    run -64 rota monitor check --test hok
    [[ $output == *"did you mean 'hook'?"* ]]
    [ ! -e "$ROTA_CATALOGUE" ]
}

@test "the heartbeat is a GET after each check, but not while dispatch is silent" {
    start_sinks
    config < <(printf '[monitor]\nheartbeat = %s/beat\n' "$HTTP")
    rota submit -- true
    run -0 rota monitor check
    [ "$(sed -n 1,2p "$HOME/sinks/request.1")" = $'GET\n/beat' ]
    echo 503 >"$HOME/sinks/status"
    run -0 rota monitor check
    [[ $output == *'not sent'*'the heartbeat: '*503* ]]
    run -0 rota monitor check # once is enough
    [ -z "$output" ]
    sql "UPDATE run SET queued_at = queued_at - 200000"
    run -0 rota monitor check
    [ ! -e "$HOME/sinks/request.4" ]
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
