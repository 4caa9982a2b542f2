#!/usr/bin/env bats
# bats file_tags=slurm
# Slurm, its administrators and the disk do what nobody has asked for: no run waits for ever, none is executed twice.

load ../lib
load ../dispatcher
load ../e2e/slurm
load ../slurm_jobs

groups()
{
    printf '%s\n' "$(worker_spool)/here/slurm/groups"
}

# A run that waits for ever is what is looked for here.
dispatcher_ends()
{
    eventually_within 40 eval '! process_lives "$dispatcher"'
    wait "$dispatcher"
}

# asked_again N: since then Slurm was asked so often.
asked_again()
{
    [ "$(count squeue)" -ge $((polls + $1)) ]
}

# A run that is in Slurm, and waits there until somebody says State=UP.
waiting_job()
{
    scontrol update PartitionName=main State=DOWN
    held_job
    dispatcher_starts
    eventually has_slurm_id "$id"
}

all_die()
{
    kill -KILL "$dispatcher"
    wait "$dispatcher" || :
    kill -KILL "$(carrier_pid)"
}

@test "a run that Slurm has twice is followed in the job where it began, however long it takes" {
    waiting_job
    first=$(slurm_id "$id")
    token=$(basename "$(groups)"/*.sh .sh)
    sbatch -o /dev/null -p short "--comment=rota:$token" "$(groups)/$token.sh"
    eventually began "$id"
    scontrol update PartitionName=main State=UP
    eventually eval '[ "$(squeue -h -t all -j "$first" -o %T)" = COMPLETED ]'
    polls=$(count squeue)
    eventually asked_again 3
    is_so "$id" 'running running in Slurm (*'
    [ "$(slurm_id "$id")" -ne "$first" ]
    touch go
    dispatcher_ends
    is_state "$id" succeeded
    began_once
}

# More of them: Slurm is asked often while states change.
more_come()
{
    rota submit -q more.yaml
    is_so "$held" 'lost Slurm has it as FAILED, and it left no result'
}

@test "a batch that is killed is noticed soon, also while other runs come and go, and its run with it" {
    held_job 'kill_after: 1h'
    held=$id
    printf 'name: more\nslurm: {}\nshell: "true"\n' >more.yaml
    dispatcher_starts
    eventually began "$held"
    pid=$(pgrep -f "until \[ -e $PWD/go" | head -n 1)
    shim=$(ps -o ppid= -p "$pid" | tr -d ' ')
    kill -KILL "$(ps -o ppid= -p "$shim" | tr -d ' ')"
    eventually_within 25 more_come
    run ! process_lives "$pid"
    run ! process_lives "$shim"
    touch go
    dispatcher_ends
    began_once
}

@test "a run whose node fails before it began says so" {
    printf '#!/bin/sh\n%s "$@" | sed "s/|PENDING|/|NODE_FAIL|/"\n' \
        "$(PATH=${PATH#*:} command -v squeue)" >bin/squeue
    scontrol update PartitionName=main State=DOWN
    held_job
    dispatcher_starts
    dispatcher_ends
    is_so "$id" 'failed its node failed'
    scontrol update PartitionName=main State=UP
    eventually slurm_no_jobs
    [ ! -e witness ]
}

# Kills a process when it has written to a file, at its next system call.
kill_when_written()
{
    timeout 60 python3 - "$@" <<'PYTHON'
import ctypes, os, signal, sys
ATTACH, SYSCALL = 16, 24
ptrace = ctypes.CDLL(None).ptrace
ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
pid, path = int(sys.argv[1]), sys.argv[2]
ptrace(ATTACH, pid, 0, 0)
while os.WIFSTOPPED(os.waitpid(pid, 0)[1]):
    if os.path.getsize(path) > 0:
        os.kill(pid, signal.SIGKILL)
    ptrace(SYSCALL, pid, 0, 0)
PYTHON
}

@test "a supervisor killed on the node when it has told the end of its run: that stands" {
    held_job
    dispatcher_starts
    eventually began "$id"
    shim=$(ps -o ppid= -p "$(pgrep -f "until \[ -e $PWD/go" | head -n 1)" | tr -d ' ')
    journal=$(echo "$(worker_spool)"/here/slurm/*/run/journal)
    kill_when_written "$shim" "$journal" 3>&- &
    killer=$!
    eventually grep -q '^TracerPid:[^0]*[1-9]' "/proc/$shim/status"
    touch go
    wait "$killer" || :
    dispatcher_ends
    is_state "$id" succeeded
    began_once
}

@test "an order that a crash of the host has damaged is lost" {
    waiting_job
    all_die
    truncate -s 10 "$(worker_spool)"/here/slurm/*/order
    ROTA_TEST_BOOT_ID=bbbb run -0 timeout 60 rota dispatch
    is_so "$id" 'lost *'
    scontrol update PartitionName=main State=UP
    eventually slurm_no_jobs
    [ ! -e witness ]
}

@test "a run that is in several groups after a crash is executed once" {
    waiting_job
    all_die
    list=$(basename "$(groups)"/*.sh .sh)
    for token in 0000000000000000 8888888888888888 ffffffffffffffff; do
        cp "$(groups)/$list" "$(groups)/$token"
    done
    polls=$(count squeue)
    dispatcher_starts
    eventually asked_again 1
    carrier=$(carrier_pid)
    eventually asked_again 3
    [ "$(carrier_pid)" = "$carrier" ]
    scontrol update PartitionName=main State=UP
    touch go
    dispatcher_ends
    is_state "$id" succeeded
    began_once
}

@test "commands of Slurm that say something else are not believed" {
    for command in sbatch squeue; do
        printf '#!/bin/sh\nif [ -e %s/chatter ]; then echo "Welcome to the cluster"; %s "$@" >/dev/null; else exec %s "$@"; fi\n' \
            "$PWD" {,}"$(PATH=${PATH#*:} command -v "$command")" >"bin/$command"
    done
    touch chatter
    held_job
    dispatcher_starts
    eventually began "$id"
    eventually is_so "$id" "running Slurm's controller does not answer: what squeue says cannot be understood*"
    rm chatter
    eventually has_slurm_id "$id"
    touch go
    dispatcher_ends
    is_state "$id" succeeded
    began_once
}

@test "what people have set for squeue of their own hides no run" {
    held_job
    SQUEUE_PARTITION=short dispatcher_starts
    eventually is_so "$id" 'running running in Slurm (*'
    touch go
    dispatcher_ends
    is_state "$id" succeeded
    [ "$(count sbatch)" -eq 1 ]
}

@test "a run that Slurm queues again and holds is lost" {
    held_job
    dispatcher_starts
    eventually began "$id"
    scontrol update "JobId=$(slurm_id "$id")" Requeue=1
    scontrol requeuehold "$(slurm_id "$id")"
    dispatcher_ends
    is_so "$id" 'lost Slurm put it back into its queue'
    began_once
}

@test "a carrier killed while it cancels what waits leaves nothing in Slurm" {
    waiting_job
    cat >bin/scancel <<END
#!/bin/sh
mkdir $PWD/killed 2>/dev/null && kill -KILL \$PPID
exec $(PATH=${PATH#*:} command -v scancel) "\$@"
END
    rota cancel "$id"
    dispatcher_ends
    is_state "$id" cancelled
    [ -d killed ]
    run -0 squeue -h
    [ -z "$output" ]
    scontrol update PartitionName=main State=UP
}

@test "a spool below a directory called groups is no worse" {
    mkdir -p groups/me
    config < <(printf '[worker here]\ntransport = local\nspool = %s\n' "$PWD/groups/me")
    job true
    run -0 timeout 60 rota dispatch
    is_state "$id" succeeded
}

@test "a carrier of another build makes room for one that knows what is asked now" {
    held_job
    dispatcher_starts
    eventually began "$id"
    carrier=$(carrier_pid)
    printf '%s other\n' "$carrier" >"$(worker_spool)/here/carrier"
    more=$(rota submit job.yaml)
    eventually began "$more"
    [ "$(carrier_pid)" != "$carrier" ]
    touch go
    dispatcher_ends
    is_state "$id" succeeded
    is_state "$more" succeeded
    began_once
}
