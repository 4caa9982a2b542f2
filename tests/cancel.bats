# rota cancel: cancel, hold, release.
# bats' run sets stderr
# shellcheck disable=SC2154

load lib

set_run()
{
    sqlite3 "$ROTA_CATALOGUE" "UPDATE run SET $2 WHERE id = $1"
}

state()
{
    rota status --format '{state}' "$1"
}

submit_runs()
{
    for ((i = 0; i < $1; i++)); do rota submit -- true; done >/dev/null
}

@test "a queued run is cancelled at once" {
    submit_runs 1
    run --separate-stderr rota cancel 1
    [ "$status" -eq 0 ]
    [ "$output" = 1 ]
    [ -z "$stderr" ]
    [ "$(state 1)" = cancelled ]
    [[ $(rota status --format '{reason}' 1) == "cancelled by $(id -un)@"* ]]
}

@test "--dry-run prints and refuses what would be done and refused" {
    submit_runs 3
    rota cancel -q 1
    rota cancel -q --hold 2
    for words in '1 2 3' '--hold 2 3' '--release 1 2' '--state cancelled' '--state held,queued' '9 3' \
        '--lost 3'; do
        sqlite3 "$ROTA_CATALOGUE" '.backup before.db'
        run --separate-stderr bash -c "rota cancel -n $words"
        said="$status $output $stderr"
        run --separate-stderr bash -c "rota cancel $words"
        [ "$said" = "$status $output $stderr" ] || { echo "$words: $said"; return 1; }
        sqlite3 "$ROTA_CATALOGUE" '.restore before.db'
    done
}

@test "a run that is over stays as it is" {
    submit_runs 1
    rota cancel 1
    run --separate-stderr rota cancel 1
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [ "$stderr" = "rota cancel: run 1 is over (cancelled)" ]
    run rota cancel 9
    [ "$status" -eq 1 ]
    [ "$output" = "rota cancel: there is no run 9" ]
}

@test "some of several is exit 0" {
    submit_runs 2
    rota cancel 1
    run --separate-stderr rota cancel 1 2
    [ "$status" -eq 0 ]
    [ "$output" = 2 ]
}

@test "to cancel a running run is a request" {
    submit_runs 1
    set_run 1 "state = 5, attempt = 1, host = 'local'"
    rota cancel 1
    run rota status -o json 1
    [ "$(json .state)" = running ]
    [ "$(json .cancel_at)" != null ]
    [ "$(sqlite3 "$ROTA_CATALOGUE" "SELECT kind FROM event WHERE run = 1 AND kind = 'cancel'")" = cancel ]
}

@test "hold keeps a run, release lets it go" {
    submit_runs 1
    [ "$(rota cancel --hold 1)" = 1 ]
    [ "$(state 1)" = held ]
    run rota cancel --hold 1
    [ "$status" -eq 1 ]
    [ "$(rota cancel --release 1)" = 1 ]
    [ "$(state 1)" = queued ]
    run rota cancel --release 1
    [ "$status" -eq 1 ]
}

@test "a signal has a name or a number, and needs a dispatcher that sends it" {
    submit_runs 1
    set_run 1 "state = 5, attempt = 1, host = 'local'"
    [ "$(rota cancel --dry-run --signal usr1 1)" = 1 ]
    run --separate-stderr rota cancel --signal HUP 1
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [[ $stderr == "rota cancel: no dispatcher lives"* ]]
    run rota cancel --signal TREM 1
    [ "$status" -eq 64 ]
    [[ $output == *"(did you mean 'TERM'?)" ]]
    run rota cancel --signal 0 1
    [ "$status" -eq 64 ]
}

@test "runs are chosen by state and job, and named runs narrowed" {
    rota submit --name nightly-a -- true
    rota submit --name nightly-b -- true
    rota submit --name other -- true
    set_run 2 "state = 5, attempt = 1, host = 'db1'"
    [ "$(rota cancel --dry-run --job 'nightly-*' | tr '\n' ' ')" = '1 2 ' ]
    [ "$(rota cancel --dry-run --job 'nightly-*' --state queued)" = 1 ]
    [ "$(rota cancel --dry-run --host 'db*')" = 2 ]
    [ "$(rota cancel --dry-run --hold 1 2 3 | tr '\n' ' ')" = '1 3 ' ]
    [ "$(state 1)" = queued ]
    [ "$(rota cancel --state queued | tr '\n' ' ')" = '1 3 ' ]
    run --separate-stderr rota cancel --state queued
    [ "$status" -eq 1 ]
    [ "$stderr" = "rota cancel: no run matches" ]
}

@test "without anything named nothing is cancelled" {
    submit_runs 1
    run rota cancel
    [ "$status" -eq 64 ]
    run rota cancel - </dev/null
    [ "$status" -eq 1 ]
    run rota cancel --job '*' - </dev/null
    [ "$status" -eq 1 ]
    run rota cancel --hold --release 1
    [ "$status" -eq 64 ]
    [ "$(state 1)" = queued ]
}

@test "a workflow of several batches is cancelled, dependants first, and nothing is let go" {
    # the first document comes last; all go on whatever becomes of the others
    for i in {1..700}; do
        printf -- '---\nname: j%s\nshell: "true"\n' "$i"
        [ "$i" = 700 ] || printf 'after: [{job: j%s, is: finished}]\n' "$((i + 1))"
    done >many.yaml
    printf -- '---\nname: all\narray: 1-300\nshell: "true"\nafter: [{job: j1, is: finished}]\n' >>many.yaml
    printf -- '---\nname: end\nshell: "true"\nafter: [{job: all, is: finished}]\n' >>many.yaml
    rota submit many.yaml >/dev/null
    run -0 --separate-stderr rota cancel --workflow 1
    [ -z "$stderr" ]
    [ "${#lines[@]}" -eq 1001 ]
    [ "${lines[0]}" = 1001 ]
    [ "${lines[1000]}" = 700 ]
    [ "$(sqlite3 "$ROTA_CATALOGUE" "SELECT count(*) FROM run WHERE state = 9 AND reason GLOB 'cancelled by *'")" = 1001 ]
    [ -z "$(sqlite3 "$ROTA_CATALOGUE" "SELECT * FROM event WHERE actor = 'after'")" ]
}

@test "more than one batch is cancelled, and refusals are summed up" {
    for i in {1..1203}; do printf -- '---\nname: j%s\nshell: "true"\n' "$i"; done >many.yaml
    rota submit many.yaml >ids
    run --separate-stderr rota cancel - <ids
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 1203 ]
    run --separate-stderr rota cancel - <ids
    [ "$status" -eq 1 ]
    [[ ${stderr_lines[10]} == *"and 1193 more" ]]
    [ "${#stderr_lines[@]}" -eq 11 ]
}
