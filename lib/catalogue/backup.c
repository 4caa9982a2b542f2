/*
 * A copy of the catalogue while others write it.
 *
 * SQLite's backup API, all pages in one step: that is one read transaction, hence one moment. Page by page
 * in several steps it would begin anew whenever another process commits, and beside a busy dispatcher never
 * end. A reader keeps nobody from writing; but what is written meanwhile stays in the WAL until the copy is
 * made (some hundred MB a second).
 *
 * VACUUM INTO would do as well, and the copy would be smaller. It builds every table and index anew, which
 * takes several times as long with the WAL growing; it neither syncs nor keeps the file in WAL mode; and
 * where the file is damaged it copies what it can read, in an order of its own, where this copies what is
 * there, and the look at the copy tells.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"
#include "upkeep.h"
#include "xalloc.h"

/* What went wrong with the copy: a full disk is its disk. */
static int fail(sqlite3 *db, const char *path, struct err *err)
{
    struct catalogue copy = {.db = db, .path = (char *)path};
    int rc = catalogue_fail(&copy, err);
    return err ? err_set(err, rc, "cannot copy the catalogue to %s: %s", path, sqlite3_errmsg(db))
               : rc;
}

/* No journal: nobody reads the copy before it is whole. */
static int open_copy(const char *path, sqlite3 **db, struct err *err)
{
    if (sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
        sqlite3_exec(*db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL,
                     NULL) == SQLITE_OK)
        return 0;
    return fail(*db, path, err);
}

static int copy_pages(struct catalogue *cat, sqlite3 *to, const char *path, struct err *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", cat->db, "main");
    if (!backup)
        return fail(to, path, err);
    int step = sqlite3_backup_step(backup, -1);
    int rc = sqlite3_backup_finish(backup);
    /* put back beside the -wal of now, it must not pass for the file that this -wal goes on from */
    if (step == SQLITE_DONE && rc == SQLITE_OK)
        return wal_part(to, err);
    if (step == SQLITE_BUSY || step == SQLITE_LOCKED)
        return err_set(err, ERR_BUSY, "the catalogue %s is locked: try again", cat->path);
    return fail(to, path, err);
}

/* "file:PATH?immutable=1": no -wal and -shm are made, and no lock is asked for. Free. */
static char *immutable_name(const char *path)
{
    struct buf name = {0};
    buf_addstr(&name, "file:");
    for (const char *p = path; *p; p++)
        if (strchr("?#%", *p))
            buf_addf(&name, "%%%02x", (unsigned char)*p);
        else
            buf_addch(&name, *p);
    buf_addstr(&name, "?immutable=1");
    buf_str(&name);
    return buf_detach(&name);
}

/* Reads it all again, and from the file. */
static int look_at_copy(const char *path, struct err *err)
{
    char *name = immutable_name(path);
    struct catalogue copy = {.path = (char *)path, .mode = CATALOGUE_READ};
    sqlite3_stmt *stmt = NULL;
    int rc = 0;
    if (sqlite3_open_v2(name, &copy.db,
                        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(copy.db, "PRAGMA quick_check(1)", -1, &stmt, NULL) != SQLITE_OK)
        rc = catalogue_fail(&copy, err);
    if (rc == 0 && sqlite3_step(stmt) != SQLITE_ROW)
        rc = catalogue_fail(&copy, err);
    const char *says = rc == 0 ? (const char *)sqlite3_column_text(stmt, 0) : "";
    if (rc == 0 && strcmp(says, "ok") != 0)
        rc = err_set(err, ERR_IO,
                     "the copy is damaged (%s): look at the catalogue with rota catalogue check",
                     says);
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(copy.db);
    free(name);
    return rc;
}

int catalogue_copy(struct catalogue *cat, const char *path, struct err *err)
{
    sqlite3 *to = NULL;
    int rc = open_copy(path, &to, err);
    if (rc == 0)
        rc = copy_pages(cat, to, path, err);
    if (sqlite3_close(to) != SQLITE_OK && rc == 0)
        rc = err_set(err, ERR_BUG, "the copy %s cannot be closed", path);
    return rc < 0 ? rc : look_at_copy(path, err);
}

int catalogue_copy_mode(struct catalogue *cat, mode_t *mode, gid_t *group, struct err *err)
{
    struct stat st;
    if (stat(cat->path, &st) < 0)
        return err_sys(err, ERR_IO, "cannot look at the catalogue %s", cat->path);
    *mode = st.st_mode & 0770;
    *group = st.st_gid;
    return 0;
}

/* ---- what may be overwritten ---- */

/* application_id stands at this place of the first page, big endian: SQLite's file format, 1.3. */
enum { APPLICATION_AT = 68, HEAD = 72 };

static bool is_ours(int fd)
{
    unsigned char head[HEAD];
    if (pread(fd, head, sizeof head, 0) != HEAD || memcmp(head, "SQLite format 3", 16) != 0)
        return false;
    uint32_t id = (uint32_t)head[APPLICATION_AT] << 24 | (uint32_t)head[APPLICATION_AT + 1] << 16 |
                  (uint32_t)head[APPLICATION_AT + 2] << 8 | head[APPLICATION_AT + 3];
    return id == CATALOGUE_APPLICATION;
}

static int refuse_foreign(const char *path, const struct stat *st, struct err *err)
{
    int fd = S_ISREG(st->st_mode) ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    if (S_ISREG(st->st_mode) && fd < 0)
        return err_sys(err, ERR_IO, "cannot open %s", path);
    bool ours = fd >= 0 && (st->st_size == 0 || is_ours(fd));
    if (fd >= 0)
        close(fd);
    if (ours)
        return 0;
    return err_set(err, ERR_USAGE,
                   S_ISDIR(st->st_mode) ? "%s is a directory: name a file in it"
                                        : "%s is there and no backup of a catalogue: it is not "
                                          "overwritten",
                   path);
}

/* An empty -wal would pass for a file that may be overwritten. */
static bool is_part_of(const struct catalogue *cat, const struct stat *st)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    bool is = false;
    for (size_t i = 0; !is && i < sizeof suffixes / sizeof *suffixes; i++) {
        struct stat ours;
        char *path = xasprintf("%s%s", cat->path, suffixes[i]);
        is = stat(path, &ours) == 0 && ours.st_dev == st->st_dev && ours.st_ino == st->st_ino;
        free(path);
    }
    return is;
}

/* A catalogue in use has its -wal beside it: under another file of that name that would be played back. */
int catalogue_copy_may_replace(struct catalogue *cat, const char *path, struct err *err)
{
    struct stat st;
    char *wal = xasprintf("%s-wal", path);
    int rc = 0;
    if (lstat(wal, &st) == 0)
        rc = err_set(err, ERR_USAGE,
                     "%s is there: %s is a catalogue in use, or was one; name another file", wal,
                     path);
    free(wal);
    if (rc < 0 || (stat(path, &st) < 0 && errno == ENOENT))
        return rc;
    if (stat(path, &st) < 0)
        return err_sys(err, ERR_IO, "cannot look at %s", path);
    if (is_part_of(cat, &st))
        return err_set(err, ERR_USAGE, "%s is the catalogue itself, or a part of it", path);
    return refuse_foreign(path, &st, err);
}
