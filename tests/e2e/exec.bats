#!/usr/bin/env bats
# Transport exec: any command that leads to a worker; and what openssh pushes, with homes of its own.

load ../lib
load installed

# The worker w by way of a command: exec_worker COMMAND [LINE…].
exec_worker()
{
    four_add w 'transport = exec' "command = $1" "${@:2}"
}

is_running()
{
    [ "$(rota status --format '{state}' "$1")" = running ]
}

# A run on w that ends when the test says so, while its dispatcher goes on.
begin_waiting_run()
{
    run -0 rota submit --host w -- sh -c 'echo begin; read x <$HOME/pipe; echo end'
    rota dispatch 3>&- 7>&- &
    dispatcher=$!
    eventually is_running 1
}

end_waiting_run()
{
    printf '\n' >&7
    exec 7>&-
    wait "$dispatcher"
    run -0 rota status --format '{state} {attempt}' 1
    [ "$output" = 'succeeded 1' ]
    run -0 rota logs 1
    [ "$output" = $'begin\nend' ]
}

# ---- it leads there ----

@test "a command that leads to another home: the worker is pushed there" {
    mkdir other
    exec_worker "env HOME=$PWD/other"
    host_answers w
    cmp "other/.cache/rota/worker-$build_id" "$ROTA_BUILD_DIR/rota-worker"
    host_answers w
    run -0 rota hosts --format '{name} {transport} {state}'
    [ "$output" = 'w exec up' ]
}

@test "a command that becomes another account: its runs are that account's" {
    account_new
    exec_worker "setpriv --reuid=$account --regid=$account --init-groups env HOME=$account_home"
    run -0 rota submit --host w -- sh -c 'id -un; id -Gn; echo "$HOME"; pwd'
    run -0 rota dispatch --wait 1
    run -0 rota logs 1
    [ "$output" = "$account
$(id -Gn "$account")
$account_home
$account_home" ]
    [ "$(stat -c %U "$account_home/.cache/rota/worker-$build_id")" = "$account" ]
}

@test "exec with worker = PATH starts that one, with words of its own, and pushes nothing" {
    account_new
    exec_worker "setpriv --reuid=$account --regid=$account --init-groups env HOME=$account_home" \
        "worker = $installed"
    host_answers w
    [ ! -e "$account_home/.cache" ]
}

@test "%h is the address, %n the worker's name, and the shell reads the rest" {
    mkdir 'a home'
    cat >lead <<'SH'
#!/bin/sh
echo "$1|$2|$3" >>words
shift 3
exec "$@"
SH
    chmod +x lead
    four_add 'pod[1-2]' 'address = 192.0.2.1' 'transport = exec' 'slots = 1' \
        "command = env HOME='$PWD/a home' $PWD/lead %h 'the %n' 100%%"
    run -0 rota submit --host pod1 -- true
    run -0 rota submit --host pod2 -- true
    run -0 rota dispatch
    run -0 rota status --format '{state}'
    [ "$output" = $'succeeded\nsucceeded' ]
    [ "$(sort -u words)" = $'192.0.2.1|the pod1|100%\n192.0.2.1|the pod2|100%' ]
}

@test "a command that is noisy before the worker speaks" {
    mkdir other
    printf '#!/bin/sh\necho Welcome; echo a warning >&2; printf "no end"; exec "$@"\n' >lead
    chmod +x lead
    exec_worker "$PWD/lead env HOME=$PWD/other"
    host_answers w
}

@test "a run survives the death of the command, and dispatch leads there anew" {
    account_new
    account_run mkfifo pipe
    exec 7<>"$account_home/pipe"
    exec_worker "setpriv --reuid=$account --regid=$account --init-groups env HOME=$account_home"
    begin_waiting_run
    front=$(pgrep -P "$dispatcher")
    [[ $front =~ ^[0-9]+$ ]]
    kill -KILL "$front"
    end_waiting_run
}

# ---- it does not ----

@test "a command that does not exist" {
    exec_worker '/nonexistent/lead to %h' 'address = db'
    host_refuses w "'/nonexistent/lead to db'" 'not found'
}

@test "a command that prints and ends: its words, and what to do" {
    exec_worker 'echo This leads nowhere:'
    host_refuses w 'echo This leads nowhere' 'worker = PATH'
}

@test "a command that fails: its words" {
    printf '#!/bin/sh\necho "no container named $1" >&2; exit 2\n' >lead
    chmod +x lead
    exec_worker "$PWD/lead %h" 'address = db'
    host_refuses w "$PWD/lead db" 'no container named db' 'status 2'
}

@test "a command that leads nowhere and does not end is given up; other hosts do not wait" {
    export ROTA_TEST_STEP_MS=3000
    account_new
    four_add good 'transport = exec' "worker = $installed" \
        "command = setpriv --reuid=$account --regid=$account --init-groups env HOME=$account_home"
    printf '#!/bin/sh\nexec tail -f /dev/null\n' >lead
    chmod +x lead
    exec_worker "$PWD/lead"
    run -0 rota submit --host good -- true
    host_refuses w "$PWD/lead" 'does not lead to a worker' 'waited 3 s'
    run -0 rota status --format '{state}' 1
    [ "$output" = succeeded ]
}

@test "exec without a command, and a command without exec, are refused with their line" {
    four_add w 'transport = exec'
    run -78 rota submit --host w -- true
    run -78 rota dispatch
    [[ $output == *rota.ini:*command* ]]
}

# ---- openssh and homes of their own ----

@test "openssh pushes the worker, replaces a damaged one, and prunes" {
    account_new
    account_worker w 'transport = openssh'
    account_run mkdir -p .cache/rota
    account_run touch -d '40 days ago' .cache/rota/worker-0.0.1-old
    host_answers w
    [ "$(ls -A "$account_home/.cache/rota")" = "worker-$build_id" ]
    truncate -s 100000 "$account_home/.cache/rota/worker-$build_id"
    host_answers w
    cmp "$account_home/.cache/rota/worker-$build_id" "$ROTA_BUILD_DIR/rota-worker"
}

@test "openssh and an account that may not log in, or has a forced command" {
    account_new /usr/sbin/nologin
    account_worker w 'transport = openssh'
    host_refuses w "$account@127.0.1.1" 'currently not available' 'no shell' 'worker = PATH'
    account_new
    printf 'restrict,command="echo This key is for backups only." %s\n' "$(cat "$FOUR/user.pub")" \
        >"$account_home/.ssh/authorized_keys"
    account_worker forced 'transport = openssh'
    host_refuses forced 'This key is for backups only.' 'forced command' 'worker = PATH'
}

@test "openssh and a full home" {
    account_new
    account_worker w 'transport = openssh'
    cp -a "$account_home/.ssh" "$HOME/ssh"
    mount -t tmpfs -o "mode=700,uid=$(id -u "$account"),gid=$(id -g "$account"),size=64k" \
        rota-test "$account_home"
    cp -a "$HOME/ssh" "$account_home/.ssh"
    host_refuses w "$account@127.0.1.1" 'No space left' 'make room'
}
