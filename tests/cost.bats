#!/usr/bin/env bats
# What many short runs cost, counted in system calls: a clock would measure the machine.
load lib

# How often the summary of strace -c counted a system call.
calls()
{
    awk -v name="$1" '$NF == name { n = $4 } END { print n + 0 }' "$BATS_TEST_TMPDIR/calls"
}

# at_most N CALL
at_most()
{
    local n
    n=$(calls "$2")
    [ "$n" -le "$1" ] || { echo "$2: $n calls, at most $1 are expected" && false; }
}

# Submits N no-op runs and dispatches them at SLOTS on one worker, the dispatcher alone counted.
dispatch_counted()
{
    config < <(printf "[worker here]\ntransport = local\nslots = %d\n" "$2")
    for ((i = 0; i < $1; i++)); do
        printf -- '---\nname: noop\nexec: ["true"]\n'
    done | rota submit - >/dev/null
    strace -c -U name,calls,errors -o "$BATS_TEST_TMPDIR/calls.raw" rota dispatch
    # name and calls, whatever the columns are
    awk 'NF >= 2 && $2 ~ /^[0-9]+$/ { print 0, 0, 0, $2, $1 }' "$BATS_TEST_TMPDIR/calls.raw" \
        >"$BATS_TEST_TMPDIR/calls"
    [ "$(calls fdatasync)" -gt 0 ]
    [ "$(rota status --state succeeded -o id | wc -l)" -eq "$1" ]
}

@test "short runs share commits, messages and turns" {
    dispatch_counted 400 16
    # a round once 4 of 16 have ended: 100 rounds; twice that for a slow machine
    at_most 200 fdatasync
    at_most 800 epoll_wait
    at_most 100 getrandom
    at_most 10 timerfd_settime
}

@test "starting many runs costs no system call for each but its message" {
    dispatch_counted 200 200
    at_most 60 fdatasync
    at_most 10 timerfd_settime
}
