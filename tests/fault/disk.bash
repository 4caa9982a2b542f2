# shellcheck shell=bash
# disk: a head whose catalogue, or output, is on a small filesystem of its own: a real one (tmpfs), in a
# mount namespace that goes with the test.
#
# Load it after ../lib; it is all the set-up of its file, brings witness, and needs root.
#
#   disk OPTIONS [PLACE]   mounts it: size=1m, nr_inodes=20, … PLACE is $HOME/disk, where the catalogue is
#   inside COMMAND…        runs it where the disk can be seen: rota, sqlite3 and witness_holds do so by themselves
#   disk_full, inodes_full, disk_free     takes what is left; gives it back
#   disk_made …            mount's options once more: disk_made remount,ro
#   jobs N [ARGUMENTS]     submits N runs of the witness, each acknowledged
#   held_jobs …            the same, but they begin, and write, only when $WITNESS/go is there
#   dispatcher_starts, dispatcher_ends [CODE], dispatcher_dies
#   all_are N STATE        so many runs, and no others, are in that state
#   ended N                the witness saw N of them end

load ../lib
load witness

setup()
{
    [ "$(id -u)" -eq 0 ] || skip 'needs root to mount'
    rota_setup
    export ROTA_CATALOGUE=$HOME/disk/catalogue.db
    mkdir "$HOME/disk" "$WITNESS"
    config <<INI
[worker here]
transport = local
slots = 8
INI
    dispatcher='' DISK=''
}

# The catalogue is taken along, so that what it left elsewhere can be found.
teardown()
{
    touch "$WITNESS/go"
    if [ -n "$dispatcher" ]; then
        kill -KILL "$dispatcher" 2>/dev/null || :
        wait "$dispatcher" || :
    fi
    cat "$BATS_TEST_TMPDIR/dispatch.err" 2>/dev/null || : # seen only when it fails
    mkdir "$HOME/kept"
    inside sh -c "cp $HOME/disk/catalogue.db* $HOME/kept/ 2>/dev/null" || :
    if [ -n "$DISK" ]; then
        echo >"$HOME/disk.end"
        wait "$DISK" || :
    fi
    ROTA_CATALOGUE=$HOME/kept/catalogue.db
    rota_teardown
}

disk()
{
    local place=${2:-$HOME/disk}
    mkfifo "$HOME/disk.end"
    # its one process lives until it is told to end
    unshare -m sh -c "mount -t tmpfs -o $1 tmpfs $place && touch $HOME/disk.up && read x <$HOME/disk.end" 3>&- &
    DISK=$!
    eventually test -e "$HOME/disk.up"
    SMALL=$place
}

inside()
{
    if [ -n "$DISK" ]; then
        nsenter -t "$DISK" -m --wd="$PWD" -- "$@"
    else
        "$@"
    fi
}

# So that $! is the command itself.
inside_background()
{
    local enter=()
    [ -z "$DISK" ] || enter=(nsenter -t "$DISK" -m --wd="$PWD" --)
    "${enter[@]}" "$@" 2>>"$BATS_TEST_TMPDIR/dispatch.err" 3>&- &
}

rota()
{
    inside "$ROTA_BUILD_DIR/rota" "$@"
}

sqlite3()
{
    inside /usr/bin/sqlite3 "$@"
}

witness_holds()
{
    inside "$ROTA_TOP/tests/fault/check" "$ROTA_CATALOGUE" "$WITNESS" "$@"
}

disk_full()
{
    inside dd if=/dev/zero of="$SMALL/ballast" bs=4096 2>/dev/null || :
    [ "$(inside df --output=avail "$SMALL" | tail -n 1)" -eq 0 ]
}

inodes_full()
{
    inside sh -c "i=0; while : >$SMALL/ballast.\$i; do i=\$((i + 1)); done 2>/dev/null" || :
    [ "$(inside df --output=iavail "$SMALL" | tail -n 1)" -eq 0 ]
}

disk_free()
{
    inside sh -c "rm $SMALL/ballast*"
}

disk_made()
{
    inside mount -o "$1" "$SMALL"
}

jobs()
{
    witness_job w "${2-}" >w.yaml
    submit_jobs "$1"
}

held_jobs()
{
    witness_job w "${2-}" | sed "s|exec|until [ -e $WITNESS/go ]; do sleep 0.05; done; exec|" >w.yaml
    submit_jobs "$1"
}

submit_jobs()
{
    local n
    for ((n = 0; n < $1; n++)); do
        rota submit w.yaml >>"$WITNESS/acknowledged"
    done
}

dispatcher_starts()
{
    inside_background "$@" "$ROTA_BUILD_DIR/rota" dispatch
    dispatcher=$!
}

dispatcher_ends()
{
    local rc=0
    wait "$dispatcher" || rc=$?
    dispatcher=''
    [ "$rc" -eq "${1-0}" ]
}

dispatcher_dies()
{
    kill -KILL "$dispatcher"
    wait "$dispatcher" || :
    dispatcher=''
}

dispatcher_says()
{
    grep -q "$1" "$BATS_TEST_TMPDIR/dispatch.err"
}

all_are()
{
    [ "$(rota status --format '{state}' | sort | uniq -c)" = "$(printf '%7d %s' "$1" "$2")" ]
}

ended()
{
    [ "$(grep -cs ' end ' "$WITNESS/witness")" -eq "$1" ]
}

# One line on standard error, which names the catalogue and says what to do.
one_message()
{
    # shellcheck disable=SC2154 # set by bats' run
    [ "${#stderr_lines[@]}" -eq 1 ] || {
        printf '%s\n' "$stderr"
        return 1
    }
    [[ $stderr == *"$ROTA_CATALOGUE"*"$1"* ]]
}
