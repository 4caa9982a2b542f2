#!/usr/bin/env bats
# kill -9 of the dispatcher between the end of a run and the start of what waited for it.

load ../lib
load ../dispatcher

@test "the dispatcher is killed when the end is recorded and nothing has begun: the next runs once" {
    printf '#!/bin/sh\necho $$ >%s/hangs\nexec sleep 1000\n' "$PWD" >hang
    chmod +x hang
    config <<<$'[worker a]\ntransport = local\n[worker b]\ntransport = exec\ncommand = '"$PWD/hang"
    printf '%s\n' 'name: a' 'where: {hosts: a}' "shell: echo v=1 >\$ROTA_OUTPUT" --- \
        'name: b' 'where: {hosts: b}' 'after: [a]' "shell: echo \"b \$ROTA_IN_a_v\" >>$PWD/ran" >two.yaml
    rota submit two.yaml
    dispatcher_starts
    eventually test -s hangs
    kill -KILL "$dispatcher"
    wait "$dispatcher" || :
    is_state 1 succeeded
    is_state 2 queued
    kill -KILL "$(cat hangs)" || :
    config <<<$'[worker a]\ntransport = local\n[worker b]\ntransport = local'
    rota dispatch
    is_state 2 succeeded
    [ "$(cat ran)" = 'b 1' ]
    rota dispatch
    [ "$(cat ran)" = 'b 1' ]
}

@test "the dispatcher is killed by the run before it ends: both run once" {
    mkfifo pipe
    printf '%s\n' 'name: a' "shell: read pid <$PWD/pipe; kill -KILL \$pid; echo a >>$PWD/ran; echo v=1 >\$ROTA_OUTPUT" --- \
        'name: b' 'after: [a]' "shell: echo \"b \$ROTA_IN_a_v\" >>$PWD/ran" >two.yaml
    rota submit two.yaml
    dispatcher_starts
    echo "$dispatcher" >pipe
    wait "$dispatcher" || :
    is_state 2 blocked
    rota dispatch
    is_state 2 succeeded
    [ "$(cat ran)" = $'a\nb 1' ]
}
