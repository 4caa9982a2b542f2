#!/usr/bin/env bats
# bats file_tags=slurm
# The carrier is killed at its system calls, from its first to the end of its run: Slurm's job is executed once, its
# end is recorded, and the next carrier leaves all in order.

load ../lib
load ../e2e/slurm
load witness
load killer

SITES=28

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
}

teardown()
{
    scancel --user="$(id -un)"
    eventually_within 60 slurm_no_jobs
    rota_teardown
}

# Evenly over the calls that the trace has shown.
sites()
{
    awk -v sites="$SITES" '/^[0-9]+$/ { n++ } END { for (i = 0; i < sites; i++) print 1 + int(i * n / sites) }' \
        "$HOME/kill/carrier.0.log" | sort -un
}

tickets_are_gone()
{
    [ -z "$(find "$(worker_spool)" -path '*/slurm/*' -type f ! -path '*/bin/*')" ]
}

# all_succeed NAME: a run on each host.
all_succeed()
{
    local site ids=$1.ids
    for site in $(<chosen); do
        printf -- '---\n'
        witness_job "$1" '' "where: {hosts: carrier.$site}" 'slurm: {}'
    done | rota submit - >"$ids"
    cat "$ids" >>"$WITNESS/acknowledged"
    dispatch_all
    [ "$(states <"$ids")" = "$(wc -l <chosen) succeeded" ]
}

@test "the carrier is killed at its steps while it gives a run to Slurm, follows it and tells its end" {
    killer_config carrier 0 0
    killer_submit trace '' 'slurm: {}'
    dispatch_all
    sites >chosen
    n=$(wc -l <chosen)
    [ "$n" -ge 20 ]
    for site in $(<chosen); do
        printf '[worker carrier.%d]\ntransport = exec\ncommand = %s %s %%n\nworker = %s\nslots = 1\n' "$site" \
            "$ROTA_TOP/tests/fault/killer" "$HOME/kill" "$ROTA_BUILD_DIR/rota-worker"
    done >>"$ROTA_CONFIG"
    all_succeed runs
    [ "$(killed carrier)" -ge $((n * 8 / 10)) ]
    all_succeed after # whose carriers find what the dead ones left of groups
    witness_holds
    eventually_within 20 tickets_are_gone || {
        find "$(worker_spool)" -path '*/slurm/*' -ls
        return 1
    }
    spools_are_clean
}
