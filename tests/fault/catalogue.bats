#!/usr/bin/env bats
# A catalogue that is missing, locked, read-only or garbage: one message with place and mend, the
# documented exit code, nothing lost.

load ../lib

teardown()
{
    exec 8>&- || :
    chmod -R u+w "$HOME" || :
    rota_teardown
}

# One line on standard error that names the catalogue.
one_message()
{
    [ "${#stderr_lines[@]}" -eq 1 ] || {
        printf '%s\n' "$stderr"
        return 1
    }
    [[ $stderr == *"$ROTA_CATALOGUE"* ]]
}

@test "asking a catalogue that does not exist says what makes one" {
    for command in status 'logs last' 'cancel 1'; do
        # shellcheck disable=SC2086 # words
        run -74 --separate-stderr rota $command
        [ -z "$output" ]
        one_message
        [[ $stderr == *submit* ]]
    done
    [ ! -e "$ROTA_CATALOGUE" ]
}

@test "garbage in place of the catalogue is refused by every command and left as it is" {
    head -c 100000 /dev/urandom >"$ROTA_CATALOGUE"
    cp "$ROTA_CATALOGUE" "$HOME/before"
    for command in 'submit -- true' dispatch status 'logs last' 'cancel 1'; do
        # shellcheck disable=SC2086
        run -74 --separate-stderr rota $command
        one_message
    done
    cmp "$ROTA_CATALOGUE" "$HOME/before"
}

@test "another program's database is refused and left as it is" {
    sqlite3 "$ROTA_CATALOGUE" 'CREATE TABLE t(x); INSERT INTO t VALUES (1)'
    cp "$ROTA_CATALOGUE" "$HOME/before"
    run -74 --separate-stderr rota submit -- true
    one_message
    cmp "$ROTA_CATALOGUE" "$HOME/before"
}

@test "a truncated catalogue is refused" {
    run -0 rota submit -- true
    sqlite3 "$ROTA_CATALOGUE" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
    rm -f "$ROTA_CATALOGUE"-wal "$ROTA_CATALOGUE"-shm
    truncate -s 5000 "$ROTA_CATALOGUE"
    run --separate-stderr rota status
    [ "$status" -eq 74 ]
    one_message
}

@test "a catalogue of a newer rota is refused" {
    run -0 rota submit -- true
    sqlite3 "$ROTA_CATALOGUE" 'PRAGMA user_version = 1000'
    run -78 --separate-stderr rota submit -- true
    one_message
    [[ $stderr == *newer* ]]
    [ "$(sqlite3 "$ROTA_CATALOGUE" 'SELECT count(*) FROM run')" = 1 ]
}

@test "a catalogue that is gone while its output is still there is not made anew" {
    run -0 rota submit -- echo hello
    run -0 rota dispatch
    rm "$ROTA_CATALOGUE"*
    run -74 --separate-stderr rota submit -- true
    one_message
    [ ! -e "$ROTA_CATALOGUE" ]
    # the worker of the lost catalogue left its spool under an unknown name
    find "$ROTA_REAL_HOME/.local/state/rota-worker" -mindepth 1 -maxdepth 1 -type d -newer "$HOME" \
        -empty -delete 2>/dev/null || :
}

@test "a catalogue locked for too long: exit 75, nothing submitted, and it says try again" {
    run -0 rota submit -- true
    # another program holds the write lock as long as it is given no end of input
    mkfifo "$HOME/hold"
    sqlite3 "$ROTA_CATALOGUE" <"$HOME/hold" >"$HOME/held" 3>&- &
    exec 8>"$HOME/hold"
    echo "BEGIN IMMEDIATE; SELECT 'locked';" >&8
    eventually grep -q locked "$HOME/held"
    run -75 --separate-stderr rota submit -- true
    one_message
    [[ $stderr == *again* ]]
    run -0 rota status # readers are not held up
    exec 8>&-
    wait
    [ "$(sqlite3 "$ROTA_CATALOGUE" 'SELECT count(*) FROM run')" = 1 ]
}

@test "a submit that waits for a lock goes through when it is let go" {
    run -0 rota submit -- true
    mkfifo "$HOME/hold"
    sqlite3 "$ROTA_CATALOGUE" <"$HOME/hold" >"$HOME/held" 3>&- &
    exec 8>"$HOME/hold"
    echo "BEGIN IMMEDIATE; SELECT 'locked';" >&8
    eventually grep -q locked "$HOME/held"
    rota submit -- true >"$HOME/id" 3>&- 8>&- &
    submit=$!
    exec 8>&-
    wait "$submit"
    [ "$(cat "$HOME/id")" = 2 ]
}

@test "a catalogue that stays locked: dispatch says so and exits 75" {
    run -0 rota submit -- true
    mkfifo gate
    sqlite3 "$ROTA_CATALOGUE" 'BEGIN IMMEDIATE' '.shell touch locked; read line <gate' 3>&- &
    holder=$!
    eventually test -e locked
    run -75 rota dispatch
    [[ $output == *locked* ]]
    echo go >gate
    wait "$holder"
}

@test "a read-only catalogue can be asked and not written" {
    [ "$(id -u)" -eq 0 ] || skip 'needs root to become somebody else'
    run -0 rota submit -- true
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR" "$HOME"
    chmod 644 "$ROTA_CATALOGUE"*
    run -74 --separate-stderr setpriv --reuid nobody --clear-groups rota submit -- true
    one_message
    [ "$(sqlite3 "$ROTA_CATALOGUE" 'SELECT count(*) FROM run')" = 1 ]
}
