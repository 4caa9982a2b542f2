# shellcheck shell=bash
# lib: what every benchmark here uses. Times are whole processes in µs; a figure that means something
# on a shared machine is a ratio of things done in turn in one run.
#
#   BUILD, WORK       programs, and a directory that goes away with the benchmark
#   take NAME CMD…    runs CMD, adds its wall time and its CPU time to $WORK/NAME.wall and .cpu
#   median NAME.wall  of what take collected
#   goal …            prints a figure beside its goal and counts whether it is met

RUNS=${RUNS:-3}
WORK=$(mktemp -d)
unset ROTA_CONFIG
export TZ=UTC LC_ALL=C
GOALS_MET=0 GOALS_MISSED=0

median()
{
    sort -n "$WORK/$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# ratio A B: A / B with two decimals.
ratio()
{
    awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b ? a / b : 0 }'
}

# Units a second: rate COUNT MICROS.
rate()
{
    awk -v n="$1" -v t="$2" 'BEGIN { printf "%.0f", t ? n * 1e6 / t : 0 }'
}

# The CPU time is that of CMD and of all children that were waited for in it.
take()
{
    local name=$1 wall user sys TIMEFORMAT='%6R %6U %6S'
    shift
    { time "$@" >"$WORK/last.out" 2>"$WORK/last.err"; } 2>"$WORK/time" || {
        echo "$name: '$*' failed:" >&2
        tail -n 5 "$WORK/last.err" >&2
        exit 1
    }
    read -r wall user sys <"$WORK/time"
    awk -v t="$wall" 'BEGIN { printf "%.0f\n", t * 1e6 }' >>"$WORK/$name.wall"
    awk -v u="$user" -v s="$sys" 'BEGIN { printf "%.0f\n", (u + s) * 1e6 }' >>"$WORK/$name.cpu"
}

# goal 'what was measured' VALUE 'at least|at most' LIMIT [UNIT]
goal()
{
    local verdict=met sign='>='
    [ "$3" = 'at least' ] || sign='<='
    if awk -v v="$2" -v s="$sign" -v l="$4" 'BEGIN { exit !(s == ">=" ? v >= l : v <= l) }'; then
        GOALS_MET=$((GOALS_MET + 1))
    else
        verdict='NOT MET' GOALS_MISSED=$((GOALS_MISSED + 1))
    fi
    printf '  %-62s %10s %s  (goal %s %s) %s\n' "$1" "$2" "${5-}" "$sign" "$4" "$verdict"
}

goals_told()
{
    printf '%d goals met, %d not met\n' "$GOALS_MET" "$GOALS_MISSED"
}

heading()
{
    printf '\n%s\n' "$*"
}
