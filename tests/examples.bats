#!/usr/bin/env bats
# Every example of the manual and of README is typed here, against a home in which there is what they
# name. Each has to end with exit code 0, or with the one that is written down below.

load lib
load examples

# Examples that answer no. [01] where the answer depends on the machine that the suite runs on.
declare -gA answers=(
    # there are no hosts of these names
    ['rota init']=69
    ["rota init web1 'root@db[1-2]:2222'"]=69
    ['rota monitor']=1
    ['rota monitor -q || rota monitor']=1
    ['rota monitor doctor']='[01]'
    ['rota monitor doctor db2']='[01]'
    ["rota monitor doctor -o json | jq -c 'select(.verdict == \"trouble\")'"]='[01]'
    ["rota status --state failed -o id | rota submit --rerun - | rota dispatch --wait -"]=1
    ['rota submit --param scene=forest render.yaml | rota dispatch --wait -']=1
    # what is waited for is a run again of what fails
    ['rota dispatch --wait last']=1
    # output that is younger than the backup
    ['rota catalogue check']='[01]'
    ["rota submit --wait -- test -e /var/run/reboot-required && echo 'reboot me'"]='[01]'
    ["rota monitor -o json | jq -r '.troubles[] | select(.bad) | .what'"]=1
)

# What is not typed, and why.
not_typed()
{
    case $1 in
    # tests/house.bats and tests/e2e/package.bats build and install
    make\ * | *sudo\ make*) ;;
    # tests/e2e/units.bats has a systemd to talk to
    systemctl\ * | sudo\ systemctl\ * | loginctl\ *) ;;
    # asks for an account and a group that a machine of this suite need not have
    install\ -d\ -m\ 2750*) ;;
    # writes to /etc
    sudo\ *) ;;
    # there is no host of this name
    *ssh\ vault*) ;;
    *) return 1 ;;
    esac
}

# A file or directory of the system that an example names is one of this home, and the workflow that
# README just made again has another id here.
at_home()
{
    sed "s#--workflow 5 #--workflow $(rota status --limit 1 -o id) #; s#/var/lib/prometheus/node-exporter#$HOME/prom#; s#/srv/rota#$HOME/board#
        s#/etc/rota/jobs#$HOME/jobs#; s#/backup/#$HOME/backup/#g; s#/var/lib/rota#$HOME#" <<<"$1"
}

# A server is there until it is told to end: it is, once it serves.
serve()
{
    local pid rc=0
    PYTHONUNBUFFERED=1 bash -c "exec ${1/8080/0}" >served 2>&1 3>&- &
    pid=$!
    eventually grep -q 'Serving HTTP' served || rc=1
    kill "$pid"
    wait "$pid" || :
    return $rc
}

type_example()
{
    local text=$1 want
    not_typed "$text" && return
    if is_crontab_line "$text"; then
        # as cron would: the time has to be one, and the command does what it says
        rota schedule import - <<<"$text" >/dev/null || return
        text=$(cut -d ' ' -f 6- <<<"$text")
    fi
    if [[ $text == python3\ -m\ http.server* ]]; then
        serve "$(at_home "$text")"
        return
    fi
    want=${answers[$text]-0}
    # the standard input of a test is empty; ROTA_OUTPUT is what a job has
    ROTA_OUTPUT=$HOME/output.txt timeout 60 bash -o pipefail -c "$(at_home "$text")" \
        <&- >typed.out 2>typed.err || status=$?
    [[ ${status-0} =~ ^$want$ ]]
}

is_job()
{
    local parameters=()
    [[ $1 != *scene* ]] || parameters=(--param scene=forest)
    rota submit -n "${parameters[@]}" - <<<"$1" >typed.out || { printf '%s\n' "$1" && return 1; }
}

is_configuration()
{
    config <<<"$1"
    run -0 rota hosts -o id
    [[ $1 != *'[worker db[1-4]]'* || $output == *web1*db4*here* ]]
}

# Types all examples of a file; says which of them do not do what they say.
type_all()
{
    local bad=0 n=0 text
    while IFS= read -r -d '' text; do
        n=$((n + 1))
        status=0
        type_example "$text" && continue
        printf '%s\n    exit code %s\n' "$text" "$status"
        sed 's/^/    /' typed.out typed.err | head -n 20
        bad=$((bad + 1))
    done < <(examples_of "$ROTA_TOP/$1")
    echo "$1: $n examples, $bad fail"
    [ "$n" -gt 0 ] && [ "$bad" -eq 0 ]
}

# The same, in a home in which runs have happened.
type_page()
{
    examples_home
    examples_history
    type_all "$1"
}

@test "each page is typed here, and each answer is of an example that there is" {
    local page text all=''
    for page in README.md $(cd "$ROTA_TOP" && echo man/*.[157]); do
        grep -q "^@test \"$page" "$BATS_TEST_FILENAME" || {
            echo "no test types the examples of $page"
            return 1
        }
    done
    for page in "$ROTA_TOP"/README.md "$ROTA_TOP"/man/*.[157]; do
        all+=$(lines_of "$page")$'\n'
    done
    for text in "${!answers[@]}"; do
        [[ $all == *"$text"* ]] || { echo "nobody shows: $text"; return 1; }
    done
}

@test "README.md: its examples work" {
    examples_home
    examples_history
    mv render.yml render.yaml
    type_all README.md
    rota dispatch
    # those that do something to see
    [ -f a.log.gz ] && [ -f b.log.gz ]
    [ -f board/index.html ] && [ -s prom/rota.prom ] && [ -s told ]
}

@test "README.md: its configuration and its jobs are valid" {
    local block
    examples_home
    while IFS= read -r -d '' block; do
        is_job "$block"
    done < <(blocks_of "$ROTA_TOP/README.md" yaml)
    while IFS= read -r -d '' block; do
        is_configuration "$block"
    done < <(blocks_of "$ROTA_TOP/README.md" ini)
}

@test "man/rota-coming-from.7: its examples work" {
    type_page man/rota-coming-from.7
}

@test "man/rota-dispatch.1: its examples work" {
    type_page man/rota-dispatch.1
}

@test "man/rota-init.1: its examples work" {
    # as on a machine of somebody who has one host
    printf 'Host vault\n  HostName 127.0.0.1\n  Port 1\n' >ssh_config
    export ROTA_SSH_CONFIG=$PWD/ssh_config
    type_all man/rota-init.1
    [[ $(cat rota.ini) == *'[worker build[1-4]]'* ]]
}

@test "man/rota-hosts.1: its examples work" {
    type_page man/rota-hosts.1
}

@test "man/rota-logs.1: its examples work" {
    type_page man/rota-logs.1
}

@test "man/rota-monitor.1: its examples work" {
    type_page man/rota-monitor.1
}

@test "man/rota-schedule.1: its examples work" {
    type_page man/rota-schedule.1
}

@test "man/rota-status.1: its examples work" {
    type_page man/rota-status.1
}

@test "man/rota-submit.1: its examples work" {
    type_page man/rota-submit.1
}

@test "man/rota-catalogue.5: its examples work" {
    type_page man/rota-catalogue.5
}

@test "man/rota-catalogue.1: its examples work" {
    type_page man/rota-catalogue.1
    [ -n "$(find backup/output -name '*.out')" ]
}

@test "man/rota-complete.1: its examples work" {
    examples_home
    type_all man/rota-complete.1
}

@test "man/rota.7: its examples work" {
    type_page man/rota.7
}

@test "man/rota-cancel.1: its examples work" {
    examples_home
    type_all man/rota-cancel.1
}

@test "man/rota-job.5: its examples are jobs, and what jobs do works" {
    local block n=0
    examples_home
    while IFS= read -r -d '' block; do
        is_job "$block"
        n=$((n + 1))
    done < <(blocks_of "$ROTA_TOP/man/rota-job.5")
    [ "$n" -gt 0 ]
    ROTA_OUTPUT=$HOME/output.txt bash -c "$(sed -n 's/\\(dq/"/g; s/^\.Dl //p' "$ROTA_TOP/man/rota-job.5")"
    [ "$(cat output.txt)" = rows=17 ]
}

@test "man/rota.ini.5: its example is a configuration" {
    local block n=0
    examples_home
    while IFS= read -r -d '' block; do
        is_configuration "$block"
        n=$((n + 1))
    done < <(blocks_of "$ROTA_TOP/man/rota.ini.5")
    [ "$n" -gt 0 ]
}
