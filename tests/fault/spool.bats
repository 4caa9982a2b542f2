#!/usr/bin/env bats
# The worker's spool is deleted, closed, replaced by a link; pids and identities in it have become others'.

# shellcheck disable=SC2030,SC2031,SC2154 # each test has its own id and spool

load ../lib
load ../dispatcher
load witness

setup()
{
    rota_setup
    local_workers here
}

teardown()
{
    touch "$WITNESS/go" 2>/dev/null || :
    rota_teardown
}

dispatch()
{
    run -0 timeout 20 rota dispatch "$@"
}

here_says()
{
    run -0 rota hosts --format '{state} {reason}' here
    # shellcheck disable=SC2053 # a pattern
    [[ $output == $1 ]]
}

front_is_gone()
{
    [ -z "$(find /proc/[0-9]*/fd -lname "$spool/lock*" 2>/dev/null)" ]
}

nobody_has()
{
    ! grep -qszxF "$1" /proc/[0-9]*/environ
}

# A run that holds while nobody is connected.
begins()
{
    witness_job job '-g -o 1000' >job.yaml
    id=$(rota submit job.yaml)
    dispatch --once
    eventually grep -qsx "$id 1 start" "$WITNESS/witness"
    spool=$(worker_spool)/here
    eventually front_is_gone
}

@test "the spool is deleted while nobody is connected: the run is lost, and not executed again" {
    begins
    rm -r "$spool"
    dispatch
    is_so "$id" 'lost spool gone*'
    touch "$WITNESS/go"
    eventually no_process_left
    [ "$(grep -c start "$WITNESS/witness")" -eq 1 ]
    witness_holds --may-lose
}

@test "the spool is deleted under a connected worker: what runs there ends, and the next run starts" {
    witness_job job '-g -o 1000' >job.yaml
    id=$(rota submit job.yaml)
    dispatcher_starts
    eventually grep -qsx "$id 1 start" "$WITNESS/witness"
    rm -r "$(worker_spool)/here"
    touch "$WITNESS/go"
    dispatcher_ends
    # its output may be gone with the spool, its end is not
    is_state "$id" succeeded
    next=$(rota submit job.yaml)
    dispatch
    is_so "$next" 'succeeded '
    [ "$(grep -c start "$WITNESS/witness")" -eq 2 ]
}

# Root is closed out of nothing: the worker is another account, through `transport = exec`.
@test "the spool is chmod 000: the host is set aside with the reason, and the run goes on when it is opened" {
    other=$BATS_TEST_TMPDIR/other
    mkdir "$other"
    cp "$ROTA_BUILD_DIR/rota-worker" "$other/rota-worker"
    chown -R nobody "$other"
    config <<INI
[worker here]
transport = exec
command = setpriv --reuid=nobody --regid=nogroup --clear-groups
worker = $other/rota-worker
spool = $other/spool
INI
    chmod o+x "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/.." "$BATS_RUN_TMPDIR"
    witness_job job '-g -o 1000' 'workdir: /' >job.yaml
    id=$(rota submit job.yaml)
    dispatch --once
    eventually grep -qsx "$id 1 start" "$WITNESS/witness"
    spool=$other/spool/$(catalogue_uuid)/here
    eventually front_is_gone
    chmod 000 "$spool"
    dispatcher_starts
    eventually here_says 'down the worker refuses: *Permission denied*'
    eventually is_so "$id" '* here unreachable since*Permission denied*'
    chmod 700 "$spool"
    touch "$WITNESS/go"
    dispatcher_ends
    is_so "$id" 'succeeded '
    [ "$(grep -c start "$WITNESS/witness")" -eq 1 ]
    witness_holds
}

@test "the spool is replaced by a symlink: refused, and nothing is written where it leads" {
    begins
    mv "$spool" "$spool.away"
    mkdir elsewhere
    ln -s "$PWD/elsewhere" "$spool"
    dispatcher_starts
    eventually here_says 'down the worker refuses: *is not a directory that only this user writes*'
    eventually is_so "$id" '* here unreachable since*'
    [ -z "$(ls -A elsewhere)" ]
    rm "$spool"
    mv "$spool.away" "$spool"
    touch "$WITNESS/go"
    dispatcher_ends
    is_so "$id" 'succeeded '
    witness_holds
}

@test "a file of the spool is replaced by a symlink: refused, and what it leads to is as it was" {
    begins
    echo precious >precious
    for file in journal.1 cells/table lock; do
        mv "$spool/$file" "$spool/$file.away"
        ln -s "$PWD/precious" "$spool/$file"
        dispatcher_starts
        eventually here_says "down the worker refuses: cannot open *: Too many levels of symbolic links"
        kill "$dispatcher"
        dispatcher_ends
        sqlite3 "$ROTA_CATALOGUE" "UPDATE host SET state = 0, reason = NULL"
        rm "$spool/$file"
        mv "$spool/$file.away" "$spool/$file"
    done
    [ "$(cat precious)" = precious ]
    touch "$WITNESS/go"
    dispatch
    is_so "$id" 'succeeded '
    [ "$(grep -c start "$WITNESS/witness")" -eq 1 ]
    witness_holds
}

# In a pid namespace the next pid can be chosen: a process gets exactly the dead shim's.
@test "pid reuse: a shim's is another process's, the run is lost, and that one is never signalled" {
    python3 - 3>&- <<'PYTHON' &
import ctypes, os, signal, time
libc = ctypes.CDLL(None)
assert libc.unshare(0x20000000) == 0  # CLONE_NEWPID
pid = os.fork()
if pid:
    open("init", "w").write(str(pid))
    os.waitpid(pid, 0)
else:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    while True:  # as an init does
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            time.sleep(0.01)
PYTHON
    namespace=$!
    eventually test -s init
    init=$(cat init)
    config <<INI
[worker here]
transport = exec
command = nsenter --target $init --pid unshare --mount --mount-proc
worker = $ROTA_BUILD_DIR/rota-worker
INI
    begins
    token=$(sqlite3 "file:$ROTA_CATALOGUE?mode=ro" "SELECT printf('ROTA_TOKEN=%016x', token) FROM attempt")
    main=$(grep -lszxF "$token" /proc/[0-9]*/environ | cut -d/ -f3 | head -n 1)
    shim=$(ps -o ppid= -p "$main" | tr -d ' ')
    [ "$(cat "/proc/$shim/comm")" = rota-shim ]
    number=$(awk '/^NSpid:/ { print $NF }' "/proc/$shim/status")
    kill -KILL "$shim"
    # its number is that of a session too, as long as one of the job lives
    eventually test ! -e "/proc/$shim"
    eventually nobody_has "$token"
    # the foreign one notes each signal that can be caught
    nsenter --target "$init" --pid sh -c "echo $((number - 1)) >/proc/sys/kernel/ns_last_pid
        exec 3>&-
        sh -c 'echo \$\$ >$PWD/foreign; for s in TERM HUP USR1 CONT INT; do trap \"echo \$s >>$PWD/signalled\" \$s; done
            until [ -e $PWD/end ]; do sleep 0.05; done; echo lived >>$PWD/foreign' & wait" 3>&- &
    nsenter=$!
    eventually test -s foreign
    [ "$(cat foreign)" = "$number" ]
    dispatch
    rota status "$id"
    is_so "$id" 'lost *supervisor is gone*'
    touch end
    wait "$nsenter"
    [ "$(sed -n 2p foreign)" = lived ]
    [ ! -e signalled ]
    kill "$init"
    wait "$namespace" || :
    echo "$id" >"$WITNESS/taken"
    witness_holds
}
