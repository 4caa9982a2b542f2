#!/usr/bin/env bats
# Catalogues of earlier versions, as these wrote them (tests/catalogues), are taken along.

load lib
load dispatcher

setup()
{
    rota_setup
}

# What the catalogue at PATH is made of: tables, indices, views and triggers, with their columns.
anatomy()
{
    sqlite3 "$1" "SELECT m.type, m.name, coalesce(group_concat(c.name), '') FROM sqlite_master AS m
        LEFT JOIN pragma_table_xinfo(m.name) AS c GROUP BY m.type, m.name ORDER BY 1, 2"
}

@test "a catalogue of each version before becomes what a new one is, and loses nothing" {
    local file want n=0
    mkdir new
    ROTA_CATALOGUE=$PWD/new/catalogue.db rota submit -q -- true
    run -0 anatomy new/catalogue.db
    want=$output
    for file in "$BATS_TEST_DIRNAME"/catalogues/schema_*.sql; do
        n=$((n + 1))
        mkdir "old$n"
        export ROTA_CATALOGUE=$PWD/old$n/catalogue.db
        sqlite3 "$ROTA_CATALOGUE" "PRAGMA journal_mode = WAL" ".read $file" >/dev/null
        run -0 rota submit -- true
        [ "$output" = 3 ]
        run -0 rota status --format '{id} {job} {state}'
        [ "$output" = $'1 nightly succeeded\n2 nightly queued\n3 true queued' ]
        [ "$(rota schedule -q -o id)" = "$([ "$n" = 1 ] || echo nightly)" ]
        run -0 sqlite3 "$ROTA_CATALOGUE" 'PRAGMA integrity_check; PRAGMA foreign_key_check'
        [ "$output" = ok ]
        run -0 anatomy "$ROTA_CATALOGUE"
        [ "$output" = "$want" ]
    done
    # no version is without its test: the newest file is of the version before this one
    [ "$(sqlite3 "$ROTA_CATALOGUE" 'PRAGMA user_version')" = $((n + 1)) ]
}

@test "tests/catalogues/next writes what the next version is tested with" {
    cp -r "$BATS_TEST_DIRNAME/catalogues" here
    run -0 here/next "$ROTA_BUILD_DIR"
    file=$output
    sqlite3 "$ROTA_CATALOGUE" "PRAGMA journal_mode = WAL" ".read here/$file" >/dev/null
    [ "$file" = "schema_$(sqlite3 "$ROTA_CATALOGUE" 'PRAGMA user_version').sql" ]
    [ "$(rota status --format '{id} {job} {state}')" = $'1 nightly succeeded\n2 nightly queued' ]
    run -0 rota submit -- true
    [ "$output" = 3 ]
    run -1 here/next "$ROTA_BUILD_DIR"
    [[ $output == *'it is there already' ]]
}

is_gone()
{
    ! process_lives "$1"
}

# A dispatcher that stays, and what a newer rota does to the catalogue beside it.
migrated_beside()
{
    rota dispatch --stay 2>err 3>&- &
    local pid=$! rc=0
    "$@"
    sqlite3 "$ROTA_CATALOGUE" 'PRAGMA user_version = 99'
    eventually_within 60 is_gone "$pid"
    wait "$pid" || rc=$?
    # it is started again by whoever keeps it, with the new program
    [ "$rc" -eq 75 ]
    [ "$(cat err)" = "rota dispatch: a newer rota has brought the catalogue $ROTA_CATALOGUE to its schema: \
start the dispatcher of that one" ]
    [ "$(sqlite3 "$ROTA_CATALOGUE" 'PRAGMA user_version')" = 99 ]
}

@test "a dispatcher leaves a catalogue that a newer rota brings to its schema, and its runs to the next one" {
    local schema
    rota submit -q -- true
    schema=$(sqlite3 "$ROTA_CATALOGUE" 'PRAGMA user_version')
    migrated_beside eventually is_state 1 succeeded
    # ours again: the next one finds nobody who holds it
    sqlite3 "$ROTA_CATALOGUE" "PRAGMA user_version = $schema"
    mkfifo go
    rota submit -q -- cat "$PWD/go"
    migrated_beside eventually is_state 2 running
    sqlite3 "$ROTA_CATALOGUE" "PRAGMA user_version = $schema"
    : >go
    run -0 rota dispatch
    is_state 2 succeeded
    [ "$(rota status --events --format '{event}' 2 | grep -c '^started$')" -eq 1 ]
}
