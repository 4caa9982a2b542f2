#!/usr/bin/env bats
# rota monitor check: how messages leave, and what happens when they do not.

load lib
load alerts

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

# So many jobs failed at once on a host, or were lost there, with a reason of so many bytes.
many()
{
    rota submit -- true >id
    sql "INSERT INTO run (spec, job, state, host, attempt, queued_at, started_at)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2)
         SELECT 1, '$1' || i, 5, '$3', 1, $(now), $(now) FROM n;
         UPDATE run SET state = iif('$1' = 'lost', 10, 7), finished_at = $(now),
          reason = substr(hex(zeroblob($4)), 1, $4) WHERE state = 5"
}

@test "a message of many alerts arrives, however large, and says how many more there are" {
    start_sinks
    config < <(printf '[alert ops]\non = failed, host-down\nwebhook = %s/hook\n' "$HTTP")
    many failed 60 local 3000
    run -0 rota monitor check
    [[ $output == *'sent'*'ops: 60 alerts to the webhook'* ]]
    sed -n 4p "$HOME/sinks/request.1" >body
    [ "$(stat -c %s body)" -gt 250000 ]
    [ "$(jq -c '[(.alerts | length), .more, (.alerts[0].detail | length)]' body)" = '[50,10,3000]' ]
    # what belongs to one alert is cut in the same way
    hosts 2 90000
    many lost 70 db2 10
    run -0 rota monitor check
    sed -n 4p "$HOME/sinks/request.2" >body
    [ "$(jq -c '.alerts[] | [.rule, (.children | length), .more_children]' body)" = '["host-down",50,20]' ]
    [ "$(jq .more body)" -eq 0 ]
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
    run -1 rota monitor
    [[ $output == *'! 1 message could not be sent to ops: '*500*'  -> rota monitor check --test ops'* ]]
    # its end goes with it, as one
    rm "$HOME/sinks/status"
    ran bad 0
    run -0 rota monitor check
    [ "$(sed -n 4p "$HOME/sinks/request.3" | jq -c '[.alerts[].state]')" = '["closed"]' ]
    [ "$(sql "SELECT group_concat(DISTINCT state) FROM v_deliveries")" = sent ]
}

@test "a redirect is not sent, neither a message nor a sample nor the heartbeat" {
    start_sinks
    config < <(printf '[alert ops]\non = failed\nwebhook = %s/hook\n[monitor]\nheartbeat = %s/beat\n' \
        "$HTTP" "$HTTP")
    for code in 301 302 307; do
        echo "$code" >"$HOME/sinks/status"
        run -1 rota monitor check --test ops
        [[ $output == *"[alert ops]: the server answers $code: write its new address in rota.ini"* ]]
    done
    ran bad 1
    run -1 rota monitor check
    [[ $output == *'not sent'*'ops: the server answers 307: write its new address in rota.ini; again in 1m'* ]]
    [[ $output == *'not sent'*'the heartbeat: the server answers 307: write'* ]]
    [ "$(sql "SELECT state FROM v_deliveries")" = waiting ]
    # what has no text is an answer
    echo 204 >"$HOME/sinks/status"
    sql "UPDATE delivery SET due_at = due_at - 60000"
    run -0 rota monitor check
    [[ $output == *'sent'*'ops: 1 alert to the webhook'*'sent'*'the heartbeat again'* ]]
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
    # but it is in the health, until it is sent or not wanted
    run -1 rota monitor
    [[ $output == *'! the heartbeat could not be sent, '*'503'*'  -> rota monitor check, once heartbeat'* ]]
    [[ $(rota monitor -o json | jq -r .heartbeat_error) == *503* ]]
    ROTA_CONFIG=$HOME/plain.ini run -0 rota monitor
    sql "UPDATE run SET queued_at = queued_at - 200000"
    run -0 rota monitor check
    [ ! -e "$HOME/sinks/request.4" ]
}
