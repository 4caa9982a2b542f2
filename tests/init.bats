#!/usr/bin/env bats
# rota init: what it writes, and what it never does to what is there. With real hosts: e2e/init.bats.
# bats' run sets stderr
# shellcheck disable=SC2154

load lib

setup()
{
    rota_setup
    export ROTA_SSH_CONFIG=$HOME/ssh_config
    ini=$HOME/.config/rota/rota.ini
    : >"$ROTA_SSH_CONFIG"
}

# The workers of the configuration, on one line.
workers()
{
    rota hosts -o id | paste -sd' '
}

# A worker of this machine, which is no matter of ssh.
here()
{
    config <<'END'
; mine
[worker here]
transport = local
slots = 3            ; three
END
}

@test "without hosts this machine is the worker, is tested, and what comes next is said" {
    run -0 --separate-stderr rota init
    [ -z "$stderr" ]
    [[ ${lines[0]} =~ ^ok\ +local:\ works,\ [0-9]+\ runs?\ at\ a\ time\;\ Linux.*\;\ worker\ [0-9]+\.[0-9]+\.[0-9]+-[0-9a-f]+$ ]]
    [[ $output == *"$ini is written: this machine does the work; rota init HOST adds hosts."* ]]
    [[ $output == *"  rota submit -- uname -a "* ]]
    [[ $output == *"* * * * * ROTA_CATALOGUE=$ROTA_CATALOGUE ROTA_SSH_CONFIG=$ROTA_SSH_CONFIG $(realpath "$ROTA_BUILD_DIR")/rota dispatch -q"* ]]
    [ "$(workers)" = local ]
    [ "$(stat -c %a "$ini")" = 600 ]
    [ -z "$(find "$HOME/.config" -name '.rota*')" ]
    # nothing was made that only a run needs
    [ ! -e "$ROTA_CATALOGUE" ]
}

@test "its comments are a configuration when the marks are taken away" {
    rota init -q
    config < <(sed -E 's/^; (\[alert|on |mail|catalogue|timezone|keep|identity|strict)/\1/' "$ini")
    grep -q '^\[alert ops\]' "$ROTA_CONFIG"
    run -0 rota hosts -o id
    [ "$output" = local ]
}

@test "hosts of the ssh configuration: no patterns, with what is included, and an alias once" {
    mkdir "$HOME/more"
    cat >"$ROTA_SSH_CONFIG" <<END
# Host commented
Include "$HOME/more/*"
hOST web1 web1.example.com
  HostName 10.0.0.1
Host=db1 db2 # both
Host *.example.com !x build? "quoted1"
Match host nobody
  User git
Host github.com
  User git
Host 10.0.0.9
Host web1
Host last
Host x[1-3] a,b
END
    printf 'Host included\n  HostName %%h.example.com\nHost a%% b;c\n' >"$HOME/more/one"
    run -0 rota init -n
    [ "$(sed -nE 's/^\[worker (.*)\].*/\1/p' <<<"$output" | paste -sd' ')" = \
        'included web1 db1 db2 quoted1 ip-10.0.0.9' ]
    [[ $output == *$'[worker ip-10.0.0.9]'*$'\naddress = 10.0.0.9\n'* ]]
    [ ! -e "$HOME/.config" ]
}

@test "an include that includes itself ends" {
    printf 'Host web1\nInclude %s\n' "$ROTA_SSH_CONFIG" >"$ROTA_SSH_CONFIG"
    run -0 timeout 60 rota init -n
    [[ $output == *'[worker web1]'* ]]
}

@test "what a person types for a host becomes a section" {
    run -0 rota init -n root@'db[1-2]:2222' 10.0.0.'[7-8]' '[2001:db8::1]:22' ::1 web1,web2 web1
    config <<<"$output"
    [ "$(workers)" = 'db1 db2 ip-10.0.0.7 ip-10.0.0.8 ip-2001-db8--1 ip---1 web1 web2' ]
    [[ $output == *$'\n[worker db[1-2]]\nuser = root\nport = 2222\n'* ]]
    [[ $output == *$'\naddress = 10.0.0.[7-8]\n'* ]]
    [[ $output == *$'\naddress = 2001:db8::1\nport = 22\n'* ]]
}

@test "what is no host is refused, and nothing is written" {
    local host
    for host in '' 'a b' '-oProxyCommand=x' 'x;y' 'web1:' 'web1:99999' '@web1' 'web[2-1]' '[::1]x' last; do
        run -64 rota init -- "$host"
        [[ $output == 'rota init: '* ]]
    done
    run -64 rota init root@web1 web1
    [ "$output" = "rota init: 'web1' is named twice, with different logins" ]
    [ ! -e "$ini" ]
}

@test "a host that was named is written though it does not work, one that was found is commented out" {
    printf 'Host found1\n HostName 127.0.0.1\n Port 1\n' >"$ROTA_SSH_CONFIG"
    run -69 rota init nosuch.invalid
    [[ $output == *"trouble nosuch.invalid: the name 'nosuch.invalid' has no address"* ]]
    [[ $output == *'trouble found1: cannot connect to 127.0.0.1:1: Connection refused'* ]]
    [[ $output == *'is written, with 1 host; 1 commented out, because it does not work.'* ]]
    [[ $output == *$'\n  rota init nosuch.invalid found1\n'* ]]
    [ "$(workers)" = nosuch.invalid ]
    grep -qx '; found1: cannot connect to 127.0.0.1:1: Connection refused.*' "$ini"
    grep -qx '; \[worker found1\].*' "$ini"
}

@test "when no host that was found works, this machine does the work" {
    printf 'Host found1\n HostName 127.0.0.1\n Port 1\n' >"$ROTA_SSH_CONFIG"
    run -69 rota init
    [[ $output == *'this machine does the work; 1 commented out, because it does not work.'* ]]
    [ "$(workers)" = local ]
}

@test "hosts are added to the end of what is there, which stays as it is" {
    here
    truncate -s -1 "$ROTA_CONFIG" # the last line has no end
    chmod 640 "$ROTA_CONFIG"
    cp "$ROTA_CONFIG" before
    run -69 rota init 'nosuch[1-2].invalid'
    [[ $output == *"$ROTA_CONFIG: 2 more hosts."* ]]
    [ "$(workers)" = 'here nosuch1.invalid nosuch2.invalid' ]
    cmp -n "$(stat -c %s before)" before "$ROTA_CONFIG"
    [ "$(stat -c %a "$ROTA_CONFIG")" = 640 ]
    # of a range only what is new
    run -69 rota init 'nosuch[1-3].invalid' root@nosuch4.invalid
    [ "$(workers)" = 'here nosuch1.invalid nosuch2.invalid nosuch3.invalid nosuch4.invalid' ]
    [[ $output == *'trouble nosuch1.invalid: '* ]]
    [[ $output != *here:* ]]
    # what would be added is shown, and not done
    cp "$ROTA_CONFIG" before
    run -0 rota init -n root@nosuch5.invalid
    [ "$output" = $'\n[worker nosuch5.invalid]\nuser = root' ]
    cmp before "$ROTA_CONFIG"
}

@test "hosts that are there are tested again, and the file stays" {
    here
    printf 'Host web7 web8\n' >"$ROTA_SSH_CONFIG"
    cp "$ROTA_CONFIG" before
    inode=$(stat -c %i "$ROTA_CONFIG")
    run -0 rota init
    [[ ${lines[0]} =~ ^ok\ +here:\ works,\ 3\ runs\ at\ a\ time ]]
    [[ $output == *"$ROTA_CONFIG stays as it is."* ]]
    [[ $output == *'~/.ssh/config names others, which are added by: rota init web7 web8'* ]]
    [[ $output == *"* * * * * ROTA_CONFIG=$ROTA_CONFIG ROTA_CATALOGUE="* ]]
    run -0 --separate-stderr rota init -q here
    [ -z "$output$stderr" ]
    run -0 rota init root@here
    [[ $output == *"rota.ini:2: there is a worker 'here' already, with another user or port: change it there"* ]]
    run -0 rota init -n here
    [[ $output == *'stays as it is: it has all of these hosts'* ]]
    cmp before "$ROTA_CONFIG"
    [ "$(stat -c %i "$ROTA_CONFIG")" = "$inode" ]
}

@test "a bad configuration is told with its place, and stays" {
    here
    echo 'slts = 4' >>"$ROTA_CONFIG"
    cp "$ROTA_CONFIG" before
    run -78 rota init web1
    [[ $output == *"rota.ini:5: unknown key 'slts' in [worker] (did you mean 'slots'?)"* ]]
    cmp before "$ROTA_CONFIG"
}

@test "a file that a link leads to is changed, not the link" {
    here
    mkdir dotfiles
    mv "$ROTA_CONFIG" dotfiles/
    ln -s "$PWD/dotfiles/rota.ini" "$ROTA_CONFIG"
    run -69 rota init nosuch.invalid
    [ -L "$ROTA_CONFIG" ]
    grep -q 'worker nosuch.invalid' dotfiles/rota.ini
}

# What takes the place of ssh, and does to the configuration what somebody else could do meanwhile.
meanwhile()
{
    mkdir bin
    printf '#!/bin/sh\n%s\nexec /usr/bin/ssh "$@"\n' "$1" >bin/ssh
    chmod +x bin/ssh
    PATH=$PWD/bin:$PATH
}

@test "what somebody else wrote in the meantime is not overwritten" {
    meanwhile "mkdir -p ${ini%/*}; echo '; theirs' >$ini"
    run -75 rota init nosuch.invalid
    [ "$output" = "rota init: $ini appeared in the meantime: look at it" ]
    [ "$(cat "$ini")" = '; theirs' ]
    chmod 600 "$ini"
    meanwhile_again="echo '; more' >>$ini"
    printf '#!/bin/sh\n%s\nexec /usr/bin/ssh "$@"\n' "$meanwhile_again" >bin/ssh
    run -75 rota init nosuch.invalid
    [ "$output" = "rota init: $ini was changed in the meantime: run rota init again" ]
    [ "$(cat "$ini")" = $'; theirs\n; more' ]
    [ "$(ls -A "${ini%/*}")" = rota.ini ]
}

@test "a directory that cannot be written is told" {
    : >"$HOME/.config"
    run -74 rota init
    [[ $output == *"$HOME/.config"* ]]
}

@test "hundreds of hosts that refuse take no longer than a few" {
    seq -f 'Host dead%.0f
  HostName 127.0.0.1
  Port 1' 1 400 >"$ROTA_SSH_CONFIG"
    run -69 timeout 100 rota init
    [ "$(grep -c '^trouble ' <<<"$output")" -eq 400 ]
    [[ $output == *'400 commented out, because they do not work.'* ]]
    [ "$(grep -c '^; \[worker dead' "$ini")" -eq 400 ]
}

@test "on a terminal a line tells how far it is" {
    printf 'Host dead1 dead2\n  Port 1\n  HostName 127.0.0.1\nHost dead3\n' >"$ROTA_SSH_CONFIG"
    python3 "$ROTA_TOP/tests/typist.py" sh -c "rota init; test \$? -eq 69" <<'END'
see 0 of 2 hosts
see 1 of 2 hosts
see trouble dead1
END
}

@test "the line for the crontab names what cron does not know, as a crontab takes it" {
    unset ROTA_CATALOGUE ROTA_SSH_CONFIG
    export XDG_STATE_HOME="$HOME/50% state" ROTA_CONFIG=$HOME/rota.ini
    run -0 rota init
    line=$(sed -n 's/^  \* \* \* \* \* //p' <<<"$output")
    # the doctor says the same
    ROTA_TEST_ROOT=/nonexistent run -0 rota monitor doctor local
    [[ $output == *"add to crontab -e: * * * * * $line"* ]]
    # cron itself turns \% into %
    run -0 env -i HOME="$HOME" LOGNAME="$(id -un)" SHELL=/bin/sh PATH=/usr/bin:/bin sh -c "${line//\\%/%}"
    [ -z "$output" ]
    rota submit -- true
    export ROTA_CATALOGUE="$HOME/50% state/rota/catalogue.db"
    run -0 env -i HOME="$HOME" LOGNAME="$(id -un)" SHELL=/bin/sh PATH=/usr/bin:/bin sh -c "${line//\\%/%}"
    run -0 rota status --format '{state}'
    [ "$output" = succeeded ]
}
