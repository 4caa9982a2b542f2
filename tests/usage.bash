# shellcheck shell=bash
# usage: what the usage texts say, read by other means than rota's own. Load it after lib.
#
#   list_commands         "COMMAND [SUBCOMMAND]" of every form of every usage text, once each
#   options_of COMMAND    the options that -h of it names, one a line
#   list_forms            COMMANDs that have -o FORM; `status` also with --events and the like

list_commands()
{
    local name
    for name in $(rota complete -- '' | cut -f1); do
        if [ "$name" != help ]; then
            rota "$name" -h
        fi
    done | sed -nE 's/^rota ([a-z]+ [a-z]+) .*/\1/p; t; s/^rota ([a-z]+) .*/\1/p' | sort -u
}

options_of()
{
    local command=${1%% *}
    rota "$command" -h | tr '\n' ' ' | sed 's/ rota /\nrota /g' | grep -E "^rota $1 ([^a-z]|$)" |
        grep -oE '(^|[][ |])--?[A-Za-z][a-z-]*' | sed -E 's/^[][ |]//' |
        while read -r option; do
            case $option in
            --*) echo "$option" ;;
            -*) fold -w1 <<<"${option#-}" | sed 's/^/-/' ;;
            esac
        done | sort -u
}

list_forms()
{
    local name
    for name in $(rota complete -- '' | cut -f1); do
        [ "$name" = help ] || rota "$name" -h
    done | tr '\n' ' ' | sed 's/ rota /\nrota /g' | grep -F -e '-o FORM' |
        sed -E 's/^rota //; s/ \[.*//; s/ (--[a-z]+) .*/ \1/'
}
