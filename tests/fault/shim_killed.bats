#!/usr/bin/env bats
# A run's supervisor is killed at each of its system calls: its run is lost, or ended when the result was
# written by then, and nothing of it lives on.

load ../lib
load witness
load killer

# What was killed may be lost (fault/check: DIR/taken), the rest must be there.
taken()
{
    cp "$1" "$WITNESS/taken"
}

@test "the shim is killed before exec, during, and around the writing of its result" {
    killer_config shim 0 0
    killer_submit trace '-o 1000'
    dispatch_all
    n=$(wc -l <"$HOME/kill/shim.0.log")
    echo "$n calls"
    [ "$n" -ge 25 ]
    killer_config shim 1 "$n"
    killer_submit runs '-o 1000'
    taken runs.ids
    dispatch_all
    [ "$(killed shim)" -ge $((n * 8 / 10)) ]
    # without a result it is never taken for a success
    [ "$(rota status --state lost --format '{reason}' - <runs.ids | sort -u)" = \
        'its supervisor is gone (killed, or out of memory)' ]
    states <runs.ids >counted
    [ "$(awk '{ n += $1 } END { print n }' counted)" -eq "$n" ]
    run -1 grep -vE ' (lost|succeeded)$' counted
    # the one at the first call did not begin, and of those at the last ones some have ended
    first=$(head -n 1 runs.ids)
    run -1 grep "^$first " "$WITNESS/witness"
    grep ' succeeded$' counted
    killer_submit after
    dispatch_all
    [ "$(states <after.ids)" = "$n succeeded" ]
    witness_holds
    spools_are_clean
}

# While it is not executed yet it has nothing of the run's environment, by which it could be found.
@test "the shim is killed before exec, and what would have been the job never begins" {
    killer_config hold 1 2
    killer_submit runs
    taken runs.ids
    dispatch_all
    [ "$(states <runs.ids)" = '2 lost' ]
    [ "$(killed hold)" -eq 2 ]
    touch "$HOME/kill/hold.1.go" "$HOME/kill/hold.2.go"
    eventually no_process_left
    [ ! -e "$WITNESS/witness" ]
    witness_holds
}
