# rota logs: byte for byte in a pipe, harmless on a terminal.
# bats' run sets stderr
# shellcheck disable=SC2154

load lib

# A finished run 1 whose output files hold what the tests write there.
finished_run()
{
    rota submit -- true >/dev/null
    set_run 1 "state = 6, attempt = 1, exit_code = 0, started_at = 1000, finished_at = 2000"
    OUT=${ROTA_CATALOGUE%/*}/output/0
    mkdir -p "$OUT"
}

set_run()
{
    sqlite3 "$ROTA_CATALOGUE" "UPDATE run SET $2 WHERE id = $1"
}

on_terminal()
{
    script -qec "$*" /dev/null </dev/null | tr -d '\r'
}

@test "both streams come back byte for byte" {
    finished_run
    head -c 300000 /dev/urandom >"$OUT/1.1.out"
    printf 'error\0\n' >"$OUT/1.1.err"
    rota logs 1 >out 2>err
    cmp out "$OUT/1.1.out"
    cmp err "$OUT/1.1.err"
    rota logs --err last >out 2>err
    [ ! -s out ]
    cmp err "$OUT/1.1.err"
    rota logs --out 1 >out 2>err
    [ ! -s err ]
    cmp out "$OUT/1.1.out"
}

@test "no output is no failure, no run is" {
    finished_run
    run rota logs 1
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    run --separate-stderr rota logs 9 1
    [ "$status" -eq 1 ]
    [ "$stderr" = "rota logs: there is no run 9" ]
    run rota logs 1 --attempt 2
    [ "$status" -eq 1 ]
    [ "$output" = "rota logs: run 1 has no attempt 2: it had 1" ]
    run rota logs
    [ "$status" -eq 64 ]
    run rota logs --out --err 1
    [ "$status" -eq 64 ]
    run rota logs - </dev/null
    [ "$status" -eq 1 ]
}

@test "several runs come one after another, with nothing between in a pipe" {
    finished_run
    rota submit -- true >/dev/null
    set_run 2 "state = 6, attempt = 1, exit_code = 0"
    printf one >"$OUT/1.1.out"
    printf two >"$OUT/2.1.out"
    [ "$(rota logs 2 1)" = twoone ]
    [ "$(rota status -o id | rota logs -)" = onetwo ]
    run on_terminal rota logs 1 2
    [[ $output == *"==> run 1: true, attempt 1 <=="*one*"==> run 2"*two* ]]
}

@test "the newest attempt is shown, others on demand" {
    finished_run
    set_run 1 'attempt = 2'
    echo first >"$OUT/1.1.out"
    echo second >"$OUT/1.2.out"
    [ "$(rota logs 1)" = second ]
    [ "$(rota logs --attempt 1 1)" = first ]
}

@test "a terminal gets text and no commands" {
    finished_run
    printf 'plain\t\303\244\n\033[2J\377\n' >"$OUT/1.1.out"
    run on_terminal rota logs 1
    [[ $output == *$'plain\tä'* ]]
    [[ $output == *'\x1b[2J\xff'* ]]
    [[ $output != *$'\033[2J'* ]]
}

@test "a character at the edge of two reads stays whole on a terminal" {
    finished_run
    { head -c 65535 /dev/zero | tr '\0' a; printf '\303\244\n'; } >"$OUT/1.1.out"
    on_terminal rota logs 1 >shown
    grep -q 'aä' shown
}

@test "dropped bytes are told, on a terminal where they are missing" {
    finished_run
    set_run 1 'out_bytes = 83886100, out_dropped = 83886080'
    printf 'headheadXYtail tail\n' | head -c 20 >"$OUT/1.1.out"
    run --separate-stderr rota logs 1
    [ "$status" -eq 0 ]
    [ "$stderr" = "rota logs: 1: 83,886,080 bytes of standard output were dropped here (output.limit)" ]
    [ "$output" = 'headheadXYtail tail' ]
    run on_terminal rota logs 1
    [[ $output == *"headheadXY"*"dropped here"*"tail tail"* ]]
}

@test "a reader that goes away is no error" {
    finished_run
    head -c 1000000 /dev/zero >"$OUT/1.1.out"
    run --separate-stderr bash -c 'set -o pipefail; rota logs 1 | head -c 1 | wc -c'
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
}

@test "-f prints what comes until the run is over" {
    finished_run
    set_run 1 'state = 3, attempt = 0'
    rm -rf "$OUT"
    rota logs -f 1 >seen 2>err &
    follower=$!
    set_run 1 'state = 5, attempt = 1'
    mkdir -p "$OUT"
    echo one >"$OUT/1.1.out"
    eventually grep -q one seen
    echo two >>"$OUT/1.1.out"
    eventually grep -q two seen
    echo oops >>"$OUT/1.1.err"
    eventually grep -q oops err
    kill -0 "$follower"
    echo three >>"$OUT/1.1.out"
    set_run 1 'state = 7, exit_code = 1'
    wait "$follower"
    cmp seen "$OUT/1.1.out"
}

@test "-f goes on with the next attempt" {
    finished_run
    set_run 1 'state = 5'
    echo one >"$OUT/1.1.out"
    rota logs -f 1 >seen &
    follower=$!
    eventually grep -q one seen
    echo rest >>"$OUT/1.1.out"
    set_run 1 'attempt = 2'
    echo two >"$OUT/1.2.out"
    eventually grep -q two seen
    set_run 1 'state = 6'
    wait "$follower"
    [ "$(tr '\n' ' ' <seen)" = 'one rest two ' ]
}

@test "-f of a run that is over prints and ends" {
    finished_run
    echo all >"$OUT/1.1.out"
    [ "$(rota logs -f 1)" = all ]
}
