# shellcheck shell=bash
# shellcheck disable=SC2154 # output is set by bats' run
# dispatcher: a dispatcher of the test, workers on this machine, and what became of runs. Load it after
# lib.

# Several workers on this machine, each with a spool of its own.
local_workers()
{
    local name
    config < <(for name; do
        printf '[worker %s]\ntransport = local\nslots = 2\n' "$name"
    done)
}

status_of()
{
    rota status --format '{state}' "$1"
}

is_state()
{
    [ "$(status_of "$1")" = "$2" ]
}

# The state and the reason of a run are as the pattern.
is_so()
{
    run -0 rota status --format '{state} {reason}' "$1"
    # shellcheck disable=SC2053 # a pattern
    [[ $output == $2 ]]
}

# Starts a dispatcher in the background; dispatcher_ends waits for it.
dispatcher_starts()
{
    rota dispatch 2>"$BATS_TEST_TMPDIR/dispatch.err" 3>&- &
    dispatcher=$!
}

dispatcher_ends()
{
    wait "$dispatcher"
}
