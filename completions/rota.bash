# shellcheck shell=bash
# Completion of rota(1) for bash: `rota complete` knows what may stand there. Needs nothing but bash 4.4.

# Sets words to those of the command line up to the cursor, without quotes. bash cuts words at = and : as well.
_rota_words()
{
    local line=${COMP_LINE:0:COMP_POINT} piece gap i
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        piece=${COMP_WORDS[i]}
        gap=${line%%[![:space:]]*}
        line=${line#"$gap"}
        if ((i == COMP_CWORD)); then
            piece=$line
        fi
        line=${line#"$piece"}
        piece=${piece//[\"\'\\]/}
        if ((i == 0)) || [ -n "$gap" ]; then
            words+=("$piece")
        else
            words[-1]+=$piece
        fi
    done
}

# The command line that begins at word $1, which is a command's own.
_rota_command()
{
    local at
    if ((${#words[@]} == $1 + 1)); then
        mapfile -t COMPREPLY < <(compgen -c -- "$2")
    elif declare -F _command_offset >/dev/null; then
        for ((at = 0; at < COMP_CWORD; at++)); do
            if [ "${COMP_WORDS[at]}" = -- ]; then
                break
            fi
        done
        _command_offset $((at + 1))
    else
        compopt -o default 2>/dev/null
    fi
}

_rota()
{
    local words line value does typed=${2//[\"\'\\]/} before plain=() listed=()
    COMPREPLY=()
    _rota_words
    # readline replaces $2, which may be less than the word
    before=${words[-1]%"$typed"}
    while IFS= read -r line; do
        value=${line%%$'\t'*}
        does=${line#*$'\t'}
        case $value/$does in
        /files) compopt -o default 2>/dev/null ;;
        /directories) compopt -o default -o dirnames 2>/dev/null ;;
        /command\ *) _rota_command $((${does#command } + 1)) "$2" && return ;;
        *)
            value=${value#"$before"}
            plain+=("$value")
            listed+=("$value${does:+  ($does)}")
            ;;
        esac
    done < <(command rota complete -- "${words[@]:1}" 2>/dev/null)
    COMPREPLY=("${plain[@]}")
    # what is only listed may say more than what is put into the line
    if [ "${COMP_TYPE-}" = 63 ] && ((${#plain[@]} > 1)); then
        COMPREPLY=("${listed[@]}")
    fi
    # a form or a setting goes on
    if [[ ${words[-1]} == *'{'* || ${plain[0]-} == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
    return 0
}

complete -o nosort -F _rota rota
