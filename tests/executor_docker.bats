#!/usr/bin/env bats
# container: with stand-ins for docker and podman (tests/docker_standin): the argument vector, which of them
# is taken, and containers that are no descendants of anybody here.

# shellcheck disable=SC2154 # dispatcher is set by dispatcher.bash

load lib
load dispatcher

setup()
{
    rota_setup
    export ROTA_TEST_PING_MS=300 # what could not be removed is tried again then
    local_workers here
    dispatcher=''
    mkdir bin standin
    cp "$ROTA_TOP/tests/docker_standin" bin/docker
    podman_fails 'Error: no store here'
    at="PATH: '$PWD/bin:/usr/bin:/bin'"
}

teardown()
{
    if [ -n "$dispatcher" ]; then
        kill "$dispatcher" 2>/dev/null || :
        wait "$dispatcher" || :
    fi
    rota_teardown
}

podman_fails()
{
    printf '#!/bin/sh\necho "%s" >&2\nexit 125\n' "$1" >bin/podman
    chmod +x bin/podman
}

# A job (standard input) that does not say its env: $id.
job()
{
    {
        cat
        printf 'env: {%s, WORD: S3CRET}\n' "$at"
    } >job.yaml
    id=$(rota submit job.yaml)
}

ended()
{
    rota status -o json "$id" | jq -r '"\(.state) \(.exit_code) \(.reason // "")"'
}

name()
{
    sqlite3 "file:$ROTA_CATALOGUE?mode=ro" \
        "SELECT printf('rota-%016x.%d.%d', token, run, attempt) FROM attempt WHERE run = $id"
}

# The calls of docker of this kind.
calls()
{
    grep "^<$1>" standin/calls || :
}

container_is_there()
{
    [ -p "standin/$(name)" ]
}

shim_of_client()
{
    pgrep -f -o "^/bin/sh $PWD/bin/docker run" | xargs -I{} ps -o ppid= -p {} | tr -d ' '
}

@test "the argument vector has all that the job says, and no value of its environment" {
    echo 'docker: no.' >standin/refuses
    job <<'YAML'
name: full
container:
  image: registry.example.com/tool:3
  argv: [run, "--all the", ""]
  mounts: [/data:/data:ro, "cache:/var/cache"]
  network: host
  pull: always
stdin: x
workdir: /srv
memory: 32M
cpu: 1.05
YAML
    timeout 60 rota dispatch
    output=$(calls run)
    cells=$(worker_spool)/here/cells
    [[ $output == "<run> <--rm> <--name=$(name)> <--log-driver=none> <--stop-timeout=0> <--interactive> "* ]]
    [[ $output == *'<--workdir=/srv> <--memory=33554432b> <--cpus=1.050> <--volume=/data:/data:ro> <--volume=cache:/var/cache> <--network=host> <--pull=always> '* ]]
    [[ $output == *'<--env> <WORD> '* && $output == *'<--env> <ROTA_JOB> '* ]]
    [[ $output == *'<--env> <ROTA_RUN> <--env> <ROTA_ATTEMPT> <--env> <ROTA_TOKEN> '* ]]
    [[ $output == *"<--volume=$cells/"*'.set:/run/rota.output> <--env=ROTA_OUTPUT=/run/rota.output> '* ]]
    [[ $output == *' <registry.example.com/tool:3> <run> <--all the> <>' ]]
    [[ $output != *S3CRET* && $output != *'<HOME>'* && $output != *'<USER>'* ]]
    grep -qx WORD=S3CRET standin/env
    [ "$(calls rm)" = "<rm> <--force> <$(name)>" ]
}

@test "podman is taken where it works, else docker; where neither does that is the reason" {
    job <<<'container: {image: x}'
    touch standin/refuses
    timeout 60 rota dispatch
    [ "$(calls run | wc -l)" -eq 1 ]
    touch standin/down
    job <<<'container: {image: x}'
    timeout 60 rota dispatch
    [ "$(ended)" = 'failed null neither podman nor docker works on this host: podman: Error: no store here; docker: Cannot connect to the Docker daemon. Is it running?' ]
    cat >bin/podman <<'SH'
#!/bin/sh
echo "$1" >>"$(dirname "$0")/../standin/podman"
[ "$1" != run ] || echo I am podman
SH
    job <<<'container: {image: x}'
    timeout 60 rota dispatch
    [ "$(ended)" = 'succeeded 0 ' ]
    [ "$(rota logs "$id")" = 'I am podman' ]
    [ "$(head -n 2 standin/podman)" = $'info\nrun' ]
}

@test "what docker itself refuses was not started" {
    printf 'Unable to find image\ndocker: Error response from daemon: pull access denied.\nSee help.\n' \
        >standin/refuses
    job <<<'container: {image: x}'
    timeout 60 rota dispatch
    [ "$(ended)" = 'failed null docker: Error response from daemon: pull access denied.' ]
}

@test "a cancelled one is ended by its name, since its client is not the container" {
    job <<<'container: {image: x}'
    dispatcher_starts
    eventually container_is_there
    rota cancel "$id"
    dispatcher_ends
    is_state "$id" cancelled
    [ "$(calls kill)" = "<kill> <--signal=15> <$(name)>" ]
}

@test "a shim that is killed: the container goes, then the run is called lost" {
    job <<<'container: {image: x}'
    dispatcher_starts
    eventually container_is_there
    eventually is_state "$id" running
    run -1 grep -r S3CRET "$(worker_spool)"
    touch standin/down # it cannot be removed now
    kill -KILL "$(shim_of_client)"
    eventually grep -q '^<rm>' standin/calls
    is_state "$id" running
    rm standin/down
    dispatcher_ends
    [ "$(ended)" = 'lost null its supervisor is gone (killed, or out of memory)' ]
    [ ! -e "standin/$(name)" ]
    [ "$(calls rm | sort -u)" = "<rm> <--force> <$(name)>" ]
    [ "$(calls rm | wc -l)" -ge 2 ]
}

@test "where the containers are kept is no secret, since it has to be on record; what is, is masked" {
    printf 'hunter2.example.com\n' >host
    chmod 600 host
    job <<YAML
container: {image: x}
secrets: {DOCKER_HOST: {file: $PWD/host}}
YAML
    timeout 60 rota dispatch
    [ "$(ended)" = "failed null DOCKER_HOST says where containers are kept, and has to be in env: as a secret it could not be kept for clearing up" ]
    [ ! -e standin/calls ]
    podman_fails 'Error: no hunter2.example.com here'
    touch standin/down
    job <<YAML
container: {image: x}
secrets: {WHERE: {file: $PWD/host}}
YAML
    timeout 60 rota dispatch
    [[ $(ended) == 'failed null neither podman nor docker works on this host: podman: Error: no *** here; docker: '* ]]
}

@test "docker is not taken for a run that may be tried elsewhere: it could not be ended without its service" {
    job <<'YAML'
name: elsewhere
container: {image: x}
on_lost: retry
retry: {attempts: 1}
YAML
    timeout 60 rota dispatch
    [[ $(ended) == 'failed null neither podman nor docker works on this host: podman: Error: no store here; docker'*"on_lost: retry"* ]]
    [ "$(calls run)" = '' ]
}

@test "a mount that is none, and an image that looks like an option, are errors of the file" {
    cat >job.yaml <<'YAML'
container: {image: --privileged, mounts: [data, "./a:/a", "/a:b"], pull: perhaps}
YAML
    run -65 rota submit -n job.yaml
    [[ $output == *"'image' is to be the name of an image, not '--privileged'"* ]]
    [ "$(grep -c "'mounts' is to be /SOURCE:/TARGET or VOLUME:/TARGET, with or without :OPTIONS" <<<"$output")" -eq 3 ]
    [[ $output == *"'pull'"* ]]
    run -65 rota submit -n <(echo 'container: {argv: [x]}')
    [[ $output == *"'image'"* ]]
}
