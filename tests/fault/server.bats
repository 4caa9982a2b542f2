#!/usr/bin/env bats
# Whatever answers at the address of a host: it is set aside with a word on why, the others go on, and no
# turn of the dispatcher's loop takes more than 50 ms.

load ../lib
load ../e2e/four
load ../e2e/four_once

setup()
{
    rota_setup
    four_config 4 w1
    export ROTA_TEST_STEP_MS=3000
    listener='' extra='' dispatcher=''
}

teardown()
{
    local pid
    for pid in $listener $dispatcher; do
        kill "$pid" 2>/dev/null || :
        wait "$pid" || :
    done
    if [ -n "$extra" ]; then
        four_end "$extra"
    fi
    cat "$HOME/dispatch.err" 2>/dev/null || : # seen only when it fails
    rota_teardown
}

# The host `bad` is a server on 127.0.0.1 that accepts and does what the argument says (Python), then
# nothing more. Its host key is known, so that it is spoken to.
bad_server()
{
    python3 - "$HOME/port" 3>&- <<PYTHON &
import os, socket, sys
server = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(server.getsockname()[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
banner = b"SSH-2.0-OpenSSH_9.2p1\r\n"
held = []
while True:
    client, _ = server.accept()
    client.settimeout(5)
    held.append(client)
    try:
        $1
    except OSError:
        pass
PYTHON
    listener=$!
    eventually test -s "$HOME/port"
    printf '[127.0.0.1]:%s %s\n' "$(cat "$HOME/port")" "$(cat "$FOUR/four/host.pub")" \
        >>"$HOME/known_hosts"
    four_add bad 'address = 127.0.0.1' "port = $(cat "$HOME/port")"
}

# The host `bad` is an sshd with a script for a worker; then one that runs a script at each login.
bad_worker()
{
    printf '#!/bin/sh\n%s\n' "$1" >"$HOME/bad"
    chmod +x "$HOME/bad"
    four_add bad 'address = 127.0.1.2' "port = $(cat "$FOUR/four/port")" "worker = $HOME/bad"
}

bad_login()
{
    printf '#!/bin/sh\n%s\n' "$1" >"$HOME/login"
    chmod +x "$HOME/login"
    extra=$FOUR/login
    four_sshd "$extra" 127.0.1.5 "ForceCommand $HOME/login"
    four_know "$extra" 127.0.1.5
    four_add bad 'address = 127.0.1.5' "port = $(cat "$extra/port")"
}

is_state()
{
    [ "$(rota status --format '{state}' "$1")" = "$2" ]
}

# One run for `bad`, which waits for it with a reason that matches the pattern, and one for w1, which
# ends well.
bad_waits()
{
    local bad good reason
    bad=$(rota submit --host bad -- true)
    good=$(rota submit --host w1 -- true)
    timeout 100 rota dispatch -v 2>"$HOME/dispatch.err"
    is_state "$good" succeeded
    is_state "$bad" queued
    reason=$(rota status --format '{reason}' "$bad")
    [[ $reason =~ bad\ unreachable\ since\ .*$1 ]] || {
        echo "reason: $reason"
        return 1
    }
    [ "$(rota hosts --format '{state}' bad)" = down ]
}

# The same, or another command that writes dispatch.err, with short turns: what the machine is too busy for
# once or twice it does not miss three times.
with_short_turns()
{
    local longest
    for _ in 1 2 3; do
        "$@"
        longest=$(sed -n 's/.*longest loop turn \([0-9]*\) .*/\1/p' "$HOME/dispatch.err")
        if [ "$longest" -le 50000 ]; then
            return 0
        fi
    done
    echo "longest turn: $longest µs"
    return 1
}

harmless()
{
    with_short_turns bad_waits "$1"
}

@test "I9: a server that accepts and is silent is given up, and meanwhile the others work" {
    bad_server 'pass'
    harmless 'does not speak SSH'
    rota submit --host bad -- true
    good=$(rota submit --host w1 -- true)
    ROTA_TEST_STEP_MS=10000 rota dispatch 3>&- 2>"$HOME/dispatch.err" &
    dispatcher=$!
    eventually is_state "$good" succeeded
    # it is still at the silent one
    kill -0 "$dispatcher"
    kill "$dispatcher"
    wait "$dispatcher"
}

@test "a server that is silent after its banner" {
    bad_server 'client.sendall(banner)'
    harmless 'does not speak SSH'
}

@test "a server that closes at once" {
    bad_server 'client.close()'
    harmless 'before the login'
}

@test "a server that speaks HTTP" {
    bad_server 'client.sendall(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n<html>"); client.close()'
    harmless 'before the login'
}

@test "a server that floods with lines before its banner" {
    bad_server '[client.sendall(b"x" * 1000 + b"\r\n") for _ in range(100000)]'
    harmless 'more than 64 KB before the login'
}

@test "a server that floods without a line's end" {
    bad_server '[client.sendall(b"x" * 65536) for _ in range(2000)]'
    harmless 'more than 64 KB before the login'
}

@test "a server that floods with packets after its banner" {
    bad_server 'client.sendall(banner); [client.sendall((b"\0\0\0\x0c\x0a\x02" + bytes(10)) * 4096) for _ in range(2000)]'
    harmless 'more than 64 KB before the login'
}

@test "a server that says random bytes after its banner" {
    bad_server 'client.sendall(banner + os.urandom(1 << 20))'
    harmless 'before the login'
}

@test "a server whose packet is longer than any" {
    bad_server 'client.sendall(banner + b"\xff" * 100000)'
    harmless 'before the login'
}

@test "a worker that says garbage without end after its greeting" {
    bad_worker 'echo "rota-worker $2"; exec cat /dev/urandom'
    harmless 'over the limit of 65536'
}

@test "a worker whose frame is longer than any" {
    bad_worker 'echo "rota-worker $2"; yes "$(printf "\377\377\377\377")" | head -c 1000000; cat >/dev/null'
    harmless 'over the limit of 65536'
}

@test "a login that makes more than 64 KB of noise" {
    bad_login 'yes noise | head -c 70000; exec sh -c "$SSH_ORIGINAL_COMMAND"'
    harmless '64 KB'
}

@test "a login that never ends its noise" {
    bad_login 'exec yes noise'
    harmless '64 KB'
}

noisy_works()
{
    local id
    id=$(rota submit --host bad -- echo clean)
    rota dispatch -v --wait "$id" 2>"$HOME/dispatch.err"
    [ "$(rota logs "$id")" = clean ]
}

@test "a login that makes almost 64 KB of noise works" {
    bad_login 'yes noise | head -c 65000; echo; echo more >&2; exec sh -c "$SSH_ORIGINAL_COMMAND"'
    with_short_turns noisy_works
}

@test "I9: a job and a worker that flood take turns with the others" {
    flood()
    {
        rota dispatch -v --wait "$(rota submit --host w1 -- head -c 30000000 /dev/zero)" \
            2>"$HOME/dispatch.err"
    }
    with_short_turns flood
}
