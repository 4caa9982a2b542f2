#!/usr/bin/env bats
# What a connected host costs that has nothing to say: its PINGs, and no system call besides.

load ../lib
load ../e2e/four
load ../e2e/four_once

setup()
{
    rota_setup
    four_config 4 quiet
    dispatcher=''
    mkfifo go
    exec {gate}<>go
}

teardown()
{
    echo >&"$gate"
    if [ -n "$dispatcher" ]; then
        wait "$dispatcher" || :
    fi
    exec {gate}>&-
    rota_teardown
}

is_running()
{
    [ "$(rota status --format '{state}' 1)" = running ]
}

# The system calls of a trace (strace -f -ttt) between two times, of processes of a name or of all:
# each burst of them, which a pause of half a second ends, must be a PING: it has a line that
# matches $2, and not more than $3 lines in all. Prints the number of bursts.
bursts()
{
    awk -v from="$4" -v to="$5" -v ping="$2" -v most="$3" '
        function judge() {
            if (lines && (!pings || lines > most)) {
                printf "%d lines, %d PINGs:\n%s", lines, pings, text > "/dev/stderr"
                bad = 1
            }
            lines = pings = 0
            text = ""
        }
        $2 < from || $2 > to { next }
        $2 - last > 0.5 { judge(); n++ }
        { last = $2; lines++; text = text $0 "\n" }
        $0 ~ ping { pings++ }
        END { judge(); print n + 0; exit bad }' "$1"
}

now()
{
    date +%s.%N
}

trace_is_calm()
{
    [ "$(($(date +%s) - $(stat -c %Y "$1")))" -ge 2 ]
}

# Ten seconds of it: the dispatcher, the front end and the shim.
quiet_for_ten_seconds()
{
    local begin end
    eventually trace_is_calm "$HOME/head"
    begin=$(now)
    eventually_within 10 false || :
    end=$(now)
    # the strace of the worker's side writes to one file, of the front end and of the shim
    bursts "$HOME/head" 'sendto\(' 60 "$begin" "$end" >"$HOME/pings" &&
        bursts "$HOME/worker" 'write\(1,' 40 "$begin" "$end" >"$HOME/pongs" &&
        [ "$(cat "$HOME/pings")" -ge 1 ] && [ "$(cat "$HOME/pings")" -le 4 ] &&
        [ "$(cat "$HOME/pongs")" -le 4 ]
}

@test "I8: a connected host with a silent run costs no system call beyond its PINGs, on either side" {
    cat >"$HOME/traced" <<SH
#!/bin/sh
export ASAN_OPTIONS="\${ASAN_OPTIONS-}:detect_leaks=0"
exec strace -f -qq -ttt -o "$HOME/worker" "$ROTA_BUILD_DIR/rota-worker" "\$@"
SH
    chmod +x "$HOME/traced"
    printf 'worker = %s\n' "$HOME/traced" >>"$ROTA_CONFIG"
    run -0 rota submit -- sh -c "read line <$PWD/go"
    ROTA_TEST_PING_MS=4000 strace -f -qq -ttt -o "$HOME/head" rota dispatch 3>&- &
    dispatcher=$!
    eventually is_running
    # what the machine is too slow for once in a while it does not miss three times
    quiet_for_ten_seconds || quiet_for_ten_seconds || quiet_for_ten_seconds
}
