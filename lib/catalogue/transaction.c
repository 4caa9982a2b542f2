#include <sqlite3.h>

#include "settle.h"

static const char BEGIN[] = "BEGIN IMMEDIATE";
static const char COMMIT[] = "COMMIT";
static const char ROLLBACK[] = "ROLLBACK";

static int run(struct catalogue *cat, const char *sql, struct err *err)
{
    sqlite3_stmt *stmt;
    int rc = statement_start(cat, sql, NO_VALUES, &stmt, err);
    return rc < 0 ? rc : statement_next(cat, stmt, err);
}

int catalogue_begin(struct catalogue *cat, struct err *err)
{
    return run(cat, BEGIN, err);
}

/* What the changes mean for others is settled with them: see schema_need.c. */
int catalogue_commit(struct catalogue *cat, struct err *err)
{
    int rc = settle_all(cat, err);
    if (rc == 0)
        rc = run(cat, COMMIT, err);
    if (rc < 0)
        catalogue_rollback(cat);
    return rc;
}

void catalogue_rollback(struct catalogue *cat)
{
    /* SQLite ends some transactions by itself when the disk is full or fails */
    if (!sqlite3_get_autocommit(cat->db))
        (void)run(cat, ROLLBACK, NULL);
}

int catalogue_mark(struct catalogue *cat, struct err *err)
{
    static const char MARK[] = "SAVEPOINT mark";
    return run(cat, MARK, err);
}

int catalogue_unmark(struct catalogue *cat, struct err *err)
{
    static const char KEEP[] = "RELEASE mark";
    return run(cat, KEEP, err);
}

int catalogue_undo(struct catalogue *cat, struct err *err)
{
    static const char UNDO[] = "ROLLBACK TO mark";
    int rc = run(cat, UNDO, err);
    return rc < 0 ? rc : catalogue_unmark(cat, err);
}

int64_t catalogue_settled(const struct catalogue *cat)
{
    return cat->settled;
}

void catalogue_patience(struct catalogue *cat, int ms)
{
    cat->busy_ms = ms;
    (void)sqlite3_busy_timeout(cat->db, ms);
}

int64_t catalogue_version(struct catalogue *cat)
{
    static const char VERSION[] = "PRAGMA data_version";
    int64_t version;
    (void)statement_int(cat, VERSION, NO_VALUES, -1, &version, NULL);
    return version;
}

/* Whoever writes holds the write lock until readers can see what he committed: when it can be had, nobody
 * is amid a commit. */
bool catalogue_is_written(struct catalogue *cat)
{
    int patience = cat->busy_ms;
    catalogue_patience(cat, 0);
    bool written = catalogue_begin(cat, NULL) < 0;
    catalogue_rollback(cat);
    catalogue_patience(cat, patience);
    return written;
}
