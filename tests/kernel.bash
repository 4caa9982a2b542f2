# shellcheck shell=bash
# kernel: a Linux of the test's own, as a process (User-mode Linux): it has the control groups of a host, of
# either version, whatever those of this machine are, and nothing done in it lasts. Load it after lib.
#
#   in_kernel HOW    runs standard input as a bash script there, as its root, with the root of this machine as
#                    the file system; fills $output and fails as the script does. HOW: with control groups
#                    of version 1 or 2 (v1, v2), none, or version 2 and all that systemd makes of them
#                    (systemd); there the account daemon may have a user manager without a session
#
# The script finds lib, the built programs in PATH and an empty home; it may write in $HOME, /run and /var/lib.

in_kernel()
{
    ! is_sanitized || skip 'the sanitizers do not run in User-mode Linux'
    kernel_dir=$BATS_TEST_TMPDIR/kernel
    rm -rf "$kernel_dir"
    mkdir -p "$kernel_dir"
    cat >"$kernel_dir/script"
    write_init "$1" >"$kernel_dir/init"
    chmod +x "$kernel_dir/init"
    timeout -k 5 200 linux.uml mem=384M root=/dev/root rootfstype=hostfs rootflags=/ ro \
        "init=$kernel_dir/init" con=null con0=null "umid=rota$$" "uml_dir=$kernel_dir/" quiet \
        </dev/null >"$kernel_dir/boot" 2>&1 3>&- || :
    if [ ! -s "$kernel_dir/rc" ]; then
        tail "$kernel_dir/boot"
        echo 'the kernel of the test did not come so far'
        return 1
    fi
    output=$(cat "$kernel_dir/out")
    echo "$output"
    return "$(cat "$kernel_dir/rc")"
}

# What it runs first. The programs and the home are in /run, where other accounts come to, wherever they are.
write_init()
{
    cat <<INIT
#!/bin/bash
mount -t proc proc /proc && mount -t sysfs sys /sys && ln -s /proc/self/fd /dev/fd
mkdir -p /dev/shm
for at in /run /var/lib /var/tmp /var/log /dev/shm; do
    mount -t tmpfs tmp \$at
done
mkdir /run/out && mkdir -m 777 /run/top /run/build /run/home
mount -t hostfs -o "$kernel_dir" out /run/out
mount --bind "$ROTA_TOP" /run/top && mount --bind "$ROTA_BUILD_DIR" /run/build
source /run/top/tests/kernel.bash
mount_groups $1
if [ $1 = systemd ]; then
    start_systemd
fi
run_script
INIT
}

# In the kernel: the script, and the end.
run_script()
{
    export ROTA_TOP=/run/top ROTA_BUILD_DIR=/run/build TZ=UTC
    export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    export HOME=/run/home ROTA_TEST_HOME=/run/home ROTA_CATALOGUE=/run/home/catalogue.db
    export BASH_ENV=/run/top/tests/kernel.bash
    cd && bash -eu /run/out/script >/run/out/out 2>&1
    echo $? >/run/out/rc
    exec python3 -c 'import ctypes; ctypes.CDLL(None).reboot(0x4321fedc)'
}

# As the first process, with no service but the script and the bus, on which managers talk.
start_systemd()
{
    mkdir -p /run/systemd/system /var/lib/systemd/linger
    touch /var/lib/systemd/linger/daemon
    printf '%s\n' '[Unit]' 'Wants=script.service dbus.socket' >/run/systemd/system/script.target
    printf '%s\n' '[Unit]' 'After=dbus.socket' 'DefaultDependencies=no' '[Service]' 'Type=oneshot' \
        "ExecStart=/bin/bash -c '. /run/top/tests/kernel.bash; run_script'" \
        >/run/systemd/system/script.service
    exec /lib/systemd/systemd --unit=script.target
}

# Version 2 as a host has it that systemd runs: the session in a group, below a slice.
mount_groups()
{
    local groups=/sys/fs/cgroup
    case $1 in
    v1)
        mount -t tmpfs tmp $groups
        mkdir $groups/memory $groups/cpu
        mount -t cgroup -o memory memory $groups/memory
        mount -t cgroup -o cpu cpu $groups/cpu
        ;;
    v2)
        mount -t cgroup2 groups $groups
        echo '+memory +cpu' >$groups/cgroup.subtree_control
        mkdir -p $groups/user.slice/session
        echo $$ >$groups/user.slice/session/cgroup.procs
        ;;
    esac
}

# ---- for the scripts, which find it by BASH_ENV ----

if [ -d /run/top/tests ] && [ "${BASH_ENV-}" = /run/top/tests/kernel.bash ]; then
    bats_require_minimum_version()
    {
        :
    }
    # shellcheck source=/dev/null
    source /run/top/tests/lib.bash

    # Submits the job of standard input, runs it, says how it ended.
    ends()
    {
        local id
        id=$(rota submit -)
        rota dispatch --wait "$id" || :
        rota status --format '{state}|{reason}' "$id"
        rota logs "$id"
    }

    # The groups of runs that are there.
    groups_left()
    {
        find /sys/fs/cgroup -type d -name 'rota-*'
    }
fi
