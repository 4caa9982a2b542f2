#!/usr/bin/env bats
# The soak: random jobs and random faults for SOAK_MINUTES (1; `make soak MINUTES=10`), then every
# invariant. What comes by chance comes from SOAK_SEED, which is printed.
#
# Three workers: `near` and `away` over sshd, the second through a link that is cut and reset, and `here`
# on this machine. A dispatcher is started each second, as cron does it each minute.

load ../lib
load link
load witness

SOAK_MINUTES=${SOAK_MINUTES:-1}

setup_file()
{
    four_start
}

teardown_file()
{
    four_stop
}

# One of the words.
any()
{
    shift $((RANDOM % $#))
    printf '%s\n' "$1"
}

one_in()
{
    ((RANDOM % $1 == 0))
}

# ---- jobs ----

soak_job()
{
    local quick="-s 0.$((RANDOM % 10)) -o $((RANDOM % 3000))"
    case $(any plain plain fails big array pool retry leash timeout flow flow) in
    plain) witness_job plain "$quick" ;;
    fails) witness_job fails "$quick -x $((RANDOM % 5))" ;;
    big) witness_job big "-o $((RANDOM * 100))" ;;
    array) witness_job many "$quick" 'array: 0-19%5' ;;
    pool) witness_job pooled "-l two:2 $quick" 'pools: [two]' 'array: 0-5' ;;
    retry) witness_job again "$quick -x $((RANDOM % 2))" 'retry: {attempts: 3, delay: 1s}' ;;
    leash) witness_job leashed '-s 2' 'on_lost: retry' 'lost_after: 3s' ;;
    timeout) witness_job slow '-s 60' 'timeout: 1s' ;;
    flow)
        witness_job first "$quick -x $((RANDOM % 3 / 2))"
        echo ---
        witness_job second "$quick" 'after: [{job: first, is: finished}]'
        echo ---
        witness_job third "$quick" 'after: [{job: first}, {job: second}]'
        ;;
    esac
}

# What is printed is a promise; a submission that cannot be made now says 75 and promises nothing.
soak_submits()
{
    local rc=0
    soak_job >job.yaml
    rota submit job.yaml >ids 2>submit.err || rc=$?
    cat ids >>"$WITNESS/acknowledged"
    if [ "$rc" -ne 0 ] && [ "$rc" -ne 75 ]; then
        cat job.yaml submit.err
        return 1
    fi
}

soak_schedules()
{
    {
        witness_job forbidden '-l forbidden -s 3' 'schedule: {every: 2s, overlap: forbid}'
        echo ---
        witness_job queued '-l queued -s 1' 'schedule: {every: 4s, overlap: queue}'
        echo ---
        witness_job replaced '-l replaced -s 4' 'schedule: {every: 3s, overlap: replace}'
        echo ---
        witness_job allowed '-s 1' 'schedule: {every: 2s, overlap: allow}'
        echo ---
        witness_job everywhere '-s 0.1' 'schedule: {every: 5s}' 'where: {each: true}'
    } >schedule.yaml
    rota schedule add schedule.yaml
}

# ---- faults ----

# Some process of this test whose name or command line matches, but no child of the test itself.
process_of_soak()
{
    local pid
    for pid in $(test_processes | shuf --random-source=<(yes "$RANDOM")); do
        if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q "$1" ||
            grep -qsx "$1" "/proc/$pid/comm"; then
            printf '%s\n' "$pid"
            return 0
        fi
    done
    return 1
}

# A supervisor takes what it knows of its run with it: the run may be lost, and no other.
kill_supervisor()
{
    local pid run
    pid=$(process_of_soak rota-shim) || return 0
    run=$(pgrep -P "$pid" | head -n 1)
    run=$(tr '\0' '\n' <"/proc/$run/environ" 2>/dev/null | sed -n 's/^ROTA_RUN=//p') || return 0
    if [ -n "$run" ]; then
        echo "$run" >>"$WITNESS/taken"
        kill -KILL "$pid" 2>/dev/null || :
    fi
}

kill_front_end()
{
    local pid
    pid=$(process_of_soak 'rota-worker serve\|worker-.* serve') || return 0
    kill -KILL "$pid" 2>/dev/null || :
}

kill_sessions()
{
    # shellcheck disable=SC2046 # a list of numbers
    kill -KILL $(four_sessions) 2>/dev/null || :
}

stop_dispatcher()
{
    local pid=$dispatcher
    kill -STOP "$pid" 2>/dev/null || return 0
    pause
    one_in 3 && pause_for 40
    kill -CONT "$pid" 2>/dev/null || :
}

# About so many twentieths of a second.
pause_for()
{
    local n
    for ((n = 0; n < $1; n++)); do
        pause
    done
}

# A run that was chosen by chance, of those that match; none when there is none.
some_run()
{
    rota status --limit 50 -o id "$@" 2>/dev/null | shuf -n 1 --random-source=<(yes "$RANDOM")
}

asks_something()
{
    local run
    run=$(some_run)
    [ -n "$run" ] || return 0
    case $(any cancel cancel hold release rerun) in
    cancel) rota cancel "$run" ;;
    hold) rota cancel --hold "$run" ;;
    release) rota cancel --release "$run" ;;
    # by hand a scheduled job may run beside itself: overlap is a rule for its schedule
    rerun) run=$(some_run --job '[bmp]*') && rota submit --rerun "$run" >>"$WITNESS/acknowledged" ;;
    esac >/dev/null 2>&1 || :
}

# A copy that is made amid all this is one moment, and holds by itself.
backs_up()
{
    rota catalogue backup "$BATS_TEST_TMPDIR/copy.db" 2>backup.err || [ $? -eq 75 ] ||
        { cat backup.err; return 1; }
}

soak_fault()
{
    local fault
    fault=$(any dispatch dispatch dispatch end stop front front shim cut drop sessions ask ask \
        tick check backup)
    echo "$SECONDS $fault" >>faults
    case $fault in
    dispatch) kill -KILL "$dispatcher" 2>/dev/null || : ;;
    end) kill -"$(any TERM INT)" "$dispatcher" 2>/dev/null || : ;;
    stop) stop_dispatcher ;;
    front) kill_front_end ;;
    shim) kill_supervisor ;;
    cut)
        link cut
        pause_for $((RANDOM % 120))
        link "$(any heal heal forget)"
        ;;
    drop)
        link drop
        pause_for $((RANDOM % 20))
        link heal
        ;;
    sessions) kill_sessions ;;
    ask) asks_something ;;
    tick) rota schedule tick >/dev/null 2>&1 || : ;;
    check) rota monitor >/dev/null 2>&1 || : ;;
    backup) backs_up ;;
    esac
}

# ---- the dispatcher, and what it holds ----

# A dispatcher is started when none lives, as by cron.
keep_dispatching()
{
    local rc=0
    if ! process_lives "$dispatcher"; then
        wait "$dispatcher" 2>/dev/null || rc=$?
        # KILL, TERM and INT are ours
        if [[ " 0 75 130 137 143 " != *" $rc "* ]]; then
            echo "a dispatcher ended with $rc"
            tail -n 20 "$BATS_TEST_TMPDIR/dispatch.err"
            exit 1
        fi
        dispatcher_starts
    fi
    measure
}

# The most descriptors and memory (KiB) that any dispatcher was seen to hold.
measure()
{
    local fds rss
    fds=$(find "/proc/$dispatcher/fd" -mindepth 1 2>/dev/null | wc -l)
    rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$dispatcher/status" 2>/dev/null) || :
    if ((fds > most_fds)); then most_fds=$fds; fi
    if ((${rss:-0} > most_rss)); then most_rss=$rss; fi
}

nothing_open()
{
    keep_dispatching
    [ -z "$(rota status --state held,blocked,queued,starting,running -o id 2>/dev/null)" ]
}

@test "random jobs and random faults: every invariant holds, and nothing grows" {
    local most_fds=0 most_rss=0 until
    RANDOM=${SOAK_SEED:=$$}
    echo "# note: SOAK_SEED=$SOAK_SEED SOAK_MINUTES=$SOAK_MINUTES" >&3
    away_config 4
    printf '\n[worker here]\ntransport = local\nslots = 3\n\n[pool two]\nlimit = 2\n' >>"$ROTA_CONFIG"
    soak_schedules
    dispatcher_starts
    until=$((SECONDS + SOAK_MINUTES * 60))
    while ((SECONDS < until)); do
        soak_submits
        keep_dispatching
        one_in 2 && soak_fault
        pause_for $((RANDOM % 10))
    done
    link heal
    rota schedule remove forbidden queued replaced allowed everywhere
    rota status --state held -o id | rota cancel --release - || [ $? -eq 1 ]
    eventually_within 300 nothing_open
    kill "$dispatcher" 2>/dev/null || :
    wait "$dispatcher" || :
    dispatcher=''
    witness_holds
    rota catalogue check
    echo "# note: $(wc -l <"$WITNESS/acknowledged") submitted, $(grep -c start "$WITNESS/witness") executed," \
        "$(wc -l <faults) faults, $most_fds descriptors, $most_rss KiB" >&3
    [ "$(grep -c start "$WITNESS/witness")" -ge 20 ]
    # three hosts: a few descriptors each, and nothing that grows with runs or reconnects
    ((most_fds > 0 && most_fds <= 64))
    # what a worker keeps of runs is gone once all is acknowledged
    rota dispatch
    rota catalogue prune --older-than 0s
    [ -z "$(find "$HOME/output" -type f)" ]
    [ "$(cat "$(worker_spool)"/*/journal.* | wc -c)" -eq 0 ]
}
