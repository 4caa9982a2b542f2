# shellcheck shell=bash
# accounts: throwaway accounts of this machine, so that hosts on loopback have homes of their own.
# Load it after four.
#
# accounts_start, once for a file of tests (setup_file): an sshd on 127.0.1.1 to 127.0.1.4 that lets
# these accounts in; accounts_stop (teardown_file) ends it and removes them, with their processes and
# what was mounted in their homes. Needs root.
#
#   accounts_config          rota.ini without workers, ssh_config and known_hosts, for one test
#   account_new [SHELL]      makes an account; sets account and account_home
#   account_worker NAME [LINE…]   adds the last account as a worker
#   account_run COMMAND…     as that account, in its home

accounts_start()
{
    if [ "$(id -u)" -ne 0 ]; then
        echo "this file makes accounts of its own: run it as root" >&2
        return 1
    fi
    four_start 'AuthorizedKeysFile .ssh/authorized_keys' 'StrictModes yes' "$@"
    ACCOUNTS=$(mktemp -d)
    chmod 711 "$ACCOUNTS" # they must get to their homes
    export ACCOUNTS
}

account_new()
{
    local shell=${1:-/bin/bash} n
    n=$(find "$ACCOUNTS" -mindepth 1 -maxdepth 1 -name 'rotatest*' | wc -l)
    account=rotatest$$x$n account_home=$ACCOUNTS/rotatest$$x$n
    # "*" is no password but not locked either, which sshd would refuse
    useradd -r -M -d "$account_home" -s "$shell" -p '*' -K USERGROUPS_ENAB=yes "$account"
    mkdir -p "$account_home/.ssh"
    cp "$FOUR/user.pub" "$account_home/.ssh/authorized_keys"
    chown -R "$account:" "$account_home"
    chmod 700 "$account_home" "$account_home/.ssh"
    chmod 600 "$account_home/.ssh/authorized_keys"
}

account_worker()
{
    four_add "$1" 'address = 127.0.1.1' "port = $(cat "$FOUR/four/port")" "user = $account" \
        "${@:2}"
}

account_run()
{
    (cd "$account_home" && exec setpriv --reuid "$account" --regid "$account" --init-groups \
        env -i HOME="$account_home" PATH="$PATH" "$@")
}

accounts_config()
{
    four_trust
}

# The processes of an account, one a line. Nobody else has its number.
account_processes()
{
    pgrep -U "$1" || :
}

account_is_idle()
{
    [ -z "$(account_processes "$1")" ]
}

account_remove()
{
    local name=$1 mounted rc=0
    if ! eventually_within 20 account_is_idle "$name"; then
        echo "processes that outlived the tests of account $name:" >&2
        ps -o pid,ppid,stat,args -U "$name" >&2
        # shellcheck disable=SC2046 # a list of numbers
        kill -KILL $(account_processes "$name") 2>/dev/null || :
        eventually_within 20 account_is_idle "$name" || :
        rc=1
    fi
    while read -r mounted; do
        umount "$mounted" || umount -l "$mounted" || rc=1
    done < <(awk -v at="$ACCOUNTS/$name" 'index($2, at) == 1 { print $2 }' /proc/mounts | sort -r)
    userdel "$name" || rc=1
    return $rc
}

accounts_stop()
{
    local home rc=0
    # the connections go first, and with them the workers
    four_stop
    [ -n "${ACCOUNTS-}" ] || return 0
    for home in "$ACCOUNTS"/rotatest*; do
        [ ! -e "$home" ] || account_remove "${home##*/}" || rc=1
    done
    [ "$rc" -ne 0 ] || rm -rf --one-file-system "$ACCOUNTS"
    return $rc
}
