#!/usr/bin/env bats
# The first ten minutes of somebody who never saw rota, typed at a terminal: an account with an ssh
# configuration and a key, and hosts that let it in. Each line answers, and says what comes next.

load ../lib
load four
load accounts
load newcomer

setup()
{
    rota_setup
    newcomer_new
}

@test "a newcomer: from nothing to hosts, jobs, a schedule, and cron" {
    newcomer_host web1
    newcomer_types <<'END'
line rota
see init      write a first configuration
see 'rota COMMAND -h' is short
ends 0
line rota init -h
see rota init [-nqv] [HOST ...]
ends 0
line rota status
see there is no catalogue
see rota submit makes it
ends 74
line rota init
see trouble web1: the host key of
see is not known
see type: ssh web1 true
see .config/rota/rota.ini is written: this machine does the work; 1 commented out
see When that is mended:
see   rota init web1
see   rota submit -- uname -a
see crontab -e
ends 69
line ssh web1 true
see (yes/no
type yes\r
ends 0
line rota init web1
see ok      web1: works
see : 1 more host.
lacks trouble
ends 0
line rota hosts
see local
see web1
ends 0
line rota submit -- uname -a
see 1
ends 0
line rota dispatch
ends 0
line rota status
see uname
see succeeded
ends 0
line rota logs last
see Linux
ends 0
line rota submit --host web1 --wait -- whoami && rota logs last
see rotatest
ends 0
line printf '%s\n' 'name: nightly' 'schedul: {cron: "30 2 * * *"}' 'shell: df -h' >nightly.yaml
ends 0
line rota schedule
see no job is registered yet: rota schedule add FILE does that
ends 1
line rota schedule add nightly.yaml
see nightly.yaml:2:1: unknown key 'schedul' (did you mean 'schedule'?)
ends 65
line sed -i s/schedul:/schedule:/ nightly.yaml
ends 0
line rota schedule add nightly.yaml
see added nightly
ends 0
line rota schedule
see nightly
see 02:30:00
ends 0
line rota schedule explain nightly
see nightly
see 30 2 * * *
ends 0
line rota submit --wait -- sh -c 'echo no paper >&2; exit 3'
ends 3
line rota status --state failed
see failed
see exit code 3
ends 0
line rota logs --err last
see no paper
ends 0
line rota status --state failed -o id | rota submit --rerun - | rota dispatch --wait -
ends 3
line rota status --state faild
see failed
ends 64
line rota monitor doctor
see nothing on this machine starts 'rota dispatch'
see add to crontab -e: * * * * *
ends 1
line rota monitor
see healthy: 2 hosts, 1 job
ends 0
line man rota | head -n 20
see ROTA(7)
see a cron for a cluster
ends 0
line rota init >said; sed -n 's/^  \* \* \* \* \* //p' said >line; grep -c 'bin/rota dispatch -q$' line
see 1
ends 0
line rota submit -- echo done by cron
ends 0
line env -i HOME=$HOME LOGNAME=$LOGNAME SHELL=/bin/sh PATH=/usr/bin:/bin /bin/sh -c "$(cat line)"
ends 0
line rota logs last
see done by cron
ends 0
END
    eventually account_is_idle "$newcomer"
}

@test "a newcomer without a host: README's first lines, on this machine" {
    # as README shows them, before the first heading behind them; what each of them says
    newcomer_types <<'END'
line rota submit -- uname -a
see 1
ends 0
line rota dispatch
ends 0
line rota status
see uname
see succeeded
ends 0
line rota logs last
see Linux
ends 0
END
    # these are the lines that README has
    [ "$(sed -n '/^Five lines/,/^And with/s/^    \$ //p' "$ROTA_TOP/README.md")" = \
        "$(sed -n 's/^line //p' "$BATS_TEST_TMPDIR/typed")" ]
    [ "$(as_newcomer rota status -o id)" = 1 ]
    eventually account_is_idle "$newcomer"
}

@test "README's lines with hosts, typed by somebody who has these" {
    newcomer_host web1
    for name in db1 db2 db3 db4; do
        newcomer_host "$name"
    done
    newcomer_knows
    printf 'name: nightly\nwhere: {hosts: db2}\nshell: test -e "$HOME/mended"\n' \
        >"$newcomer_home/nightly.yaml"
    newcomer_types <<'END'
line rota init web1 'db[1-4]'       # and those of ~/.ssh/config: writes the configuration, tests them
see ok      web1: works
see ok      db4: works
see is written, with 5 hosts.
lacks trouble
ends 0
line rota submit nightly.yaml | rota dispatch --wait -
ends 1
line ssh db2 touch mended
ends 0
line rota status --state failed -o id | rota submit --rerun - | rota dispatch --wait -
ends 0
END
    # but for the mend, these are the lines that README has
    [ "$(sed -n '/^And with/,/^## /s/^    \$ //p' "$ROTA_TOP/README.md")" = \
        "$(sed -n '/^line ssh/d; s/^line //p' "$BATS_TEST_TMPDIR/typed")" ]
    [ "$(as_newcomer rota status --format '{id} {host} {state}')" = \
        $'1 db2 failed\n2 db2 succeeded' ]
    eventually account_is_idle "$newcomer"
}

@test "make demo, once all is built: it ends well, shows what it promises, and leaves nothing" {
    mkdir tmp
    run -0 env TMPDIR="$PWD/tmp" timeout 200 "$ROTA_TOP/jobs/demo" "$ROTA_BUILD_DIR"
    [[ $output == *$'\n$ rota submit hello.yaml\n1\n'* ]]
    # all but the one that is to fail, and its rerun
    shown=$(sed -n '/^\$ rota submit --rerun/q; /^\$ rota status$/,/^$/p' <<<"$output")
    [ "$(grep -c ' succeeded ' <<<"$shown")" -ge 10 ]
    [ "$(grep ' failed ' <<<"$shown" | awk '{ print $2 }')" = broken ]
    [[ $output == *'no such table'* ]]
    [[ $output == *'# Done. '*'rota init' ]]
    [[ $output != *'command not found'* ]]
    [ -z "$(ls -A tmp)" ]
}
