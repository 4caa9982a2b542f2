# shellcheck shell=bash
# slurm_jobs: jobs that the Slurm of e2e/slurm.bash carries for a worker on this machine. Load it after lib, dispatcher and
# slurm.
#
#   job COMMAND [KEY: VALUE…]   submits a job of Slurm's; sets id
#   held_job [KEY: VALUE…]      the same: it says in the file witness that it began, and goes on until there is a file go

# One cluster for all tests of a file.
setup_file()
{
    slurm_start "$(mktemp -d)"
}

teardown_file()
{
    slurm_stop
}

setup()
{
    rota_setup
    config < <(printf '[worker here]\ntransport = local\nslots = 2000\n')
    # Commands of Slurm are counted: each is called through a program that writes its name down.
    mkdir bin
    for command in sbatch squeue scancel; do
        printf '#!/bin/sh\necho %s >>%s\nexec %s "$@"\n' "$command" "$PWD/commands" \
            "$(command -v "$command")" >"bin/$command"
    done
    chmod +x bin/*
    PATH=$PWD/bin:$PATH
}

teardown()
{
    slurm_daemon_lives slurmctld || slurm_ctld_start
    scontrol update PartitionName=main State=UP
    if declare -F four_stop >/dev/null; then
        four_stop # of the test that has hosts too
    fi
    scancel --user="$(id -un)"
    eventually_within 60 slurm_no_jobs
    rota_teardown
}

# job COMMAND [KEY: VALUE…]: submits a job of Slurm's; sets id.
job()
{
    local line=$1
    shift
    printf '%s\n' 'name: sim' "$@" | grep -q '^slurm:' || set -- 'slurm: {}' "$@"
    jq -n --arg shell "$line" '"shell: \($shell | @json)"' -r >job.yaml
    printf '%s\n' 'name: sim' "$@" >>job.yaml
    # shellcheck disable=SC2034 # the test's
    id=$(rota submit job.yaml)
}

count()
{
    grep -cx "$1" commands || :
}

field()
{
    rota status --format "{$2}" "$1"
}

# Slurm's number of a run, once it has one.
slurm_id()
{
    local there
    there=$(field "$1" external_id)
    [ -n "$there" ] && printf '%s\n' "${there#slurm }"
}

has_slurm_id()
{
    slurm_id "$1" >/dev/null
}

runs_in_slurm()
{
    has_slurm_id "$1" && [ "$(squeue -h -j "$(slurm_id "$1")" -o %T)" = RUNNING ]
}

carrier_pid()
{
    cut -d' ' -f1 "$(worker_spool)/here/carrier"
}

# The work of a job that says that it began, and goes on until it is told.
held_job()
{
    job "echo \$ROTA_RUN.\$ROTA_ATTEMPT >>$PWD/witness; until [ -e $PWD/go ]; do sleep 0.1; done" "$@"
}

began()
{
    grep -qsx "$1.1" witness
}

began_once()
{
    [ "$(grep -c . witness)" = "$(sort -u witness | grep -c .)" ]
}
