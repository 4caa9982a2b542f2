#!/usr/bin/env bats
# Hosts that are not as they should be: one clear message, and no other host is delayed. Servers that are
# no hosts at all are in server.bats.

load ../lib
load ../e2e/four
load ../e2e/four_once

setup()
{
    rota_setup
    four_config 4
    extra=''
}

teardown()
{
    if [ -n "$extra" ]; then
        four_end "$extra"
    fi
    rota_teardown
}

# Submits a run for the bad host and one for w1; the good one must end well while the dispatcher
# is at it, the bad one must wait, with a reason that matches $1.
bad_host_waits()
{
    run -0 rota submit --name bad --host bad -- true
    run -0 rota submit --name good --host w1 -- true
    run timeout 60 rota dispatch
    [ "$status" -ne 124 ]
    run -0 rota status --format '{job} {state}' 1 2
    [ "$output" = 'bad queued
good succeeded' ]
    run -0 rota status --format '{reason}' 1
    [[ $output =~ $1 ]] || { echo "reason: $output"; return 1; }
    run -0 rota hosts --format '{name} {state}' bad
    [ "$output" = 'bad down' ]
}

@test "a closed port: connection refused is said, the other host's run ends" {
    four_add bad 'address = 127.0.0.1' 'port = 1'
    bad_host_waits '[Rr]efused'
}

@test "a name that does not resolve" {
    four_add bad 'address = no-such-host.invalid'
    bad_host_waits 'no-such-host.invalid'
}

@test "an unknown host key is refused before anything is sent" {
    : >"$HOME/known_hosts"
    run -0 rota submit --host w1 -- true
    run rota dispatch
    run -0 rota status --format '{state} {reason}' 1
    [[ $output == queued*'host key'*'is not known'* ]] || { echo "$output"; return 1; }
}

@test "a changed host key is refused and called so" {
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$HOME/other"
    sed -i "/^\[127.0.1.2\]/s|ssh-ed25519.*|$(cat "$HOME/other.pub")|" "$HOME/known_hosts"
    run -0 rota submit --host w2 -- true
    run -0 rota submit --host w1 -- true
    run rota dispatch
    run -0 rota status --format '{state} {reason}' 1
    [[ $output == queued*'another host key'*ssh-keygen* ]] || { echo "$output"; return 1; }
    run -0 rota status --format '{state}' 2
    [ "$output" = succeeded ]
}

@test "a refused user key names the user and the key" {
    ssh-keygen -q -t ed25519 -N '' -f "$HOME/other"
    four_add bad 'address = 127.0.1.3' "port = $(cat "$FOUR/four/port")" "identity = $HOME/other"
    bad_host_waits 'other'
}

# One more sshd, on 127.0.1.5, as a worker: strange_host NAME LINE-OF-SSHD_CONFIG…
strange_host()
{
    local name=$1
    shift
    extra=$FOUR/$name
    four_sshd "$extra" 127.0.1.5 "$@"
    four_know "$extra" 127.0.1.5
    four_add "$name" 'address = 127.0.1.5' "port = $(cat "$extra/port")"
}

@test "a login banner and a noisy shell start do not disturb" {
    seq -f 'Welcome, line %.0f of a long banner.' 1 50 >"$HOME/banner"
    cat >"$HOME/login" <<'SH'
#!/bin/sh
seq -f 'noise %.0f of a .bashrc' 1 500
echo 'more of it' >&2
printf 'rota-worker almost'
exec sh -c "$SSH_ORIGINAL_COMMAND"
SH
    chmod +x "$HOME/login"
    strange_host noisy "Banner $HOME/banner" "ForceCommand $HOME/login"
    run -0 rota submit --host noisy -- echo clean
    run -0 rota dispatch --wait 1
    run -0 rota logs 1
    [ "$output" = clean ]
}

@test "a host that runs only its own command: the message says what to set" {
    strange_host forced 'ForceCommand echo This account is for mail only.'
    run -0 rota submit --host forced -- true
    run timeout 60 rota dispatch
    run -0 rota status --format '{state} {reason}' 1
    [[ $output == queued*'worker ='* ]]
}

@test "an idle dispatch makes no connection and starts no worker" {
    run -0 rota submit --host w1 -- true
    run -0 rota dispatch
    run -0 strace -f -qq -e trace=socket,connect,execve -o "$HOME/trace" rota dispatch
    run ! grep -E 'AF_INET|connect\(' "$HOME/trace"
    run ! grep -E 'execve.*(worker|"ssh)' "$HOME/trace"
}

@test "worker = PATH uses an installed worker and pushes nothing" {
    before=$(find "$ROTA_REAL_HOME/.cache/rota" 2>/dev/null | sort)
    printf '%s\n' "worker = $ROTA_BUILD_DIR/rota-worker" >>"$ROTA_CONFIG"
    run -0 rota submit --host w4 -- echo installed
    run -0 rota dispatch --wait 1
    run -0 rota logs 1
    [ "$output" = installed ]
    [ "$(find "$ROTA_REAL_HOME/.cache/rota" 2>/dev/null | sort)" = "$before" ]
}
