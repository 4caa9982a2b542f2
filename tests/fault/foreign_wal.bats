#!/usr/bin/env bats
# A -wal that is not of the catalogue beside it: SQLite would play it back. It is refused, and never is one
# that belongs there.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # for eval; n is of its test; stderr is set by bats' run

load ../lib
load witness
load sweep

# What was submitted: $n runs.
n=0

submitted()
{
    rota submit -q --hold -- true >/dev/null
    n=$((n + 1))
}

# All of the -wal is in the file, and it is begun anew, as dispatch leaves it.
copied()
{
    config <<<$'[worker w]\ntransport = local'
    rota submit -q -- true >/dev/null
    n=$((n + 1))
    rota dispatch -q
}

# Every command says so, and changes neither the file nor the -wal.
is_refused()
{
    local command
    sha256sum "$ROTA_CATALOGUE" "$ROTA_CATALOGUE-wal" >before
    for command in status 'submit -- true' dispatch 'dispatch --take-over' 'cancel 1' 'schedule tick' \
        'catalogue check' 'catalogue backup refused.db'; do
        # shellcheck disable=SC2086 # words
        run -74 --separate-stderr rota $command
        [ -z "$output" ]
        [[ $stderr == *"$ROTA_CATALOGUE-wal is not of this catalogue"*"$ROTA_CATALOGUE-shm away"*--take-over* ]]
        sha256sum --quiet -c before
    done
    [ ! -e refused.db ]
}

# $n runs, and no complaint.
all_there()
{
    rota catalogue check -q
    [ "$(sqlite3 "file:$ROTA_CATALOGUE?mode=ro" 'SELECT count(*) FROM run')" -eq "$n" ]
}

# What the message says is the mend; then there are N runs.
mended()
{
    n=$1
    mkdir -p aside
    mv "$ROTA_CATALOGUE"-{wal,shm} aside
    config <<<$'[worker w]\ntransport = local'
    run -0 rota dispatch --take-over
    all_there
    submitted
    all_there
}

# A catalogue of N runs in a directory of its own, closed.
other()
{
    local i
    mkdir -p "$1"
    for ((i = 0; i < $2; i++)); do
        ROTA_CATALOGUE=$PWD/$1/catalogue.db submitted
    done
}

@test "the -wal of another catalogue is refused and left as it is" {
    other one 3
    submitted
    submitted
    rm -f "$ROTA_CATALOGUE"-*
    cp one/catalogue.db-wal "$ROTA_CATALOGUE-wal"
    is_refused
    mended 0 # both were only in the -wal that was taken away
}

@test "the -wal of another catalogue is refused before an older one is migrated" {
    other one 3
    # meta was the first table, and so has the page of the other's
    {
        echo 'PRAGMA journal_mode = WAL;'
        grep '^CREATE TABLE meta' "$ROTA_TOP/tests/catalogues/schema_4.sql"
        grep -v '^CREATE TABLE meta' "$ROTA_TOP/tests/catalogues/schema_4.sql"
    } | sqlite3 -bail "$ROTA_CATALOGUE" >/dev/null
    rm -f "$ROTA_CATALOGUE"-*
    cp one/catalogue.db-wal "$ROTA_CATALOGUE-wal"
    is_refused
}

@test "a backup restored beside the old -wal is refused, and works once the -wal is gone" {
    submitted
    rota catalogue backup copy.db
    sqlite3 "file:$ROTA_CATALOGUE?mode=ro" ".backup $PWD/plain.db"
    copied
    copied
    submitted
    for copy in plain.db copy.db; do
        cp "$copy" "$ROTA_CATALOGUE"
        is_refused
    done
    mended 1
}

@test "a backup restored beside the old -wal, taken in the same generation, is refused too" {
    submitted
    copied
    submitted
    rota catalogue backup copy.db
    submitted
    cp copy.db "$ROTA_CATALOGUE"
    is_refused
    mended 3
}

@test "a backup that was restored is told from what went on from the same backup before" {
    submitted
    copied
    rota catalogue backup copy.db
    for life in 1 2; do
        rm -f "$ROTA_CATALOGUE"-*
        cp copy.db "$ROTA_CATALOGUE"
        n=2
        copied
        submitted
        all_there
        mkdir "life$life"
        cp "$ROTA_CATALOGUE" "$ROTA_CATALOGUE-wal" "life$life"
    done
    rm "$ROTA_CATALOGUE-shm"
    cp life1/catalogue.db-wal "$ROTA_CATALOGUE-wal"
    is_refused
    cp life2/catalogue.db-wal "$ROTA_CATALOGUE-wal"
    all_there
}

@test "a -shm that is missing, or garbage: nothing is lost" {
    copied
    submitted
    rm "$ROTA_CATALOGUE-shm"
    all_there
    head -c 32768 /dev/urandom >"$ROTA_CATALOGUE-shm"
    all_there
    submitted
    all_there
}

@test "a -wal that is missing: the catalogue is as at its last checkpoint, and whole" {
    copied
    submitted
    rm "$ROTA_CATALOGUE-wal"
    n=1
    all_there
    submitted
    all_there
}

@test "no false alarm: after each commit and checkpoint, whoever made it" {
    local command after
    submitted
    for command in submitted copied 'sqlite3 $ROTA_CATALOGUE .tables' \
        'sqlite3 $ROTA_CATALOGUE "UPDATE run SET priority = priority + 1"' \
        'sqlite3 $ROTA_CATALOGUE "PRAGMA wal_checkpoint(TRUNCATE)"' \
        'sqlite3 $ROTA_CATALOGUE ".dbconfig no_ckpt_on_close on" "PRAGMA wal_checkpoint"' \
        'sqlite3 $ROTA_CATALOGUE ".dbconfig no_ckpt_on_close on" "PRAGMA wal_checkpoint(RESTART)"' \
        'sqlite3 $ROTA_CATALOGUE ".dbconfig no_ckpt_on_close on" "UPDATE run SET priority = 3"' \
        'sqlite3 $ROTA_CATALOGUE VACUUM' 'rota catalogue prune'; do
        for after in submitted copied :; do
            submitted
            eval "$command" >/dev/null
            all_there
            $after
            rm -f "$ROTA_CATALOGUE-shm" # as after a crash: the -wal is read anew
            all_there
        done
    done
}

# The reader says how many runs it sees, and goes on to see as many.
reader_looks()
{
    echo "$1; BEGIN; SELECT count(*) FROM run;" >&"${reader[1]}"
    read -r _ <&"${reader[0]}"
}

@test "no false alarm: a reader keeps the -wal from being begun anew, over many checkpoints" {
    submitted
    coproc reader { sqlite3 "$ROTA_CATALOGUE" 2>&1; }
    reader_looks 'SELECT 1 WHERE 0'
    for round in 1 2 3 4 5 6; do
        submitted
        copied
        [ $((round % 3)) -ne 0 ] || reader_looks COMMIT
        mkdir "at$round"
        cp "$ROTA_CATALOGUE" "$ROTA_CATALOGUE-wal" "at$round"
        ROTA_CATALOGUE=$PWD/at$round/catalogue.db all_there
    done
    eval "exec ${reader[1]}>&-"
    wait "$reader_PID"
    all_there
}

@test "no false alarm: the directory is moved to another place" {
    copied
    submitted
    mkdir elsewhere
    cp "$ROTA_CATALOGUE" "$ROTA_CATALOGUE-wal" elsewhere
    ROTA_CATALOGUE=$PWD/elsewhere/catalogue.db all_there
}

@test "no false alarm: an older catalogue is migrated while content is in its -wal" {
    local version db
    for version in 1 2 3 4; do
        mkdir "of$version"
        db=$PWD/of$version/catalogue.db
        sqlite3 "$db" "PRAGMA journal_mode = WAL" ".read $ROTA_TOP/tests/catalogues/schema_$version.sql" >/dev/null
        sqlite3 "$db" '.dbconfig no_ckpt_on_close on' 'UPDATE run SET priority = 4' >/dev/null
        [ -s "$db-wal" ]
        for command in submitted copied submitted; do
            ROTA_CATALOGUE=$db $command
            rm "$db-shm"
            ROTA_CATALOGUE=$db run -0 rota status -o id
        done
    done
}

# Whatever it was killed at: the next ones have no complaint.
killed()
{
    cp "$BATS_TEST_TMPDIR"/made/catalogue.db* home/
    sweep_kill rota submit -q --hold -- true >/dev/null
    cp -r home again
    rm -f home/catalogue.db-shm
    for place in home again; do
        for _ in 1 2; do
            ROTA_CATALOGUE=$PWD/$place/catalogue.db rota submit -q --hold -- true >/dev/null
        done
    done
    sweep_catalogue 'SELECT count(*) FROM run' >count
    [[ $(cat count) =~ ^($((n + 2))|$((n + 3)))$ ]] || echo "$(cat count) runs"
}

# Pages are all alike: some of them.
sweep_some()
{
    mkdir made
    cp "$ROTA_CATALOGUE" "$ROTA_CATALOGUE-wal" made
    sweep_trace rota submit -q --hold -- true
    sweep_whole | grep -E '^(pwrite64|fdatasync|ftruncate|fsync)' |
        awk '$1 != "pwrite64" || ++n < 12 || n % 41 == 0' >sites
    sweep killed
    sweep_killed pwrite64 fdatasync
}

@test "no false alarm: kill -9 at each system call of the commit that begins the -wal anew" {
    copied
    sqlite3 "$ROTA_CATALOGUE" '.dbconfig no_ckpt_on_close on' 'PRAGMA wal_checkpoint' >/dev/null
    sweep_some
}

@test "no false alarm: kill -9 at each system call of a checkpoint" {
    copied
    submitted
    # more than a commit leaves there
    sqlite3 "$ROTA_CATALOGUE" '.dbconfig no_ckpt_on_close on' 'PRAGMA wal_autocheckpoint = 0' \
        "UPDATE run SET reason = hex(zeroblob(600000))" >/dev/null
    sweep_some
}

@test "no false alarm: commits, checkpoints, readers and kill -9 all at once" {
    local pids=() id
    submitted
    while [ ! -e over ]; do
        # it copies without the lock to write
        sqlite3 "$ROTA_CATALOGUE" '.timeout 10000' 'PRAGMA wal_checkpoint' >/dev/null || :
        rota status -o id >/dev/null 2>>said || :
    done 3>&- &
    pids+=($!)
    while [ ! -e over ]; do
        timeout -s KILL "0.0$((RANDOM % 9 + 1))" rota submit -q --hold -- true >/dev/null 2>>said || :
    done 2>/dev/null 3>&- &
    pids+=($!)
    for _ in {1..150}; do
        submitted
    done
    touch over
    for id in "${pids[@]}"; do
        wait "$id"
    done
    run -1 grep 'not of this catalogue' said
    rota catalogue check -q
    [ "$(rota status -o id | wc -l)" -ge 151 ]
}
