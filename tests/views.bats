#!/usr/bin/env bats
# rota-catalogue(5) is held against the views of a catalogue: their columns, their types, who may read.

load lib
load examples

# view TAB column TAB type, as the page has them, in its order.
documented()
{
    sed -nE 's/^\.Ss (v_[a-z]+)$/\1/p; s/^\.It Cm ([a-z_]+) Pq Em ([a-z]+)$/ \1 \2/p' \
        "$ROTA_TOP/man/rota-catalogue.5" |
        awk -v OFS='\t' '/^v_/ { view = $1; next } { print view, $1, $2 }'
}

sql()
{
    sqlite3 -readonly -separator $'\t' "$ROTA_CATALOGUE" "$1"
}

# The views with a life behind them: arrays, needs, values, retries, alerts, hosts, schedules.
history_of_all()
{
    examples_home
    examples_history
    rota submit -q on-each.yaml >/dev/null
    rota schedule pause -q --reason holidays nightly-report >/dev/null
    rota hosts drain -q db4 'new disk' >/dev/null
    rota monitor check
}

@test "rota-catalogue(5) names every view and every column, in their order, and no others" {
    rota submit -- true
    sql "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c
        WHERE m.type = 'view' ORDER BY m.name, c.cid" >real
    documented | cut -f 1,2 | sort -s -k 1,1 >page
    diff real page
    [ "$(wc -l <page)" -gt 90 ]
}

@test "what stands in a column is of the type that rota-catalogue(5) says" {
    local view column type want n=0
    history_of_all
    while IFS=$'\t' read -r view column type; do
        case $type in
        integer) want="typeof(x) = 'integer'" ;;
        number) want="typeof(x) IN ('real', 'integer')" ;;
        text) want="typeof(x) = 'text'" ;;
        time) want="x = strftime('%Y-%m-%dT%H:%M:%fZ', x)" ;;
        *) echo "no type: $type" && return 1 ;;
        esac
        run -0 sql "SELECT count(x), coalesce(sum(NOT ($want)), 0)
            FROM (SELECT \"$column\" AS x FROM $view) WHERE x IS NOT NULL"
        [[ $output == *$'\t0' ]] || { echo "$view.$column is no $type: $output"; return 1; }
        [[ $output == 0* ]] || n=$((n + 1))
    done < <(documented)
    # most of them have something in them, so that this says something
    echo "$n columns have values"
    [ "$n" -gt 85 ]
}

@test "the words that rota-catalogue(5) promises for a column are those that are there" {
    history_of_all
    run -0 sql "SELECT DISTINCT outcome FROM v_occurrences UNION SELECT DISTINCT scope FROM v_needs
        UNION SELECT DISTINCT condition FROM v_needs UNION SELECT DISTINCT state FROM v_needs
        UNION SELECT DISTINCT state FROM v_hosts UNION SELECT DISTINCT state FROM v_alerts
        UNION SELECT DISTINCT overlap FROM v_jobs UNION SELECT DISTINCT catch_up FROM v_jobs
        UNION SELECT DISTINCT kind FROM v_deliveries UNION SELECT DISTINCT state FROM v_deliveries"
    [ "${#lines[@]}" -gt 8 ]
    for word in "${lines[@]}"; do
        sed 's/^\.Cm//; s/[^a-z]/ /g' "$ROTA_TOP/man/rota-catalogue.5" | grep -qw -- "$word"
    done
}

@test "sqlite3 -readonly changes nothing, not the log, and cannot" {
    rota submit -- true
    cksum "$ROTA_CATALOGUE" "$ROTA_CATALOGUE-wal" >before
    sql 'SELECT * FROM v_runs' >/dev/null
    run sql 'UPDATE run SET priority = 1'
    [ "$status" -eq 1 ] || [ "$status" -eq 8 ]
    [[ $output == *readonly* ]]
    cksum "$ROTA_CATALOGUE" "$ROTA_CATALOGUE-wal" >after
    cmp before after
}

@test "whoever may read the files may ask, also in a directory that is not theirs" {
    [ "$(id -u)" -eq 0 ] || skip 'becomes another user'
    rota submit -- true
    # bats' directories are closed
    where=$(mktemp -d /tmp/rota-views.XXXXXX)
    chmod 755 "$where"
    cp "$ROTA_CATALOGUE"* "$where"
    chmod 644 "$where"/*
    run setpriv --reuid 65534 --regid 65534 --clear-groups \
        sqlite3 -readonly "$where/catalogue.db" 'SELECT job FROM v_runs'
    rm -rf "$where"
    [ "$status" -eq 0 ]
    [ "$output" = true ]
}
