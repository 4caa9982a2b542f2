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

/* Under the lock the schema is looked at again: whoever keeps a catalogue open may have been overtaken. */
int catalogue_begin(struct catalogue *cat, struct err *err)
{
    cat->changes = sqlite3_total_changes(cat->db);
    int rc = run(cat, BEGIN, err);
    if (rc < 0)
        return rc;
    rc = catalogue_refuse(cat, err);
    if (rc < 0)
        catalogue_rollback(cat);
    return rc;
}

/*
 * A commit whose sync failed stands whole in the WAL all the same. We take it back and say so, but whoever
 * reads the WAL anew, which is what happens when nobody has the catalogue open, would find it committed: a
 * submission that was refused would run, and twice when it is tried again. So something that changes nothing
 * is committed over its first frame, and what follows has checksums that do not fit any more; that holds even
 * when this sync fails as well.
 */
static void bury(struct catalogue *cat)
{
    (void)sqlite3_exec(cat->db, "BEGIN IMMEDIATE; PRAGMA application_id = 0x726f7461; COMMIT", NULL,
                       NULL, NULL);
    if (!sqlite3_get_autocommit(cat->db))
        (void)sqlite3_exec(cat->db, ROLLBACK, NULL, NULL, NULL);
}

/* What the changes mean for others is settled with them: see schema_need.c. */
int catalogue_commit(struct catalogue *cat, struct err *err)
{
    int rc = settle_all(cat, err);
    bool doubtful = false;
    if (rc == 0)
        rc = wal_stamp(cat, err);
    if (rc == 0) {
        rc = run(cat, COMMIT, err);
        doubtful = rc < 0 && (sqlite3_errcode(cat->db) & 0xff) == SQLITE_IOERR;
    }
    if (rc < 0)
        catalogue_rollback(cat);
    if (doubtful)
        bury(cat);
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
