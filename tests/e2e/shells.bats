#!/usr/bin/env bats
# Login shells as people have them, what they print before they obey, and another server than sshd.

load ../lib
load four
load accounts
load answers

setup_file()
{
    seq -f 'Welcome, line %.0f of a long banner.' 1 40 >"$BATS_FILE_TMPDIR/banner"
    # its path must be open to an sshd that is another user by then
    chmod 711 "$BATS_FILE_TMPDIR"
    accounts_start "Banner $BATS_FILE_TMPDIR/banner"
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
    server=''
}

teardown()
{
    if [ -n "$server" ]; then
        kill "$server" || :
        wait "$server" || :
    fi
    rota_teardown
}

# An account with a shell as the worker w: shell_host PROGRAM.
shell_host()
{
    account_new "$(type -P "$1")"
    account_worker w
}

# A file of the account, read from standard input.
account_file()
{
    mkdir -p "$(dirname "$account_home/$1")"
    cat >"$account_home/$1"
    chown -R "$account:" "$account_home/${1%%/*}"
}

# A host that gets a worker and runs something, is then met with the worker in place, and loses it.
works_in_all_ways()
{
    host_answers w
    [ -n "$(ls -A "$account_home/.cache/rota")" ]
    host_answers w
    rm "$account_home"/.cache/rota/worker-*
    host_answers w
    # a job never sees that shell
    run -0 rota submit --host w --name quoted -- sh -c 'echo "$0: a  b; $HOME" >&2; echo $((6 * 7))' it
    run -0 rota dispatch --wait "$output"
    run -0 --separate-stderr rota logs last
    [ "$output" = 42 ]
    # shellcheck disable=SC2154
    [ "$stderr" = "it: a  b; $account_home" ]
}

@test "a user whose shell is fish, with a noisy config.fish" {
    shell_host fish
    account_file .config/fish/config.fish <<'FISH'
echo Welcome to fish; echo and a complaint >&2
set -gx ROTA_NOISE "from fish"
echo -n a line without an end
FISH
    works_in_all_ways
}

@test "a user whose shell is tcsh, with a noisy .cshrc" {
    shell_host tcsh
    account_file .cshrc <<'CSH'
echo Welcome to csh
sh -c 'echo a complaint >&2'
setenv ROTA_NOISE "from csh"
alias sh echo no
echo -n "a line without an end"
CSH
    works_in_all_ways
}

@test "a user whose shell is bash, with a noisy .bashrc and strange options" {
    shell_host bash
    account_file .bashrc <<'BASH'
echo Welcome to bash; echo a complaint >&2
export ROTA_NOISE='from bash' CDPATH=/ PROMPT_COMMAND='echo prompt'
set -eu
shopt -s extglob failglob
sh() { echo no; }
printf 'a line without an end'
BASH
    works_in_all_ways
}

@test "a .bashrc that traces its commands" {
    shell_host bash
    echo 'set -x; exec 2>&1' | account_file .bashrc
    works_in_all_ways
}

@test "a user whose shell is a plain sh" {
    shell_host dash
    works_in_all_ways
}

@test "an account that may not log in: what it says, and what to do" {
    shell_host nologin
    host_refuses w "$account@127.0.1.1" 'currently not available' 'no shell' 'worker = PATH'
}

@test "an account whose shell says nothing and fails" {
    shell_host false
    host_refuses w "$account@127.0.1.1" 'it says: nothing' 'no shell' 'worker = PATH'
}

@test "an account whose shell does not exist" {
    account_new /nonexistent/shell
    account_worker w
    host_refuses w "$account@127.0.1.1" 'refuses the login'
}

# A dropbear on 127.0.1.6, on a free port. Sets server and port.
start_dropbear()
{
    local try
    dropbearkey -t ed25519 -f host >/dev/null 2>&1
    for try in {1..50}; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        dropbear -F -E -s -r host -P "$PWD/pid" -p "127.0.1.6:$port" </dev/null >log 2>&1 3>&- 8>&- &
        server=$!
        eventually dropbear_decided
        if process_lives "$server"; then
            return
        fi
        wait "$server" || :
        server=''
    done
    echo "no dropbear after $try tries:"
    cat log
    return 1
}

# It writes its pid once it listens, and ends when it cannot.
dropbear_decided()
{
    [ -s pid ] || ! process_lives "$server"
}

@test "dropbear as the server: push, much output, and a connection that is cut" {
    account_new
    start_dropbear
    printf '[127.0.1.6]:%s %s\n' "$port" "$(dropbearkey -y -f host | grep '^ssh-')" \
        >>"$HOME/known_hosts"
    four_add w 'address = 127.0.1.6' "port = $port" "user = $account" 'slots = 2'
    host_answers w
    run -0 rota submit --host w --name much -- seq 1 200000
    run -0 rota dispatch --wait "$output"
    rota logs last | cmp - <(seq 1 200000)
    # a connection that dies while a run is at work
    account_run mkfifo pipe
    exec 7<>"$account_home/pipe"
    run -0 rota submit --host w --name cut -- sh -c 'echo begin; read x <$HOME/pipe; echo end'
    id=$output
    rota dispatch 3>&- 7>&- &
    dispatcher=$!
    eventually is_running "$id"
    for pid in $(pgrep -P "$server"); do
        kill -KILL "$pid"
    done
    printf '\n' >&7
    exec 7>&-
    wait "$dispatcher"
    run -0 rota status --format '{state} {attempt}' "$id"
    [ "$output" = 'succeeded 1' ]
    run -0 rota logs "$id"
    [ "$output" = $'begin\nend' ]
}

is_running()
{
    [ "$(rota status --format '{state}' "$1")" = running ]
}
