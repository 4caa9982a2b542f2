# shellcheck shell=bash
# sweep: a program killed at each of its system calls, one run of it a call. Load it after ../lib.
#
# The calls are those of a run that was let be: nothing here is a number that somebody wrote down. A *site* is a
# call by what came before it, as "2 pwrite64 5": after 2 commits, the fifth pwrite64. strace kills before
# the call is made; "after it" is the next site.
#
#   sweep_trace [-k] COMMAND…
#                            runs COMMAND and leaves the file `trace`; with -k of the calls that come from one
#                            place of the program (the same stack) the first is a site
#   sweep_window PROGRAM     the sites in `trace`, one a line: NAME NTH SITE. PROGRAM (awk, over lines of
#                            NAME NTH SITE TEXT) sets `begun` at the first, and `over` at the last but one
#   sweep_whole              the sites from the first that names the catalogue to the end
#   sweep FUNCTION [TENTHS]  calls FUNCTION for each site of `sites`, two at a time, in a directory and with a
#                            catalogue of its own; what it prints is a complaint. Then says how many there were; of the
#                            sites that were meant TENTHS (9) must have been hit
#   sweep_kill COMMAND…      in FUNCTION: runs COMMAND, killed at the site
#   sweep_catalogue SQL      in FUNCTION: what the catalogue answers, and that it is whole
#   sweep_killed NAME…       the program was killed at a call of each of these names

# A line a call, numbered as strace counts: NAME NTH SITE TEXT STACK (tabs).
sweep_calls()
{
    awk -v OFS='\t' '
    function flush() { if (name) print name, nth[name], site, text, stack }
    /^ > / { stack = stack $0 }
    /^[a-z0-9_]+\(/ {
        flush()
        name = text = $0
        sub(/\(.*/, "", name)
        nth[name]++
        site = commits + 0 " " name " " ++since[name]
        stack = ""
        if (name == "fdatasync" && /-wal>/) {
            commits++
            split("", since)
        }
    }
    END { flush() }' "${1-trace}"
}

sweep_trace()
{
    strace -qq -y -o trace "$@"
}

sweep_window()
{
    sweep_calls trace | awk -F '\t' -v OFS='\t' "
        { last = over }
        $1
        begun && !(\$5 && seen[\$1 \$5]++) { print \$1, \$2, \$3 }
        last { exit }"
}

sweep_kill()
{
    local rc=0
    # strace ends by the signal of the program: the shell is not to tell
    { strace -qq -y -o trace -e "inject=$SWEEP_NAME:signal=KILL:when=$SWEEP_NTH" "$@" || rc=$?; } 2>>errors
    if [ "$rc" -eq 137 ]; then
        sweep_calls trace | tail -n 1 | cut -f 3 >killed
    fi
}

# What is wrong with it goes to the complaints.
sweep_catalogue()
{
    # I10
    sqlite3 "$ROTA_CATALOGUE" 'PRAGMA integrity_check' 'PRAGMA foreign_key_check' \
        .print "$1" >catalogue
    [ "$(sed '/^$/,$d' catalogue)" = ok ] || cat catalogue >&2
    sed '1,/^$/d' catalogue
}

# Every second site, beginning with the first or the second.
sweep_half()
{
    local site
    while IFS=$'\t' read -r SWEEP_NAME SWEEP_NTH site; do
        mkdir -p "sweep/${site// /.}/home"
        (
            cd "sweep/${site// /.}" || exit
            export HOME=$PWD/home ROTA_CATALOGUE=$PWD/home/catalogue.db WITNESS=$PWD
            "$1" >complaints 2>&1 || echo "it failed" >>complaints
            remove_spool
        )
    done < <(awk -v half="$2" 'NR % 2 == half' sites)
}

sweep()
{
    local halves=() half
    mkdir -p sweep
    for half in 0 1; do
        sweep_half "$1" "$half" 3>&- &
        halves+=("$!")
    done
    for half in "${halves[@]}"; do
        wait "$half"
    done
    cat sweep/*/killed | sort -u >killed
    # a call that a run did not come to (a poll that found everything at once) is none of it
    cut -f 3 sites | sort | comm -12 - killed >hit
    echo "# $(wc -l <sites) sites: $(find sweep -name killed | wc -l) killed, at $(wc -l <killed) sites," \
        "$(wc -l <hit) of them the same" >&3
    if grep -r . sweep --include=complaints; then
        return 1
    fi
    if [ ! -s sites ] || [ $((10 * $(wc -l <hit))) -lt $((${2-9} * $(wc -l <sites))) ]; then
        echo "the sweep has gone astray: of these sites too few were hit"
        cat sites
        return 1
    fi
}

sweep_killed()
{
    local name
    for name; do
        grep -q " $name " killed || {
            echo "never killed at a call of $name"
            return 1
        }
    done
}

# From the first call that names the catalogue to the end.
sweep_whole()
{
    # shellcheck disable=SC2016 # for awk
    sweep_window '$4 ~ /catalogue\.db/ { begun = 1 }'
}
