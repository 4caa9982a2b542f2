#!/usr/bin/env bats
# The disk of a worker's spool is full, has no inodes left, or its quota is used up: the run or the host
# says so, nothing is executed twice, and all goes on when there is room.

load ../lib
load ../dispatcher
load witness

setup()
{
    rota_setup
    mount=$BATS_TEST_TMPDIR/mount
    mkdir "$mount"
}

teardown()
{
    local rc=0
    touch "$WITNESS/go" 2>/dev/null || :
    rota_teardown || rc=1
    mountpoint -q "$mount" && umount -l "$mount"
    return $rc
}

# The spool is a small filesystem of its own, with these options.
spool_of()
{
    mount -t tmpfs -o "$1" tmpfs "$mount"
    config <<INI
[worker here]
transport = local
slots = 2
spool = $mount
INI
}

dispatch()
{
    run -0 timeout 30 rota dispatch
}

@test "disk full while a job writes: its output is cut and counted, its end is recorded" {
    spool_of size=1M
    printf 'name: big\nshell: head -c 4M /dev/zero; exit 3\noutput: {limit: 16M}\n' >job.yaml
    id=$(rota submit job.yaml)
    dispatch
    is_so "$id" 'failed *'
    run -0 rota status -o json "$id"
    [ "$(json .exit_code)" -eq 3 ]
    [ "$(json .out_dropped)" -gt $((3 << 20)) ]
    rota logs "$id" >/dev/null
    size=$(stat -c %s "$HOME/output/0/$id.1.out")
    [ "$size" -eq $(((4 << 20) - $(json .out_dropped))) ]
    [[ $(json .reason) == *'the spool on this host was full: output was cut'* ]]
}

@test "disk full before a run: the host or the run says so, and the next one works when there is room" {
    spool_of size=256K
    first=$(rota submit -- true)
    dispatch
    is_state "$first" succeeded
    dd if=/dev/zero of="$mount/filler" bs=4k status=none 2>/dev/null || :
    witness_job job >job.yaml
    id=$(rota submit job.yaml)
    dispatch
    # it has not begun: it waits, or has failed with the reason
    [ ! -e "$WITNESS/witness" ]
    is_so "$id" '* *No space left on device*'
    rm "$mount/filler"
    next=$(rota submit job.yaml)
    dispatch
    is_state "$next" succeeded
    witness_holds
}

@test "inodes full: output is cut, the end is recorded, and the next run works" {
    spool_of nr_inodes=24
    first=$(rota submit -- true)
    dispatch
    is_state "$first" succeeded
    n=0
    while : 2>/dev/null >"$mount/filler.$n"; do
        n=$((n + 1))
    done
    [ "$n" -gt 0 ]
    id=$(rota submit -- sh -c 'echo lost; exit 3')
    dispatch
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE host SET state = 0'
    rm "$mount"/filler.*
    dispatch
    run -0 rota status -o json "$id"
    [ "$(json .exit_code)" -eq 3 ]
    next=$(rota submit -- echo kept)
    dispatch
    is_so "$next" 'succeeded '
    [ "$(rota logs "$next")" = kept ]
}

# What the machine cannot make: strace answers in the place of the kernel, for the supervisor too.
injected()
{
    cat >worker <<SH
#!/bin/sh
export ASAN_OPTIONS="\${ASAN_OPTIONS-}:detect_leaks=0"
exec strace -f -D -o "$PWD/trace.\$\$" -e trace=$1 -e inject=$1:error=EDQUOT:when=$2 "$ROTA_BUILD_DIR/rota-worker" "\$@"
SH
    chmod +x worker
    config <<INI
[worker here]
transport = local
worker = $PWD/worker
INI
}

@test "quota full when a run is promised: it does not begin, and says so" {
    injected fallocate 2+
    witness_job job >job.yaml
    id=$(rota submit job.yaml)
    dispatch
    grep -q 'EDQUOT.*INJECTED' trace.*
    is_so "$id" "failed *the worker's spool has no room: Disk quota exceeded*"
    [ ! -e "$WITNESS/witness" ]
}

@test "quota full while a job writes: its output is cut and counted, its end is recorded" {
    injected pwrite64 1+
    id=$(rota submit -- sh -c 'echo 1234567; exit 3')
    dispatch
    grep -q 'EDQUOT.*INJECTED' trace.*
    run -0 rota status -o json "$id"
    [ "$(json '"\(.state) \(.exit_code) \(.out_dropped)"')" = 'failed 3 8' ]
}
