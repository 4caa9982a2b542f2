#!/usr/bin/env bats
# Arrays on real sshd hosts.
# shellcheck disable=SC2154,SC2016 # variables of jobs

load ../lib
load four
load four_once

began()
{
    [ "$(wc -l <began)" -eq "$1" ]
}

@test "an array over four hosts: each element once, with its own index, item and output" {
    local id
    four_config 1
    mkfifo pipe
    exec 7<>pipe
    printf '%s\n' 'name: m' 'matrix: {os: [debian, alpine], n: [1, 2, 3, 4]}' 'parameters: {day: }' \
        "shell: |" '  echo $ROTA_INDEX $ROTA_MATRIX_os-$ROTA_MATRIX_n $ROTA_PARAM_day $ROTA_HOST' \
        "  echo \$ROTA_INDEX >>$PWD/began; read x <$PWD/pipe" >m.yaml
    : >began
    rota submit --param day=today m.yaml
    rota dispatch 3>&- 7>&- &
    dispatcher=$!
    # one on each of the four, and then the others
    eventually began 4
    printf '\n\n\n\n' >&7
    eventually began 8
    printf '\n\n\n\n' >&7
    wait "$dispatcher"
    exec 7>&-
    [ "$(sort began)" = "$(seq 0 7)" ]
    for id in $(seq 8); do
        rota logs "$id"
    done >all
    [ "$(cut -d' ' -f-3 all)" = '0 debian-1 today
1 debian-2 today
2 debian-3 today
3 debian-4 today
4 alpine-1 today
5 alpine-2 today
6 alpine-3 today
7 alpine-4 today' ]
    [ "$(cut -d' ' -f4 all | head -n 4 | sort)" = $'w1\nw2\nw3\nw4' ]
    [ "$(cut -d' ' -f4 all)" = "$(rota status --array 7 --format '{host}')" ]
}

@test "--each over four hosts; five have failed, and the rest does not start" {
    four_config 1
    seq 100 | rota submit --each - --stop-after 5 -- sh -c 'echo {}; exit 1' >/dev/null
    rota dispatch
    run -0 rota status --array last --format '{state}'
    # those that ran beside the fifth may have failed after it
    failed=$(grep -c failed <<<"$output")
    ((failed >= 5 && failed <= 8))
    [ "$(grep -c cancelled <<<"$output")" -eq $((100 - failed)) ]
    [ "$(rota logs 1)" = 1 ]
}
