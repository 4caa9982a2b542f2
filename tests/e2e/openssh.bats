#!/usr/bin/env bats
# Transport openssh: chosen by itself where libssh2 cannot do what the host needs, or by a person.

load ../lib
load four
load answers

setup_file()
{
    # a home without a .bashrc, which may take its time
    local quick='SetEnv HOME=/nonexistent'
    four_start "$quick"
    ssh-keygen -q -t rsa -b 2048 -N '' -C '' -f "$FOUR/rsa"
    cat "$FOUR/rsa.pub" >>"$FOUR/user.pub"
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$FOUR/other"
    # 127.0.1.5: a host that has only an RSA key
    mkdir "$FOUR/rsa-host"
    ssh-keygen -q -t rsa -b 2048 -N '' -C '' -f "$FOUR/rsa-host/host"
    four_sshd "$FOUR/rsa-host" 127.0.1.5 "$quick"
    # 127.0.1.6: a host that shows a certificate and believes only certificates
    mkdir "$FOUR/ca-host"
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$FOUR/ca"
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$FOUR/ca-host/host"
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$FOUR/certified"
    ssh-keygen -q -s "$FOUR/ca" -h -I host -n 127.0.1.6 "$FOUR/ca-host/host.pub"
    ssh-keygen -q -s "$FOUR/ca" -I user -n "$(id -un)" "$FOUR/certified.pub"
    four_sshd "$FOUR/ca-host" 127.0.1.6 "HostCertificate $FOUR/ca-host/host-cert.pub" \
        "TrustedUserCAKeys $FOUR/ca.pub" 'AuthorizedKeysFile none' "$quick"
    # 127.0.1.7: an sshd as it is by default
    four_sshd "$FOUR/default" 127.0.1.7 'MaxStartups 10:30:100' "$quick"
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
    agent=''
}

teardown()
{
    if [ -n "$agent" ]; then
        kill "$agent" || :
        wait "$agent" || :
    fi
    rota_teardown
}

# The worker w at an address of the server in a directory of FOUR: at SERVER ADDRESS [LINE…].
at()
{
    port=$(cat "$FOUR/$1/port")
    four_add w "address = $2" "port = $port" "${@:3}"
}

# The worker w as before, with other lines.
instead()
{
    sed -i '/^\[worker w\]/,$d' "$ROTA_CONFIG"
    at "$@"
}

# The worker w works, by way of openssh, and -v says so and why: falls_back WORD…
falls_back()
{
    local word id
    run -0 rota submit --host w -- echo through
    id=$output
    run -0 timeout 120 rota dispatch -v --wait "$id"
    [ "$(grep -c 'openssh' <<<"$output")" -eq 1 ] || { echo "dispatch -v says: $output"; return 1; }
    for word in 'rota dispatch: w: ' "$@"; do
        grep openssh <<<"$output" | grep -qF -- "$word" || { echo "no $word: $output"; return 1; }
    done
    run -0 rota logs "$id"
    [ "$output" = through ]
    # without -v it is not worth a word
    run -0 rota submit --host w -- true
    run -0 timeout 120 rota dispatch
    [ -z "$output" ]
}

# ---- by itself ----

@test "a host that has only an RSA key: openssh by itself; transport = ssh says what is missing" {
    four_know "$FOUR/rsa-host" 127.0.1.5
    at rsa-host 127.0.1.5
    falls_back "127.0.1.5:$port" 'RSA key only'
    instead rsa-host 127.0.1.5 'transport = ssh'
    host_refuses w "127.0.1.5:$port" 'RSA key only' 'transport = openssh' "$HOME/known_hosts"
}

@test "a user who has only an RSA key" {
    at four 127.0.1.1 "identity = $FOUR/rsa"
    falls_back "127.0.1.1:$port" "$FOUR/rsa: an RSA key"
    instead four 127.0.1.1 "identity = $FOUR/rsa" 'transport = ssh'
    host_refuses w "@127.0.1.1:$port" "$FOUR/rsa: an RSA key" 'ed25519'
}

@test "a user whose RSA key is only in the agent" {
    export SSH_AUTH_SOCK=$HOME/agent
    ssh-agent -D -a "$SSH_AUTH_SOCK" >/dev/null 2>&1 3>&- &
    agent=$!
    eventually test -S "$SSH_AUTH_SOCK"
    ssh-add -q "$FOUR/rsa" 2>/dev/null
    sed -i '/^identity/d' "$ROTA_CONFIG"
    sed -i 's/^IdentitiesOnly yes/IdentitiesOnly no/' "$ROTA_SSH_CONFIG"
    echo 'IdentityFile /nonexistent/key' >>"$ROTA_SSH_CONFIG"
    at four 127.0.1.1
    falls_back '(agent): an RSA key'
}

@test "a user's certificate, and a host that believes nothing else" {
    four_know "$FOUR/ca-host" 127.0.1.6
    at ca-host 127.0.1.6 "identity = $FOUR/certified"
    falls_back "@127.0.1.6:$port" "$FOUR/certified"
    instead ca-host 127.0.1.6 "identity = $FOUR/certified" 'transport = ssh'
    host_refuses w "@127.0.1.6:$port" "$FOUR/certified: it has a certificate" \
        'transport = openssh'
}

@test "a user's certificate that CertificateFile names" {
    four_know "$FOUR/ca-host" 127.0.1.6
    cp "$FOUR/certified" "$HOME/key"
    echo "CertificateFile $FOUR/certified-cert.pub" >>"$ROTA_SSH_CONFIG"
    at ca-host 127.0.1.6 "identity = $HOME/key"
    falls_back "@127.0.1.6:$port" 'the ssh configuration' 'certificate'
}

@test "a host's certificate, known by @cert-authority only" {
    printf '@cert-authority 127.0.1.*,[127.0.1.*]:* %s\n' "$(cat "$FOUR/ca.pub")" \
        >"$HOME/known_hosts"
    at ca-host 127.0.1.6 "identity = $FOUR/certified"
    falls_back "127.0.1.6:$port" 'certificate authority'
    instead ca-host 127.0.1.6 "identity = $FOUR/certified" 'transport = ssh'
    host_refuses w "127.0.1.6:$port" 'certificate authority' "$HOME/known_hosts" \
        'transport = openssh'
}

@test "accept-new believes no plain key of a host that an authority is held for" {
    printf '@cert-authority 127.0.1.*,[127.0.1.*]:* %s\n' "$(cat "$FOUR/ca.pub")" \
        >"$HOME/known_hosts"
    cp "$HOME/known_hosts" before
    at default 127.0.1.7 "identity = $FOUR/user" 'strict = accept-new'
    host_refuses w 'ssh says'
    cmp before "$HOME/known_hosts"
    instead default 127.0.1.7 "identity = $FOUR/user" 'strict = accept-new' 'transport = openssh'
    host_refuses w 'ssh says'
    cmp before "$HOME/known_hosts"
}

@test "openssh by itself refuses what ssh would: a changed RSA key, and a key that is not let in" {
    printf '[127.0.1.5]:%s %s\n' "$(cat "$FOUR/rsa-host/port")" "$(cat "$FOUR/rsa.pub")" \
        >>"$HOME/known_hosts"
    at rsa-host 127.0.1.5
    host_refuses w "127.0.1.5:$port" 'another host key' 'ssh-keygen -R'
    four_know "$FOUR/ca-host" 127.0.1.6
    ssh-keygen -q -t rsa -b 2048 -N '' -C '' -f "$HOME/own"
    instead ca-host 127.0.1.6 "identity = $HOME/own"
    host_refuses w "@127.0.1.6:$port" 'Permission denied' "$HOME/own" 'authorized_keys'
}

# ---- chosen ----

@test "transport = openssh with an ed25519 key, and output in order" {
    at four 127.0.1.1 'transport = openssh'
    host_answers w
    run -0 rota submit --host w --name much -- sh -c 'seq 1 200000; echo done >&2'
    run -0 rota dispatch --wait "$output"
    rota logs last 2>err | cmp - <(seq 1 200000)
    [ "$(cat err)" = 'done' ]
    run -0 rota hosts --format '{name} {transport} {state}'
    [ "$output" = 'w openssh up' ]
}

@test "openssh goes through the jumps of ~/.ssh/config" {
    at four 127.0.1.1 'transport = openssh'
    sed -i 's/^address = .*/address = db/' "$ROTA_CONFIG"
    cat >>"$ROTA_SSH_CONFIG" <<EOF
Host hop
    HostName 127.0.1.3
    Port $port
    IdentityFile $FOUR/user
Host db
    HostName 127.0.1.1
    ProxyJump hop
EOF
    host_answers w
}

@test "a run survives the death of its ssh process, and dispatch connects anew" {
    at four 127.0.1.1 'transport = openssh'
    mkfifo pipe
    exec 7<>pipe
    run -0 rota submit --host w -- sh -c "echo begin; read x <'$PWD/pipe'; echo end"
    rota dispatch 3>&- 7>&- &
    dispatcher=$!
    eventually is_running 1
    ssh=$(pgrep -P "$dispatcher" -x ssh)
    [[ $ssh =~ ^[0-9]+$ ]]
    kill -KILL "$ssh"
    printf '\n' >&7
    exec 7>&-
    wait "$dispatcher"
    run -0 rota status --format '{state} {attempt}' 1
    [ "$output" = 'succeeded 1' ]
    run -0 rota logs 1
    [ "$output" = $'begin\nend' ]
}

is_running()
{
    [ "$(rota status --format '{state}' "$1")" = running ]
}

@test "kill -9 of dispatch leaves no ssh process, and the next one yields the result" {
    at four 127.0.1.1 'transport = openssh'
    mkfifo pipe
    exec 7<>pipe
    run -0 rota submit --host w -- sh -c "read x <'$PWD/pipe'; echo end"
    rota dispatch 3>&- 7>&- &
    dispatcher=$!
    eventually is_running 1
    ssh=$(pgrep -P "$dispatcher" -x ssh)
    kill -KILL "$dispatcher"
    wait "$dispatcher" || :
    eventually not_alive "$ssh"
    printf '\n' >&7
    exec 7>&-
    run -0 rota dispatch
    run -0 rota logs 1
    [ "$output" = end ]
}

not_alive()
{
    ! process_lives "$1"
}

@test "openssh connections to one address are paced for a default sshd" {
    local n
    port=$(cat "$FOUR/default/port")
    four_know "$FOUR/default" 127.0.1.7
    four_add 'many[1-20]' 'address = 127.0.1.7' "port = $port" 'transport = openssh' 'slots = 1'
    for ((n = 1; n <= 20; n++)); do
        rota submit --host "many$n" -- true
    done >ids
    run -0 rota dispatch
    [ "$(rota status --state succeeded -o id | wc -l)" -eq 20 ]
    run ! grep -iE 'drop connection|MaxStartups' "$FOUR/default/log"
}

# ---- what cannot be reached ----

@test "openssh: a refused key names user, address, key, and what to do" {
    at four 127.0.1.1 'transport = openssh' "identity = $FOUR/other" 'user = nobody-of-rota'
    host_refuses w "nobody-of-rota@127.0.1.1:$port" 'Permission denied (publickey)' "$FOUR/other" \
        'authorized_keys' 'identity = PATH'
}

@test "openssh: a changed host key" {
    sed -i "/^\[127.0.1.2\]/s|ssh-ed25519.*|$(cat "$FOUR/other.pub")|" "$HOME/known_hosts"
    at four 127.0.1.2 'transport = openssh' 'strict = accept-new'
    host_refuses w "@127.0.1.2:$port" 'another host key' 'ssh-keygen -R'
}

@test "openssh: an unknown host, and strict = accept-new" {
    : >"$HOME/known_hosts"
    at four 127.0.1.2 'transport = openssh'
    host_refuses w "@127.0.1.2:$port" 'host key' 'ssh-keyscan' 'accept-new'
    [ ! -s "$HOME/known_hosts" ]
    printf 'strict = accept-new\n' >>"$ROTA_CONFIG"
    host_answers w
    [ "$(wc -l <"$HOME/known_hosts")" -eq 1 ]
}

@test "openssh: a closed port, and a name that does not resolve" {
    four_add w 'address = 127.0.0.1' 'port = 1' 'transport = openssh'
    host_refuses w '@127.0.0.1:1' 'Connection refused' 'sshd run there'
    sed -i 's/^address = .*/address = no-such-host.invalid/' "$ROTA_CONFIG"
    host_refuses w 'no-such-host.invalid' 'resolve' 'is the address right'
}

@test "openssh: nothing installed at worker = PATH" {
    at four 127.0.1.1 'transport = openssh' 'worker = /nonexistent/rota-worker'
    host_refuses w "@127.0.1.1:$port" '/nonexistent/rota-worker' 'No such file'
}
