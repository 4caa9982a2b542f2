#!/usr/bin/env bats
# A worker that misbehaves: what the head promises holds whatever the other side says. The worker
# `bad` is fake_worker.py, which follows a text a connection; `good` is the real one.

load ../lib

setup()
{
    rota_setup
    mkdir "$HOME/bad.d"
    ln -s "$ROTA_TOP/tests/fault/fake_worker.py" "$HOME/bad"
    config <<INI
[worker bad]
transport = local
worker = $HOME/bad
[worker good]
transport = local
INI
    dispatcher=''
}

teardown()
{
    local rc=0
    if [ -n "$dispatcher" ]; then
        kill "$dispatcher" 2>/dev/null || :
        wait "$dispatcher" || :
    fi
    # what the test sees when it fails; a broken text is a failure of its own
    tail -n 20 "$HOME"/bad.d/*.log 2>/dev/null || :
    if grep -q BROKEN "$HOME"/bad.d/*.log 2>/dev/null; then
        rc=1
    fi
    rota_teardown || rc=1
    return $rc
}

# What the fake does at its Nth connections: connection N… <<text.
connection()
{
    local n text
    text=$(cat)
    for n; do
        printf '%s\n' "$text" >"$HOME/bad.d/$n"
    done
}

# Lines of what the fake heard that match, over all connections: heard PATTERN.
heard()
{
    cat "$HOME"/bad.d/*.log | grep -cE "^$1" || :
}

connections()
{
    find "$HOME/bad.d" -name '*.log' | wc -l
}

# A dispatcher that neither dies nor hangs.
dispatch()
{
    run -0 timeout 60 rota dispatch "$@"
}

dispatcher_starts()
{
    # in the foreground: a signal goes to the dispatcher alone, not to the workers too
    timeout --foreground 60 rota dispatch 3>&- &
    dispatcher=$!
}

dispatcher_ends()
{
    local rc=0
    wait "$dispatcher" || rc=$?
    dispatcher=''
    [ "$rc" -eq 0 ]
}

is_state()
{
    [ "$(rota status --format '{state}' "$1")" = "$2" ]
}

# The state and the reason of a run are as the pattern.
is_so()
{
    run -0 rota status --format '{state} {exit_code} {reason}' "$1"
    # shellcheck disable=SC2053 # a pattern
    [[ $output == $2 ]] || {
        echo "run $1: $output, not: $2"
        return 1
    }
}

bad_says()
{
    # shellcheck disable=SC2053 # a pattern
    [[ $(rota hosts --format '{state} {reason}' bad) == $1 ]]
}

# From now on every end that is written is counted.
count_ends()
{
    sqlite3 "$ROTA_CATALOGUE" "
        CREATE TRIGGER test_ends AFTER UPDATE OF ended_at ON attempt WHEN new.ended_at IS NOT NULL
        BEGIN
            INSERT INTO event (at, run, kind) VALUES (0, new.run, 'test: end');
        END"
}

ended_once()
{
    local id
    for id; do
        [ "$(sqlite3 "$ROTA_CATALOGUE" "SELECT
            (SELECT count(*) FROM attempt WHERE run = $id),
            (SELECT count(*) FROM event WHERE run = $id AND kind = 'test: end')")" = '1|1' ] || {
            echo "run $id: not one attempt with one end"
            return 1
        }
    done
}

# A run for the fake, 1, and one for the real worker, 2.
two_runs()
{
    run -0 rota submit --name one --host bad -- true
    run -0 rota submit --name two --host good -- true
    count_ends
}

# ---- what may have run is not started again ----

@test "another spool, told only after a connection that died on the way: lost, not started again" {
    two_runs
    connection 1 <<<'be_ready(); hear("START"); hear_all()'
    connection 2 <<<'greet(); welcome(spool="S2")'
    connection 3 <<<'work(spool="S2")'
    dispatch --once
    is_state 1 starting
    dispatch --once
    is_state 1 starting
    dispatch
    is_so 1 'lost * spool gone*'
    is_state 2 succeeded
    [ "$(connections)" -eq 3 ]
    [ "$(heard START)" -eq 1 ]
    ended_once 1 2
}

@test "the same within one dispatcher, which connects again by itself" {
    two_runs
    connection 1 <<<'be_ready(); hear("START")'
    connection 2 <<<'greet(); welcome(spool="S2")'
    connection 3 <<<'work(spool="S2")'
    dispatch
    is_so 1 'lost * spool gone*'
    is_state 2 succeeded
    [ "$(connections)" -eq 3 ]
    [ "$(heard START)" -eq 1 ]
    ended_once 1 2
}

@test "the host rebooted before the run was seen to start: lost, not started again" {
    two_runs
    connection 1 <<<'be_ready(boot="B1"); hear("START"); hear_all()'
    connection 2 <<<'greet(); welcome(boot="B2")'
    connection 3 <<<'work(boot="B2")'
    dispatch --once
    dispatch --once
    is_state 1 starting
    dispatch
    is_so 1 'lost * host rebooted*'
    [ "$(connections)" -eq 3 ]
    [ "$(heard START)" -eq 1 ]
    ended_once 1 2
}

@test "a worker that rebooted and still has the result: that result counts" {
    two_runs
    connection 1 <<<'be_ready(boot="B1"); hear("START"); hear_all()'
    connection 2 <<'PYTHON'
greet()
welcome(boot="B2")
say("RUN", key_of(), STATE=ENDED, AGE=0)
say("READY")
hear("ADOPT")
end(key_of(), code=7)
hear_all()
PYTHON
    dispatch --once
    dispatch
    is_so 1 'failed 7 *'
    [ "$(heard START)" -eq 1 ]
    ended_once 1 2
}

@test "a START that never arrived is sent again with the same token, and runs once" {
    two_runs
    connection 1 <<<'be_ready(); hear("START"); hear_all()'
    connection 2 <<<'greet(); welcome()'
    connection 3 <<<'work()'
    dispatch --once
    dispatch --once
    is_state 1 starting
    dispatch
    is_state 1 succeeded
    [ "$(heard START)" -eq 2 ]
    [ "$(cat "$HOME"/bad.d/*.log | grep '^START' | sort -u | wc -l)" -eq 1 ]
    [ "$(heard ACK)" -eq 1 ]
    ended_once 1 2
}

@test "the same within one dispatcher" {
    two_runs
    connection 1 <<<'be_ready(); hear("START")'
    connection 2 <<<'work()'
    dispatch
    is_state 1 succeeded
    [ "$(heard START)" -eq 2 ]
    [ "$(cat "$HOME"/bad.d/*.log | grep '^START' | sort -u | wc -l)" -eq 1 ]
    ended_once 1 2
}

@test "another machine under the name: its run is waited for, and nothing is started there" {
    two_runs
    run -0 rota submit --host bad -- echo waits
    connection 1 <<PYTHON
be_ready(machine="M1")
key = hear("START")
say("STARTED", key, AGE=0)
wait_file("$HOME/go")
PYTHON
    connection 2 3 <<<'work(machine="M2")'
    connection 4 <<'PYTHON'
greet()
welcome(machine="M1")
say("RUN", key_of(), STATE=ENDED, AGE=0)
say("READY")
hear("ADOPT")
end(key_of(), code=5)
key = hear("START") # of the one that waited
say("STARTED", key, AGE=0)
end(key)
hear_all()
PYTHON
    sed -i '/^worker = /a slots = 1' "$ROTA_CONFIG"
    dispatcher_starts
    eventually is_state 1 running
    touch "$HOME/go"
    eventually bad_says 'down another machine answers as bad*'
    is_so 1 'running * bad unreachable since*'
    is_state 3 queued
    kill "$dispatcher"
    dispatcher_ends
    dispatch --once
    is_state 1 running
    is_state 3 queued
    [ "$(heard 'START run=1')" -eq 1 ]
    [ "$(heard 'START run=3')" -eq 0 ]
    dispatch
    is_so 1 'failed 5 *'
    is_state 3 succeeded
    ended_once 1 2 3
}

# ---- what cannot be recorded is not acknowledged ----

@test "a result whose specification cannot be read stays with the worker until it can" {
    two_runs
    run -0 rota submit --host bad -- echo other
    sed -i '/^worker = /a slots = 1' "$ROTA_CONFIG"
    connection 1 <<<'be_ready(); hear("START"); hear_all()'
    # it is not asked for the result of run 1, and tells it nevertheless
    connection 2 <<'PYTHON'
greet()
welcome()
say("RUN", key_of(), STATE=ENDED, AGE=0)
end(key_of(), code=9)
say("READY")
key = hear("START")
end(key_of(), code=9)
say("STARTED", key, AGE=0)
end(key)
hear_all()
PYTHON
    connection 3 <<'PYTHON'
greet()
welcome()
say("RUN", key_of(), STATE=ENDED, AGE=0)
say("READY")
hear("ADOPT")
end(key_of(), code=9)
hear_all()
PYTHON
    dispatch --once
    is_state 1 starting
    sqlite3 "$ROTA_CATALOGUE" "
        CREATE TABLE test_keep AS SELECT id, text FROM spec
            WHERE id = (SELECT spec FROM run WHERE id = 1);
        UPDATE spec SET text = '{' WHERE id = (SELECT id FROM test_keep)"
    dispatch
    is_state 1 starting
    is_state 3 succeeded
    [ "$(heard 'ACK run=1 ')" -eq 0 ]
    [ "$(heard 'ACK run=3 ')" -eq 1 ]
    sqlite3 "$ROTA_CATALOGUE" "
        UPDATE spec SET text = (SELECT text FROM test_keep) WHERE id = (SELECT id FROM test_keep);
        DROP TABLE test_keep"
    dispatch
    is_so 1 'failed 9 *'
    [ "$(heard 'ACK run=1 ')" -eq 1 ]
    [ "$(heard 'START run=1 ')" -eq 1 ]
    ended_once 1 2 3
}

# ---- output that cannot be kept ----

# What the fake does when it has the result of run 1 and its output, "kept": asked for it, it notes
# from which byte, and tells all of it.
ended_with_output()
{
    connection "$@" <<'PYTHON'
greet()
welcome()
say("RUN", key_of(), STATE=ENDED, AGE=0)
say("READY")
at = adopted_from()
note("asked from %d" % at)
say("OUTPUT", key_of(), STREAM=1, OFFSET=at, DATA=b"kept\n"[at:])
end(key_of(), code=3, OUT_TOTAL=5)
hear_all()
PYTHON
}

# The first fsync of the file fails; the error is told once, as Linux does.
dispatch_with_failed_fsync()
{
    ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" timeout 60 strace -o trace -P "$1" \
        -e trace=fsync -e inject=fsync:error=EIO:when=1 "$ROTA_BUILD_DIR/rota-dispatch" 3>&-
    [ "$(grep -c 'fsync.*EIO.*INJECTED' trace)" -eq 1 ]
}

@test "output that a failed fsync may have lost is asked for again before the result counts" {
    two_runs
    connection 1 <<'PYTHON'
be_ready()
key = hear("START")
say("STARTED", key, AGE=0)
say("OUTPUT", key, STREAM=1, OFFSET=0, DATA=b"kept\n")
end(key, code=3, OUT_TOTAL=5)
hear_all()
PYTHON
    ended_with_output 2
    dispatch_with_failed_fsync "$HOME/output/0/1.1.out"
    is_so 1 'failed 3 exit code 3'
    is_state 2 succeeded
    [ "$(heard 'asked from 0')" -eq 1 ]
    [ "$(grep -c '^ACK run=1 ' "$HOME/bad.d/1.log")" -eq 0 ]
    [ "$(grep -c '^ACK run=1 ' "$HOME/bad.d/2.log")" -eq 1 ]
    run -0 rota logs 1
    [ "$output" = kept ]
    ended_once 1 2
}

@test "a file that cannot be synced holds up its own run alone, which says so" {
    run -0 rota submit --name one --host bad -- true
    mkfifo go
    run -0 rota submit --name two --host good -- sh -c "read line <$PWD/go; echo two"
    count_ends
    connection 1 <<PYTHON
be_ready()
key = hear("START")
say("STARTED", key, AGE=0)
say("OUTPUT", key, STREAM=1, OFFSET=0, DATA=b"kept\n")
wait_file("$HOME/end")
end(key, code=3, OUT_TOTAL=5)
hear_all()
PYTHON
    dispatcher_starts
    eventually test -s "$HOME/output/0/1.1.out"
    eventually is_state 2 running
    rm "$HOME/output/0/1.1.out"
    mkdir "$HOME/output/0/1.1.out"
    touch "$HOME/end"
    eventually bad_says 'down *cannot sync *1.1.out*'
    echo go >go
    eventually is_state 2 succeeded
    is_so 1 'running * bad unreachable since *cannot sync *1.1.out*'
    [ "$(heard 'ACK run=1 ')" -eq 0 ]
    rmdir "$HOME/output/0/1.1.out"
    n=$(connections)
    ended_with_output $((n + 1)) $((n + 2)) $((n + 3))
    dispatcher_ends
    is_so 1 'failed 3 exit code 3'
    run -0 rota logs 1
    [ "$output" = kept ]
    ended_once 1 2
}

@test "a directory of output whose making could not be synced is made again" {
    run -0 rota submit --name one --host bad -- true
    connection 1 <<'PYTHON'
be_ready()
key = hear("START")
say("STARTED", key, AGE=0)
say("OUTPUT", key, STREAM=1, OFFSET=0, DATA=b"kept\n")
hear_all()
PYTHON
    ended_with_output 2
    dispatch_with_failed_fsync "$HOME/output"
    [ "$(grep -c fsync trace)" -eq 2 ]
    is_so 1 'failed 3 exit code 3'
    run -0 rota logs 1
    [ "$output" = kept ]
}

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

# ---- output ----

@test "output beyond the limit, or of no stream, ends the connection and fills no disk" {
    printf 'name: one\nwhere: {hosts: bad}\nexec: ["true"]\noutput: {limit: 64K}\n' >one.yaml
    run -0 rota submit one.yaml
    run -0 rota submit --name two --host good -- true
    count_ends
    connection 1 <<'PYTHON'
be_ready()
key = hear("START")
say("STARTED", key, AGE=0)
say("OUTPUT", key, STREAM=1, OFFSET=0, DATA=b"kept")
say("OUTPUT", key, STREAM=1, OFFSET=65536, DATA=b"x")
end(key, code=1) # behind a lie nothing counts
hear_all()
PYTHON
    connection 2 <<'PYTHON'
greet()
welcome()
say("RUN", key_of(), STATE=LIVE, AGE=0)
say("READY")
key = hear("ADOPT")
say("OUTPUT", key, STREAM=1, OFFSET=-1, DATA=b"xx")
end(key, code=1)
hear_all()
PYTHON
    connection 3 <<'PYTHON'
greet()
welcome()
say("RUN", key_of(), STATE=LIVE, AGE=0)
say("READY")
key = hear("ADOPT")
say("OUTPUT", key, STREAM=3, OFFSET=0, DATA=b"xx")
end(key, code=1)
hear_all()
PYTHON
    connection 4 <<'PYTHON'
greet()
welcome()
say("RUN", key_of(), STATE=LIVE, AGE=0)
say("READY")
key = hear("ADOPT") # of a new dispatcher: from the first byte
say("OUTPUT", key, STREAM=1, OFFSET=0, DATA=b"kept all\n")
end(key, code=6, OUT_TOTAL=9)
hear_all()
PYTHON
    for _ in 1 2 3; do
        dispatcher_starts
        before=$(connections)
        eventually bad_says 'down *beyond the limit of run 1*'
        kill "$dispatcher"
        dispatcher_ends
        [ "$(connections)" -le $((before + 1)) ]
        sqlite3 "$ROTA_CATALOGUE" "UPDATE host SET state = 0, reason = NULL WHERE name = 'bad'"
    done
    dispatch
    is_so 1 'failed 6 *'
    run -0 rota logs 1
    [ "$output" = 'kept all' ]
    [ -z "$(find "$HOME" -name '1.1.*' -size +64k)" ]
    ended_once 1 2
}

@test "output and a result for a run of another worker are not taken" {
    run -0 rota submit --name one --host bad -- true
    mkfifo go
    run -0 rota submit --name two --host good -- sh -c "read line <$PWD/go; echo mine; exit 3"
    count_ends
    # at first the fake does not get to READY, so that its run waits for the other to run
    connection 1 <<PYTHON
greet()
wait_file("$HOME/go")
exec(open("$HOME/lies").read())
PYTHON
    dispatcher_starts
    eventually is_state 2 running
    token=$(sqlite3 "$ROTA_CATALOGUE" 'SELECT token FROM attempt WHERE run = 2')
    cat >"$HOME/lies" <<PYTHON
welcome()
other = {"RUN": 2, "ATTEMPT": 1, "TOKEN": $token}
say("RUN", other, STATE=ENDED, AGE=0)
say("READY")
mine = hear("START")
say("STARTED", mine, AGE=0)
for key in (other, {**mine, "TOKEN": mine["TOKEN"] + 1}, {**mine, "ATTEMPT": 2}, {}):
    say("OUTPUT", key, STREAM=1, OFFSET=0, DATA=b"not mine")
    say("STARTED", key, AGE=0)
    end(key, code=0)
end(mine, code=4)
hear_all()
PYTHON
    touch "$HOME/go"
    eventually is_state 1 failed
    is_state 2 running
    echo go >go
    dispatcher_ends
    is_so 1 'failed 4 *'
    is_so 2 'failed 3 *'
    run -0 rota logs 1 2
    [[ $output == *mine ]]
    [[ $output != *'not mine'* ]]
    [ "$(heard 'ADOPT run=2 ')" -eq 0 ]
    [ "$(heard 'ACK run=2 ')" -eq 0 ]
    ended_once 1 2
}

@test "a result without all of its output is not taken: the worker is asked for the rest" {
    two_runs
    connection 1 <<'PYTHON'
be_ready()
key = hear("START")
say("STARTED", key, AGE=0)
say("OUTPUT", key, STREAM=1, OFFSET=0, DATA=b"half")
say("OUTPUT", key, STREAM=1, OFFSET=6, DATA=b"gap")
end(key, OUT_TOTAL=9)
hear_all()
PYTHON
    connection 2 <<'PYTHON'
greet()
welcome()
say("RUN", key_of(), STATE=ENDED, AGE=0)
say("READY")
at = adopted_from()
note("asked from %d" % at)
say("OUTPUT", key_of(), STREAM=1, OFFSET=at, DATA=b"half all\n"[at:])
end(key_of(), OUT_TOTAL=9)
hear_all()
PYTHON
    dispatch
    is_so 1 'succeeded 0 '
    is_state 2 succeeded
    [ "$(heard 'asked from 4')" -eq 1 ]
    [ "$(grep -c '^ACK run=1 ' "$HOME/bad.d/1.log")" -eq 0 ]
    [ "$(connections)" -eq 2 ]
    run -0 rota logs 1
    [ "$output" = 'half all' ]
    ended_once 1 2
}

@test "output that does not come when it is asked for again is counted as lost, and said" {
    two_runs
    run -0 rota submit --host bad -- false
    sed -i '/^worker = /a slots = 1' "$ROTA_CONFIG"
    # each result falls short twice: of run 1 on connections 1 and 2, of run 3 on 2 and 3
    connection 1 2 3 <<'PYTHON'
def fall_short(key, code):
    say("OUTPUT", key, STREAM=1, OFFSET=0, DATA=b"half")
    end(key, code=code, OUT_TOTAL=9, ERR_TOTAL=1 << 62, ERR_DROPPED=(1 << 62) - 3)

greet()
welcome()
if CONNECTION > 1:
    say("RUN", key_of(run=1 if CONNECTION == 2 else 3), STATE=ENDED, AGE=0)
say("READY")
if CONNECTION > 1:
    fall_short(hear("ADOPT"), code=CONNECTION - 2)
if CONNECTION < 3:
    fall_short(hear("START"), code=CONNECTION - 1)
hear_all()
PYTHON
    dispatch
    is_so 1 'succeeded 0 5 bytes of output never came from the worker'
    is_so 3 'failed 1 exit code 1; 5 bytes of output never came from the worker'
    [ "$(connections)" -eq 3 ]
    run -0 rota status -o json 1
    [ "$(json '"\(.out_bytes) \(.out_dropped)"')" = '9 5' ]
    run -0 rota logs 1
    [[ $output == half* ]]
    ended_once 1 2 3
}

@test "output cut in its middle is all there" {
    two_runs
    connection 1 <<'PYTHON'
be_ready()
key = hear("START")
say("STARTED", key, AGE=0)
say("OUTPUT", key, STREAM=1, OFFSET=0, DATA=b"head")
say("OUTPUT", key, STREAM=1, OFFSET=4, DATA=b"tail")
end(key, OUT_TOTAL=100, OUT_DROPPED=92)
hear_all()
PYTHON
    dispatch
    is_so 1 'succeeded 0 '
    [ "$(connections)" -eq 1 ]
    ended_once 1 2
}

@test "what the worker says of a success is kept" {
    two_runs
    connection 1 <<'PYTHON'
be_ready()
end(hear("START"), REASON="the spool on this host was full: output was cut")
hear_all()
PYTHON
    dispatch
    is_so 1 'succeeded 0 the spool on this host was full: output was cut'
    ended_once 1 2
}

# ---- runs that are not ours to follow ----

@test "a live run that is over here is ended there; one that nobody knows is left in peace" {
    two_runs
    connection 1 <<<'be_ready(); key = hear("START"); say("STARTED", key, AGE=0); hear_all()'
    connection 2 <<'PYTHON'
greet()
welcome()
say("RUN", key_of(), STATE=LIVE, AGE=0)
say("RUN", {**key_of(), "TOKEN": 77}, STATE=LIVE, AGE=0)
say("RUN", {"RUN": 99, "ATTEMPT": 1, "TOKEN": 99}, STATE=LIVE, AGE=0)
say("READY")
end(hear("START"))
hear_all()
PYTHON
    dispatch --once
    run -0 rota cancel --lost 1
    run -0 rota submit --host bad -- true
    dispatch
    is_so 1 'lost * declared lost by *'
    is_state 3 succeeded
    [ "$(heard KILL)" -eq 1 ]
    [ "$(heard 'KILL run=1 attempt=1 ')" -eq 1 ]
    [ "$(heard 'KILL .*token=4d')" -eq 0 ]
    [ "$(heard 'ACK run=(1|99) ')" -eq 0 ]
    ended_once 1 2 3
}

# ---- asked for while it lists ----

# The worker has told of run 1, which was adopted, and not yet that its list ends; then it is asked.
asked_amid_the_list()
{
    two_runs
    connection 1 <<<'be_ready(); key = hear("START"); say("STARTED", key, AGE=0); hear_all()'
    connection 2 <<PYTHON
greet()
welcome()
say("RUN", key_of(), STATE=LIVE, AGE=0)
hear("ADOPT")
hear("KILL")
say("READY")
$1
hear_all()
PYTHON
    dispatch --once
    dispatcher_starts
    adopted()
    {
        [ "$(heard 'ADOPT run=1 ')" -eq 1 ]
    }
    eventually adopted
}

@test "a cancel that comes while the host lists its runs is sent" {
    asked_amid_the_list 'end(key_of(), END=CANCELLED)'
    run -0 rota cancel 1
    dispatcher_ends
    is_so 1 'cancelled *'
    [ "$(heard 'KILL run=1 attempt=1 ')" -eq 1 ]
    ended_once 1 2
}

@test "so is a signal" {
    asked_amid_the_list 'end(key_of(), END=SIGNALLED, SIGNAL=15)'
    run -0 rota cancel --signal TERM 1
    dispatcher_ends
    is_so 1 'failed *'
    [ "$(heard 'KILL run=1 attempt=1 ')" -eq 1 ]
    ended_once 1 2
}

@test "a run that is declared lost while the host lists its runs is ended there" {
    asked_amid_the_list ''
    run -0 rota cancel --lost 1
    killed()
    {
        [ "$(heard 'KILL run=1 attempt=1 ')" -eq 1 ]
    }
    eventually killed
    dispatcher_ends
    is_so 1 'lost * declared lost by *'
    ended_once 1 2
}

@test "the result of a run that was declared lost while it ran is acknowledged at once" {
    run -0 rota submit --name one --host bad -- true
    mkfifo go
    run -0 rota submit --name two --host good -- sh -c "read line <$PWD/go"
    count_ends
    connection 1 <<'PYTHON'
be_ready()
key = hear("START")
say("STARTED", key, AGE=0)
hear("KILL")
end(key, END=CANCELLED)
hear_all()
PYTHON
    dispatcher_starts
    eventually is_state 1 running
    eventually is_state 2 running
    run -0 rota cancel --lost 1
    acknowledged()
    {
        [ "$(heard 'ACK run=1 ')" -eq 1 ]
    }
    eventually_within 30 acknowledged
    echo go >go
    dispatcher_ends
    is_so 1 'lost * declared lost by *'
    [ "$(connections)" -eq 1 ]
    ended_once 1 2
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
@test "a worker that falls silent holds up neither the others nor the dispatcher's end" {
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
