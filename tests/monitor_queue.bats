#!/usr/bin/env bats
# Since when the oldest queued run waits: health, metrics, board and alert tell the same.

load lib
load schedule

HOUR=3600000

sql()
{
    sqlite3 -cmd '.timeout 5000' "$ROTA_CATALOGUE" "$1"
}

# All that was submitted and asked for so far was so many ms earlier.
age()
{
    sql "UPDATE run SET queued_at = queued_at - $1, not_before = not_before - $1;
         UPDATE event SET at = at - $1"
}

# waits ID HOURS: that run is the oldest, and all say since when.
waits()
{
    local now since
    now=$(date +%s)
    run rota monitor -o json
    [ "$(json '"\(.queue.oldest) \((.queue.oldest_age + 60) / 3600 | floor)"')" = "$1 $2" ]
    run -0 rota monitor metrics
    [ "$(awk '/^rota_queue_oldest_seconds/ { print int(($2 + 60) / 3600) }' <<<"$output")" = "$2" ]
    rota monitor board --output "$HOME/board"
    since=$(grep -oE '"oldest":[0-9]+' "$HOME/board/index.html" | cut -d: -f2)
    [ $(((now + 60 - since / 1000) / 3600)) = "$2" ]
    # an alert for what has waited for a little less, and none for a little more
    config < <(printf '[monitor]\nqueue_age = %dm\n' $(($2 * 60 - 5)))
    run -0 rota monitor check
    [ "$(sql "SELECT run FROM alert WHERE rule = 'queue-age' AND closed_at IS NULL")" = "$1" ]
    config < <(printf '[monitor]\nqueue_age = %dm\n' $(($2 * 60 + 5)))
    run -0 rota monitor check
    [ -z "$(sql "SELECT run FROM alert WHERE rule = 'queue-age' AND closed_at IS NULL")" ]
}

@test "a run waits from its submission, and from the time it was to wait for" {
    rota submit -- true
    age $((2 * HOUR))
    rota submit --in 2h -- true
    waits 1 2
    rota cancel 1
    age $((3 * HOUR))
    waits 2 1
}

@test "a run that was held waits from its release" {
    rota submit --hold -- true
    age $((9 * HOUR))
    rota cancel --release 1
    age $((1 * HOUR))
    waits 1 1
}

@test "the oldest is who could start first, not who was submitted first" {
    rota submit --hold -- true
    age $((9 * HOUR))
    rota submit -- true
    age $((2 * HOUR))
    rota cancel --release 1
    age $((1 * HOUR))
    waits 2 3
}

@test "a run that its overlap policy blocked waits from when it was let go" {
    job j '{every: 1h, overlap: queue}'
    rota schedule add j.yaml
    rota submit --name j -- true
    make_due j $HOUR
    run -0 rota schedule tick
    [ "$(rota status --format '{state}' 2)" = blocked ]
    age $((9 * HOUR))
    rota cancel 1
    run -0 rota schedule tick
    [ "$(rota status --format '{state}' 2)" = queued ]
    age $((1 * HOUR))
    waits 2 1
}
