#!/usr/bin/env bats
# Output from a worker that is not trusted: none beyond its limits, none of other runs, all of it.

load ../lib
load bad

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
