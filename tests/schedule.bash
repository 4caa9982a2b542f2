# shellcheck shell=bash
# schedule: jobs with a schedule, and instants that are due. Load it after lib.

# A job file NAME.yaml with a schedule: job NAME SCHEDULE [LINE…]
job()
{
    {
        printf 'name: %s\nschedule: %s\n' "$1" "$2"
        printf '%s\n' "${@:3}"
        printf 'shell: "true"\n'
    } >"$1.yaml"
}

# Pretends that a job was due before: its next instant moves back by so many ms.
make_due()
{
    sqlite3 "$ROTA_CATALOGUE" "UPDATE job SET next_at = next_at - $2 WHERE name = '$1'"
}

occurrences()
{
    sqlite3 -separator ' ' "$ROTA_CATALOGUE" "SELECT outcome, count(*) FROM v_occurrences
        WHERE job = '$1' GROUP BY outcome ORDER BY outcome"
}
