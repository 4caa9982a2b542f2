#!/usr/bin/env bats
# rota catalogue backup under faults: FILE is always a whole backup, of one moment.
# shellcheck disable=SC2016,SC2154 # $ is for the job's shell; output and status are set by bats' run

load ../lib
load ../dispatcher
load witness

# The copy is whole and says nothing that cannot be; its runs have left no output.
is_whole()
{
    mkdir -p "$HOME/other"
    rm -f "$HOME"/other/*
    cp "$1" "$HOME/other/catalogue.db"
    ROTA_CATALOGUE=$HOME/other/catalogue.db rota catalogue check -q
}

some_runs()
{
    for _ in 1 2 3 4 5; do
        rota submit -q -- true
    done
    rota dispatch
}

# A backup that differs from what the catalogue says now.
old_backup()
{
    some_runs
    rota catalogue backup copy.db
    old=$(sha256sum <copy.db)
    rota submit -q -- false
}

@test "a backup under load is one moment" {
    local n=0 first last
    local_workers a b
    # with one line that dispatches without end: a chain, whose runs, needs and groups change together
    printf 'name: a\narray: 0-149\nshell: true\n---\nname: b\nafter: [{job: a, is: finished}]\nshell: true\n' |
        rota submit -q - >/dev/null
    printf 'name: c\narray: 0-149\nshell: "exit $((ROTA_INDEX %% 2))"\nretry: {attempts: 2}\n' | rota submit -q - >/dev/null
    dispatcher_starts
    while process_lives "$dispatcher"; do
        n=$((n + 1))
        rota catalogue backup "copy$n.db"
    done
    dispatcher_ends
    [ "$n" -ge 3 ]
    for ((i = 1; i <= n; i++)); do
        is_whole "copy$i.db"
    done
    # they were made while it worked, not before or after
    first=$(sqlite3 copy1.db 'SELECT count(*) FROM run WHERE state >= 6')
    last=$(sqlite3 "$ROTA_CATALOGUE" 'SELECT count(*) FROM run WHERE state >= 6')
    ((first < last))
    rota catalogue check -q
    witness_holds
}

@test "a backup does not wait for who holds the write lock" {
    some_runs
    coproc writer { sqlite3 "$ROTA_CATALOGUE" 2>&1; }
    echo 'BEGIN IMMEDIATE; UPDATE run SET priority = 7; SELECT 1;' >&"${writer[1]}"
    read -r _ <&"${writer[0]}"
    timeout 5 rota catalogue backup copy.db
    echo 'ROLLBACK;' >&"${writer[1]}"
    eval "exec ${writer[1]}>&-"
    wait "$writer_PID"
    [ "$(sqlite3 copy.db 'SELECT DISTINCT priority FROM run')" = 0 ]
}

@test "kill -9 of a backup at each system call that writes leaves the old backup whole, or the new one" {
    local calls='openat,fchmod,ftruncate,pwrite64,fsync,fdatasync,rename,close' call count n news=0
    old_backup
    strace -qq -o trace -e "trace=$calls" rota catalogue backup copy.db
    sqlite3 "$ROTA_CATALOGUE" 'SELECT count(*) FROM run' >want
    for call in ${calls//,/ }; do
        count=$(grep -c "^$call(" trace || :)
        # pages are all alike
        for ((n = 1; n <= count; n += 1 + (n > 8) * count / 8)); do
            cp copy.db before.db
            rota submit -q --hold -- true
            run -137 strace -qq -o /dev/null -e "trace=$call" -e "inject=$call:signal=KILL:when=$n" \
                rota catalogue backup copy.db
            cmp -s copy.db before.db || news=$((news + 1))
            is_whole copy.db
        done
    done
    [ "$news" -ge 1 ] # what was killed after the rename
    # what was left is no obstacle
    rota catalogue backup copy.db
    [ ! -e copy.db.part ]
    is_whole copy.db
}

@test "disk full while backing up: exit 74, the old backup stays, nothing is left" {
    old_backup
    for n in 1 2 20; do
        run -74 strace -qq -o /dev/null -P "$PWD/copy.db.part" -e trace=pwrite64 \
            -e "inject=pwrite64:error=ENOSPC:when=$n+" rota catalogue backup copy.db
        [[ $output == *copy.db.part* ]]
        [ "$(sha256sum <copy.db)" = "$old" ]
        [ ! -e copy.db.part ]
    done
}

@test "EIO on fsync, or on the rename, while backing up: exit 74, the old backup stays" {
    old_backup
    for call in fsync rename fchmod; do
        run -74 strace -qq -o /dev/null -e trace=$call -e "inject=$call:error=EIO:when=1+" \
            rota catalogue backup copy.db
        [ "$(sha256sum <copy.db)" = "$old" ]
        [ ! -e copy.db.part ]
    done
}

@test "two backups to one file at once: one is made, the other says so with exit 75" {
    old_backup
    exec {held}>>copy.db.part
    flock -x "$held"
    run -75 rota catalogue backup copy.db
    [[ $output == *'another backup writes copy.db.part'* ]]
    [ "$(sha256sum <copy.db)" = "$old" ]
    [ -e copy.db.part ]
    exec {held}>&-
    rota catalogue backup copy.db
}

@test "a damaged catalogue replaces no good backup" {
    old_backup
    sqlite3 "$ROTA_CATALOGUE" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
    rm -f "$ROTA_CATALOGUE"-{wal,shm}
    page=$(sqlite3 "$ROTA_CATALOGUE" "SELECT rootpage FROM sqlite_schema WHERE name = 'attempt'")
    dd if=/dev/urandom of="$ROTA_CATALOGUE" bs=4096 seek=$((page - 1)) count=1 conv=notrunc status=none
    run -74 rota catalogue backup copy.db
    [[ $output == *'rota catalogue check'* ]]
    [ "$(sha256sum <copy.db)" = "$old" ]
}
