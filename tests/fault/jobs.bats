#!/usr/bin/env bats
# Jobs that make it hard: endless output, closed streams, deafness to TERM, processes that hide.

# shellcheck disable=SC2154 # dispatcher is set by dispatcher.bash

load ../lib
load ../dispatcher

setup()
{
    rota_setup
    local_workers here
}

job()
{
    cat >job.yaml
    id=$(rota submit job.yaml)
}

dispatch()
{
    run -0 timeout 300 rota dispatch
}

# Bytes of disk that a directory takes.
disk_of()
{
    du -s -B1 "$1" 2>/dev/null | cut -f1
}

@test "10 GB of output: head and tail are kept, the rest is counted, and takes neither disk nor memory" {
    job <<'YAML'
name: flood
shell: echo begin; head -c 10G /dev/zero; echo end
output: {limit: 64K}
YAML
    dispatcher_starts
    most=0
    while process_lives "$dispatcher"; do
        now=$(disk_of "$(worker_spool)")
        [ "${now:-0}" -le "$most" ] || most=$now
        pause
    done
    dispatcher_ends
    run -0 rota status -o json "$id"
    [ "$(json .state)" = succeeded ]
    [ "$(json .out_dropped)" -eq $(((10 << 30) + 10 - 65536)) ]
    [ "$(json .maxrss)" -le 65536 ]
    [ "$most" -gt 0 ]
    [ "$most" -le $((4 << 20)) ]
    rota logs "$id" >out
    [ "$(stat -c %s "$HOME/output/0/$id.1.out")" -eq 65536 ]
    [ "$(head -c 6 "$HOME/output/0/$id.1.out")" = begin ]
    [ "$(tail -c 4 "$HOME/output/0/$id.1.out")" = end ]
}

@test "closed streams: a job without them goes on, and ends by its own code" {
    job <<YAML
name: closed
shell: |
  echo said
  exec <&- >&- 2>&-
  until [ -e $PWD/go ]; do sleep 0.05; done
  exit 3
YAML
    dispatcher_starts
    eventually is_state "$id" running
    eventually test -s "$HOME/output/0/$id.1.out"
    # nobody spins on what is closed
    token=$(sqlite3 "file:$ROTA_CATALOGUE?mode=ro" "SELECT printf('ROTA_TOKEN=%016x', token) FROM attempt")
    main=$(grep -lszxF "$token" /proc/[0-9]*/environ | cut -d/ -f3 | head -n 1)
    shim=$(ps -o ppid= -p "$main" | tr -d ' ')
    [ "$(cat "/proc/$shim/comm")" = rota-shim ]
    strace -f -o trace -p "$shim" 3>&- &
    tracer=$!
    eventually test -s trace
    touch go
    wait "$tracer"
    dispatcher_ends
    is_so "$id" 'failed exit code 3'
    [ "$(wc -l <trace)" -le 100 ]
    [ "$(rota logs "$id")" = said ]
}

@test "a TERM-ignoring job is killed after kill_after, with all its processes" {
    job <<YAML
name: deaf
shell: |
  trap '' TERM HUP INT
  sh -c 'trap "" TERM; echo \$\$ >$PWD/child; while :; do sleep 1; done' &
  echo \$\$ >$PWD/main
  while :; do sleep 1; done
timeout: 1s
kill_after: 1s
YAML
    dispatch
    is_so "$id" 'timeout *'
    test -s main
    test -s child
    run ! process_lives "$(cat main)"
    run ! process_lives "$(cat child)"
}

@test "double-forking and setsid jobs: what they leave behind ends with them" {
    job <<YAML
name: daemons
shell: |
  (sh -c 'trap "" HUP TERM; echo \$\$ >$PWD/twice; exec sleep 1000' &) &
  setsid sh -c 'trap "" HUP TERM; echo \$\$ >$PWD/session; exec sleep 1000' &
  setsid sh -c '(env -i sh -c "echo \\$\\$ >$PWD/both; exec sleep 1000" &)' &
  until [ -s $PWD/twice ] && [ -s $PWD/session ] && [ -s $PWD/both ]; do sleep 0.05; done
  exit 4
YAML
    dispatch
    is_so "$id" 'failed exit code 4'
    for who in twice session both; do
        run ! process_lives "$(cat $who)"
    done
}

@test "with leftovers: leave they live on, and the run has ended" {
    job <<YAML
name: leaves
shell: |
  setsid sh -c 'echo \$\$ >$PWD/left; exec sleep 1000' &
  until [ -s $PWD/left ]; do sleep 0.05; done
leftovers: leave
YAML
    dispatch
    is_so "$id" 'succeeded '
    process_lives "$(cat left)"
    kill "$(cat left)"
}

@test "a setsid job that hides is gone when it is cancelled" {
    job <<YAML
name: hides
shell: |
  setsid sh -c '(trap "" TERM; echo \$\$ >$PWD/hidden; while :; do sleep 1; done) & wait'
kill_after: 1s
YAML
    dispatcher_starts
    eventually test -s hidden
    run -0 rota cancel "$id"
    dispatcher_ends
    is_so "$id" 'cancelled *'
    run ! process_lives "$(cat hidden)"
}
