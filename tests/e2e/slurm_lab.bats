#!/usr/bin/env bats
# The Slurm cluster that the tests of the executor use is a real one and leaves nothing behind.

load ../lib
load slurm

setup_file()
{
    slurm_start "$(mktemp -d)"
    # any user's jobs write here
    mkdir -m 1777 "$SLURM_LAB/out"
}

teardown_file()
{
    slurm_stop
}

teardown()
{
    slurm_daemon_lives slurmctld || slurm_ctld_start
    scancel --user="$(id -un)"
    eventually_within 60 slurm_no_jobs
    rota_teardown
}

# job [OPTION…] COMMAND: submits a shell command; sets id, and out, where it writes.
job()
{
    out=$SLURM_LAB/out/$BATS_TEST_NUMBER
    id=$(sbatch --parsable --output="$out" "${@:1:$#-1}" --wrap "${*: -1}")
}

# What Slurm says of one job: job_is ID FIELD=VALUE…
job_is()
{
    local shown field
    shown=" $(scontrol -o show job "$1") "
    for field in "${@:2}"; do
        [[ $shown == *" $field "* ]] || return
    done
}

# Whether a file has a line that matches.
says()
{
    grep -qs -- "$2" "$1"
}

@test "a job runs on a node and its end is known" {
    job 'echo "on $SLURMD_NODENAME"; exit 3'
    eventually job_is "$id" JobState=FAILED ExitCode=3:0
    run -0 cat "$out"
    [[ $output =~ ^on\ n[1-4]$ ]]
    job_is "$id" "NodeList=${output#on }"
}

@test "a job of another user runs as that user" {
    [ "$(id -u)" -eq 0 ] || skip 'only root can become another user'
    out=$SLURM_LAB/out/$BATS_TEST_NUMBER
    id=$(cd / && setpriv --reuid nobody --regid nogroup --clear-groups \
        sbatch --parsable --output="$out" --wrap id)
    eventually job_is "$id" JobState=COMPLETED
    run -0 cat "$out"
    [[ $output == *'(nobody)'* ]]
}

@test "an array of 100 runs over all nodes, at once" {
    local go
    # Each holds two processors until all are there, so that three nodes are too few: it opens a
    # FIFO, which waits for a writer.
    mkfifo "$SLURM_LAB/out/gate"
    job --array=0-99 --cpus-per-task=2 --output="$SLURM_LAB/out/array_%a" \
        "echo \"\$SLURMD_NODENAME\"; : <'$SLURM_LAB/out/gate'"
    eventually array_runs 100
    exec {go}<>"$SLURM_LAB/out/gate"
    eventually slurm_no_jobs
    exec {go}>&-
    run -0 squeue -h -r -t all -j "$id" -o %T
    [ "$(sort <<<"$output" | uniq -c | xargs)" = '100 COMPLETED' ]
    run -0 sort "$SLURM_LAB"/out/array_*
    [ "$(wc -l <<<"$output")" -eq 100 ]
    [ "$(uniq <<<"$output" | xargs)" = 'n1 n2 n3 n4' ]
}

array_runs()
{
    [ "$(squeue -h -r -j "$id" -t RUNNING -o %i | wc -l)" -eq "$1" ]
}

@test "a queued job is still there after the controller was restarted" {
    local signal
    for signal in TERM KILL; do
        job --hold --comment="kept over $signal" 'echo ran'
        # it saves its state some seconds later, and when it is killed before that, a job is lost
        eventually says "$SLURM_LAB/state/job_state" "kept over $signal"
        slurm_ctld_stop "$signal"
        run -1 timeout 60 scontrol ping
        [[ $output == *'is DOWN'* ]]
        slurm_ctld_start
        run -0 squeue -h -j "$id" -o '%T %k'
        [ "$output" = "PENDING kept over $signal" ]
        scontrol release "$id"
        eventually job_is "$id" JobState=COMPLETED
        run -0 cat "$out"
        [ "$output" = ran ]
        rm "$out"
    done
}

@test "a running job is still there after the controller was restarted" {
    mkfifo "$SLURM_LAB/out/go"
    job "read -r code <'$SLURM_LAB/out/go'; exit \"\$code\""
    eventually job_is "$id" JobState=RUNNING
    slurm_ctld_stop
    echo 5 >"$SLURM_LAB/out/go"
    slurm_ctld_start
    eventually job_is "$id" JobState=FAILED ExitCode=5:0
}

# It would two minutes later by itself; what ends only now of its first execution may put that off anew.
begins_again()
{
    scontrol update "JobId=$id" StartTime=now 2>&1 || :
    says "$out" 'restarts 1'
}

@test "a job that is requeued starts again and knows it" {
    job --open-mode=append 'echo "restarts ${SLURM_RESTART_COUNT-none}"; exec sleep 1000'
    eventually says "$out" 'restarts none'
    scontrol requeue "$id"
    eventually begins_again
    eventually job_is "$id" JobState=RUNNING Restarts=1
}

@test "scancel sends the signal that it is told, to the whole job" {
    job 'trap "echo got USR1" USR1; echo up; while :; do sleep 1000 & wait "$!"; kill "$!"; done'
    eventually says "$out" '^up'
    scancel --full --signal=USR1 "$id"
    eventually says "$out" 'got USR1'
    job_is "$id" JobState=RUNNING
    scancel "$id"
    eventually job_is "$id" JobState=CANCELLED ExitCode=0:15
}

@test "a node crashes with its jobs, and comes back" {
    job --no-requeue --nodelist=n2 'exec sleep 1000'
    eventually job_is "$id" JobState=RUNNING
    slurm_node_down n2
    eventually job_is "$id" JobState=NODE_FAIL
    [ "$(slurm_node_state n2)" = down ]
    run -0 slurm_processes n2
    [ "$output" = '' ]
    slurm_node_up n2
    job --nodelist=n2 true
    eventually job_is "$id" JobState=COMPLETED
}

# A second cluster, while the first one of this file runs; then neither the daemons nor a job's
# background process, which no longer has a parent, may be there.
@test "nothing outlives slurm_stop, and the other cluster stays" {
    local first=$SLURM_LAB pids pid
    slurm_start "$(mktemp -d)" 1
    mkdir "$SLURM_LAB/out"
    job '(setsid sleep 1000 & echo "$!" >&3) 3>&1; exec sleep 1000'
    eventually says "$out" '[0-9]'
    pids=$(slurm_processes)
    # munged, two of slurmctld, slurmd, slurmstepd, the job and what escaped from it
    [ "$(wc -l <<<"$pids")" -ge 7 ]
    grep -qx "$(cat "$out")" <<<"$pids"
    slurm_stop
    for pid in $pids; do
        run ! process_lives "$pid"
    done
    [ -z "${SLURM_CONF-}" ]
    export SLURM_LAB=$first SLURM_CONF=$first/slurm.conf
    run -0 sinfo -h -o %D
    [ "${output%%$'\n'*}" -eq 4 ]
}
