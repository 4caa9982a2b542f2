# rota submit: what enters the catalogue, and what is refused.
# bats' run sets stderr; some '$' are meant as they are
# shellcheck disable=SC2154,SC2016

load lib

# The specification of a run.
spec()
{
    sqlite3 "$ROTA_CATALOGUE" "SELECT text FROM spec JOIN run ON run.spec = spec.id WHERE run.id = $1"
}

runs()
{
    rota status -o id -q | wc -l
}

@test "a command is queued and its id printed" {
    run --separate-stderr rota submit -- uname -a
    [ "$status" -eq 0 ]
    [ "$output" = 1 ]
    [ -z "$stderr" ]
    run rota status -o json 1
    [ "$(json '.state, .job')" = $'queued\nuname' ]
    [ "$(json .submitter)" = "$(id -un)@$(uname -n)" ]
}

@test "a submit syncs once: the log, not its directory" {
    run -0 rota submit -- true # the log is new: its directory, too
    run -0 strace -f -o trace -e trace=fsync,fdatasync rota submit -- true
    [ "$(grep -c sync trace)" -eq 1 ]
}

@test "the words of a command reach it as they were typed" {
    rota submit -- printf '%s|' 'a b' '' '$HOME' '--wait'
    [ "$(spec 1 | jq -c .exec)" = '["printf","%s|","a b","","$HOME","--wait"]' ]
}

@test "a single word with blanks is a line for sh" {
    rota submit -- 'ls | wc -l'
    [ "$(spec 1 | jq -r .shell)" = 'ls | wc -l' ]
    [ "$(spec 1 | jq -r .name)" = ls ]
    rota submit -- /usr/bin/true
    [ "$(spec 2 | jq -c .exec)" = '["/usr/bin/true"]' ]
    [ "$(spec 2 | jq -r .name)" = true ]
}

@test "a name is made of any command" {
    rota submit -- '[' a ']'
    rota submit -- '/x/9 lives'
    rota submit -- last
    [ "$(rota status --format '{job}' | tr '\n' ' ')" = '_ _ command ' ]
}

@test "files, several documents and standard input become runs in their order" {
    printf 'name: a\nshell: "true"\n---\nname: b\nshell: "true"\n' >two.yaml
    printf 'shell: "true"\n' >c.yaml
    run rota submit two.yaml - c.yaml <<<'{"name": "json", "exec": ["true"]}'
    [ "$status" -eq 0 ]
    [ "$output" = $'1\n2\n3\n4' ]
    [ "$(rota status --format '{job}' | tr '\n' ' ')" = 'a b json c ' ]
}

@test "all errors of all files are told and nothing is submitted" {
    printf 'name: a\nshell: "true"\nhsot: x\nslots: many\n' >bad.yaml
    printf 'name: b\nshell: "true"\n' >good.yaml
    printf 'name: c\n' >worse.yaml
    run rota submit good.yaml bad.yaml worse.yaml
    [ "$status" -eq 65 ]
    [[ $output == *"rota submit: bad.yaml:3:1: "*"hsot"* ]]
    [[ $output == *"bad.yaml:4:"* ]]
    [[ $output == *"worse.yaml:1:"* ]]
    [ ! -e "$ROTA_CATALOGUE" ]
}

@test "a file that is not there says how commands are written" {
    run rota submit uname
    [ "$status" -eq 74 ]
    [[ $output == *"uname"*"No such file"*"after --"* ]]
}

@test "nothing to submit is an error of usage" {
    run rota submit
    [ "$status" -eq 64 ]
    run rota submit file.yaml -- true
    [ "$status" -eq 64 ]
    run rota submit --rerun
    [ "$status" -eq 64 ]
}

@test "options say something else than the file" {
    config <<<$'[worker a]\ntags = x, y\n[worker b]'
    printf 'name: j\nshell: "true"\nslots: 1\npriority: 1\nwhere: {hosts: b, tags: [x]}\n' >j.yaml
    run rota submit --name k --priority -3 --host a --tag y --slots 2 --timeout 90s -o json j.yaml
    [ "$status" -eq 0 ]
    [ "$(json '"\(.job) \(.priority)"')" = 'k -3' ]
    [ "$(spec 1 | jq -c '[.where.tags, .slots]')" = '[["x","y"],2]' ]
    [[ $(spec 1 | jq -c .where.hosts) == *a* ]]
    [[ $(spec 1) == *90s* || $(spec 1) == *1m30s* ]]
}

@test "wrong values of options are errors of usage" {
    for option in '--slots 0' '--slots x' '--priority 9999999' '--timeout 5' '--at someday' \
        '--in 5' '--at now --in 5m' '--at 1999-01-01' '--name last' '--host a[' '-o xml' \
        '--format {nope}'; do
        # shellcheck disable=SC2086
        run rota submit $option -- true
        [ "$status" -eq 64 ] || { echo "$option: $status $output"; return 1; }
    done
    [ ! -e "$ROTA_CATALOGUE" ]
}

@test "--name is for one job" {
    printf 'name: a\nshell: "true"\n---\nname: b\nshell: "true"\n' >two.yaml
    run rota submit --name c two.yaml
    [ "$status" -eq 64 ]
}

@test "--at and --in set the time before which nothing starts" {
    run rota submit --at 2099-01-01T00:00:00Z -o json -- true
    [ "$(json '.not_before, .due_at')" = $'2099-01-01T00:00:00.000Z\n2099-01-01T00:00:00.000Z' ]
    run rota submit --in 2h -o json -- true
    [ "$(json '(.not_before[:19] + "Z" | fromdate) - (.queued_at[:19] + "Z" | fromdate)')" -ge 7199 ]
}

@test "--hold submits held runs" {
    run rota submit --hold -o json -- true
    [ "$(json .state)" = held ]
}

@test "a host, a tag or slots that no worker has are refused" {
    config <<<$'[worker db1]\nslots = 2\ntags = db\n[worker web1]\nslots = 4\ntags = web'
    printf 'name: j\nshell: "true"\nwhere: {hosts: db2}\n' >j.yaml
    run rota submit j.yaml
    [ "$status" -eq 65 ]
    [ "$output" = "rota submit: j.yaml:3:16: no worker 'db2' in rota.ini (did you mean 'db1'?)" ]
    run rota submit --tag wbe -- true
    [ "$status" -eq 65 ]
    [[ $output == *"no worker has the tag 'wbe' (did you mean 'web'?)" ]]
    run rota submit --slots 5 -- true
    [ "$status" -eq 65 ]
    [[ $output == *"wants 5 slots"*"web1, has 4" ]]
    run rota submit --tag db --slots 3 -- true
    [ "$status" -eq 65 ]
    [[ $output == *"db1, has 2" ]]
    run rota submit --tag db --host web1 -- true
    [ "$status" -eq 65 ]
    [ ! -e "$ROTA_CATALOGUE" ]
    rota submit --tag web --slots 4 -- true
}

@test "--dry-run prints the jobs as they would be stored and stores nothing" {
    printf 'name: j\nshell: "true"\n' >j.yaml
    run rota submit -n --priority 7 j.yaml
    [ "$status" -eq 0 ]
    [ "$(json '"\(.name) \(.priority)"')" = 'j 7' ]
    [ ! -e "$ROTA_CATALOGUE" ]
    rota submit -n j.yaml | rota submit -
    [ "$(spec 1)" = "$(rota submit -n j.yaml)" ]
}

@test "--rerun makes new runs of what was, whatever the file says now" {
    printf 'name: j\nshell: echo one\npriority: 4\n' >j.yaml
    rota submit j.yaml
    printf 'name: j\nshell: echo two\n' >j.yaml
    run rota submit --rerun 1 -o json
    [ "$(json '"\(.id) \(.job) \(.priority) \(.rerun_of)"')" = '2 j 4 1' ]
    [ "$(spec 2)" = "$(spec 1)" ]
    run rota submit --rerun --priority 9 last -o json
    [ "$(json '"\(.id) \(.priority) \(.rerun_of)"')" = '3 9 2' ]
    [ "$(spec 3 | jq -r .shell)" = 'echo one' ]
}

@test "--rerun of standard input takes exactly what it names" {
    for _ in 1 2 3; do rota submit -- true; done
    run bash -c 'rota status -o table 1 3 | rota submit --rerun -'
    [ "$status" -eq 0 ]
    [ "$output" = $'4\n5' ]
    [ "$(rota status --format '{rerun_of}' 4 5 | tr '\n' ' ')" = '1 3 ' ]
}

@test "--rerun of nothing submits nothing" {
    rota submit -- true
    run --separate-stderr rota submit --rerun - </dev/null
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [[ $stderr == *"names no runs"* ]]
    run rota submit -q --rerun - </dev/null
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [ "$(runs)" -eq 1 ]
}

@test "--rerun of a run that is not there submits nothing" {
    rota submit -- true
    run rota submit --rerun 1 9
    [ "$status" -eq 1 ]
    [ "$output" = "rota submit: there is no run 9: nothing was submitted" ]
    [ "$(runs)" -eq 1 ]
}

@test "what cannot be printed is submitted all the same" {
    run rota submit --at 2099-01-01 -- true
    rota submit -- true >/dev/full || [ $? -eq 74 ]
    [ "$(runs)" -eq 2 ]
}

@test "a hundred thousand bytes of jobs are one transaction" {
    for i in {1..2000}; do printf -- '---\nname: j%s\nshell: "true"\n' "$i"; done >many.yaml
    run rota submit many.yaml
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 2000 ]
    printf -- '---\nname: x y\nshell: "true"\n' >>many.yaml
    run rota submit many.yaml
    [ "$status" -eq 65 ]
    [ "$(runs)" -eq 2000 ]
}

@test "--wait runs what nobody dispatches and exits as the run did" {
    run --separate-stderr rota submit -q --wait -- sh -c 'exit 3'
    [ "$status" -eq 3 ]
    [ "$output" = 1 ]
    run rota submit -q --wait -- true
    [ "$status" -eq 0 ]
    run rota submit -q --wait -- 'kill -SEGV $$'
    [ "$status" -eq 139 ]
    run rota submit -q --wait --timeout 100ms -- sleep 1000
    [ "$status" -eq 124 ]
    run rota submit -q --wait -- /no/such/program
    [ "$status" -ne 0 ]
    printf 'name: a\nexec: [sh, -c, exit 3]\nsuccess: [0, 3]\n' >a.yaml
    run rota submit -q --wait a.yaml
    [ "$status" -eq 0 ]
}

@test "--wait for several exits 1 if any failed" {
    printf 'name: a\nexec: ["true"]\n---\nname: b\nexec: [sh, -c, exit 3]\n' >two.yaml
    run rota submit -q --wait two.yaml
    [ "$status" -eq 1 ]
    printf 'name: a\nexec: ["true"]\n---\nname: b\nexec: ["true"]\n' >two.yaml
    run rota submit -q --wait two.yaml
    [ "$status" -eq 0 ]
}

@test "--wait of a run that is cancelled exits 125" {
    rota submit --hold --wait -- true >ids &
    waiter=$!
    eventually [ -s ids ]
    rota cancel "$(cat ids)"
    code=0
    wait "$waiter" || code=$?
    [ "$code" -eq 125 ]
}

@test "a command that is no UTF-8 is refused, not changed" {
    run -65 rota submit -- printf $'caf\xe9'
    [[ $output == *'a job is text in UTF-8'* ]]
    [ ! -e "$ROTA_CATALOGUE" ]
}
