#!/usr/bin/env bats
# What reconnecting leaves behind: nothing, on either side.

load ../lib
load link
load witness

export LINK_PROGRAM=chaos.py
HOSTS=20

# The front ends and supervisors of this catalogue, one pid a line.
workers()
{
    find /proc/[0-9]*/fd -lname "$(worker_spool)/*" 2>/dev/null | cut -d/ -f3 | sort -un
}

descriptors()
{
    find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l
}

# What may grow, in a line: descriptors and children of the dispatcher, processes of the worker and the
# descriptors of these; no memory.
held()
{
    local pid all=0
    for pid in $(workers); do
        all=$((all + $(descriptors "$pid")))
    done
    echo "$(descriptors "$dispatcher") $(pgrep -c -P "$dispatcher") $(workers | wc -l) $all"
}

holds()
{
    [ "$(held)" = "$1" ]
}

# Resident memory in KiB: of the dispatcher, of all of the workers.
memory()
{
    awk '/^VmRSS/ { n += $2 } END { print n + 0 }' "${@/%//status}"
}

all_up()
{
    [ "$(link count)" -ge "$1" ] &&
        [ "$(rota hosts --format '{state}' | grep -c up)" -eq "$HOSTS" ]
}

@test "two hundred reconnects leave no descriptor, child or memory behind" {
    away_config
    sed -i '/^\[worker/,$d' "$ROTA_CONFIG"
    for ((i = 1; i <= HOSTS; i++)); do
        four_add "h$i" 'address = 127.0.0.1' "port = $(cat "$HOME/link/port")" 'slots = 2'
        { witness_job "on-h$i" '-g -o 100' "where: {hosts: h$i}"; echo ---; } >>job.yaml
    done
    sed -i '$d' job.yaml
    rota submit job.yaml >"$WITNESS/acknowledged"
    dispatcher_starts
    all_run()
    {
        [ "$(rota status -o id --state running | wc -l)" -eq "$HOSTS" ]
    }
    eventually all_run
    for round in {0..13}; do
        eventually all_up $((HOSTS * (round + 1)))
        case $round in
        4) # what is kept from the first connections is there now, and the catalogue's second one, which comes
            # with its first checkpoint
            first=$(held)
            head=$(memory "/proc/$dispatcher")
            ;;
        13) break ;;
        esac
        link cutall
    done
    [ "$(link count)" -ge 280 ]
    eventually holds "$first" || {
        echo "first $first, now $(held)"
        false
    }
    now=$(memory "/proc/$dispatcher")
    echo "memory of the dispatcher: $head KiB, then $now KiB"
    is_sanitized || [ "$now" -le $((head + 1024)) ] # what is freed stays for a while there
    touch "$WITNESS/go"
    dispatcher_ends
    witness_holds
}
