#!/usr/bin/env bats
# kill -9 of dispatch at every system call between claim and ACK: the next one ends the run, executed once.

load ../lib
load ../e2e/four
load ../e2e/four_once
load witness
load sweep

submit_telling()
{
    witness_job tells '-o 20 -x 3 -s 0.2' >job.yaml
    rota submit job.yaml >acknowledged
}

ended_well()
{
    local so
    witness_holds
    so=$(rota status --format '{state} {exit_code} {attempt}' 1)
    [ "$so" = 'failed 3 1' ] || echo "it is $so"
    [ "$(cat witness)" = $'1 1 start\n1 1 end 3 20' ] || cat witness
}

# From the first write of the claim, which is the commit after that of the hold, to the ACK, which is what is
# sent after the commit that follows the sync of the output.
between_claim_and_ack()
{
    # shellcheck disable=SC2016 # for awk
    sweep_window '
        $3 ~ /^1 pwrite64/ && $4 ~ /-wal>/ { begun = 1 }
        $1 == "fsync" && $4 ~ /1\.1\.out>/ { kept = $3 + 1 }
        kept && $1 == "sendto" && $3 + 0 >= kept { over = 1 }'
}

# The run that is let be.
trace()
{
    export WITNESS=$PWD
    submit_telling
    sweep_trace rota dispatch
    run -0 ended_well
    [ -z "$output" ]
}

killed_in_the_window()
{
    submit_telling
    sweep_kill rota dispatch
    timeout 100 rota dispatch >next 2>&1 || echo "the next dispatcher: exit $?: $(cat next)"
    ended_well
}

@test "kill -9 of dispatch at every system call between claim and ACK" {
    trace
    between_claim_and_ack >sites
    sweep killed_in_the_window
    # it writes the claim, START, the output, the end and ACK
    sweep_killed pwrite64 fdatasync sendto openat mkdirat fsync
    [ "$(wc -l <killed)" -ge 80 ]
}

@test "the same over ssh, at every tenth" {
    four_config 1 w1
    rota submit -- true
    rota dispatch # it pushes the worker
    rm -rf "$(worker_spool)" home/catalogue.db* home/output
    trace
    between_claim_and_ack | awk 'NR % 10 == 1 || /fdatasync|sendto/' >sites
    # how a stream is cut into reads, and when it is polled, is chance
    sweep killed_in_the_window 5
    sweep_killed pwrite64 fdatasync sendto
    [ "$(find sweep -name killed | wc -l)" -ge 8 ]
}
