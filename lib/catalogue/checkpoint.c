#include <sqlite3.h>

#include "internal.h"

enum { PAGE = 4096 };

/* A second connection of this process, only to hold the write lock. */
static sqlite3 *locker(struct catalogue *cat)
{
    if (cat->locker)
        return cat->locker;
    struct catalogue other = {.path = cat->path};
    if (catalogue_connect(&other, SQLITE_OPEN_READWRITE, &cat->locker, NULL) < 0) {
        (void)sqlite3_close(cat->locker);
        cat->locker = NULL;
        return NULL;
    }
    (void)sqlite3_wal_hook(cat->locker, NULL, NULL); /* it points at `other`; it never commits */
    (void)sqlite3_busy_timeout(cat->locker, 0);
    return cat->locker;
}

/*
 * SQLite before 3.51.3 may lose a commit that begins the WAL anew while a checkpoint is under way
 * (the "WAL-reset" race). So the write lock is held during the checkpoint: nobody can commit
 * meanwhile. The lock must be another connection's, because a connection cannot checkpoint inside a
 * transaction of its own; and the mode must be PASSIVE, because the others want the write lock too.
 *
 * Nobody is waited for: whoever holds the write lock now comes here himself after his commit, and
 * what a reader keeps from being copied is copied next time. The WAL is begun anew by the next
 * writer once all of it was copied and no reader uses it; its file keeps its length, so the measure
 * is the number of pages that the last commit saw in it.
 */
static int copy_wal(struct catalogue *cat, int *total, int *copied)
{
    sqlite3 *lock = locker(cat);
    *total = *copied = 0;
    if (!lock || sqlite3_exec(lock, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        return SQLITE_BUSY;
    int rc = sqlite3_wal_checkpoint_v2(cat->db, "main", SQLITE_CHECKPOINT_PASSIVE, total, copied);
    if (rc == SQLITE_OK && *total == *copied)
        cat->wal_pages = 0;
    (void)sqlite3_exec(lock, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

static bool may_checkpoint(const struct catalogue *cat)
{
    return cat->mode != CATALOGUE_READ && sqlite3_get_autocommit(cat->db);
}

void catalogue_checkpoint(struct catalogue *cat, int64_t bytes)
{
    int total, copied;
    if (may_checkpoint(cat) && (bytes <= 0 || (int64_t)cat->wal_pages * PAGE > bytes))
        (void)copy_wal(cat, &total, &copied);
}

int catalogue_checkpoint_rest(struct catalogue *cat, int64_t *kept, struct err *err)
{
    int total = 0, copied = 0;
    *kept = 0;
    if (!may_checkpoint(cat))
        return err_set(err, ERR_BUSY, "the catalogue is open for reading only");
    int rc = copy_wal(cat, &total, &copied);
    if (rc == SQLITE_BUSY)
        return err_set(err, ERR_BUSY, "somebody writes the catalogue %s", cat->path);
    if (rc != SQLITE_OK)
        return catalogue_fail(cat, err);
    *kept = total > copied ? (int64_t)(total - copied) * PAGE : 0;
    return 0;
}
