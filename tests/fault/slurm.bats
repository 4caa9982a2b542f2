#!/usr/bin/env bats
# bats file_tags=slurm
# What Slurm carries is executed once and its end is recorded once, whoever is killed on the way.

load ../lib
load ../dispatcher
load ../e2e/slurm
load ../slurm_jobs

succeeded_once()
{
    is_state "$1" succeeded
    began_once
    [ "$(sqlite3 "$ROTA_CATALOGUE" "SELECT count(*) FROM attempt WHERE run = $1")" -eq 1 ]
}

# kills_carrier COMMAND BEFORE AFTER: the first call of a command of Slurm's kills who called it.
kills_carrier()
{
    cat >"bin/$1" <<END
#!/bin/sh
echo $1 >>$PWD/commands
if ! mkdir $PWD/killed.$1 2>/dev/null; then
    exec $(PATH=${PATH#*:} command -v "$1") "\$@"
fi
$2
kill -KILL \$PPID
END
}

# dispatcher_dies: the head's process goes, and with it the worker's front end.
dispatcher_dies()
{
    kill -KILL "$dispatcher"
    wait "$dispatcher" || :
}

@test "a carrier killed after Slurm took the run, and before it knows, finds it there" {
    # its output goes where nobody reads: sbatch has done its work when the caller is killed
    kills_carrier sbatch "$(command -v /usr/bin/sbatch) \"\$@\" >/dev/null"
    touch go
    held_job
    run -0 rota dispatch
    [ -d killed.sbatch ]
    succeeded_once "$id"
    [ "$(count sbatch)" -eq 1 ]
    [ "$(squeue -h -t all -n sim -o %i | wc -l)" -eq 1 ]
}

@test "a carrier killed before Slurm has the run gives it to it" {
    kills_carrier sbatch :
    touch go
    held_job
    run -0 rota dispatch
    [ "$(count sbatch)" -eq 2 ]
    succeeded_once "$id"
}

@test "a carrier killed while it asks, and while it cancels, is followed by another" {
    kills_carrier squeue :
    kills_carrier scancel :
    held_job
    dispatcher_starts
    eventually began "$id"
    eventually test -d killed.squeue
    rota cancel "$id"
    dispatcher_ends
    is_state "$id" cancelled
    [ -d killed.scancel ]
    began_once
}

@test "a run goes on without dispatcher, front end and carrier, and the next ones record its end" {
    held_job
    dispatcher_starts
    eventually began "$id"
    kill -KILL "$(carrier_pid)"
    dispatcher_dies
    touch go
    eventually slurm_no_jobs
    run -0 rota dispatch
    succeeded_once "$id"
}

@test "a run goes on over a reboot of the host that gave it to Slurm" {
    held_job
    ROTA_TEST_BOOT_ID=aaaa dispatcher_starts
    eventually began "$id"
    dispatcher_dies
    kill -KILL "$(carrier_pid)"
    touch go
    ROTA_TEST_BOOT_ID=bbbb run -0 rota dispatch
    succeeded_once "$id"
}

@test "what a killed controller forgot is given to it again, and executed once" {
    scontrol update PartitionName=main State=DOWN
    held_job
    touch go
    dispatcher_starts
    eventually has_slurm_id "$id"
    slurm_ctld_stop KILL
    slurm_ctld_start
    scontrol update PartitionName=main State=UP
    dispatcher_ends
    succeeded_once "$id"
}

@test "a run that Slurm has twice is executed once" {
    scontrol update PartitionName=main State=DOWN
    held_job
    touch go
    dispatcher_starts
    eventually has_slurm_id "$id"
    sbatch -o /dev/null "$(worker_spool)"/here/slurm/groups/*.sh
    scontrol update PartitionName=main State=UP
    dispatcher_ends
    eventually slurm_no_jobs
    succeeded_once "$id"
}

@test "a run that Slurm begins again is not executed again" {
    held_job
    dispatcher_starts
    eventually began "$id"
    scontrol update "JobId=$(slurm_id "$id")" Requeue=1
    scontrol requeue "$(slurm_id "$id")"
    dispatcher_ends
    is_so "$id" 'lost *Slurm*'
    began_once
}

@test "a run whose node fails is lost" {
    held_job
    dispatcher_starts
    eventually began "$id"
    eventually eval '[ -n "$(field "$id" nodes)" ]'
    node=$(field "$id" nodes)
    slurm_node_down "$node"
    dispatcher_ends
    is_so "$id" 'lost *'
    slurm_node_up "$node"
    began_once
}

@test "a supervisor killed on the node takes the run with it" {
    held_job
    dispatcher_starts
    eventually began "$id"
    pid=$(pgrep -f "until \[ -e $PWD/go" | head -n 1)
    shim=$(ps -o ppid= -p "$pid" | tr -d ' ')
    [ "$(cat "/proc/$shim/comm")" = rota-shim ]
    kill -KILL "$shim"
    dispatcher_ends
    is_so "$id" 'lost its supervisor on the node is gone*'
    run ! process_lives "$pid"
}
