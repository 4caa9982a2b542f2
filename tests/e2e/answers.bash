# shellcheck shell=bash
# shellcheck disable=SC2154 # output, status and lines are set by bats' run
# answers: whether a host takes runs, as a user sees it.
#
#   host_answers NAME           a run for it ends well and its output is there
#   host_refuses NAME WORD…     a run for it waits; its reason is one line that has every word

host_answers()
{
    local id
    run -0 rota submit --host "$1" -- echo "this is $1"
    id=$output
    run timeout 120 rota dispatch --wait "$id"
    if [ "$status" -ne 0 ]; then
        printf 'dispatch exits %s and says:\n%s\n' "$status" "$output"
        rota status --format '{id} {state} {reason}' "$id"
        return 1
    fi
    run -0 rota logs "$id"
    [ "$output" = "this is $1" ]
}

host_refuses()
{
    local name=$1 id word
    shift
    run -0 rota submit --host "$name" -- true
    id=$output
    run timeout 120 rota dispatch
    if [ "$status" -eq 124 ]; then
        echo "dispatch does not set the host aside"
        return 1
    fi
    run -0 rota status --format '{state} {reason}' "$id"
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == 'queued '* ]] || { echo "the run is: $output"; return 1; }
    for word in "$@"; do
        if [[ $output != *"$word"* ]]; then
            printf 'no "%s" in: %s\n' "$word" "$output"
            return 1
        fi
    done
    # the next run of the test must not meet this one
    rota cancel "$id" >/dev/null
}
