# shellcheck shell=bash
# witness: jobs that tell on themselves (tests/fault/witness), and the check of what they told.
#
# Load it after ../lib. The witness writes in $WITNESS, a directory of the test.
#
#   witness_job NAME [ARGUMENTS [LINE…]]   prints a job document, with lines of keys of its own
#   witness_holds [OPTION…]        every invariant holds (tests/fault/check), or it says which does not
#   witness_begins N               dispatches until N attempts have begun, then kills the dispatcher. (After `rota
#                                  dispatch --once` a START may not have been read yet: it is sent again.)
#   witness_has WORD N             the witness has so many lines of WORD, or more

WITNESS=$BATS_TEST_TMPDIR/witness

witness_job()
{
    mkdir -p "$WITNESS"
    chmod 777 "$WITNESS"
    printf 'name: %s\nshell: exec %s/tests/fault/witness %s\n' "$1" "$ROTA_TOP" "$WITNESS ${2-}"
    [ $# -le 2 ] || printf '%s\n' "${@:3}"
}

witness_holds()
{
    "$ROTA_TOP/tests/fault/check" "$ROTA_CATALOGUE" "$WITNESS" "$@"
}

witness_has()
{
    [ -e "$WITNESS/witness" ] && [ "$(grep -c " $1" "$WITNESS/witness")" -ge "$2" ]
}

witness_begins()
{
    local pid
    rota dispatch 2>>"$BATS_TEST_TMPDIR/dispatch.err" 3>&- &
    pid=$!
    eventually witness_has start "$1"
    kill -KILL "$pid"
    wait "$pid" || :
}
