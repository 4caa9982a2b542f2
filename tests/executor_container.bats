#!/usr/bin/env bats
# container: commands in containers of a real podman, with an image made here.

# shellcheck disable=SC2154 # dispatcher is set by dispatcher.bash

load lib
load dispatcher
load containers

setup_file()
{
    containers_setup
}

teardown_file()
{
    containers_stop
}

setup()
{
    rota_setup
    local_workers here
    dispatcher=''
    if [ -n "$PODMAN_TROUBLE" ]; then
        skip "podman does not start a container here: $PODMAN_TROUBLE"
    fi
}

teardown()
{
    local rc=0
    if [ -n "$dispatcher" ]; then
        kill "$dispatcher" 2>/dev/null || :
        wait "$dispatcher" || :
    fi
    rota_teardown || rc=1
    if [ -z "$PODMAN_TROUBLE" ] && [ -n "$(containers_are)" ]; then
        echo "containers that outlived the test: $(containers_are)"
        containers_end
        rc=1
    fi
    return $rc
}

# A job with these keys of container: (standard input, as inside braces), and what else it says in the
# arguments: $id.
job()
{
    {
        printf 'name: boxed\ncontainer: {network: none, %s}\n' "$(cat)"
        if [[ "$*" != *env:* ]]; then
            printf 'env: {%s}\n' "$CONTAINER_ENV"
        fi
        if [ $# -gt 0 ]; then
            printf '%s\n' "$@"
        fi
    } >job.yaml
    id=$(rota submit job.yaml)
}

ended()
{
    rota status -o json "$id" | jq -r '"\(.state) \(.exit_code) \(.reason // "")"'
}

dispatch()
{
    timeout 120 rota dispatch
}

# Its container is there, and its command runs.
runs_inside()
{
    eventually grep -qsx ready "$HOME/output/0/$id.1.out"
}

token()
{
    sqlite3 "file:$ROTA_CATALOGUE?mode=ro" "SELECT printf('%016x', token) FROM attempt WHERE run = $id"
}

processes_of_run()
{
    grep -lszxF "ROTA_TOKEN=$(token)" /proc/[0-9]*/environ | cut -d/ -f3 || :
}

# The parent of the client.
shim_of_run()
{
    local pid
    for pid in $(processes_of_run); do
        if grep -qx podman "/proc/$pid/comm"; then
            pid=$(ps -o ppid= -p "$pid" | tr -d ' ')
            grep -qx rota-shim "/proc/$pid/comm" && echo "$pid"
            return
        fi
    done
    return 1
}

relics()
{
    find "$(worker_spool)" -name '*.relic'
}

@test "its output and exit code are the run's, and it is gone afterwards" {
    job <<<'image: "tiny:1", argv: [sh, -c, "echo out; echo err >&2; exit 3"]'
    dispatch
    [ "$(ended)" = 'failed 3 exit code 3' ]
    [ "$(cat "$HOME/output/0/$id.1.out")" = out ]
    [ "$(cat "$HOME/output/0/$id.1.err")" = err ]
    [ "$(containers_are)" = '' ]
    [ "$(relics)" = '' ]
}

@test "env, stdin, workdir and mounts are inside; HOME, PATH and USER are the image's" {
    mkdir data
    echo kept >data/file
    job 'stdin: said' 'workdir: /data' "env: {$CONTAINER_ENV, WORD: 'a  \"b\"', EMPTY: ''}" <<YAML
image: "tiny:1", mounts: ["$PWD/data:/data", "$PWD/data:/ro:ro"],
  argv: [sh, -c, 'cat; echo; pwd; cat file; env; echo new >/data/made; touch /ro/no || echo read-only']
YAML
    dispatch
    run -0 rota logs "$id"
    [[ $output == $'said\n/data\nkept\n'* ]]
    [ "$(cat data/made)" = new ]
    [[ $output == *$'\nread-only'* && ! -e data/no ]]
    [[ $output == *$'\nWORD=a  "b"\n'* && $output == *$'\nEMPTY=\n'* ]]
    [[ $output == *$'\nROTA_RUN='"$id"$'\n'* && $output == *$'\nROTA_JOB=boxed\n'* ]]
    [[ $output == *$'\nPATH=/bin\n'* && $output == *$'\nHOME=/\n'* ]]
    run grep -E '^(USER|LOGNAME|SHELL|LANG)=' <<<"$output"
    [ "$output" = '' ]
}

@test "memory and cpu are limits of the container" {
    job 'memory: 32M' 'cpu: 0.5' <<<'image: "tiny:1", argv: [sh, -c, "cd /sys/fs/cgroup;
        cat memory.max cpu.max || cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us"]'
    dispatch
    run -0 cat "$HOME/output/0/$id.1.out"
    [[ $output == $'33554432\n50000'* ]]
}

@test "one that is killed for its memory says so" {
    job 'memory: 16M' <<<'image: "tiny:1", argv: [busybox, tail, /dev/zero]'
    dispatch
    [ "$(ended)" = 'failed 137 killed: over its memory limit of 16M, or by somebody' ]
}

@test "what it tells by ROTA_OUTPUT reaches the runs after it" {
    cat >flow.yaml <<YAML
name: first
container: {image: "tiny:1", network: none, argv: [sh, -c, 'echo size=42 >"\$ROTA_OUTPUT"']}
env: {$CONTAINER_ENV}
---
name: second
after: [{job: first, is: succeeded}]
shell: echo "it is \$ROTA_OUTPUT_first_size"; env | grep 42
YAML
    rota submit flow.yaml >ids
    dispatch
    run -0 rota logs "$(tail -n 1 ids)"
    [[ $output == *42* ]]
}

@test "a timeout ends it: TERM, then KILL for one that is deaf" {
    job 'timeout: 1s' 'kill_after: 20s' \
        <<<'image: "tiny:1", argv: [sh, -c, "trap \"echo told; exit 5\" TERM; echo ready; while :; do sleep 0.1; done"]'
    dispatch
    [[ $(ended) == timeout* ]]
    [ "$(rota logs "$id")" = $'ready\ntold' ]
    job 'timeout: 1s' 'kill_after: 500ms' \
        <<<'image: "tiny:1", argv: [sh, -c, "trap \"\" TERM; echo ready; while :; do sleep 0.1; done"]'
    dispatch
    [[ $(ended) == timeout* ]]
    [ "$(containers_are)" = '' ]
}

@test "a cancelled one ends" {
    job 'kill_after: 1s' <<<'image: "tiny:1", argv: [sh, -c, "echo ready; sleep 1000"]'
    dispatcher_starts
    runs_inside
    [ "$(containers_are)" = "rota-$(token).$id.1" ]
    rota cancel "$id"
    dispatcher_ends
    is_state "$id" cancelled
    [ "$(containers_are)" = '' ]
}

@test "a command that is not in the image, and an image that cannot be had, were not started" {
    job <<<'image: "tiny:1", argv: [nosuch]'
    dispatch
    [[ $(ended) == 'failed null podman: '*nosuch* ]]
    job <<<'image: "127.0.0.1:1/nosuch:2", argv: [x]'
    dispatch
    [[ $(ended) == 'failed null podman: '*'127.0.0.1:1'* ]]
    job <<<'image: "localhost/nosuch:2", pull: never, argv: [x]'
    dispatch
    [[ $(ended) == 'failed null podman: '*'nosuch:2'* ]]
}

# A registry that takes the connection and says nothing.
@test "one that is cancelled, or whose shim is killed, while its image is fetched never starts" {
    python3 -c '
import socket
registry = socket.socket()
registry.bind(("127.0.0.1", 0))
registry.listen(8)
print(registry.getsockname()[1], flush=True)
callers = []
while True:
    callers.append(registry.accept())
    open("asked", "w").write("yes")' >port 3>&- &
    registry=$!
    eventually test -s port
    job 'kill_after: 20s' <<<"image: \"127.0.0.1:$(cat port)/slow:1\", argv: [x]"
    dispatcher_starts
    eventually test -s asked
    rota cancel "$id"
    dispatcher_ends
    is_state "$id" cancelled
    [ "$(relics)" = '' ]
    job <<<"image: \"127.0.0.1:$(cat port)/slow:1\", argv: [x]"
    dispatcher_starts
    eventually shim_of_run
    kill -KILL "$(shim_of_run)"
    dispatcher_ends
    kill "$registry"
    wait "$registry" || :
    [[ $(ended) == lost* ]]
    [ "$(processes_of_run)$(relics)" = '' ]
}

@test "127 of what is inside is its own, whatever it complained of before" {
    job <<<'image: "tiny:1", argv: [sh, -c, "echo Error: no settings >&2; nosuch; exit 127"]'
    dispatch
    [ "$(ended)" = 'failed 127 exit code 127' ]
}

@test "a shim that is killed leaves no container: then the run is lost" {
    job <<<'image: "tiny:1", argv: [sh, -c, "echo ready; sleep 1000"]'
    dispatcher_starts
    runs_inside
    [ "$(relics | wc -l)" -eq 1 ]
    shim=$(shim_of_run)
    kill -KILL "$shim"
    dispatcher_ends
    [ "$(ended)" = 'lost null its supervisor is gone (killed, or out of memory)' ]
    [ "$(containers_are)" = '' ]
    [ "$(processes_of_run)" = '' ]
    [ "$(relics)" = '' ]
}

@test "shim and front end are killed: the next front end clears up" {
    job <<<'image: "tiny:1", argv: [sh, -c, "echo ready; sleep 1000"]'
    dispatcher_starts
    runs_inside
    shim=$(shim_of_run)
    front=$(pgrep -P "$dispatcher" -f rota-worker)
    kill -KILL "$dispatcher" "$front" "$shim"
    wait "$dispatcher" || :
    dispatcher=''
    [ "$(containers_are)" = "rota-$(token).$id.1" ]
    dispatch
    [[ $(ended) == lost* ]]
    [ "$(containers_are)" = '' ]
    [ "$(relics)" = '' ]
}
