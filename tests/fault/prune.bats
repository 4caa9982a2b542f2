#!/usr/bin/env bats
# rota catalogue prune under faults: no run loses its output, no file is left without an owner for ever.
# shellcheck disable=SC2016,SC2154 # $ is for the job's shell; output and status are set by bats' run

load ../lib
load ../dispatcher
load witness

# Finished runs of three kinds that are old, and what has to stay: a run that is new, one that is held, and
# what that needs.
scene()
{
    printf 'name: a\narray: 0-2\nshell: echo $ROTA_INDEX; exit $((ROTA_INDEX == 1))\n' | rota submit -q - >/dev/null
    printf 'name: b\nshell: echo b\n---\nname: c\nshell: echo c >&2\nafter: [{job: b}]\n' | rota submit -q - >/dev/null
    rota submit -q -- echo needed
    rota dispatch
    rota submit -q --hold --after 6 -- true
    rota submit -q -- echo new
    rota dispatch
    sqlite3 "$ROTA_CATALOGUE" "UPDATE run SET finished_at = finished_at - 31 * 86400000 WHERE id <= 6;
        PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null
    stays=$'6\n7\n8'
}

runs_left()
{
    rota status --format '{id}'
}

files_left()
{
    find "$HOME/output" -type f | sort | paste -sd' '
}

@test "kill -9 of prune at each system call that writes: no run without its output, no file without an owner" {
    local calls='pwrite64,fdatasync,fsync,unlinkat,rmdir,openat,flock' call count n kills=0
    local last="$HOME/output/0/6.1.out $HOME/output/0/8.1.out"
    scene
    cp -a "$HOME" before
    strace -qq -o trace -e "trace=$calls" rota catalogue prune -q
    [ "$(runs_left)" = "$stays" ]
    [ "$(files_left)" = "$last" ]
    for call in ${calls//,/ }; do
        count=$(grep -c "^$call(" trace || :)
        for ((n = 1; n <= count; n += 1 + (n > 12) * count / 8)); do
            rm -rf "$HOME"
            cp -a before "$HOME"
            # where the machine is quicker than before there are fewer slices, and so fewer calls
            run strace -qq -o /dev/null -e "trace=$call" \
                -e "inject=$call:signal=KILL:when=$n" rota catalogue prune -q
            [ "$status" = 0 ] || { [ "$status" = 137 ] && kills=$((kills + 1)); }
            # at no moment is something said that is not so
            rota catalogue check -q
            rota catalogue prune -q
            [ "$(runs_left)" = "$stays" ]
            [ "$(files_left)" = "$last" ] || { echo "$call $n: $(files_left)"; return 1; }
        done
    done
    [ "$kills" -ge 20 ]
}

@test "output that cannot be removed is exit 74, and goes with the next prune" {
    scene
    run -74 strace -qq -o /dev/null -e trace=unlinkat -e 'inject=unlinkat:error=EIO:when=3+' \
        rota catalogue prune -q
    [[ $output == *'cannot remove '*"$HOME/output/0/"* ]]
    rota catalogue check
    rota catalogue prune -q
    [ "$(files_left)" = "$HOME/output/0/6.1.out $HOME/output/0/8.1.out" ]
}

@test "prune while dispatch runs: nothing of an unfinished run goes" {
    local n=0
    local_workers a b
    for _ in 1 2 3; do
        printf 'name: old\narray: 0-199\nshell: echo $ROTA_INDEX\n' | rota submit -q - >/dev/null
    done
    rota dispatch
    {
        witness_job w '-o 100 -s 0.3'
        echo 'array: 0-39'
        echo ---
        printf 'name: z\nshell: true\nafter: [{job: w}]\n'
    } | rota submit -q - >/dev/null
    dispatcher_starts
    # everything that is over and may go goes at once, again and again
    while process_lives "$dispatcher"; do
        rota catalogue prune -q --older-than 1ms
        n=$((n + 1))
        rota catalogue check -q
    done
    dispatcher_ends
    [ "$n" -ge 1 ]
    # each of the new ones ran once, the array and what came after it together
    [ "$(grep -c ' start$' "$WITNESS/witness")" = 40 ]
    [ "$(cut -d' ' -f1,2 "$WITNESS/witness" | sort | uniq -c | awk '$1 != 2' | wc -l)" = 0 ]
    rota catalogue prune -q --older-than 1ms
    [ -z "$(runs_left)" ]
    [ -z "$(files_left)" ]
    rota catalogue check -q
}

@test "a prune that is killed amid an array leaves what succeeded no better than it was" {
    printf 'name: a\narray: 0-299\nshell: exit $((ROTA_INDEX == 250))\n' | rota submit -q - >/dev/null
    rota dispatch
    # after the first slice of three
    run -137 strace -qq -o /dev/null -e trace=poll,ppoll \
        -e 'inject=poll,ppoll:signal=KILL:when=1' \
        rota catalogue prune -q --older-than 1ms
    left=$(runs_left | wc -l)
    ((left > 0 && left < 300))
    [ "$(rota status --format '{id}' --state failed)" = 251 ]
    # whoever comes after it is told what the whole was
    run -1 rota submit --after 1 -- true
    [[ $output == *'failed, which was to succeed'* ]]
    rota catalogue check
    rota catalogue prune -q --older-than 1ms
    [ -z "$(runs_left)" ]
}

@test "a prune that is killed amid the array of a workflow leaves no group without its first run" {
    printf 'name: b\nshell: "true"\n---\nname: a\narray: 0-249\nshell: exit $((ROTA_INDEX == 240))\nafter: [{job: b}]\n' |
        rota submit -q - >/dev/null
    rota dispatch
    run -137 strace -qq -o /dev/null -e trace=poll,ppoll -e 'inject=poll,ppoll:signal=KILL:when=1' \
        rota catalogue prune -q --older-than 1ms
    left=$(runs_left | wc -l)
    ((left > 0 && left < 251))
    rota catalogue check
    rota catalogue prune -q --older-than 1ms
    [ -z "$(runs_left)" ]
}
