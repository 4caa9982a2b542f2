#!/usr/bin/env bats
# rota catalogue check, backup: whether the catalogue is whole, and a copy that can be put back.
# shellcheck disable=SC2154 # output, stderr and status are set by bats' run

load lib

some_runs()
{
    rota submit -q -- sh -c 'echo out; echo err >&2'
    rota submit -q -- false
    rota submit -q --hold -- true
    rota dispatch
}

change()
{
    sqlite3 "$ROTA_CATALOGUE" "$1"
}

# The faults that check finds, place and what, after a change; and what makes it good again.
finds()
{
    change "$1"
    run -1 rota catalogue check -o tsv
    [[ $output == *"$2"*$'\t'*"$3"* ]] || { echo "$output"; return 1; }
    change "$4"
    run -0 rota catalogue check -q
}

@test "a catalogue in order is ok, in all forms of output" {
    some_runs
    run -0 rota catalogue check
    [ "$output" = 'ok: 2 runs that ran and are over, 2 files of output' ]
    run -0 rota catalogue check -q
    [ -z "$output" ]
    run -0 rota catalogue check -o json
    [ -z "$output" ]
}

# As root reads what is closed, a loop stands for what others may not look into.
@test "check does not take output that it cannot look at for lost" {
    some_runs
    rm -r "$HOME/output/0"
    ln -s 0 "$HOME/output/0"
    run -74 --separate-stderr rota catalogue check -o tsv
    [[ $stderr == *"cannot look at $HOME/output/0/1.1.out: "* ]]
    [ -z "$output" ]
    rm "$HOME/output/0"
    run -1 rota catalogue check -o tsv
    [[ $output == *'1.1.out'*'is missing: run 1 left 4 bytes there'* ]]
}

@test "check tells each invariant that does not hold: place, what, mend" {
    some_runs
    finds 'UPDATE run SET exit_code = NULL WHERE id = 1' 'run 1' 'nothing is known of its exit code' \
        'UPDATE run SET exit_code = 0 WHERE id = 1'
    finds 'UPDATE run SET state = 5 WHERE id = 2' 'run 2' 'attempt 1 is not open' \
        'UPDATE run SET state = 7 WHERE id = 2'
    finds 'UPDATE attempt SET state = NULL WHERE run = 2' 'run 2' 'not both' \
        'UPDATE attempt SET state = 7 WHERE run = 2'
    finds 'INSERT INTO settling VALUES (1)' 'run 1' 'was not told' 'DELETE FROM settling'
    finds 'INSERT INTO team VALUES (1, 0, 1, 0, 0, 0)' 'group 1' 'counted were 1' 'DELETE FROM team'
    finds "INSERT INTO occurrence VALUES (9, 'j', 1, 1, NULL, 1)" 'occurrence 9' 'no runs' \
        'DELETE FROM occurrence'
    finds 'UPDATE run SET state = 2 WHERE id = 3' 'run 3' 'nothing will let it go' \
        'UPDATE run SET state = 1 WHERE id = 3'
    finds 'DROP INDEX run_job' 'index run_job' 'is missing' 'CREATE INDEX run_job ON run (job)'
    finds 'CREATE TABLE mine (x)' 'table mine' "none of rota's" 'DROP TABLE mine'
    change 'UPDATE run SET finished_at = NULL WHERE id = 1'
    run -1 rota catalogue check -o json
    [ "$(json '.place, (.mend | length > 0)' | head -2)" = $'run 1\ntrue' ]
}

@test "check tells output that is missing or short, and files that no run owns" {
    some_runs
    out=$HOME/output/0
    mv "$out/1.1.out" kept
    run -1 rota catalogue check -o tsv
    [[ $output == *"$out/1.1.out"$'\t''is missing: run 1 left 4 bytes there'* ]]
    head -c 2 kept >"$out/1.1.out"
    run -1 rota catalogue check -o tsv
    [[ $output == *'has 2 bytes of the 4'* ]]
    cp kept "$out/1.1.out"
    cp kept "$out/7.1.out"
    cp kept "$out/1.2.out"
    run -1 rota catalogue check -o tsv
    [ "$(grep -c 'belongs to no run' <<<"$output")" = 2 ]
    [[ $output == *"$out/7.1.out"* && $output == *"$out/1.2.out"* ]]
    rm "$out/7.1.out" "$out/1.2.out"
    rota catalogue check -q
}

@test "check tells a damaged file, and one that is none is exit 74" {
    some_runs
    change 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
    rm -f "$ROTA_CATALOGUE"-{wal,shm}
    # the page of an index: the tables can still be read
    page=$(sqlite3 "$ROTA_CATALOGUE" "SELECT rootpage FROM sqlite_schema WHERE name = 'run_job'")
    dd if=/dev/zero of="$ROTA_CATALOGUE" bs=4096 seek=$((page - 1)) count=1 conv=notrunc status=none
    run -1 rota catalogue check -o tsv
    [[ $output == *catalogue* ]]
    head -c 8192 /dev/zero >"$ROTA_CATALOGUE"
    run -74 rota catalogue check
    [[ $output == *"$ROTA_CATALOGUE"* ]]
}

@test "a backup is whole, private, and can be put back and taken over" {
    some_runs
    umask 000
    rota catalogue backup copy.db
    [ "$(stat -c %a copy.db)" = 660 ]
    [ ! -e copy.db.part ]
    [ ! -e copy.db-wal ]
    rota submit -q -- true
    rm "$ROTA_CATALOGUE" "$ROTA_CATALOGUE"-{wal,shm}
    cp -p copy.db "$ROTA_CATALOGUE"
    rota catalogue check -q
    rota dispatch --take-over --once
    run -0 rota status --format '{id} {state}'
    [ "$output" = $'1 succeeded\n2 failed\n3 held' ]
}

@test "a backup is for the group of the catalogue, and for no other" {
    some_runs
    # one that new files do not have; only root may name any
    group=$(id -G | awk '{ print $NF }')
    [ "$(id -u)" != 0 ] || group=1
    chgrp "$group" "$ROTA_CATALOGUE"
    rota catalogue backup copy.db
    [ "$(stat -c '%a %g' copy.db)" = "660 $group" ]
    run -0 strace -qq -o /dev/null -e trace=fchown -e inject=fchown:error=EPERM rota catalogue backup copy.db
    [ "$(stat -c %a copy.db)" = 600 ]
}

@test "a backup replaces the one before, and nothing else" {
    some_runs
    rota catalogue backup copy.db
    first=$(stat -c %i copy.db)
    rota catalogue backup copy.db
    [ "$(stat -c %i copy.db)" != "$first" ]
    echo precious >letter
    run -64 rota catalogue backup letter
    [[ $output == *'letter is there and no backup'* ]]
    [ "$(cat letter)" = precious ]
    sqlite3 other.db 'CREATE TABLE t (x)'
    run -64 rota catalogue backup other.db
    run -64 rota catalogue backup "$ROTA_CATALOGUE"
    ln "$ROTA_CATALOGUE" link.db
    run -64 rota catalogue backup link.db
    [[ $output == *'the catalogue itself'* ]]
    change 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
    touch "$ROTA_CATALOGUE-wal"
    run -64 rota catalogue backup "$ROTA_CATALOGUE-wal"
    [[ $output == *'a part of it'* ]]
    run -64 rota catalogue backup "$HOME"
    [[ $output == *directory* ]]
    # what looks like a catalogue in use
    cp copy.db used.db
    touch used.db-wal
    run -64 rota catalogue backup used.db
    [[ $output == *'used.db-wal is there'* ]]
    [ ! -e letter.part ]
}

@test "a backup to standard output is the same file" {
    some_runs
    mkdir tmp
    TMPDIR=$PWD/tmp rota catalogue backup - >copy.db
    [ -z "$(ls -A tmp)" ]
    [ "$(sqlite3 copy.db 'PRAGMA integrity_check; SELECT count(*) FROM run')" = $'ok\n3' ]
    run -74 bash -c 'rota catalogue backup - >/dev/full'
}

@test "what is missing or wrong on the command line is exit 64" {
    some_runs
    run -64 rota catalogue
    [[ $output == *'check, backup FILE or prune'* ]]
    run -64 rota catalogue chek
    [[ $output == *"did you mean 'check'"* ]]
    run -64 rota catalogue backup
    run -64 rota catalogue backup a b
    run -64 rota catalogue check x
    run -64 rota catalogue prune --older-than soon
    [[ $output == *"--older-than: 'soon' is no duration"* ]]
    run -74 env ROTA_CATALOGUE="$HOME/none.db" rota catalogue backup copy.db
    [ ! -e copy.db.part ]
}
