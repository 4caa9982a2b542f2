#!/usr/bin/env bats
# memory, cpu and nice of a job: a run is held to them by the host's kernel, or it is not started. In kernels
# of the test's own, with control groups of either version.

load lib
load kernel

# A program that fills so many MiB and says so.
fills()
{
    printf '%s' "python3 -c 'b = bytearray($1 << 20); print(1)'"
}

memory_holds()
{
    in_kernel "$1" <<END
printf '%s\n' 'exec: [python3, -c, "b = bytearray(200 << 20)"]' 'memory: 64M' | ends
ends <<'JOB'
shell: |
  $(fills 200)
  echo went on; exit 5
memory: 64M
JOB
ends <<'JOB'
shell: |
  $(fills 20)
memory: 64M
JOB
ends <<'JOB'
script: |
  $(fills 200)
memory: 300M
JOB
groups_left
END
}

@test "a run over its memory is killed, and status says so; one within is not" {
    memory_holds v2
    # all of the run together
    [ "$output" = "failed|killed: over its memory limit of 64M
failed|killed: over its memory limit of 64M
succeeded|
1
succeeded|
1" ]
}

@test "so it is with control groups of version 1" {
    memory_holds v1
    [ "$output" = "failed|killed: over its memory limit of 64M
failed|a process of it was killed: over its memory limit of 64M
went on
Killed
succeeded|
1
succeeded|
1" ]
}

@test "its processors are those of its group" {
    in_kernel v2 <<'END'
printf '%s\n' 'shell: |' '  cat /sys/fs/cgroup/$(cut -d: -f3 /proc/self/cgroup)/cpu.max' 'cpu: 0.2' | ends
printf '%s\n' 'shell: |' '  cd /sys/fs/cgroup/$(cut -d: -f3 /proc/self/cgroup)' \
    '  cat cpu.max memory.max memory.oom.group' 'cpu: 1.5' 'memory: 100M' | ends
groups_left
END
    [ "$output" = 'succeeded|
20000 100000
succeeded|
150000 100000
104857600
1' ]
    in_kernel v1 <<'END'
printf '%s\n' 'shell: |' '  cd /sys/fs/cgroup/cpu$(sed -n s/.*:cpu://p /proc/self/cgroup)' \
    '  cat cpu.cfs_quota_us cpu.cfs_period_us' 'cpu: 0.215' | ends
groups_left
END
    [ "$output" = 'succeeded|
21500
100000' ]
}

@test "nice needs no control groups, and no limit changes nothing" {
    in_kernel none <<'END'
printf '%s\n' "shell: cut -d' ' -f19 /proc/self/stat" 'nice: 11' | ends
printf '%s\n' "shell: cut -d' ' -f19 /proc/self/stat" | ends
END
    [ "$output" = 'succeeded|
11
succeeded|
0' ]
}

@test "root holds a run of another account to its limits too" {
    in_kernel v2 <<'END'
printf '%s\n' 'shell: |' '  id -un; cut -d" " -f19 /proc/self/stat' \
    '  cat /sys/fs/cgroup/$(cut -d: -f3 /proc/self/cgroup)/memory.max' 'user: nobody' 'nice: 3' \
    'workdir: /' 'memory: 64M' | ends
groups_left
END
    [ "$output" = 'succeeded|
nobody
3
67108864' ]
}

# An account that may write no groups.
@test "where the host can hold no run to it, it is not started and status says why" {
    in_kernel v2 <<'END'
setpriv --reuid nobody --regid nogroup --clear-groups bash -eu <<'AS'
printf '%s\n' 'shell: echo ran' 'memory: 64M' | ends
printf '%s\n' 'shell: echo ran' 'memory: 64M' 'cpu: 1' | ends
printf '%s\n' 'shell: cut -d" " -f19 /proc/self/stat' 'nice: 10' | ends
AS
END
    [ "$output" = "failed|memory: this host lets account 'nobody' limit nothing: /sys/fs/cgroup is not writable; there is no systemd user manager
failed|memory, cpu: this host lets account 'nobody' limit nothing: /sys/fs/cgroup is not writable; there is no systemd user manager
succeeded|
10" ]
    in_kernel none <<'END'
printf '%s\n' 'shell: echo ran' 'cpu: 0.5' | ends
END
    [[ $output == "failed|cpu: this host lets account 'root' limit nothing: no control groups"* ]]
}

@test "an account that was delegated a part of the groups makes its own there" {
    in_kernel v2 <<'END'
cd /sys/fs/cgroup
echo '+memory' >user.slice/cgroup.subtree_control || exit 9
mkdir -p user.slice/of/session
chown -R nobody user.slice/of
echo $$ >user.slice/of/session/cgroup.procs
cd
setpriv --reuid nobody --regid nogroup --clear-groups bash -eu <<'AS'
printf '%s\n' "shell: 'cut -d: -f3 /proc/self/cgroup'" 'memory: 64M' | ends
printf '%s\n' "shell: 'cut -d: -f3 /proc/self/cgroup'" 'cpu: 1' | ends
groups_left
AS
END
    [[ $output == $'succeeded|\n/user.slice/of/rota-'????????????????$'\nfailed|cpu: this host'* ]]
}

# Nobody gets more by asking for less.
@test "a limit of the worker's own is not left" {
    in_kernel v2 <<'END'
echo 300M >/sys/fs/cgroup/user.slice/memory.max
echo '-memory' >/sys/fs/cgroup/user.slice/cgroup.subtree_control
printf '%s\n' "shell: 'cut -d: -f3 /proc/self/cgroup'" 'memory: 64M' | ends
rm -r ~/.local
mkdir /sys/fs/cgroup/service
echo 300M >/sys/fs/cgroup/service/memory.max
echo $$ >/sys/fs/cgroup/service/cgroup.procs
printf '%s\n' "shell: 'cut -d: -f3 /proc/self/cgroup'" 'memory: 64M' | ends
END
    [[ $output == $'succeeded|\n/user.slice/rota-'????????????????$'\nfailed|memory: this host lets '*'the run would leave the limits of /sys/fs/cgroup/service;'* ]]
}

# What is left in its group is no child of anybody any more.
@test "kill -9 of the supervisor leaves neither a process nor a group" {
    for groups in v2 v1; do
        in_kernel $groups <<'END'
id=$(printf '%s\n' 'shell: setsid env -i sleep 1000 & sleep 1000' 'memory: 64M' | rota submit -)
rota dispatch --wait "$id" &
dispatcher=$!
two_sleep() { [ "$(pgrep -xc sleep)" = 2 ]; }
eventually two_sleep
[ -n "$(groups_left)" ] && echo grouped
kill -KILL $(pgrep -x rota-shim)
wait "$dispatcher" || :
rota status --format '{state}|{reason}' "$id"
pgrep -x sleep || :
groups_left
END
        [ "$output" = 'grouped
lost|its supervisor is gone (killed, or out of memory)' ]
    done
}

@test "after kill -9 of all of it the next worker removes the group" {
    in_kernel v2 <<'END'
id=$(printf '%s\n' 'shell: sleep 1000' 'memory: 64M' | rota submit -)
rota dispatch --wait "$id" 2>/dev/null &
dispatcher=$!
disown
eventually pgrep -x sleep >/dev/null
kill -KILL $dispatcher $(pgrep -f 'rota-worker|rota-shim') $(pgrep -x sleep) 2>/dev/null || :
none_runs() { ! pgrep -f 'rota-worker|rota-shim' && ! pgrep -x sleep; }
eventually none_runs >/dev/null
[ -n "$(groups_left)" ] && echo grouped
rota dispatch --wait "$id" 2>/dev/null || :
rota status --format '{state}' "$id"
groups_left
END
    [ "$output" = $'grouped\nlost' ]
}

@test "with leftovers: leave the group stays as long as they do" {
    in_kernel v2 <<'END'
printf '%s\n' 'shell: sleep 1000 >/dev/null 2>&1 &' 'memory: 64M' 'leftovers: leave' | ends
printf '%s\n' 'shell: echo next' | ends
[ "$(groups_left | wc -l) $(pgrep -xc sleep)" = '1 1' ] && echo both
kill $(pgrep -x sleep)
gone() { ! pgrep -x sleep; }
eventually gone
printf '%s\n' 'shell: echo last' | ends
groups_left
END
    [ "$output" = $'succeeded|\nsucceeded|\nnext\nboth\nsucceeded|\nlast' ]
}

# What an account has that may make no groups.
@test "its user manager of systemd makes a scope for the run" {
    in_kernel systemd <<'END'
systemctl start user@1.service
setpriv --reuid daemon --regid daemon --clear-groups bash -eu <<'AS'
ends <<'JOB'
shell: |
  cut -d: -f3 /proc/self/cgroup
  cut -d' ' -f19 /proc/self/stat
  cd /sys/fs/cgroup/$(cut -d: -f3 /proc/self/cgroup)
  cat memory.max memory.swap.max cpu.max
  exit 3
memory: 64M
cpu: 0.215
nice: 4
JOB
printf '%s\n' 'exec: [python3, -c, "b = bytearray(200 << 20)"]' 'memory: 64M' | ends
printf '%s\n' 'shell: |' '  python3 -c "b = bytearray(200 << 20)" & sleep 1000' 'memory: 64M' | ends
AS
mkdir /run/roots
ROTA_CATALOGUE=/run/roots/catalogue.db ends <<<'{name: of-root, shell: "cut -d: -f3 /proc/self/cgroup", memory: 64M}'
groups_left
END
    [[ $output == 'failed|exit code 3
/user.slice/user-1.slice/user@1.service/app.slice/rota-'????????????????'.scope
4
67108864
0
21500 100000
failed|killed: over its memory limit of 64M, or by somebody
failed|killed: over its memory limit of 64M, or by somebody
succeeded|
/system.slice/rota-'???????????????? ]]
}

# A stand-in takes the words of systemd-run.
@test "without a scope it is not started" {
    in_kernel v2 <<'END'
manager=/sys/fs/cgroup/user.slice/user-65534.slice/user@65534.service
mkdir -p $manager /run/user/65534/systemd /var/lib/systemd/linger
echo '+memory +cpu' >${manager%/*/*}/cgroup.subtree_control
echo '+memory +cpu' >${manager%/*}/cgroup.subtree_control
touch /run/user/65534/systemd/private
cat >/run/systemd-run <<'SH'
#!/bin/sh
echo "$XDG_RUNTIME_DIR"
[ ! -e /run/home/refuse ] || { echo 'Failed to start transient scope unit' >&2; exit 1; }
while [ "$1" != -- ]; do
    echo "$1"
    shift
done
shift
exec "$@"
SH
chmod +x /run/systemd-run
mount --bind /run/systemd-run /usr/bin/systemd-run
limited() { printf '%s\n' "exec: [sh, -c, '$1', sh, 7]" 'memory: 64M' 'cpu: 0.125' | ends; }
export -f limited
as() { setpriv --reuid nobody --regid nogroup --clear-groups bash -euc "$1"; }
as 'limited "exit 7"'
touch /var/lib/systemd/linger/nobody
as 'limited "ls /proc/self/fd | wc -w; exit \$1"'
as 'limited "kill -KILL \$\$"'
touch ~/refuse
as 'limited "exit 0"'
END
    [ "${output//=rota-????????????????/=TOKEN}" = "failed|memory, cpu: this host lets account 'nobody' limit nothing: /sys/fs/cgroup is not writable; its systemd user manager ends with its sessions: loginctl enable-linger
failed|exit code 7
/run/user/65534
--user
--scope
--quiet
--collect
--unit=TOKEN
--property=MemoryMax=67108864
--property=MemorySwapMax=0
--property=CPUQuota=12.5%
4
failed|killed: over its memory limit of 64M, or by somebody
/run/user/65534
--user
--scope
--quiet
--collect
--unit=TOKEN
--property=MemoryMax=67108864
--property=MemorySwapMax=0
--property=CPUQuota=12.5%
failed|systemd-run could not make its scope: see its error output
/run/user/65534
Failed to start transient scope unit" ]
}

# It would pass over what it does not know.
@test "a worker of a build without limits is given no run with some" {
    mkdir "$HOME/old.d"
    ln -s "$ROTA_TOP/tests/fault/fake_worker.py" "$HOME/old"
    printf '%s\n' 'greet()' 'welcome()' 'say("READY")' 'hear_all()' | tee "$HOME"/old.d/{1,2,3} >/dev/null
    config <<<"[worker old]
transport = local
worker = $HOME/old"
    for limit in 'memory: 64M' 'cpu: 1' 'nice: 1'; do
        id=$(printf '%s\n' 'shell: echo ran' "$limit" | rota submit -)
        run -1 rota dispatch --wait "$id"
        run -0 rota status --format '{state} {reason}' "$id"
        [[ $output == "failed the worker on old (build "*") is older than this rota and has no 'limits': install"* ]]
    done
}
