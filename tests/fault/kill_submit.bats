#!/usr/bin/env bats
# kill -9 of submit at every system call: what it acknowledged is there, and of the rest all or nothing.

load ../lib
load witness
load sweep

# Three documents, six runs: an array of four, one that waits for it, one alone.
three()
{
    witness_job many
    printf 'array: 0-3\n---\n'
    witness_job after
    printf 'after: [{job: many, is: succeeded}]\n---\n'
    witness_job alone
}

submitted()
{
    # no catalogue, no run
    [ ! -e "$ROTA_CATALOGUE" ] || sqlite3 "$ROTA_CATALOGUE" 'SELECT count(*) FROM run'
}

killed()
{
    local n
    sweep_kill rota submit "$BATS_TEST_TMPDIR/three.yaml" >acknowledged
    n=$(submitted)
    n=${n:-0}
    [[ $n =~ ^[06]$ ]] || echo "$n of 6 runs"
    echo "$n runs, $(wc -l <acknowledged) ids" >outcome
    rota submit "$BATS_TEST_TMPDIR/three.yaml" >next 2>&1 || echo "the next: exit $?: $(cat next)"
    sweep_catalogue 'SELECT id FROM run' >ids
    [ "$(wc -l <ids)" -eq $((n + 6)) ] || echo "$(wc -l <ids) runs, after $n"
    sort acknowledged next | comm -23 - <(sort ids) | sed 's/$/ was acknowledged and is not there/'
}

killed_with_catalogue()
{
    cp "$BATS_TEST_TMPDIR"/made/catalogue.db* home/
    killed
}

# Killed before the commit, between it and the printing, and after that.
all_or_nothing()
{
    cat sweep/*/outcome | sort | uniq -c >outcomes
    cat outcomes
    grep -q ' 0 runs, 0 ids$' outcomes
    grep -q ' 6 runs, 0 ids$' outcomes
    grep -q ' 6 runs, 6 ids$' outcomes
    [ "$(wc -l <outcomes)" -eq 3 ]
}

@test "kill -9 of submit at every system call: all or nothing, and what was printed is there" {
    three >three.yaml
    rota submit -- true
    sqlite3 "$ROTA_CATALOGUE" 'DELETE FROM run'
    mkdir made
    cp "$HOME"/catalogue.db* made
    sweep_trace rota submit three.yaml
    sweep_whole >sites
    sweep killed_with_catalogue
    all_or_nothing
    sweep_killed fcntl pread64 pwrite64 fdatasync write
}

@test "kill -9 of the submit that makes the catalogue, at every distinct system call" {
    three >three.yaml
    sweep_trace -k rota submit three.yaml
    sweep_whole >sites
    sweep killed
    all_or_nothing
    sweep_killed fcntl pread64 pwrite64 fdatasync renameat2 fsync write
}
