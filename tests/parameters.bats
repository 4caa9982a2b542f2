#!/usr/bin/env bats
# Parameters: what a job declares and a submission sets.
# shellcheck disable=SC2016 # variables of jobs

load lib
load schedule

setup()
{
    rota_setup
    printf '%s\n' 'name: report' 'parameters: {day: yesterday, level: "3", target: }' \
        'shell: echo "$ROTA_PARAM_day/$ROTA_PARAM_level/$ROTA_PARAM_target."' >report.yaml
}

@test "a default is a default, and what is set is seen" {
    rota submit --param target=/tmp report.yaml
    rota submit --param 'target=a b=$x' --param level= --param day=tuesday report.yaml
    rota dispatch
    [ "$(rota logs 1)" = yesterday/3//tmp. ]
    [ "$(rota logs 2)" = 'tuesday//a b=$x.' ]
}

@test "a registered job takes them as words" {
    rota schedule add report.yaml
    run -0 rota submit --job report target=x day=today
    [ "$output" = 1 ]
    rota dispatch
    [ "$(rota logs 1)" = today/3/x. ]
    # what is registered stays what it is
    run -64 rota submit --job report
    [ "$output" = "rota submit: job report: the parameter 'target' of report has no default: give it a value (--param target=…)" ]
}

@test "what is not declared, missing or twice is refused, and nothing is submitted" {
    run -64 rota submit --param target=x --param dya=x report.yaml
    [ "$output" = "rota submit: job report declares no parameter 'dya' (did you mean 'day'?)" ]
    run -64 rota submit report.yaml
    [ "$output" = "rota submit: report.yaml: the parameter 'target' of report has no default: give it a value (--param target=…)" ]
    run -64 rota submit --param target=x --param target=y report.yaml
    [ "$output" = "rota submit: the parameter 'target' is given twice" ]
    run -64 rota submit --param target report.yaml
    [ "$output" = "rota submit: --param wants NAME=VALUE, not 'target'" ]
    run -65 rota submit --param target=$'\xff' report.yaml
    [[ $output == *UTF-8* ]]
    run -64 rota submit --param x=y -- true
    [ "$output" = "rota submit: job true declares no parameter 'x'" ]
    [ ! -e "$ROTA_CATALOGUE" ]
}

@test "of several jobs each that declares it gets it" {
    printf '%s\n' 'name: a' 'parameters: {day: x}' 'shell: echo $ROTA_PARAM_day' --- \
        'name: b' 'shell: echo ${ROTA_PARAM_day-none}' >two.yaml
    rota submit --param day=today two.yaml
    rota dispatch
    [ "$(rota logs 1)" = today ]
    [ "$(rota logs 2)" = none ]
    run -64 rota submit --param day=today --param level=1 two.yaml
    [ "$output" = "rota submit: none of the jobs declares a parameter 'level'" ]
}

@test "run again it has the values that it had, or what is said now" {
    rota submit --param target=x report.yaml
    rota submit --rerun 1
    rota submit --rerun --priority 5 1
    rota submit --rerun --param day=today 1
    rota dispatch
    [ "$(rota logs 2)" = yesterday/3/x. ]
    [ "$(rota logs 3)" = yesterday/3/x. ]
    [ "$(rota logs 4)" = today/3/x. ]
    [ "$(sqlite3 "$ROTA_CATALOGUE" 'SELECT (SELECT spec FROM run WHERE id = 1) = (SELECT spec FROM run WHERE id = 2)')" = 1 ]
}

@test "a schedule gives no values: each parameter needs a default" {
    job s '{every: 1h}' 'parameters: {day: , target: , level: 3}'
    run -65 rota schedule add s.yaml
    [ "$output" = "rota schedule: s.yaml: job s: its parameter 'day' has no default, and its schedule gives it no value
rota schedule: s.yaml: job s: its parameter 'target' has no default, and its schedule gives it no value" ]
    job s '{every: 1h}' 'parameters: {level: 3}'
    rota schedule add s.yaml
    make_due s 3600000
    rota schedule tick
    rota dispatch
    [ "$(rota status --format '{state}')" = succeeded ]
}

@test "an array has parameters too" {
    printf '%s\n' 'name: a' 'array: 0-1' 'parameters: {day: }' 'shell: echo $ROTA_INDEX $ROTA_PARAM_day' >a.yaml
    rota submit --param day=today a.yaml
    rota dispatch
    [ "$(rota logs 1; rota logs 2)" = $'0 today\n1 today' ]
}
