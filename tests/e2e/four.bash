# shellcheck shell=bash
# four: four ssh hosts on this machine: one throwaway sshd on 127.0.1.1 to 127.0.1.4.
#
# four_start, once for a file of tests (setup_file) or the demo; four_stop ends what it began.
# four_config then makes the configuration of one test. Needs no root, only sshd and ssh-keygen:
# the hosts are all the account that runs this.

# Starts sshd on a free port of the addresses, with lines of configuration of its own, which win:
#   four_sshd DIRECTORY 'ADDRESS…' [LINE…]
# DIRECTORY then has: port, pid, host (its key), log. A key that is there already is used.
four_sshd()
{
    local dir=$1 addresses=$2 address port try
    shift 2
    mkdir -p "$dir"
    if [ "$(id -u)" -eq 0 ]; then
        mkdir -p /run/sshd # sshd as root insists on it; usually the service makes it
    fi
    [ -f "$dir/host" ] || ssh-keygen -q -t ed25519 -N '' -C '' -f "$dir/host"
    for try in {1..50}; do
        # below the ports that the kernel gives away itself
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        {
            for address in $addresses; do
                printf 'ListenAddress %s:%s\n' "$address" "$port"
            done
            # of each keyword sshd takes the first, but of this one the last
            echo 'MaxStartups 100'
            printf '%s\n' "$@" "HostKey $dir/host" "AuthorizedKeysFile $FOUR/user.pub" \
                'StrictModes no' 'PidFile none' 'UsePAM no' 'PermitRootLogin prohibit-password' \
                'PasswordAuthentication no' 'KbdInteractiveAuthentication no' 'UseDNS no'
        } >"$dir/config"
        if four_launch "$dir"; then
            echo "$port" >"$dir/port"
            return 0
        fi
    done
    echo "no sshd after $try tries:" >&2
    cat "$dir/log" >&2
    return 1
}

# Starts sshd with the configuration of a directory, also again after it was ended.
four_launch()
{
    local dir=$1 pid
    : >"$dir/log" # four_listens may look before the server is there
    # 3 and 8 are the descriptors of bats and of its callers: a server must not hold them
    "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f "$dir/config" \
        </dev/null >"$dir/log" 2>&1 3>&- 8>&- &
    pid=$!
    if four_listens "$pid" "$dir/log" "$(grep -c '^ListenAddress' "$dir/config")"; then
        echo "$pid" >"$dir/pid"
        return 0
    fi
    kill "$pid" 2>/dev/null || :
    wait "$pid" 2>/dev/null || :
    return 1
}

# Waits until sshd said so for each of its addresses; fails when it ended or one is taken.
four_listens()
{
    local never
    exec {never}<> <(:)
    while kill -0 "$1" 2>/dev/null && ! grep -q 'Bind to port' "$2"; do
        if [ "$(grep -c 'Server listening' "$2")" -eq "$3" ]; then
            exec {never}<&-
            return 0
        fi
        read -rt 0.02 -u "$never" || :
    done
    exec {never}<&-
    return 1
}

# The directory that four_stop takes away, with the key of the user.
four_begin()
{
    FOUR=$(mktemp -d)
    export FOUR
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$FOUR/user"
}

# four_start [LINE…]: with lines of sshd's configuration.
four_start()
{
    four_begin
    four_sshd "$FOUR/four" '127.0.1.1 127.0.1.2 127.0.1.3 127.0.1.4' "$@"
}

# Ends the sshd of a directory, with its sessions.
four_end()
{
    local pid
    pid=$(cat "$1/pid")
    # shellcheck disable=SC2046 # a list of numbers
    kill "$pid" $(four_sessions "$1") 2>/dev/null || :
    wait "$pid" 2>/dev/null || :
    rm -rf "$1"
}

four_stop()
{
    local file
    [ -n "${FOUR-}" ] || return 0
    for file in "$FOUR"/*/pid; do
        if [ -f "$file" ]; then
            four_end "${file%/pid}"
        fi
    done
    rm -rf "$FOUR"
}

# The processes that serve connections, one a line; not what they started.
four_sessions()
{
    local level
    level=$(cat "${1:-$FOUR/four}/pid")
    while level=$(pgrep -d, -P "$level" -x sshd); do
        tr , '\n' <<<"$level"
    done
}

# Adds the host key of a server to known_hosts, for addresses.
four_know()
{
    local dir=$1 address
    shift
    for address in "$@"; do
        printf '[%s]:%s %s\n' "$address" "$(cat "$dir/port")" "$(cat "$dir/host.pub")"
    done >>"$FOUR_HOME/known_hosts"
}

# Writes ssh_config and a rota.ini without workers to FOUR_HOME (default: HOME) and exports
# ROTA_CONFIG and ROTA_SSH_CONFIG; known_hosts is four_know's.
four_files()
{
    FOUR_HOME=${FOUR_HOME:-$HOME}
    export ROTA_CONFIG=$FOUR_HOME/rota.ini ROTA_SSH_CONFIG=$FOUR_HOME/ssh_config
    printf '%s\n' "UserKnownHostsFile $FOUR_HOME/known_hosts" 'GlobalKnownHostsFile /dev/null' \
        'IdentitiesOnly yes' >"$ROTA_SSH_CONFIG"
    printf '[ssh]\nidentity = %s\n' "$FOUR/user" >"$ROTA_CONFIG"
    chmod 600 "$ROTA_CONFIG"
}

# The same, and the host key of the four is known.
four_trust()
{
    four_files
    four_know "$FOUR/four" 127.0.1.{1..4}
}

# The same with workers: four_config SLOTS [NAME…]; the names are w1 to w4 by default.
four_config()
{
    local slots=$1 n=0 name
    shift
    [ $# -gt 0 ] || set -- w1 w2 w3 w4
    four_trust
    for name in "$@"; do
        four_add "$name" "address = 127.0.1.$((++n))" "port = $(cat "$FOUR/four/port")" \
            "slots = $slots"
    done
}

# Adds a worker to the configuration: four_add NAME LINE…
four_add()
{
    {
        printf '\n[worker %s]\n' "$1"
        printf '%s\n' "${@:2}"
    } >>"$ROTA_CONFIG"
}
