# shellcheck shell=bash
# farm: any number of ssh hosts on this machine, for benchmarks. Needs lib.bash and a trap that calls
# farm_stop. Host i is the address farm_address i and the name h$i, to ssh and to rota.
#
#   farm_start N [DAEMONS]   sshd on N addresses of loopback; one daemon takes 16 at most
#   farm_hosts N [SLOTS]     configures rota for the first N of them, with SLOTS each
#   farm_jobs N WORD…        a fresh catalogue with N runs of the command
#   farm_check N             fails unless N runs, and no others, have succeeded
#   farm_forget              removes the catalogue and what the workers kept for it
#
# ssh_config, known_hosts, rota.ini and the catalogue are in WORK.

# shellcheck source=tests/e2e/four.bash
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/four.bash"

# MAX_LISTEN_SOCKS of OpenSSH's sshd.c
FARM_SOCKETS=16
# A worker asks the password file for its home.
FARM_HOME=$(getent passwd "$(id -u)" | cut -d: -f6)

farm_address()
{
    local n=$(($1 - 1))
    printf '127.0.%d.%d\n' $((1 + n / 250)) $((1 + n % 250))
}

farm_start()
{
    local hosts=$1 daemons=${2:-0} least=$((($1 + FARM_SOCKETS - 1) / FARM_SOCKETS)) daemon
    [ "$daemons" -ge "$least" ] || daemons=$least
    export ROTA_CATALOGUE=$WORK/catalogue/catalogue.db
    FOUR_HOME=$WORK
    farm_cache >"$WORK/cache"
    four_begin
    mkdir "$FOUR/home"
    four_files
    printf '%s\n' "IdentityFile $FOUR/user" 'BatchMode yes' >>"$ROTA_SSH_CONFIG"
    for ((daemon = 0; daemon < daemons; daemon++)); do
        farm_daemon $((daemon * hosts / daemons + 1)) $(((daemon + 1) * hosts / daemons))
    done
    cp "$ROTA_CONFIG" "$WORK/rota.ini.base"
}

# One sshd for the hosts FIRST to LAST. The limits of a default sshd on what is not yet
# authenticated and on the channels of a connection would make rivals fail, not slow. What the
# account's .bashrc does is not measured: bash looks for it in an empty HOME.
farm_daemon()
{
    local i dir=$FOUR/farm$1 addresses=()
    for ((i = $1; i <= $2; i++)); do
        addresses+=("$(farm_address "$i")")
    done
    four_sshd "$dir" "${addresses[*]}" \
        'MaxStartups 2000' 'MaxSessions 200' "SetEnv HOME=$FOUR/home"
    four_know "$dir" "${addresses[@]}"
    for ((i = $1; i <= $2; i++)); do
        echo "h$i ${addresses[i - $1]} $(cat "$dir/port")"
    done >"$dir/hosts"
    farm_ssh <"$dir/hosts" >>"$ROTA_SSH_CONFIG"
    cat "$dir/hosts" >>"$WORK/hosts"
}

# Lines of ssh_config from lines of NAME ADDRESS PORT.
farm_ssh()
{
    awk '{ printf "Host %s\nHostName %s\nPort %s\n", $1, $2, $3 }'
}

farm_hosts()
{
    {
        cat "$WORK/rota.ini.base"
        head -n "$1" "$WORK/hosts" | awk -v slots="${2:-4}" '{
            printf "\n[worker %s]\naddress = %s\nport = %s\nslots = %s\n", $1, $2, $3, slots
        }'
    } >"$ROTA_CONFIG"
}

farm_jobs()
{
    local count=$1 word words=
    shift
    farm_forget
    for word in "$@"; do
        words+=", \"$word\""
    done
    for ((; count > 0; count--)); do
        printf -- '---\nname: job%d\nexec: [%s]\n' "$count" "${words:2}"
    done >"$WORK/jobs.yaml"
    rota submit -q "$WORK/jobs.yaml" >/dev/null
}

farm_check()
{
    local found
    found=$(farm_ask "SELECT state, count(*) FROM v_runs GROUP BY state")
    [ "$found" = "succeeded|$1" ] || {
        printf 'not %d runs that succeeded, but:\n%s\n' "$1" "$found" >&2
        farm_ask "SELECT id, host, state, reason FROM v_runs WHERE state <> 'succeeded' LIMIT 5" >&2
        exit 1
    }
}

farm_ask()
{
    sqlite3 -init /dev/null -readonly "$ROTA_CATALOGUE" "$1"
}

farm_forget()
{
    local uuid
    [ -f "$ROTA_CATALOGUE" ] || return 0
    uuid=$(farm_ask 'SELECT uuid FROM meta')
    if [[ $uuid =~ ^[0-9a-f]{32}$ ]]; then
        rm -rf "$FARM_HOME/.local/state/rota-worker/$uuid"
    fi
    rm -rf "$(dirname "$ROTA_CATALOGUE")"
}

# The worker of this build, where it is in the account's cache.
farm_cache()
{
    find "$FARM_HOME/.cache/rota" -maxdepth 1 -name "worker-$(farm_build)" 2>/dev/null || :
}

farm_build()
{
    cut -d'"' -f2 "$BUILD/build_id.h"
}

farm_stop()
{
    four_stop || :
    farm_forget || :
    if [ -f "$WORK/cache" ] && [ ! -s "$WORK/cache" ]; then
        farm_cache | xargs -r -d '\n' rm -f
    fi
}
