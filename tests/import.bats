#!/usr/bin/env bats
# rota schedule import: what a crontab says, a job file says too.

load lib

crontabs=$BATS_TEST_DIRNAME/crontabs
from=2026-03-01T00:00:00Z zone=Europe/Berlin

# When the jobs of a file of jobs fire, as the independent reading prints it: each job's name, its
# instants below.
firings()
{
    local name
    rota schedule -q add --prune "$1" >/dev/null
    while read -r name; do
        echo "$name"
        rota schedule next -n 100 --from "$from" "$name"
    done < <(sed -n 's/^name: //p' "$1")
}

same_firings()
{
    rota schedule import "${@:2}" --timezone "$zone" "$1" >jobs.yaml 2>import.err || [ $? -eq 1 ]
    [ -s jobs.yaml ] || return 0
    firings jobs.yaml >ours
    python3 "$BATS_TEST_DIRNAME/crontab_reading.py" "${@:2}" "$from" "$zone" "$1" >theirs
    [ "$(grep -c : ours)" -ge 100 ]
    diff <(grep : ours) <(grep '^2.*T.*:' theirs)
}

@test "ten crontabs: imported, they fire at the same hundred instants as an independent reading says" {
    n=0
    for file in "$crontabs"/*.crontab; do
        echo "$file"
        same_firings "$file"
        n=$((n + 1))
    done
    [ "$n" -ge 10 ]
}

@test "a cron.d directory of Debian's packages, and this machine's own" {
    n=0
    for file in "$crontabs"/cron.d/* /etc/cron.d/*; do
        if [ -f "$file" ] && [ "${file##*/}" != .placeholder ]; then
            echo "$file"
            same_firings "$file" --system
            n=$((n + 1))
        fi
    done
    [ "$n" -ge 8 ]
}

@test "the files of a cron.d become one file of jobs, named after them, with their users" {
    run -0 --separate-stderr rota schedule import --system "$crontabs"/cron.d/*
    echo "$output" >jobs.yaml
    [ "$(grep -c '^user: "root"$' jobs.yaml)" -eq "$(grep -c '^name: ' jobs.yaml)" ]
    grep -qx 'name: sysstat-2' jobs.yaml
    run -0 rota schedule -q add jobs.yaml
    # a path with cron.d in it needs no --system
    mkdir -p etc/cron.d
    cp "$crontabs/cron.d/sysstat" etc/cron.d
    run -0 rota schedule import etc/cron.d/sysstat
    [[ $output == *'user: "root"'* ]]
    # nor does what lies in a cron.d, wherever it is called from
    for file in etc/cron.d/sysstat:. cron.d/sysstat:etc sysstat:etc/cron.d ../cron.d/sysstat:etc/cron.d; do
        run -0 --separate-stderr bash -c "cd ${file#*:} && rota schedule import ${file%:*}"
        [[ $output == *'user: "root"'* ]]
    done
    ln -s "$crontabs/cron.d/sysstat" etc/cron.d/linked
    ln -s etc/cron.d/sysstat own
    run -0 rota schedule import etc/cron.d/linked
    [[ $output == *'user: "root"'* ]]
    run -0 rota schedule import own
    [[ $output == *'user: "root"'* ]]
}

@test "entries below a CRON_TZ that nobody knows are refused, until the next good one" {
    printf '%s\n' 'CRON_TZ=Europe/Berlin' '1 1 * * * one' 'CRON_TZ=Europe/Berlln' '2 2 * * * two' \
        '3 3 * * * three' 'CRON_TZ=Asia/Tokyo' '4 4 * * * four' 'CRON_TZ=Nowhere' 'CRON_TZ=' \
        '5 5 * * * five' >./crontab
    run -1 --separate-stderr rota schedule import crontab
    [ "$(grep -c '^name: ' <<<"$output")" -eq 3 ]
    [[ $output == *'name: one'*Europe/Berlin*'#   2 2 * * * two'*'name: four'*Asia/Tokyo*'name: five'* ]]
    [ "${#stderr_lines[@]}" -eq 4 ]
    # shellcheck disable=SC2154 # set by bats
    [[ $stderr == *'crontab:4: the CRON_TZ above it'*'crontab:5: '*'crontab:8: '* ]]
}

@test "an entry that is never due is a comment, and the rest can be added" {
    printf '%s\n' '0 0 31 2 * never' '0 0 29 2 * leap' >./crontab
    run -1 --separate-stderr rota schedule import crontab
    [[ $output == *'# not imported (it is never due: there is no such day):'*'#   0 0 31 2 * never'* ]]
    [[ $stderr == *'crontab:1: it is never due'* ]]
    echo "$output" >jobs.yaml
    run -0 rota schedule add jobs.yaml
    [ "$output" = 'added leap' ]
}

@test "settings, input and comments are kept; what is no time is said with its line" {
    run -0 rota schedule import "$crontabs/05-settings.crontab"
    [[ $output == *'exec: ["/bin/bash", -c, "echo \"$GREETING\" > greeting"]'* ]]
    [[ $output == *'PATH: "/opt/bin:/usr/bin:/bin"'* ]]
    [[ $output == *'workdir: "/var/tmp"'* ]]
    [[ $output == *'# MAILTO was ops@example.com'* ]]
    run -0 rota schedule import "$crontabs/07-percent.crontab"
    [[ $output == *'stdin: "Dear all,\n\nthe week begins.\n"'* ]]
    [[ $output == *'$(date +%V)'* ]]
    run -1 --separate-stderr rota schedule import "$crontabs/04-words.crontab"
    # shellcheck disable=SC2154 # set by bats
    [[ $stderr == *'04-words.crontab:8: '*'@reboot'* ]]
    [[ $output == *'#   @reboot echo never'* ]]
    run -1 --separate-stderr rota schedule import "$crontabs/10-broken.crontab"
    [ "${#stderr_lines[@]}" -eq 4 ]
    [[ $output == *'name: echo'*fine* ]]
    run -0 bash -c "rota schedule import - <'$crontabs/01-plain.crontab'"
    [[ $output == *'name: backup'* ]]
}

@test "what is not UTF-8, or no job may say, is a comment with its place and mend; the rest can be added" {
    printf '# K\366ln\n1 1 * * * root echo caf\351\n2 2 * * * j\303\266rg true\n' >latin1
    printf '3 3 * * * root printf "\\a|\a|\342\200\250|caf\303\251"\nTOWN=K\366ln\n4 4 * * * root echo $TOWN\n' >>latin1
    run -1 --separate-stderr rota schedule import --system latin1
    # shellcheck disable=SC2154 # set by bats
    [ "${#stderr_lines[@]}" -eq 4 ]
    [[ ${stderr_lines[0]} == 'rota schedule: latin1:2: it is not UTF-8: convert the crontab (iconv '* ]]
    [[ ${stderr_lines[1]} == "rota schedule: latin1:3: 'user' is to be the name of an account"*jörg* ]]
    [[ ${stderr_lines[2]} == 'rota schedule: latin1:5: it is not UTF-8: '* ]]
    [[ ${stderr_lines[3]} == 'rota schedule: latin1:6: a setting above it is not UTF-8' ]]
    [[ ${lines[0]} == '# K\xf6ln' ]]
    [[ $output == *'#   1 1 * * * root echo caf\xe9'* ]]
    # and no byte of what is imported is another one
    sed '/^user:/d' <<<"$output" >jobs.yaml
    run -0 rota submit jobs.yaml
    run -0 rota dispatch --wait 1
    [ "$(rota logs 1)" = $'\a|\a|\u2028|café' ]
}

@test "an imported job runs as cron would run it" {
    # shellcheck disable=SC2016 # for the job's shell
    printf '%s\n' 'GREETING=hello' '1 1 * * * cat; echo "$GREETING \% $HOME"%from cron' >own.crontab
    rota schedule import own.crontab >jobs.yaml
    run -0 rota submit jobs.yaml
    run -0 rota dispatch --wait 1
    run -0 rota logs 1
    [ "$output" = "from cron
hello % $ROTA_REAL_HOME" ]
}

@test "garbage is no crontab" {
    head -c 1000 /dev/urandom >garbage
    printf 'a\0b\n' >nul
    run -65 rota schedule import nul
    [[ $output == *NUL* ]]
    run -74 rota schedule import nosuch
    run rota schedule import garbage
    [ "$status" -eq 1 ] || [ "$status" -eq 65 ]
    run -64 rota schedule import
}
