# completion: rota complete, and the shells that ask it, typed at.
# bats' run sets stderr and status
# shellcheck disable=SC2154,SC2030,SC2031

load lib
load usage

setup()
{
    rota_setup
    export PS1='ready> '
}

# A held run, one that ended, a registered job, two hosts and an alert.
populate()
{
    config <<'EOF'
[worker db1]
transport = local
tags = db, big
[worker web1]
transport = local
tags = web
[alert ops]
on = failed
command = /bin/true
EOF
    rota submit --name nightly -- true
    rota submit --name extract -- true
    rota cancel 1
    cat >"$HOME/job.yaml" <<'EOF'
name: registered
schedule: {cron: "30 2 * * *"}
parameters: {scene: forest, quality: high}
shell: "true"
EOF
    rota schedule add "$HOME/job.yaml"
    export ROTA_SSH_CONFIG=$HOME/ssh_config
    printf 'Host web7\nHost db7\nHost *\n  User me\n' >"$ROTA_SSH_CONFIG"
} >/dev/null

# The values alone, on one line.
values()
{
    rota complete -- "$@" | cut -f1 | paste -sd' '
}

# Each "WORDS => VALUES" of standard input; the words are one argument each, '' an empty one.
check_table()
{
    local line words want got
    while IFS= read -r line; do
        eval "words=(${line%% =>*})"
        want=${line#* =>}
        got=$(values "${words[@]}")
        [ "$got" = "${want# }" ] || {
            echo "rota complete -- ${words[*]}: '$got', not '$want'"
            return 1
        }
    done
}

@test "what the usage text names decides what is offered" {
    populate
    cd "$HOME"
    check_table <<'EOF'
st => status
--v => --version
help ho => hosts
status --st => --state
status --state fa => failed
status --state failed,ti => failed,timeout
status --state=o => --state=open --state=over
status '' => 2 1 last
cancel '' => 2 last
status 1- => 1-2 1-1
status 1,2 => 1,2
status last,1 => last,1
status l => last
logs la => last
status last => last
status x1 =>
submit --rerun l => last
dispatch --wait '' => 2 1 last
status --job '' => extract nightly registered
status --host '' => db1 web1
status --tag '' => db big web
status --sort -dur => -duration
status --sort job,-dur => job,-duration
status --format '{id} {exi' => {id} {exit_code}
status --events --format '{ac' => {actor}
status --why --format '{ba' => {bar}
status --occurrences '' => registered
status --occurrences --outcome m => missed
status --since y => yesterday
status -o j => json
status -oj => -ojson
status -qo j => json
status --output j => json
monitor -o '' => table wide json schema
monitor do => doctor
monitor check --test '' => ops
hosts dr => drain
hosts drain '' => db1 web1
hosts drain db1 '' =>
schedule pa => pause
schedule next --timezone Europe/Berl => Europe/Berlin
schedule pause '' => registered
schedule pause registered '' => registered
schedule explain registered to => today tomorrow
schedule --sort next => next_at
schedule tick --format '{sub' => {submitter}
hosts --sort name,tra => name,transport
submit --job '' => registered
submit --after 1:f => 1:failed 1:finished
submit --after 1:failed, => 1:failed,2 1:failed,1
submit --rerun '' => 2 1 last
submit --rerun 1 '' => 2 1
cancel --signal US => USR1 USR2
submit --job registered sc => scene=
submit --job registered scene=x '' => quality= scene=
submit job.yaml --param '' => quality= scene=
submit --param=q job.yaml --param=q => --param=quality=
submit --param '' =>
submit --job registered quality= =>
submit --job nosuch '' =>
init '' => web7 db7
init web7 d => db7
nosuch '' =>
EOF
    [ "$(rota complete -- submit --job registered q)" = $'quality=\thigh' ]
    run -0 rota complete -- status ''
    [ "${lines[0]}" = $'2\textract queued' ]
    [ "${lines[1]}" = $'1\tnightly cancelled' ]
    [ "$(rota complete -- submit '')" = $'\tfiles' ]
    [ "$(rota complete -- submit --each '')" = $'\tfiles' ]
    [ "$(rota complete -- monitor board --output '')" = $'\tdirectories' ]
    [ "$(rota complete -- submit --top -- ls '')" = $'\tcommand 3' ]
}

@test "an option that does not go with one that was given is not offered" {
    [[ " $(values status --) " == *" --tag "* ]]
    [[ " $(values status --events --) " != *" --tag "* ]]
    [[ " $(values status --tree --) " != *" --sort "* ]]
}

# ---- the options that -h names, command by command ----

@test "the options that are offered are those that -h names, and the command takes them" {
    list_commands >"$HOME/commands"
    [ "$(wc -l <"$HOME/commands")" -ge 20 ]
    while read -r command; do
        read -ra words <<<"$command"
        rota complete -- "${words[@]}" - >"$HOME/offered"
        # rota(7) gives these to what -h writes as a letter, and -h to all
        cut -f1 "$HOME/offered" |
            grep -vxE -e '--|-h|--(help|quiet|verbose|follow|number)' |
            if options_of "$command" | grep -qx -e -n; then grep -vx -e --dry-run; else cat; fi |
            if options_of "$command" | grep -qx -e -o; then grep -vx -e --output; else cat; fi |
            sort -u >"$HOME/got"
        options_of "$command" | diff - "$HOME/got" || { echo "rota $command"; return 1; }
        while IFS=$'\t' read -r option what; do
            [ "$option" != -- ] || continue
            value=()
            if [[ $what =~ ^[A-Z] && $option != --help ]]; then
                value=(1)
            fi
            run rota "${words[@]}" "$option" "${value[@]}" -h
            [ "$status" -eq 0 ] || { echo "rota $command $option: $output"; return 1; }
        done <"$HOME/offered"
    done <"$HOME/commands"
}

@test "every word that is offered for a value is one that the command takes" {
    populate
    # OPTION and what goes with it
    while read -r command option; do
        for value in $(values "$command" "$option" ''); do
            # shellcheck disable=SC2086
            run rota "$command" $option "$value" 1
            [ "$status" -ne 64 ] || { echo "$command $option $value: $output"; return 1; }
        done
    done <<'EOF'
status --state
status -o
status --sort
status --since
cancel --signal
EOF
    [ "$(values cancel --signal '' | wc -w)" -ge 10 ]
    # the fields are those that the machine forms have
    for command in status hosts schedule; do
        run -0 rota "$command" -o tsv
        [ "$(values "$command" --sort '')" = "${lines[0]//$'\t'/ }" ]
        [ "$(values "$command" --format '' | tr -d '{}')" = "${lines[0]//$'\t'/ }" ]
    done
}

@test "without a catalogue or with a bad one nothing is said, made or written" {
    for words in status 'status --job' 'status --host' cancel 'submit --job'; do
        # shellcheck disable=SC2086 # two words
        run -0 --separate-stderr rota complete -- $words ''
        [ -z "$stderr" ]
        [[ $output != *[0-9]* ]]
    done
    run -0 find "$HOME" -mindepth 1
    [ -z "$output" ]
    echo 'this is no catalogue' >"$ROTA_CATALOGUE"
    run -0 --separate-stderr rota complete -- status ''
    [ -z "$stderr" ]
    [ "$output" = $'last\t' ]
    config <<<'[wroker a]'
    run -0 --separate-stderr rota complete -- status --host ''
    [ -z "$stderr$output" ]
}

@test "asking does not write the catalogue" {
    populate
    written() { cat "$ROTA_CATALOGUE" "$ROTA_CATALOGUE-wal" 2>/dev/null | sha256sum; }
    before=$(written)
    values status '' >/dev/null
    values schedule pause '' >/dev/null
    [ "$(written)" = "$before" ]
}

@test "a name that a shell would run is not put on a line" {
    populate
    sqlite3 "$ROTA_CATALOGUE" "UPDATE run SET job = '\$(touch pwned)' WHERE id = 1;
        UPDATE run SET job = 'a' || char(27) || '[31m' || char(10) || 'b' WHERE id = 2"
    [ "$(values status --job '')" = registered ]
    run -0 rota complete -- status ''
    [ "${lines[0]}" = $'2\ta\\x1b[31m\\x0ab queued' ]
    [ "${#lines[@]}" -eq 3 ]
}

# ---- the shells ----

# The lines that each shell is to complete, one for each command, and the options wanted there.
list_lines()
{
    local command
    list_commands | while read -r command; do
        printf '%s %s\n' "rota $command -" "$(options_of "$command" | paste -sd' ')"
    done
}

@test "bash offers every option of every -h" {
    list_lines >"$HOME/lines"
    cat >"$HOME/ask" <<'EOF'
. "$ROTA_TOP/completions/rota.bash"
while read -r line; do
    read -ra COMP_WORDS <<<"${line%% - *} -"
    wanted=${line#* - }
    COMP_LINE=${COMP_WORDS[*]} COMP_POINT=${#COMP_LINE} COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _rota rota - "${COMP_WORDS[-2]}"
    for option in $wanted; do
        printf '%s\n' "${COMPREPLY[@]}" | grep -qx -e "$option" || echo "$COMP_LINE lacks $option"
    done
    ((${#COMPREPLY[@]} > 3)) && echo asked
done
EOF
    run -0 bash --norc "$HOME/ask" <"$HOME/lines"
    [[ $output != *lacks* ]] || { echo "$output"; return 1; }
    [ "$(wc -l <<<"$output")" -eq "$(wc -l <"$HOME/lines")" ]
}

@test "fish offers every option of every -h" {
    list_lines >"$HOME/lines"
    cat >"$HOME/ask" <<'EOF'
source $ROTA_TOP/completions/rota.fish
while read --local line
    set -l half (string split --max 1 ' - ' -- $line)
    set -l offered (complete --do-complete "$half[1] -" | string replace --regex '\t.*' '')
    for option in (string split ' ' -- $half[2])
        contains -- $option $offered; or echo "$half[1] lacks $option"
    end
    test (count $offered) -gt 3; and echo asked
end
EOF
    run -0 fish --no-config "$HOME/ask" <"$HOME/lines"
    [[ $output != *lacks* ]] || { echo "$output"; return 1; }
    [ "$(wc -l <<<"$output")" -eq "$(wc -l <"$HOME/lines")" ]
}

# Types standard input at a shell; says what was shown when it is not what must be.
type_at()
{
    run "$ROTA_TOP/tests/typist.py" "$@"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
}

# What makes an interactive zsh ready, and a function that shows the words it was given.
zsh_begins()
{
    cat <<'EOF'
see ready>
type bindkey -e; fpath=($ROTA_TOP/completions $fpath); autoload -Uz compinit; compinit -u -D\r
see ready>
type words() { printf '<%s>' "$@"; echo; }; words loa'd'ed\r
see <loaded>
then ready>
EOF
}

@test "zsh offers every option of every -h" {
    {
        zsh_begins
        list_lines | while read -r line; do
            printf 'type %s\\x04\n' "${line%% - *} -"
            for option in ${line#* - }; do
                echo "word $option"
            done
            printf 'type \\x15words clean\\r\nsee <clean>\nthen ready>\n'
        done
        printf 'type exit 0\\r\n'
    } >"$HOME/typed"
    [ "$(grep -c '^word --state$' "$HOME/typed")" -ge 2 ]
    type_at zsh -f -i <"$HOME/typed"
}

# Typed at every shell that has a line editor with Ctrl-A; \t\t lists in bash, Ctrl-D in zsh.
type_words()
{
    cat <<'EOF'
type rota status --sta\t\x01words \r
see <rota><status><--state>
then ready>
type rota status --state=fai\t\x01words \r
see <rota><status><--state=failed>
then ready>
type rota status --state open,can\t\x01words \r
see <rota><status><--state><open,cancelled>
then ready>
type rota status --format '{id} {exi\t\x01words \r
see <rota><status><--format><{id} {exit_code}>
then ready>
type rota status --job ext\t\x01words \r
see <rota><status><--job><extract>
then ready>
type rota hosts drain we\t\x01words \r
see <rota><hosts><drain><web1>
then ready>
type rota status --sort -dur\t\x01words \r
see <rota><status><--sort><-duration>
then ready>
type rota submit --after 1:fai\t\x01words \r
see <rota><submit><--after><1:failed>
then ready>
type rota submit ./job.y\t\x01words \r
see <rota><submit><./job.yaml>
then ready>
type rota submit ./job.yaml --param sc\tpark\x01words \r
see <rota><submit><./job.yaml><--param><scene=park>
then ready>
type rota submit --each=./job.y\t\x01words \r
see <rota><submit><--each=./job.yaml>
then ready>
type rota submit -- ls ./job.y\t\x01words \r
see <rota><submit><--><ls><./job.yaml>
then ready>
EOF
}

@test "bash completes what is typed, and lists runs with what they are" {
    populate
    cd "$HOME"
    {
        cat <<'EOF'
see ready>
type . "$ROTA_TOP/completions/rota.bash"; words() { printf '<%s>' "$@"; echo; }; words loa'd'ed\r
see <loaded>
then ready>
EOF
        type_words
        cat <<'EOF'
type rota status \t\t
see 2  (extract queued)
see 1  (nightly cancelled)
type \x15words clean\r
see <clean>
then ready>
type rota status --state \t\t
see blocked
see lost
type \x15words clean\r
see <clean>
then ready>
type exit 0\r
EOF
    } >"$HOME/typed"
    type_at bash --norc --noprofile -i <"$HOME/typed"
}

@test "zsh completes what is typed, and lists runs with what they are" {
    populate
    cd "$HOME"
    {
        zsh_begins
        type_words
        cat <<'EOF'
type rota status \x04
see extract queued
see nightly cancelled
type \x15words clean\r
see <clean>
then ready>
type rota status --state \x04
see blocked
see lost
type \x15words clean\r
see <clean>
then ready>
type exit 0\r
EOF
    } >"$HOME/typed"
    type_at zsh -f -i <"$HOME/typed"
}

@test "fish completes what is typed, and lists runs with what they are" {
    populate
    cd "$HOME"
    cat >"$HOME/asked" <<'EOF'
rota status --sta=>--state	STATE[,STATE ...]
rota status --state=fai=>--state=failed
rota status --state open,can=>open,cancelled
rota status --format '{id} {exi=>{id} {exit_code}
rota status 2=>2	extract queued
rota status --job ext=>extract
rota hosts drain we=>web1	web
rota status --sort -dur=>-duration
rota submit ./job.yaml --param sc=>scene=	forest
rota submit ./job.y=>./job.yaml
rota submit --each=./job.y=>--each=./job.yaml
rota submit -- ls ./job.y=>./job.yaml
EOF
    cat >"$HOME/ask" <<'EOF'
source $ROTA_TOP/completions/rota.fish
while read --local line
    set -l half (string match --regex --groups-only '^(.*)=>(.*)$' -- $line)
    set -l got (complete --do-complete "$half[1]")
    test "$got" = "$half[2]"; and echo right; or echo "wrong: $half[1]: $got"
end
EOF
    run -0 fish --no-config "$HOME/ask" <"$HOME/asked"
    [[ $output != *wrong* ]] || { echo "$output"; return 1; }
    [ "$(grep -cx right <<<"$output")" -eq "$(wc -l <"$HOME/asked")" ]
}
