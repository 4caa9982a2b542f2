#!/usr/bin/env bats
# A workflow over four ssh hosts: a failure in the middle, and from there again.

load ../lib
load ../dispatcher
load four
load four_once

setup()
{
    rota_setup
    four_config 2
}

@test "five steps with a failure in the middle, then from the failed part: exactly the right ones" {
    local n before=''
    for n in 1 2 3 4 5; do
        printf -- "---\nname: step%d\nwhere: {hosts: w%d}\n%s" "$n" "$((n % 4 + 1))" "$before"
        printf "shell: |\n  echo \"step%d on \$ROTA_HOST \$ROTA_IN_step%d_sum\" >>%s/witness\n" \
            "$n" "$((n - 1))" "$PWD"
        printf "  [ %d != 3 ] || [ -e %s/mended ] || exit 3\n" "$n" "$PWD"
        printf "  echo sum=\$((ROTA_IN_step%d_sum + %d)) >>\$ROTA_OUTPUT\n" "$((n - 1))" "$n"
        before="after: [step$n]
"
    done >steps.yaml
    rota submit steps.yaml
    rota dispatch
    [ "$(rota status --format '{state}' | paste -sd' ')" = 'succeeded succeeded failed cancelled cancelled' ]
    [ "$(cat witness)" = 'step1 on w2 
step2 on w3 1
step3 on w4 3' ]
    : >witness
    touch mended
    run -0 rota submit --rerun --failed 5
    [ "$output" = $'6\n7\n8' ]
    rota dispatch
    [ "$(cat witness)" = 'step3 on w4 3
step4 on w1 6
step5 on w2 10' ]
    [ "$(rota status --format '{state}' --workflow 6 | sort -u)" = succeeded ]
    run -0 rota status --tree 8
    [[ $output == *'1 step1  succeeded'*'`- 8 step5  succeeded'* ]]
}
