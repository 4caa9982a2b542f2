# shellcheck shell=bash
# rivals: the other ways to run N commands on the hosts of farm.bash, each as good as its user can have
# it. All fail when a command fails; ssh exchanges keys as it does by default.
#
#   masters_open N, masters_close   a connection to each host that the ssh of a job can share
#   xargs_shared N HOSTS WORD…      xargs -P16, an ssh a job over the shared connections
#   xargs_kept N HOSTS FILE         the same, cat FILE there, each job's output into a file in WORK/kept
#   xargs_cold N HOSTS WORD…        the same, the shared connections made and ended by itself
#   parallel_shared, parallel_plain, pdsh_plain, clush_plain   N HOSTS WORD…
#   local_xargs, local_parallel, local_tsp                     N: sh -c true on this machine

# As many at a time as is usual for them here; for parallel it is a number for each host.
RIVAL_JOBS=16

rivals_start()
{
    printf 'ControlPath %s/masters/%%n\n' "$WORK" | cat - "$ROTA_SSH_CONFIG" >"$WORK/ssh_shared"
    mkdir -p "$WORK/masters" "$HOME/.parallel"
    touch "$HOME/.parallel/will-cite"
}

# Names of the first HOSTS hosts in turn, N lines.
hosts_in_turn()
{
    awk -v n="$1" -v hosts="$2" 'BEGIN { for (i = 0; i < n; i++) print "h" i % hosts + 1 }'
}

# ---- a shared connection a host ----

MASTERS=()
masters_open()
{
    local i never
    exec {never}<> <(:)
    for ((i = 1; i <= $1; i++)); do
        ssh -F "$WORK/ssh_shared" -MNn "h$i" &
        MASTERS+=($!)
    done
    for ((i = 1; i <= $1; i++)); do
        until [ -S "$WORK/masters/h$i" ]; do
            kill -0 "${MASTERS[i - 1]}"
            read -rt 0.02 -u "$never" || :
        done
    done
    exec {never}<&-
}

masters_close()
{
    [ ${#MASTERS[@]} -gt 0 ] || return 0
    kill "${MASTERS[@]}" 2>/dev/null || :
    wait "${MASTERS[@]}" 2>/dev/null || :
    MASTERS=()
}

# µs of CPU that the masters have used; each has one thread.
masters_cpu()
{
    local pid
    for pid in "${MASTERS[@]}"; do
        cat "/proc/$pid/schedstat"
    done | awk '{ t += $1 } END { printf "%.0f\n", t / 1000 }'
}

# take NAME CMD… whose work is also done by the masters.
take_shared()
{
    local name=$1 before
    before=$(masters_cpu)
    take "$@"
    sed -i "\$s/.*/$(($(tail -n 1 "$WORK/$name.cpu") + $(masters_cpu) - before))/" "$WORK/$name.cpu"
}

xargs_shared()
{
    hosts_in_turn "$1" "$2" |
        xargs -P$RIVAL_JOBS -I{} ssh -F "$WORK/ssh_shared" -n {} "$3"
}

xargs_kept()
{
    rm -rf "$WORK/kept"
    mkdir "$WORK/kept"
    # shellcheck disable=SC2016 # for the other shell
    hosts_in_turn "$1" "$2" | awk '{ print $1, NR }' | xargs -P$RIVAL_JOBS -L1 \
        sh -c 'exec ssh -F "$0" -n "$2" "cat $1" >"${0%/*}/kept/$3"' "$WORK/ssh_shared" "$3"
}

# The connections are made at the same time, too, before the first job.
xargs_cold()
{
    local failed=0
    seq -f 'h%.0f' "$2" | xargs -P$RIVAL_JOBS -I{} ssh -F "$WORK/ssh_shared" -fMNn {}
    xargs_shared "$@" || failed=1
    seq -f 'h%.0f' "$2" | xargs -P$RIVAL_JOBS -I{} ssh -F "$WORK/ssh_shared" -O exit {} 2>/dev/null
    return $failed
}

# ---- GNU parallel ----

parallel_with()
{
    local config=$1 hosts
    hosts=$(seq -s, -f 'h%.0f' "$3")
    seq "$2" | parallel -N0 -j $((RIVAL_JOBS > $3 ? RIVAL_JOBS / $3 : 1)) --ssh "ssh -F $config" \
        --sshlogin "$hosts" "$4"
}

parallel_shared()
{
    parallel_with "$WORK/ssh_shared" "$@"
}

parallel_plain()
{
    parallel_with "$ROTA_SSH_CONFIG" "$@"
}

# ---- pdsh and clush run one command on each target ----

# Aliases j1 to jN lead to the hosts in turn, so that one call has N targets: no round waits for its
# slowest, and the program itself starts once.
rival_aliases()
{
    head -n "$2" "$WORK/hosts" | awk -v n="$1" '
        { address[NR] = $2; port[NR] = $3 }
        END { for (i = 0; i < n; i++) print "j" i + 1, address[i % NR + 1], port[i % NR + 1] }' |
        farm_ssh | cat "$ROTA_SSH_CONFIG" - >"$WORK/ssh_aliases"
}

pdsh_plain()
{
    PDSH_SSH_ARGS="-2 -a -x -F $WORK/ssh_aliases %h" \
        pdsh -R ssh -S -f $RIVAL_JOBS -w "j[1-$1]" "$3" </dev/null
}

clush_plain()
{
    clush -n -q -S -f $RIVAL_JOBS -o "-F $WORK/ssh_aliases" -w "j[1-$1]" "$3"
}

# ---- on this machine ----

local_xargs()
{
    seq "$1" | xargs -P2 -n1 sh -c true
}

local_parallel()
{
    seq "$1" | parallel -N0 -j2 sh -c true
}

# Queues N jobs behind one that waits, before the clock; N is bounded by the server's connections.
tsp_queue()
{
    export TS_SOCKET=$WORK/tsp.socket TMPDIR=$WORK TS_MAXFINISHED=$(($1 + 10)) TS_MAXCONN=2000 TS_SLOTS=1
    [ -p "$WORK/tsp.gate" ] || mkfifo "$WORK/tsp.gate"
    tsp -n cat "$WORK/tsp.gate" >/dev/null
    seq "$1" | xargs -I{} tsp -n sh -c true >/dev/null
}

# The job that waits is number 0; of the last two of the others either may be the last to end.
local_tsp()
{
    tsp -S 2
    : >"$WORK/tsp.gate"
    tsp -w $(($1 - 1))
    tsp -w "$1"
}

tsp_check()
{
    tsp -l | awk -v n=$(($1 + 1)) '$2 == "finished" && $4 == 0 { done++ } END { exit done != n }' || {
        echo "tsp: not $1 jobs that ended with 0" >&2
        exit 1
    }
    tsp_stop
}

tsp_stop()
{
    if [ -S "$WORK/tsp.socket" ]; then
        TS_SOCKET=$WORK/tsp.socket tsp -K
    fi
}
