#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell
# shellcheck disable=SC2016 # for the job's shell
# Files of a job: given to it by the head before it begins, and taken from it after its end.

load lib
load dispatcher

SIZES='0 1 31 32768 65535 65536 65537 1048577'

setup()
{
    rota_setup
    mkdir src w
    for size in $SIZES; do
        head -c "$size" /dev/urandom >"src/$size"
    done
}

# Prints a job: job NAME SHELL, with lines below `files:` on standard input.
job()
{
    printf 'name: %s\nworkdir: %s/w\nshell: |\n' "$1" "$PWD"
    printf "  %s\n" "${2//$'\n'/$'\n'  }"
    printf 'files:\n'
    sed 's/^/  /'
}

# The run of the job on standard input ends so, in state and reason; nothing of it is left on the way.
ends()
{
    cat >job.yaml
    id=$(rota submit job.yaml)
    run -0 timeout 50 rota dispatch
    is_so "$id" "$1"
    nothing_left
}

nothing_left()
{
    run find "$(worker_spool)" -path '*/staging/*' # the directory may not be there
    [ "$output" = '' ]
    run -0 find w -name '.rota-*'
    [ "$output" = '' ]
}

# Something of a file has come to a worker.
is_coming()
{
    [ -n "$(find "$(worker_spool)/$1/staging" -name 'p.*' -size +1k 2>/dev/null)" ]
}

# What the head has of the last run: a file beside its output.
given()
{
    printf '%s/output/0/%s.1.files/%s\n' "$HOME" "$id" "$1"
}

@test "files of all sizes arrive as they were, with their modes" {
    {
        echo 'put:'
        for size in $SIZES; do
            echo "- {from: src/$size, to: $size}"
        done
        echo "- {from: src/1, to: $PWD/w/open, mode: \"0755\"}"
    } | job put 'stat -c "%n %a" 0 open; cat 65537 | wc -c' | ends 'succeeded*'
    for size in $SIZES; do
        cmp "src/$size" "w/$size"
    done
    id=$(rota status -o id last)
    run -0 rota logs "$id"
    [ "$output" = $'0 600\nopen 755\n65537' ]
}

@test "files of all sizes come back, beside the output and to their places" {
    {
        echo 'get:'
        for size in $SIZES; do
            echo "- {from: $PWD/src/$size}"
        done
        echo '- {from: report, to: reports/%job/%run.%attempt.%host.%index.csv}'
        echo '- {from: in/second, to: reports/}'
        echo '- {from: absent, to: absent, optional: true}'
    } >gets
    job get 'mkdir in; echo 1 >report; echo 2 >in/second' <gets >job.yaml
    id=$(rota submit job.yaml)
    rota dispatch
    is_state "$id" succeeded
    for size in $SIZES; do
        cmp "src/$size" "$(given "$size")"
    done
    [ "$(cat "$HOME/files/reports/get/$id.1.local.0.csv")" = 1 ]
    [ "$(cat "$HOME/files/reports/second")" = 2 ]
    [ ! -e "$HOME/files/absent" ]
    nothing_left
    run -0 rota catalogue check
    # the next one takes its place
    sed -i 's/echo 2/echo 3/; s/mkdir in;//' job.yaml
    rota submit job.yaml
    rota dispatch
    [ "$(cat "$HOME/files/reports/second")" = 3 ]
    [ "$(find "$HOME/files" -type f | wc -l)" -eq 3 ]
}

@test "what is kept beside the output goes with it, what is in its place stays" {
    job old 'echo 1 >one; echo 2 >two' <<<'get: [{from: one}, {from: two, to: two}]' | ends 'succeeded*'
    id=$(rota status -o id last)
    [ -e "$(given one)" ]
    [ ! -e "$(given two)" ]
    run -0 rota catalogue prune --older-than 0s
    [ ! -e "$(dirname "$(given one)")" ]
    [ "$(cat "$HOME/files/two")" = 2 ]
    run -0 rota catalogue check
}

@test "large files need little memory, and others do not wait for them" {
    truncate -s 40M src/large
    config <<<$'[worker one]\ntransport = local\nslots = 4'
    hold=$(rota submit -- sh -c "until [ -e $PWD/stop ]; do sleep 0.05; done")
    job large 'cmp large ../src/large && cp large copy; touch ../there; until [ -e ../go ]; do sleep 0.05; done' \
        >job.yaml <<<'put: [{from: src/large, to: large}]
get: [{from: copy}]'
    id=$(rota submit job.yaml)
    dispatcher_starts
    eventually is_coming one
    other=$(rota submit -- true)
    eventually is_state "$other" succeeded
    eventually [ -e there ]
    front=$(pgrep -P "$dispatcher" rota-worker)
    touch go
    eventually [ -s "$(given copy)" ]
    again=$(rota submit -- true)
    eventually is_state "$again" succeeded
    eventually_within 30 is_state "$id" succeeded
    is_state "$hold" running
    for pid in "$dispatcher" "$front"; do
        grep VmHWM "/proc/$pid/status"
        is_sanitized || [ "$(awk '/VmHWM/ { print $2 }' "/proc/$pid/status")" -lt 25000 ]
    done
    touch stop
    dispatcher_ends
    cmp src/large "$(given copy)"
}

@test "what cannot be read at the head: the run never begins, and says why" {
    mkdir src/dir
    chmod 000 src/1
    while IFS='|' read -r from why; do
        job never "touch $PWD/began" <<<"put: [{from: src/65536, to: first}, {from: $from, to: x}]" |
            ends "failed files.put: $why"
    done <<'CASES'
src/none|cannot read */src/none: No such file or directory
src/dir|*/src/dir is no file
/proc/self/status|/proc/self/status changed while it was read
CASES
    truncate -s 1073741825 src/huge
    job never "touch $PWD/began" <<<'put: [{from: src/huge, to: x}]' |
        ends "failed files.put: */src/huge is over 1024 MiB"
    [ ! -e began ]
    [ -z "$(ls w)" ]
}

@test "a source that stops, as on a server that is away: said so, given up, and others go on" {
    export ROTA_TEST_PING_MS=1000 # 4 s of silence
    truncate -s 200M src/large
    job stops "touch $PWD/began" >job.yaml <<<'put: [{from: src/large, to: large}]'
    id=$(rota submit job.yaml)
    dispatcher_starts
    eventually is_coming local
    kill -STOP "$(pgrep -f -- "--send-files $PWD/src/large")"
    eventually is_so "$id" 'starting sending its files to local'
    other=$(rota submit -- true)
    eventually is_state "$other" succeeded
    is_state "$id" starting
    dispatcher_ends
    is_so "$id" "failed files.put: nothing came of $PWD/src/large for 4 s"
    [ ! -e began ]
    eventually nothing_left
    run -1 pgrep -f -- "--send-files $PWD/src/large"
}

@test "what cannot be written on the worker: the run never begins, and says why" {
    mkdir w/dir
    while IFS='|' read -r to why; do
        job never "touch $PWD/began" <<<"put: [{from: src/1, to: first}, {from: src/65536, to: $to}]" |
            ends "failed files.put: $to: $why"
        [ ! -e w/first ] || [ "$to" = dir ] # none is put unless all are there
    done <<'CASES'
none/x|No such file or directory
/proc/x|*
dir|Is a directory
CASES
    job never "touch $PWD/began" <<<'put: [{from: src/1, to: x}]' | sed 's|/w$|/none|' |
        ends 'failed cannot enter */none: No such file or directory'
    [ ! -e began ]
    run -0 rota status --format '{started_at}' "$(rota status -o id last)"
    [ "$output" = '' ]
}

@test "links in the place of a target are replaced, never written through" {
    echo mine >victim
    ln -s ../victim w/target
    job links 'cat target' <<<'put: [{from: src/1, to: target}]' | ends 'succeeded*'
    [ "$(cat victim)" = mine ]
    [ ! -L w/target ]
    cmp src/1 w/target
}

@test "a file that is not there makes a failure of a success, with the reason" {
    job missing 'echo 1 >one; ln -s one link; mkfifo fifo; mkdir dir' \
        <<<'get: [{from: one, to: one}, {from: none}]' |
        ends 'failed files.get: none: No such file or directory'
    [ ! -e "$HOME/files/one" ]
    id=$(rota status -o id last)
    [ "$(cat "$(given one)")" = 1 ]
    run -0 rota status --format '{exit_code}' "$id"
    [ "$output" = 0 ]
    for name in link fifo dir; do
        job wrong true <<<"get: [{from: $name, optional: true}]" | ends "failed files.get: $name*"
    done
    # one that is too large is not copied first, which fills the worker's disk
    job large 'truncate -s 1025M large' <<<'get: [{from: large}]' |
        ends 'failed files.get: large is over 1024 MiB'
    # another failure is told in its own words, and a file that is there is kept
    job other 'echo 2 >one; exit 3' <<<'get: [{from: one, to: one}, {from: none}]' |
        ends 'failed exit code 3'
    id=$(rota status -o id last)
    [ "$(cat "$(given one)")" = 2 ]
    [ ! -e "$HOME/files/one" ]
    # a signal leaves nothing to be got
    job killed 'echo 3 >one; kill -9 $$' <<<'get: [{from: one}]' | ends 'failed killed by SIGKILL'
}

@test "a place that leads through a link is refused, and the file is kept beside the output" {
    mkdir elsewhere "$HOME/files"
    ln -s "$PWD/elsewhere" "$HOME/files/link"
    job through 'echo 1 >one' <<<'get: [{from: one, to: link/one}]' |
        ends "failed files.get: cannot put 'one' to files/link/one beside the catalogue: *"
    [ -z "$(ls elsewhere)" ]
    id=$(rota status -o id last)
    [ "$(cat "$(given one)")" = 1 ]
    # a link as the last part is replaced
    ln -s "$PWD/src/1" "$HOME/files/last"
    job replaced 'echo 1 >one' <<<'get: [{from: one, to: last}]' | ends 'succeeded*'
    [ "$(cat "$HOME/files/last")" = 1 ]
    [ "$(stat -c %s src/1)" -eq 1 ]
}

@test "an attempt that failed for its files is tried again" {
    {
        job again 'cat target' <<<'put: [{from: src/late, to: target}]'
        echo 'retry: {attempts: 2, delay: 2s}'
    } >job.yaml
    id=$(rota submit job.yaml)
    dispatcher_starts
    eventually is_so "$id" 'queued attempt 1 of 2: files.put: *'
    echo late >src/late
    dispatcher_ends
    is_state "$id" succeeded
    run -0 rota logs "$id"
    [ "$output" = late ]
}

@test "a run of another account reads and writes what that may" {
    [ "$(id -u)" -eq 0 ]
    mkdir -p open closed
    chmod 777 open
    chmod 700 closed
    chmod 711 . "$BATS_TEST_TMPDIR/.." 2>/dev/null || :
    dir=$(mktemp -d /tmp/rota-files.XXXXXX)
    chmod 777 "$dir"
    echo secret >"$dir/closed"
    chmod 600 "$dir/closed"
    {
        job nobody 'stat -c "%U %a" target; id -un >me' \
            <<<"{put: [{from: src/65536, to: target}], get: [{from: me, to: me}]}" |
            sed "s|^workdir: .*|workdir: $dir|"
        echo 'user: nobody'
    } | ends 'succeeded*'
    id=$(rota status -o id last)
    [ "$(rota logs "$id")" = 'nobody 600' ]
    [ "$(cat "$HOME/files/me")" = nobody ]
    {
        job closed true <<<"{get: [{from: $dir/closed}]}" | sed "s|^workdir: .*|workdir: $dir|"
        echo 'user: nobody'
    } | ends "failed files.get: *closed: Permission denied"
    {
        job closed true <<<"{put: [{from: src/1, to: /etc/rota-files-test}]}" |
            sed "s|^workdir: .*|workdir: $dir|"
        echo 'user: nobody'
    } | ends "failed files.put: /etc/rota-files-test: Permission denied"
    rm -rf "$dir"
}

@test "a cancel ends a run whose files are on their way" {
    truncate -s 100M src/large
    job cancelled "touch $PWD/began" >job.yaml <<<'put: [{from: src/large, to: large}]'
    id=$(rota submit job.yaml)
    dispatcher_starts
    eventually is_coming local
    rota cancel "$id"
    dispatcher_ends
    is_so "$id" 'cancelled cancelled before it started'
    [ ! -e began ]
    eventually nothing_left
    [ ! -e w/large ]
}

@test "what a job file may not say of files" {
    while IFS='|' read -r files why; do
        job wrong true <<<"$files" >job.yaml
        run rota submit job.yaml
        [ "$status" -eq 65 ]
        [[ $output == *"job.yaml:"*": $why"* ]]
    done <<'CASES'
put: [{from: /a}]|'to' is missing
put: [{to: /a}]|'from' is missing
put: [{from: /a, to: b/}]|'to' names a file, without . and ..
put: [{from: /a, to: ../b}]|'to' names a file, without . and ..
put: [{from: /a, to: b, mode: rw}]|'mode' is to be permissions in octal, as "0644", not 'rw'
put: [{from: /a, to: b, mode: "4755"}]|'mode' is to be permissions in octal
put: [{from: /a, to: b}, {from: /c, to: b}]|two files would be called 'b'
put: /a|'put' is to be a list of maps with from and to, not '/a'
get: [{from: ../x}]|'from' names a file, without . and ..
get: [{from: a, to: /etc/passwd}]|'to' is a path below files/ beside the catalogue
get: [{from: a, to: x/../y}]|'to' is a path below files/ beside the catalogue
get: [{from: a, to: "%date"}]|'to': after % comes one of run, attempt, job, host and index
get: [{from: a/x}, {from: b/x}]|two files would be called 'x'
get: [{from: x, to: d}, {from: y, to: d}]|two files would be kept as files/d
get: [{from: a, mode: "0644"}]|unknown key 'mode'
CASES
    run -65 rota submit - <<<'{name: x, shell: "true", files: {put: [{from: a, to: b}]}}'
    [[ $output == *"'from' is to be a path from /: there is no job file beside which 'a' could be"* ]]
    run -65 rota submit - <<<'{name: x, shell: "true", slurm: {}, files: {get: [{from: a}]}}'
    [[ $output == *"'slurm' and 'files' exclude each other"* ]]
    run -65 rota submit - <<<'{name: x, container: {image: i}, files: {get: [{from: a}]}}'
    [[ $output == *"with 'container' a path on the host begins with /, unlike 'a'"* ]]
    {
        printf '{name: x, shell: "true", files: {get: ['
        printf '{from: "f%s"},' {1..65}
        printf ']}}\n'
    } >many.yaml
    run -65 rota submit many.yaml
    [[ $output == *"'get' has over 64 files: put them into an archive"* ]]
}
