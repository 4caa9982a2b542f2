#!/usr/bin/env bats
# Which hosts runs get: tags and their absence, each, count, preferences, pools and limits.

load lib
load dispatcher

# Workers a to d with a slot each.
four_workers()
{
    config <<'END'
[worker a]
transport = local
slots = 1
tags = db, ssd
[worker b]
transport = local
slots = 1
tags = db
[worker c]
transport = local
slots = 1
tags = db, old
[worker d]
transport = local
slots = 1
END
}

hosts_of()
{
    rota status --format '{host}' "$@" | sort | tr '\n' ' '
}

@test "where.not keeps a run off hosts with a tag" {
    four_workers
    printf 'name: x\nshell: true\nwhere: {tags: db, not: [ssd, old]}\n' >x.yaml
    id=$(rota submit x.yaml)
    rota dispatch
    [ "$(hosts_of "$id")" = 'b ' ]
}

@test "each makes a run for every host that matches, bound to it and told which it is" {
    four_workers
    cat >x.yaml <<'END'
name: x
shell: echo "$ROTA_HOST $ROTA_SHARD_INDEX $ROTA_SHARD_COUNT"
where: {tags: db, each: true}
END
    rota submit x.yaml >ids
    [ "$(wc -l <ids)" -eq 3 ]
    run -0 rota status --format '{pin} {index} {shards} {array}' - <ids
    [ "$output" = $'a 0 3 1\nb 1 3 1\nc 2 3 1' ]
    rota dispatch
    run -0 rota logs - <ids
    [[ $output == *'a 0 3'*'b 1 3'*'c 2 3'* ]]
}

@test "each records hosts that are drained, removed or down as such" {
    four_workers
    cat >>"$ROTA_CONFIG" <<'END'
[worker e]
transport = exec
command = echo no such host >&2; exit 255
END
    printf 'name: x\nshell: true\nwhere: {each: true}\n' >x.yaml
    rota submit x.yaml >ids
    rota hosts drain b 'new disk'
    awk '/worker c/ { skip = 3 } skip-- <= 0' "$ROTA_CONFIG" >rest
    sed -i '/^tags = db, old/d' rest
    cat rest >"$ROTA_CONFIG"
    run -0 timeout 60 rota dispatch
    is_so 1 'succeeded '
    is_so 2 'cancelled not run: b is drained: new disk'
    is_so 3 'cancelled not run: c is no worker of the configuration any more'
    is_so 4 'succeeded '
    is_so 5 'cancelled not run: e is down (*)'
    run -0 rota status --events 5
    [[ $output == *not-run* ]]
}

@test "a schedule's each that matches nothing any more skips the occurrence, and the others go on" {
    four_workers
    printf 'name: gone\nshell: true\nschedule: {every: 1s}\nwhere: {tags: old, each: true}\n' >a.yaml
    printf 'name: stays\nshell: true\nschedule: {every: 1s}\n' >b.yaml
    rota schedule add -q a.yaml b.yaml
    sed -i 's/, old//' "$ROTA_CONFIG"
    stays_ran()
    {
        rota schedule tick >/dev/null
        [ -n "$(rota status --job stays -o id)" ]
    }
    eventually stays_ran
    run -0 rota status --occurrences -o json gone
    [[ $(json .outcome) == *skipped* ]]
    [[ $(json .reason) == *'and none does'* ]]
}

@test "count: runs on so many different hosts, never two on one" {
    config < <(printf '[worker %s]\ntransport = local\nslots = 8\n' a b c)
    for prefer in pack order least-loaded random; do
        printf 'name: x\nshell: true\nwhere: {count: 3, prefer: %s}\n' "$prefer" >x.yaml
        rota submit x.yaml >ids
        rota dispatch
        run -0 rota status --format '{host} {shards} {state}' - <ids
        [ "$(sort <<<"$output")" = $'a 3 succeeded\nb 3 succeeded\nc 3 succeeded' ]
    done
}

@test "count: runs that an earlier dispatcher placed keep their hosts" {
    config < <(printf '[worker %s]\ntransport = local\nslots = 8\n' a b)
    mkfifo go
    printf 'name: x\nshell: read line <%s/go\nwhere: {count: 2, prefer: order}\nmax_running: 1\n' "$PWD" >x.yaml
    rota submit x.yaml >/dev/null
    dispatcher_starts
    eventually is_state 1 running
    kill -9 "$dispatcher"
    wait "$dispatcher" || :
    dispatcher_starts
    echo one >go
    eventually is_state 2 running
    echo two >go
    dispatcher_ends
    [ "$(hosts_of 1 2)" = 'a b ' ]
}

@test "prefer: order takes the hosts as they are named, pack the fullest, spread the one without the job" {
    config < <(printf '[worker %s]\ntransport = local\nslots = 4\n' c a b)
    mkfifo go
    job()
    {
        printf 'name: %s\nshell: read line <%s/go\nwhere: {prefer: %s%s}\n' "$1" "$PWD" "$2" "${3-}" |
            rota submit -
    }
    placed()
    {
        eventually is_state "$1" running
        [ "$(rota status --format '{host}' "$1")" = "$2" ]
    }
    first=$(job one order)
    dispatcher_starts
    placed "$first" c
    placed "$(job two order ', hosts: "b,a"')" b
    placed "$(job three order ', hosts: "b,a"')" b
    placed "$(job four pack)" b
    placed "$(job five spread)" a
    placed "$(job five spread)" c
    placed "$(job five spread)" b
    exec {gate}<>go
    echo $'1\n2\n3\n4\n5\n6\n7' >&"$gate"
    dispatcher_ends
    exec {gate}>&-
}

@test "a pool of 1 is mutual exclusion over all hosts, and says who waits for it" {
    four_workers
    printf '[pool licence]\nlimit = 1\n' >>"$ROTA_CONFIG"
    mkfifo go
    printf 'name: one\nshell: read line <%s/go\npools: licence\n' "$PWD" >one.yaml
    printf 'name: two\nshell: true\npools: [licence]\n' >two.yaml
    rota submit one.yaml two.yaml
    free=$(rota submit -- true)
    dispatcher_starts
    eventually is_state 1 running
    eventually is_state "$free" succeeded
    eventually is_so 2 'queued waiting for pool licence (limit 1)'
    echo go >go
    dispatcher_ends
    is_state 2 succeeded
}

@test "an array with a limit of its own, which is no pool, where there are pools" {
    four_workers
    printf '[pool licence]\nlimit = 1\n' >>"$ROTA_CONFIG"
    printf 'name: many\nshell: "true"\narray: 0-5%%2\n' >many.yaml
    run -0 rota submit --wait many.yaml
    [ "$(rota status --state succeeded -o id | wc -l)" -eq 6 ]
}

@test "the limit of a pool is reread by a dispatcher that lives" {
    four_workers
    printf '[pool licence]\nlimit = 1\n' >>"$ROTA_CONFIG"
    mkfifo go
    printf 'name: one\nshell: read line <%s/go\npools: licence\n' "$PWD" >one.yaml
    rota submit one.yaml one.yaml
    dispatcher_starts
    eventually is_state 1 running
    eventually is_so 2 'queued waiting for pool licence (limit 1)'
    sed -i 's/limit = 1/limit = 2/' "$ROTA_CONFIG"
    eventually is_state 2 running
    exec {gate}<>go
    echo $'1\n2' >&"$gate"
    dispatcher_ends
    exec {gate}>&-
}

@test "runs that a dispatcher which was killed left behind still hold their pools" {
    four_workers
    printf '[pool licence]\nlimit = 1\n' >>"$ROTA_CONFIG"
    mkfifo go
    printf 'name: one\nshell: read line <%s/go\npools: licence\nwhere: {hosts: a}\n' "$PWD" >one.yaml
    rota submit one.yaml
    dispatcher_starts
    eventually is_state 1 running
    kill -9 "$dispatcher"
    wait "$dispatcher" || :
    # its host is not even in the configuration any more
    cp "$ROTA_CONFIG" all
    sed '/worker a/,/ssd/d' all >"$ROTA_CONFIG"
    printf 'name: two\nshell: true\npools: licence\n' >two.yaml
    rota submit two.yaml
    rota dispatch
    is_so 2 'queued waiting for pool licence (limit 1)'
    cat all >"$ROTA_CONFIG"
    dispatcher_starts
    echo go >go
    dispatcher_ends
    is_state 1 succeeded
    is_state 2 succeeded
}

@test "max_running bounds a job over all hosts" {
    four_workers
    mkfifo go
    printf 'name: few\nshell: read line <%s/go\nmax_running: 2\n' "$PWD" >few.yaml
    rota submit few.yaml few.yaml few.yaml
    other=$(rota submit -- true)
    dispatcher_starts
    eventually is_state 1 running
    eventually is_state 2 running
    eventually is_state "$other" succeeded
    eventually is_so 3 'queued at most 2 of few at once (max_running)'
    exec {gate}<>go
    echo 1 >&"$gate"
    eventually is_state 3 running
    echo $'2\n3' >&"$gate"
    dispatcher_ends
    exec {gate}>&-
}

@test "a run that needs two pools is not starved by those that need one" {
    four_workers
    printf '[pool %s]\nlimit = 1\n' p q >>"$ROTA_CONFIG"
    mkfifo go
    printf 'name: holds\nshell: read line <%s/go\npools: p\n' "$PWD" >holds.yaml
    printf 'name: both\nshell: echo both >>%s/order\npools: [p, q]\n' "$PWD" >both.yaml
    printf 'name: single\nshell: echo single >>%s/order\npools: q\n' "$PWD" >single.yaml
    rota submit holds.yaml both.yaml single.yaml
    dispatcher_starts
    eventually is_state 1 running
    eventually is_so 2 'queued waiting for pool p (limit 1)'
    eventually is_so 3 'queued waiting for pool q (limit 1)'
    echo go >go
    dispatcher_ends
    [ "$(tr '\n' ' ' <order)" = 'both single ' ]
}

@test "a host is kept free for a big run that was first for long" {
    export ROTA_TEST_PATIENCE_MS=0
    config <<<$'[worker one]\ntransport = local\nslots = 2'
    mkfifo go
    printf 'name: small\nshell: read line <%s/go; echo small >>%s/order\n' "$PWD" "$PWD" >small.yaml
    printf 'name: big\nshell: echo big >>%s/order\nslots: 2\n' "$PWD" >big.yaml
    rota submit small.yaml >/dev/null
    dispatcher_starts
    eventually is_state 1 running
    rota submit big.yaml small.yaml
    eventually is_so 3 'queued no free slot on one'
    exec {gate}<>go
    echo $'1\n2' >&"$gate"
    dispatcher_ends
    exec {gate}>&-
    [ "$(tr '\n' ' ' <order)" = 'small big small ' ]
}

@test "submit --top goes before all that waits" {
    config <<<$'[worker one]\ntransport = local\nslots = 1'
    for p in 0 7; do
        rota submit --priority "$p" -- sh -c "echo $p >>$PWD/order"
    done
    rota submit --hold --priority 9 -- true
    rota submit --top -- sh -c "echo top >>$PWD/order"
    [ "$(rota status --format '{priority}' 4)" = 10 ]
    rota dispatch
    [ "$(tr '\n' ' ' <order)" = 'top 7 0 ' ]
    run -64 rota submit --top --priority 3 -- true
}

@test "what can never run is refused where it stands in the file" {
    four_workers
    printf '[pool licence]\nlimit = 1\n[pool shut]\nlimit = 0\n' >>"$ROTA_CONFIG"
    cat >bad.yaml <<'END'
name: a
shell: true
where: {tags: sdd}
---
name: b
shell: true
pools: [license]
---
name: c
shell: true
slots: 2
---
name: d
shell: true
where:
  tags: db
  count: 4
---
name: e
shell: true
pools: shut
---
name: f
shell: true
where: {not: odl}
END
    run -65 rota submit bad.yaml
    [[ $output == *"bad.yaml:3:15: no worker has the tag 'sdd' (did you mean 'ssd'?)"* ]]
    [[ $output == *"bad.yaml:7:8: there is no [pool license] (did you mean 'licence'?)"* ]]
    [[ $output == *'bad.yaml:11:8: job c wants 2 slots, and the largest worker it may run on, a, has 1'* ]]
    [[ $output == *'bad.yaml:17:10: job d wants 4 different hosts, and 3 match'* ]]
    [[ $output == *'bad.yaml:21:8: pool shut has limit 0 ('*'rota.ini:18): nothing that needs it can start'* ]]
    [[ $output == *"bad.yaml:25:14: no worker has the tag 'odl' (did you mean 'old'?)"* ]]
    run -65 rota schedule add bad.yaml
    [[ $output == *"bad.yaml:7:8: there is no [pool license]"* ]]
    [ ! -e "$ROTA_CATALOGUE" ] || [ -z "$(rota status -o id || :)" ]
}

# ---- status --why and dispatch --dry-run ----

# The bar of what --why found of a name, by -o json in $output.
bar_of()
{
    jq -r --arg name "$1" 'select(.name == $name) | "\(.bar) \(.holders // [] | join(","))"' <<<"$output"
}

@test "--why says of each host what rules it out, and who takes the slots" {
    four_workers
    cat >>"$ROTA_CONFIG" <<'END'
[worker e]
transport = exec
command = echo no such host >&2; exit 255
slots = 1
tags = db
END
    mkfifo go
    printf 'name: holds\nshell: read line <%s/go\nwhere: {hosts: a}\n' "$PWD" >holds.yaml
    rota submit holds.yaml
    rota submit --host e -- true
    rota hosts drain b 'new disk'
    dispatcher_starts
    eventually is_state 1 running
    down()
    {
        rota hosts | grep -q '^e.*down'
    }
    eventually down
    rota cancel 2
    printf 'name: x\nshell: true\nwhere: {tags: db, not: old}\n' >x.yaml
    rota submit x.yaml
    eventually is_so 3 'queued no free slot on a'
    run -0 rota status --why 3
    [[ $output == 'run 3: no free slot on a'* ]]
    [[ $output == *"host a: 1 of 1 slots in use: run 1 (holds on a)"* ]]
    [[ $output == *"host b: drained: new disk"* ]]
    [[ $output == *"host c: has the tag 'old', which it forbids"* ]]
    [[ $output == *"host d: has no tag 'db'"* ]]
    [[ $output == *"host e: down since "* ]]
    run -0 rota status --why -o json 3
    [ "$(bar_of a)" = 'no-slot 1' ]
    [ "$(bar_of b)" = 'drained ' ]
    [ "$(bar_of c)" = 'tag-forbidden ' ]
    [ "$(bar_of d)" = 'tag-missing ' ]
    [ "$(bar_of e)" = 'down ' ]
    run -0 rota status --why 1
    [ "$output" = 'run 1: it runs on a' ]
    echo go >go
    dispatcher_ends
    run -0 rota status --why 1
    [ "$output" = 'run 1: it is over: succeeded' ]
}

@test "--why names who holds a pool, and is right without a dispatcher" {
    four_workers
    printf '[pool %s]\nlimit = 1\n' p q >>"$ROTA_CONFIG"
    mkfifo go
    printf 'name: holds\nshell: read line <%s/go\npools: p\n' "$PWD" >holds.yaml
    printf 'name: both\nshell: true\npools: [p, q]\n' >both.yaml
    printf 'name: single\nshell: true\npools: q\n' >single.yaml
    printf 'name: few\nshell: true\nmax_running: 1\nslots: 1\n' >few.yaml
    rota submit holds.yaml both.yaml single.yaml few.yaml few.yaml
    rota dispatch --once
    rota submit few.yaml few.yaml
    run -0 rota status --why -o json 2
    [ "$(bar_of p)" = 'full 1' ]
    run -0 rota status --why 3
    [[ $output == 'run 3: waiting for pool q (limit 1)'* ]]
    [[ $output == *'pool q: 0 of 1 in use; kept for run 2 (both'* ]]
    run -0 rota status --why "$(rota submit -- true)"
    [[ $output == *': nothing: it is next, on '*'; no dispatcher lives now'* ]]
    held=$(rota submit --hold -- true)
    run -0 rota status --why "$held"
    [[ $output == "run $held: it is held"* ]]
    late=$(rota submit --in 2h -- true)
    run -0 rota status --why "$late"
    [[ $output == "run $late: not due yet"* ]]
    run -1 rota status --why 999
    run -64 rota status --why --events 1
    exec {gate}<>go
    echo 1 >&"$gate"
    rota dispatch
    exec {gate}>&-
}

@test "--dry-run knows pools, limits, pins and counts" {
    four_workers
    printf '[pool p]\nlimit = 1\n' >>"$ROTA_CONFIG"
    printf 'name: x\nshell: true\npools: p\nwhere: {count: 2, tags: db, prefer: order}\n' >x.yaml
    printf 'name: y\nshell: true\nwhere: {each: true, tags: db}\n' >y.yaml
    rota submit x.yaml y.yaml
    rota hosts drain c 'new disk'
    run -0 rota dispatch --dry-run
    [ "$output" = "1"$'\tx\ta\t\n'"2"$'\tx\t-\twaiting for pool p (limit 1)\n'"3"$'\ty\t-\tno free slot on a\n'"4"$'\ty\tb\t\n'"5"$'\ty\t-\twill not be run: c is drained: new disk' ]
}
