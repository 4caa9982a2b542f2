# shellcheck shell=bash
# slurm: a real Slurm cluster on this machine, out of Debian's packages and nothing of their set-up.
# Load it after ../lib.
#
#   slurm_start DIR [NODES [LINE…]]   makes the cluster in DIR, which should have a short name
#                                     (there are sockets in it); NODES (4) are called n1, n2, …;
#                                     LINEs are added to slurm.conf. Sets SLURM_CONF, by which
#                                     sbatch, squeue, scancel and scontrol find this cluster
#   slurm_stop                        ends all of it with all of its jobs, and removes DIR
#   slurm_ctld_stop [SIGNAL]          ends the controller: TERM lets it save its state, KILL not
#   slurm_ctld_start                  and begins it anew, with the state that is there
#   slurm_node_down NODE              a node crashes, with the jobs on it, and is known to be down
#   slurm_node_up NODE                it boots
#   slurm_daemon_pid NAME             of munged, slurmctld or a node's slurmd
#   slurm_no_jobs                     succeeds when no job waits, runs or is being cleaned up
#
# Once for a file of tests, in setup_file and teardown_file; the tests then share the cluster:
#
#   setup_file() { slurm_start "$(mktemp -d)"; }
#   teardown_file() { slurm_stop; }
#
# Run by root it takes jobs of any user, by another account those of that account. All that it
# listens on is the address of this machine's own name, which most machines have on loopback.

slurm_start()
{
    local nodes=${2:-4} port try
    export SLURM_LAB=$1 SLURM_CONF=$1/slurm.conf
    shift $(($# > 1 ? 2 : 1))
    mkdir -p "$SLURM_LAB"/{munge,state,spool,log,pid}
    chmod 711 "$SLURM_LAB" # another user's sbatch reads slurm.conf and talks to munged
    slurm_munged || return
    # Nobody hands out ports in a row: take some below those that the kernel gives away itself,
    # and others when one of them is taken.
    for try in {1..20}; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % (12000 - nodes)))
        slurm_config "$nodes" "$port" "$@" >"$SLURM_CONF"
        if slurm_launch "$nodes"; then
            return 0
        fi
        slurm_end
        rm -rf "$SLURM_LAB"/{state,spool}/*
        slurm_munged || return
    done
    echo "no Slurm after $try tries:" >&2
    tail -n 5 "$SLURM_LAB"/log/* >&2
    return 1
}

# Munge proves to Slurm who sends a message. It wants a key of its own, 128 random bytes.
slurm_munged()
{
    local munge=$SLURM_LAB/munge
    [ -f "$munge/key" ] || (umask 077 && head -c 128 /dev/urandom >"$munge/key")
    slurm_daemon munged munged --foreground --num-threads=4 --key-file="$munge/key" \
        --socket="$munge/socket" --pid-file="$munge/pid" --log-file="$munge/log" \
        --seed-file="$munge/seed"
    if ! eventually_within 60 slurm_munge_answers; then
        tail "$SLURM_LAB/log/munged" >&2
        return 1
    fi
}

slurm_munge_answers()
{
    munge -n -S "$SLURM_LAB/munge/socket" >/dev/null 2>&1
}

# slurm.conf for some nodes, on ports from the given one on: the controller's, then one a node.
slurm_config()
{
    local nodes=$1 port=$2
    shift 2
    cat <<END
ClusterName=lab
SlurmctldHost=$(uname -n)
SlurmctldPort=$port
# as whom it runs, and how it knows who talks to it
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$SLURM_LAB/munge/socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
# its files
StateSaveLocation=$SLURM_LAB/state
SlurmdSpoolDir=$SLURM_LAB/spool/%n
SlurmctldPidFile=$SLURM_LAB/munge/slurmctld.pid
SlurmdPidFile=$SLURM_LAB/munge/%n.pid
MailProg=/bin/true
# no cgroups, no accounting; nodes count as having the processors that they are said to have
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
# many jobs on a node at once, started as soon as they come
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=16
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
MaxJobCount=30000
MaxArraySize=20001
# how long it waits: for a process after SIGTERM, for an answer, for a silent node; a node that
# comes back is in use again. Finished jobs are forgotten soon after MinJobAge, there is no other
# record of them
KillWait=2
MessageTimeout=10
SlurmdTimeout=60
ReturnToService=2
MinJobAge=300
NodeName=n[1-$nodes] NodeHostname=$(uname -n) Port=[$((port + 1))-$((port + nodes))] \
CPUs=64 RealMemory=16000
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes=ALL MaxTime=2 State=UP
END
    printf '%s\n' "$@"
}

# Starts all but munged; fails when one of them ends at once.
slurm_launch()
{
    local i
    slurm_ctld_start || return
    for ((i = 1; i <= $1; i++)); do
        slurm_slurmd "n$i"
    done
    for ((i = 1; i <= $1; i++)); do
        slurm_node_answers "n$i" || return
    done
}

# Starts a program in the background: slurm_daemon NAME COMMAND…. Its environment has the mark by
# which slurm_processes knows it and its children, and not that of the test which starts it.
# 3 and 8 are the descriptors of bats and of its callers: a server must not hold them.
slurm_daemon()
{
    local name=$1
    shift
    PATH=$PATH:/usr/sbin:/sbin env -u ROTA_TEST_ID SLURM_LAB_DAEMON="$SLURM_LAB/$name" "$@" \
        </dev/null >>"$SLURM_LAB/log/$name" 2>&1 3>&- 8>&- &
    echo $! >"$SLURM_LAB/pid/$name"
    disown # or the shell reports how it ended
}

slurm_daemon_pid()
{
    cat "$SLURM_LAB/pid/$1"
}

slurm_daemon_lives()
{
    process_lives "$(slurm_daemon_pid "$1")"
}

slurm_daemon_gone()
{
    ! slurm_daemon_lives "$1"
}

slurm_ctld_start()
{
    slurm_daemon slurmctld slurmctld -D
    eventually_within 60 slurm_ctld_settled && slurm_daemon_lives slurmctld
}

# It answers, or it has ended.
slurm_ctld_settled()
{
    slurm_daemon_gone slurmctld || scontrol ping >/dev/null 2>&1
}

slurm_ctld_stop()
{
    kill -s "${1:-TERM}" "$(slurm_daemon_pid slurmctld)"
    eventually slurm_daemon_gone slurmctld
}

slurm_slurmd()
{
    slurm_daemon "$1" slurmd -D -N "$1"
}

# The state of a node as it is now, idle or with jobs.
slurm_node_state()
{
    sinfo -h -N -n "$1" -o %T | head -n 1
}

slurm_node_ready()
{
    [[ $(slurm_node_state "$1") =~ ^(idle|mixed|allocated|completing)$ ]]
}

# It is ready, or its slurmd has ended.
slurm_node_settled()
{
    slurm_daemon_gone "$1" || slurm_node_ready "$1"
}

slurm_node_answers()
{
    eventually_within 60 slurm_node_settled "$1" && slurm_daemon_lives "$1"
}

slurm_node_up()
{
    slurm_slurmd "$1"
    slurm_node_answers "$1"
}

# Slurm would notice itself, SlurmdTimeout later.
slurm_node_down()
{
    slurm_end "$1"
    scontrol update "NodeName=$1" State=DOWN Reason=crashed
}

slurm_no_jobs()
{
    local states
    states=$(squeue -h -t all -o %T) || return
    ! grep -qE 'PENDING|CONFIGURING|RUNNING|COMPLETING|REQUEUED|SUSPENDED|STOPPED' <<<"$states"
}

# Processes of the cluster, or of one node, one pid a line: daemons and slurmstepd by their mark,
# what these have started, and what escaped from them (a job's background process when its shell
# is gone) by what Slurm has told it in its environment.
slurm_processes()
{
    local level pid
    level=$(slurm_marked "${1:-.*}")
    while [ -n "$level" ]; do
        for pid in $level; do
            if process_lives "$pid"; then
                echo "$pid"
            fi
        done
        level=$(pgrep -d ' ' -P "${level//[[:space:]]/,}" || :)
    done | sort -un
}

slurm_marked()
{
    {
        grep -lszE "^SLURM_LAB_DAEMON=$SLURM_LAB/$1\$" /proc/[0-9]*/environ || :
        grep -lszE "^SLURMD_NODENAME=$1\$" /proc/[0-9]*/environ |
            xargs -r grep -lszxF "SLURM_CONF=$SLURM_CONF" || :
    } | cut -d/ -f3
}

# Ends the processes of the cluster, or of one node, until there are none.
slurm_end()
{
    local pids
    while pids=$(slurm_processes "$@") && [ -n "$pids" ]; do
        # shellcheck disable=SC2086 # a list of numbers
        kill -KILL $pids 2>/dev/null || :
        pause
    done
}

slurm_stop()
{
    [ -n "${SLURM_LAB-}" ] || return 0
    slurm_end
    rm -rf "$SLURM_LAB"
    unset SLURM_LAB SLURM_CONF
}
