#!/usr/bin/env bats
# What a worker lists that is over or unknown here, and what people ask for while it does.

load ../lib
load bad

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
