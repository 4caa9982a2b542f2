#!/usr/bin/env bats
# What fuzzing found once stays mended: each target takes its corpus, without libFuzzer.

load lib

@test "every fuzz target takes every input of its corpus" {
    for source in "$ROTA_TOP"/tests/fuzz/fuzz_*.c; do
        name=$(basename "$source" .c)
        name=${name#fuzz_}
        inputs=("$ROTA_TOP/tests/fuzz/corpus/$name"/*)
        run -0 --separate-stderr "$ROTA_BUILD_DIR/fuzz/$name" "${inputs[@]}"
        [ "$output" = "${#inputs[@]} inputs" ]
    done
}
