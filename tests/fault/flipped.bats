#!/usr/bin/env bats
# Bytes that arrive changed, where no cipher sees it: the transport `exec`, through a pipe that changes them
# (chaos.py). The connection ends, the next one is good, and the run is as if nothing had been.

load ../lib
load witness

setup()
{
    rota_setup
    mkdir -p "$WITNESS"
    touch "$WITNESS/go"
    # a frame whose length was changed is waited for so long
    export ROTA_TEST_PING_MS=500 ROTA_TEST_STEP_MS=3000
    config </dev/null
}

# Adds a host, and a run for it: each of its connections has the fault until one of them had its effect, but
# at most so many: bad_host NAME FAULT [TIMES].
bad_host()
{
    cat >"$HOME/$1" <<SH
#!/bin/sh
echo x >>"$HOME/$1.count"
if [ "\$(wc -l <"$HOME/$1.count")" -le ${3-1} ]; then
    exec "$ROTA_TOP/tests/fault/chaos.py" pipe $2 -- "\$@"
fi
exec "\$@"
SH
    chmod +x "$HOME/$1"
    printf '[worker %s]\ntransport = exec\ncommand = %s\nworker = %s\nslots = 2\n' "$1" "$HOME/$1" \
        "$ROTA_BUILD_DIR/rota-worker" >>"$ROTA_CONFIG"
    witness_job "on-$1" '-o 3000' "where: {hosts: $1}" 'stdin: input of the run' >>"$HOME/jobs.yaml"
    echo --- >>"$HOME/jobs.yaml"
}

# All of the runs end well, executed once, with their output; so many hosts took more than one connection.
all_end_well()
{
    local again
    sed -i '$d' "$HOME/jobs.yaml"
    rota submit "$HOME/jobs.yaml" >"$WITNESS/acknowledged"
    # a host that failed without a run of its own is left to the next dispatcher, as cron starts one
    for _ in {1..8}; do
        timeout 100 rota dispatch -v 2>>"$BATS_TEST_TMPDIR/dispatch.err"
        [ -n "$(rota status -o id --state queued)" ] || break
    done
    cat "$BATS_TEST_TMPDIR/dispatch.err" # seen only when it fails
    witness_holds
    [ "$(rota status -o id --state succeeded | wc -l)" -eq "$(wc -l <"$WITNESS/acknowledged")" ]
    again=$(find "$HOME" -name '*.count' -size +2c | wc -l)
    echo "$again hosts took more than one connection"
    [ "$again" -ge "$1" ]
}

@test "a flipped byte, from the head to the host: in HELLO, in START, wherever" {
    # HELLO is some 150 bytes, START some 500
    for ((at = 0; at < 620; at += 13)); do
        bad_host "h$at" "up flip $at"
    done
    all_end_well 30
    run -0 grep -c 'wrong checksum\|over the limit' "$BATS_TEST_TMPDIR/dispatch.err"
    [ "$output" -ge 20 ]
}

@test "a flipped byte, from the host to the head: in the greeting, WELCOME, OUTPUT, RESULT, wherever" {
    for ((at = 0; at < 4000; at += at < 600 ? 17 : 211)); do
        bad_host "h$at" "down flip $at"
    done
    all_end_well 45
    run -0 grep -c 'wrong checksum\|over the limit' "$BATS_TEST_TMPDIR/dispatch.err"
    [ "$output" -ge 20 ]
}

@test "bytes flipped at random, in both directions, of one connection after the other" {
    for seed in {1..12}; do
        bad_host "h$seed" "up noise 900 $seed, down noise 2500 $((seed + 100))" 4
    done
    all_end_well 8
}

@test "a frame whose length arrives changed and that is never over: the host is given up, and tried again" {
    # WELCOME, READY, then OUTPUT and RESULT of the run, in whatever frames
    for frame in 0 1 2 3; do
        bad_host "h$frame" "down endless $frame"
    done
    all_end_well 4
}
