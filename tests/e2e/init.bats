#!/usr/bin/env bats
# rota init with real hosts: what it says of each, and that what it tells to type mends it.
# bats' run sets output and lines
# shellcheck disable=SC2154

load ../lib
load four
load accounts
load newcomer

setup()
{
    rota_setup
    newcomer_new
    ini=$newcomer_home/.config/rota/rota.ini
    port=$(cat "$FOUR/four/port")
}

@test "hosts that work are workers: the worker is there, and runs go there" {
    newcomer_host web1 'HostKeyAlias [127.0.1.1]:'"$port"
    newcomer_knows
    run -0 as_newcomer rota init
    [[ ${lines[0]} =~ ^ok\ +web1:\ works,\ [0-9]+\ runs?\ at\ a\ time\;\ Linux ]]
    [[ $output == *"is written, with 1 host."* ]]
    [ "$(ls -A "$account_home/.cache/rota")" = "worker-$(cut -d'"' -f2 "$ROTA_BUILD_DIR/build_id.h")" ]
    # its PATH has rota; cron's has not
    [[ $output == *$'\n'"  * * * * * $ACCOUNTS/bin/rota dispatch -q"* ]]
    run -0 as_newcomer rota submit --wait -- whoami
    run -0 as_newcomer rota logs last
    [ "$output" = "$account" ]
}

@test "a host that refuses the login: ssh-copy-id, and then it is added" {
    newcomer_host web1
    newcomer_host web2
    newcomer_knows
    mv "$account_home/.ssh/authorized_keys" "$account_home/.ssh/away"
    run -69 as_newcomer rota init
    [[ $output == *'trouble web2: '*'refuses the login'*$'\n        type: ssh-copy-id web2\n'* ]]
    [[ $output == *'is written, with 1 host; 1 commented out, because it does not work.'* ]]
    [[ $output == *$'When that is mended:\n  rota init web2\n'* ]]
    grep -q '^; web2: .*refuses the login' "$ini"
    [ "$(as_newcomer rota hosts -o id)" = web1 ]
    # what ssh-copy-id does
    mv "$account_home/.ssh/away" "$account_home/.ssh/authorized_keys"
    cp "$ini" before
    run -0 as_newcomer rota init web2
    [[ ${lines[0]} == 'ok      web2: works, '* ]]
    [ "$(as_newcomer rota hosts -o id | paste -sd' ')" = 'web1 web2' ]
    cmp -n "$(stat -c %s before)" before "$ini"
    [ "$(stat -c '%a %U' "$ini")" = "600 $newcomer" ]
}

@test "a host that is typed with user and port, and whose key is not known" {
    account_new
    run -69 as_newcomer rota init "$account@127.0.1.1:$port"
    [[ $output == *'trouble ip-127.0.1.1: the host key of '*' is not known'* ]]
    [[ $output == *$'\n'"        type: ssh -p $port $account@127.0.1.1 true"$'\n'* ]]
    # it was named: it is a worker, and nothing is to be added
    [ "$(as_newcomer rota hosts -o id)" = ip-127.0.1.1 ]
    newcomer_knows
    run -0 as_newcomer rota init "$account@127.0.1.1:$port"
    [[ $output == *'ok      ip-127.0.1.1: works, '*"$ini stays as it is."* ]]
}

@test "a configuration that is root's is changed by root only" {
    newcomer_host web1
    newcomer_knows
    install -d "${ini%/*}"
    printf '[worker here]\ntransport = local\n' >"$ini"
    run -78 as_newcomer rota init web1
    [ "$output" = "rota init: $ini belongs to user 0: run rota init as that one" ]
    # what is there is tested all the same
    run -0 as_newcomer rota init
    [[ $output == *'ok      here: works, '*"$ini stays as it is."*'rota init web1'* ]]
}

@test "without a key it is told how to make one" {
    newcomer_host web1
    newcomer_knows
    rm "$newcomer_home"/.ssh/id_*
    run -69 as_newcomer rota init
    [[ $output == *'trouble web1: '*'no key to log in with'* ]]
    [[ $output == *$'\n        type: ssh-keygen -t ed25519; ssh-copy-id web1\n'* ]]
}

@test "what the doctor finds on a host that works is said too" {
    newcomer_host web1
    newcomer_knows
    rm -f "$newcomer_home"/.ssh/id_ed25519*
    ssh-keygen -q -t rsa -b 2048 -N '' -C '' -f "$newcomer_home/.ssh/id_rsa"
    cat "$newcomer_home/.ssh/id_rsa.pub" >>"$account_home/.ssh/authorized_keys"
    newcomer_owns
    run -0 as_newcomer rota init
    [[ $output == *'ok      web1: works, '*$'
hint    web1: it is reached through the ssh program only'* ]]
}

@test "a host that cannot run what is copied to it says so" {
    newcomer_host web1
    newcomer_knows
    install -d -o "$account" "$account_home/.cache"
    mount -t tmpfs -o "noexec,mode=755,uid=$(id -u "$account")" rota-test "$account_home/.cache"
    run -69 as_newcomer rota init
    [[ $output == *'trouble web1: '*noexec* ]]
    umount "$account_home/.cache"
    run -0 as_newcomer rota init web1
    [[ ${lines[0]} == 'ok      web1: works, '* ]]
}
