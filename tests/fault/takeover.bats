#!/usr/bin/env bats
# The catalogue is restored from a backup: workers refuse it until it takes over, and then nothing that
# may have been done since the backup is done again.

load ../lib

setup()
{
    rota_setup
    config <<<$'[worker w]\ntransport = local\nslots = 2'
    dispatcher=''
    mkfifo go.1 go.2 go.4
}

teardown()
{
    local fifo
    if [ -n "$dispatcher" ]; then
        kill "$dispatcher" 2>/dev/null || :
        wait "$dispatcher" || :
    fi
    for fifo in go.*; do # whoever still waits
        exec {gate}<>"$fifo"
        printf '\n' >&"$gate"
        eventually_within 20 no_job_left || :
        exec {gate}>&-
    done
    rota_teardown
}

no_job_left()
{
    ! grep -qszx "ROTA_TEST_GATE=$PWD" /proc/[0-9]*/environ
}

dispatcher_starts()
{
    rota dispatch "$@" 2>"$BATS_TEST_TMPDIR/dispatch.err" 3>&- &
    dispatcher=$!
}

dispatcher_ends()
{
    local rc=0
    wait "$dispatcher" || rc=$?
    dispatcher=''
    [ "$rc" -eq 0 ]
}

is_so()
{
    run -0 rota status --format '{state} {reason}' "$1"
    # shellcheck disable=SC2053 # a pattern
    [[ $output == $2 ]] || {
        echo "run $1: $output, not: $2"
        return 1
    }
}

# Writes its run into `witness`, then waits for a line of go.N.
submit_waiting()
{
    run -0 rota submit -- env "ROTA_TEST_GATE=$PWD" \
        sh -c "echo \$ROTA_RUN >>$PWD/witness; read line <$PWD/go.$1; echo bye"
    [ "$output" = "$1" ]
}

# As often as its job was started.
witnessed()
{
    grep -cx "$1" witness || :
}

epoch()
{
    sqlite3 "$ROTA_CATALOGUE" 'SELECT epoch FROM meta'
}

back_up()
{
    sqlite3 "$ROTA_CATALOGUE" ".backup $PWD/copy.db"
}

restore()
{
    rm -f "$ROTA_CATALOGUE"-wal "$ROTA_CATALOGUE"-shm
    cp copy.db "$ROTA_CATALOGUE"
}

# What the worker keeps of runs that were not acknowledged, in bytes.
remembered()
{
    cat "$(worker_spool)"/w/journal.* | wc -c
}

@test "catalogue restored from yesterday's backup while runs live: taken over when told, nothing twice" {
    submit_waiting 1
    submit_waiting 2
    run -0 rota submit -- sh -c "echo 3 >>$PWD/witness"
    dispatcher_starts
    eventually is_so 1 'running *'
    eventually is_so 2 'running *'
    is_so 3 'queued *'
    back_up
    # after the backup: 2 and 3 end, 4 is submitted and runs
    echo >go.2
    eventually is_so 3 'succeeded *'
    submit_waiting 4
    eventually is_so 4 'running *'
    kill "$dispatcher"
    dispatcher_ends
    for _ in 1 2 3 4; do
        rota dispatch --once
    done

    restore
    # the harder case: 2 was claimed, and is not known to have started
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE run SET state = 4, started_at = NULL WHERE id = 2'
    run -0 --separate-stderr rota dispatch --once
    [[ $stderr == *'newer dispatcher (epoch 1, fence '*'restored from a backup: rota dispatch --take-over'* ]]
    is_so 1 'running *'
    is_so 2 'starting *'
    is_so 3 'queued *'

    dispatcher_starts --take-over
    eventually is_so 2 'lost *may have ended after the catalogue was copied*'
    is_so 1 'running *'
    is_so 3 'held *may have run*'
    [ "$(epoch)" -eq 2 ]
    grep 'held now' dispatch.err
    echo >go.1
    dispatcher_ends
    is_so 1 'succeeded *'
    run -0 rota logs 1
    [ "$output" = bye ]
    # a run that the copy does not know is left in peace, and forgotten when it is over
    [ "$(remembered)" -gt 0 ]
    echo >go.4
    eventually no_process_left
    for id in 1 2 3 4; do
        [ "$(witnessed "$id")" -eq 1 ]
    done

    # from now on all is as ever; what is held runs when a person says so
    run -0 rota cancel --release 3
    run -0 rota dispatch
    is_so 3 'succeeded *'
    [ "$(witnessed 3)" -eq 2 ]
    [ "$(epoch)" -eq 2 ]
    [ "$(remembered)" -eq 0 ]
}

# Blocked behind a run that the copy believes to be running, it may have run as well.
@test "what waited for others is held too, and waits on when it is released" {
    cat >after.yaml <<END
name: b
after: [{job: a, is: failed}]
shell: echo b >>$PWD/witness
END
    printf '%s\n' 'name: a' "shell: read line <$PWD/go.1; exit 1" --- >a.yaml
    cat a.yaml after.yaml | rota submit -
    rota submit --after 2:finished -- true
    dispatcher_starts
    eventually is_so 1 'running *'
    back_up
    echo >go.1
    dispatcher_ends
    is_so 3 'succeeded *'

    restore
    run -0 rota dispatch --take-over
    is_so 2 'held held at the take-over*'
    is_so 3 'held held at the take-over*'
    [ "$(witnessed b)" -eq 1 ]
    rota cancel --release 3
    is_so 3 'blocked waiting for 2 (b)'
    rota cancel --release 2
    run -0 rota dispatch
    is_so 2 'succeeded *'
    is_so 3 'succeeded *'
}

@test "after two take-overs the copy from before them needs two" {
    run -0 rota submit -- true
    rota dispatch
    back_up
    rota dispatch --take-over
    run -0 rota submit --hold -- true
    run -0 rota dispatch --take-over
    rota cancel --release 2
    rota dispatch
    is_so 2 'succeeded *'

    restore
    run -0 rota dispatch --take-over
    run -0 rota submit -- true
    run -0 --separate-stderr rota dispatch --once
    [[ $stderr == *'epoch 3, '*'epoch 2, '*--take-over* ]]
    run -0 rota dispatch --take-over
    run -0 rota cancel --release 2
    run -0 rota dispatch
    is_so 2 'succeeded *'
}

@test "a run whose id was given since the copy shows nothing of the one before" {
    run -0 rota submit -- true
    rota dispatch
    back_up
    rota submit -- sh -c 'echo much of the run before; echo its errors >&2'
    rota submit -- sh -c 'echo another; echo its errors >&2'
    rota dispatch
    [ "$(find "$HOME/output" -type f | wc -l)" -eq 4 ]

    restore
    run -0 rota dispatch --take-over
    [ "$(rota submit -- echo new)" = 2 ]
    [ "$(rota submit -- true)" = 3 ]
    run -0 rota dispatch
    is_so 2 'succeeded *'
    is_so 3 'succeeded *'
    run -0 rota logs 2 3
    [ "$output" = new ]
    [ "$(find "$HOME/output" -type f)" = "$HOME/output/0/2.1.out" ]
}

@test "the take-over of a catalogue that is being dispatched is refused" {
    submit_waiting 1
    dispatcher_starts
    eventually is_so 1 'running *'
    run -75 --separate-stderr rota dispatch --take-over
    [[ $stderr == *"process $dispatcher on "*'end it before the take-over'* ]]
    [ "$(epoch)" -eq 1 ]
    echo >go.1
    dispatcher_ends
    is_so 1 'succeeded *'
}

@test "--take-over makes no catalogue, and goes with neither --wait nor --dry-run" {
    run -74 rota dispatch --take-over
    [ ! -e "$ROTA_CATALOGUE" ]
    run -64 rota dispatch --take-over --dry-run
    run -64 rota dispatch --take-over --wait 1
}

@test "what schedules made due since the copy is missed, not run a second time" {
    printf 'name: weekly\nschedule: {every: 7d, catch_up: all, overlap: allow}\nshell: "true"\n' >weekly.yaml
    rota schedule add weekly.yaml
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE job SET next_at = next_at - 1209600000'
    run -0 rota dispatch --take-over
    run -0 sqlite3 -separator ' ' "$ROTA_CATALOGUE" 'SELECT outcome, count(*) FROM v_occurrences GROUP BY outcome'
    [ "$output" = 'missed 2' ]
    run -1 rota status
}
