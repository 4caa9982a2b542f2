# [log]: where messages go.
# bats' run sets stderr
# shellcheck disable=SC2154

load lib

log_to()
{
    config <<<$'[log]\nto = '"$1"$'\n'"${2-}"
}

@test "a file gets lines with time, program, process and level" {
    log_to "$HOME/rota.log"
    rota submit -- true
    run --separate-stderr rota dispatch
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    run cat "$HOME/rota.log"
    [[ ${lines[0]} =~ ^20[0-9-]+T[0-9:.]+Z\ rota-dispatch\[[0-9]+\]:\ info:\ local:\ ready ]]
    [ "$(stat -c %a "$HOME/rota.log")" = 640 ]
}

@test "the level is error, warn, info or debug" {
    log_to "$HOME/rota.log" 'level = warn'
    rota submit -- true
    rota dispatch
    [ ! -s "$HOME/rota.log" ]
    run --separate-stderr rota status --state failed
    grep -q 'rota-status\[[0-9]*\]: warning: no run matches' "$HOME/rota.log"
    [ -z "$stderr" ]
    rota submit -- true
    rota dispatch -v
    grep -q 'info: longest loop turn' "$HOME/rota.log"
}

@test "-q keeps standard error silent and the file as it is" {
    log_to "$HOME/rota.log"
    rota submit -- true
    run --separate-stderr rota status -q --state failed
    [ "$status" -eq 1 ]
    [ -z "$stderr" ]
    grep -q 'no run matches' "$HOME/rota.log"
}

@test "errors go to standard error as well, those of the command line only there" {
    log_to "$HOME/rota.log"
    rota submit -- true
    run --separate-stderr rota hosts nobody
    [ "$status" -eq 1 ]
    [[ $stderr == "rota hosts: no worker 'nobody'"* ]]
    grep -q "error: no worker 'nobody'" "$HOME/rota.log"
    run --separate-stderr rota hosts --wrong
    [ "$status" -eq 64 ]
    [[ $stderr == *"unknown option '--wrong'"* ]]
    run ! grep wrong "$HOME/rota.log"
}

@test "on a terminal nothing is missing" {
    log_to "$HOME/rota.log"
    rota submit -- true
    run script -qec 'rota status --state failed' /dev/null </dev/null
    [[ $output == *'no run matches'* ]]
    grep -q 'no run matches' "$HOME/rota.log"
}

@test "the file may be renamed under a dispatcher that lives on" {
    log_to "$HOME/rota.log"
    rota submit -- true >/dev/null
    rota dispatch --stay &
    dispatcher=$!
    # eventually changes $!
    eventually grep -q ready "$HOME/rota.log"
    mv "$HOME/rota.log" "$HOME/rota.log.1"
    printf '\n' >>"$ROTA_CONFIG"
    eventually grep -qs 'configuration read again' "$HOME/rota.log"
    run ! grep 'configuration read again' "$HOME/rota.log.1"
    kill "$dispatcher"
    wait "$dispatcher" || :
}

@test "what cannot be written is said once, on standard error, and no message is lost" {
    log_to "$HOME/nowhere/rota.log"
    rota submit -- true
    run --separate-stderr rota dispatch -v
    [ "$status" -eq 0 ]
    [ "$(grep -c "cannot open the log $HOME/nowhere/rota.log: No such file" <<<"$stderr")" = 1 ]
    [[ $stderr == *'longest loop turn'* ]]
    mkfifo "$HOME/fifo"
    log_to "$HOME/fifo"
    rota submit -- true
    run --separate-stderr rota dispatch -v
    [ "$status" -eq 0 ]
    [[ $stderr == *'cannot open the log'* ]]
}

@test "control characters cannot break a line of the file" {
    log_to "$HOME/rota.log"
    rota submit -- true
    run rota hosts $'x\ny\033[2J'
    [ "$status" -ne 0 ]
    [ "$(wc -l <"$HOME/rota.log")" -le 1 ]
    run ! grep -q $'\033' "$HOME/rota.log"
}

@test "to = stderr with a level is what -q and -v start from" {
    log_to stderr 'level = error'
    rota submit -- true
    run rota status --state failed
    [ -z "$output" ]
    run rota dispatch -v
    [[ $output == *'longest loop turn'* ]]
    log_to stderr 'level = info'
    rota submit -- true
    run rota dispatch
    [[ $output == *'longest loop turn'* ]]
    run rota dispatch -q
    [ -z "$output" ]
}

@test "syslog gets messages under the program's name" {
    log_to syslog
    rota submit -- true
    strace -f -qq -e trace=socket,connect,sendto,write -s 300 -o "$HOME/trace" rota status --state failed || :
    grep -q 'sun_path="/dev/log"' "$HOME/trace"
    run --separate-stderr rota status --state failed
    [ -z "$stderr" ]
}

@test "mistakes in [log] are told" {
    log_to logfile 'level = warm'
    run rota status
    [ "$status" -eq 78 ]
    [[ $output == *"rota.ini:2: 'to' is to be stderr, syslog, or a path from / or ~/, not 'logfile'"* ]]
    [[ $output == *"rota.ini:3: 'level' is to be error, warn, info or debug, not 'warm' (did you mean 'warn'?)"* ]]
}
