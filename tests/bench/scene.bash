# shellcheck shell=bash
# scene: what figures measures in: a catalogue, hosts, a dispatcher in the background, jobs that wait for us.
# Needs lib.bash, farm.bash and a trap that calls scene_clear.
#
#   catalogue NAME CMD…      with the catalogue of that name; the farm's is the one by default
#   farm_of N, here SLOTS    N ssh hosts, or this machine, as the only workers
#   dispatcher_start, _end   one in the background, DISPATCHER
#   gate_jobs N, gate_open   N runs that are running, until the gate is opened
#   await CMD…               until CMD is true

export ROTA_CATALOGUE=$WORK/catalogue/catalogue.db
FARM=0      # how many hosts the farm has
DISPATCHER= # pid of the one that we started

scene_clear()
{
    local other
    if [ -n "$DISPATCHER" ] && [ -p "$WORK/gate" ]; then
        gate_open || :
    elif [ -n "$DISPATCHER" ]; then
        dispatcher_end || :
    fi
    farm_stop
    for other in "$WORK"/*/catalogue.db; do
        [ ! -f "$other" ] || ROTA_CATALOGUE=$other farm_forget
    done
}

catalogue()
{
    ROTA_CATALOGUE=$WORK/$1/catalogue.db "${@:2}"
}

# N hosts; a farm is of one size, since a longer ssh_config is slower to read for all.
farm_of()
{
    [ "$FARM" -ne "$1" ] || return 0
    no_farm
    farm_start "$1"
    FARM=$1
    farm_hosts 1
    farm_jobs 1 true # the first connection puts the worker there
    rota dispatch
    farm_check 1
}

no_farm()
{
    [ "$FARM" -eq 0 ] || farm_stop
    rm -f "$WORK"/{hosts,cache,known_hosts,ssh_config,rota.ini*}
    unset ROTA_CONFIG ROTA_SSH_CONFIG
    FARM=0
}

# This machine as the only worker: here SLOTS.
here()
{
    no_farm
    export ROTA_CONFIG=$WORK/rota.ini
    printf '[worker here]\ntransport = local\nslots = %d\n' "$1" >"$ROTA_CONFIG"
}

await()
{
    local never
    exec {never}<> <(:)
    until "$@"; do
        [ -z "$DISPATCHER" ] || kill -0 "$DISPATCHER"
        read -rt 0.05 -u "$never" || :
    done
    exec {never}<&-
}

# counts N CONDITION: whether so many runs are so. A catalogue that is locked for a moment is asked again.
counts()
{
    [ "$(farm_ask "SELECT count(*) FROM run WHERE $2" 2>/dev/null)" = "$1" ]
}

# dispatcher_start FOR: `now` leaves when nothing is left to do, `stay` does not.
dispatcher_start()
{
    local -A options=([now]='-q' [stay]='--stay')
    rota dispatch "${options[$1]}" 2>"$WORK/dispatcher" &
    DISPATCHER=$!
    await dispatches
}

dispatches()
{
    [ "$(farm_ask 'SELECT pid FROM holder' 2>/dev/null)" = "$DISPATCHER" ]
}

dispatcher_end()
{
    local pid=$DISPATCHER
    DISPATCHER=
    kill "$pid" 2>/dev/null || :
    wait "$pid"
}

# Σ of the proportional set sizes of processes, KiB.
memory_of()
{
    local pid
    for pid in "$@"; do
        cat "/proc/$pid/smaps_rollup"
    done | awk '/^Pss:/ { sum += $2 } END { print sum }'
}

# ---- jobs that wait for us ----

# gate_jobs N [where]: runs that tell their parent, and end when the gate is opened; with `where`, run i
# is for host h$i.
gate_jobs()
{
    farm_forget
    rm -f "$WORK/parents"
    mkfifo "$WORK/gate"
    awk -v n="$1" -v where="${2-}" -v work="$WORK" 'BEGIN {
        for (i = 1; i <= n; i++) {
            printf "---\nname: job%d\n", i
            if (where) printf "where: {hosts: h%d}\n", i
            printf "exec: [sh, -c, \"echo $PPID >>%s/parents; exec cat %s/gate\"]\n", work, work
        }
    }' >"$WORK/jobs.yaml"
    rota submit "$WORK/jobs.yaml" >/dev/null
    dispatcher_start now
    await counts "$1" 'state = 5'
}

# Whoever waits to open it finds a writer for a moment, then its end.
pulse()
{
    : 3<>"$WORK/gate"
    ! kill -0 "$DISPATCHER" 2>/dev/null
}

gate_open()
{
    local pid=$DISPATCHER never
    exec {never}<> <(:)
    until pulse; do
        read -rt 0.02 -u "$never" || :
    done
    exec {never}<&-
    rm "$WORK/gate"
    DISPATCHER=
    wait "$pid"
}
