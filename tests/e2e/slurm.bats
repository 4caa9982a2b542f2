#!/usr/bin/env bats
# bats file_tags=slurm
# Runs that a real Slurm carries: what people ask for reaches it, what comes of them is recorded, once.

load ../lib
load ../dispatcher
load four
load slurm
load ../slurm_jobs

@test "a run of Slurm's is recorded with its end, its nodes, its output and what it used" {
    job 'echo "on $SLURMD_NODENAME"; echo no >&2; echo "rows=3" >>"$ROTA_OUTPUT"; exit 3'
    run -0 rota dispatch
    run -0 rota status -o json "$id"
    [ "$(json '"\(.state) \(.exit_code) \(.host) \(.attempt)"')" = 'failed 3 here 1' ]
    [ "$(json '.maxrss > 0 and .finished_at != null')" = true ]
    node=$(json .nodes)
    [[ $node =~ ^n[1-4]$ ]]
    [[ $(json .external_id) =~ ^slurm\ [0-9]+$ ]]
    run -0 --separate-stderr rota logs "$id"
    [ "$output" = "on $node" ]
    [ "$stderr" = no ]
    [ "$(sqlite3 "$ROTA_CATALOGUE" "SELECT key || value FROM v_values WHERE run = $id")" = rows3 ]
    [ -z "$(ls "$(worker_spool)/here/slurm/groups")" ]
}

@test "exec and script are carried too, with their standard input, directory and environment" {
    cat >jobs.yaml <<'END'
name: exec
slurm: {partition: short}
exec: [sh, -c, 'read line; echo "$line, $A in $(pwd) as $1 of $SLURM_JOB_PARTITION"', sh, 'b c']
stdin: "hello\n"
env: {A: "x y"}
workdir: /tmp
---
name: script
slurm: {}
script: |
  #!/bin/sh -e
  echo "run $ROTA_RUN of $ROTA_JOB on $ROTA_HOST"
END
    rota submit jobs.yaml
    run -0 rota dispatch
    [ "$(rota logs 1)" = 'hello, x y in /tmp as b c of short' ]
    [ "$(rota logs 2)" = 'run 2 of script on here' ]
}

@test "what a job asks of Slurm reaches it" {
    held_job 'slurm: {partition: short, time: 90s, nodes: 2, ntasks: 2, cpus_per_task: 3, mem: 40M, extra: [--nice=7]}'
    dispatcher_starts
    eventually began "$id"
    run -0 scontrol -o show job "$(slurm_id "$id")"
    for want in JobName=sim Partition=short TimeLimit=00:02:00 NumNodes=2 NumTasks=2 CPUs/Task=3 \
        MinMemoryNode=40M Nice=7 Requeue=0; do
        [[ " $output " == *" $want "* ]]
    done
    touch go
    dispatcher_ends
    [ "$(field "$id" nodes)" = 'n[1-2]' ]
}

@test "a run that sbatch took quietly is found" {
    job true 'slurm: {extra: [--quiet]}'
    run -0 rota dispatch
    is_state "$id" succeeded
    [ "$(count sbatch)" -eq 1 ]
}

@test "it is said how a run stands in Slurm, and its output comes while it runs" {
    job "echo now; until [ -e $PWD/go ]; do sleep 0.1; done" 'slurm: {extra: --hold}'
    dispatcher_starts
    eventually is_so "$id" 'running queued in Slurm: JobHeldUser (*)'
    scontrol release "$(slurm_id "$id")"
    eventually is_so "$id" 'running running in Slurm (*)'
    eventually eval '[ "$(rota logs "$id")" = now ]'
    touch go
    dispatcher_ends
    is_state "$id" succeeded
}

@test "a timeout is kept to, with TERM first, and Slurm's limit is longer" {
    job 'trap "echo TERM; exit 0" TERM; while :; do sleep 0.1; done' 'timeout: 2s'
    run -0 rota dispatch
    is_state "$id" timeout
    [ "$(rota logs "$id")" = TERM ]
}

@test "Slurm's own time limit is a timeout" {
    job 'while :; do sleep 0.1; done' 'slurm: {partition: short, time: 1m}'
    dispatcher_starts
    eventually runs_in_slurm "$id"
    scontrol update "JobId=$(slurm_id "$id")" EndTime=now # waiting for the minute would tell no more
    dispatcher_ends
    is_so "$id" "timeout Slurm's time limit"
}

@test "cancel ends a run that began, with TERM first, and one that waits never begins" {
    job 'trap "echo TERM; exit 0" TERM; echo on; while :; do sleep 0.1; done'
    running=$id
    held_job 'slurm: {extra: --hold}'
    dispatcher_starts
    eventually eval '[ "$(rota logs "$running")" = on ]'
    eventually has_slurm_id "$id"
    run -0 rota cancel "$running" "$id"
    dispatcher_ends
    is_state "$running" cancelled
    is_state "$id" cancelled
    [ "$(rota logs "$running")" = $'on\nTERM' ]
    [ ! -e witness ]
    [ -z "$(squeue -h)" ]
}

@test "one that is cancelled while the controller is down leaves nothing in Slurm" {
    held_job 'slurm: {extra: --hold}'
    dispatcher_starts
    eventually has_slurm_id "$id"
    printf '#!/bin/sh\n%s "$@" || { touch %s; exit 1; }\n' "$(PATH=${PATH#*:} command -v scancel)" "$PWD/unheard" \
        >bin/scancel
    slurm_ctld_stop
    run -0 rota cancel "$id"
    eventually test -e unheard
    slurm_ctld_start
    dispatcher_ends
    is_state "$id" cancelled
    [ -z "$(squeue -h)" ]
    [ ! -e witness ]
}

@test "an array of a thousand costs three commands of Slurm's at most, and one to ask how it is" {
    printf '%s\n' 'name: many' 'slurm: {partition: main}' 'array: 0-999' \
        "shell: echo \$ROTA_INDEX >>$PWD/witness" >many.yaml
    rota submit -q many.yaml
    SECONDS=0
    run -0 rota dispatch
    polls=$((SECONDS + 2)) # one a second at most
    [ "$(rota status --job many --state succeeded -o id --limit 2000 | wc -l)" -eq 1000 ]
    [ "$(sort -n witness | uniq | wc -l)" -eq 1000 ]
    [ "$(wc -l <witness)" -eq 1000 ]
    [ "$(count sbatch)" -le 3 ]
    [ "$(count squeue)" -le "$polls" ]
    [ "$(count scancel)" -eq 0 ]
}

# Of the cluster; it is read when the controller begins.
max_array_size()
{
    slurm_ctld_stop
    sed -i "s/^MaxArraySize=.*/MaxArraySize=$1/" "$SLURM_CONF"
    slurm_ctld_start
}

@test "runs that are more than Slurm takes in an array go in smaller ones" {
    max_array_size 11
    job "echo \$ROTA_RUN.\$ROTA_ATTEMPT >>$PWD/witness" 'array: 0-29'
    run -0 rota dispatch
    max_array_size 20001
    [ "$(rota status --state succeeded -o id | wc -l)" -eq 30 ]
    [ "$(sort -u witness | wc -l)" -eq 30 ]
    began_once
    [ "$(count sbatch)" -eq 7 ] # 30, 15, four of 7 and one of 2
}

@test "a partition that does not exist is refused with the reason" {
    job true 'slurm: {partition: nosuch}'
    run -0 rota dispatch
    is_so "$id" 'failed Slurm refuses it: invalid partition specified: nosuch; Batch job submission failed: Invalid partition name specified'
}

@test "a host without Slurm says so" {
    job true
    mkdir none
    PATH=$ROTA_BUILD_DIR:$PWD/none run -0 rota dispatch
    is_so "$id" 'failed there is no Slurm on this host: sbatch: not found*'
}

@test "what does not go with Slurm is refused when it is submitted" {
    printf 'slurm: {}\nhttp: {url: "http://a/"}\n' >bad.yaml
    run -65 rota submit bad.yaml
    [[ $output == *"bad.yaml:1:8: 'slurm' and 'http' exclude each other"* ]]
    printf 'slurm: {}\nshell: a\non_lost: retry\n' >bad.yaml
    run -65 rota submit bad.yaml
    [[ $output == *"would run twice"* ]]
    printf 'slurm: {partion: x}\nshell: a\n' >bad.yaml
    run -65 rota submit bad.yaml
    [[ $output == *"unknown key 'partion' (did you mean 'partition'?)"* ]]
}

@test "a controller that is down is waited for, and the reason says so" {
    slurm_ctld_stop
    held_job
    dispatcher_starts
    eventually is_so "$id" "running waiting for Slurm's controller: *"
    slurm_ctld_start
    eventually began "$id"
    slurm_ctld_stop
    eventually is_so "$id" "running Slurm's controller does not answer: *"
    slurm_ctld_start
    touch go
    dispatcher_ends
    is_state "$id" succeeded
    began_once
}

@test "so it is when sbatch warns of something first, and when munge is down" {
    slurm_ctld_stop
    job true 'slurm: {nodes: 2, ntasks: 1}'
    dispatcher_starts
    eventually is_so "$id" "running waiting for Slurm's controller: *Unable to contact*"
    slurm_ctld_start
    dispatcher_ends
    is_state "$id" succeeded
    kill "$(slurm_daemon_pid munged)"
    eventually slurm_daemon_gone munged
    held_job
    dispatcher_starts
    eventually is_so "$id" "running waiting for Slurm's controller: *Munge encode failed*"
    slurm_munged
    eventually began "$id"
    touch go
    dispatcher_ends
    is_state "$id" succeeded
    began_once
}

@test "a workflow goes over ssh and Slurm, and hands values on" {
    export FOUR_HOME=$HOME
    four_start
    four_config 2
    printf '[worker login]\ntransport = local\ntags = slurm\nslots = 100\n' >>"$ROTA_CONFIG"
    cp "$ROTA_TOP/jobs/simulation.yaml" .
    rota submit -q simulation.yaml
    run -0 rota dispatch
    run -0 rota status --format '{job} {state} {external_id}'
    [ "$(grep -c '^simulate succeeded slurm [0-9_]*$' <<<"$output")" -eq 4 ]
    grep -qx 'prepare succeeded ' <<<"$output"
    grep -qx 'collect succeeded ' <<<"$output"
    [[ $(rota status --job prepare --format '{host}') != login ]]
    [ "$(sqlite3 "$ROTA_CATALOGUE" "SELECT count(*) FROM v_values WHERE key = 'sample' AND value % $(date +%-d) = 0")" -eq 4 ]
}
