#!/usr/bin/env bats
# Workflows: runs that wait for others, what they are told by them, and all of it as a whole.

load lib
load dispatcher

# Each job writes its name to the file `ran`; b fails until there is a file `mended`.
flow()
{
    cat >flow.yaml <<END
name: a
shell: echo a >>$PWD/ran; echo rows=17 >>\$ROTA_OUTPUT
---
name: b
after: [a]
shell: echo "b \$ROTA_IN_a_rows" >>$PWD/ran; test -e $PWD/mended && echo kept=16 >>\$ROTA_OUTPUT
---
name: c
after: [{job: b, is: succeeded}]
shell: echo "c \$ROTA_IN_b_kept" >>$PWD/ran
---
name: sorry
after: [{job: b, is: failed}]
shell: echo sorry >>$PWD/ran
---
name: final
after: [{job: c, is: finished}, {job: a, is: started}]
shell: echo final >>$PWD/ran
END
}

states()
{
    rota status --format '{job}={state}' "$@" | paste -sd' '
}

@test "steps run in the order of what they come after, and are told values" {
    flow
    touch mended
    run -0 rota submit flow.yaml
    [ "$output" = $'1\n2\n3\n4\n5' ]
    is_so 2 'blocked waiting for 1 (a)'
    rota dispatch
    [ "$(states)" = 'a=succeeded b=succeeded c=succeeded sorry=cancelled final=succeeded' ]
    [ "$(paste -sd, ran)" = 'a,b 17,c 16,final' ]
    is_so 4 'cancelled 2 (b) succeeded, which was to fail'
    [ "$(sqlite3 "$ROTA_CATALOGUE" 'SELECT run, key, value FROM v_values')" = $'1|rows|17\n2|kept|16' ]
    run -0 rota status --format '{workflow}' 1 5
    [ "$output" = $'1\n1' ]
}

@test "a failure cancels what cannot come to its turn any more, and lets go what waited for it" {
    flow
    rota submit flow.yaml
    rota dispatch
    [ "$(states)" = 'a=succeeded b=failed c=cancelled sorry=succeeded final=succeeded' ]
    is_so 3 'cancelled 2 (b) failed, which was to succeed'
    [ "$(paste -sd, <(sort ran))" = 'a,b 17,final,sorry' ]
}

@test "rerun from the failed part runs that and what comes after it, with the values there are" {
    flow
    rota submit flow.yaml
    rota dispatch
    : >ran
    touch mended
    run -0 rota submit --rerun --failed 1
    [ "$output" = $'6\n7\n8\n9' ]
    is_so 6 'queued *'
    is_so 7 'blocked waiting for 6 (b)'
    rota dispatch
    [ "$(states 6 7 8 9)" = 'b=succeeded c=succeeded sorry=cancelled final=succeeded' ]
    [ "$(paste -sd, ran)" = 'b 17,c 16,final' ]
    run -0 rota status --format '{workflow} {rerun_of}' --workflow 7
    [ "$output" = $'6 2\n6 3\n6 4\n6 5' ]
    # what is well now is not run again, and what was cancelled for a reason stays so
    run -1 rota submit --rerun --failed 6
    [[ $output == *'nothing of it ended badly'* ]]
}

@test "rerun as a whole waits anew; a run alone does not wait, and has the values of before" {
    flow
    touch mended
    rota submit flow.yaml
    rota dispatch
    : >ran
    run -0 rota submit --rerun --workflow 3
    [ "$output" = $'6\n7\n8\n9\n10' ]
    is_so 7 'blocked waiting for 6 (a)'
    rota dispatch
    [ "$(paste -sd, ran)" = 'a,b 17,c 16,final' ]
    : >ran
    run -0 rota submit --rerun 3
    is_so 11 'queued *'
    rota dispatch
    [ "$(cat ran)" = 'c 16' ]
}

@test "a workflow that is not over is not run again from its failed part" {
    flow
    rota submit flow.yaml
    run -1 rota submit --rerun --failed 1
    [[ $output == *'run 1 belongs to it and is not over yet'* ]]
}

@test "cancel --workflow cancels all of it" {
    flow
    rota submit flow.yaml
    run -0 rota cancel --workflow 3
    [ "$(sort -n <<<"$output")" = $'1\n2\n3\n4\n5' ]
    [ "$(rota status --state cancelled -o id | wc -l)" = 5 ]
    run -1 rota cancel --workflow 99
    [[ $output == *'there is no run 99'* ]]
    run -64 rota cancel --workflow 0
    [ "$output" = "rota cancel: --workflow wants the id of one of its runs, or 'last', not '0'" ]
    [ "$(rota status --workflow last -o id | paste -sd' ')" = '1 2 3 4 5' ]
}

@test "--workflow beside ids means those of them that are in it, and nothing on standard input nothing" {
    flow
    rota submit flow.yaml
    rota submit -- true
    for command in 'cancel -n' 'status -o id'; do
        run -0 --separate-stderr bash -c "rota $command --workflow 1 6 2 4-6"
        [ "$output" = $'2\n4\n5' ]
        run -0 --separate-stderr bash -c "echo 3 | rota $command --workflow 1 -"
        [ "$output" = 3 ]
        run -1 --separate-stderr bash -c "rota $command --workflow 1 6"
        [ -z "$output" ]
        [[ $stderr == *'no run that was named is in the workflow of 1' ]]
        run -1 --separate-stderr bash -c "rota $command --workflow 1 - </dev/null"
        [ -z "$output" ]
        [[ $stderr == *'standard input names no runs' ]]
    done
    run -1 rota cancel --workflow 1 - </dev/null
    run -1 rota cancel --workflow 1 6
    [ "$(rota status --state cancelled -o id 2>&1)" = 'rota status: no run matches' ]
}

@test "any of several is enough" {
    printf '%s\n' 'name: a' 'shell: exit 1' --- 'name: b' 'shell: exit 0' --- \
        'name: c' 'after: {any: [a, b]}' "shell: 'true'" >any.yaml
    rota submit any.yaml
    rota dispatch
    [ "$(states)" = 'a=failed b=succeeded c=succeeded' ]
}

@test "--after waits for runs by their ids, all of them" {
    rota submit -- 'exit 1'
    rota submit -- 'true'
    run -0 rota submit --after 1:failed,2 --after 2:finished -- 'echo $ROTA_RUN'
    is_so 3 'blocked waiting for 1 (exit)'
    rota dispatch
    is_state 3 succeeded
    run -1 rota submit --after 1 -- true
    [[ $output == *'1 (exit) failed, which was to succeed: nothing was submitted' ]]
    run -1 rota submit --after 77 -- true
    [[ $output == *'there is no run 77' ]]
    run -64 rota submit --after 1:faild -- true
    [[ $output == *"unknown condition 'faild' (did you mean 'failed'?)" ]]
}

@test "--after the first run of an array waits for all of it" {
    printf '%s\n' 'name: many' 'array: 1-2' 'shell: test "$ROTA_INDEX" = 1 && echo v=1 >$ROTA_OUTPUT' >many.yaml
    rota submit many.yaml
    rota submit --after 1:finished -- 'echo $ROTA_IN_many_1_v'
    rota submit --after 2:failed -- true
    rota cancel --hold 2
    rota dispatch
    is_state 1 succeeded
    is_state 3 blocked
    rota cancel --release 2
    rota dispatch
    is_state 3 succeeded
    is_state 4 succeeded
    [ "$(rota logs 3)" = 1 ]
    run -1 rota submit --after 1 -- true
    [ "$output" = 'rota submit: --after: 1 (many) failed, which was to succeed: nothing was submitted' ]
    run -1 rota submit --after 2 -- true
    rota submit --after 1:failed -- true
}

@test "the examples of rota-job(5) are job files" {
    config <<<'[worker db1]
tags = db'
    man=${BATS_TEST_DIRNAME}/../man/rota-job.5
    sed -n '/^\.Sh EXAMPLES/,/^\.Ed/p' "$man" | grep -v '^\.' | sed 's/\\e/\\/g' >examples.yaml
    run -0 rota submit -n --param scene=x examples.yaml
    [ "${#lines[@]}" = 11 ]
}

@test "circles and unknown names are refused, with their place" {
    printf '%s\n' 'name: a' 'shell: x' 'after: [b]' --- 'name: b' 'shell: x' 'after:' '- job: c' \
        '- a' --- 'name: c' 'shell: x' 'after: [exract]' --- 'name: extract' 'shell: x' >bad.yaml
    run -65 rota submit bad.yaml
    [[ $output == *"bad.yaml:3:9: 'after' goes in a circle: a -> b -> a"* ]]
    [[ $output == *"bad.yaml:13:9: 'after': there is no job 'exract' (did you mean 'extract'?)"* ]]
    [ ! -e "$ROTA_CATALOGUE" ]
    run -65 rota submit --dry-run bad.yaml
    printf '%s\n' 'name: self' 'shell: x' 'after: [self]' >self.yaml
    run -65 rota submit self.yaml
    [[ $output == *"self.yaml:3:9: 'after' goes in a circle: self -> self" ]]
}

@test "a circle by way of registered jobs is refused at schedule add" {
    printf '%s\n' 'name: a' 'shell: x' >a.yaml
    printf '%s\n' 'name: b' 'shell: x' 'after: [a]' >b.yaml
    rota schedule add a.yaml b.yaml
    printf '%s\n' 'name: a' 'shell: x' 'after: [b]' >a.yaml
    run -65 rota schedule add a.yaml
    [[ $output == *"a.yaml:3:9: 'after' goes in a circle: a -> b -> a" ]]
    printf '%s\n' 'name: c' 'shell: x' 'after: [aa]' >c.yaml
    run -65 rota schedule add c.yaml
    [[ $output == *"there is no job 'aa' (did you mean 'a'?)" ]]
}

@test "to remove a job that others come after is told" {
    printf '%s\n' 'name: a' 'schedule: {cron: "0 3 * * *"}' 'shell: "true"' --- \
        'name: b' 'schedule: {cron: "0 4 * * *"}' 'after: [a]' 'shell: "true"' >ab.yaml
    rota schedule add ab.yaml
    run -0 --separate-stderr rota schedule remove -n a b
    [ -z "$stderr" ]
    run -0 --separate-stderr rota schedule remove a
    [ "$output" = a ]
    [ "$stderr" = 'rota schedule: job b comes after a, which is not registered any more: its runs will wait until their day is over, and be cancelled' ]
}

@test "a registered job comes after the run of another of the same day" {
    printf '%s\n' 'name: extract' 'shell: echo n=1 >$ROTA_OUTPUT' --- \
        'name: load' 'after: [extract]' "shell: echo got \$ROTA_IN_extract_n" >jobs.yaml
    rota schedule add jobs.yaml
    rota submit --job load
    is_so 1 "blocked waiting for extract of $(date +%F)"
    # nothing that it could do: it does not stay
    rota dispatch
    is_state 1 blocked
    rota submit --job extract
    is_so 1 'blocked waiting for 2 (extract)'
    rota dispatch
    is_state 1 succeeded
    [ "$(rota logs 1)" = 'got 1' ]
    # and when there is one already, after the newest of the day
    rota submit --job load
    is_so 3 'queued *'
    # both at once are each other's
    run -0 rota submit --job load extract
    is_so 4 'blocked waiting for 5 (extract)'
}

@test "a day that ends without the run ends the wait" {
    printf '%s\n' 'name: extract' 'shell: x' --- 'name: load' 'after: [extract]' 'shell: x' >jobs.yaml
    rota schedule add jobs.yaml
    rota submit --job load
    day=$(date +%F)
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE need SET until = 1'
    rota dispatch
    is_so 1 "cancelled there was no run of extract on $day"
}

@test "a living dispatcher goes on with what another command lets go" {
    mkfifo pipe
    rota submit -- "read x <$PWD/pipe"
    rota submit --hold -- true
    rota submit --after 2:finished -- "echo free >$PWD/free"
    dispatcher_starts
    eventually is_state 1 running
    rota cancel 2
    eventually test -s free
    echo >pipe
    dispatcher_ends
    is_state 3 succeeded
}

@test "values: of the last attempt only; what is no value is ignored, and an event says so" {
    cat >job.yaml <<'END'
name: job
shell: |
  echo "try$ROTA_ATTEMPT=1" >>$ROTA_OUTPUT
  printf 'no value\n1x=2\ngood=a=b c\n' >>$ROTA_OUTPUT
  test "$ROTA_ATTEMPT" = 2
retry: {attempts: 2, delay: 0}
---
name: big
shell: |
  { printf big=; head -c 16385 /dev/zero | tr '\0' x; echo; } >>$ROTA_OUTPUT
  for i in 1 2 3 4 5; do printf "k$i="; head -c 16000 /dev/zero | tr '\0' x; echo; done >>$ROTA_OUTPUT
END
    rota submit job.yaml
    rota dispatch
    run -0 sqlite3 "$ROTA_CATALOGUE" "SELECT key, value FROM v_values WHERE run = 1"
    [ "$output" = $'good|a=b c\ntry2|1' ]
    run -0 sqlite3 "$ROTA_CATALOGUE" "SELECT group_concat(key), sum(length(value)) FROM v_values WHERE run = 2"
    [ "$output" = 'k1,k2,k3,k4|64000' ]
    run -0 rota status --events -o json 2
    [[ $(json 'select(.event == "values ignored") | .detail') == *'2 (lines'* ]]
    # nothing of it is left in the spool
    run -0 find "$(worker_spool)" -name '*.set' -o -name '*.values'
    [ -z "$output" ]
}

@test "values: what a run left behind writes later is no other run's" {
    mkfifo go wrote
    printf '%s\n' 'name: first' 'leftovers: leave' \
        "shell: '(read x <$PWD/go; echo late=1 >\$ROTA_OUTPUT; echo >$PWD/wrote) >/dev/null 2>&1 &'" --- \
        'name: second' 'after: first' "shell: 'echo >$PWD/go; read x <$PWD/wrote || true'" >job.yaml
    rota submit job.yaml
    rota dispatch
    is_state 2 succeeded
    [ -z "$(sqlite3 "$ROTA_CATALOGUE" 'SELECT * FROM v_values')" ]
    # and the next front end removes it
    rota submit -- true
    rota dispatch
    [ -z "$(find "$(worker_spool)" -name '*.set')" ]
}

@test "values of a run of another account" {
    [ "$(id -u)" = 0 ] || skip 'only root can become another'
    printf '%s\n' 'name: job' 'user: nobody' 'workdir: /' 'shell: echo who=$(id -un) >>$ROTA_OUTPUT; echo $ROTA_OUTPUT; stat -c "%U %a" ${ROTA_OUTPUT%/*}' \
        >job.yaml
    rota submit job.yaml
    rota dispatch
    is_state 1 succeeded
    [ "$(sqlite3 "$ROTA_CATALOGUE" 'SELECT value FROM v_values')" = nobody ]
    run -0 rota logs 1
    [ "${lines[1]}" = 'nobody 700' ]
    [ ! -e "${lines[0]%/*}" ]
}

@test "values of another account: nothing is left of them when the shim is killed" {
    [ "$(id -u)" = 0 ] || skip 'only root can become another'
    local fifo
    fifo=$(mktemp -u /tmp/rota-test-XXXXXX)
    mkfifo -m 666 "$fifo"
    printf '%s\n' 'name: job' 'user: nobody' 'workdir: /' \
        "shell: 'echo a=1 >\$ROTA_OUTPUT; echo \$PPID \$ROTA_OUTPUT >$fifo; read x <$fifo'" >job.yaml
    rota submit job.yaml
    dispatcher_starts
    read -r shim file <"$fifo"
    [ -e "$file" ]
    kill -KILL "$shim"
    dispatcher_ends
    rm "$fifo"
    is_so 1 'lost its supervisor is gone*'
    [ ! -e "${file%/*}" ]
}

@test "--tree draws what comes after what, each run once" {
    flow
    rota submit flow.yaml
    run -0 rota status --tree 3
    [ "$output" = '1 a  queued
|- 2 b  blocked  waiting for 1 (a)
|  |- 3 c  blocked  waiting for 2 (b)
|  |  `- [if finished] 5 final  blocked  waiting for 3 (c)
|  `- [if failed] 4 sorry  blocked  waiting for 2 (b)
`- [if started] 5 final  blocked  (above)' ]
    run -0 env LANG=C.UTF-8 script -qec "rota status --tree --workflow 1" /dev/null
    [[ $output == *'│  ├─ 3 c'* ]]
    run -1 rota status --tree 99
    # narrowed as any other list
    printf '%s\n' 'name: many' 'array: 1-2' 'shell: "true"' >many.yaml
    rota submit many.yaml
    run -0 rota status --tree --array 7
    [[ $output == '6'*' many'* ]]
    [ "${#lines[@]}" = 1 ]
    run -1 rota status --tree --array 1
    run -1 rota status --tree --host 'db*'
}

@test "one that is held waits on when it is released" {
    flow
    rota submit --hold flow.yaml
    rota cancel --release 2
    is_so 2 'blocked waiting for 1 (a)'
    rota cancel --release 1
    rota dispatch
    is_state 2 failed
}

@test "a workflow is held as a whole, and released" {
    flow
    rota submit flow.yaml
    [ "$(rota cancel --hold --workflow 1 | sort -n | paste -sd' ')" = '1 2 3 4 5' ]
    [ "$(states)" = 'a=held b=held c=held sorry=held final=held' ]
    rota cancel --release --workflow 3
    [ "$(states)" = 'a=queued b=blocked c=blocked sorry=blocked final=blocked' ]
    is_so 3 'blocked waiting for 2 (b)'
    # held again, it is not let go by what it waits for
    rota cancel --hold 2
    rota dispatch
    is_state 1 succeeded
    is_state 2 held
    rota cancel --release 2
    is_state 2 queued
}

@test "--why says what each need has come to" {
    flow
    rota submit flow.yaml
    run -0 rota status --why 4
    [[ ${lines[0]} == 'run 4: it is blocked (waiting for 2 (b))' ]]
    [[ $output == *'  need b: run 2 is to have failed, and is blocked'* ]]
    run -0 rota status --why 5 -o json
    [ "$(json 'select(.kind == "need") | "\(.name) \(.bar) \(.detail)"')" = \
        $'c open run 3 is to have finished, and is blocked\na open run 1 is to have started, and is queued' ]
    rota dispatch
    run -0 rota status --why 5 -o json
    [ "$(json 'select(.kind == "need") | "\(.name) \(.bar)"')" = $'c met\na met' ]
}

@test "arrays: element by element, and all of a group before what comes after it" {
    cat >arrays.yaml <<END
name: cut
array: [x, y, z]
shell: 'test \$ROTA_ITEM != y && echo part=\$ROTA_ITEM >>\$ROTA_OUTPUT'
---
name: glue
array: [x, y, z]
after: [{job: cut, each: true}]
shell: echo "glue \$ROTA_ITEM \$ROTA_IN_cut_part" >>$PWD/ran
---
name: ship
after: [{job: glue, is: finished}]
shell: echo ship >>$PWD/ran
END
    run -0 rota submit arrays.yaml
    [ "${#lines[@]}" -eq 7 ]
    run -0 rota status --why 7
    [[ $output == *'need glue: all of the group of run 4 are to have finished'* ]]
    rota dispatch
    [ "$(states --array 4)" = 'glue=succeeded glue=cancelled glue=succeeded' ]
    is_so 5 'cancelled 2 (cut) failed, which was to succeed'
    is_so 7 'succeeded*'
    [ "$(sort ran | head -n 2)" = $'glue x x\nglue z z' ]
    [ "$(tail -n 1 ran)" = ship ]
    # from the failed part: the element, what it held up, and what came after all of them
    sed -i "s/test .* && //" arrays.yaml
    run -0 rota submit --rerun --failed 1
    [ "$(rota status --format '{job} {index}' - <<<"$output")" = $'cut 1\nglue 1\nship ' ]
}

@test "on each host, after a job, one at a time" {
    config <<'INI'
[worker a]
transport = local
[worker b]
transport = local
[pool one]
limit = 1
INI
    cat >each.yaml <<END
name: first
shell: echo first >>$PWD/ran
---
name: every
after: [first]
where: {each: true}
pools: [one]
shell: echo "begin \$ROTA_HOST" >>$PWD/ran; echo "end \$ROTA_HOST" >>$PWD/ran
---
name: end
after: [every]
shell: echo last >>$PWD/ran
END
    rota submit each.yaml
    rota dispatch
    [ "$(wc -l <ran)" -eq 6 ]
    [ "$(sed -n '1p;$p' ran)" = $'first\nlast' ]
    [ "$(sed -n '2,5s/ .*//p' ran | paste -sd' ')" = 'begin end begin end' ]
}

# Moves all that there is back by a day.
yesterday()
{
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE run SET queued_at = queued_at - 86400000,
        due_at = due_at - 86400000'
}

@test "a group that is run again is waited for as a whole" {
    printf '%s\n' 'name: A' 'array: 0-3' 'at_once: 1' "shell: echo A\$ROTA_INDEX >>$PWD/ran" >a.yaml
    printf '%s\n' 'name: B' 'after: [A]' "shell: echo B >>$PWD/ran" >b.yaml
    printf '%s\n' 'name: C' 'array: 0-3' 'after: [{job: A, each: true}]' \
        "shell: echo C\$ROTA_INDEX >>$PWD/ran" >c.yaml
    rota schedule add a.yaml
    rota submit --job A
    rota dispatch
    yesterday
    : >ran
    rota submit b.yaml c.yaml
    is_so 5 "blocked waiting for A of $(date +%F)"
    run -0 rota submit --rerun --workflow 1
    [ "$output" = $'10\n11\n12\n13' ]
    is_so 5 'blocked waiting for 10 (A)'
    is_so 7 'blocked waiting for 11 (A)'
    rota dispatch
    [ "$(grep -v C ran | paste -sd' ')" = 'A0 A1 A2 A3 B' ]
    [ "$(grep -c C ran)" = 4 ]
}

@test "a circle between a submitted job and registered ones is refused, or broken" {
    printf '%s\n' 'name: X' 'shell: x' >x.yaml
    printf '%s\n' 'name: Y' 'after: [X]' 'shell: x' >y.yaml
    rota schedule add x.yaml y.yaml
    printf '%s\n' 'name: X' 'after: [Y]' 'shell: x' >other.yaml
    run -65 rota submit other.yaml
    [[ $output == *"other.yaml:2:9: 'after' goes in a circle: X -> Y -> X"* ]]
    # it may still come to that when a job changes meanwhile
    printf '%s\n' 'name: Y' 'shell: x' >y.yaml
    rota schedule add y.yaml
    rota submit other.yaml
    is_so 1 'blocked waiting for Y of *'
    sed -i '1a after: [X]' y.yaml
    rota schedule remove X
    printf '%s\n' 'name: X' 'shell: x' >x.yaml
    rota schedule add x.yaml y.yaml
    rota submit --job Y
    is_so 1 'cancelled 2 (Y), for which it was to wait, waits for it'
    is_so 2 'cancelled 1 (X) was cancelled, which was to succeed'
}

@test "a run again is of the day of the one before, and release moves none to another" {
    printf '%s\n' 'name: X' 'schedule: {every: 1d}' 'shell: echo $ROTA_DUE_AT' >x.yaml
    printf '%s\n' 'name: Y' 'after: [X]' 'shell: "true"' >y.yaml
    rota schedule add x.yaml
    sqlite3 "$ROTA_CATALOGUE" "UPDATE job SET next_at = next_at - 86400000"
    rota schedule tick
    yesterday
    rota dispatch
    due=$(rota status --format '{due_at}' 1)
    rota submit --rerun 1
    [ "$(rota status --format '{due_at}' 2)" = "$due" ]
    rota submit y.yaml
    is_so 3 "blocked waiting for X of $(date +%F)"
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE run SET queued_at = 86400000 WHERE id = 3;
        UPDATE need SET since = 0 WHERE run = 3'
    queued=$(rota status --format '{queued_at}' 3)
    rota submit --rerun 1
    is_so 3 'blocked waiting for 4 (X)'
    rota dispatch
    is_state 3 succeeded
    [ "$(rota status --format '{queued_at}' 3)" = "$queued" ]
    [ "$(rota logs 4)" = "$(rota logs 2)" ]
    [ -n "$(rota logs 4)" ]
}

@test "a run again of one that still waits for its day waits for it too" {
    printf '%s\n' 'name: X' 'shell: "true"' >x.yaml
    printf '%s\n' 'name: Y' 'after: [X]' 'shell: "true"' >y.yaml
    rota schedule add x.yaml
    rota submit y.yaml
    rota cancel 1
    rota submit --rerun 1
    is_so 2 "blocked waiting for X of $(date +%F)"
    rota submit --job X
    is_so 2 'blocked waiting for 3 (X)'
    rota submit --rerun 1
    is_so 4 'blocked waiting for 3 (X)'
    rota dispatch
    is_state 2 succeeded
    is_state 4 succeeded
}

@test "--failed: one that was tried, or had an alternative, did not lapse" {
    mkfifo pipe
    cat >any.yaml <<END
name: a
shell: 'true'
---
name: b
shell: 'true'
---
name: c
after: {any: [{job: a, is: failed}, b]}
shell: echo c >$PWD/c; read x <$PWD/pipe
END
    rota submit any.yaml
    dispatcher_starts
    eventually test -s c
    rota cancel 3
    dispatcher_ends
    is_state 3 cancelled
    run -0 rota submit --rerun --failed 1
    [ "$output" = 4 ]
    [ "$(rota status --format '{rerun_of}' 4)" = 3 ]
}

@test "a workflow that is not over is not run again as a whole either" {
    flow
    rota submit flow.yaml
    run -1 rota submit --rerun --workflow 1
    [[ $output == *'run 1 belongs to it and is not over yet'* ]]
    [ "$(rota status -o id | wc -l)" = 5 ]
}

@test "of equal names the value of the later need counts" {
    cat >same.yaml <<END
name: x
shell: echo k=last >>\$ROTA_OUTPUT
END
    run -0 rota submit same.yaml
    sed -i 's/last/first/' same.yaml
    run -0 rota submit same.yaml
    rota dispatch
    run -0 rota submit --after 1,2 -- 'echo $ROTA_IN_x_k'
    run -0 rota submit --after 2,1 -- 'echo $ROTA_IN_x_k'
    rota dispatch
    [ "$(rota logs 3)" = first ]
    [ "$(rota logs 4)" = last ]
}

@test "of runs that take turns one that is released waits for its turn" {
    printf '%s\n' 'name: x' 'schedule: {every: 1h, overlap: queue, catch_up: all}' 'shell: "true"' >x.yaml
    rota schedule add x.yaml
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE job SET next_at = next_at - 10800000'
    rota schedule tick
    is_so 2 'blocked waiting for run 1 *'
    # as a take-over leaves them
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE run SET state = 1'
    rota cancel --release 1
    rota cancel --release 3
    is_so 1 'queued *'
    is_so 3 'blocked waiting for the runs of its job before it'
    rota cancel --release 2
    rota dispatch
    is_state 2 succeeded
    is_state 3 succeeded
}

@test "to have succeeded and to have failed is too much to ask" {
    printf '%s\n' 'name: a' 'shell: x' --- 'name: b' 'shell: x' \
        'after: [a, {job: a, is: started}, {job: a, is: failed}]' >both.yaml
    run -65 rota submit both.yaml
    [[ $output == *"both.yaml:6:"*"'a' cannot have succeeded and failed"* ]]
    sed -i 's/after: \(.*\)/after: {any: \1}/' both.yaml
    rota submit both.yaml
}
