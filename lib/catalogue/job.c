#include <sqlite3.h>
#include <stdlib.h>

#include "rows.h"
#include "xalloc.h"

#define COLUMNS                                                                                    \
    "name, spec, priority, timetable, jitter_ms, deadline_ms, catch_up, overlap, next_at, "        \
    "last_at,"                                                                                     \
    " paused_at, paused, skip, source, added_at, aside, expands"

void job_row_free(struct job_row *row)
{
    free(row->name);
    free(row->timetable);
    free(row->paused);
    free(row->source);
    free(row->aside);
    *row = (struct job_row){0};
}

static char *copy(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

struct job_row job_row_copy(const struct job_row *row)
{
    struct job_row made = *row;
    made.name = copy(row->name);
    made.timetable = copy(row->timetable);
    made.paused = copy(row->paused);
    made.source = copy(row->source);
    made.aside = copy(row->aside);
    return made;
}

static void read_row(sqlite3_stmt *stmt, void *row)
{
    *(struct job_row *)row = (struct job_row){
        .name = column_text(stmt, 0),
        .spec = sqlite3_column_int64(stmt, 1),
        .priority = sqlite3_column_int(stmt, 2),
        .timetable = column_text(stmt, 3),
        .jitter_ms = sqlite3_column_int64(stmt, 4),
        .deadline_ms = sqlite3_column_int64(stmt, 5),
        .catch_up = sqlite3_column_int(stmt, 6),
        .overlap = sqlite3_column_int(stmt, 7),
        .next_at = sqlite3_column_int64(stmt, 8),
        .last_at = sqlite3_column_int64(stmt, 9),
        .paused_at = sqlite3_column_int64(stmt, 10),
        .paused = column_text(stmt, 11),
        .skip = sqlite3_column_int(stmt, 12) != 0,
        .source = column_text(stmt, 13),
        .added_at = sqlite3_column_int64(stmt, 14),
        .aside = column_text(stmt, 15),
        .expands = sqlite3_column_int(stmt, 16) != 0,
    };
}

int job_put(struct catalogue *cat, const struct job_row *row, struct err *err)
{
    static const char PUT[] =
        "INSERT INTO job (name, spec, priority, timetable, jitter_ms, deadline_ms, catch_up,"
        " overlap, next_at, source, added_at, expands)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        " ON CONFLICT (name) DO UPDATE SET spec = excluded.spec, priority = excluded.priority,"
        " timetable = excluded.timetable, jitter_ms = excluded.jitter_ms,"
        " deadline_ms = excluded.deadline_ms, catch_up = excluded.catch_up,"
        " overlap = excluded.overlap, next_at = excluded.next_at, source = excluded.source,"
        " added_at = excluded.added_at, expands = excluded.expands, aside = NULL";
    int rc = statement_write(
        cat, PUT,
        VALUES(as_text(row->name), as_int(row->spec), as_int(row->priority),
               as_text(row->timetable), as_int(row->jitter_ms), as_int(row->deadline_ms),
               as_int(row->catch_up), as_int(row->overlap), as_opt(row->next_at),
               as_text(row->source), as_int(row->added_at), as_int(row->expands)),
        err);
    return rc < 0 ? rc : 0;
}

int job_set(struct catalogue *cat, const struct job_row *row, struct err *err)
{
    static const char SET[] = "UPDATE job SET next_at = ?2, last_at = ?3, paused_at = ?4,"
                              " paused = ?5, skip = ?6, aside = ?7 WHERE name = ?1";
    int rc = statement_write(cat, SET,
                             VALUES(as_text(row->name), as_opt(row->next_at), as_opt(row->last_at),
                                    as_opt(row->paused_at), as_text(row->paused), as_int(row->skip),
                                    as_text(row->aside)),
                             err);
    return rc < 0 ? rc : 0;
}

static int no_job(const char *name, struct err *err)
{
    return err_set(err, ERR_ANSWER, "there is no job '%s'", name);
}

int job_remove(struct catalogue *cat, const char *name, struct err *err)
{
    static const char REMOVE[] = "DELETE FROM job WHERE name = ?1";
    int rc = statement_write(cat, REMOVE, VALUES(as_text(name)), err);
    if (rc == 0)
        return no_job(name, err);
    return rc < 0 ? rc : 0;
}

static void release(void *row)
{
    job_row_free(row);
}

static const struct row_kind kind = {sizeof(struct job_row), read_row, release};

int job_get(struct catalogue *cat, const char *name, struct job_row *row, struct err *err)
{
    static const char GET[] = "SELECT " COLUMNS " FROM job WHERE name = ?1";
    sqlite3_stmt *stmt;
    *row = (struct job_row){0};
    int rc = statement_start(cat, GET, VALUES(as_text(name)), &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc <= 0)
        return rc < 0 ? rc : no_job(name, err);
    read_row(stmt, row);
    statement_end(stmt);
    return 0;
}

int job_select(struct catalogue *cat, int (*each)(const struct job_row *, void *), void *arg,
               struct err *err)
{
    static const char SELECT[] =
        "SELECT " COLUMNS " FROM job WHERE name > ?1 ORDER BY name LIMIT ?2";
    char *after = xstrdup("");
    size_t n;
    int rc;
    do {
        struct rows rows;
        rc = rows_read(cat, SELECT, VALUES(as_text(after), as_int(BATCH)), &kind, &rows, err);
        n = rows.n;
        if (n) {
            free(after);
            after = xstrdup(((const struct job_row *)rows.v)[n - 1].name);
        }
        ROWS_HAND_OUT(struct job_row, &kind, &rows, rc, each, arg);
    } while (rc == 0 && n == BATCH);
    free(after);
    return rc;
}

int job_due(struct catalogue *cat, int64_t now, int limit,
            int (*each)(const struct job_row *, void *), void *arg, struct err *err)
{
    static const char DUE[] = "SELECT " COLUMNS " FROM job"
                              " WHERE next_at <= ?1 AND aside IS NULL ORDER BY next_at LIMIT ?2";
    struct rows rows;
    int rc = rows_read(cat, DUE, VALUES(as_int(now), as_int(limit)), &kind, &rows, err);
    ROWS_HAND_OUT(struct job_row, &kind, &rows, rc, each, arg);
    return rc;
}

int job_try_again(struct catalogue *cat, struct err *err)
{
    static const char AGAIN[] = "UPDATE job SET aside = NULL WHERE aside IS NOT NULL";
    int rc = statement_write(cat, AGAIN, NO_VALUES, err);
    return rc < 0 ? rc : 0;
}

int job_any_aside(struct catalogue *cat, bool *any, struct err *err)
{
    static const char ANY[] = "SELECT EXISTS (SELECT 1 FROM job WHERE aside IS NOT NULL)";
    int64_t found;
    int rc = statement_int(cat, ANY, NO_VALUES, 0, &found, err);
    *any = found != 0;
    return rc;
}
