# shellcheck shell=bash
# four_once: the four hosts, started once for the whole file and for nothing else. Load it after four.

setup_file()
{
    four_start
}

teardown_file()
{
    four_stop
}
