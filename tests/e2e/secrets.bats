#!/usr/bin/env bats
# Secrets over a real sshd: the job on the host sees them, its disk and its process table do not.

load ../lib
load ../dispatcher
load four
load four_once

setup()
{
    rota_setup
    four_config 2 w1 w2
}

@test "three sources over ssh: seen by the job, found nowhere else, masked" {
    local id
    mkdir src
    printf 'hunter2-of-the-file\n' >src/password
    chmod 600 src/password
    mkfifo go
    export API_TOKEN=token-of-the-variable
    cat >three.yaml <<YAML
name: three
where: {hosts: w2}
shell: |
  printf '%s|%s|%s' "\$PGPASSWORD" "\$API" "\$KEY" >$PWD/seen
  echo "\$PGPASSWORD \$API \$KEY"
  read -r line <$PWD/go
secrets:
  PGPASSWORD: {file: $PWD/src/password}
  API: {env: API_TOKEN}
  KEY: {command: [echo, key-of-the-command]}
YAML
    id=$(rota submit three.yaml)
    rota dispatch -v 2>dispatch.err 3>&- &
    export dispatcher=$! # dispatcher_ends waits for it
    eventually [ -s seen ]
    [ "$(cat seen)" = 'hunter2-of-the-file|token-of-the-variable|key-of-the-command' ]
    eventually is_state "$id" running
    printf '%s\n' hunter2-of-the-file token-of-the-variable >src/values
    cat /proc/[0-9]*/cmdline >cmdlines 2>/dev/null || :
    run -1 grep -rlaFf src/values cmdlines dispatch.err "$HOME" "$(worker_spool)" "$FOUR/four/log"
    [ "$output" = '' ]
    echo >go
    dispatcher_ends
    is_state "$id" succeeded
    run -0 rota logs "$id"
    [ "$output" = '*** *** ***' ]
    run -1 grep -rlaFf src/values dispatch.err "$HOME" "$(worker_spool)" "$FOUR/four/log"
    [ "$output" = '' ]
}
