#!/usr/bin/env bats
# When cron expressions are due, by independent readings. The table itself is tests/unit/test_cron.c's.

load lib

@test "the table of due instants is what reading back each minute of UTC gives" {
    run -0 "$ROTA_TOP/tests/cron_brute.py" "$ROTA_TOP/tests/unit/cron_cases.txt"
    [[ $output == *' rows, 0 wrong' ]]
}

@test "5,000 random expressions are due when croniter says, but for rules that differ by name" {
    run "$ROTA_TOP/tests/cron_differential.py" "$ROTA_BUILD_DIR/unit/test_cron" croniter 5000
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "random expressions around changes of the clock are due when reading back each minute says" {
    run "$ROTA_TOP/tests/cron_differential.py" "$ROTA_BUILD_DIR/unit/test_cron" zones 2200
    echo "$output"
    [ "$status" -eq 0 ]
}
