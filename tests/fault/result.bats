#!/usr/bin/env bats
# A result that is told again counts once, whenever and however often that is. (Torn ones: journal.bats.)

load ../lib
load bad

@test "a result replayed in a later connection, after its ACK, changes nothing and is acknowledged again" {
    two_runs
    connection 1 <<'PYTHON'
be_ready()
key = hear("START")
say("STARTED", key, AGE=0)
end(key, code=7)
hear("ACK")
end(key, code=0) # and at once
hear_all()
PYTHON
    # the worker has not forgotten, and tells another end, as if the first had been a dream
    connection 2 <<'PYTHON'
greet()
welcome()
say("RUN", key_of(), STATE=ENDED, AGE=0)
end(key_of(), code=0)
say("READY")
end(key_of(), code=0)
key = hear("START")
end(key_of(), code=0)
say("STARTED", key, AGE=0)
end(key, code=3)
hear_all()
PYTHON
    dispatch
    is_so 1 'failed 7 *'
    run -0 rota submit --name three --host bad -- true
    dispatch
    is_so 3 'failed 3 *'
    is_so 1 'failed 7 *'
    [ "$(heard 'START run=1 ')" -eq 1 ]
    [ "$(heard 'ACK run=1 ')" -ge 2 ]
    ended_once 1 2 3
}
