#!/usr/bin/env bats
# rota schedule add: which jobs the catalogue takes, and what it says of the others.

load lib
load schedule

@test "the same file twice changes nothing; a changed one is changed" {
    job nightly '{cron: "30 4 * * *", timezone: Europe/Berlin}'
    run -0 rota schedule add nightly.yaml
    [ "$output" = 'added nightly' ]
    run -0 rota schedule add nightly.yaml
    [ -z "$output" ]
    job nightly '{cron: "30 3 * * *", timezone: Europe/Berlin}'
    run -0 rota schedule add -n nightly.yaml
    [[ ${lines[0]} = 'changed nightly' ]]
    [[ $output == *'- "schedule"'*'30 4'*'+ "schedule"'*'30 3'* ]]
    run -0 rota schedule add nightly.yaml
    [ "$output" = 'changed nightly' ]
    run -0 rota schedule -o json nightly
    [ "$(json '[.job, .state, .schedule, .timezone] | join(" ")')" = 'nightly active 30 3 * * * Europe/Berlin' ]
}

@test "a directory with --prune is what the catalogue has" {
    mkdir jobs
    (cd jobs && job one '{every: 1h}' && job two '{every: 1h}')
    run -0 rota schedule add jobs
    [ "$output" = $'added one\nadded two' ]
    rm jobs/two.yaml
    (cd jobs && job three '{every: 1h}')
    run -0 rota schedule add --prune -n jobs
    [[ $output == *'removed two'* ]]
    run -0 rota schedule add --prune jobs
    [ "$output" = $'added three\nremoved two' ]
    run -0 rota schedule -o id
    [ "$output" = $'one\nthree' ]
}

@test "--dry-run without a catalogue makes none" {
    job one '{every: 1h}'
    run -0 rota schedule add -n one.yaml
    [ "${lines[0]}" = 'added one' ]
    [ ! -e "$ROTA_CATALOGUE" ]
}

@test "what is wrong is said at add, all of it, and nothing is added" {
    job never '{cron: "0 0 30 2 *"}'
    job past '{at: 2001-01-01 10:00}'
    job fine '{every: 1h}'
    run -65 rota schedule add never.yaml past.yaml fine.yaml
    [[ $output == *'never.yaml'*'never due'* ]]
    [[ $output == *'past.yaml'*'is past'* ]]
    run rota schedule
    [ "$status" -ne 0 ]
    job bad '{cron: "60 * * * *"}'
    run -65 rota schedule add bad.yaml
    [[ $output == *'bad.yaml:2:'*'60'* ]]
    job bad '{cron: "0 0 * * *", timezone: Mars/Olympus}'
    run -65 rota schedule add bad.yaml
    [[ $output == *'time zone'* ]]
    job twice '{every: 1h}'
    run -65 rota schedule add twice.yaml twice.yaml
    [[ $output == *"'twice'"* ]]
}

@test "an unchanged job whose at has passed is no error" {
    job once '{at: 2030-01-01 10:00}'
    rota schedule add once.yaml
    sqlite3 "$ROTA_CATALOGUE" "UPDATE job SET timetable = replace(timetable, '2030', '2020'),
        next_at = NULL, spec = spec WHERE name = 'once'"
    sed -i s/2030/2020/ once.yaml
    sqlite3 "$ROTA_CATALOGUE" "UPDATE spec SET text = replace(text, '2030', '2020')"
    run -0 rota schedule add once.yaml
}

@test "a schedule that is never due as a whole is refused, and why is said" {
    job over '{every: 1h, until: 2020-01-01}'
    job narrow '{cron: "0 0 1 1 *", from: 2090-02-01, until: 2090-03-01}'
    job early '{at: 2090-12-01, from: 2091-01-01}'
    job late '{at: 2090-12-01, until: 2090-12-01}'
    run -65 rota schedule add over.yaml narrow.yaml early.yaml late.yaml
    [[ $output == *over.yaml*"'until' (2020-01-01 00:00:00) is past"* ]]
    [[ $output == *narrow.yaml*"nothing falls before 'until' (2090-03-01"* ]]
    [[ $output == *early.yaml*"'at 2090-12-01' is before 'from' (2091-01-01"* ]]
    [[ $output == *late.yaml*"'at 2090-12-01' is not before 'until'"* ]]
    run -65 rota schedule add -n over.yaml
    job narrow '{cron: "0 0 1 1 *", from: 2090-01-01, until: 2090-03-01}'
    run -0 rota schedule add narrow.yaml
}

@test "a schedule each of whose instants is on a day of except is refused" {
    job once '{at: 2090-12-25 10:00, except: [2090-12-24..2090-12-26]}'
    job yearly '{cron: "0 0 25 12 *", until: 2092-01-01, except: [2020-01-01..2091-12-31]}'
    job each '{every: 1s, from: 2090-01-01, until: 2091-01-01, except: [2090-07-01..2090-12-31, 2090-01-01..2090-06-30]}'
    job local '{every: 1h, timezone: America/New_York, from: 2090-01-01, until: 2090-01-02, except: [2090-01-01]}'
    run -65 timeout 20 rota schedule add once.yaml yearly.yaml each.yaml local.yaml
    for name in once yearly each local; do
        [[ $output == *$name.yaml*"each instant to come is on a day of 'except': it is never due"* ]]
    done
    job each '{every: 1s, from: 2090-01-01, until: 2091-01-01, except: [2090-07-01..2090-12-31, 2090-01-01..2090-06-29]}'
    job once '{at: [2090-12-25 10:00, 2090-12-27], except: [2090-12-24..2090-12-26]}'
    run -0 rota schedule add each.yaml once.yaml
}

@test "a list of at grows at its end, when its first has passed" {
    job once '{at: [2030-01-01 10:00, 2090-01-01]}'
    rota schedule add once.yaml
    sqlite3 "$ROTA_CATALOGUE" "UPDATE job SET timetable = replace(timetable, '2030', '2020')"
    job once '{at: [2020-01-01 10:00, 2090-01-01, 2091-01-01]}'
    run -0 rota schedule add once.yaml
    job once '{at: [2020-01-01 10:00, 2020-01-01 11:00, 2091-01-01]}'
    run -65 rota schedule add once.yaml
    [[ $output == *"'at 2020-01-01 11:00' is past"* ]]
    [[ $output != *"10:00' is past"* ]]
    job once '{at: 2020-01-01 10:00}'
    run -65 rota schedule add once.yaml
    [[ $output == *"each 'at' is past"* ]]
}

@test "from and until are compared in the job's zone, not this machine's" {
    # 22:00 in New York is 03:00Z of the next day
    job fine '{every: 1h, timezone: America/New_York, from: 2090-01-02T02:00Z, until: 2090-01-01 22:00}'
    run -0 rota schedule add fine.yaml
    job mixed '{every: 1h, timezone: America/New_York, from: 2090-01-02T04:00Z, until: 2090-01-01 22:00}'
    run -65 rota schedule add mixed.yaml
    [[ $output == *"'until' is not after 'from'"* ]]
    # a gap of the machine's zone
    job gap '{every: 10m, timezone: UTC, from: 2090-03-26 02:30, until: 2090-03-26 03:00}'
    TZ=Europe/Berlin run -0 rota schedule add gap.yaml
    job same '{every: 1h, from: 2090-01-01, until: 2090-01-01 00:00}'
    run -65 rota schedule add same.yaml
    [[ $output == *"same.yaml:2:"*"'until' is not after 'from'"* ]]
}

@test "a jitter that reaches the deadline is refused" {
    job slack '{every: 1h, jitter: 10m, deadline: 10m}'
    run -65 rota schedule add slack.yaml
    [[ $output == *slack.yaml:2:*"'jitter' (10m00s) must be shorter than 'deadline' (10m00s)"*'longer deadline'* ]]
    job slack '{every: 1h, jitter: 10m, deadline: 11m}'
    run -0 rota schedule add slack.yaml
}

@test "surprises are warned of: gaps, starred steps, many at one minute" {
    job gap '{cron: "30 2 * * *", timezone: Europe/Berlin}'
    run -0 rota schedule add gap.yaml
    [[ $output == *'skips that time'* ]]
    [[ $output == *'shows that time twice'* ]]
    job star '{cron: "0 0 */2 * MON"}'
    run -0 rota schedule add star.yaml
    [[ $output == *'both day fields must match'* ]]
    for n in {1..20}; do
        printf 'name: many%d\nschedule: {cron: "0 3 * * *"}\nshell: "true"\n---\n' "$n"
    done | sed '$d' >many.yaml
    run -0 rota schedule add many.yaml
    [[ $output == *'20 of these jobs are due at'*'spread them with H'* ]]
}

@test "--prune gives what is due its outcome first, and an empty directory removes nothing" {
    job old '{every: 1h, catch_up: all, overlap: allow}'
    job new '{every: 1h}'
    rota schedule add old.yaml
    make_due old 7200000
    rota schedule add --prune new.yaml
    [ "$(occurrences old)" = 'ran 2' ]
    mkdir nothing
    run -65 rota schedule add --prune nothing
    [[ $output == *'no job file'* ]]
    run -0 rota schedule -o id
    [ "$output" = new ]
}

@test "a schedule of many rules is told in full, in every form" {
    {
        printf 'name: many\nshell: "true"\nschedule:\n  cron:\n'
        seq -f '    - "%g 3 * * mon-fri"' 0 59
    } >many.yaml
    rota schedule add -q many.yaml
    want=$(seq -f '%g 3 * * mon-fri' 0 59 | paste -sd'|' | sed 's/|/; /g')
    [ "$(rota schedule --format '{schedule}')" = "$want" ]
    [ "$(rota schedule --sort job -o json | jq -r .schedule)" = "$want" ]
    [[ $(rota schedule) == *"$want"* ]]
}

@test "the zone of a machine whose /etc/localtime is a copy is in /etc/timezone" {
    unshare -rm mount -t tmpfs none /etc 2>/dev/null || skip 'no mounts of its own here'
    job z '{every: 1h}'
    for want in Asia/Tokyo:Asia/Tokyo Mars/Olympus:UTC; do
        # shellcheck disable=SC2016 # for the inner shell
        run -0 env -u TZ unshare -rm sh -c 'mount -t tmpfs none /etc && echo root:x:0:0::/:/bin/sh >/etc/passwd &&
            cp /usr/share/zoneinfo/Asia/Tokyo /etc/localtime && echo "$1" >/etc/timezone &&
            rota schedule add z.yaml >/dev/null && rota schedule -o json' sh "${want%:*}"
        [ "$(json .timezone)" = "${want#*:}" ]
    done
}
