/* What the board asks of the catalogue. */
#include "board.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "rows.h"

/* ---- runs ---- */

static void read_tally(sqlite3_stmt *stmt, void *row)
{
    *(struct board_tally *)row =
        (struct board_tally){.job = column_text(stmt, 0),
                             .state = (enum run_state)sqlite3_column_int(stmt, 1),
                             .runs = sqlite3_column_int64(stmt, 2)};
}

int board_tally(struct catalogue *cat, int64_t since, int64_t until, struct board_tallies *tallies,
                struct err *err)
{
    static const char TALLY[] = "SELECT job, state, count(*) FROM run"
                                " WHERE finished_at >= ?1 AND finished_at < ?2 AND state >= 6"
                                " GROUP BY job, state";
    static const struct row_kind kind = {sizeof(struct board_tally), read_tally, NULL};
    struct rows rows;
    int rc = rows_read(cat, TALLY, VALUES(as_int(since), as_int(until)), &kind, &rows, err);
    *tallies = (struct board_tallies){rows.v, rows.n};
    return rc;
}

void board_tallies_free(struct board_tallies *tallies)
{
    for (size_t i = 0; i < tallies->n; i++)
        free(tallies->v[i].job);
    free(tallies->v);
    *tallies = (struct board_tallies){0};
}

static void read_pair(sqlite3_stmt *stmt, void *row)
{
    *(struct board_pair *)row =
        (struct board_pair){sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1)};
}

static int read_pairs(struct catalogue *cat, const char *sql, const struct value *values, size_t n,
                      struct board_pairs *pairs, struct err *err)
{
    static const struct row_kind kind = {sizeof(struct board_pair), read_pair, NULL};
    struct rows rows;
    int rc = rows_read(cat, sql, values, n, &kind, &rows, err);
    *pairs = (struct board_pairs){rows.v, rows.n};
    return rc;
}

int board_missed(struct catalogue *cat, const char *job, int64_t since, struct board_pairs *missed,
                 struct err *err)
{
    static const char MISSED[] =
        "SELECT due_at / 900000 * 900000 AS quarter, count(*) FROM occurrence"
        " WHERE job = ?1 AND due_at >= ?2 AND " OCCURRENCE_MISSED
        " GROUP BY quarter ORDER BY quarter";
    return read_pairs(cat, MISSED, VALUES(as_text(job), as_int(since)), missed, err);
}

/* The inner limit bounds what is read of a job whose runs never start. */
int board_durations(struct catalogue *cat, const char *job, int limit,
                    struct board_pairs *durations, struct err *err)
{
    static const char DURATIONS[] =
        "SELECT duration, state FROM ("
        "  SELECT id, finished_at - started_at AS duration, state FROM ("
        "    SELECT id, started_at, finished_at, state FROM run"
        "    WHERE job = ?1 ORDER BY id DESC LIMIT 400)"
        "  WHERE state >= 6 AND started_at IS NOT NULL AND finished_at IS NOT NULL"
        "  ORDER BY id DESC LIMIT ?2) ORDER BY id";
    return read_pairs(cat, DURATIONS, VALUES(as_text(job), as_int(limit)), durations, err);
}
