#!/usr/bin/env bats
# Placement over real ssh hosts: a run on each, and pools that bound runs over all of them.

load ../lib
load four
load four_once

setup()
{
    rota_setup
}

@test "each on four hosts with one down records three results and one that says so" {
    four_config 2 w1 w2 w3
    four_add w4 'address = 127.0.1.4' 'port = 1' 'slots = 2'
    printf 'name: uname\nshell: echo "$ROTA_HOST $ROTA_SHARD_INDEX/$ROTA_SHARD_COUNT"\nwhere: {each: true}\n' >uname.yaml
    run -0 rota submit uname.yaml
    [ "${#lines[@]}" -eq 4 ]
    run -0 timeout 120 rota dispatch
    run -0 rota status -o json
    [ "$(json '[.index, .pin, .host, .state] | map(tostring) | join(" ")')" = \
        '0 w1 w1 succeeded
1 w2 w2 succeeded
2 w3 w3 succeeded
3 w4 null cancelled' ]
    [[ $(json 'select(.pin == "w4") | .reason') == 'not run: w4 is down ('*')' ]]
    for n in 1 2 3; do
        [ "$(rota logs "$n")" = "w$n $((n - 1))/4" ]
    done
}

# Two jobs of a pool of 1, 100 runs each, that write when they start and end.
submit_exclusive()
{
    printf '[pool press]\nlimit = 1\n' >>"$ROTA_CONFIG"
    for job in left right; do
        printf 'name: %s\npools: press\nwhere: {prefer: random}\nshell: |\n' "$job"
        printf '    printf "start %%s\\n" "$ROTA_RUN" >>%s/witness\n' "$PWD"
        printf '    printf "end %%s\\n" "$ROTA_RUN" >>%s/witness\n' "$PWD"
        echo ---
    done | sed '$d' >jobs.yaml
    for _ in {1..100}; do
        cat jobs.yaml
        echo ---
    done | sed '$d' | rota submit - >ids
    [ "$(wc -l <ids)" -eq 200 ]
}

# Each start is followed by its own end, and there are 200 of both.
never_overlapped()
{
    awk '$1 == "start" { if (open) exit 1; open = $2; n++; next }
         { if ($1 != "end" || $2 != open) exit 1; open = "" }
         END { exit !(n == 200 && open == "") }' witness
    [ "$(rota status --state succeeded -o id | wc -l)" -eq 200 ]
    # both jobs, and more than one host, or it would prove little
    [ "$(rota status --format '{host}' | sort -u | wc -l)" -gt 1 ]
}

witnesses_are()
{
    [ -e witness ] && [ "$(wc -l <witness)" -ge "$1" ]
}

@test "runs of a pool of 1 never overlap, on four hosts" {
    four_config 2
    submit_exclusive
    timeout 300 rota dispatch
    never_overlapped
}

@test "runs of a pool of 1 never overlap when dispatchers are killed and replaced" {
    four_config 2
    submit_exclusive
    for at in 60 180 300; do
        rota dispatch 2>>dispatch.err 3>&- &
        dispatcher=$!
        eventually witnesses_are "$at"
        kill -9 "$dispatcher"
        wait "$dispatcher" || :
    done
    timeout 300 rota dispatch
    never_overlapped
}
