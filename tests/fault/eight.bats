#!/usr/bin/env bats
# Eight dispatchers, started and killed at random while jobs are submitted, run and fail: every invariant holds.

load ../lib
load ../dispatcher
load witness

setup()
{
    rota_setup
    dispatchers=()
    mkdir "$WITNESS"
}

teardown()
{
    all_die
    rota_teardown
}

all_die()
{
    [ "${#dispatchers[@]}" -eq 0 ] || kill -KILL "${dispatchers[@]}" 2>/dev/null || :
    wait
    dispatchers=()
}

# Whoever is not there is started: all of them reach for the catalogue at once.
all_live()
{
    local n
    for n in {0..7}; do
        if [ -z "${dispatchers[n]-}" ] || ! process_lives "${dispatchers[n]}"; then
            rota dispatch 2>>dispatch.err 3>&- &
            dispatchers[n]=$!
        fi
    done
}

# One of them, or the one that holds the catalogue: of eight, seven leave at once.
one_dies()
{
    local victim=${dispatchers[RANDOM % 8]}
    if ((RANDOM % 2)); then
        victim=$(sqlite3 "file:$ROTA_CATALOGUE?mode=ro" 'SELECT coalesce(pid, 0) FROM holder')
        # not a pid that the catalogue remembers of somebody else
        [[ " ${dispatchers[*]} " == *" $victim "* ]] || return 0
        holders=$((holders + 1))
    fi
    kill -KILL "$victim" 2>/dev/null || :
}

submit_one()
{
    witness_job "any$((RANDOM % 4))" "-l seat:2 -s 0.$((RANDOM % 10)) -o $((RANDOM % 3 * 5000)) -x $((RANDOM % 3 * 4))" \
        'pools: [seat]' 'retry: {attempts: 2}' | rota submit - >>"$WITNESS/acknowledged"
}

@test "eight dispatchers, started and killed at random for a minute" {
    local_workers w1 w2 w3
    printf '[pool seat]\nlimit = 2\n' >>"$ROTA_CONFIG"
    holders=0
    submit_one
    until=$((SECONDS + 55))
    while ((SECONDS < until)); do
        all_live
        submit_one
        for ((turns = RANDOM % 6; turns >= 0; turns--)); do
            pause
        done
        one_dies
    done
    all_die
    run -0 rota dispatch
    witness_holds
    ids=$(wc -l <"$WITNESS/acknowledged")
    echo "# $ids runs, $holders times whoever held the catalogue was killed" >&3
    [ "$holders" -ge 5 ]
    [ "$(rota status --state succeeded,failed -o id | wc -l)" -eq "$ids" ]
    # both were seen
    [ "$(rota status --state failed -o id | wc -l)" -gt 0 ]
    [ "$(rota status --state succeeded -o id | wc -l)" -gt 0 ]
}
