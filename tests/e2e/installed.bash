# shellcheck shell=bash
# shellcheck disable=SC2034 # what it sets is for the tests
# installed: hosts that are accounts of this machine, which find an installed worker there.
#
# Load it after ../lib: it brings four, accounts and answers, and is all of the set-up of its file.
# Each test has a rota.ini without workers, and
#
#   installed     the path of that worker, which every account can run
#   build_id      what the name of a pushed one ends with

load four
load accounts
load answers

setup_file()
{
    accounts_start
    install -D -m 755 "$ROTA_BUILD_DIR/rota-worker" "$ACCOUNTS/libexec/rota-worker"
    chmod 755 "$ACCOUNTS/libexec"
}

teardown_file()
{
    accounts_stop
}

setup()
{
    rota_setup
    export ROTA_TEST_STEP_MS=60000 # a slow machine is no failure
    accounts_config
    installed=$ACCOUNTS/libexec/rota-worker
    build_id=$(cut -d'"' -f2 "$ROTA_BUILD_DIR/build_id.h")
}
