#!/usr/bin/env bats
# A head whose clock is an hour, a day or a year off from that of its hosts, either way: runs end well, and
# all their times are the head's; and one whose clock is set: no due instant has its runs twice.

load ../lib
load ../e2e/four
load ../e2e/four_once

setup()
{
    rota_setup
    four_config 4 w1
    # the wall clock only; the preloaded library need not come first for a sanitizer build
    export FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1
    export ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0"
}

# Everything on the head, whose clock is off by the argument, as faketime takes it.
rota()
{
    faketime -f "$OFF" "$ROTA_BUILD_DIR/rota" "$@"
}

head_now()
{
    echo $(($(date +%s) + $1))
}

# Runs end, one well, one by its timeout, and one that a second dispatcher adopts; all of it within the
# head's time.
runs_end_well()
{
    local off=$1 begin
    begin=$(head_now "$off")
    mkfifo go
    run -0 rota submit -- sh -c 'echo said; exit 3'
    run -0 rota submit --timeout 100ms -- sh -c 'exec tail -f /dev/null'
    run -0 rota submit -- sh -c "read line <$PWD/go"
    run -0 rota dispatch --once
    echo >go
    run -0 rota dispatch
    run -0 rota status --format '{state} {exit_code}'
    [ "$output" = 'failed 3
timeout 
succeeded 0' ]
    [ "$(rota logs 1)" = said ]
    run -0 rota status -o json
    # not before we began and not after now, with a second for rounding
    [ -z "$(json "select([.queued_at, .started_at, .finished_at] | any(
        (.[:19] + \"Z\" | fromdate) as \$t
        | \$t < $begin - 1 or \$t > $(head_now "$off") + 1)) | .id")" ]
    [ -z "$(json 'select(.duration < 0 or .duration > 100) | .id')" ]
}

@test "clock off by an hour: the head's is ahead" {
    OFF=+1h
    runs_end_well 3600
}

@test "clock off by an hour: the head's is behind" {
    OFF=-1h
    runs_end_well -3600
}

@test "clock off by a day: the head's is ahead" {
    OFF=+1d
    runs_end_well 86400
}

@test "clock off by a day: the head's is behind" {
    OFF=-1d
    runs_end_well -86400
}

@test "clock off by a year: the head's is ahead" {
    OFF=+365d
    runs_end_well 31536000
}

@test "clock off by a year: the head's is behind" {
    OFF=-365d
    runs_end_well -31536000
}

# Rows of due instants, instants, runs, runs' places.
counts()
{
    sqlite3 "$ROTA_CATALOGUE" 'SELECT count(*), count(DISTINCT due_at) FROM occurrence'
    sqlite3 "$ROTA_CATALOGUE" 'SELECT count(*), count(DISTINCT occurrence) FROM run'
}

@test "the clock is set forward a day, back, and forward again: each due instant has its run once" {
    OFF=+0
    printf 'name: j\nschedule: {every: 1h, catch_up: all, overlap: allow}\nshell: "true"\n' >j.yaml
    rota schedule add j.yaml
    OFF=+1d
    rota schedule tick >ids
    n=$(wc -l <ids)
    ((n == 24 || n == 25))
    OFF=+0
    run -0 rota schedule tick
    [ -z "$output" ]
    [ "$(counts)" = "$n|$n"$'\n'"$n|$n" ]
    OFF=+1d
    rota schedule tick >>ids
    n=$(wc -l <ids) # an hour may have struck meanwhile
    ((n <= 26))
    [ "$(counts)" = "$n|$n"$'\n'"$n|$n" ]
    run -0 rota dispatch
    run -0 rota status --state succeeded -o id
    [ "${#lines[@]}" -eq "$n" ]
}
