#!/usr/bin/env bats
# What short dispatchers, each started by cron for itself, record of a host that is down.

load lib

setup()
{
    rota_setup
    # the wall clock only; the preloaded library need not come first for a sanitizer build
    export FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1
    export ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0"
    set_command false
}

# The host w is reached through a command; nobody is told by a dispatcher.
set_command()
{
    config < <(printf '[worker w]\ntransport = exec\ncommand = %s\n' "$1")
}

# at SECONDS COMMAND…: so much later
at()
{
    faketime -f "+$1" "$ROTA_BUILD_DIR/rota" "${@:2}"
}

down_since()
{
    rota hosts --format '{state} {state_at}' w
}

@test "a host that never answered opens host-down once, though each minute has its own dispatcher" {
    local since
    rota submit -- true
    run -0 at 0 dispatch 3>&-
    since=$(down_since)
    [[ $since == 'down '* ]]
    run -0 at 0 monitor check
    [[ $output != *host-down* ]]
    for minute in 60 120 180; do
        run -0 at "$minute" dispatch 3>&-
        [ "$(down_since)" = "$since" ]
    done
    run -0 at 180 monitor check
    [[ $output == 'opened      host-down w: down since '* ]]
    run -0 at 240 dispatch 3>&-
    run -0 at 240 monitor check
    [[ $output != *host-down* ]]
}

@test "what a host said before it went down is kept by later dispatchers" {
    local facts='{seen_at} {build} {hostname} {disk_free_kb}' known
    set_command env
    rota submit -- true
    run -0 rota dispatch 3>&-
    known=$(rota hosts --format "$facts" w)
    set_command false
    rota submit -- true
    run -0 rota dispatch 3>&-
    [[ $(down_since) == 'down '* ]]
    [ "$(rota hosts --format "$facts" w)" = "$known" ]
}
