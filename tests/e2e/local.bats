#!/usr/bin/env bats
# No configuration at all: the one worker is this machine.

load ../lib

setup()
{
    rota_setup
    unset ROTA_CATALOGUE
    default=$HOME/.local/state/rota/catalogue.db
}

teardown()
{
    export ROTA_CATALOGUE=$default
    rota_teardown
}

@test "with no configuration at all: submit, dispatch, logs" {
    run -0 rota submit -- uname -a
    [ "$output" = 1 ]
    run -0 rota dispatch
    run -0 rota logs last
    [ "$output" = "$(uname -a)" ]
    [ -s "$default" ]
}

@test "a run's environment is the documented one and nothing of the submitter's" {
    export SECRET=leaked
    run -0 rota submit -- env
    run -0 rota dispatch
    run -0 rota logs 1
    [[ $output != *SECRET* && $output != *ROTA_TEST_ID* ]]
    for name in HOME USER LOGNAME SHELL PATH LANG ROTA_RUN ROTA_ATTEMPT ROTA_JOB ROTA_HOST; do
        grep -q "^$name=." <<<"$output" || { echo "no $name"; return 1; }
    done
    grep -qx "HOME=$ROTA_REAL_HOME" <<<"$output"
    grep -qx ROTA_RUN=1 <<<"$output"
    grep -qx ROTA_JOB=env <<<"$output"
    grep -qx ROTA_HOST=local <<<"$output"
}

@test "a job has no terminal, no input and its home as directory" {
    run -0 rota submit -- sh -c 'pwd; cat; [ -t 0 ] || [ -t 1 ] || echo none; ps -o tty= -p $$'
    run -0 rota dispatch
    run -0 rota logs 1
    [ "${lines[0]}" = "$ROTA_REAL_HOME" ]
    [ "${lines[1]}" = none ]
    [ "${lines[2]}" = '?' ]
}

@test "stdin, env, workdir and scripts arrive as the job file says" {
    mkdir "$HOME/there"
    cat >job.yaml <<YAML
name: all
workdir: $HOME/there
env: {GREETING: "two  words", EMPTY: ""}
stdin: "first\nsecond\n"
script: |
  #!/usr/bin/env python3
  import os, sys
  print(os.getcwd(), os.environ["GREETING"], repr(os.environ["EMPTY"]), sys.stdin.read())
YAML
    run -0 rota submit job.yaml
    run -0 rota dispatch --wait 1
    run -0 rota logs 1
    [ "$output" = "$HOME/there two  words '' first"$'\nsecond' ]
}

@test "a job that fails is tried again as its retry says, and its last output is kept" {
    cat >job.yaml <<YAML
name: flaky
shell: echo "attempt \$ROTA_ATTEMPT"; [ \$ROTA_ATTEMPT -ge 3 ]
retry: {attempts: 5, delay: 10ms}
YAML
    run -0 rota submit job.yaml
    run -0 rota dispatch --wait 1
    run -0 rota status --format '{state} {attempt}' 1
    [ "$output" = 'succeeded 3' ]
    run -0 rota logs 1
    [ "$output" = 'attempt 3' ]
    run -0 rota logs --attempt 1 1
    [ "$output" = 'attempt 1' ]
}

@test "dispatch --wait exits with the run's own code" {
    run -0 rota submit -- sh -c 'exit 3'
    run -3 rota dispatch --wait 1
    run -0 rota submit -- sh -c 'kill -SEGV $$'
    run -139 rota dispatch --wait 2
    run -0 rota submit --timeout 100ms -- sh -c 'while :; do :; done'
    run -124 rota dispatch --wait 3
    run -0 rota submit -- true
    run -1 rota dispatch --wait 1 4
    [ "$(rota status --format '{state}' 4)" = succeeded ]
}

@test "success: [0, 3] makes exit code 3 a success that still says 3" {
    printf '%s\n' 'name: three' 'shell: exit 3' 'success: [0, 3]' >job.yaml
    run -0 rota submit job.yaml
    run -0 rota dispatch --wait 1
    run -0 rota status --format '{state} {exit_code}' 1
    [ "$output" = 'succeeded 3' ]
}

@test "a program that cannot be started says why" {
    run -0 rota submit -- /no/such/program
    run rota dispatch --wait 1
    [ "$status" -ne 0 ]
    run -0 rota status --format '{state} {reason}' 1
    [[ $output == failed*/no/such/program* ]]
}

@test "cancelling a running job ends its whole process tree" {
    mkfifo "$HOME/pipe"
    run -0 rota submit -- sh -c "sh -c 'echo \$\$ >$HOME/pid; read -r x <$HOME/pipe'; :"
    rota dispatch 3>&- &
    eventually test -s "$HOME/pid"
    run -0 rota cancel 1
    wait
    run -0 rota status --format '{state}' 1
    [ "$output" = cancelled ]
    run ! process_lives "$(cat "$HOME/pid")"
}

@test "the examples in jobs/ are good job files" {
    # some name its sections, and a login host of a cluster
    config < <(cat "$ROTA_TOP"/jobs/alerts.ini
        printf '[worker local]\ntransport = local\n[worker login]\ntransport = local\ntags = slurm\n')
    for file in "$ROTA_TOP"/jobs/*.yaml; do
        run -0 rota submit --dry-run "$file" || {
            # the fan-out names hosts that a configuration must have
            [[ $file == */fan-out.yaml && $output == *'no worker'* ]]
        }
    done
}
