#!/usr/bin/env bats
# -o schema: what machines are promised of each record, held against records that are real.

load lib
load examples
load usage

# schema COMMAND…: into a file, whose name it prints.
schema()
{
    local file="$BATS_TEST_TMPDIR/schema $*"
    rota "$@" -o schema >"$file"
    printf '%s\n' "$file"
}

schemas()
{
    /usr/bin/python3 "$ROTA_TOP/tests/schemas.py" "$@"
}

# Records on standard input are as COMMAND… promises, and there is at least one.
valid()
{
    run -0 schemas check "$(schema "$@")"
    [ "$output" -gt 0 ] || { echo "no record of $*"; return 1; }
}

@test "every command that has a form has a schema, which needs nothing and makes nothing" {
    list_forms >forms
    [ "$(wc -l <forms)" -ge 14 ]
    while read -ra words; do
        run -0 --separate-stderr rota "${words[@]}" -o schema </dev/null
        # shellcheck disable=SC2154 # set by bats' run
        [ -z "$stderr" ]
        [ "${#lines[@]}" -eq 1 ]
        [[ $(jq -r '."$id"' <<<"$output") =~ ^rota:[a-z-]+:[0-9]+$ ]]
    done <forms
    run -0 find "$HOME" -mindepth 1
    [ -z "$output" ]
}

# Those of submit and of what makes runs are told where runs are listed.
@test "each field has its words in the manual" {
    list_forms >forms
    while read -ra words; do
        page=${words[0]}
        [[ ${words[*]} != submit && ${words[*]} != schedule\ [tb]* ]] || page=status
        sed -nE 's/^\.(It )?(Cm|Va) //p' "$ROTA_TOP/man/rota-$page.1" | grep -o '[^ ,]*' >told
        for field in $(rota "${words[@]}" -o schema | jq -r '.required[]'); do
            grep -qx "$field" told || { echo "rota ${words[*]}: rota-$page(1) has no $field"; return 1; }
        done
    done <forms
}

@test "to ask for a schema changes nothing" {
    examples_home
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE job SET next_at = 1'
    rota schedule add -q jobs >/dev/null
    sqlite3 "$ROTA_CATALOGUE" .dump >before
    rota submit -o schema -- true >/dev/null
    rota submit -o schema nightly.yaml >/dev/null
    rota schedule tick -o schema >/dev/null
    rota schedule backfill -o schema --from -3d --to now nightly-backup >/dev/null
    rota catalogue prune -o schema --older-than 0s >/dev/null
    sqlite3 "$ROTA_CATALOGUE" .dump | diff before -
}

@test "fields only grow: those of each version are kept in tests/schemas" {
    mkdir now
    list_forms >forms
    while read -ra words; do
        rota "${words[@]}" -o schema | schemas fields now
    done <forms
    for file in "$ROTA_TOP"/tests/schemas/*; do
        name=${file##*/}
        [ -f "now/$name" ] || { echo "the record $name is gone"; return 1; }
        # in their order, since tsv has no other promise: the first lines of what there is now
        head -n "$(wc -l <"$file")" "now/$name" | diff "$file" - ||
            { echo "$name: a field went, moved or has another type"; return 1; }
    done
    for file in now/*; do
        cmp "$file" "$ROTA_TOP/tests/schemas/${file#now/}" ||
            { echo "keep the new fields in tests/schemas/${file#now/}"; return 1; }
    done
}

@test "the fields of a schema are those of tsv and of --format, and runs have those of v_runs" {
    examples_home
    rota dispatch -q
    rm -r output # for catalogue check to have something to say
    while read -r words; do
        read -ra command <<<"$words"
        run -0 jq -r '.required[]' "$(schema "${command[@]}")"
        printf '%s\n' "${lines[@]}" >fields
        run --separate-stderr rota "${command[@]}" -o tsv
        [ "${lines[0]}" = "$(paste -s fields)" ] || { echo "$words: ${lines[0]}"; return 1; }
        case $words in
        'schedule next'* | 'monitor doctor'*) ;; # have no --format
        *)
            while read -r field; do
                run rota "${command[@]}" --format "<{$field}>"
                [ "$status" -lt 64 ]
            done <fields
            ;;
        esac
    done <<'END'
status
status --events 1
status --why 1
status --occurrences
schedule
schedule next nightly-backup
hosts
monitor doctor
catalogue check
catalogue prune -n --older-than 0s
END
    # those that rota-catalogue(5) says are named otherwise, and what is for SQL only
    jq -r '.required[]' "$(schema status)" |
        sed 's/^utime$/user_time/; s/^stime$/system_time/; s/^maxrss$/&_kb/' | sort >fields
    sqlite3 "$ROTA_CATALOGUE" "SELECT name FROM pragma_table_info('v_runs')" |
        grep -vxE 'spec|unmet' | sort | diff fields -
}

@test "real records are as their schemas promise" {
    examples_home
    rota status -o json | valid status
    rota status -o id | rota status --why -o json - | valid status --why
    rota submit -o json --hold -- true | valid submit
    rota dispatch -q
    examples_history
    rota monitor check >/dev/null || :
    rota hosts drain -q db4 'new disk' >/dev/null
    rota schedule pause -q --reason holidays nightly-report >/dev/null
    # each state, whatever the history was
    state=0
    for id in $(rota status -o id --limit 10); do
        state=$((state + 1))
        sqlite3 "$ROTA_CATALOGUE" "UPDATE run SET state = $state,
            finished_at = iif($state > 5, coalesce(finished_at, 1000), NULL) WHERE id = $id"
    done
    rota status -o json >runs
    [ "$(jq -r .state runs | sort -u | wc -l)" -eq 10 ]
    valid status <runs
    rota status --events -o json last,1-22 | valid status --events
    rota status --occurrences --since -3d -o json | valid status --occurrences
    rota schedule -o json | valid schedule
    rota schedule next -o json nightly-backup | valid schedule next
    rota schedule next -o json --cron '30 2 * * *' --timezone Europe/Berlin --from 2026-03-28 |
        valid schedule next
    rota schedule backfill --from -3d --to -1d -o json nightly-backup | valid schedule backfill
    rota hosts -o json | valid hosts
    rota monitor doctor -v -o json | valid monitor doctor
    rota monitor -o json >health || :
    valid monitor <health
    [ "$(jq '.alerts + .failing + .troubles | length' health)" -gt 2 ]
    rota catalogue check -o json | valid catalogue check
    rota catalogue prune -n --older-than 0s -o json | valid catalogue prune
    sqlite3 "$ROTA_CATALOGUE" "UPDATE job SET next_at = next_at - 3 * 86400000"
    rota schedule tick -o json | valid schedule tick
}

@test "a record that is not as promised is refused" {
    examples_home
    rota dispatch -q
    for command in status hosts schedule 'status --events 1' 'status --why 1' monitor; do
        read -ra words <<<"$command"
        rota "${words[@]}" -o json | head -1 >record || :
        run -0 schemas refuse "$(schema "${words[@]}")" <record
        [ -z "$output" ]
    done
}
