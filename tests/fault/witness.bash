# shellcheck shell=bash
# witness: jobs that tell on themselves (tests/fault/witness), and the check of what they told.
#
# Load it after ../lib. The witness writes in $WITNESS, a directory of the test.
#
#   witness_job NAME [ARGUMENTS [LINE…]]   prints a job document, with lines of keys of its own
#   witness_holds [OPTION…]        every invariant holds (tests/fault/check), or it says which does not

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
