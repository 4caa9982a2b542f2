#!/usr/bin/env bats
# The ways into a host that people have: keys, agents, ~/.ssh/config, known_hosts, jumps.

load ../lib
load four
load answers

setup_file()
{
    # a home without a .bashrc, which may take its time
    local key quick='SetEnv HOME=/nonexistent'
    four_start "$quick"
    for key in other another; do
        ssh-keygen -q -t ed25519 -N '' -C '' -f "$FOUR/$key"
    done
    ssh-keygen -q -t ecdsa -N '' -C '' -f "$FOUR/ecdsa"
    ssh-keygen -q -t ed25519 -N 'a secret' -C '' -f "$FOUR/locked"
    # the keys that may log in; "other" and "another" may not
    cat "$FOUR/ecdsa.pub" "$FOUR/locked.pub" >>"$FOUR/user.pub"
    # one more sshd, with another kind of host key
    mkdir "$FOUR/ecdsa-host"
    ssh-keygen -q -t ecdsa -N '' -C '' -f "$FOUR/ecdsa-host/host"
    four_sshd "$FOUR/ecdsa-host" 127.0.1.5 "$quick"
    printf '#!/bin/sh\necho a secret\n' >"$FOUR/askpass"
    chmod +x "$FOUR/askpass"
}

teardown_file()
{
    four_stop
}

setup()
{
    rota_setup
    export ROTA_TEST_STEP_MS=60000 # a slow machine is no failure
    four_trust
    port=$(cat "$FOUR/four/port") agent=''
}

teardown()
{
    if [ -n "$agent" ]; then
        kill "$agent" || :
        wait "$agent" || :
    fi
    rota_teardown
}

# The worker db on 127.0.1.1; with an identity of its own where one is named.
db()
{
    if [ $# -gt 0 ]; then
        four_add db 'address = 127.0.1.1' "port = $port" "identity = $1"
    else
        sed -i '/^identity/d' "$ROTA_CONFIG"
        four_add db 'address = 127.0.1.1' "port = $port"
    fi
}

# The worker db is only a name; what it means stands in the ssh configuration, before its defaults.
db_alias()
{
    four_add db
    {
        printf 'Host db\n'
        printf '    %s\n' "$@"
        printf 'Host *\n'
        cat "$ROTA_SSH_CONFIG"
    } >"$ROTA_SSH_CONFIG.new"
    mv "$ROTA_SSH_CONFIG.new" "$ROTA_SSH_CONFIG"
}

# An agent with the keys of FOUR that are named, as if their owner had logged in.
start_agent()
{
    local key
    export SSH_AUTH_SOCK=$HOME/agent
    ssh-agent -D -a "$SSH_AUTH_SOCK" >/dev/null 2>&1 3>&- &
    agent=$!
    eventually test -S "$SSH_AUTH_SOCK"
    for key in "$@"; do
        SSH_ASKPASS=$FOUR/askpass SSH_ASKPASS_REQUIRE=force ssh-add -q "$key" 2>/dev/null
    done
}

known_hosts_of()
{
    printf '%s %s\n' "$1" "$(cat "$FOUR/${2:-four}/host.pub")" >"$HOME/known_hosts"
}

# ---- keys ----

@test "an ed25519 key" {
    db "$FOUR/user"
    host_answers db
}

@test "an ecdsa key, and a host that has only an ecdsa key" {
    # libssh2 1.10 itself loses 112 bytes when it reads such a key
    export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0
    four_know "$FOUR/ecdsa-host" 127.0.1.5
    four_add db 'address = 127.0.1.5' "port = $(cat "$FOUR/ecdsa-host/port")" \
        "identity = $FOUR/ecdsa"
    host_answers db
}

@test "a key that is only in the agent" {
    cp "$FOUR/user" "$HOME/once"
    start_agent "$HOME/once"
    rm "$HOME/once"
    printf 'IdentitiesOnly no\nIdentityFile none\n' >"$ROTA_SSH_CONFIG.new"
    grep -v IdentitiesOnly "$ROTA_SSH_CONFIG" >>"$ROTA_SSH_CONFIG.new"
    mv "$ROTA_SSH_CONFIG.new" "$ROTA_SSH_CONFIG"
    db
    host_answers db
}

@test "an encrypted key that the agent holds is asked for no passphrase" {
    start_agent "$FOUR/locked"
    db "$FOUR/locked"
    host_answers db
}

@test "an encrypted key without an agent, as under cron: what is tried and the mend are said" {
    db "$FOUR/locked"
    unset SSH_AUTH_SOCK SSH_ASKPASS DISPLAY
    host_refuses db "@127.0.1.1:$port: no key to log in with" "$FOUR/locked: encrypted" 'ssh-add' \
        'SSH_AUTH_SOCK' 'identity = PATH'
    # an agent that lacks it makes another mend
    start_agent
    host_refuses db "$FOUR/locked: encrypted" 'add it to your agent (ssh-add)'
}

@test "several identities of ~/.ssh/config are tried in their order" {
    sed -i '/^identity/d' "$ROTA_CONFIG"
    db_alias 'HostName 127.0.1.1' "Port $port" "IdentityFile $FOUR/other" \
        "IdentityFile $HOME/none-there" "IdentityFile $FOUR/user"
    host_answers db
}

@test "a refused login names user, address, every key that was tried, and what to do" {
    sed -i '/^identity/d' "$ROTA_CONFIG"
    db_alias 'HostName 127.0.1.1' "Port $port" 'User nobody-of-rota' "IdentityFile $FOUR/other" \
        "IdentityFile $FOUR/another"
    host_refuses db "nobody-of-rota@127.0.1.1:$port refuses the login" "$FOUR/other: refused" \
        "$FOUR/another: refused" 'authorized_keys' 'identity = PATH'
}

@test "an agent with more keys than a server takes: identity = PATH is what helps" {
    local n
    for n in {1..6}; do
        ssh-keygen -q -t ed25519 -N '' -C "key $n" -f "$HOME/key$n"
    done
    start_agent "$HOME"/key{1..6} "$FOUR/user"
    printf 'IdentitiesOnly no\nIdentityFile none\n' >"$ROTA_SSH_CONFIG.new"
    grep -v IdentitiesOnly "$ROTA_SSH_CONFIG" >>"$ROTA_SSH_CONFIG.new"
    mv "$ROTA_SSH_CONFIG.new" "$ROTA_SSH_CONFIG"
    db
    host_refuses db 'key 1 (agent): refused' 'not tried' 'identity = PATH'
    printf 'identity = %s\n' "$FOUR/user" >>"$ROTA_CONFIG"
    host_answers db
}

# ---- ~/.ssh/config ----

@test "an alias of ~/.ssh/config: address, port, user and key come from there" {
    sed -i '/^identity/d' "$ROTA_CONFIG"
    db_alias 'HostName 127.0.1.2' "Port $port" "User $(id -un)" "IdentityFile $FOUR/user"
    host_answers db
    run -0 rota hosts --format '{name} {state}'
    [ "$output" = 'db up' ]
}

@test "user and port of rota.ini win over ~/.ssh/config" {
    db_alias 'HostName 127.0.1.2' 'Port 1' 'User nobody-of-rota'
    printf '%s\n' "port = $port" "user = $(id -un)" >>"$ROTA_CONFIG"
    host_answers db
}

@test "a broken ~/.ssh/config is named" {
    db_alias 'HostName 127.0.1.2' 'Banana yes'
    host_refuses db 'ssh configuration' 'anana'
}

# ---- host keys ----

@test "HostKeyAlias names the entry of known_hosts" {
    known_hosts_of db.example
    db_alias 'HostName 127.0.1.3' "Port $port" 'HostKeyAlias db.example'
    host_answers db
}

@test "a hashed known_hosts" {
    ssh-keygen -q -H -f "$HOME/known_hosts" >/dev/null 2>&1
    grep -q '^|1|' "$HOME/known_hosts"
    run ! grep -F 127.0.1. "$HOME/known_hosts"
    db
    printf 'identity = %s\n' "$FOUR/user" >>"$ROTA_CONFIG"
    host_answers db
}

@test "a wildcard in known_hosts, but not where it is negated" {
    db "$FOUR/user"
    known_hosts_of "[127.0.1.*]:$port"
    host_answers db
    known_hosts_of "[127.0.1.*]:$port,![127.0.1.1]:$port"
    host_refuses db "127.0.1.1:$port" 'not known' 'SHA256:' 'ssh-keyscan' 'accept-new'
}

@test "a @revoked host key is refused, also beside an entry that holds it" {
    db "$FOUR/user"
    printf '@revoked * %s\n' "$(cat "$FOUR/four/host.pub")" >>"$HOME/known_hosts"
    host_refuses db "127.0.1.1:$port" '@revoked' "$HOME/known_hosts" 'SHA256:' 'new key'
}

@test "strict = accept-new adds a host once, however many connect at once" {
    local n
    : >"$HOME/known_hosts"
    printf 'strict = accept-new\n' >>"$ROTA_CONFIG"
    for n in 1 2 3 4; do
        four_add "same$n" 'address = 127.0.1.1' "port = $port"
        rota submit --host "same$n" -- true
    done
    run -0 rota dispatch
    run -0 rota status --format '{state}'
    [ "$output" = $'succeeded\nsucceeded\nsucceeded\nsucceeded' ]
    grep -F "[127.0.1.1]:$port " "$HOME/known_hosts"
    [ "$(wc -l <"$HOME/known_hosts")" -eq 1 ]
}

@test "strict = accept-new still refuses a changed key, and says how to replace it" {
    known_hosts_of "[127.0.1.1]:$port" ecdsa-host
    sed -i "s|ecdsa-sha2-nistp256 .*|$(cat "$FOUR/other.pub")|" "$HOME/known_hosts"
    printf 'strict = accept-new\n' >>"$ROTA_CONFIG"
    cp "$HOME/known_hosts" before
    db "$FOUR/user"
    host_refuses db "127.0.1.1:$port" 'another host key' "ssh-keygen -R '[127.0.1.1]:$port'"
    cmp before "$HOME/known_hosts"
}

@test "a host known by a key of another kind is not believed with a new one" {
    known_hosts_of "[127.0.1.1]:$port" ecdsa-host
    printf 'strict = accept-new\n' >>"$ROTA_CONFIG"
    db "$FOUR/user"
    host_refuses db "127.0.1.1:$port" 'no host key of a type' 'ecdsa-sha2-nistp256' \
        "$HOME/known_hosts"
    [ "$(wc -l <"$HOME/known_hosts")" -eq 1 ]
}

# ---- jumps ----

@test "ProxyJump, by way of two hosts" {
    cat >>"$ROTA_SSH_CONFIG" <<EOF
Host hop1 hop2
    HostName 127.0.1.3
    Port $port
    IdentityFile $FOUR/user
EOF
    db_alias 'HostName 127.0.1.1' "Port $port" 'ProxyJump hop1,hop2'
    host_answers db
}

@test "ProxyCommand" {
    cat >>"$ROTA_SSH_CONFIG" <<EOF
Host hop
    HostName 127.0.1.3
    Port $port
    IdentityFile $FOUR/user
EOF
    db_alias 'HostName 127.0.1.1' "Port $port" \
        "ProxyCommand ssh -F $ROTA_SSH_CONFIG -o BatchMode=yes -W %h:%p hop"
    host_answers db
}

@test "a jump host that refuses is told apart from the host behind it" {
    cat >>"$ROTA_SSH_CONFIG" <<EOF
Host hop
    HostName 127.0.1.3
    Port $port
    IdentityFile $FOUR/other
EOF
    db_alias 'HostName 127.0.1.1' "Port $port" 'ProxyJump hop'
    host_refuses db "@127.0.1.1:$port" 'jump' '@127.0.1.3: Permission denied' "'ssh db'"
}

@test "a jump host whose key changed is told apart too" {
    cat >>"$ROTA_SSH_CONFIG" <<EOF
Host hop
    HostName 127.0.1.3
    Port $port
    IdentityFile $FOUR/user
EOF
    sed -i "/^\[127.0.1.3\]/s|ssh-ed25519.*|$(cat "$FOUR/other.pub")|" "$HOME/known_hosts"
    db_alias 'HostName 127.0.1.1' "Port $port" 'ProxyJump hop'
    host_refuses db "@127.0.1.1:$port" 'jump' 'Host key verification failed' "'ssh db'"
}
