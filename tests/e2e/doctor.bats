#!/usr/bin/env bats
# rota monitor doctor: what it says of hosts, each trouble made on purpose. Those of the head are in
# ../doctor.bats.

load ../lib
load four
load accounts
load answers

setup_file()
{
    accounts_start
    install -D -m 755 "$ROTA_BUILD_DIR/rota-worker" "$ACCOUNTS/libexec/rota-worker"
    chmod 755 "$ACCOUNTS/libexec"
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$FOUR/other"
    # 127.0.1.5: a host that has only an RSA key
    mkdir "$FOUR/rsa-host"
    ssh-keygen -q -t rsa -b 2048 -N '' -C '' -f "$FOUR/rsa-host/host"
    four_sshd "$FOUR/rsa-host" 127.0.1.5 'SetEnv HOME=/nonexistent'
    # 127.0.1.6: an sshd that takes few logins at a time
    four_sshd "$FOUR/few" 127.0.1.6 'MaxStartups 3:30:60' 'SetEnv HOME=/nonexistent'
}

teardown_file()
{
    accounts_stop
}

setup()
{
    rota_setup
    export ROTA_TEST_STEP_MS=60000 ROTA_TEST_ROOT=$HOME/root
    accounts_config
    port=$(cat "$FOUR/four/port")
    installed=$ACCOUNTS/libexec/rota-worker
    # so that nothing is said of the head
    mkdir -p "$HOME/root/etc/systemd/system"
    printf '[Service]\nExecStart=%s dispatch --stay\n' "$ROTA_BUILD_DIR/rota" \
        >"$HOME/root/etc/systemd/system/rota.service"
    rota submit --hold -- true >/dev/null
}

# The hosts' troubles (or what -v VERDICT says) as lines "host check: what: mend", in $found: look RC VERDICT [HOST…]
look()
{
    local rc=$1 verdict=$2
    shift 2
    run "-$rc" timeout 180 rota monitor doctor -v -o json "$@"
    # what is logged with -v is no JSON
    found=$(grep '^{' <<<"$output" | jq -r --arg verdict "$verdict" 'select(.verdict == $verdict and .host)
        | "\(.host) \(.check): \(.what): \(.mend)"' | grep -v 'workers of other builds lie' || :)
}

# The worker w has exactly one trouble (hint), under a check, with these words: has VERDICT CHECK WORD…
has()
{
    local verdict=$1 check=$2 rc=0 word
    shift 2
    [ "$verdict" = hint ] || rc=1
    look "$rc" "$verdict" w
    [ "$(wc -l <<<"$found")" -eq 1 ] || { echo "$verdict: $found"; return 1; }
    for word in "w $check: " "$@"; do
        [[ $found == *"$word"* ]] || { echo "no '$word' in: $found"; return 1; }
    done
}

# No trouble, and most checks say so.
is_well()
{
    look 0 ok w
    [ "$(wc -l <<<"$found")" -ge 11 ] || { echo "$found"; return 1; }
}

# An account as the worker w, with a home of its own.
new_host()
{
    account_new
    account_worker w "$@"
}

# The same with an installed worker behind a script: wrapped LINE…, each run before it starts. What a
# line filters must not be held back: the worker waits for the question that its greeting asks for.
wrapped()
{
    local script
    account_new
    script=$ACCOUNTS/libexec/$account
    printf '%s\n' '#!/bin/bash' "$@" "exec $installed \"\$@\"" >"$script"
    chmod 755 "$script"
    account_worker w "worker = $script"
}

# The home of the last account becomes a filesystem of its own: mount_home OPTIONS.
mount_home()
{
    cp -a "$account_home/.ssh" "$HOME/ssh"
    mount -t tmpfs -o "mode=700,uid=$(id -u "$account"),gid=$(id -g "$account"),$1" rota-test \
        "$account_home"
    cp -a "$HOME/ssh" "$account_home/.ssh"
}

# ---- well ----

@test "a host that is well: the worker is pushed, asked, and nothing of it stays" {
    new_host
    is_well
    [ "$(ls -A "$account_home/.cache/rota")" = "worker-$(cut -d'"' -f2 "$ROTA_BUILD_DIR/build_id.h")" ]
    [ ! -e "$account_home/.local" ]
    eventually account_is_idle "$account"
}

@test "the other transports: openssh, exec, local" {
    new_host 'transport = openssh'
    is_well
    sed -i '/^\[worker w\]/,$d' "$ROTA_CONFIG"
    four_add w 'transport = exec' 'command = env'
    is_well
    sed -i '/^\[worker w\]/,$d' "$ROTA_CONFIG"
    four_add w 'transport = local'
    is_well
}

is_running()
{
    [ "$(rota status --format '{state}' "$1")" = running ]
}

@test "a living dispatcher and its runs are not disturbed" {
    new_host
    account_run mkfifo pipe
    exec 7<>"$account_home/pipe"
    run -0 rota submit --host w --name waits -- sh -c 'read x <pipe; echo end'
    id=$output
    rota dispatch -v --wait "$id" 2>said 3>&- 7>&- &
    dispatcher=$!
    eventually is_running "$id"
    for _ in 1 2 3; do
        is_well
    done
    printf '\n' >&7
    wait "$dispatcher"
    exec 7>&-
    run -0 rota status --format '{state} {attempt}' "$id"
    [ "$output" = 'succeeded 1' ]
    run ! grep -E 'took|broke|unreachable|ended' said
}

# ---- not reached ----

@test "a key that is refused" {
    new_host "identity = $FOUR/other"
    has trouble login "$account@127.0.1.1:$port" "$FOUR/other" 'add the public key to authorized_keys'
}

@test "a host key that changed, and one that is unknown" {
    sed -i "/^\[127.0.1.1\]/s|ssh-ed25519.*|$(cat "$FOUR/other.pub")|" "$HOME/known_hosts"
    new_host
    has trouble host-key 'another host key' 'ssh-keygen -R'
    : >"$HOME/known_hosts"
    has trouble host-key 'host key' 'ssh-keyscan'
}

@test "a closed port, and a name without an address" {
    four_add w 'address = 127.0.0.1' 'port = 1'
    has trouble connection '127.0.0.1:1' 'Connection refused' 'does sshd run there'
    sed -i 's/^address = .*/address = no-such-host.invalid/' "$ROTA_CONFIG"
    has trouble name 'no-such-host.invalid' 'correct'
}

@test "a host that accepts and says nothing is given up, and delays no other" {
    new_host
    exec {input}<> <(:)
    python3 -c 'import socket, sys
s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True)
sys.stdin.read()' <&"$input" >silent 3>&- &
    server=$!
    eventually test -s silent
    four_add mute 'address = 127.0.0.1' "port = $(cat silent)"
    export ROTA_TEST_STEP_MS=3000
    printf '[127.0.0.1]:%s %s\n' "$(cat silent)" "$(cat "$FOUR/other.pub")" >>"$HOME/known_hosts"
    look 1 trouble mute w
    [[ $found == 'mute '*'does not speak SSH'* ]]
    [ "$(wc -l <<<"$found")" -eq 1 ]
    kill "$server"
    wait "$server" || :
}

@test "a host that has only an RSA key: a hint; with transport = ssh a trouble" {
    four_know "$FOUR/rsa-host" 127.0.1.5
    four_add w 'address = 127.0.1.5' "port = $(cat "$FOUR/rsa-host/port")"
    has hint key 'through the ssh program only' 'RSA key only' 'ed25519'
    echo 'transport = ssh' >>"$ROTA_CONFIG"
    has trouble key 'RSA key only' 'use transport = openssh'
}

@test "an account with a forced command, and one that only serves" {
    new_host
    printf 'restrict,command="echo This key is for backups only." %s\n' "$(cat "$FOUR/user.pub")" \
        >"$account_home/.ssh/authorized_keys"
    has trouble login 'This key is for backups only.' 'worker = PATH'
    printf 'restrict,command="%s" %s\n' "set -- \$SSH_ORIGINAL_COMMAND; exec $installed serve \$4" \
        "$(cat "$FOUR/user.pub")" >"$account_home/.ssh/authorized_keys"
    sed -i "/^\[worker w\]/a worker = $installed" "$ROTA_CONFIG"
    # it greets and waits for another question
    ROTA_TEST_STEP_MS=3000 has trouble worker 'forced command'
}

@test "MaxStartups below what many hosts at one address need" {
    four_know "$FOUR/few" 127.0.1.6
    four_add 'many[1-8]' 'address = 127.0.1.6' "port = $(cat "$FOUR/few/port")"
    look 1 trouble 'many[1-8]'
    # whether it was let in or dropped, each of them says the same reason and nothing else
    [ "$(grep -c '^many[1-8] sshd-logins: .*MaxStartups' <<<"$found")" -eq 8 ]
    [ "$(wc -l <<<"$found")" -eq 8 ]
    [[ $found == *'when 3 are under way'*'rota logs in 8 at a time: set MaxStartups 18'* ]]
}

# ---- the home ----

@test "a home mounted noexec" {
    new_host
    mount_home noexec
    has trouble home 'Permission denied' 'where the home is mounted noexec' 'worker = PATH'
    sed -i "/^\[worker w\]/a worker = $installed" "$ROTA_CONFIG"
    is_well
}

@test "a full home: for the worker, and for jobs" {
    new_host
    mount_home size=64k
    has trouble home 'No space left' 'make room'
    sed -i "/^\[worker w\]/a worker = $installed" "$ROTA_CONFIG"
    look 1 trouble w
    [[ $found == *"w home: only "*" KB are free in $account_home: make room there"* ]]
}

@test "a home without inodes" {
    new_host "worker = $installed"
    mount_home size=100m,nr_inodes=40
    look 1 trouble w
    [[ $found == *"w home: only "*" more files can be made in $account_home"* ]]
}

@test "a home that may only be read" {
    new_host "worker = $installed"
    mount_home size=100m
    mount -o remount,ro "$account_home"
    look 1 trouble w
    [[ $found == *"w home: no file can be written in $account_home (Read-only file system)"* ]]
}

# ---- the spool ----

@test "the spool of a worker that was removed, and an old one of another catalogue" {
    new_host
    host_answers w
    sed -i 's/^\[worker w\]/[worker v]/' "$ROTA_CONFIG"
    look 0 hint v
    [[ $found == "v leftovers: a stale spool of the removed worker 'w' lies there"*'rm -r '*/w ]]
    other=$account_home/.local/state/rota-worker/0123456789abcdef0123456789abcdef/x
    account_run mkdir -p "$other"
    account_run touch "$other/journal.1"
    look 0 hint v
    [[ $found != *"'x'"* ]]
    account_run touch -d '40 days ago' "$other/journal.1" "$other"
    look 0 hint v
    [[ $found == *"another catalogue's worker 'x' lies there"*'40 days ago'* ]]
}

@test "runs of a removed worker that are still there are a trouble" {
    new_host
    account_run mkfifo pipe
    exec 7<>"$account_home/pipe"
    run -0 rota submit --host w -- sh -c 'read x <pipe'
    id=$output
    rota dispatch 3>&- 7>&- &
    dispatcher=$!
    eventually is_running "$id"
    kill "$dispatcher"
    wait "$dispatcher" || :
    sed 's/^\[worker w\]/[worker v]/' "$ROTA_CONFIG" >"$HOME/other.ini"
    chmod 600 "$HOME/other.ini"
    ROTA_CONFIG=$HOME/other.ini look 1 trouble v
    [[ $found == *"runs of the worker 'w', which rota.ini does not name any more, are still there"* ]]
    printf '\n' >&7
    exec 7>&-
    rota dispatch
    [ "$(rota status --format '{state}' "$id")" = succeeded ]
}

@test "a spool on a network filesystem" {
    # shellcheck disable=SC2016 # for the shell of the host
    wrapped 'export ROTA_TEST_NETFS=$HOME/nfs'
    sed -i "/^\[worker w\]/a spool = $account_home/nfs/spool" "$ROTA_CONFIG"
    account_run mkdir -p nfs
    look 1 trouble w
    [[ $found == "w spool: the spool $account_home/nfs/spool is on a network filesystem (NFS)"* ]]
    [ "$(wc -l <<<"$found")" -eq 1 ]
}

# ---- the worker ----

@test "an installed worker of another build, and one that is older than the doctor" {
    build=$(cut -d'"' -f2 "$ROTA_BUILD_DIR/build_id.h")
    wrapped "exec $installed \"\$@\" | sed -u 's/^build .*/build 0.0.9-older/'"
    has trouble worker "$ACCOUNTS/libexec/$account" '0.0.9-older' "$build" 'install the rota-worker'
    sed -i '/^\[worker w\]/,$d' "$ROTA_CONFIG"
    wrapped "echo 'usage: rota-worker serve NONCE' >&2" 'exit 64'
    has trouble worker 'of an older build' 'install the rota-worker of this build there'
}

@test "nothing at worker = PATH" {
    new_host 'worker = /nonexistent/rota-worker'
    has trouble worker '/nonexistent/rota-worker does not start' 'is it there'
}

# ---- the system ----

@test "a clock that is ahead, and hosts that agree that ours is wrong" {
    wrapped "exec $installed \"\$@\" | while IFS= read -r line; do" \
        "case \$line in clock*) line=\"clock \$((\${line#* } + 42000))\" ;; esac" \
        "printf '%s\\n' \"\$line\"; done"
    has trouble clock 'the clock is 4' 's ahead' 'run chronyd or ntpd there'
    sed -i '/^\[worker w\]/,$d' "$ROTA_CONFIG"
    new_host
    for name in a b c; do
        account_worker "$name"
    done
    # the preloaded library need not come first for a sanitizer build
    export ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0"
    run -1 timeout 180 env FAKETIME_DONT_FAKE_MONOTONIC=1 faketime -f -1h rota monitor doctor
    [[ $output == *'trouble 4 hosts agree that it is 3'*' s later than this machine'*'set the clock here'* ]]
}

@test "time zone data that is absent there" {
    wrapped 'export TZDIR=/nonexistent'
    has hint time-zones 'there is no time zone data' 'tzdata'
}

@test "KillUserProcesses ends runs with the connection, unless the account lingers" {
    wrapped "export ROTA_TEST_ROOT=$ACCOUNTS/root XDG_SESSION_ID=7"
    mkdir -p "$ACCOUNTS/root/etc/systemd/logind.conf.d" "$ACCOUNTS/root/var/lib/systemd/linger"
    printf '[Login]\n#KillUserProcesses=no\n' >"$ACCOUNTS/root/etc/systemd/logind.conf"
    is_well
    printf '[Login]\nKillUserProcesses = yes\n' >"$ACCOUNTS/root/etc/systemd/logind.conf.d/50.conf"
    has trouble logind KillUserProcesses "loginctl enable-linger $account"
    : >"$ACCOUNTS/root/var/lib/systemd/linger/$account"
    is_well
    rm "$ACCOUNTS/root/var/lib/systemd/linger/$account"
    printf 'KillExcludeUsers=root %s\n' "$account" \
        >>"$ACCOUNTS/root/etc/systemd/logind.conf.d/50.conf"
    is_well
}

@test "limits that runs would meet" {
    wrapped 'ulimit -u 40' 'ulimit -n 100' 'ulimit -f 1000'
    look 1 trouble w
    [ "$(grep -c '^w limits: ' <<<"$found")" -eq 3 ]
    [[ $found == *'may have 40 processes (ulimit -u)'* ]]
    [[ $found == *'may open 100 files (ulimit -Hn)'* ]]
    [[ $found == *'a file may be no longer than '*'(ulimit -f)'* ]]
}

@test "a /proc that is hidden or not there, and no shell" {
    wrapped "exec $installed \"\$@\" | sed -u '/^end$/i hidepid 1'"
    has hint proc hidepid
    sed -i '/^\[worker w\]/,$d' "$ROTA_CONFIG"
    wrapped "exec $installed \"\$@\" | sed -u 's/^proc 1/proc 0/; s/^shell 1/shell 0/'"
    look 1 trouble w
    [[ $found == *'w proc: /proc cannot be read'* ]]
    [[ $found == *'w limits: there is no /bin/sh'* ]]
}

@test "another machine under the name of a host" {
    wrapped 'export ROTA_TEST_MACHINE_ID=first'
    host_answers w
    is_well
    sed -i 's/=first/=second/' "$ACCOUNTS/libexec/$account"
    has trouble machine 'another machine answers'
    [ "$(rota hosts --format '{machine}' w)" = first ]
}

# ---- hosts that lie ----

@test "what a host says is escaped, and has an end" {
    wrapped "$installed \"\$@\" | sed -u 's/^home .*/home \x1b]0;owned\x07/; s/^home_error.*//; s/^end/home_error \x1b[31mred\nend/'" \
        'exit 0'
    run -1 timeout 180 rota monitor doctor w
    [[ $output == *'\x1b]0;owned\x07 (\x1b[31mred)'* ]]
    [[ $output != *$'\e'* ]]
    sed -i '/^\[worker w\]/,$d' "$ROTA_CONFIG"
    # it reads to the end of the question, so that its answer ends too
    wrapped "sed -u /./!q | $installed \"\$@\" | sed -u '/^end/d'; yes home_error again"
    has trouble worker 'tells more than'
    sed -i '/^\[worker w\]/,$d' "$ROTA_CONFIG"
    export ROTA_TEST_STEP_MS=3000
    wrapped "$installed \"\$@\" | sed -u '/^end/d'; exec cat"
    has trouble worker 'tells nothing'
}

@test "many hosts at once, of which none can be reached" {
    four_add 'gone[1-100]' 'address = 127.0.0.1' 'port = 1'
    look 1 trouble 'gone[1-100]'
    [ "$(grep -c 'Connection refused' <<<"$found")" -eq 100 ]
}

# ---- of the head, what only root can make ----

@test "a full disk under the catalogue" {
    new_host
    mkdir disk
    mount -t tmpfs -o size=8m rota-test disk
    export ROTA_CATALOGUE=$PWD/disk/catalogue.db
    rota submit --hold -- true >/dev/null
    run -1 timeout 180 rota monitor doctor w
    umount disk
    [[ $output == *"trouble only "*" MB are free in $PWD/disk, where the catalogue"*'make room'* ]]
}

@test "a crontab on a machine where no cron runs" {
    rm "$HOME/root/etc/systemd/system/rota.service"
    mkdir -p "$HOME/root/etc/cron.d"
    echo "* * * * * root $ROTA_BUILD_DIR/rota dispatch" >"$HOME/root/etc/cron.d/rota"
    four_add w 'transport = local'
    run -1 timeout 180 unshare --pid --fork --mount-proc rota monitor doctor
    [[ $output == *"trouble $HOME/root/etc/cron.d/rota starts 'rota dispatch', but no cron runs"* ]]
}
