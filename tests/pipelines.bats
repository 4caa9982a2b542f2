#!/usr/bin/env bats
# What every command keeps (DESIGN section 3), command by command: ids in and out, forms, exit codes,
# readers that go away, many ids. The table is held against the usage texts.
# bats' run sets stderr
# shellcheck disable=SC2154

load lib
load usage
load schedule

# COMMAND | words that make it work | what it prints | its forms besides format | a change that -n keeps away
# prints: ids (of runs), names (of jobs, hosts), or text; forms: - for none
table()
{
    sed -E 's/ *\| */|/g' <<'END'
submit             | -- true                           | ids   | table wide id tsv json | -- true
status             |                                   | text  | table wide id tsv json |
logs               | 1                                 | text  | -                      |
cancel             | 3                                 | ids   | -                      | 3
hosts              |                                   | text  | table wide id tsv json |
hosts drain        | local                             | names | -                      | local
hosts resume       | local                             | names | -                      | local
dispatch           | --once                            | text  | -                      | -q
dispatch --wait    | 1                                 | text  | -                      |
init               |                                   | text  | -                      | 127.0.0.1:1
schedule           |                                   | text  | table wide id tsv json |
schedule add       | other.yaml                        | text  | -                      | other.yaml
schedule tick      |                                   | ids   | table wide id tsv json |
schedule next      | often -n 3                        | text  | table wide id tsv json |
schedule explain   | often                             | text  | -                      |
schedule pause     | often                             | text  | -                      | often
schedule resume    | often                             | text  | -                      | often
schedule skip      | often                             | text  | -                      | often
schedule remove    | often                             | text  | -                      | often
schedule backfill  | --from -9d --to now often         | ids   | table wide id tsv json | --from -9d --to now often
schedule import    | crontab                           | text  | -                      |
monitor            |                                   | text  | table wide json        |
monitor doctor     | -v                                | text  | table wide tsv json    |
monitor check      |                                   | text  | -                      |
monitor metrics    |                                   | text  | -                      |
monitor board      | --output board                    | text  | -                      |
catalogue check    |                                   | text  | table wide tsv json    |
catalogue backup   | copy.db                           | text  | -                      |
catalogue prune    | -n --older-than 0s                | text  | table wide tsv json    | --older-than 0s
complete           | -- st                             | text  | -                      |
status --events    | 1                                 | text  | table wide id tsv json |
status --why       | 1                                 | text  | table wide id tsv json |
status --tree      | 1                                 | text  | -                      |
status --joblog    | 1                                 | text  | -                      |
status --occurrences |                                 | text  | table wide tsv json    |
END
}

# Run 1 is over, 2 failed, 3 waits; a job that has missed what was due, and one to be added.
home()
{
    config < <(printf '[worker local]\ntransport = local\nslots = 4\n')
    mkdir -p board
    rota submit -- sh -c 'echo one; echo two' >/dev/null
    rota submit -- false >/dev/null
    rota dispatch -q
    rota submit -- true >/dev/null
    job often '{cron: "17 3 * * *", catch_up: all}'
    job other '{cron: "0 3 * * *"}'
    rota schedule add -q often.yaml >/dev/null
    printf '30 2 * * * /usr/bin/true\n' >./crontab
}

# Runs COMMAND of a row with its words and more: into $rc, out and err.
try()
{
    local words more
    read -ra words <<<"$1"
    read -ra more <<<"$2"
    rc=0
    # an option stands before the command's own words, which may hold --
    rota "${words[@]}" "${@:3}" "${more[@]}" >out 2>err </dev/null || rc=$?
}

said()
{
    echo "rota $*: exit code $rc"
    head -3 out err
    return 1
}

dump()
{
    sqlite3 "$ROTA_CATALOGUE" .dump
    cat "$ROTA_CONFIG"
}

@test "the table has a row for every command and subcommand" {
    # rota complete is for shells, and on no list
    table | cut -d'|' -f1 | grep -vxE -e '.* --.*|complete' | sort >rows
    list_commands | diff - rows
    # and for what is asked of status
    while read -r command; do
        table | grep -q "^$command|" || { echo "no row for $command"; return 1; }
    done < <(list_forms)
}

@test "each command has its forms and refuses the others, by words and exit code 64" {
    home
    while IFS='|' read -r command words _ forms _; do
        read -ra words_of <<<"$command"
        for form in table wide id tsv json; do
            try "$command" "$words" -o "$form"
            if [[ " $forms " == *" $form "* ]]; then
                [ "$rc" -le 1 ] || said "$command -o $form"
                # what machines read is well formed, also where there is nothing
                [ "$form" != json ] || jq -e 'type == "object"' out >/dev/null || [ ! -s out ] ||
                    said "$command"
            else
                [ "$rc" -eq 64 ] && [ -s err ] && [ ! -s out ] || said "$command -o $form"
            fi
        done
        # they are what shells offer
        [ "$forms" = - ] || [ "$(rota complete -- "${words_of[@]}" -o '' | cut -f1 | paste -sd' ')" = \
            "$forms schema" ] || { echo "rota complete -- $command -o ''"; return 1; }
        [ "$command" = 'schedule backfill' ] || continue
        # its instants have their runs now
        sqlite3 "$ROTA_CATALOGUE" 'DELETE FROM occurrence'
    done < <(table)
}

@test "what has forms has --format too, but for the health, which is one object" {
    home
    while read -r command; do
        [ "$command" != monitor ] || continue
        options_of "$command" | grep -qx -e --format || { echo "rota $command has no --format"; return 1; }
    done < <(list_forms)
    run -0 rota schedule next -n 1 --from 2030-01-01 --format '{rule} at {due_at}' often
    [ "$output" = 'cron 17 3 * * * at 2030-01-01T03:17:00+00:00' ]
    run rota monitor doctor -v --format '{host}:{check}={verdict}'
    [[ $'\n'$output == *$'\nlocal:clock=ok\n'* ]] || { echo "$output"; return 1; }
}

@test "each command exits 0, says nothing on standard error, and prints ids where it makes or takes runs" {
    home
    while IFS='|' read -r command words prints _ _; do
        [ "$command" != 'schedule tick' ] || make_due often 172800000
        try "$command" "$words" -q
        case $command in
        monitor*) [ "$rc" -le 1 ] || said "$command" ;; # not all is well here
        *) [ "$rc" -eq 0 ] || said "$command" ;;
        esac
        [ ! -s err ] || said "$command"
        case $prints in
        ids) [ -s out ] && ! grep -qvxE '[1-9][0-9]*' out || said "$command" ;;
        names) [ -s out ] && ! grep -qvxE '[a-z][a-z0-9]*' out || said "$command" ;;
        esac
        # each has the schedule, and a run in the queue, to work on
        rota schedule add -q often.yaml >/dev/null
        rota submit -q --hold -- true >/dev/null
    done < <(table)
}

@test "a reader that goes away is no error, of any command and of -h" {
    home
    while IFS='|' read -r command words _ _ _; do
        read -ra one <<<"$command"
        read -ra two <<<"$words"
        for option in -q -h; do
            rm -f code err
            { rota "${one[@]}" $option "${two[@]}" 2>err </dev/null || echo $? >code; } | true
            [ ! -s err ] || { echo "rota $command: $(cat err)"; return 1; }
            [ ! -e code ] || [ "$(cat code)" = 1 ] || { echo "rota $command $option: $(cat code)"; return 1; }
        done
        rota schedule add -q often.yaml >/dev/null
    done < <(table | grep -v 'backup') # half a copy is none: it says so, below
    for word in --version -h help; do
        run -0 --separate-stderr bash -c "set -o pipefail; rota $word | true"
        [ -z "$stderr" ]
    done
    run --separate-stderr bash -c 'set -o pipefail; rota catalogue backup - | true'
    [ "$status" -eq 74 ]
    [[ $stderr == *'cannot write the backup to standard output'* ]]
}

# More than a pipe holds, so that the reader is gone while there is more to print.
many()
{
    yes $'{name: j, exec: ["true"]}\n---' | head -n $((2 * $1 - 1))
}

@test "| head -1: nothing is lost of what was asked, and nothing is said" {
    first()
    {
        run -0 --separate-stderr bash -c "set -euo pipefail; $1 | head -1"
        [ -z "$stderr" ]
        [ "$output" = "$2" ]
    }
    many 20000 >many.yaml
    first 'rota submit many.yaml' 1
    [ "$(rota status -o id --limit 0 | wc -l)" -eq 20000 ]
    first 'rota status -o id' 1
    first 'rota status --format "{id} {job}"' '1 j'
    first 'rota status -o json' "$(rota status -o json 1)"
    first 'seq 20000 | rota status --events --format "{event}" -' submitted
    first 'rota cancel --hold 1-20000' 1
    [ "$(rota status --state held -o id | wc -l)" -eq 20000 ]
    first 'seq 20000 | rota submit --hold --rerun -' 20001
    [ "$(rota status --state held -o id | wc -l)" -eq 40000 ]
    first 'rota cancel 2-40000' 2
    [ "$(rota status --state cancelled -o id | wc -l)" -eq 39999 ]
    first 'rota schedule next -n 20000 --cron "* * * * *" --timezone UTC --from 2026-01-01' \
        2026-01-01T00:01:00+00:00
    job often '{cron: "* * * * *", overlap: allow}'
    rota schedule add -q often.yaml >/dev/null
    first 'rota schedule backfill --from 2026-01-01 --to 2026-01-10 often' 40001
    [ "$(rota status --job often -o id | wc -l)" -eq 12960 ]
}

@test "-n changes nothing, and every command whose usage has it is in the table" {
    home
    make_due often 172800000
    dump >before
    while IFS='|' read -r command words _ _ change; do
        [ "$command" != 'schedule next' ] || continue # a number
        [ -n "$change" ] || ! options_of "$command" | grep -qx -e -n ||
            [[ $command == 'schedule tick' || $command == 'monitor check' ]] ||
            { echo "what does -n of $command keep away?"; return 1; }
        options_of "$command" | grep -qx -e -n || continue
        try "$command" "${change:-$words}" -n
        # init says that nobody answers at that address
        [ "$rc" -le 1 ] || [ "$command" = init ] || said "$command -n"
        dump | diff -q before - || { echo "rota $command -n wrote"; return 1; }
    done < <(table)
    # the same words change something without it
    while IFS='|' read -r command words _ _ change; do
        [ -n "$change" ] && [ "$command" != 'hosts resume' ] && [ "$command" != 'schedule resume' ] ||
            continue
        # a worker would remember what it ran before the catalogue was put back
        [ "$command" != dispatch ] || continue
        sqlite3 "$ROTA_CATALOGUE" '.backup keep.db'
        dump >before
        try "$command" "$change"
        ! dump | diff -q before - >/dev/null || { echo "rota $command did nothing"; return 1; }
        sqlite3 "$ROTA_CATALOGUE" '.restore keep.db'
    done < <(table)
}

@test "ids on standard input: the first word of each line, behind a header; nothing is never everything" {
    home
    while read -r command; do
        read -ra words <<<"$command"
        dump >before
        run --separate-stderr rota "${words[@]}" - </dev/null
        [ "$status" -eq 1 ] || { echo "rota $command: $status"; return 1; }
        [[ $stderr == *'standard input'* || $stderr == *'no run'* ]] ||
            { echo "rota $command: $stderr"; return 1; }
        # a header at most
        [ "${#lines[@]}" -le 1 ]
        [[ $output != [1-9]* ]]
        dump | diff -q before -
        run --separate-stderr rota "${words[@]}" - <<<$'ID  JOB\n\nnonsense 1'
        [ "$status" -eq 64 ]
        [[ $stderr == *"standard input:3: 'nonsense' is no run's id"* ]]
        # of ids that NUL bytes part the first one is not all
        run -64 --separate-stderr bash -c "printf '1\0002\0003\000' | rota $command -"
        [[ $stderr == *'standard input:1: a NUL byte: write the ids on lines'* ]]
        run --separate-stderr rota "${words[@]}" - <<<$'  ID  JOB\r\n\n 1  sh  succeeded\r\n1 again'
        [ "$status" -eq 0 ] || [ "$command" = cancel ] || { echo "rota $command: $stderr"; return 1; }
        [ -z "$stderr" ] || [[ $stderr == *'run 1 '*'over'* ]] || [[ $stderr == *'succeeded'* ]]
    done <<'END'
status
status --events
status --why
status --tree
status --joblog
logs
cancel
submit --hold --rerun
dispatch --wait
END
}

@test "machine forms are the same in any language, at any width, without colours and on a terminal" {
    home
    rota dispatch -q
    rota schedule pause -q often >/dev/null # or what is left until it is due would tell the time
    while IFS='|' read -r command words _ forms _; do
        case $command in
        submit | 'schedule tick' | 'schedule backfill') continue ;; # make others each time
        esac
        for form in id tsv json; do
            [[ " $forms " == *" $form "* ]] || continue
            line="rota $command -o $form $words"
            # ages differ by themselves
            mask=(cat)
            [[ $command != monitor* ]] || mask=(sed -E 's/[0-9]+/N/g')
            bash -c "$line" 2>/dev/null | "${mask[@]}" >plain || :
            LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8 COLUMNS=7 LINES=2 NO_COLOR=1 TERM=xterm-256color \
                TZ=Asia/Tokyo bash -c "$line" 2>/dev/null | "${mask[@]}" >other || :
            script -qec "stty cols 20 -onlcr; $line 2>/dev/null" /dev/null </dev/null |
                "${mask[@]}" >terminal || :
            # the zone of an instant of a schedule is the schedule's
            [ "$command" != 'schedule next' ] || cp plain other
            cmp plain other && cmp plain terminal || { echo "$line"; return 1; }
        done
    done < <(table)
}

@test "scripts under set -euo pipefail" {
    home
    run -0 --separate-stderr bash -euo pipefail <<'END'
ids=$(rota status --state failed -o id)
again=$(rota status --state failed -o id | rota submit --rerun -)
test "$ids $again" = '2 4'
rota status -o json "$again" | jq -e '.rerun_of == 2' >/dev/null
rota submit -- true | rota cancel -
rota status --state over -o id | rota status --format '{id} {state}' - | while read -r id state; do
    test "$state" != queued
done
rota status | rota logs -
END
    [ "$output" = $'5\none\ntwo' ]
    run -1 --separate-stderr bash -euo pipefail -c \
        'rota status -q --state lost -o id | rota submit -q --rerun -; echo not reached'
    [ -z "$output" ]
}
