# shellcheck shell=bash
# shellcheck disable=SC2034 # DAY, LINE and HTTP are for the tests
# alerts: who is told what by `rota monitor check`, with a command, an SMTP and an HTTP server that
# keep what they get. Load it after lib.

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

# Two hosts: db1 is up, and db2 has been in a state (1 up, 2 down) for so many ms.
hosts()
{
    printf '[worker db%d]\ntransport = local\n' 1 2 >>"$ROTA_CONFIG"
    rota submit -- true >id
    sql "DELETE FROM run; INSERT INTO host (name, state, reason, state_at, seen_at, disk_free_kb)
         VALUES ('db1', 1, NULL, 1, 1, 9999999), ('db2', $1, 'no route', $(now) - $2, 1, 9999999)"
}
