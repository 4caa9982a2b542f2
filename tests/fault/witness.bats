#!/usr/bin/env bats
# The witness and its check: what must hold is seen to be broken when it is.

load ../lib
load witness

setup()
{
    rota_setup
    mkdir -p "$WITNESS"
    witness_job tells "-o 20" >job.yaml
    rota submit job.yaml | tee "$WITNESS/acknowledged"
    rota dispatch
}

# Changes what the catalogue says.
falsify()
{
    sqlite3 "$ROTA_CATALOGUE" "$1"
}

# The check finds a violation of the invariant, and no other.
violated()
{
    run -1 witness_holds
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == "$1: "* ]]
}

@test "a run that was told as it was: every invariant holds" {
    run -0 witness_holds
    [ -z "$output" ]
    [ "$(cat "$WITNESS/witness")" = $'1 1 start\n1 1 end 0 20' ]
    run -0 rota logs 1
    [ "$output" = $'1 1\n1 1\n1 1\n1 1\n1 1' ]
}

@test "I1: two rows a due instant, two runs for a place" {
    falsify "INSERT INTO occurrence (id, job, due_at, outcome, recorded_at) VALUES (1, 'tells', 5, 1, 5)"
    violated I1
    falsify "UPDATE run SET occurrence = 1"
    run -0 witness_holds
    falsify "INSERT INTO run (id, spec, job, state, reason, queued_at, occurrence)
        VALUES (2, 1, 'tells', 9, 'x', 1, 1); UPDATE run SET finished_at = 2 WHERE id = 2"
    violated I1
}

@test "I2: an attempt that was executed twice, or that nobody asked for" {
    echo '1 1 start' >>"$WITNESS/witness"
    violated I2
    printf '1 1 start\n1 1 end 0 20\n1 2 start\n' >"$WITNESS/witness"
    violated I2
}

@test "I3: an acknowledged submission that is gone" {
    echo 7 >>"$WITNESS/acknowledged"
    violated I3
}

@test "I4: success that nobody saw; an attempt without an end" {
    echo '1 1 start' >"$WITNESS/witness"
    violated I4
    printf '1 1 start\n1 1 end 0 20\n' >"$WITNESS/witness"
    falsify 'UPDATE attempt SET ended_at = NULL'
    violated I4
}

@test "I5: another exit code, other output" {
    falsify 'UPDATE run SET state = 7, exit_code = 3'
    violated I5
    falsify 'UPDATE run SET state = 6, exit_code = 0'
    printf 'x' | dd of="$HOME/output/0/1.1.out" bs=1 seek=4 conv=notrunc status=none
    violated I5
    rm "$HOME/output/0/1.1.out"
    violated I5
}

@test "I6: lost, although it was seen to end" {
    falsify 'UPDATE run SET state = 10, exit_code = NULL'
    violated I6
    run -0 witness_holds --may-lose
}

@test "I7: two alive at once" {
    # it holds the lock of a job whose runs must be alone
    exec 8>>"$WITNESS/lock.alone.1"
    flock 8
    witness_job alone "-l alone" | rota submit -
    rota dispatch 8>&-
    violated I7
    exec 8>&-
    witness_job alone "-l alone" | rota submit -
    rota dispatch
    [ "$(grep -c overlap "$WITNESS/witness")" -eq 1 ]
}

@test "I10: a catalogue that is not whole" {
    falsify 'PRAGMA foreign_keys = OFF; DELETE FROM spec'
    run -1 witness_holds
    [[ $output == *"I10: "* ]]
}

@test "I11: a run that has not ended" {
    falsify 'UPDATE run SET state = 3, finished_at = NULL; DELETE FROM attempt;'
    rm "$WITNESS/witness"
    violated I11
    # open is allowed, but it must say why
    run -1 witness_holds --open 1
    falsify "UPDATE run SET reason = 'waiting'"
    run -0 witness_holds --open 1
}
