#!/usr/bin/env bats
# ulimit -n 64: what lacks descriptors says so, goes on with what it has, and loses nothing.

load ../lib
load ../dispatcher
load witness

# So many runs, that all end here.
submit_all()
{
    local n
    for ((n = 1; n <= $1; n++)); do
        witness_job "many$n" "-o 30 -x $((n % 2 * 3))" "${@:2}"
        echo ---
    done | sed '$d' | rota submit - >acknowledged
    mv acknowledged "$WITNESS/acknowledged"
    [ "$(wc -l <"$WITNESS/acknowledged")" -eq "$1" ]
}

all_ended()
{
    [ "$(rota status --state succeeded,failed -o id | wc -l)" -eq "$1" ]
    [ "$(rota status --format '{attempt}' | sort -u)" = 1 ]
    witness_holds
}

@test "I8: ulimit -n 64 for a dispatcher of 40 hosts: it says so, and every run ends" {
    # shellcheck disable=SC2046 # a list of names
    local_workers $(printf 'w%d ' {1..40})
    submit_all 80
    run -0 --separate-stderr bash -c 'ulimit -n 64 && exec timeout 150 rota dispatch'
    # shellcheck disable=SC2154 # set by bats' run
    [[ $stderr == *"at most 64 descriptors may be open, "*" are wanted for 40 hosts: raise ulimit -n"* ]]
    [[ $stderr != *"Too many open files"* ]]
    all_ended 80
}

@test "I8: ulimit -n 64 for a dispatcher of three hosts is enough: nothing is said" {
    local_workers w1 w2 w3
    submit_all 20
    run -0 --separate-stderr bash -c 'ulimit -n 64 && exec timeout 150 rota dispatch'
    [ -z "$stderr" ]
    all_ended 20
}

@test "I8: ulimit -n 64 for a worker of 60 slots: every run ends" {
    config <<INI
[worker w]
transport = exec
command = sh -c 'ulimit -n 64; exec "\$@"' sh
worker = $ROTA_BUILD_DIR/rota-worker
slots = 60
INI
    submit_all 90
    limit=$(rota submit -- sh -c 'ulimit -Hn')
    run -0 timeout 150 rota dispatch
    [ "$(rota logs "$limit")" = 64 ]
    all_ended 91
}
