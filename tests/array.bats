#!/usr/bin/env bats
# Arrays: one job, many runs; of indices, items, combinations, or lines.
# bats' run sets stderr
# shellcheck disable=SC2154,SC2016 # variables of jobs

load lib
load dispatcher
load schedule

# What the runs wrote, in the order of their ids.
outputs()
{
    local id
    for id in $(rota status -o id | sort -n); do
        rota logs "$id"
    done
}

# One worker, so many runs at a time.
one_worker()
{
    config <<<"[worker w1]
transport = local
slots = $1"
}

states()
{
    sqlite3 -separator ' ' "$ROTA_CATALOGUE" \
        'SELECT state, count(*) FROM v_runs GROUP BY state ORDER BY state'
}

@test "indices: one run each, in the order they are written, with what it is" {
    printf '%s\n' 'name: a' 'array: 7,1-2%2' 'shell: echo $ROTA_INDEX $ROTA_ARRAY $ROTA_ARRAY_SIZE ${ROTA_ITEM-none}' >a.yaml
    run -0 rota submit a.yaml
    [ "$output" = $'1\n2\n3' ]
    run -0 rota status --format '{id} {array} {index} {item} {job}'
    [ "$output" = $'1 1 7  a\n2 1 1  a\n3 1 2  a' ]
    [ "$(sqlite3 "$ROTA_CATALOGUE" 'SELECT count(DISTINCT spec) FROM run')" = 1 ]
    rota dispatch
    [ "$(outputs)" = $'7 1 3 none\n1 1 3 none\n2 1 3 none' ]
}

@test "items, and all combinations of a matrix" {
    printf '%s\n' 'name: a' "array: ['a b', '', c]" 'shell: echo "$ROTA_INDEX=$ROTA_ITEM."' --- \
        'name: m' 'matrix: {os: [debian, alpine], ver: [1, 2]}' \
        'shell: echo $ROTA_INDEX $ROTA_ITEM, $ROTA_MATRIX_os $ROTA_MATRIX_ver' >a.yaml
    run -0 rota submit a.yaml
    [ "$output" = "$(seq 7)" ]
    rota dispatch
    [ "$(outputs)" = '0=a b.
1=.
2=c.
0 os=debian ver=1, debian 1
1 os=debian ver=2, debian 2
2 os=alpine ver=1, alpine 1
3 os=alpine ver=2, alpine 2' ]
    [ "$(rota status --format '{array}' 3 4)" = $'1\n4' ]
}

@test "placeholder: the element in words and in a line for a shell, which never reads it" {
    printf '%s\n' 'name: a' "array: ['\$(touch seen)', \"it's\", 'a  b\"']" 'placeholder: "{}"' \
        'exec: [printf, "%s.\n", "<{}>"]' --- \
        'name: b' "array: ['\$(touch seen)', \"it's\", 'a  b\"']" 'placeholder: "{}"' \
        "shell: printf '%s.\\n' {} \"2 {}\" '3 {}'" --- \
        'name: c' 'array: 8-9' 'placeholder: "{}"' 'shell: echo {} "{}"' --- \
        'name: d' 'array: 8-9' 'shell: echo {}' >a.yaml
    rota submit a.yaml
    rota dispatch
    [ "$(outputs)" = '<$(touch seen)>.
<it'\''s>.
<a  b">.
$(touch seen).
2 $(touch seen).
3 $(touch seen).
it'\''s.
2 it'\''s.
3 it'\''s.
a  b".
2 a  b".
3 a  b".
8 8
9 9
{}
{}' ]
}

@test "--each: a run for each line of standard input or a file" {
    run -0 bash -c "printf '%s\n' 'a  b' '' \"it's\" '\$x' | rota submit --each - -- printf '%s.\n'"
    [ "$output" = "$(seq 4)" ]
    printf 'x\r\ny' >lines
    run -0 rota submit --each lines -- echo '-{}-{}'
    [ "$output" = $'5\n6' ]
    run -0 rota submit --each lines -- 'echo "$ROTA_ITEM" {} "$ROTA_INDEX/$ROTA_ARRAY_SIZE"'
    rota dispatch
    [ "$(outputs)" = 'a  b.
.
it'\''s.
$x.
-x-x
-y-y
x x 0/2
y y 1/2' ]
    run -0 rota status -o json 1
    [ "$(json '"\(.array) \(.index) \(.item)"')" = '1 0 a  b' ]
    run -0 rota status -o json 2
    [ "$(json '"\(.array) \(.index) \(.item)"')" = '1 1 ' ]
    [ "$(sqlite3 "$ROTA_CATALOGUE" 'SELECT count(*) FROM spec')" = 3 ]
}

@test "--each with job files, and with a registered job" {
    printf '%s\n' 'name: f' 'exec: [echo, f, "{}"]' --- 'name: g' 'shell: echo g {}' >a.yaml
    printf 'x\ny\n' | rota submit --each - a.yaml
    printf '%s\n' 'name: r' 'shell: echo r $ROTA_ITEM' >r.yaml
    rota schedule add r.yaml
    printf 'x\ny\n' | rota submit --each - --job r
    rota dispatch
    [ "$(outputs)" = $'f x\nf y\ng x\ng y\nr x\nr y' ]
    run -0 rota status --format '{array} {index} {item} {job}'
    [ "$output" = '1 0 x f
1 1 y f
3 0 x g
3 1 y g
5 0 x r
5 1 y r' ]
    # what is registered stays what it is
    run -0 rota submit --job r
    [ "$output" = 7 ]
}

@test "--each without lines submits nothing and exits 1; a bad line is refused with its number" {
    run --separate-stderr rota submit --each - -- true </dev/null
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [ "$stderr" = 'rota submit: --each: standard input has no lines: nothing was submitted' ]
    printf 'a\n\xff\n' >lines
    run -65 rota submit --each lines -- true
    [ "$output" = 'rota submit: lines:2: the line is no text in UTF-8' ]
    run -65 bash -c "printf 'a\nb\0\n' | rota submit --each - -- true"
    [ "$output" = 'rota submit: standard input:2: the line holds a NUL byte' ]
    run -74 rota submit --each nowhere -- true
    [ ! -e "$ROTA_CATALOGUE" ]
}

@test "a command that is too long with its element is refused, and never sent" {
    head -c 60000 /dev/zero | tr '\0' x >lines
    local words=()
    for _ in {1..100}; do words+=('{}'); done
    run -65 rota submit --each lines -- echo "${words[@]}"
    [ "$output" = 'rota submit: command line: job echo: with its longest element the command is 6000004 bytes, at most 2097152 can be executed (a command may read $ROTA_ITEM instead)' ]
    run -65 rota submit --each lines -- echo '{}{}{}'
    [[ "$output" = *'an argument is 180000 bytes, at most 131071 can be executed'* ]]
    [ ! -e "$ROTA_CATALOGUE" ]
    # one that came into the catalogue all the same
    echo y >short
    rota submit --each short -- echo "${words[@]}"
    rota submit -- echo other
    sqlite3 "$ROTA_CATALOGUE" "UPDATE run SET item = (SELECT replace(hex(zeroblob(30000)), '00', 'xx')) WHERE id = 1"
    rota dispatch
    [ "$(rota status --format '{id} {state} {reason}')" = '1 failed its command and variables are 6000004 bytes with its element, at most 4194304 can be sent
2 succeeded ' ]
}

@test "what cannot be an array, or is one already, is refused" {
    echo x >lines
    printf '%s\n' 'name: a' 'array: 0-1' 'shell: "true"' >a.yaml
    run -65 rota submit --each lines a.yaml
    [ "$output" = 'rota submit: a.yaml: job a is an array already: --each cannot make it another' ]
    run -64 rota submit --each - - <lines
    [ "$output" = 'rota submit: standard input is either the elements (--each -) or a job file (-)' ]
    run -64 rota submit --each lines --rerun 1
    run -64 rota submit --at-once 2 -- true
    [ "$output" = 'rota submit: --at-once is for arrays: job true is one run' ]
    run -64 rota submit --stop-after 0 a.yaml
    [ "$output" = 'rota submit: --at-once and --stop-after want a number from 1 to 1000000' ]
    printf '%s\n' 'name: a' 'array: 0-1000000' 'shell: "true"' >b.yaml
    run -65 rota submit b.yaml
    [ "$output" = "rota submit: b.yaml:2:8: 'array' has more than 1000000 elements" ]
    [ ! -e "$ROTA_CATALOGUE" ]
}

@test "--at-once and --stop-after go with a job's array, or with --each" {
    printf '%s\n' 'name: a' 'array: 0-1%5' 'shell: "true"' >a.yaml
    run -0 rota submit -n --at-once 2 --stop-after 3 a.yaml
    [ "$(json '"\(.array) \(.at_once) \(.stop_after)"')" = '0-1 2 3' ]
    echo x >lines
    run -0 rota submit -n --each lines --at-once 2 -- true
    [ "$output" = '{"name": "true", "exec": ["true", "{}"], "array": "0", "at_once": 2, "placeholder": "{}"}' ]
}

@test "stop_after: so many have failed, and the rest never starts" {
    one_worker 1
    printf '%s\n' 'name: a' 'array: 0-99' 'stop_after: 3' 'exec: ["false"]' >a.yaml
    run -1 rota submit --wait a.yaml
    run -0 states
    [ "$output" = $'cancelled 97\nfailed 3' ]
    [ "$(rota status --state cancelled --format '{reason}' | sort -u)" = \
        'not started: 3 elements of the array ended badly (stop_after)' ]
    [ "$(sqlite3 "$ROTA_CATALOGUE" "SELECT run, count(*) FROM event WHERE kind = 'stop'")" = '1|1' ]
    [[ $(rota status --events 1) == *'array stopped'*'stop_after'*'not started: 3 elements'* ]]
    # what is run again is a new array with the same rule
    rota status --array 1 -o id | rota submit --rerun - >ids
    rota dispatch
    run -0 rota status --array last --format '{state}'
    [ "$(grep -c cancelled <<<"$output") $(grep -c failed <<<"$output")" = '97 3' ]
}

@test "stop_after: the dispatcher forgets the rest at once, and tries none of it" {
    one_worker 1
    printf '%s\n' 'name: a' 'array: 0-1999' 'stop_after: 1' 'exec: ["false"]' >a.yaml
    rota submit a.yaml >ids
    # a transaction for each would take and drop some locks for each
    strace -qq -e trace=fcntl -o locks rota dispatch
    (($(wc -l <locks) < 1000))
    run -0 states
    [ "$output" = $'cancelled 1999\nfailed 1' ]
}

@test "stop_after: an element that waits for its next attempt has it" {
    one_worker 1
    printf '%s\n' 'name: a' 'array: 0-3' 'stop_after: 1' 'retry: {attempts: 2, delay: 2s}' 'exec: ["false"]' >a.yaml
    rota submit a.yaml
    rota dispatch
    [ "$(rota status --format '{state} {attempt}')" = $'failed 2\nfailed 2\nfailed 2\nfailed 2' ]
}

@test "stop_after counts only what ended badly, and not another array" {
    one_worker 1
    printf '%s\n' 'name: a' 'array: 0-9' 'stop_after: 3' 'shell: exit $((ROTA_INDEX % 2))' --- \
        'name: b' 'array: 0-9' 'shell: exit 1' >a.yaml
    rota submit a.yaml
    rota dispatch
    [ "$(rota status --job a --format '{state}' | sort | uniq -c | tr -s ' ')" = ' 4 cancelled
 3 failed
 3 succeeded' ]
    [ "$(rota status --job b --format '{state}' | sort -u)" = failed ]
}

@test "a person's word that a run is lost stops the array too, and the dispatcher hears it" {
    one_worker 1
    printf '%s\n' 'name: a' 'array: 0-1999' 'stop_after: 1' 'shell: exec cat never' >a.yaml
    mkfifo never
    sed -i "s,never,$PWD/never," a.yaml
    rota submit a.yaml >ids
    strace -qq -e trace=fcntl -o locks rota dispatch 3>&- &
    eventually is_state 1 running
    rota cancel --lost 1
    wait
    (($(wc -l <locks) < 1000))
    run -0 states
    [ "$output" = $'cancelled 1999\nlost 1' ]
}

@test "--array selects by any of its runs, for status and cancel" {
    printf '%s\n' 'name: a' 'array: [x, y, z]' 'shell: "true"' >a.yaml
    rota submit -- true
    rota submit a.yaml
    rota submit a.yaml
    run -0 rota status --array 3 --format '{id} {index} {item}'
    [ "$output" = $'2 0 x\n3 1 y\n4 2 z' ]
    run -0 rota status --array last -o id --limit 1
    [ "$output" = 7 ]
    run -0 rota cancel --array 4 3
    [ "$output" = 3 ]
    run -0 rota cancel --array 4
    [ "$output" = $'2\n4' ]
    run -1 rota cancel --array 4
    run -0 rota status --array 2 --state cancelled -o id
    [ "$output" = $'2\n3\n4' ]
    run -1 rota status --array 1
    [ "$output" = 'rota status: run 1 is not part of an array' ]
    run -1 rota status --array 9
    [ "$output" = 'rota status: there is no run 9' ]
    run -64 rota cancel --array x
    [ "$output" = "rota cancel: --array wants the id of one of its runs, or 'last', not 'x'" ]
    [[ $(rota status --array 2 -o wide) == *ARRAY*INDEX*ITEM* ]]
}

@test "elements that are run again are the same elements of a new array" {
    printf '%s\n' 'name: m' 'matrix: {os: [a, b], ver: [1, 2]}' \
        'shell: echo $ROTA_ARRAY $ROTA_INDEX $ROTA_ITEM $ROTA_MATRIX_os' >m.yaml
    rota submit --hold m.yaml
    run -0 rota submit --rerun 2 4
    [ "$output" = $'5\n6' ]
    run -0 rota submit --rerun --priority 5 --stop-after 1 3
    rota dispatch
    [ "$(outputs | tail -n 3)" = $'5 1 os=a ver=2 a\n5 3 os=b ver=2 b\n7 2 os=b ver=1 b' ]
    [ "$(sqlite3 "$ROTA_CATALOGUE" 'SELECT array, stop_after FROM array_stop')" = '7|1' ]
}

@test "a scheduled array is one occurrence, and with overlap: queue waits and goes as a whole" {
    job a '{every: 1h, overlap: queue}' 'array: 0-2'
    rota schedule add a.yaml
    for _ in 1 2 3; do
        make_due a 3600000
        sqlite3 "$ROTA_CATALOGUE" "UPDATE occurrence SET due_at = due_at - 3600000 WHERE job = 'a'"
        rota schedule tick
    done
    run -0 rota status --format '{id} {array} {index} {state} {occurrence}'
    [ "$output" = '1 1 0 queued 1
2 1 1 queued 1
3 1 2 queued 1
4 4 0 blocked 2
5 4 1 blocked 2
6 4 2 blocked 2
7 7 0 blocked 3
8 7 1 blocked 3
9 7 2 blocked 3' ]
    rota cancel 1 2
    run -0 rota schedule tick
    [ "$(rota status --state blocked -o id)" = "$(seq 4 9)" ]
    rota cancel 3
    run -0 rota schedule tick
    [ "$(rota status --state queued -o id)" = "$(seq 4 6)" ]
    [ "$(rota status --state blocked -o id)" = "$(seq 7 9)" ]
    rota dispatch
    [ "$(rota status --state succeeded -o id)" = "$(seq 4 9)" ]
}

@test "with overlap: replace the whole array is cancelled, with forbid the next one is skipped" {
    for policy in replace forbid; do
        job "$policy" "{every: 1h, overlap: $policy}" 'array: [x, y]'
        rota schedule add "$policy.yaml"
        for _ in 1 2; do
            make_due "$policy" 3600000
            sqlite3 "$ROTA_CATALOGUE" "UPDATE occurrence SET due_at = due_at - 3600000 WHERE job = '$policy'"
            rota schedule tick
        done
    done
    run -0 rota status --job replace --format '{state} {item}'
    [ "$output" = $'cancelled x\ncancelled y\nqueued x\nqueued y' ]
    [ "$(occurrences forbid)" = $'ran 1\nskipped 1' ]
}

@test "a tick makes so many runs and no more, and the next one goes on where it was" {
    job a '{every: 1h, catch_up: all}' 'array: 0-9999'
    rota schedule add a.yaml
    make_due a $((2 * 3600000))
    run -0 rota schedule tick -n
    [[ $output == '1 due instants, 10000 runs'*', and more' ]]
    rota schedule tick >ids
    [ "$(wc -l <ids)" -eq 20000 ]
    [ "$(occurrences a)" = 'ran 2' ]
    run -0 states
    [ "$output" = $'blocked 10000\nqueued 10000' ]
}

@test "a scheduled array has a bound of its own" {
    job a '{every: 1h}' 'array: 0-10000'
    run -65 rota schedule add a.yaml
    [ "$output" = 'rota schedule: a.yaml: job a: an array of a schedule has at most 10000 elements (a larger one is for rota submit)' ]
    [ "$(rota submit a.yaml | wc -l)" -eq 10001 ]
}
