# rota: finding commands, and what all commands have in common.
# bats' run sets stderr
# shellcheck disable=SC2154

load lib

@test "rota alone shows a map of the commands" {
    run --separate-stderr rota
    [ "$status" -eq 0 ]
    [[ $output == *"submit    enqueue runs"* ]]
    [ -z "$stderr" ]
}

@test "an unknown command suggests the near one" {
    run rota sumbit
    [ "$status" -eq 64 ]
    [ "$output" = "rota: no command 'sumbit' (did you mean 'submit'?)" ]
}

@test "a command's name is no path" {
    run rota ../rota-status
    [ "$status" -eq 64 ]
}

@test "--version tells the version" {
    run rota --version
    [ "$status" -eq 0 ]
    [[ $output =~ ^rota\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "options of rota itself may be shortened, and help has -h" {
    [ "$(rota --vers)" = "$(rota --version)" ]
    for words in -h --help --he help 'help -h' 'help --help'; do
        read -ra words_of <<<"$words"
        run -0 rota "${words_of[@]}"
        [ "$output" = "$(rota)" ]
    done
    run -64 rota --
}

@test "rota help COMMAND is the command's -h" {
    [ "$(rota help status)" = "$(rota status -h)" ]
}

# What -h prints and what the page says, both as one line.
synopsis()
{
    MANWIDTH=1000 mandoc -Tascii -O width=1000 "$1" | col -bx |
        sed -n '/^SYNOPSIS/,/^[A-Z]/{/^ /p}' | tr -s ' \n' ' '
}

@test "-h is the synopsis of the man page" {
    for page in "$ROTA_TOP"/man/rota-*.1; do
        name=${page##*/rota-}
        name=${name%.1}
        run rota "$name" -h
        [ "$status" -eq 0 ]
        want=$(synopsis "$page")
        got=" $(tr -s ' \n' ' ' <<<"$output")"
        [ "$got" = "$want" ] || { echo "-h:  $got"; echo "man: $want"; return 1; }
    done
}

@test "man pages have no warnings and all sections" {
    mandoc -Tlint -W warning "$ROTA_TOP"/man/*.[1-8]
    for page in "$ROTA_TOP"/man/rota[-.]*.[15]; do
        for section in SYNOPSIS DESCRIPTION OPTIONS 'EXIT STATUS' EXAMPLES; do
            grep -q "^\.Sh $section" "$page"
        done
    done
}

@test "rota(7) maps every command and names every page" {
    local command page text
    text=$(cat "$ROTA_TOP/man/rota.7")
    run -0 rota
    while read -r command; do
        [[ $text == *".It Xr rota-$command 1"* ]] || { echo "no $command in the map"; return 1; }
    done < <(sed -nE 's/^  ([a-z]+) .*/\1/p' <<<"$output")
    for page in "$ROTA_TOP"/man/*-*.[1-8] "$ROTA_TOP"/man/rota.ini.5; do
        page=${page##*/}
        # where others are seen, with its section
        [[ ${text#*.Sh SEE ALSO} == *".Xr ${page%.*} ${page##*.}"* ]] || { echo "no $page"; return 1; }
    done
}

@test "the worker's page says what it is called with" {
    run -0 "$ROTA_BUILD_DIR/rota-worker" -h
    while read -r _ word _; do
        grep -qE "^\.(Cm|Fl) -?${word#-}$" "$ROTA_TOP/man/rota-worker.8" ||
            { echo "no $word"; return 1; }
    done <<<"${output/usage: /}"
}

@test "every option of a command stands in its page" {
    for name in submit dispatch status logs cancel hosts catalogue; do
        # shellcheck disable=SC2013
        for option in $(rota "$name" -h | grep -o -e '--[a-z-]*[a-z]'); do
            grep -q -e "Fl -${option#--}" "$ROTA_TOP/man/rota-$name.1"
        done
    done
}

@test "every form of output and every alert channel stands in its page" {
    run -64 rota status -o ''
    [[ $output =~ '(write '(.*)')' ]]
    for word in $(tr -d , <<<"${BASH_REMATCH[1]/ or/}"); do
        grep -q "^\.Cm $word$" "$ROTA_TOP/man/rota.7" || { echo "no $word"; return 1; }
    done
    config <<<$'[alert ops]\non = failed'
    run -78 rota monitor check
    [[ $output =~ 'give it '(.*) ]]
    for word in $(tr -d ,= <<<"${BASH_REMATCH[1]/ or/}"); do
        grep -q "^\.It Cm $word No = " "$ROTA_TOP/man/rota.ini.5" || { echo "no $word"; return 1; }
    done
}

@test "a wrong option suggests the near one" {
    run rota status --stat failed
    [ "$status" -ne 64 ] # an abbreviation
    run rota status --sttae failed
    [ "$status" -eq 64 ]
    [ "$output" = "rota status: unknown option '--sttae' (did you mean '--state'?)" ]
}

@test "a reader that goes away is no error" {
    rota submit -- true
    for _ in 1 2 3 4 5 6 7; do
        rota status -o id | rota submit --rerun - >/dev/null
    done
    set -o pipefail
    for form in table json id tsv; do
        run --separate-stderr bash -c "set -o pipefail; rota status -o $form | head -c 1 >/dev/null"
        [ "$status" -eq 0 ]
        [ -z "$stderr" ]
        run --separate-stderr bash -c "set -o pipefail; rota status -o $form | true"
        [ "$status" -eq 0 ]
        [ -z "$stderr" ]
    done
}

# More than stdio holds back: the write that fails is not the last one.
@test "a full disk is told of long output too, and a reader that has had enough is no error" {
    rota submit -- true >/dev/null
    seq -f '{"name": "j%g", "shell": "true"}' 300 | sed 'i ---' >many.yaml
    seq -f '0 %g * * * true' 0 20 | sed 'p;p;p;p' >night.cron
    for command in 'monitor metrics' 'submit -n many.yaml' 'schedule import night.cron'; do
        run -74 --separate-stderr bash -c "rota $command >/dev/full"
        [[ $stderr == *'cannot write to standard output'* ]]
        [ "$(wc -l <<<"$stderr")" -eq 1 ]
        run -0 --separate-stderr bash -c "set -o pipefail; rota $command | true"
        [ -z "$stderr" ]
    done
}

@test "a full disk is told" {
    rota submit -- true
    for command in 'status -o id' 'cancel 1' 'submit -- true' 'hosts' '' --version 'status -h' 'hosts -h'; do
        run --separate-stderr bash -c "rota $command >/dev/full"
        [ "$status" -eq 74 ]
        [[ $stderr == *"No space left"* ]]
    done
}

@test "a bad configuration is exit 78 with its place" {
    config <<<'[wroker a]'
    for command in 'submit -- true' status hosts 'cancel 1' 'logs 1'; do
        # shellcheck disable=SC2086
        run rota $command
        [ "$status" -eq 78 ]
        [[ $output == *"rota.ini:1"* ]]
    done
}

@test "without a catalogue commands that read say what makes it" {
    for command in status 'logs last' 'cancel 1' 'submit --rerun 1'; do
        # shellcheck disable=SC2086
        run rota $command
        [ "$status" -eq 74 ]
        [[ $output == *"rota submit"* ]]
    done
    [ ! -e "$ROTA_CATALOGUE" ]
}
