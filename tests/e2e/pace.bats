#!/usr/bin/env bats
# Many workers on one address: a default sshd must not have to drop any of their connections.

load ../lib
load four

WORKERS=60

setup_file()
{
    # the default of sshd: from the 11th connection that is not logged in, some are dropped
    # (a home without a .bashrc, which may take its time, sixty times)
    four_start 'MaxStartups 10:30:100' 'LogLevel VERBOSE' 'SetEnv HOME=/nonexistent'
}

teardown_file()
{
    four_stop
}

setup()
{
    rota_setup
    # a slow machine is no failure
    export ROTA_TEST_STEP_MS=60000
    four_trust
    four_add "many[1-$WORKERS]" 'address = 127.0.1.1' "port = $(cat "$FOUR/four/port")" 'slots = 1'
}

# One run for each worker.
submit_to_all()
{
    local n
    for ((n = 1; n <= WORKERS; n++)); do
        printf '{"name": "on%d", "where": {"hosts": "many%d"}, "shell": "echo $ROTA_HOST"}\n---\n' \
            "$n" "$n"
    done | sed '$d' | rota submit - >ids
    [ "$(wc -l <ids)" -eq "$WORKERS" ]
}

dropped()
{
    grep -iE 'drop connection|beyond MaxStartups|exited MaxStartups|past MaxStartups' \
        "$FOUR/four/log"
}

@test "60 workers on one address of a default sshd: all are served, no connection is dropped" {
    submit_to_all
    run -0 rota dispatch
    # nor was any tried twice
    [ "$(grep -c 'Accepted publickey' "$FOUR/four/log")" -eq "$WORKERS" ]
    run ! dropped
    [ "$(grep -c '^Connection from' "$FOUR/four/log")" -eq "$WORKERS" ]
    run -0 rota status --format '{host} {state}'
    [ "$(sort <<<"$output")" = \
        "$(for ((n = 1; n <= WORKERS; n++)); do echo "many$n succeeded"; done | sort)" ]
    run -0 rota hosts --format '{state}'
    [ "$(sort <<<"$output" | uniq -c | tr -s ' ')" = " $WORKERS up" ]
}
