#!/usr/bin/env bats
# The units of systemd: systemd finds no fault in them, and a real service manager, for a user and in namespaces
# of its own, stops and starts the dispatcher while its jobs go on. Needs root.

load ../lib

setup()
{
    rota_setup
    prefix=$BATS_TEST_TMPDIR/prefix
    # -o: what is installed is what the suite tests; its programs look for each other beside themselves
    run -0 env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$ROTA_TOP" B="$ROTA_BUILD_DIR" \
        -o programs PREFIX="$prefix" LIBEXECDIR="$prefix/bin" install
    export prefix
    # of a version 2, wherever this machine has it
    cgroup=$(findmnt -nt cgroup2 -o TARGET | head -n 1)/rota-test-$$
    export cgroup XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/runtime
    mkdir -m 700 "$XDG_RUNTIME_DIR"
}

teardown()
{
    if [ -d "$cgroup" ]; then
        eventually_within 20 no_cgroup
    fi
    rota_teardown
}

no_cgroup()
{
    find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || :
    [ ! -d "$cgroup" ]
}


@test "systemd finds no fault in any unit, for a user and for the system" {
    local kind unit n=0
    for kind in system user; do
        for unit in "$prefix/lib/systemd/$kind"/*; do
            run -0 env MANPATH="$prefix/share/man" systemd-analyze "--$kind" verify "$unit"
            [ -z "$output" ]
            n=$((n + 1))
        done
    done
    [ "$n" -eq 10 ]
    # it would find one
    sed -i 's/^KillMode=.*/KillMode=nobody/' "$prefix/lib/systemd/user/rota.service"
    run systemd-analyze --user verify "$prefix/lib/systemd/user/rota.service"
    [[ $output == *'kill mode'* ]]
}

@test "an instance runs as the account that it is named after, a unit of a user as that user" {
    local units=$prefix/lib/systemd
    for name in rota rota-check rota-prune; do
        [ "$(grep -c '^User=%i$' "$units/system/$name@.service")" -eq 1 ]
        run ! grep -E '^User=|%i|^@' "$units/user/$name.service"
    done
    grep -qx "ExecStart=$prefix/bin/rota dispatch --stay" "$units/user/rota.service"
    grep -qx 'WantedBy=default.target' "$units/user/rota.service"
    grep -qx 'WantedBy=multi-user.target' "$units/system/rota@.service"
}

# Runs the shell script on standard input below a systemd that manages the units of this test. What it starts
# ends with it. In it `eventually` is as in lib.
managed()
{
    {
        declare -f eventually_within pause process_lives
        cat <<'SH'
eventually()
{
    local -
    set +x
    eventually_within 120 "$@" || { echo "not within 120 s: $*" && return 1; }
}
mount -t tmpfs tmpfs /sys/fs
mkdir -p /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# by this it knows a machine that it runs
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
export PATH=$prefix/bin:$PATH SYSTEMD_UNIT_PATH=$prefix/lib/systemd/user:
/lib/systemd/systemd --user --log-target=console 2>systemd.log &
eventually test -S "$XDG_RUNTIME_DIR/systemd/private"
property() { systemctl --user show -P "$2" "$1"; }
is() { [ "$(property "$1" "$2")" = "$3" ]; }
state() { rota status --format '{state} {attempt}' "$1"; }
is_state() { [ "$(state "$1")" = "$2" ]; }
set -x # what it was at when it failed
SH
        cat
    } >"$BATS_TEST_TMPDIR/managed.sh"
    mkdir "$cgroup"
    # the whole tree of processes goes there, and ends with the first of them
    (
        echo "$BASHPID" >"$cgroup/cgroup.procs"
        exec unshare --mount --propagation private --cgroup --pid --fork --mount-proc --kill-child \
            bash -eu "$BATS_TEST_TMPDIR/managed.sh" </dev/null
    ) || { tail -n 20 systemd.log && return 1; }
}

@test "a job goes on when the service is stopped, and the next start follows it to its end" {
    mkfifo pipe
    managed <<'SH'
        systemctl --user start rota
        id=$(rota submit -- sh -c "echo \$\$ >$PWD/job; read x <$PWD/pipe; echo end")
        eventually is_state "$id" 'running 1'
        eventually test -s job
        dispatcher=$(property rota.service MainPID)
        systemctl --user stop rota
        is rota.service ActiveState inactive
        is rota.service Result success
        ! process_lives "$dispatcher"
        process_lives "$(cat job)"
        # it was in the service's own group, where the default would have killed it
        grep -q /rota.service "/proc/$(cat job)/cgroup"
        systemctl --user start rota
        exec 7<>pipe
        echo >&7
        eventually is_state "$id" 'succeeded 1'
        [ "$(rota logs "$id")" = end ]
        systemctl --user stop rota
SH
}

@test "a dispatcher that dies is started again; one whose configuration is wrong is not" {
    managed <<'SH'
        systemctl --user start rota
        dispatcher=$(property rota.service MainPID)
        [ "$dispatcher" -gt 1 ]
        kill -KILL "$dispatcher"
        restarted() { [ "$(property rota.service NRestarts)" = 1 ] && is rota.service ActiveState active; }
        eventually restarted
        systemctl --user stop rota
        mkdir -p "$HOME/.config/rota"
        echo '[nonsense]' >"$HOME/.config/rota/rota.ini"
        systemctl --user start rota
        eventually is rota.service ActiveState failed
        is rota.service ExecMainStatus 78
        is rota.service NRestarts 0
SH
}

@test "the units that check and prune do their work with what they are left" {
    managed <<'SH'
        rota submit --wait -- echo long ago
        sqlite3 "$ROTA_CATALOGUE" 'UPDATE run SET finished_at = finished_at - 40 * 86400000'
        systemctl --user start rota-prune.service
        is rota-prune.service Result success
        [ -z "$(rota status -o id)" ]
        systemctl --user start rota-check.service
        is rota-check.service Result success
        [ "$(sqlite3 "$ROTA_CATALOGUE" 'SELECT checked_at IS NOT NULL FROM monitor')" = 1 ]
        systemctl --user start rota-check.timer rota-prune.timer
        is rota-check.timer ActiveState active
        is rota-prune.timer ActiveState active
SH
}
