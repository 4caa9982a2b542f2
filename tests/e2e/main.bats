#!/usr/bin/env bats
# The main job end to end: YAML in, real runs on four hosts over SSH, results out.

load ../lib
load four
load four_once

setup()
{
    rota_setup
    four_config 4
}

# jobs.yaml: one job for each of the four hosts, which prints its host, and exits with its number.
four_jobs()
{
    local n
    for n in 1 2 3 4; do
        printf 'name: job%d\nwhere: {hosts: w%d}\nshell: echo "on $ROTA_HOST"; exit %d\n---\n' \
            "$n" "$n" "$((n - 1))"
    done | sed '$d' >jobs.yaml
}

@test "jobs from a file run on four ssh hosts; status shows run, host, exit code and times" {
    four_jobs
    # some of the runs fail: that is the answer of --wait
    run -1 bash -c 'rota submit jobs.yaml | rota dispatch --wait -'
    run -0 rota status -o json
    [ "${#lines[@]}" -eq 4 ]
    [ "$(json '[.id, .job, .host, .state, .exit_code] | join(" ")')" = \
        '1 job1 w1 succeeded 0
2 job2 w2 failed 1
3 job3 w3 failed 2
4 job4 w4 failed 3' ]
    # times are RFC 3339 UTC with milliseconds and in order
    time='^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$'
    [ "$(json "[.queued_at, .started_at, .finished_at] | (. == sort) and all(test(\"$time\"))" |
        sort -u)" = true ]
    [ "$(json '.duration >= 0 and .attempt == 1 and .signal == null' | sort -u)" = true ]
    for n in 1 2 3 4; do
        run -0 rota logs "$n"
        [ "$output" = "on w$n" ]
    done
}

@test "sixteen runs fill the four slots of each of four hosts" {
    mkfifo pipe
    for _ in {1..16}; do
        printf '{"name": "spread", "shell": "echo >>%s/began; read x <%s/pipe"}\n---\n' "$PWD" "$PWD"
    done | sed '$d' | rota submit - >ids
    exec 7<>pipe
    rota dispatch 3>&- 7>&- &
    dispatcher=$!
    eventually all_began
    # each takes one line, which is one byte: two readers cannot share it
    printf '%16s' '' | tr ' ' '\n' >&7
    wait "$dispatcher"
    exec 7>&-
    run -0 bash -c "rota status --format '{host} {state}' | sort | uniq -c | awk '{print \$1, \$2, \$3}'"
    [ "$output" = '4 w1 succeeded
4 w2 succeeded
4 w3 succeeded
4 w4 succeeded' ]
}

all_began()
{
    [ -e began ] && [ "$(wc -l <began)" -eq 16 ]
}

@test "a run that dies of a signal is failed and shows the signal" {
    run -0 rota submit --name crash -- sh -c 'kill -SEGV $$'
    run -139 rota dispatch --wait 1
    run -0 rota status -o json 1
    [ "$(json '[.state, .signal, .exit_code] | map(tostring) | join(" ")')" = 'failed 11 null' ]
}

@test "100 MB of output is capped: head and tail are kept, the rest is counted" {
    cat >big.yaml <<YAML
name: big
shell: printf HEAD; head -c 100000000 /dev/zero; printf TAIL
output: {limit: 1M}
YAML
    run -0 rota submit big.yaml
    run -0 rota dispatch --wait 1
    run -0 rota status -o json 1
    [ "$(json '[.out_bytes, .out_dropped] | join(" ")')" = "100000008 $((100000008 - 1048576))" ]
    rota logs 1 >kept 2>said
    [ "$(stat -c %s kept)" -eq 1048576 ]
    [ "$(head -c 4 kept)" = HEAD ]
    [ "$(tail -c 4 kept)" = TAIL ]
    # the number, however it is grouped
    tr -d ',' <said | grep -q "$((100000008 - 1048576))"
}

@test "binary output comes back byte-exact, each stream in its place" {
    head -c 3000000 /dev/urandom >out.bin
    head -c 300000 /dev/urandom >err.bin
    run -0 rota submit -- sh -c "cat '$PWD/out.bin'; cat '$PWD/err.bin' >&2"
    run -0 rota dispatch --wait 1
    rota logs 1 >out 2>err
    cmp out out.bin
    cmp err err.bin
}

@test "many chatty runs at a time: every byte of each is there" {
    for _ in {1..32}; do
        printf '{"name": "chatty", "shell": "seq -f $ROTA_RUN.%%.0f 1 20000"}\n---\n'
    done | sed '$d' | rota submit - >ids
    run -0 rota dispatch --wait - <ids
    while read -r id; do
        rota logs "$id" | cmp - <(seq -f "$id.%.0f" 1 20000)
    done <ids
}

@test "a job that daemonises, ignores TERM and hides leaves nothing after its timeout" {
    cat >nasty.yaml <<YAML
name: nasty
where: {hosts: w2}
timeout: 500ms
kill_after: 200ms
script: |
  #!/usr/bin/env python3
  import os, signal, time
  signal.signal(signal.SIGTERM, signal.SIG_IGN)
  def witness():
      with open("$PWD/pids", "a") as file:
          file.write(f"{os.getpid()}\n")
  witness()
  if os.fork() == 0:
      os.setsid()
      if os.fork():
          os._exit(0)
      os.chdir("/")
      os.closerange(0, 3)
      witness()
      # a new program without the environment that would give it away
      os.execve("/bin/sleep", ["sleep", "1000"], {})
  while True:
      time.sleep(1000)
YAML
    run -0 rota submit nasty.yaml
    run -124 rota dispatch --wait 1
    run -0 rota status --format '{state}' 1
    [ "$output" = timeout ]
    [ "$(wc -l <pids)" -eq 2 ]
    while read -r pid; do
        run ! process_lives "$pid"
    done <pids
}

@test "rota status --state failed -o id | rota submit --rerun - reruns exactly those" {
    four_jobs
    rota submit jobs.yaml | rota dispatch --wait - || :
    run -0 bash -c 'rota status --state failed -o id | rota submit --rerun -'
    [ "$output" = '5
6
7' ]
    rota dispatch
    run -0 rota status --format '{id} {job} {host} {state} {exit_code}' 5 6 7
    [ "$output" = '5 job2 w2 failed 1
6 job3 w3 failed 2
7 job4 w4 failed 3' ]
}

@test "rota hosts knows the four after they were used" {
    four_jobs
    rota submit jobs.yaml | rota dispatch --wait - || :
    run -0 rota hosts -o json
    [ "$(json '.name + " " + .state' | sort)" = 'w1 up
w2 up
w3 up
w4 up' ]
}
