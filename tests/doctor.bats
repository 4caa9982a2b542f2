#!/usr/bin/env bats
# rota monitor doctor: what it says of the head. The hosts are in e2e/doctor.bats.

load lib

setup()
{
    rota_setup
    export ROTA_TEST_ROOT=$HOME/root ROTA_TEST_STEP_MS=60000
    mkdir -p "$HOME/bin" "$ROTA_TEST_ROOT/etc/cron.d" "$ROTA_TEST_ROOT/etc/systemd/system"
    PATH=$HOME/bin:$PATH
    crontab_is ''
    # a process that is called as cron is
    cp "$(command -v cat)" "$HOME/bin/cron"
    exec {cron_input}<> <(:)
    "$HOME/bin/cron" <&"$cron_input" 3>&- &
    cron=$!
}

teardown()
{
    kill "$cron" || :
    wait "$cron" || :
    rota_teardown
}

# The crontab of the user has these lines; with an empty one there is none.
crontab_is()
{
    printf '%s\n' "$1" >"$HOME/crontab"
    printf '#!/bin/sh\n[ "$1" = -l ] && grep -q . "%s" && exec cat "%s"\nexit 1\n' \
        "$HOME/crontab" "$HOME/crontab" >"$HOME/bin/crontab"
    chmod 755 "$HOME/bin/crontab"
}

# Everything of the head is well.
make_well()
{
    rota submit --hold -- true >/dev/null
    crontab_is "* * * * * $ROTA_BUILD_DIR/rota dispatch -q
0 3 * * * sqlite3 $ROTA_CATALOGUE '.backup /backup/rota.db'"
}

# The doctor says exactly one trouble of the head, under this check and with these words: troubles CHECK WORD…
troubles()
{
    local check=$1 word
    shift
    run -1 rota monitor doctor -o json
    run jq -r 'select(.verdict == "trouble" and .host == null) | "\(.check): \(.what): \(.mend)"' \
        <<<"$output"
    [ "${#lines[@]}" -eq 1 ] || { echo "says: $output"; return 1; }
    for word in "$check: " "$@"; do
        [[ $output == *"$word"* ]] || { echo "no '$word' in: $output"; return 1; }
    done
}

# Nothing is wrong with the head.
is_well()
{
    run -0 rota monitor doctor -o json
    run jq -r 'select(.verdict != "ok" and .host == null) | .what' <<<"$output"
    [ -z "$output" ] || { echo "says: $output"; return 1; }
}

@test "all is well: it says so in one line, exits 0, and shows what it looked at with -v" {
    make_well
    is_well
    run -0 rota monitor doctor
    [[ ${lines[-1]} == 'hosts looked at: 1, troubles: 0, hints: '* ]]
    run -0 rota monitor doctor -v
    [[ $output == *'ok      rota.ini can be read'* ]]
    [[ $output == *'ok      local: its clock agrees with ours'* ]]
    run -0 rota monitor doctor -q
    [ -z "$output" ]
}

@test "before the first submit there is no trouble, and no catalogue is made" {
    run -0 rota monitor doctor
    [[ $output == *"there is no catalogue $ROTA_CATALOGUE yet: rota submit makes it"* ]]
    [ ! -e "$ROTA_CATALOGUE" ]
}

@test "the forms: a finding is one JSON object, one line of tsv, one line for people" {
    rota submit -- true
    run -1 rota monitor doctor -o json
    [ "$(jq -r 'select(.check == "dispatch") | "\(.host) \(.verdict)"' <<<"$output")" = \
        'null trouble' ]
    run -1 rota monitor doctor -o tsv
    [ "${lines[0]}" = $'host\tcheck\tverdict\twhat\tmend' ]
    run -1 rota monitor doctor -o table
    [[ ${lines[0]} =~ ^HOST\ +CHECK\ +VERDICT\ +WHAT\ +MEND$ ]]
    run -64 rota monitor doctor -o nonsense
    run -1 rota monitor doctor -q
    [ -z "$output" ]
}

@test "a host that is not in the configuration is named; host ranges are taken" {
    run -1 rota monitor doctor nowhere
    [[ $output == *"no worker 'nowhere'"* ]]
    config < <(printf '[worker here[1-3]]\ntransport = local\n')
    run -0 rota monitor doctor 'here[1-2]'
    [[ ${lines[-1]} == 'hosts looked at: 2, '* ]]
    run -64 rota monitor doctor 'here[1-'
}

@test "a host cannot write the mend" {
    printf '#!/bin/sh\nprintf "no \\037do as I say\\n" >&2; exit 1\n' >"$HOME/bin/evil"
    chmod 755 "$HOME/bin/evil"
    config < <(printf '[worker evil]\ntransport = exec\ncommand = %s\n' "$HOME/bin/evil")
    run -1 rota monitor doctor -o json
    run jq -r 'select(.host == "evil") | .what, .mend' <<<"$output"
    [[ ${lines[0]} == *'no ?do as I say'* ]]
    [[ ${lines[1]} == 'where the account has a forced command'* ]]
}

@test "every error of the configuration is a trouble of its own" {
    config < <(printf '[worker a]\nslots = many\ntransprot = local\n')
    run -1 rota monitor doctor
    [ "$(grep -c '^trouble .*rota.ini:' <<<"$output")" -eq 2 ]
    [[ $output == *"did you mean 'transport'"* ]]
}

# ---- dispatch ----

@test "nothing starts rota dispatch: a hint, and a trouble once there is work" {
    run -0 rota monitor doctor
    [[ $output == *"hint    nothing on this machine starts 'rota dispatch'"* ]]
    rota submit -- true
    troubles dispatch "starts 'rota dispatch'" "* * * * * ROTA_CATALOGUE=$ROTA_CATALOGUE $ROTA_BUILD_DIR/rota dispatch -q"
}

@test "a line of a crontab that is a comment starts nothing" {
    make_well
    crontab_is "# * * * * * $ROTA_BUILD_DIR/rota dispatch"
    rota submit -- true
    troubles dispatch "nothing on this machine starts"
}

@test "a crontab that names rota without its path, where cron does not look" {
    make_well
    crontab_is "PATH=/nonexistent:$HOME
* * * * * rota dispatch"
    troubles dispatch 'your crontab' "/nonexistent:$HOME" 'whole path'
    crontab_is "PATH=/nonexistent:$ROTA_BUILD_DIR
* * * * * rota dispatch"
    run -0 rota monitor doctor -v
    [[ $output == *"ok      your crontab starts 'rota dispatch'"* ]]
}

@test "a crontab or unit that names a rota that is gone" {
    make_well
    crontab_is "* * * * * cd / && /opt/my-gone/rota dispatch -q"
    troubles dispatch 'your crontab' '/opt/my-gone/rota' 'there is none'
    crontab_is ''
    printf '[Service]\nExecStart=-/opt/gone/rota-dispatch --stay\n' \
        >"$ROTA_TEST_ROOT/etc/systemd/system/rota.service"
    troubles dispatch 'rota.service' '/opt/gone/rota-dispatch' 'there is none'
}

@test "/etc/cron.d and units of systemd count too" {
    make_well
    crontab_is ''
    printf '* * * * * nobody %s dispatch\n' "$ROTA_BUILD_DIR/rota" \
        >"$ROTA_TEST_ROOT/etc/cron.d/rota"
    run -0 rota monitor doctor -v
    [[ $output == *"ok      $ROTA_TEST_ROOT/etc/cron.d/rota starts 'rota dispatch'"* ]]
    rm "$ROTA_TEST_ROOT/etc/cron.d/rota"
    printf '[Service]\nExecStart=%s dispatch --stay\n' "$ROTA_BUILD_DIR/rota" \
        >"$ROTA_TEST_ROOT/etc/systemd/system/rota.service"
    run -0 rota monitor doctor -v
    [[ $output == *"etc/systemd/system/rota.service starts 'rota dispatch'"* ]]
}

@test "a unit that came with the package counts once it is enabled" {
    local units=$ROTA_TEST_ROOT/usr/lib/systemd own=$HOME/.config/systemd/user unit
    make_well
    crontab_is ''
    mkdir -p "$units"/{system,user} "$ROTA_TEST_ROOT/etc/systemd/system/multi-user.target.wants" \
        "$own/default.target.wants"
    for unit in system/rota@ user/rota; do
        printf '[Service]\nExecStart=%s dispatch --stay\n' "$ROTA_BUILD_DIR/rota" >"$units/$unit.service"
    done
    # another unit of the package is not it
    ln -s "$units/user/rota-check.timer" "$own/default.target.wants/rota-check.timer"
    run rota monitor doctor
    [[ $output == *"nothing on this machine starts 'rota dispatch'"* ]]
    ln -s "$units/user/rota.service" "$own/default.target.wants/rota.service"
    run -0 rota monitor doctor -v
    [[ $output == *"ok      $units/user/rota.service starts 'rota dispatch'"* ]]
    rm "$own/default.target.wants/rota.service"
    ln -s "$units/system/rota@.service" \
        "$ROTA_TEST_ROOT/etc/systemd/system/multi-user.target.wants/rota@ann.service"
    run -0 rota monitor doctor -v
    [[ $output == *"ok      $units/system/rota@.service starts 'rota dispatch'"* ]]
}

dispatcher_lives()
{
    [ "$(sqlite3 "file:$ROTA_CATALOGUE?mode=ro" 'SELECT pid FROM holder')" = "$1" ]
}

@test "what is learned of a host is recorded, but not while a dispatcher lives" {
    make_well
    rota dispatch --stay 3>&- &
    dispatcher=$!
    eventually dispatcher_lives "$dispatcher"
    run -0 rota monitor doctor -v
    [[ $output == *"process $dispatcher dispatches, and knows the hosts"* ]]
    run -0 rota hosts --format '{hostname}'
    [ -z "$output" ]
    kill "$dispatcher"
    wait "$dispatcher" || :
    run -0 rota monitor doctor
    run -0 rota hosts --format '{hostname} {state} {machine}'
    [ "$output" = "$(uname -n) unknown " ]
    # what a dispatcher knows stays: losses are proved with it
    sqlite3 "$ROTA_CATALOGUE" "UPDATE host SET state = 2, machine = 'other', hostname = 'before'"
    run -1 rota monitor doctor
    [[ $output == *'trouble local: another machine answers under this name'* ]]
    run -0 rota hosts --format '{hostname} {state} {machine}'
    [ "$output" = 'before down other' ]
}

@test "a dispatcher that nothing would start again is a hint" {
    make_well
    crontab_is ''
    rota dispatch --stay 3>&- &
    dispatcher=$!
    eventually dispatcher_lives "$dispatcher"
    run -0 rota monitor doctor
    [[ $output == *"hint    process $dispatcher dispatches since "* ]]
    kill "$dispatcher"
    wait "$dispatcher" || :
}

# ---- the catalogue ----

@test "no backup that can be seen is a hint with the command" {
    make_well
    crontab_is "* * * * * $ROTA_BUILD_DIR/rota dispatch"
    run -0 rota monitor doctor
    [[ $output == *"hint    no crontab or unit of systemd here names a backup"*\
"rota catalogue backup COPY"* ]]
}

@test "a catalogue that nobody prunes is a hint with the command" {
    make_well
    rota submit --wait -- true
    sqlite3 "$ROTA_CATALOGUE" "UPDATE run SET finished_at = finished_at - 40 * 86400000 WHERE state >= 6"
    run -0 rota monitor doctor
    [[ $output != *"still kept"* ]] # it is new: there was no time for it
    sqlite3 "$ROTA_CATALOGUE" 'UPDATE pruning SET pruned_at = pruned_at - 4 * 86400000'
    run -0 rota monitor doctor
    [[ $output == *"hint    runs that ended at "*"are still kept"*"let cron do: rota catalogue prune -q"* ]]
    rota catalogue prune -q
    run -0 rota monitor doctor
    [[ $output != *"still kept"* ]]
}

@test "a write-ahead log that a reader holds: the size, and the process" {
    make_well
    mkfifo pipe
    exec 7<>pipe
    sqlite3 "$ROTA_CATALOGUE" <pipe >answer 3>&- 7>&- &
    reader=$!
    printf 'BEGIN; SELECT count(*) FROM run;\n' >&7
    eventually grep -q 1 answer
    sqlite3 "$ROTA_CATALOGUE" 'PRAGMA wal_autocheckpoint = 0; CREATE TABLE large (b);
        INSERT INTO large VALUES (zeroblob(9000000))'
    troubles wal "$ROTA_CATALOGUE-wal" 'cannot be checkpointed' "$reader (sqlite3)"
    exec 7>&-
    wait "$reader"
    is_well
}

@test "a catalogue that is gone, empty, or can be written by everybody" {
    make_well
    cp "$ROTA_CATALOGUE" saved
    : >"$ROTA_CATALOGUE"
    troubles catalogue 'is an empty file' 'restore it from a backup'
    rm "$ROTA_CATALOGUE"
    troubles catalogue 'is gone' 'restore it from a backup'
    cp saved "$ROTA_CATALOGUE"
    chmod 666 "$ROTA_CATALOGUE"
    troubles catalogue 'can be written by everybody' 'chmod o-w'
}

@test "output that cannot be stored" {
    make_well
    rm -rf "$HOME/output"
    : >"$HOME/output"
    troubles output "$HOME/output is no directory" 'move it away'
}

# ---- time ----

@test "time zone data that is absent, or wrong" {
    make_well
    mkdir -p "$HOME/zones/Europe"
    export TZDIR=$HOME/zones
    troubles time-zones "$HOME/zones" 'no time zone data' 'tzdata'
    cp /usr/share/zoneinfo/America/New_York "$TZDIR/Europe/Berlin"
    troubles time-zones 'is wrong' 'Europe/Berlin' 'tzdata'
}

@test "a clock that is years off, or was set back" {
    make_well
    # the preloaded library need not come first for a sanitizer build
    export ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0"
    run -1 faketime '2019-05-04 12:00:00' rota monitor doctor
    [[ $output == *'trouble the clock of this machine says 2019-05-04T'*'run chronyd or ntpd here'* ]]
    run -1 faketime -f -2h rota monitor doctor
    [[ $output == *'trouble the newest run was queued at '*': it was set back'* ]]
}
