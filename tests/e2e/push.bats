#!/usr/bin/env bats
# How the worker gets to a host, and what is said where it cannot.

load ../lib
load installed

# An account as the worker w, with a home of its own.
new_host()
{
    account_new
    account_worker w "$@"
    cache=$account_home/.cache/rota pushed=$account_home/.cache/rota/worker-$build_id
}

# The home of the last account becomes a filesystem of its own: mount_home OPTIONS.
mount_home()
{
    cp -a "$account_home/.ssh" "$HOME/ssh"
    mount -t tmpfs -o "mode=700,uid=$(id -u "$account"),gid=$(id -g "$account"),$1" rota-test \
        "$account_home"
    cp -a "$HOME/ssh" "$account_home/.ssh"
}

# The programs in a directory of their own, first in PATH.
copy_programs()
{
    mkdir "$1"
    cp "$ROTA_BUILD_DIR"/rota "$ROTA_BUILD_DIR"/rota-* "$1"
    PATH=$PWD/$1:$PATH
}

# Copies the programs as another build: the id is another one, all else is the same.
copy_as_next_build()
{
    next_id=${build_id%????}next
    copy_programs "$1"
    python3 - "$build_id" "$next_id" "$1"/rota-dispatch "$1"/rota-worker <<'PYTHON'
import sys
old, new = (word.encode() for word in sys.argv[1:3])
assert len(old) == len(new)
for path in sys.argv[3:]:
    with open(path, "r+b") as file:
        image = file.read()
        assert old in image
        file.seek(0)
        file.write(image.replace(old, new))
PYTHON
}

# ---- it gets there ----

@test "a host without a worker gets one, whole, executable, and once" {
    new_host
    host_answers w
    [ "$(ls -A "$cache")" = "worker-$build_id" ]
    cmp "$pushed" "$ROTA_BUILD_DIR/rota-worker"
    [ "$(stat -c '%a %U' "$pushed")" = "755 $account" ]
    [ "$(stat -c %a "$cache")" = 700 ]
    before=$(stat -c '%i %Y' "$pushed")
    host_answers w
    [ "$(stat -c '%i %Y' "$pushed")" = "$before" ]
}

@test "a pushed worker that is cut in half, emptied or garbage is replaced" {
    new_host
    host_answers w
    truncate -s $(($(stat -c %s "$pushed") / 2)) "$pushed"
    host_answers w
    cmp "$pushed" "$ROTA_BUILD_DIR/rota-worker"
    : >"$pushed"
    host_answers w
    cmp "$pushed" "$ROTA_BUILD_DIR/rota-worker"
    printf '\177ELF of another machine' >"$pushed"
    host_answers w
    cmp "$pushed" "$ROTA_BUILD_DIR/rota-worker"
    [ "$(ls -A "$cache")" = "worker-$build_id" ]
}

@test "a pushed worker that lost its permission to be executed is replaced" {
    new_host
    host_answers w
    chmod 644 "$pushed"
    host_answers w
    [ -x "$pushed" ]
}

@test "two heads that push to one account at once both get their runs done" {
    new_host
    mkdir one two
    ROTA_CATALOGUE=$PWD/one/it.db rota submit --host w -- echo first
    ROTA_CATALOGUE=$PWD/two/it.db rota submit --host w -- echo second
    ROTA_CATALOGUE=$PWD/one/it.db rota dispatch 3>&- &
    first=$!
    ROTA_CATALOGUE=$PWD/two/it.db rota dispatch
    wait "$first"
    [ "$(ROTA_CATALOGUE=$PWD/one/it.db rota logs 1)" = first ]
    [ "$(ROTA_CATALOGUE=$PWD/two/it.db rota logs 1)" = second ]
    cmp "$pushed" "$ROTA_BUILD_DIR/rota-worker"
    [ "$(ls -A "$cache")" = "worker-$build_id" ]
}

@test "builds that nobody used for a month go at the next push, other files stay" {
    new_host
    account_run mkdir -p .cache/rota
    account_run touch -d '40 days ago' .cache/rota/worker-0.0.1-old .cache/rota/tmp.dead \
        .cache/rota/notes
    account_run touch .cache/rota/worker-0.0.2-young
    host_answers w
    [ "$(ls -A "$cache")" = "notes
worker-0.0.2-young
worker-$build_id" ]
}

# ---- another machine ----

# The account's uname says what the argument says.
fake_uname()
{
    account_run mkdir -p bin
    printf '#!/bin/sh\necho %s\n' "$1" >"$account_home/bin/uname"
    chmod 755 "$account_home/bin/uname"
    # shellcheck disable=SC2016
    echo 'export PATH=$HOME/bin:$PATH' >"$account_home/.bashrc"
}

@test "a host of another architecture: it is named, and what to do" {
    new_host
    fake_uname 'Linux aarch64'
    host_refuses w "'Linux aarch64'" 'rota-worker-Linux-aarch64' 'worker = PATH'
    [ ! -e "$cache" ]
    printf 'worker = %s\n' "$installed" >>"$ROTA_CONFIG"
    host_answers w
}

@test "a host of another architecture gets the build for it that lies beside the program" {
    new_host
    fake_uname 'Linux aarch64'
    copy_programs programs
    # stands in for a build for that machine: the very program that fails there in truth
    cp programs/rota-worker programs/rota-worker-Linux-aarch64
    rm programs/rota-worker
    host_answers w
    cmp "$pushed" programs/rota-worker-Linux-aarch64
}

@test "a worker beside the program that is of another build is not pushed" {
    new_host
    fake_uname 'Linux aarch64'
    copy_as_next_build other
    cp "$ROTA_BUILD_DIR/rota-worker" other/rota-worker-Linux-aarch64
    host_refuses w "$PWD/other/rota-worker-Linux-aarch64" 'not of the same build' 'install'
    [ ! -e "$cache" ]
}

# ---- where it cannot ----

@test "a home mounted noexec: the message says so; worker = PATH helps" {
    new_host
    mount_home noexec
    host_refuses w "$account@127.0.1.1" 'Permission denied' 'noexec' 'worker = PATH'
    printf 'worker = %s\n' "$installed" >>"$ROTA_CONFIG"
    host_answers w
}

@test "a full home: the message has the reason; nothing half is left" {
    new_host
    mount_home size=64k
    host_refuses w "$account@127.0.1.1" 'No space left' 'make room'
    [ -z "$(ls -A "$cache")" ]
}

@test "an account with a forced command: its words, and what to do" {
    new_host
    printf 'restrict,command="echo This key is for backups only." %s\n' "$(cat "$FOUR/user.pub")" \
        >"$account_home/.ssh/authorized_keys"
    host_refuses w 'This key is for backups only.' 'forced command' 'worker = PATH'
}

@test "a forced command that runs an installed worker, with worker = PATH" {
    new_host "worker = $installed"
    printf 'restrict,command="%s" %s\n' \
        "set -- \$SSH_ORIGINAL_COMMAND; exec $installed serve \${4:?}" "$(cat "$FOUR/user.pub")" \
        >"$account_home/.ssh/authorized_keys"
    host_answers w
    [ ! -e "$cache" ]
}

@test "worker = PATH where there is nothing, or no program: named, and nothing is pushed" {
    new_host "worker = $ACCOUNTS/libexec/none"
    host_refuses w "the worker $ACCOUNTS/libexec/none does not start" 'No such file'
    sed -i 's|/libexec/none|/libexec|' "$ROTA_CONFIG"
    host_refuses w "the worker $ACCOUNTS/libexec does not start" 'directory'
    [ ! -e "$cache" ]
}

# ---- a new build ----

all_run()
{
    [ "$(rota status --state running -o id | wc -l)" -eq 6 ]
}

@test "the live runs of an old build's worker yield their results, once, to a new build" {
    new_host 'slots = 6'
    account_run mkfifo pipe
    exec 7<>"$account_home/pipe"
    for _ in {1..6}; do
        printf '{"name": "waits", "where": {"hosts": "w"}, "shell": "%s"}\n---\n' \
            'echo $ROTA_RUN >>witness; echo begin; read x <pipe; echo end'
    done | sed '$d' | rota submit - >ids
    rota dispatch 2>old.err 3>&- 7>&- &
    dispatcher=$!
    eventually all_run
    kill -KILL "$dispatcher"
    wait "$dispatcher" || :
    # two end while nobody looks, the others under the new build
    printf '\n\n' >&7 # each takes one line of one byte, which no two can share
    copy_as_next_build next
    rota dispatch 3>&- 7>&- &
    dispatcher=$!
    eventually two_ended
    printf '\n\n\n\n' >&7
    wait "$dispatcher"
    exec 7>&-
    run -0 rota status --format '{id} {state} {attempt}'
    [ "$output" = "$(for id in 1 2 3 4 5 6; do echo "$id succeeded 1"; done)" ]
    [ "$(sort -n "$account_home/witness")" = $'1\n2\n3\n4\n5\n6' ]
    for id in 1 2 3 4 5 6; do
        [ "$(rota logs "$id")" = $'begin\nend' ]
    done
    [ "$(ls -A "$cache")" = "$(printf 'worker-%s\n' "$build_id" "$next_id" | sort)" ]
}

two_ended()
{
    [ "$(rota status --state succeeded -o id | wc -l)" -eq 2 ]
}
