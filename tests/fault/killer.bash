# shellcheck shell=bash
# shellcheck disable=SC2154 # output is set by bats' run
# killer: workers of which a process is killed (tests/fault/killer), and what must hold afterwards. Load it
# after ../lib and witness.
#
#   killer_config WHO FROM TO    workers WHO.FROM to WHO.TO, one slot each
#   killer_submit NAME [ARGS [LINE…]]   a witness on each of them, all at once
#   dispatch_all                 until all have ended
#   spools_are_clean             nothing is left in them: no record, no output
#   states                       "N STATE" of the last submission, a line each

killer_config()
{
    mkdir -p "$HOME/kill"
    killer_who=$1 killer_from=$2 killer_to=$3
    config <<INI
[worker $1.[$2-$3]]
transport = exec
command = $ROTA_TOP/tests/fault/killer $HOME/kill %n
worker = $ROTA_BUILD_DIR/rota-worker
slots = 1
INI
}

killer_submit()
{
    local n
    for ((n = killer_from; n <= killer_to; n++)); do
        printf -- '---\n'
        witness_job "$1" "${2-}" "where: {hosts: $killer_who.$n}" "${@:3}"
    done | rota submit - >"$1.ids"
    cat "$1.ids" >>"$WITNESS/acknowledged"
}

# A dispatcher leaves hosts that do not answer to the next one.
dispatch_all()
{
    local n
    for n in 1 2 3; do
        run -0 timeout 60 rota dispatch
        [ -n "$(rota status --state queued -o id)" ] || return 0
    done
    rota status
    return 1
}

states()
{
    rota status --format '{state}' - | sort | uniq -c | sed 's/^ *//'
}

# How many were killed.
killed()
{
    cat "$HOME/kill/$1".*.log | grep -cx killed || :
}

spool_is_clean()
{
    [ -z "$(find "$(worker_spool)" \( -name 'journal.*' -o -path '*/cells/*.out' -o -path '*/cells/*.err' \) \
        -size +0 -o -name '*.set' -o -name '*.values' -o -name '*.new')" ]
}

# A worker that was let go gets a moment to take its last message.
spools_are_clean()
{
    eventually_within 20 spool_is_clean || {
        find "$(worker_spool)" -type f -size +0 -ls
        return 1
    }
}
