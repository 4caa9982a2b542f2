#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "internal.h"
#include "xalloc.h"

struct value as_int(int64_t number)
{
    return (struct value){.type = VALUE_INT, .number = number};
}

struct value as_opt(int64_t number)
{
    return (struct value){.type = number ? VALUE_INT : VALUE_NULL, .number = number};
}

struct value as_text(const char *text)
{
    if (!text)
        return (struct value){.type = VALUE_NULL};
    return (struct value){.type = VALUE_TEXT, .text = text, .len = strlen(text)};
}

/* ---- errors of SQLite in the words of people ---- */

static const struct {
    int sqlite; /* primary code */
    int code;
    const char *what, *mend; /* the catalogue's path goes between them */
} failures[] = {
    {SQLITE_BUSY, ERR_BUSY, "the catalogue", "is locked by another process: try again"},
    {SQLITE_LOCKED, ERR_BUSY, "the catalogue", "is locked by another process: try again"},
    {SQLITE_FULL, ERR_IO, "the catalogue", "cannot grow: free space, or inodes, on its filesystem"},
    {SQLITE_PERM, ERR_IO, "the catalogue",
     "may not be used by you: ask its owner for access to it and its directory"},
    {SQLITE_CORRUPT, ERR_IO, "the catalogue",
     "is damaged: restore it from a backup, or move its whole directory away to start anew"},
    {SQLITE_NOTADB, ERR_IO, "the file",
     "is not a rota catalogue: restore it from a backup, or name another path (catalogue = in "
     "rota.ini, or $ROTA_CATALOGUE)"},
    {SQLITE_CANTOPEN, ERR_IO, "the catalogue",
     "cannot be opened: it and its directory must be readable and writable for you"},
    {SQLITE_IOERR, ERR_IO, "the catalogue",
     "cannot be read or written: look after its disk and its permissions"},
    {SQLITE_NOMEM, ERR_OS, "the catalogue", "needs more memory than there is"},
};

/* Whose fault it is that it may not be written: the filesystem's, or ours. */
int catalogue_readonly(const struct catalogue *cat, struct err *err)
{
    struct statvfs fs;
    if (statvfs(cat->path, &fs) == 0 && fs.f_flag & ST_RDONLY)
        return err_set(err, ERR_IO,
                       "the catalogue %s is on a filesystem that is read-only now: look after its "
                       "disk, and mount it to be written",
                       cat->path);
    return err_set(err, ERR_IO,
                   "the catalogue %s may only be read by you: ask its owner for write access to "
                   "it and its directory",
                   cat->path);
}

/* SQLITE_FULL is a write that found no space. A file that cannot be made for want of an inode, a shared
 * index that cannot grow and a quota are other errors to SQLite, and the same to people. */
static int kind_of(int rc, int saved)
{
    bool io = (rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_IOERR;
    return io && (saved == ENOSPC || saved == EDQUOT) ? SQLITE_FULL : rc & 0xff;
}

int catalogue_fail(const struct catalogue *cat, struct err *err)
{
    int rc = cat->db ? sqlite3_extended_errcode(cat->db) : SQLITE_NOMEM;
    int saved = cat->db ? sqlite3_system_errno(cat->db) : 0;
    if ((rc & 0xff) == SQLITE_READONLY)
        return catalogue_readonly(cat, err);
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        if (kind_of(rc, saved) != failures[i].sqlite)
            continue;
        if (failures[i].code == ERR_BUSY)
            return err_set(err, ERR_BUSY, "%s %s %s (waited %d ms)", failures[i].what, cat->path,
                           failures[i].mend, cat->busy_ms);
        /* sqlite3_system_errno is of the last open or I/O that failed, so only these may name it */
        bool names = saved && ((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_IOERR);
        return err_set(err, failures[i].code, "%s %s %s%s%s%s", failures[i].what, cat->path,
                       failures[i].mend, names ? " (" : "", names ? strerror(saved) : "",
                       names ? ")" : "");
    }
    return err_set(err, ERR_BUG, "the catalogue %s: %s (SQLite %d); please report this", cat->path,
                   sqlite3_errmsg(cat->db), rc);
}

/* ---- the cache ---- */

/* Some forty addresses are compared in less time than hashing the text would take. */
static sqlite3_stmt *find(const struct catalogue *cat, const char *sql)
{
    for (size_t i = 0; i < cat->nstatements; i++)
        if (cat->statements[i].sql == sql)
            return cat->statements[i].stmt;
    return NULL;
}

static sqlite3_stmt *prepare(struct catalogue *cat, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v3(cat->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
        return NULL;
    cat->statements = xreallocarray(cat->statements, cat->nstatements + 1, sizeof *cat->statements);
    cat->statements[cat->nstatements++] = (struct statement){sql, stmt};
    return stmt;
}

static int bind(sqlite3_stmt *stmt, int at, const struct value *value)
{
    switch (value->type) {
    case VALUE_INT:
        return sqlite3_bind_int64(stmt, at, value->number);
    case VALUE_TEXT:
        return sqlite3_bind_text64(stmt, at, value->text, value->len, SQLITE_STATIC, SQLITE_UTF8);
    default:
        return sqlite3_bind_null(stmt, at);
    }
}

int statement_start(struct catalogue *cat, const char *sql, const struct value *values, size_t n,
                    sqlite3_stmt **stmt, struct err *err)
{
    *stmt = find(cat, sql);
    if (!*stmt)
        *stmt = prepare(cat, sql);
    if (!*stmt)
        return catalogue_fail(cat, err);
    for (size_t i = 0; i < n; i++)
        if (bind(*stmt, (int)i + 1, &values[i]) != SQLITE_OK)
            return catalogue_fail(cat, err);
    return 0;
}

int statement_next(const struct catalogue *cat, sqlite3_stmt *stmt, struct err *err)
{
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW)
        return 1;
    int rc = step == SQLITE_DONE ? 0 : catalogue_fail(cat, err);
    statement_end(stmt);
    return rc;
}

/* The reset ends the read transaction that an autocommit SELECT holds. */
void statement_end(sqlite3_stmt *stmt)
{
    (void)sqlite3_reset(stmt);
}

int statement_write(struct catalogue *cat, const char *sql, const struct value *values, size_t n,
                    struct err *err)
{
    sqlite3_stmt *stmt;
    if (sqlite3_get_autocommit(cat->db))
        return err_set(err, ERR_BUG, "a write to the catalogue outside a transaction: %s", sql);
    int rc = statement_start(cat, sql, values, n, &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    return rc == 0 ? sqlite3_changes(cat->db) : rc;
}

int statement_int(struct catalogue *cat, const char *sql, const struct value *values, size_t n,
                  int64_t absent, int64_t *number, struct err *err)
{
    sqlite3_stmt *stmt;
    *number = absent;
    int rc = statement_start(cat, sql, values, n, &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc <= 0)
        return rc;
    if (sqlite3_column_type(stmt, 0) != SQLITE_NULL)
        *number = sqlite3_column_int64(stmt, 0);
    statement_end(stmt);
    return 0;
}

char *column_text(sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return text ? xstrndup(text, (size_t)sqlite3_column_bytes(stmt, column)) : NULL;
}

void statement_plan(const struct catalogue *cat, const char *sql, struct buf *out)
{
    sqlite3_stmt *stmt = NULL;
    char *explain = xasprintf("EXPLAIN QUERY PLAN %s", sql);
    if (sqlite3_prepare_v2(cat->db, explain, -1, &stmt, NULL) == SQLITE_OK)
        while (sqlite3_step(stmt) == SQLITE_ROW)
            buf_addf(out, "%s\n", (const char *)sqlite3_column_text(stmt, 3));
    (void)sqlite3_finalize(stmt);
    free(explain);
}

void statements_free(struct catalogue *cat)
{
    for (size_t i = 0; i < cat->nstatements; i++)
        (void)sqlite3_finalize(cat->statements[i].stmt);
    free(cat->statements);
    cat->statements = NULL;
    cat->nstatements = 0;
}
