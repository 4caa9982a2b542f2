#!/usr/bin/env bats
# SIGINT and SIGTERM of the dispatcher: a clean end that waits for nobody, runs go on; a second one ends it at once.

load ../lib
load ../dispatcher
load witness

setup()
{
    rota_setup
    local_workers w
    dispatcher='' stopped=''
    witness_job on '-g -o 20' >job.yaml
    rota submit job.yaml
}

teardown()
{
    touch "$WITNESS/go"
    # shellcheck disable=SC2086 # a list of numbers
    kill -KILL $dispatcher $stopped 2>/dev/null || :
    wait
    rota_teardown
}

# A script ignores SIGINT for what it starts in the background.
starts()
{
    env --default-signal=INT rota dispatch "$@" 3>&- &
    dispatcher=$!
}

ends_with()
{
    local rc=0
    # not for ever: it is what the test is about
    eventually gone "$dispatcher"
    wait "$dispatcher" || rc=$?
    dispatcher=''
    [ "$rc" -eq "$1" ]
}

gone()
{
    ! process_lives "$1"
}

nobody_holds()
{
    [ "$(sqlite3 "file:$ROTA_CATALOGUE?mode=ro" 'SELECT pid IS NULL FROM holder')" = 1 ]
}

# The next dispatcher finds the run where it was.
goes_on()
{
    is_state 1 running
    [ "$(cat "$WITNESS/witness")" = '1 1 start' ]
    touch "$WITNESS/go"
    run -0 rota dispatch
    [ "$(rota status --format '{state} {attempt}' 1)" = 'succeeded 1' ]
    witness_holds
}

ends_cleanly()
{
    starts
    eventually is_state 1 running
    kill "-$1" "$dispatcher"
    ends_with 0
    nobody_holds
    goes_on
}

@test "SIGINT: a clean end, the run goes on, the next dispatcher adopts it" {
    ends_cleanly INT
}

@test "SIGTERM: a clean end, the run goes on, the next dispatcher adopts it" {
    ends_cleanly TERM
}

@test "SIGTERM while the worker is stopped: the end does not wait for it" {
    starts
    eventually is_state 1 running
    stopped=$(pgrep -P "$dispatcher" -f 'rota-worker serve')
    kill -STOP "$stopped"
    # it is told to start a run, and will never say a word
    witness_job two -g | rota submit -
    eventually is_state 2 starting
    kill -TERM "$dispatcher"
    ends_with 0
    nobody_holds
    goes_on
    is_state 2 succeeded
}

@test "a signal that is ignored stays ignored while another one ends it" {
    # it hangs at its end, so that there is time to look
    mkfifo words
    exec 6<>words
    dd if=/dev/zero of=words oflag=nonblock bs=4096 2>/dev/null || : # until it is full
    env --default-signal=INT --ignore-signal=HUP rota dispatch -v 3>&- 2>words 6>&- &
    dispatcher=$!
    eventually hangs
    kill -TERM "$dispatcher"
    eventually is_taken 15
    kill -HUP "$dispatcher"
    hangs
    kill -TERM "$dispatcher"
    ends_with 143
    exec 6>&-
}

# Milliseconds until the program ends with that code by the signal, in `took`: ends_by SIGNAL CODE WORD...
ends_by()
{
    local signal=$1 code=$2 pid began rc=0
    shift 2
    env --default-signal=INT,TERM rota "$@" >/dev/null 2>&1 3>&- &
    pid=$!
    eventually waits "$pid"
    began=${EPOCHREALTIME/./}
    kill "-$signal" "$pid"
    eventually gone "$pid"
    wait "$pid" || rc=$?
    took=$(((${EPOCHREALTIME/./} - began) / 1000))
    [ "$rc" -eq "$code" ] || { echo "$*: exit code $rc"; return 1; }
}

# It sleeps in a poll, of whichever kind.
waits()
{
    local number
    read -r number _ <"/proc/$1/syscall" && [[ $number =~ ^(7|232|271|281|23|270|35|230)$ ]]
}

@test "SIGTERM and SIGINT end every program that waits within a second" {
    local signal number code words
    rota submit --hold -- true
    starts
    eventually is_state 1 running
    while read -r signal number; do
        while read -r code words; do
            if [[ $words = dispatch* ]] && [ -n "$dispatcher" ]; then
                kill -TERM "$dispatcher"
                ends_with 0
            fi
            # the machine may be busy, but not each time
            for _ in 1 2 3; do
                # shellcheck disable=SC2086 # words
                ends_by "$signal" $((code == 128 ? 128 + number : code)) $words
                [ "$took" -ge 1000 ] || break
            done
            [ "$took" -lt 1000 ] || { echo "$words: $took ms after $signal"; return 1; }
        done <<'EOF'
128 logs -f 1
128 submit --wait job.yaml
1 dispatch --wait 2
0 dispatch --stay
EOF
        starts
        eventually holds_it
    done <<<$'TERM 15\nINT 2'
}

holds_it()
{
    ! nobody_holds
}

# ---- a dispatcher that hangs: nobody reads what it says ----

hangs()
{
    local number first
    read -r number first _ <"/proc/$dispatcher/syscall"
    [ "$number $first" = '1 0x2' ] # write to standard error
}

starts_and_hangs()
{
    mkfifo words
    exec 6<>words
    dd if=/dev/zero of=words oflag=nonblock bs=4096 2>/dev/null || : # until it is full
    starts -v 2>words 6>&-
    eventually hangs
}

# The first one was taken: it is not pending, and the next one is no more caught.
is_taken()
{
    local bits
    bits=$(awk '/^(ShdPnd|SigPnd|SigCgt|SigBlk):/ { print $2 }' "/proc/$dispatcher/status")
    for bits in $bits; do
        (((0x$bits & 1 << ($1 - 1)) == 0)) || return 1
    done
}

ends_at_once()
{
    starts_and_hangs
    kill "-$1" "$dispatcher"
    eventually is_taken "$2"
    hangs
    kill -INT "$dispatcher"
    ends_with 130
    exec 6>&-
    touch "$WITNESS/go"
    run -0 rota dispatch
    is_state 1 succeeded
    witness_holds
}

@test "a second SIGINT ends it at once, although the first end hangs" {
    ends_at_once INT 2
}

@test "so does SIGINT after SIGTERM" {
    ends_at_once TERM 15
}
