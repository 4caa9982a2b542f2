#!/usr/bin/env bats
# rota monitor board, seen by a real browser.

load lib

browse()
{
    /usr/bin/python3 "$ROTA_TOP/tests/board_browser.py" "$@"
}

board()
{
    rota monitor board --output "$HOME/board"
}

sql()
{
    sqlite3 "$ROTA_CATALOGUE" "$@"
}

# Three runs of this machine: 1 and 3 succeed, 2 fails. It stands between them on the timeline.
some_runs()
{
    rota submit -- echo first >/dev/null
    rota submit -- sh -c 'echo half done; echo "cannot open the safe" >&2; exit 3' >/dev/null
    rota submit -- echo 'the last word' >/dev/null
    rota dispatch
    # at once, they would be side by side within milliseconds
    sql "UPDATE run SET queued_at = queued_at - (4 - id) * 600000,
        started_at = started_at - (4 - id) * 600000, finished_at = finished_at - (4 - id) * 600000 + 120000"
}

# $1 runs of twenty jobs on three hosts within a week; the generator is SQL's own.
many_runs()
{
    rota submit -- true >/dev/null
    sql "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1),
        now(ms) AS (SELECT cast(strftime('%s') AS INTEGER) * 1000)
        INSERT INTO run (spec, job, state, host, attempt, exit_code, reason, due_at, queued_at,
            started_at, finished_at, utime_us, stime_us, maxrss_kb, out_bytes, err_bytes)
        SELECT 1, 'job-' || (i % 20), iif(i % 50 = 0, 7 + i / 50 % 4, 6), 'host' || (i % 3), 1, i % 50 = 0,
            iif(i % 50 = 0, 'reason number ' || i, NULL), ms - 60480 * ($1 - i) - 5000,
            ms - 60480 * ($1 - i) - 5000, ms - 60480 * ($1 - i) - 4000, ms - 60480 * ($1 - i),
            7000, 2000, 4096, 100000, 0 FROM n, now ORDER BY i"
}

@test "board wants a directory and says so" {
    run -64 rota monitor board
    [[ $output == *'--output DIRECTORY'* ]]
    run -64 rota monitor board --output "$HOME/board" more
    [[ $output == *"'more'"* ]]
}

@test "runs of arrays and on each host are on the board, and taken for nobody else's" {
    rota submit -q - <<<'{name: words, array: [one, two], shell: "true"}'
    rota submit -q - <<<'{name: everywhere, where: {each: true}, shell: "true"}'
    run -0 board
    [ -s "$HOME/board/index.html" ]
}

@test "the page is its owner's alone, unless the directory lets others in" {
    some_runs
    umask 022
    board
    [ "$(stat -c %a "$HOME/board")" = 700 ]
    [ "$(stat -c %a "$HOME/board/output")" = 700 ]
    [ "$(stat -c %a "$HOME/board/index.html")" = 600 ]
    [ "$(stat -c %a "$HOME/board/output/1.out.txt")" = 600 ]
    chmod 750 "$HOME/board"
    board
    [ "$(stat -c %a "$HOME/board")" = 750 ]
    [ "$(stat -c %a "$HOME/board/output")" = 750 ]
    [ "$(stat -c %a "$HOME/board/index.html")" = 640 ]
    [ "$(stat -c %a "$HOME/board/output/1.out.txt")" = 640 ]
    # and a group of its own, down to the last file
    install -d -m 2750 "$HOME/shared"
    umask 077
    rota monitor board --output "$HOME/shared"
    [ "$(stat -c %a "$HOME/shared/output")" = 2750 ]
    [ "$(stat -c %a "$HOME/shared/output/1.out.txt")" = 640 ]
}

@test "what cannot be written is said, and the old page stays" {
    some_runs
    board
    cp "$HOME/board/index.html" before
    rm -r "$HOME/board/output"
    : >"$HOME/board/output"
    run -74 board
    [[ $output == *'rota monitor: cannot use '*'/board/output'* ]]
    cmp before "$HOME/board/index.html"
    : >"$HOME/file"
    run -74 rota monitor board --output "$HOME/file/board"
    [[ $output == *"$HOME/file"* ]]
    # a disk that is full
    run -74 bash -c 'ulimit -f 40; trap "" XFSZ; rota monitor board --output "$HOME/small"'

    [[ $output == *"cannot write $HOME/small/index.html: File too large"* ]]
    [ ! -e "$HOME/small/index.html" ]
    [ ! -e "$HOME/small/.new" ]
}

@test "a page that is not of rota is not overwritten" {
    some_runs
    mkdir "$HOME/board"
    echo '<h1>my own</h1>' >"$HOME/board/index.html"
    run -74 board
    [[ $output == *'index.html was not written by rota: name a directory'* ]]
    [ "$(cat "$HOME/board/index.html")" = '<h1>my own</h1>' ]
    [ ! -e "$HOME/board/output" ]
}

@test "two boards do not write into one directory at a time" {
    some_runs
    board
    exec {lock}<"$HOME/board"
    flock "$lock"
    run -75 board
    [[ $output == *'another'* ]]
}

@test "output is copied beside the page once, and leaves with its run" {
    some_runs
    board
    [ "$(cat "$HOME/board/output/2.err.txt")" = 'cannot open the safe' ]
    [ "$(cat "$HOME/board/output/3.out.txt")" = 'the last word' ]
    inode=$(stat -c %i "$HOME/board/output/3.out.txt")
    echo 'not ours' >"$HOME/board/output/notes.txt"
    sql 'DELETE FROM run WHERE id = 2'
    board
    [ "$(stat -c %i "$HOME/board/output/3.out.txt")" = "$inode" ]
    run -0 ls "$HOME/board/output"
    [ "$output" = $'1.out.txt\n3.out.txt\nnotes.txt' ]
    # written again by a later attempt
    echo 'the very last' >"$HOME/output/0/3.1.out"
    board
    [ "$(cat "$HOME/board/output/3.out.txt")" = 'the very last' ]
}

@test "no symbolic link leads the board's hand" {
    some_runs
    mkdir -p "$HOME/board/output"
    echo secret >"$HOME/secret"
    ln -s "$HOME/secret" "$HOME/board/output/3.out.txt"
    ln -s "$HOME/secret" "$HOME/board/.new"
    ln -sf "$HOME/secret" "$HOME/output/0/1.1.out"
    board
    [ "$(cat "$HOME/secret")" = secret ]
    [ "$(cat "$HOME/board/output/3.out.txt")" = 'the last word' ]
    [ ! -e "$HOME/board/output/1.out.txt" ]
}

@test "a run is found on the timeline, clicked, and its output read" {
    some_runs
    board
    browse click "$HOME/board/index.html" 3 'the last word'
}

@test "each day has its name on the timeline, also where the clock changes" {
    many_runs 100
    board
    # noon of Tuesday: the night to Sunday was an hour shorter, or longer
    made=$(grep -oE '"made":[0-9]+' "$HOME/board/index.html" | cut -d: -f2)
    for change in '2026-03-31 Fri,_Mar_27 Sat,_Mar_28 Sun,_Mar_29 Mon,_Mar_30 Tue,_Mar_31' \
        '2026-10-27 Fri,_Oct_23 Sat,_Oct_24 Sun,_Oct_25 Mon,_Oct_26 Tue,_Oct_27'; do
        read -ra days <<<"$change"
        noon=$(date -ud "${days[0]} 12:00" +%s000)
        days=("${days[@]:1}")
        sed "s/\"made\":$made/\"made\":$noon/" "$HOME/board/index.html" >"$HOME/changed.html"
        TZ=Europe/Berlin browse days "$HOME/changed.html" "${days[@]//_/ }"
    done
}

@test "all of it can be reached by keyboard" {
    some_runs
    board
    browse keyboard "$HOME/board/index.html" 'first'
}

@test "light and dark follow the system or the reader" {
    some_runs
    board
    browse theme "$HOME/board/index.html"
}

@test "a phone needs no scrolling sideways" {
    some_runs
    sql "UPDATE run SET reason = 'averylongwordwithoutanybreak' || hex(zeroblob(90)) WHERE id = 2"
    board
    browse phone "$HOME/board/index.html"
}

@test "names, reasons and output are text, whatever is in them" {
    job='</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>"'"'"'&amp;'
    rota submit -- sh -c 'printf "%s\n" "<!--<script>window.hacked=1</script>" "</pre><img src=x onerror=window.hacked=1>"
        printf "\377\376\342\200\250 end \033[31mred\033[0m"; exit 1' >/dev/null
    rota dispatch
    name="'${job//\'/\'\'}'"
    sql "UPDATE run SET job = $name, reason = $name || char(10) || char(8232) || char(0xfffe);
        INSERT INTO job (name, spec, timetable, added_at)
            SELECT $name, min(id), 'zone UTC' || char(10) || 'every 1h', 1 FROM spec;
        INSERT INTO alert (rule, subject, detail, opened_at) VALUES ($name, $name, $name, 1);
        UPDATE host SET drained = $name"
    sql "SELECT job FROM run" | grep -F onerror
    board
    # the text of the data cannot end its element: the page has its two scripts only
    [ "$(grep -c '</script' "$HOME/board/index.html")" = 2 ]
    browse hostile "$HOME/board/index.html" "$job" '</pre><img src=x onerror=window.hacked=1>'
}

@test "ten thousand runs are less than 3 MB and move smoothly" {
    many_runs 12000
    board
    [ "$(stat -c %s "$HOME/board/index.html")" -lt 3000000 ]
    browse many "$HOME/board/index.html" '10,000 of 12,001 runs'
}

@test "output that needs escaping and reasons without end do not make the page large" {
    many_runs 10000
    mkdir -p "$HOME/output"
    head -c 100000 /dev/zero >zeros
    for id in {9000..10001}; do
        mkdir -p "$HOME/output/$((id / 1000))"
        ln zeros "$HOME/output/$((id / 1000))/$id.1.out"
    done
    sql "UPDATE run SET job = 'job-' || id, reason = 'reason ' || id || hex(zeroblob(200))"
    board
    size=$(stat -c %s "$HOME/board/index.html")
    echo "$size"
    [ "$size" -lt 3000000 ]
    # a reason may be missing then, a name never
    [ "$(grep -cE '^(,"runs":)?\[[0-9]+,-1,' "$HOME/board/index.html")" = 0 ]
    # nor the copies beside it
    [ "$(du -sm "$HOME/board" | cut -f1)" -le 80 ]
}

@test "reasons that need escaping do not either" {
    many_runs 10000
    sql "UPDATE run SET reason = replace(hex(zeroblob(115)), '0', '<') || id"
    board
    [ "$(stat -c %s "$HOME/board/index.html")" -lt 3000000 ]
}

@test "a catalogue without runs makes a page that says so" {
    rota submit -- true >/dev/null
    sql 'DELETE FROM run'
    board
    browse shows "$HOME/board/index.html" h1 'Nothing has run yet' '#jobs' 'No job is registered' \
        '#next' 'No job is due' '#hosts' 'not seen yet'
    rm "$ROTA_CATALOGUE"*
    run -74 board
    [[ $output == *'catalogue'* ]]
}

@test "the board shows what was missed, what is next, who is aside and what is open" {
    some_runs
    printf 'name: hourly\nschedule: {every: 1h}\nshell: "true"\n' | rota schedule add -
    now=$(($(date +%s) * 1000))
    sql "INSERT INTO occurrence (job, due_at, outcome, recorded_at)
        VALUES ('hourly', $now - 3 * 86400000, 3, 1), ('hourly', $now - 60000, 3, 1)"
    sql "INSERT INTO alert (rule, subject, detail, run, opened_at)
        VALUES ('failed', 'sh', 'exit code 3', 2, $now - 7200000)"
    sql "INSERT INTO alert (rule, subject, opened_at, closed_at) VALUES ('late', 'over', 1, 2)"
    rota hosts drain local 'new disk'
    board
    browse shows "$HOME/board/index.html" h1 '1 open alert, 1 missed in the last day' \
        '#troubles' 'hourly was missed at' '#alerts' 'exit code 3' '#alerts' '2 h ago' '#failures' 'cannot open the safe' \
        '[data-job=hourly] canvas' '2 days missed' '#next svg' '24 times' \
        '#hosts' 'drained' '#hosts' 'new disk'
    run -1 grep -F '"subject":"over"' "$HOME/board/index.html"
}

@test "the board says all is well when rota monitor does, and what is wrong else" {
    some_runs
    sql "UPDATE run SET state = 6; DELETE FROM failing"
    rota monitor -q
    board
    browse shows "$HOME/board/index.html" h1 'All is well'
    printf 'name: hourly\nschedule: {every: 1h}\nshell: "true"\n' | rota schedule add -
    sql "UPDATE job SET next_at = 1000; UPDATE holder SET seen_at = 1000"
    run -1 rota monitor -q
    board
    browse shows "$HOME/board/index.html" h1 '2 things to mend' '#troubles' 'nobody has dispatched for' \
        '#troubles' '1 schedule is overdue' '#troubles' '→ rota schedule'
    # an alert has its own list
    sql "INSERT INTO alert (rule, subject, opened_at) VALUES ('late', 'hourly', 1)"
    board
    browse shows "$HOME/board/index.html" h1 '1 open alert' '#alerts' 'hourly'
    run ! grep -o '"troubles":.*has been open' "$HOME/board/index.html"
}

@test "what is due is told to the minute, and not what is to be skipped" {
    for job in daily weekly; do
        printf 'name: %s\nschedule: {cron: "30 2 * * %s", timezone: UTC}\nshell: "true"\n' "$job" \
            "$([ "$job" = daily ] && echo '*' || date -u -d tomorrow +%w)" | rota schedule add - >/dev/null
    done
    board
    made=$(grep -oE '"made":[0-9]+' "$HOME/board/index.html" | cut -d: -f2)
    next()
    {
        grep -oE "\"name\":\"$1\".*" "$HOME/board/index.html" | grep -oE '"next":\[[^]]*' | cut -d[ -f2
    }
    [ "$(date -u -d "@$((made / 1000 + $(next daily)))" +%H:%M)" = 02:30 ]
    TZ=UTC browse shows "$HOME/board/index.html" '#next' '02:30'
    rota schedule skip daily weekly
    board
    [ -z "$(next daily)" ]
    [ -z "$(next weekly)" ]
    grep -oE '"name":"daily".*' "$HOME/board/index.html" | grep -oE '"after":[0-9]+' | cut -d: -f2 >after
    [ $(($(cat after) - made)) -gt 86400000 ]
}

@test "a page that is old says so" {
    some_runs
    board
    made=$(grep -oE '"made":[0-9]+' "$HOME/board/index.html" | cut -d: -f2)
    sed -i "s/\"made\":$made/\"made\":$((made - 7300000))/" "$HOME/board/index.html"
    browse shows "$HOME/board/index.html" '#age' 'made 2 h ago' '#stale' 'This page is 2 h old'
}
