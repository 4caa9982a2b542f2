#!/usr/bin/env bats
# What a run survives: kill -9 of dispatch, the loss of the connection, of the worker's front end.

load ../lib
load four
load four_once

setup()
{
    rota_setup
    four_config 50
    mkfifo pipe
    # both ends, so that opening it never blocks a job
    exec 7<>pipe
}

teardown()
{
    exec 7>&- || :
    rota_teardown
}

# N jobs that write their run into `witness`, wait for a line, and write more.
submit_waiting()
{
    local n
    for ((n = 0; n < $1; n++)); do
        printf '{"name": "waits", "shell": "%s"}\n---\n' \
            "echo \$ROTA_RUN >>$PWD/witness; echo begin \$ROTA_RUN; read x <$PWD/pipe; echo end \$ROTA_RUN; echo err \$ROTA_RUN >&2"
    done | sed '$d' | rota submit - >ids
    [ "$(wc -l <ids)" -eq "$1" ]
}

# Each waiting job takes one line, which is one byte: two readers cannot share it.
release()
{
    printf '%*s' "$1" '' | tr ' ' '\n' >&7
}

dispatch_in_background()
{
    rota dispatch 2>>dispatch.err 3>&- 7>&- &
    dispatcher=$!
}

kill_dispatcher()
{
    kill -KILL "$dispatcher"
    wait "$dispatcher" || :
}

count_is_at_least()
{
    [ "$(rota status --state "$1" -o id | wc -l)" -ge "$2" ]
}

witnesses_are_at_least()
{
    [ -e witness ] && [ "$(wc -l <witness)" -ge "$1" ]
}

all_ended_once()
{
    local n=$1 id
    run -0 rota status -o json
    [ "$(json .state | sort | uniq -c | tr -s ' ')" = " $n succeeded" ]
    [ "$(sort -n witness)" = "$(seq 1 "$n")" ]
    for ((id = 1; id <= n; id++)); do
        rota logs "$id" >out 2>err
        printf 'begin %d\nend %d\n' "$id" "$id" | cmp - out
        [ "$(cat err)" = "err $id" ]
    done
}

@test "kill -9 of dispatch amid 200 running jobs: all end, each executed exactly once" {
    submit_waiting 200
    dispatch_in_background
    eventually count_is_at_least running 200
    kill_dispatcher
    # what ends while nobody looks is kept
    release 100
    dispatch_in_background
    release 100
    wait "$dispatcher"
    all_ended_once 200
}

@test "kill -9 of dispatch again and again while runs start and end: exactly once all the same" {
    submit_waiting 200
    for at in 20 80 140; do
        dispatch_in_background
        eventually witnesses_are_at_least $at
        kill_dispatcher
    done
    dispatch_in_background
    eventually witnesses_are_at_least 200
    release 60
    eventually count_is_at_least succeeded 20
    kill_dispatcher
    release 140
    run -0 rota dispatch
    all_ended_once 200
}

@test "runs survive the loss of their connections, and dispatch reconnects by itself" {
    submit_waiting 40
    dispatch_in_background
    eventually count_is_at_least running 40
    sessions=$(four_sessions)
    [ -n "$sessions" ]
    # shellcheck disable=SC2086 # a list of numbers
    kill -KILL $sessions
    release 40
    wait "$dispatcher"
    all_ended_once 40
}

@test "runs survive kill -9 of every worker front end" {
    submit_waiting 40
    dispatch_in_background
    eventually count_is_at_least running 40
    fronts=$(pgrep -f 'worker-[^ ]* serve ' -P "$(four_sessions | paste -sd,)")
    [ -n "$fronts" ]
    # shellcheck disable=SC2086
    kill -KILL $fronts
    release 40
    wait "$dispatcher"
    all_ended_once 40
}

@test "kill -9 of a run's supervisor makes the run lost, its processes gone, and no other" {
    submit_waiting 4
    dispatch_in_background
    eventually witnesses_are_at_least 4
    eventually count_is_at_least running 4
    token=$(sqlite3 "$ROTA_CATALOGUE" "SELECT printf('ROTA_TOKEN=%016x', token) FROM attempt WHERE run = 1")
    job=$(grep -lszx "$token" /proc/[0-9]*/environ | cut -d/ -f3)
    [[ $job =~ ^[0-9]+$ ]]
    shim=$(ps -o ppid= -p "$job" | tr -d ' ')
    kill -KILL "$shim"
    eventually count_is_at_least lost 1
    run ! process_lives "$job"
    release 3
    wait "$dispatcher"
    run -0 rota status --format '{id} {state}'
    [ "$output" = '1 lost
2 succeeded
3 succeeded
4 succeeded' ]
}
