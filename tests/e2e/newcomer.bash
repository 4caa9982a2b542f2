# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016 # account is set by accounts, status by bats; bash expands its prompt
# newcomer: an account of this machine with rota in its PATH and nothing of it at home, who may log in
# to the hosts of others. Load it after accounts; the hosts are there for all tests of the file.
#
#   newcomer_new          makes the account; sets newcomer, newcomer_home and catalogue
#   newcomer_host NAME [LINE…]  makes an account that the newcomer's key opens, and names it in
#                         ~/.ssh/config of the newcomer, with lines of its own; sets account
#   newcomer_knows        its known_hosts has the key of the hosts
#   as_newcomer COMMAND…  as that account, in its home
#   newcomer_types        what standard input says (tests/typist.py), in a bash of the newcomer

setup_file()
{
    newcomer_start
}

teardown_file()
{
    accounts_stop
}

newcomer_start()
{
    accounts_start
    mkdir -p "$ACCOUNTS/bin" "$ACCOUNTS/man"
    cp "$ROTA_BUILD_DIR"/rota "$ROTA_BUILD_DIR"/rota-* "$ACCOUNTS/bin"
    cp "$ROTA_TOP"/tests/typist.py "$ACCOUNTS/bin"
    mkdir "$ACCOUNTS/man/man1" "$ACCOUNTS/man/man7"
    cp "$ROTA_TOP"/man/*.1 "$ACCOUNTS/man/man1"
    cp "$ROTA_TOP"/man/*.7 "$ACCOUNTS/man/man7"
    chmod -R a+rX "$ACCOUNTS/bin" "$ACCOUNTS/man"
}

newcomer_new()
{
    account_new
    newcomer=$account newcomer_home=$account_home
    export ROTA_CATALOGUE=$newcomer_home/.local/state/rota/catalogue.db # of which lib cleans up
    rm "$newcomer_home/.ssh/authorized_keys"
    cp "$FOUR/user" "$newcomer_home/.ssh/id_ed25519"
    cp "$FOUR/user.pub" "$newcomer_home/.ssh/id_ed25519.pub"
    : >"$newcomer_home/.ssh/config"
    newcomer_owns
}

newcomer_owns()
{
    chown -R "$newcomer:" "$newcomer_home/.ssh"
    chmod 600 "$newcomer_home"/.ssh/*
}

newcomer_host()
{
    account_new
    {
        printf 'Host %s\n' "$1"
        printf '  %s\n' 'HostName 127.0.1.1' "Port $(cat "$FOUR/four/port")" "User $account" "${@:2}"
    } >>"$newcomer_home/.ssh/config"
}

newcomer_knows()
{
    FOUR_HOME=$newcomer_home/.ssh four_know "$FOUR/four" 127.0.1.1
    newcomer_owns
}

as_newcomer()
{
    (cd "$newcomer_home" && exec setpriv --reuid "$newcomer" --regid "$newcomer" --init-groups \
        env -i HOME="$newcomer_home" USER="$newcomer" LOGNAME="$newcomer" SHELL=/bin/bash TERM=dumb \
        LANG=C.UTF-8 TZ=UTC PAGER=cat MANPATH="$ACCOUNTS/man" PATH="$ACCOUNTS/bin:/usr/bin:/bin" \
        PS1='[$?] ready> ' ROTA_TEST_STEP_MS=60000 ROTA_TEST_ROOT=/nonexistent "ROTA_TEST_ID=$ROTA_TEST_ID" "$@")
}

newcomer_types()
{
    {
        echo 'ends 0'
        cat
        printf '%s\n' 'type exit 0\r'
    } >"$BATS_TEST_TMPDIR/typed"
    run as_newcomer python3 "$ACCOUNTS/bin/typist.py" bash --norc --noprofile -i <"$BATS_TEST_TMPDIR/typed"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
}
