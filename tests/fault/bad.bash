# shellcheck shell=bash
# shellcheck disable=SC2154 # output is set by bats' run
# bad: a worker that misbehaves. `bad` is fake_worker.py, which follows a text a connection; `good` is
# the real one, on this machine.
#
# Load it after ../lib: it is all the set-up of its file.
#
#   connection N… <<TEXT    what the fake does at its Nth connections
#   heard PATTERN           lines of what it heard that match, counted
#   two_runs                run 1 for the fake, run 2 for the real one; ends are counted
#   ended_once RUN…         one attempt each, with one end

setup()
{
    rota_setup
    mkdir "$HOME/bad.d"
    ln -s "$ROTA_TOP/tests/fault/fake_worker.py" "$HOME/bad"
    config <<INI
[worker bad]
transport = local
worker = $HOME/bad
[worker good]
transport = local
INI
    dispatcher=''
}

teardown()
{
    local rc=0
    if [ -n "$dispatcher" ]; then
        kill "$dispatcher" 2>/dev/null || :
        wait "$dispatcher" || :
    fi
    # what the test sees when it fails; a broken text is a failure of its own
    tail -n 20 "$HOME"/bad.d/*.log 2>/dev/null || :
    if grep -q BROKEN "$HOME"/bad.d/*.log 2>/dev/null; then
        rc=1
    fi
    rota_teardown || rc=1
    return $rc
}

# What the fake does at its Nth connections: connection N… <<text.
connection()
{
    local n text
    text=$(cat)
    for n; do
        printf '%s\n' "$text" >"$HOME/bad.d/$n"
    done
}

# Lines of what the fake heard that match, over all connections: heard PATTERN.
heard()
{
    cat "$HOME"/bad.d/*.log | grep -cE "^$1" || :
}

connections()
{
    find "$HOME/bad.d" -name '*.log' | wc -l
}

# A dispatcher that neither dies nor hangs.
dispatch()
{
    run -0 timeout 60 rota dispatch "$@"
}

dispatcher_starts()
{
    # in the foreground: a signal goes to the dispatcher alone, not to the workers too
    timeout --foreground 60 rota dispatch 3>&- &
    dispatcher=$!
}

dispatcher_ends()
{
    local rc=0
    wait "$dispatcher" || rc=$?
    dispatcher=''
    [ "$rc" -eq 0 ]
}

is_state()
{
    [ "$(rota status --format '{state}' "$1")" = "$2" ]
}

# The state and the reason of a run are as the pattern.
is_so()
{
    run -0 rota status --format '{state} {exit_code} {reason}' "$1"
    # shellcheck disable=SC2053 # a pattern
    [[ $output == $2 ]] || {
        echo "run $1: $output, not: $2"
        return 1
    }
}

bad_says()
{
    # shellcheck disable=SC2053 # a pattern
    [[ $(rota hosts --format '{state} {reason}' bad) == $1 ]]
}

# From now on every end that is written is counted.
count_ends()
{
    sqlite3 "$ROTA_CATALOGUE" "
        CREATE TRIGGER test_ends AFTER UPDATE OF ended_at ON attempt WHEN new.ended_at IS NOT NULL
        BEGIN
            INSERT INTO event (at, run, kind) VALUES (0, new.run, 'test: end');
        END"
}

ended_once()
{
    local id
    for id; do
        [ "$(sqlite3 "$ROTA_CATALOGUE" "SELECT
            (SELECT count(*) FROM attempt WHERE run = $id),
            (SELECT count(*) FROM event WHERE run = $id AND kind = 'test: end')")" = '1|1' ] || {
            echo "run $id: not one attempt with one end"
            return 1
        }
    done
}

# A run for the fake, 1, and one for the real worker, 2.
two_runs()
{
    run -0 rota submit --name one --host bad -- true
    run -0 rota submit --name two --host good -- true
    count_ends
}
