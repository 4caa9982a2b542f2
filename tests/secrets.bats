#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell
# Secrets of a job: read by the head, seen by the job, and nowhere else.

load lib
load dispatcher

VALUE=hunter2-of-the-file
TOKEN=token-of-the-variable
KEY=$'-----BEGIN A KEY-----\nMHcCAQEEIIrYSSNQFaA2Hwf1duRSxKt\nshort\n-----END A KEY-----'

setup()
{
    rota_setup
    mkdir src
    printf '%s\n' "$VALUE" >src/password
    printf '%s\n' "$KEY" >src/key
    chmod 600 src/*
    export API_TOKEN=$TOKEN
    cat >three.yaml <<YAML
name: three
shell: |
  exec 3>$PWD/seen
  printf '%s|%s|%s' "\$PGPASSWORD" "\$API" "\$KEY" >&3
  echo "password \$PGPASSWORD, token \$API"
  echo "\$KEY" >&2
  [ -e quick ] || read -r line <$PWD/go
workdir: $PWD
secrets:
  PGPASSWORD: {file: $PWD/src/password}
  API: {env: API_TOKEN}
  KEY: {command: [cat, $PWD/src/key]}
YAML
}

# A job that prints one secret: one_secret SOURCE [LINE…]
one_secret()
{
    # shellcheck disable=SC2016 # for the job's shell
    printf '%s\n' 'name: one' 'shell: echo "got $S"' "secrets: {S: $1}" "${@:2}" >one.yaml
}

# The run ends as failed before it started, with this reason.
refused_with()
{
    local id
    id=$(rota submit one.yaml)
    run -0 rota dispatch
    is_so "$id" "failed secret S: $1"
    run -0 rota status --format '{started_at}' "$id"
    [ "$output" = '' ]
}

# A command whose answer the test gives by `echo VALUE >answer`, and a file that counts its calls.
asking_command()
{
    mkfifo answer
    printf '#!/bin/sh\necho call >>%s/calls\ncat <%s/answer\n' "$PWD" "$PWD" >ask
    chmod +x ask
    one_secret "{command: [$PWD/ask]}" "$@"
}

calls_are()
{
    [ "$(wc -l <calls)" -eq "$1" ]
}

# Fails when some value is in the catalogue, the output, the spool, a log, or an argument list.
nowhere()
{
    printf '%s\n' "$VALUE" "$TOKEN" MHcCAQEEIIrYSSNQFaA2Hwf1duRSxKt >src/values
    cat /proc/[0-9]*/cmdline >cmdlines 2>/dev/null || :
    ps -ef >>cmdlines
    run -1 grep -rlaFf src/values cmdlines dispatch.err "$HOME" "$(worker_spool)"
    [ "$output" = '' ]
}

@test "a job sees its secrets, and nobody else while it runs and after" {
    mkfifo go
    id=$(rota submit three.yaml)
    rota dispatch -v 2>dispatch.err 3>&- &
    dispatcher=$!
    eventually is_state "$id" running
    eventually [ -s seen ]
    [ "$(cat seen)" = "$VALUE|$TOKEN|$KEY" ]
    run -0 grep -laF hunter2 src/password # what nowhere would say
    [ -d "$(worker_spool)" ]
    nowhere
    echo >go
    wait "$dispatcher"
    is_state "$id" succeeded
    nowhere
    run -0 rota logs --out "$id"
    [ "$output" = 'password ***, token ***' ]
    run -0 rota logs --err "$id"
    [ "$output" = '***' ]
    run -0 rota status -o json "$id"
    [ "$(json '"\(.out_bytes) \(.err_bytes)"')" = '24 4' ]
    run -0 sqlite3 "$ROTA_CATALOGUE" 'SELECT text FROM spec'
    [[ $output == *'"PGPASSWORD": {"file": "'* ]]
}

@test "a value is masked however the job writes it, and nothing else is held back" {
    mkfifo go
    cat >split.yaml <<YAML
name: split
shell: |
  printf 'first hunter2-of'
  read -r line <$PWD/go
  printf '%s' '-the-file, then hunter2-' >&1
  echo over
  echo "\${S}\${S}"
  printf hunter
secrets: {S: {file: $PWD/src/password}}
YAML
    id=$(rota submit split.yaml)
    dispatcher_starts
    first_is_there()
    {
        [ "$(rota logs "$id")" = 'first ' ]
    }
    eventually first_is_there
    echo >go
    dispatcher_ends
    run -0 rota logs "$id"
    [ "$output" = $'first ***, then hunter2-over\n******\nhunter' ]
}

@test "the lines of a value are masked alone, but for short ones" {
    printf '%s\n' 'name: lines' "shell: printf '%s' \"\$K\" | sort" \
        "secrets: {K: {file: $PWD/src/key}}" >lines.yaml
    id=$(rota submit lines.yaml)
    rota dispatch
    run -0 rota logs "$id"
    [ "$output" = $'***\n***\nshort\n***' ] || [ "$output" = $'***\n***\n***\nshort' ]
}

@test "a value that a run tells the next is masked too" {
    printf '%s\n' 'name: teller' "shell: echo \"password=\$S\" >>\$ROTA_OUTPUT" \
        "secrets: {S: {file: $PWD/src/password}}" '---' 'name: heard' 'after: teller' \
        "shell: echo \"\$ROTA_IN_teller_password\"" >two.yaml
    rota submit two.yaml
    rota dispatch
    run -0 rota logs 2
    [ "$output" = '***' ]
    : >dispatch.err
    nowhere
}

@test "a file that is not there, no file, or open to others ends the run with the reason" {
    one_secret "{file: $PWD/src/none}"
    refused_with "cannot read $PWD/src/none: No such file or directory"
    one_secret "{file: $PWD/src}"
    refused_with "$PWD/src is no file"
    for mode in 640 604; do
        chmod $mode src/password
        one_secret "{file: $PWD/src/password}"
        refused_with "$PWD/src/password is open to others (mode 0$mode): chmod 600 $PWD/src/password"
    done
}

@test "a file of others that we cannot read" {
    local as_other=()
    if [ "$(id -u)" -eq 0 ]; then
        chmod 755 . src
        as_other=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    else
        chmod 000 src/password
    fi
    run -74 "${as_other[@]}" rota-dispatch --secret-file "$PWD/src/password"
    [ "$output" = "cannot read $PWD/src/password: Permission denied" ]
}

@test "a value that is empty, short, binary or too long is refused" {
    printf '\n\n' >src/empty
    printf 'abc\n' >src/short
    printf 'a\0bcdef' >src/binary
    head -c 65537 /dev/zero | tr '\0' x >src/long
    chmod 600 src/*
    for file in empty short binary long; do
        one_secret "{file: $PWD/src/$file}"
        case $file in
        empty) why="$PWD/src/empty: it is empty" ;;
        short) why="$PWD/src/short: a secret of under 4 bytes cannot be masked" ;;
        binary) why="$PWD/src/binary: it holds a NUL byte, which no variable can" ;;
        long) why="$PWD/src/long: it is over 65536 bytes" ;;
        esac
        refused_with "$why"
    done
    one_secret '{env: NOT_SET_ANYWHERE}'
    refused_with 'the variable NOT_SET_ANYWHERE is not set where rota dispatch runs'
}

@test "a command that fails, dies, writes without end or is not there is told" {
    one_secret '{command: [sh, -c, "echo password-in-part; echo no such entry >&2; exit 3"]}'
    refused_with "'sh' ended with exit code 3: no such entry"
    one_secret '{command: [sh, -c, "kill -9 $$"]}'
    refused_with "'sh' was killed by signal 9"
    one_secret '{command: [yes]}'
    refused_with 'yes writes more than 1048576 bytes'
    one_secret '{command: [no-such-program]}'
    refused_with "cannot run no-such-program: No such file or directory"
    one_secret '{command: [printf, "%1000000d", "1"]}'
    refused_with 'printf: it is over 65536 bytes'
}

@test "a command that hangs holds nobody else up, and is given up with all it started" {
    export ROTA_TEST_SECRET_MS=3000
    asking_command
    slow=$(rota submit one.yaml)
    other=$(rota submit -- true)
    dispatcher_starts
    eventually is_state "$other" succeeded
    eventually is_so "$slow" "starting waiting for a secret from $PWD/ask"
    dispatcher_ends
    is_so "$slow" "failed secret S: '$PWD/ask' did not end within 3 s"
}

@test "a run that waits for a secret can be cancelled" {
    export ROTA_TEST_SECRET_MS=600000 # longer than anybody waits here
    asking_command
    id=$(rota submit one.yaml)
    dispatcher_starts
    eventually is_state "$id" starting
    eventually [ -s calls ]
    rota cancel "$id"
    eventually is_state "$id" cancelled
    dispatcher_ends
    is_so "$id" 'cancelled cancelled before it started'
}

@test "many runs share what was read, and --once waits for it" {
    config <<<$'[worker local]\ntransport = local\nslots = 8'
    asking_command 'array: 1-5'
    rota submit one.yaml
    rota dispatch --once 3>&- &
    once=$!
    eventually [ -s calls ]
    echo a-secret-value >answer
    wait "$once"
    rota dispatch
    run -0 rota status --format '{state}'
    [ "$output" = $'succeeded\nsucceeded\nsucceeded\nsucceeded\nsucceeded' ]
    run -0 rota logs 5
    [[ $output == *'got ***'* ]]
}

# A descriptor's number goes to another one as soon as it is closed, which would be let go in its place.
@test "what is waited for is let go before it is closed" {
    local loop
    touch quick
    rota submit three.yaml
    strace -qq -e trace=epoll_create1,epoll_ctl -o trace rota dispatch
    loop=$(sed -n 's/^epoll_create1(.* = //p' trace | head -1)
    run -0 grep -c "^epoll_ctl($loop, EPOLL_CTL_ADD, .* = 0\$" trace
    [ "$output" -ge 5 ]
    run -1 grep "^epoll_ctl($loop, .* = -1 " trace
    is_state last succeeded
}

@test "an attempt after the minute reads anew, and so does a rerun" {
    export ROTA_TEST_SECRET_MS=500 # so a value is fresh for a second
    # shellcheck disable=SC2016 # for that shell
    printf '#!/bin/sh\necho call >>%s/calls\necho "value number $(wc -l <%s/calls)"\n' \
        "$PWD" "$PWD" >ask
    chmod +x ask
    one_secret "{command: [$PWD/ask]}" 'retry: {attempts: 2, delay: 2s}'
    sed -i "s|echo.*|printf '%s' \"\$S\" >>$PWD/seen; exit 1|" one.yaml
    id=$(rota submit one.yaml)
    rota dispatch
    is_state "$id" failed
    calls_are 2
    rota submit --rerun "$id"
    rota dispatch
    [ "$(cat seen)" = 'value number 1value number 2value number 3value number 4' ]
}

@test "a secret that cannot be read is a failed attempt, and the next one may read it" {
    one_secret "{file: $PWD/src/late}" 'retry: {attempts: 2, delay: 5s}'
    id=$(rota submit one.yaml)
    dispatcher_starts
    eventually is_so "$id" 'queued attempt 1 of 2: secret S: cannot read *; again after 5*'
    printf 'late but there\n' >src/late
    chmod 600 src/late
    dispatcher_ends
    is_state "$id" succeeded
    run -0 rota status --format '{attempt}' "$id"
    [ "$output" = 2 ]
}

@test "kill -9 of dispatch while it has a secret and has not started the run leaves nothing behind" {
    asking_command
    # the second secret is known when the first is not
    sed -i "s|secrets: {|&P: {file: $PWD/src/password}, |; s|got |\$P |" one.yaml
    id=$(rota submit one.yaml)
    rota dispatch -v 2>dispatch.err 3>&- &
    dispatcher=$!
    eventually is_state "$id" starting
    eventually [ -s calls ]
    kill -9 "$dispatcher"
    wait "$dispatcher" || :
    nowhere
    echo nobody-listens >answer
    dispatcher_starts
    eventually calls_are 2
    echo a-secret-value >answer
    dispatcher_ends
    run -0 rota status --format '{state} {attempt}' "$id"
    [ "$output" = 'succeeded 1' ]
    run -0 rota logs "$id"
    [ "$output" = '*** ***' ]
}

@test "to check, add and submit reads no secret" {
    one_secret '{command: [touch, read-it]}' 'schedule: {every: 1d}'
    run -0 rota submit -n one.yaml
    run -0 rota schedule add one.yaml
    run -0 rota submit one.yaml
    [ ! -e read-it ]
    printf 'shell: x\nsecrets: {S: hunter2}\n' >bad.yaml
    run -65 rota submit -n bad.yaml
    [[ $output == *"bad.yaml:2:14: 'S' says where its value is: one of {file: PATH}, "* ]]
}

@test "a worker that is older gets no secret, and the reason says so" {
    mkdir bad.d
    ln -s "$ROTA_TOP/tests/fault/fake_worker.py" bad
    config <<<"[worker bad]
transport = local
worker = $PWD/bad"
    printf 'greet()\nwelcome()\nsay("READY")\nhear_all()\n' >bad.d/1
    one_secret "{file: $PWD/src/password}"
    id=$(rota submit one.yaml)
    run -0 rota dispatch
    is_so "$id" "failed the worker on bad * is older than this rota and has no 'secrets': install *"
    run -1 grep -q -e START -e BROKEN bad.d/1.log
}
