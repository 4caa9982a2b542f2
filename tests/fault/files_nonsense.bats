#!/usr/bin/env bats
# A worker that lies about files: no run succeeds with wrong ones, and nothing is written elsewhere.

load ../lib
load bad

# Run 1 for the fake is to give a file, run 2 is for the real one.
giving_run()
{
    run -0 rota submit - <<<'{name: gives, shell: "true", where: {hosts: bad}, files: {get: [{from: a/one, to: one}]}}'
    run -0 rota submit --host good -- true
    count_ends
}

# What the fake says of its run's files, at both connections; then it says that all went well.
lies()
{
    {
        echo 'import hashlib'
        echo 'greet()'
        echo 'welcome(FEATURE="files")'
        echo 'if CONNECTION > 1:'
        echo '    say("RUN", key_of(), STATE=ENDED, AGE=1)'
        echo 'say("READY")'
        echo 'key = hear("START") if CONNECTION == 1 else key_of()'
        cat
        echo 'end(key, FILES=1)'
        echo 'hear_all()'
    } >lies
    connection 1 2 <lies
    giving_run
    dispatch
    ended_once 1 2
    is_state 2 succeeded
    [ ! -e "$HOME/files" ]
}

@test "a file of another checksum, in whole frames: asked for again, then the run is failed" {
    lies <<'PYTHON'
say("GET", key, FILE=0, OFFSET=0, DATA=b"flipped", SIZE=7, SHA256=hashlib.sha256(b"flopped").digest())
PYTHON
    is_so 1 'failed 0 files.get: a/one came without its checksum twice'
    [ "$(connections)" -eq 2 ]
}

@test "a result without its file: asked for again, then the run is failed" {
    lies <<<''
    is_so 1 'failed 0 files.get: a/one never came from the worker'
    [ "$(connections)" -eq 2 ]
}

@test "a file that is short, and one that was lost on the worker" {
    lies <<'PYTHON'
say("GET", key, FILE=0, OFFSET=0, DATA=b"short", SIZE=7, SHA256=hashlib.sha256(b"short").digest())
say("GET", key, FILE=0, REASON="\033[2Jgone")
PYTHON
    is_so 1 'failed 0 files.get: a/one*'
}

@test "a file of which all is right" {
    connection 1 <<'PYTHON'
import hashlib
greet()
welcome(FEATURE="files")
say("READY")
key = hear("START")
say("GET", key, FILE=0, OFFSET=0, DATA=b"ri")
say("GET", key, FILE=0, OFFSET=2, DATA=b"ght", SIZE=5, SHA256=hashlib.sha256(b"right").digest())
end(key, FILES=1)
hear_all()
PYTHON
    giving_run
    dispatch
    ended_once 1 2
    is_state 1 succeeded
    [ "$(cat "$HOME/files/one")" = right ]
}

@test "files that were not asked for, parts out of order, and more than may be: the conversation ends" {
    giving_run
    n=0
    while read -r lie; do
        n=$((n + 1))
        {
            echo 'greet()'
            echo 'welcome(FEATURE="files")'
            [ "$n" -eq 1 ] || echo 'say("RUN", key_of(), STATE=LIVE, AGE=1)'
            echo 'say("READY")'
            [ "$n" -gt 1 ] && echo 'key = key_of()' || echo 'key = hear("START")'
            printf 'say("GET", key, %s)\n' "$lie"
            echo 'hear_all()'
        } | connection "$n"
    done <<'LIES'
FILE=1, OFFSET=0, DATA=b"x"
FILE=0, OFFSET=1, DATA=b"x"
FILE=-1, OFFSET=-1, DATA=b"xy"
LIES
    connection $((n + 1)) <<'PYTHON'
greet()
welcome(FEATURE="files")
say("RUN", key_of(), STATE=ENDED, AGE=1)
say("READY")
end(key_of(), code=1)
hear_all()
PYTHON
    dispatch
    ended_once 1 2
    is_so 1 'failed 1 exit code 1'
    [ "$(connections)" -eq $((n + 1)) ]
    [ ! -e "$HOME/files" ]
    run find "$HOME/output" -name '*.files' -type f
    [ "$output" = '' ]
}
