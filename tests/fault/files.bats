#!/usr/bin/env bats
# Files on their way when the connection breaks, or one of us dies: each run begins once, with all its files,
# and what it gives arrives whole.

load ../lib
load link

# A job with a file each way, each large enough to be met on its way.
large_job()
{
    mkdir -p w
    truncate -s "${2-48M}" large
    echo end >>large
    cat >job.yaml <<YAML
name: large
shell: |
  echo "\$ROTA_RUN \$ROTA_ATTEMPT" >>$PWD/began
  [ ! -e $PWD/put ] || cmp $PWD/large put
workdir: $PWD/w
$1
YAML
    id=$(rota submit --host away job.yaml)
}

putting()
{
    touch put
    large_job "files: {put: [{from: $PWD/large, to: put}]}" "${1-48M}"
    dispatcher_starts
    eventually is_coming
}

getting()
{
    large_job "files: {get: [{from: $PWD/large, to: got}]}"
    dispatcher_starts
    eventually is_going
}

is_coming()
{
    [ -n "$(find "$(worker_spool)/away/staging" -name 'p.*' -size +64k 2>/dev/null)" ]
}

is_going()
{
    [ -n "$(find "$HOME/output/0/$id.1.files" -size +64k 2>/dev/null)" ]
}

nothing_left()
{
    run find "$(worker_spool)" -path '*/staging/*'
    [ "$output" = '' ]
    run -0 find w -name '.rota-*'
    [ "$output" = '' ]
}

# It began once, with what it was given, and is over.
began_once()
{
    [ "$(cat began)" = "$id 1" ]
    is_so "$id" 'succeeded *'
    run -0 rota logs "$id"
    [ "$output" = '' ]
    eventually nothing_left
}

# Whoever speaks for the worker.
front()
{
    sqlite3 "$ROTA_CATALOGUE" 'SELECT 1' >/dev/null
    pgrep -f 'rota-worker|worker-' | while read -r pid; do
        if readlink "/proc/$pid/fd/"* 2>/dev/null | grep -qx "$(worker_spool)/away/lock"; then
            echo "$pid"
        fi
    done
}

@test "the connection breaks while files come: nothing has begun, and they are sent again" {
    away_config
    putting
    link drop
    [ ! -e began ]
    eventually away_says 'down *'
    link heal
    dispatcher_ends
    began_once
}

@test "the connection breaks while files go: they are sent again, and the run is not" {
    away_config
    getting
    link drop
    is_state "$id" running || is_state "$id" starting
    eventually away_says 'down *'
    link heal
    dispatcher_ends
    began_once
    cmp large "$HOME/files/got"
}

@test "the dispatcher is killed while files come: the next one sends them" {
    away_config
    putting
    dispatcher_dies
    [ ! -e began ]
    dispatcher_starts
    dispatcher_ends
    began_once
}

@test "the dispatcher is killed while files go: the next one takes them" {
    away_config
    getting
    dispatcher_dies
    dispatcher_starts
    dispatcher_ends
    began_once
    cmp large "$HOME/files/got"
}

@test "the front end is killed while files come, and while they go" {
    away_config
    putting
    kill -KILL "$(front)"
    dispatcher_ends
    began_once
    rm began put
    getting
    kill -KILL "$(front)"
    dispatcher_ends
    began_once
    cmp large "$HOME/files/got"
}

# The process that copies for the run, stopped at once.
copier_stops()
{
    local pid
    for pid in $(pgrep -x rota-files); do
        if [ "$(readlink "/proc/$pid/cwd")" = "$PWD/w" ]; then
            kill -STOP "$pid" && copier=$pid
            return
        fi
    done
    return 1
}

# It lives for as long as a copy takes: looked for without a pause, and in vain when the run is over.
catch_copier()
{
    until copier_stops; do
        [ ! -e began ]
    done
}

@test "the supervisor is killed while it puts files in their place: lost, not begun, nothing half done" {
    away_config
    putting 160M
    catch_copier
    shim=$(ps -o ppid= -p "$copier" | tr -d ' ')
    [ "$(cat "/proc/$shim/comm")" = rota-shim ]
    kill -KILL "$shim"
    kill -CONT "$copier" 2>/dev/null || : # it may have been ended by now
    dispatcher_ends
    is_so "$id" 'lost *supervisor is gone*'
    [ ! -e began ]
    [ ! -e w/put ]
    eventually nothing_left
}

@test "a cancel ends the copying of files" {
    away_config
    putting 160M
    catch_copier
    rota cancel "$id" # which has it go on, too
    dispatcher_ends
    is_so "$id" 'cancelled *'
    [ ! -e began ]
    [ ! -e w/put ]
    eventually nothing_left
}

@test "what is changed on its way is found out, and nothing begins" {
    away_config
    echo small >small
    large_job "files: {put: [{from: $PWD/small, to: small}, {from: $PWD/large, to: put}]}"
    dispatcher_starts
    eventually is_coming
    tampered=$(find "$(worker_spool)/away/staging" -name 'p.*.0')
    echo smalL >"$tampered"
    dispatcher_ends
    is_so "$id" 'failed files.put: small did not arrive as it was sent'
    [ ! -e began ]
    [ ! -e w/small ]
    eventually nothing_left
}
