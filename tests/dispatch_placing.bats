#!/usr/bin/env bats
# Which queued runs go to which workers, and why the others wait.

load lib
load dispatcher

@test "priority first, then age" {
    config <<<$'[worker one]\ntransport = local\nslots = 1'
    for p in 0 5 0 9; do
        rota submit --priority "$p" -- sh -c "echo $p >>$PWD/order"
    done
    rota dispatch
    [ "$(tr -d '\n' <order)" = 9500 ]
}

@test "runs are spread over the least loaded workers, never over their slots" {
    local_workers a b
    mkfifo go
    for _ in 1 2 3 4 5 6; do
        rota submit -- sh -c "read line <$PWD/go"
    done
    dispatcher_starts
    running()
    {
        [ "$(rota status --state running --format '{host}' | sort | tr '\n' ' ')" = "$1" ]
    }
    eventually running 'a a b b '
    [ "$(rota status --state queued -o id | wc -l)" = 2 ]
    exec {gate}<>go
    echo $'1\n2\n3\n4\n5\n6' >&"$gate"
    dispatcher_ends
    exec {gate}>&-
    [ "$(rota status --state succeeded -o id | wc -l)" = 6 ]
}

@test "a drained worker gets no new runs, and the waiting ones say why" {
    local_workers a
    id=$(rota submit -- true)
    rota hosts drain a 'new disk'
    run -0 rota dispatch
    run -0 rota status -o json "$id"
    [ "$(json '"\(.state) \(.reason)"')" = "queued a is drained: new disk" ]
    rota hosts resume a
    rota dispatch
    is_state "$id" succeeded
}

@test "a new worker in the configuration is used without a restart" {
    local_workers a
    mkfifo go
    first=$(rota submit -- sh -c "read line <$PWD/go")
    dispatcher_starts
    eventually is_state "$first" running
    printf '[worker b]\ntransport = local\n' >>"$ROTA_CONFIG"
    printf 'name: on-b\nshell: true\nwhere: {hosts: b}\n' >on-b.yaml
    second=$(rota submit on-b.yaml)
    eventually is_state "$second" succeeded
    echo go >go
    dispatcher_ends
}

@test "a configuration that becomes bad is said, and the old one stays in force" {
    local_workers a
    mkfifo go
    first=$(rota submit -- sh -c "read line <$PWD/go")
    second=$(rota submit -- true)
    rota cancel --hold "$second"
    dispatcher_starts
    eventually is_state "$first" running
    cp "$ROTA_CONFIG" good
    echo nonsense >>"$ROTA_CONFIG"
    eventually grep -q 'stays in force' dispatch.err
    cp good "$ROTA_CONFIG"
    rota cancel --release "$second"
    eventually is_state "$second" succeeded
    echo go >go
    dispatcher_ends
}

@test "a worker that comes back into the configuration gets its runs back" {
    local_workers a b
    mkfifo go
    printf 'name: on-a\nshell: read line <%s/go\nwhere: {hosts: a}\n' "$PWD" >on-a.yaml
    id=$(rota submit on-a.yaml)
    rota dispatch --once
    cp "$ROTA_CONFIG" both
    local_workers b
    rota dispatch --wait "$id" 2>dispatch.err 3>&- &
    waiter=$!
    eventually is_so "$id" "* a is no worker of the configuration any more: * rota cancel --lost $id"
    grep -q 'no worker of the configuration' dispatch.err
    cat both >"$ROTA_CONFIG"
    echo go >go
    wait "$waiter"
    is_so "$id" 'succeeded '
}

@test "a run whose specification cannot be read says so, and is not waited for" {
    bad=$(rota submit --name bad -- true)
    good=$(rota submit --name good -- false)
    sqlite3 "$ROTA_CATALOGUE" "UPDATE spec SET text = '{' WHERE id = $bad"
    run -65 timeout 60 rota dispatch --wait "$bad" "$good"
    [[ $output == *"run $bad cannot be waited for: specification $bad "*'cannot be read'* ]]
    is_so "$bad" "queued specification $bad in the catalogue cannot be read: *"
    is_state "$good" failed
}

# One run takes the only slot, and others wait for it and say so: first, second, third.
slot_is_taken()
{
    config <<<$'[worker one]\ntransport = local\nslots = 1'
    mkfifo go
    printf 'name: again\nshell: true\n' >again.yaml
    first=$(rota submit -- sh -c "read line <$PWD/go")
    dispatcher_starts
    eventually is_state "$first" running
    second=$(rota submit again.yaml)
    eventually is_so "$second" 'queued no free slot on one'
    third=$(rota submit -- sh -c "echo another")
    eventually is_so "$third" 'queued no free slot on one'
}

@test "a reason to wait ends with the wait: the same file submitted again has none" {
    slot_is_taken
    echo go >go
    dispatcher_ends
    is_so "$second" 'succeeded '
    is_so "$(rota submit again.yaml)" 'queued '
    is_so "$(rota submit -- sh -c "echo another")" 'queued '
}

@test "the same with a dispatcher that lives on" {
    slot_is_taken
    rota cancel "$second" "$third"
    none_is_left()
    {
        [ "$(sqlite3 "$ROTA_CATALOGUE" 'SELECT count(waiting) FROM spec')" = 0 ]
    }
    eventually_within 30 none_is_left
    is_state "$first" running
    echo go >go
    dispatcher_ends
}

@test "reasons to wait that a dispatcher left which was killed go with the next one" {
    slot_is_taken
    kill -9 "$dispatcher"
    wait "$dispatcher" || :
    rota cancel "$second" "$third"
    dispatcher_starts
    echo go >go
    dispatcher_ends
    is_state "$first" succeeded
    is_so "$(rota submit again.yaml)" 'queued '
}

@test "what is behind a run that somebody cancelled just before its claim goes on" {
    config < <(printf '[worker here]\ntransport = local\nslots = 1\n')
    rota submit -- true
    rota submit -- true
    # the claim finds no row, as when the cancel was committed after the run was read
    sqlite3 "$ROTA_CATALOGUE" "CREATE TRIGGER late BEFORE UPDATE OF state ON run
        WHEN NEW.id = 1 AND NEW.state = 4 BEGIN SELECT RAISE(IGNORE); END"
    run -0 timeout 30 rota dispatch
    is_state 2 succeeded
}
