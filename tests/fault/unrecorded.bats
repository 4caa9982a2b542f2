#!/usr/bin/env bats
# What cannot be recorded or kept is not acknowledged: the worker keeps it until it can.

load ../lib
load bad

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
