# rota status: queries and their forms.
# bats' run sets stderr
# shellcheck disable=SC2154

load lib

# Sets columns of a run: end 3 "state = 7, exit_code = 3".
set_run()
{
    sqlite3 "$ROTA_CATALOGUE" "UPDATE run SET $2 WHERE id = $1"
}

# 1 held, 2 queued, 3 running on web1, 4 failed on db1, 5 succeeded on db1, 6 lost on web1
six_runs()
{
    for job in alpha beta gamma delta alpha zeta; do
        rota submit --name $job -- true >/dev/null
    done
    rota cancel --hold 1 >/dev/null
    set_run 3 "state = 5, host = 'web1', attempt = 1, started_at = queued_at"
    set_run 4 "state = 7, host = 'db1', attempt = 2, exit_code = 3, started_at = 1000, finished_at = 2500"
    set_run 5 "state = 6, host = 'db1', attempt = 1, exit_code = 0, started_at = 1000, finished_at = 9e11"
    set_run 6 "state = 10, host = 'web1', attempt = 1, reason = 'the host rebooted'"
}

ids()
{
    rota status -o id "$@" | tr '\n' ' '
}

@test "runs are chosen by state, job, host and time" {
    six_runs
    [ "$(ids)" = '1 2 3 4 5 6 ' ]
    [ "$(ids --state failed)" = '4 ' ]
    [ "$(ids --state failed,lost)" = '4 6 ' ]
    [ "$(ids --state open)" = '1 2 3 ' ]
    [ "$(ids --state over)" = '4 5 6 ' ]
    [ "$(ids --job alpha)" = '1 5 ' ]
    [ "$(ids --job '*lt*')" = '4 ' ]
    [ "$(ids --host 'db*')" = '4 5 ' ]
    [ "$(ids --host web1 --state lost)" = '6 ' ]
    [ "$(ids --since 1990-01-01 --state over)" = '5 ' ]
    [ "$(ids --limit 2)" = '5 6 ' ]
    [ "$(ids 4 2)" = '2 4 ' ]
    [ "$(ids last)" = '6 ' ]
    [ "$(ids --state failed 4 5)" = '4 ' ]
}

@test "runs are named by ranges, and those that are not there are none" {
    six_runs
    sqlite3 "$ROTA_CATALOGUE" 'DELETE FROM run WHERE id = 3'
    [ "$(ids 2-4)" = '2 4 ' ]
    [ "$(ids 5,1-2 4-999999999999)" = '1 2 4 5 6 ' ]
    [ "$(ids last,1)" = '1 6 ' ]
    run -1 rota status 3-3
    [ "$output" = 'rota status: there is no run from 3 to 3' ]
    run -64 rota status 4-
    [ "$output" = "rota status: '4-' is no run's id (write a number, 3-9, 17,20-22, 'last' or '-')" ]
    # not in a stream, where it would be the first word of some other line
    run -64 rota status - <<<'2-4'
    run -0 rota cancel -n 1-2
    [ "${#lines[@]}" -eq 2 ]
}

@test "--joblog: what has ended, as GNU parallel writes it" {
    rota submit -- sh -c 'echo "a b"; exit 3'
    rota submit -- sh -c 'kill -9 $$'
    printf 'name: two\nshell: |\n  echo one\n  echo two\n' | rota submit -
    rota dispatch
    rota submit -- true
    run -0 rota status --joblog
    [ "${lines[0]}" = $'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand' ]
    [ "${#lines[@]}" -eq 4 ]
    [ "$(cut -f 1,2,5-8 <<<"${lines[1]}")" = $'1\tlocal\t0\t4\t3\t0' ]
    [[ $(cut -f 3,4 <<<"${lines[1]}" | tr '\t' ' ') =~ ^[0-9]{10}\.[0-9]{3}\ [0-9]+\.[0-9]{3}$ ]]
    # what a shell reads back
    command=$(cut -f 9 <<<"${lines[1]}")
    run bash -c "$command"
    [ "$output" = 'a b' ] && [ "$status" -eq 3 ]
    run -0 rota status --joblog --job 's*'
    [ "$(cut -f 7,8 <<<"${lines[2]}")" = $'0\t9' ]
    run -0 rota status --joblog last,3
    [ "$(cut -f 9 <<<"${lines[1]}")" = 'echo one\necho two\n' ]
    # the newest that have ended, not those of the newest that have
    [ "$(rota status --joblog --limit 2 | cut -f 1 | paste -sd,)" = Seq,2,3 ]
    [ "$(rota status --joblog --limit 9 | wc -l)" -eq 4 ]
    run -1 rota status -q --joblog last
    run -64 rota status --joblog -o json
}

@test "--tag: runs on hosts that have it, for status and cancel" {
    six_runs
    config <<'END'
[worker web1]
transport = exec
command = false
tags = web
[worker db1]
transport = exec
command = false
tags = db, ssd
END
    [ "$(ids --tag ssd)" = '4 5 ' ]
    [ "$(ids --tag web --state open)" = '3 ' ]
    [ "$(ids --tag db --limit 1)" = '5 ' ]
    run -0 rota cancel -n --tag web
    [ "$output" = 3 ]
    run -1 rota status --tag sds
    [ "$output" = "rota status: no host has the tag 'sds' (did you mean 'ssd'?)" ]
}

@test "--sort: by fields, up and down, what is absent last; --limit keeps the first of them" {
    six_runs
    [ "$(ids --sort job)" = '1 5 2 4 3 6 ' ]
    [ "$(ids --sort -job,-id)" = '6 3 4 2 5 1 ' ]
    [ "$(ids --sort exit_code)" = '5 4 1 2 3 6 ' ]
    [ "$(ids --sort -exit_code)" = '4 5 1 2 3 6 ' ]
    [ "$(ids --sort -exit_code --limit 1)" = '4 ' ]
    [ "$(rota status --sort -id --format '{id} {job}' 1 2)" = $'2 beta\n1 alpha' ]
    run -0 rota status --sort -id 1 2
    [[ ${lines[1]} =~ ^\ *2\ && ${lines[2]} =~ ^\ *1\  ]]
    [ "$(rota status --sort -id -o json 1 2 | jq .id | tr '\n' ' ')" = '2 1 ' ]
    [ "$(rota status --sort -id -o tsv 1 2 | cut -f 1 | tr '\n' ' ')" = 'id 2 1 ' ]
    run -64 rota status --sort durration
    [ "$output" = "rota status: --sort: unknown field 'durration' (did you mean 'duration'?)" ]
    run -64 rota status --sort '' -o id
    run -64 rota status --events --sort id 1
}

@test "nothing matched is exit 1, and words on standard error" {
    six_runs
    run --separate-stderr rota status --state timeout
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [ "$stderr" = "rota status: no run matches" ]
    run --separate-stderr rota status --state timeout -o id
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [ "$stderr" = "rota status: no run matches" ]
    run rota status -q --state timeout
    [ "$status" -eq 1 ]
    [ -z "$output" ]
}

@test "runs that are named and not there are told" {
    six_runs
    run --separate-stderr rota status -o id 2 99
    [ "$status" -eq 1 ]
    [ "$output" = 2 ]
    [ "$stderr" = "rota status: 1 of the 2 runs named are not in the catalogue" ]
    # whatever else is asked of them
    for words in '--limit 9' '--state open' --tree --joblog --events; do
        read -ra words_of <<<"$words"
        run -1 --separate-stderr rota status 1 99 "${words_of[@]}"
        [ "${stderr%%$'\n'*}" = "rota status: 1 of the 2 runs named are not in the catalogue" ]
    done
}

@test "ids come from standard input, with or without a header" {
    six_runs
    [ "$(rota status --state failed,lost | ids -)" = '4 6 ' ]
    [ "$(rota status --state failed -o tsv | ids -)" = '4 ' ]
    run --separate-stderr rota status - </dev/null
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    run rota status - <<<nonsense
    [ "$status" -eq 64 ]
    [[ $output == *"standard input:1: 'nonsense' is no run's id"* ]]
}

@test "json has every field, one object a line" {
    six_runs
    run rota status -o json
    [ "${#lines[@]}" -eq 6 ]
    run rota status -o json 4
    [ "$(json '"\(.state) \(.exit_code) \(.host) \(.attempt) \(.duration)"')" = 'failed 3 db1 2 1.5' ]
    [ "$(json '.started_at, .signal, .reason')" = $'1970-01-01T00:00:01.000Z\nnull\nnull' ]
    for field in id job state reason host attempt priority exit_code signal due_at queued_at \
        started_at finished_at duration submitter array index occurrence not_before rerun_of \
        out_bytes out_dropped err_bytes err_dropped utime stime maxrss; do
        [ "$(json "has(\"$field\")")" = true ]
    done
}

@test "tsv and --format have the same values" {
    six_runs
    run rota status -o tsv 6
    [[ ${lines[0]} == $'id\tjob\tstate\t'* ]]
    [[ ${lines[1]} == $'6\tzeta\tlost\tweb1\t'*$'\tthe host rebooted' ]]
    [ "$(rota status --format '{id}: {reason}' 6)" = '6: the host rebooted' ]
    run rota status --format '{hots}'
    [ "$status" -eq 64 ]
    [[ $output == *"(did you mean 'host'?)" ]]
}

@test "machine forms do not depend on the environment" {
    six_runs
    rota status -o json 4 5 6 >one
    TZ=Asia/Tokyo LC_ALL=de_DE.UTF-8 COLUMNS=20 TERM=xterm rota status -o json 4 5 6 >two
    cmp one two
}

@test "untrusted text cannot reach the terminal, nor break a line" {
    rota submit -- true
    set_run 1 "reason = char(27) || '[2J' || char(10) || 'x' || char(9) || 'y'"
    for form in table wide tsv json; do
        run rota status -o $form
        [[ $output != *$'\033'* ]]
        want=2
        [ $form != json ] || want=1
        [ "${#lines[@]}" -eq $want ]
    done
    [ "$(rota status -o json | jq -r .reason)" = $'\033[2J\nx\ty' ]
}

@test "a table that nothing narrows shows the newest 50" {
    for i in {1..60}; do printf -- '---\nname: j%s\nshell: "true"\n' "$i"; done >many.yaml
    rota submit many.yaml >/dev/null
    run rota status
    [ "${#lines[@]}" -eq 51 ]
    [[ ${lines[1]} == 11\ * || ${lines[1]} == " "11\ * ]]
    [ "$(rota status -o id | wc -l)" -eq 60 ]
    [ "$(rota status --limit 0 | wc -l)" -eq 61 ]
    [ "$(rota status --state queued | wc -l)" -eq 61 ]
}

@test "colours and widths are for terminals" {
    six_runs
    run rota status
    [[ $output != *$'\033'* ]]
    run script -qec "stty cols 75; rota status" /dev/null </dev/null
    [[ $output == *$'\033[31mfailed'* ]]
    for line in "${lines[@]}"; do
        plain=$(sed $'s/\033\\[[0-9;]*m//g; s/\r//; s/…/./g' <<<"$line")
        [ ${#plain} -le 75 ]
    done
    NO_COLOR=1 run script -qec "rota status" /dev/null </dev/null
    [[ $output != *$'\033'* ]]
}

@test "an unknown state suggests the near one" {
    six_runs
    run rota status --state fialed
    [ "$status" -eq 64 ]
    [ "$output" = "rota status: unknown state 'fialed' (did you mean 'failed'?)" ]
    run rota status --limit -3
    [ "$status" -eq 64 ]
}
