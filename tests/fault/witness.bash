# shellcheck shell=bash
# witness: jobs that tell on themselves (tests/fault/witness), and the check of what they told.
#
# Load it after ../lib. The witness writes in $WITNESS, a directory of the test.
#
#   witness_job NAME [ARGUMENT…]   prints a job document; more keys may follow it on lines of their own
#   witness_holds [OPTION…]        every invariant holds (tests/fault/check), or it says which does not

WITNESS=$BATS_TEST_TMPDIR/witness

witness_job()
{
    local name=$1
    shift
    mkdir -p "$WITNESS"
    chmod 777 "$WITNESS"
    printf 'name: %s\nshell: exec %s/tests/fault/witness %s\n' "$name" "$ROTA_TOP" "$WITNESS $*"
}

witness_holds()
{
    "$ROTA_TOP/tests/fault/check" "$ROTA_CATALOGUE" "$WITNESS" "$@"
}
