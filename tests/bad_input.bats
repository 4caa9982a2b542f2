#!/usr/bin/env bats
# What is wrong in what was typed is said with its mend, by every command: options, values, names that
# match nothing, a catalogue of another version.
# bats' run sets stderr; what follows || is for both halves of A && B
# shellcheck disable=SC2154,SC2015,SC2030,SC2031

load lib
load usage

# "--state" as one mistypes it: "--sttae".
mistyped()
{
    local name=${1#--}
    printf -- '--%s%s%s%s\n' "${name:0:1}" "${name:2:1}" "${name:1:1}" "${name:3}"
}

@test "every long option of every command is suggested when it is mistyped" {
    local n=0
    while read -r command; do
        read -ra words <<<"$command"
        for option in $(options_of "$command" | grep -e '^--...'); do
            wrong=$(mistyped "$option")
            # the beginning of another one, --form of --format, is that one
            [ "$wrong" != --form ] && [ "$wrong" != "$option" ] || continue
            run --separate-stderr rota "${words[@]}" "$wrong" 1
            [ "$status" -eq 64 ] && [ -z "$output" ] || { echo "rota $command $wrong: $status"; return 1; }
            [[ $stderr == "rota ${words[0]}"*": unknown option '$wrong' (did you mean '$option'?)" ]] ||
                { echo "rota $command $wrong: $stderr"; return 1; }
            n=$((n + 1))
        done
    done < <(list_commands)
    echo "$n options"
    [ "$n" -gt 40 ]
    run -64 rota --hepl
    [ "$output" = "rota: unknown option '--hepl' ('rota' alone lists the commands)" ]
}

@test "a wrong form, and a wrong field in --format and --sort, suggest the near one, in every command" {
    local n=0
    rota submit -- true
    while read -ra words; do
        run --separate-stderr rota "${words[@]}" -o jsno
        [ "$status" -eq 64 ] && [[ $stderr == *": unknown form 'jsno' (did you mean 'json'?)" ]] ||
            { echo "rota ${words[*]} -o jsno: $stderr"; return 1; }
        run -64 --separate-stderr rota "${words[@]}" -o nonsense
        [[ $stderr == *": unknown form 'nonsense' (write "*json*schema')' ]]
        run -0 rota "${words[@]}" -o schema
        field=$(jq -r '[.required[] | select(length > 4)][0] // "verdict"' <<<"$output")
        wrong=${field:1:1}${field:0:1}${field:2}
        for option in --format --sort; do
            options_of "${words[*]}" | grep -qx -e "$option" || continue
            [[ $option != --sort || ${words[*]} != 'status --'[ew]* ]] || continue # has an order
            value=$wrong
            [ "$option" != --format ] || value="{$wrong}"
            run --separate-stderr rota "${words[@]}" "$option" "$value"
            [ "$status" -eq 64 ] && [ -z "$output" ] &&
                [[ $stderr == *": $option: unknown field '$wrong' (did you mean '$field'?)" ]] ||
                { echo "rota ${words[*]} $option $value: $stderr"; return 1; }
            n=$((n + 1))
        done
    done < <(list_forms)
    [ "$n" -ge 12 ]
}

# COMMAND LINE | exit code | what it says, of no matter which program
said_of()
{
    while IFS='|' read -r line code want; do
        read -ra words <<<"$line"
        run --separate-stderr rota "${words[@]}" </dev/null
        [ "$status" -eq "$code" ] && [[ $output != [1-9]* ]] && [[ $stderr == *"$want"* ]] ||
            { echo "rota $line: $status, $output, $stderr"; return 1; }
    done < <(sed -E 's/ +\| +/|/g')
}

@test "a mistyped word suggests the near one" {
    config <<'END'
[worker db1]
transport = exec
command = false
tags = ssd
[alert ops]
on = failed
command = /bin/true
END
    printf 'name: nightly\nschedule: {cron: "0 2 * * *"}\nshell: "true"\n' >n.yaml
    rota schedule add -q n.yaml >/dev/null
    rota submit -- true
    said_of <<'END'
sttaus                                    | 64 | no command 'sttaus' (did you mean 'status'?)
help sttaus                               | 64 | no command 'sttaus' (did you mean 'status'?)
schedule pasue nightly                    | 64 | (did you mean 'pause'?)
schedule tikc                             | 64 | (did you mean 'tick'?)
schedule nigthly                          | 1  | there is no job 'nigthly' (did you mean 'nightly'?)
schedule pause nigthly                    | 1  | (did you mean 'nightly'?)
schedule resume nigthly                   | 1  | (did you mean 'nightly'?)
schedule skip nigthly                     | 1  | (did you mean 'nightly'?)
schedule remove nigthly                   | 1  | (did you mean 'nightly'?)
schedule next nigthly                     | 1  | (did you mean 'nightly'?)
schedule explain nigthly                  | 1  | (did you mean 'nightly'?)
schedule backfill --from -1d --to now nigthly | 1 | (did you mean 'nightly'?)
submit --job nigthly                      | 1  | (did you mean 'nightly'?)
hosts dran db1                            | 64 | (did you mean 'drain'?)
hosts resmue db1                          | 64 | (did you mean 'resume'?)
hosts bd1                                 | 1  | no worker 'bd1' in rota.ini (did you mean 'db1'?)
hosts drain bd1                           | 1  | (did you mean 'db1'?)
hosts resume bd1                          | 1  | (did you mean 'db1'?)
monitor docter                            | 64 | (did you mean 'doctor'?)
monitor metric                            | 64 | (did you mean 'metrics'?)
monitor doctor bd1                        | 1  | (did you mean 'db1'?)
monitor check --test osp                  | 64 | (did you mean 'ops'?)
catalogue chekc                           | 64 | (did you mean 'check'?)
submit --host bd1 -- true                 | 65 | (did you mean 'db1'?)
submit --tag sds -- true                  | 65 | (did you mean 'ssd'?)
submit --after 1:suceeded -- true         | 64 | (did you mean 'succeeded'?)
status --state faield                     | 64 | unknown state 'faield' (did you mean 'failed'?)
status --tree --state faield              | 64 | (did you mean 'failed'?)
status --joblog --state faield            | 64 | (did you mean 'failed'?)
cancel --state queued,runing              | 64 | (did you mean 'running'?)
status --occurrences --outcome mised      | 64 | (did you mean 'missed'?)
status --tag sds                          | 1  | (did you mean 'ssd'?)
cancel --tag sds                          | 1  | (did you mean 'ssd'?)
cancel --signal TREM 1                    | 64 | (did you mean 'TERM'?)
END
}

# -1 is what programs like to mean "not said" by.
@test "a number that an option does not take is refused, -1 too" {
    rota submit -- true
    said_of <<'END'
status --limit -1                     | 64 | --limit wants a number from 0 (all)
status --limit -2                     | 64 | --limit wants a number from 0 (all)
status --joblog --limit -1            | 64 | --limit wants a number from 0 (all)
status --array -1                     | 64 | --array wants the id of one of its runs, or 'last', not '-1'
status --array 0                      | 64 | --array wants the id of one of its runs, or 'last', not '0'
cancel --array 1-9                    | 64 | --array wants the id of one of its runs, or 'last', not '1-9'
cancel --array 1,9                    | 64 | --array wants the id of one of its runs, or 'last', not '1,9'
status --workflow -1                  | 64 | --workflow wants the id of one of its runs, or 'last', not '-1'
cancel --workflow 1-2                 | 64 | --workflow wants the id of one of its runs, or 'last', not '1-2'
logs --attempt -1 1                   | 64 | --attempt wants a number from 1
submit --slots -1 -- true             | 64 | --slots wants a number from 1 to 10000
submit --at-once -1 -- true           | 64 | --at-once and --stop-after want a number from 1
submit --stop-after -1 -- true        | 64 | --at-once and --stop-after want a number from 1
schedule next -n -1 --cron @daily     | 64 | -n wants a number from 1
END
}

@test "what narrows runs is refused where it would narrow nothing" {
    rota submit -- true
    for option in '--state failed' '--host local' '--tag a' '--array 1' '--workflow 1' '--limit 1'; do
        said_of <<END
status --occurrences $option      | 64 | are for runs; --occurrences knows --outcome
status --events $option 1         | 64 | --events takes ids
status --why $option 1            | 64 | --why takes ids
END
    done
}

@test "a selector that matches nothing says so on standard error, in every form, with exit code 1" {
    printf 'name: nightly\nschedule: {cron: "0 2 * * *"}\nshell: "true"\n' >n.yaml
    rota schedule add -q n.yaml >/dev/null
    rota submit -- true
    said_of <<'END'
status --state lost                | 1 | no run matches
status --state lost -o id          | 1 | no run matches
status --state lost -o json        | 1 | no run matches
status --job nope -o tsv           | 1 | no run matches
status --job nope --format {id}    | 1 | no run matches
status --host nope --sort id       | 1 | no run matches
status --tag nope                  | 1 | no host has the tag 'nope'
status --array 99                  | 1 | there is no run 99
status --workflow 99               | 1 | there is no run 99
status 99                          | 1 | there is no run 99
status --tree 99                   | 1 | there is no run 99
status 98-99                       | 1 | there is no run from 98 to 99
status --events 99                 | 1 | there is no run 99
status --why 99 -o json            | 1 | there is no run 99
status --tree --job nope           | 1 | no run matches
status --joblog --job nope         | 1 | no run that has ended matches
status --occurrences               | 1 | no occurrence matches
status --occurrences nope -o json  | 1 | no occurrence matches
logs 99                            | 1 | there is no run 99
cancel 99                          | 1 | there is no run 99
cancel --state lost                | 1 | no run matches
cancel --job nope                  | 1 | no run matches
cancel -n --job nope               | 1 | no run matches
cancel --workflow 99               | 1 | there is no run 99
submit --rerun 99                  | 1 | there is no run 99
submit --after 99 -- true          | 1 | there is no run 99
submit --job nope                  | 1 | there is no job 'nope'
dispatch --wait 99                 | 1 | there is no run 99
hosts nope                         | 1 | no worker 'nope'
hosts drain nope                   | 1 | no worker 'nope'
monitor doctor nope                | 1 | no worker 'nope'
schedule nope                      | 1 | there is no job 'nope'
schedule pause nope                | 1 | there is no job 'nope'
schedule resume nope               | 1 | there is no job 'nope'
schedule skip nope                 | 1 | there is no job 'nope'
schedule remove nope               | 1 | there is no job 'nope'
schedule next nope                 | 1 | there is no job 'nope'
schedule explain nope              | 1 | there is no job 'nope'
schedule backfill --from -1d --to now nope | 1 | there is no job 'nope'
END
    run -1 --separate-stderr rota status -q --state lost -o id
    [ -z "$stderr" ]
}

@test "a newer catalogue: every program says what to do, with exit code 78, and leaves it alone" {
    local want="was written by a newer rota (schema 99, this program knows "
    rota submit -- true
    sqlite3 "$ROTA_CATALOGUE" 'PRAGMA user_version = 99'
    sqlite3 "$ROTA_CATALOGUE" .dump >before
    while read -ra words; do
        run --separate-stderr rota "${words[@]}" </dev/null
        [ "$status" -eq 78 ] && [ -z "$output" ] &&
            [[ $stderr == "rota ${words[0]}: the catalogue $ROTA_CATALOGUE $want"*'): upgrade rota' ]] ||
            { echo "rota ${words[*]}: $status, $stderr"; return 1; }
    done <<'END'
submit -- true
submit --rerun 1
status
status --events 1
status --why 1
status --tree
status --joblog
status --occurrences
logs 1
cancel 1
hosts
hosts drain local
schedule
schedule tick
schedule next x
schedule pause x
schedule backfill --from -1d --to now x
dispatch
dispatch --once
dispatch --wait 1
monitor
monitor check
monitor metrics
monitor board --output board
catalogue check
catalogue backup copy.db
catalogue prune
END
    # the doctor's finding is one of others
    run -1 --separate-stderr rota monitor doctor
    [[ $output == *"trouble the catalogue $ROTA_CATALOGUE $want"*'upgrade rota'* ]]
    # nothing amid what is being typed
    run -0 --separate-stderr rota complete -- status ''
    [ -z "$stderr" ]
    sqlite3 "$ROTA_CATALOGUE" .dump | cmp before -
    [ ! -e copy.db ]
}

@test "a job cannot have one instant twice: the catalogue refuses, and ticks that meet make one" {
    printf 'name: often\nschedule: {cron: "17 * * * *", catch_up: all}\nshell: "true"\n' >often.yaml
    rota schedule add -q often.yaml >/dev/null
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE job SET next_at = next_at - 36000000'
    due=$(sqlite3 "$ROTA_CATALOGUE" 'SELECT next_at FROM job')
    [ "$(rota schedule tick | wc -l)" -eq 10 ]
    rota schedule tick >/dev/null
    sqlite3 "$ROTA_CATALOGUE" .dump >before
    run sqlite3 "$ROTA_CATALOGUE" "INSERT INTO occurrence (job, due_at, outcome, recorded_at)
        VALUES ('often', $due, 1, 1)"
    [ "$status" -ne 0 ]
    [[ $output == *'UNIQUE constraint failed: occurrence.job, occurrence.due_at'* ]]
    # another job may be due at that instant
    sqlite3 "$ROTA_CATALOGUE" "INSERT INTO occurrence (job, due_at, outcome, recorded_at)
        VALUES ('other', $due, 1, 1); DELETE FROM occurrence WHERE job = 'other'"
    # two that tick from the same instant on: as if the one had read before the other wrote
    sqlite3 "$ROTA_CATALOGUE" "UPDATE job SET next_at = $due"
    [ -z "$(rota schedule tick)" ]
    [ "$(sqlite3 "$ROTA_CATALOGUE" 'SELECT count(*), count(DISTINCT due_at) FROM occurrence')" = '10|10' ]
    [ "$(rota status --job often -o id | wc -l)" -eq 10 ]
}
