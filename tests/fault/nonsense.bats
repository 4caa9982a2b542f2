#!/usr/bin/env bats
# A worker that talks nonsense: the head records no lie as success, keeps its feet, and serves others.

load ../lib
load bad

# ---- numbers that cannot be ----

@test "absurd ages, durations and sizes: the result is recorded, and times stay readable" {
    two_runs
    for _ in 3 4 5 6; do
        run -0 rota submit --host bad -- true
    done
    connection 1 <<'PYTHON'
greet()
welcome()
say("READY")
say("PONG", CLOCK=-1, LOAD=-1, MEM_FREE=-1, DISK_FREE=1 << 63)
huge = 1 << 63
lies = [
    {"AGE": huge}, {"AGE": -1}, {"DURATION": huge, "AGE": huge}, {"DURATION": -1, "UTIME": -1,
    "STIME": huge, "MAXRSS": -1}, {"OUT_TOTAL": huge, "OUT_DROPPED": -1, "ERR_TOTAL": 3,
    "ERR_DROPPED": -5},
]
for lie in lies:
    key = hear("START")
    say("STARTED", key, AGE=lie.get("AGE", huge))
    end(key, **lie)
hear_all()
PYTHON
    dispatch
    run -0 rota status --format '{id} {state}'
    [ "$output" = "$(printf '%s succeeded\n' 1 2 3 4 5 6)" ]
    ended_once 1 2 3 4 5 6
    run -0 rota status -o json
    echo "$output" # seen only when it fails
    # what is told as a time has a year of four digits, and is not negative as a length
    [ "$(json 'select(.duration < 0 or .out_bytes < 0 or .out_dropped < 0 or .err_dropped < 0
        or .out_dropped > .out_bytes or .err_dropped > .err_bytes
        or .utime < 0 or .stime < 0 or .maxrss < 0
        or ([.started_at, .finished_at] | any(. != null
            and (test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T") | not))))')" = '' ]
    run -0 rota status
    run -0 rota status 5
    run -0 rota hosts
}

@test "a WELCOME of absurd numbers: the host is used and can be shown" {
    two_runs
    connection 1 <<'PYTHON'
greet()
say("WELCOME", VERSION=1, BUILD="\033[2J" * 1000, MACHINE="M1", BOOT="B1", SPOOL_ID="S1",
    HOSTNAME="x" * 10000, SYSTEM="\n", CLOCK=-1, CPUS=-1, LOAD=-1, MEM_TOTAL=-1, MEM_FREE=1 << 63,
    DISK_FREE=-1)
say("READY")
key = hear("START")
end(key)
hear_all()
PYTHON
    dispatch
    is_state 1 succeeded
    ended_once 1 2
    run -0 rota hosts
    run -0 rota hosts -o json
    [ "$(json 'select(.cpus != null and (.cpus < 1 or .cpus > 100000))')" = '' ]
    [ "$(json 'select(.name == "bad").name')" = bad ]
}

@test "an END that nobody knows is never taken for success" {
    two_runs
    for _ in 3 4 5 6; do
        run -0 rota submit --host bad -- true
    done
    connection 1 <<'PYTHON'
be_ready()
for kind in (0, 99, -1, (1 << 32) + EXIT, 7):
    key = hear("START")
    say("STARTED", key, AGE=0)
    end(key, END=kind)
hear_all()
PYTHON
    dispatch
    for id in 1 3 4 5 6; do
        is_so "$id" 'lost *'
    done
    ended_once 1 2 3 4 5 6
}

@test "an exit code that does not exist is never taken for success" {
    two_runs
    for _ in 3 4; do
        run -0 rota submit --host bad -- true
    done
    connection 1 <<'PYTHON'
be_ready()
for code in (1 << 32, 256, -1):
    key = hear("START")
    say("STARTED", key, AGE=0)
    end(key, code=code)
hear_all()
PYTHON
    dispatch
    for id in 1 3 4; do
        is_so "$id" '[fl][ao]*'
    done
    ended_once 1 2 3 4
}

# ---- too much of it ----

@test "a result told twice is recorded once: the first" {
    two_runs
    connection 1 <<'PYTHON'
be_ready()
key = hear("START")
result = dict(END=EXIT, DURATION=1, AGE=0)
raw(message("STARTED", **key, AGE=0) + message("RESULT", **key, CODE=3, **result)
    + message("RESULT", **key, CODE=0, **result) + message("STARTED", **key, AGE=0))
hear("ACK")
end(key, code=0)
say("OUTPUT", key, STREAM=1, OFFSET=0, DATA=b"late")
hear_all()
PYTHON
    # and told again on the next connection, as after an ACK that was lost
    connection 2 <<'PYTHON'
greet()
welcome()
say("RUN", key_of(), STATE=ENDED, AGE=0)
end(key_of(), code=0)
say("READY")
key = hear("START")
end(key)
hear_all()
PYTHON
    dispatch
    is_so 1 'failed 3 *'
    run -0 rota submit --host bad -- true
    dispatch
    is_so 1 'failed 3 *'
    is_state 3 succeeded
    [ "$(grep -c '^ACK run=1 ' "$HOME/bad.d/2.log")" -eq 1 ]
    [ "$(heard 'START run=1 ')" -eq 1 ]
    run -0 rota logs 1
    [ -z "$output" ]
    ended_once 1 2 3
}

@test "100,000 runs that nobody knows, from a worker that does not read" {
    two_runs
    connection 1 <<PYTHON
greet()
welcome()
raw(b"".join(message("RUN", RUN=n, ATTEMPT=1, TOKEN=n, STATE=ENDED) for n in range(10, 100010)))
wait_file("$HOME/go")
say("READY")
key = hear("START")
say("STARTED", key, AGE=0)
end(key)
hear_all()
PYTHON
    dispatcher_starts
    eventually is_state 2 succeeded
    touch "$HOME/go"
    dispatcher_ends
    is_state 1 succeeded
    [ "$(heard 'ACK run=[0-9]{2,} ')" -eq 100000 ]
    ended_once 1 2
}

@test "100,000 times its own run, announced by a worker that does not read" {
    two_runs
    connection 1 <<<'be_ready(); hear("START"); hear_all()'
    connection 2 <<PYTHON
greet()
welcome()
raw(message("RUN", **key_of(), STATE=LIVE) * 100000)
wait_file("$HOME/go")
say("READY")
end(key_of(), code=8)
hear_all()
PYTHON
    dispatch --once
    dispatcher_starts
    eventually is_state 2 succeeded
    touch "$HOME/go"
    dispatcher_ends
    is_so 1 'failed 8 *'
    [ "$(heard 'START run=1 ')" -eq 1 ]
    ended_once 1 2
}

# ---- what is no conversation ----

@test "garbage after the nonce: the host is set aside, and the others work" {
    run -0 rota submit --name one --host bad -- true
    count_ends
    n=0
    while read -r junk; do
        n=$((n + 1))
        connection "$n" <<<"greet(); $junk; hear_all()"
        id=$(rota submit --host good -- true)
        dispatch
        is_state 1 queued
        is_state "$id" succeeded
        ended_once "$id"
        bad_says 'down ?*'
    done <<'PYTHON'
raw(b"Last login: Monday\n" * 5000)
raw(bytes(100000))
raw(frame(NUMBER["WELCOME"], length=65536 - 12 + 1)); raw(bytes(65536))
raw(frame(NUMBER["WELCOME"], length=0xffffffff))
welcome(); raw(frame(NUMBER["RUN"], b"\x00\x13\xff\xff\xff\xff12345678"))
welcome(); raw(frame(NUMBER["RUN"], bytes(65000), flags=1) * 100)
PYTHON
    connection $((n + 1)) <<<'work()'
    dispatch
    is_state 1 succeeded
    ended_once 1
}

@test "messages out of turn: the host is set aside, and nothing is started there" {
    run -0 rota submit --name one --host bad -- true
    count_ends
    n=0
    while read -r words; do
        n=$((n + 1))
        connection "$n" <<<"greet(); $words; hear_all()"
        dispatch
        is_state 1 queued
        bad_says 'down *out of turn*'
    done <<'PYTHON'
say("READY")
say("RUN", RUN=1, ATTEMPT=1, TOKEN=1, STATE=ENDED)
end({"RUN": 1, "ATTEMPT": 1, "TOKEN": 1})
welcome(); welcome(spool="S2")
PYTHON
    [ "$(heard START)" -eq 0 ]
    connection $((n + 1)) <<<'work()'
    dispatch
    is_state 1 succeeded
    ended_once 1
}

@test "a result with a wrong checksum, or behind an oversize frame, is no result" {
    two_runs
    connection 1 <<'PYTHON'
be_ready()
key = hear("START")
say("STARTED", key, AGE=0)
whole = message("RESULT", **key, END=EXIT, CODE=0)
raw(whole[:8] + b"\xde\xad\xbe\xef" + whole[12:] + whole)
hear_all()
PYTHON
    connection 2 <<'PYTHON'
greet()
welcome()
say("RUN", key_of(), STATE=ENDED, AGE=0)
say("READY")
key = hear("ADOPT")
raw(frame(NUMBER["OUTPUT"], length=100000) + bytes(100000) + message("RESULT", **key, END=EXIT))
hear_all()
PYTHON
    connection 3 <<'PYTHON'
greet()
welcome()
say("RUN", key_of(), STATE=ENDED, AGE=0)
say("READY")
hear("ADOPT")
end(key_of(), code=2)
hear_all()
PYTHON
    dispatch
    is_so 1 'failed 2 *'
    [ "$(connections)" -eq 3 ]
    [ "$(heard 'ACK run=1 ')" -eq 1 ]
    ended_once 1 2
}

@test "a newer worker's messages and fields are skipped" {
    two_runs
    connection 1 <<'PYTHON'
unknown = struct.pack(">HI", 999, 3) + b"new"
greet()
welcome()
raw(frame(200, unknown))
say("READY")
key = hear("START")
raw(frame(0) + frame(255, bytes([0, 9, 0, 0, 0, 0])) + frame(NUMBER["STARTED"], unknown))
raw(frame(NUMBER["RESULT"], unknown + message("RESULT", **key, END=EXIT, CODE=0)[12:]))
hear_all()
PYTHON
    dispatch
    is_state 1 succeeded
    ended_once 1 2
}

# That such a worker is given up after 60 s: see halfopen.bats.
@test "I9: a worker that falls silent holds up neither the others nor the dispatcher's end" {
    two_runs
    connection 1 <<PYTHON
be_ready()
hear("START")
wait_file("$HOME/never")
PYTHON
    dispatcher_starts
    eventually is_state 2 succeeded
    eventually is_state 1 starting
    kill "$dispatcher"
    dispatcher_ends
    is_state 1 starting
    [ "$(heard 'START run=1 ')" -eq 1 ]
}
