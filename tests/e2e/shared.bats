#!/usr/bin/env bats
# One account with two masters, and one host with two accounts: nothing gets mixed up.

load ../lib
load four
load accounts
load answers

setup_file()
{
    accounts_start
}

teardown_file()
{
    accounts_stop
}

setup()
{
    rota_setup
    export ROTA_TEST_STEP_MS=60000 # a slow machine is no failure
    accounts_config
    mkdir one two
}

# With the catalogue of a directory: with DIRECTORY COMMAND…
with()
{
    ROTA_CATALOGUE=$PWD/$1/catalogue.db "${@:2}"
}

# Run 1 of a catalogue, on the account's pipe: says who it is for, waits for a line, says it again.
submit_waiting()
{
    with "$1" rota submit --name waits --host "${2:-w}" -- sh -c \
        "echo begin $1 \$ROTA_RUN; echo err $1 >&2; read x <\$HOME/pipe; echo end $1; exit ${3:-0}"
}

both_run()
{
    [ "$(with one rota status --format '{state}' 1)$(with two rota status --format '{state}' 1)" = \
        runningrunning ]
}

@test "two catalogues that share an account both have a run 1: outputs and results stay apart" {
    account_new
    account_worker w 'slots = 2'
    account_run mkfifo pipe
    exec 7<>"$account_home/pipe"
    submit_waiting one w 3
    submit_waiting two w 4
    with one rota dispatch 3>&- 7>&- &
    first=$!
    with two rota dispatch 3>&- 7>&- &
    second=$!
    eventually both_run
    # the head of one goes; that concerns nobody else
    kill -KILL "$first"
    wait "$first" || :
    printf '\n\n' >&7
    wait "$second"
    exec 7>&-
    with one rota dispatch
    for name in one two; do
        with "$name" rota logs 1 >out 2>err
        [ "$(cat out)" = "begin $name 1"$'\n'"end $name" ]
        [ "$(cat err)" = "err $name" ]
    done
    run -0 with one rota status --format '{state} {exit_code} {attempt}'
    [ "$output" = 'failed 3 1' ]
    run -0 with two rota status --format '{state} {exit_code} {attempt}'
    [ "$output" = 'failed 4 1' ]
    # and each has a spool of its own there
    [ "$(find "$account_home/.local/state/rota-worker" -mindepth 1 -maxdepth 1 | wc -l)" -eq 2 ]
}

@test "two catalogues under other names of one account, one after the other and at once" {
    account_new
    account_worker w
    account_worker other
    for name in one two; do
        seq -f "{\"name\": \"$name%.0f\", \"shell\": \"echo $name \$ROTA_RUN\"}" 1 20 |
            sed '$!s/$/\n---/' | with "$name" rota submit - >/dev/null
    done
    with one rota dispatch 3>&- &
    first=$!
    with two rota dispatch
    wait "$first"
    for name in one two; do
        for id in {1..20}; do
            run -0 with "$name" rota logs "$id"
            [ "$output" = "$name $id" ]
        done
        [ "$(with "$name" rota status --state succeeded -o id | wc -l)" -eq 20 ]
    done
}

@test "two accounts of one address are two hosts, each with a home and a spool of its own" {
    account_new
    first=$account first_home=$account_home
    account_worker a 'slots = 1'
    account_new
    account_worker b 'slots = 1'
    for host in a b; do
        run -0 rota submit --host "$host" -- sh -c 'id -un; echo "$HOME"; pwd; echo "$USER"'
    done
    run -0 rota dispatch
    run -0 rota logs 1
    [ "$output" = "$first
$first_home
$first_home
$first" ]
    run -0 rota logs 2
    [ "$output" = "$account
$account_home
$account_home
$account" ]
    for home in "$first_home" "$account_home"; do
        [ -n "$(ls -A "$home/.local/state/rota-worker")" ]
        [ -n "$(ls -A "$home/.cache/rota")" ]
    done
}

@test "two accounts by aliases of ~/.ssh/config, with a user and a key of each" {
    account_new
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$HOME/own"
    cp "$HOME/own.pub" "$account_home/.ssh/authorized_keys"
    first=$account
    account_new
    sed -i '/^identity/d' "$ROTA_CONFIG"
    four_add a
    four_add b
    cat >>"$ROTA_SSH_CONFIG" <<EOF
Host a b
    HostName 127.0.1.2
    Port $(cat "$FOUR/four/port")
Host a
    User $first
    IdentityFile $HOME/own
Host b
    User $account
    IdentityFile $FOUR/user
EOF
    run -0 rota submit --host a -- id -un
    run -0 rota submit --host b -- id -un
    run -0 rota dispatch
    [ "$(rota logs 1)" = "$first" ]
    [ "$(rota logs 2)" = "$account" ]
    # and the keys are not interchangeable
    sed -i "s|$HOME/own|$FOUR/user|" "$ROTA_SSH_CONFIG"
    host_refuses a "$first@127.0.1.2" "$FOUR/user: refused" 'authorized_keys'
}
