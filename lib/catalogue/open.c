#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"
#include "xalloc.h"

int catalogue_busy_ms = 10000;

static const struct {
    int option, value;
} settings[] = {
    {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
    {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1}, /* see catalogue_checkpoint */
};

/* After every commit: remembers how long the WAL is. Installing it also replaces SQLite's own
 * automatic checkpoint, which must never run. */
static int wal_hook(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    ((struct catalogue *)arg)->wal_pages = pages;
    return SQLITE_OK;
}

int catalogue_connect(struct catalogue *cat, int flags, sqlite3 **db, struct err *err)
{
    /* never SQLITE_OPEN_CREATE: a catalogue is made by catalogue_create or not at all */
    int rc = sqlite3_open_v2(cat->path, db, flags | SQLITE_OPEN_NOMUTEX, catalogue_vfs());
    if (rc == SQLITE_OK) {
        for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
            (void)sqlite3_db_config(*db, settings[i].option, settings[i].value, NULL);
        cat->busy_ms = catalogue_busy_ms;
        (void)sqlite3_busy_timeout(*db, cat->busy_ms);
        (void)sqlite3_wal_hook(*db, wal_hook, cat);
        return 0;
    }
    struct catalogue failed = {.db = *db, .path = cat->path};
    return catalogue_fail(&failed, err);
}

/* Refuses what is no catalogue of ours or of a newer rota; *version is its schema. */
static int identify(struct catalogue *cat, int64_t *version, struct err *err)
{
    int64_t application = 0;
    int rc = statement_int(cat, "PRAGMA application_id", NO_VALUES, 0, &application, err);
    if (rc == 0)
        rc = schema_version(cat, version, err);
    if (rc < 0)
        return rc;
    if (application != CATALOGUE_APPLICATION)
        return err_set(err, ERR_IO,
                       "the file %s is a database of another program, not a rota catalogue: name "
                       "another path (catalogue = in rota.ini, or $ROTA_CATALOGUE)",
                       cat->path);
    return schema_refuse(cat, *version, err);
}

static int prepare_writer(struct catalogue *cat, struct err *err)
{
    /* SQLite opens a file that it may not write read-only and says so only at the first write */
    if (sqlite3_db_readonly(cat->db, "main"))
        return catalogue_readonly(cat, err);
    /* journal_size_limit cuts a WAL that once grew long when it is begun anew. A catalogue is born
     * in WAL mode; another program may have changed that. */
    if (sqlite3_exec(cat->db,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "PRAGMA journal_size_limit = 4194304",
                     NULL, NULL, NULL) != SQLITE_OK)
        return catalogue_fail(cat, err);
    cat->stamps = true;
    return 0;
}

static int read_meta(struct catalogue *cat, struct err *err)
{
    static const char META[] = "SELECT uuid, epoch FROM meta WHERE one = 1";
    sqlite3_stmt *stmt;
    int rc = statement_start(cat, META, NO_VALUES, &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return err_set(err, ERR_IO, "the catalogue %s is damaged: restore it from a backup",
                       cat->path);
    (void)snprintf(cat->uuid, sizeof cat->uuid, "%s", (const char *)sqlite3_column_text(stmt, 0));
    cat->epoch = sqlite3_column_int64(stmt, 1);
    statement_end(stmt);
    return 0;
}

/* A reader writes nothing itself; an older catalogue is brought up by a writer in its stead. */
static int migrate(struct catalogue *cat, struct err *err)
{
    struct catalogue *writer = NULL;
    if (cat->mode != CATALOGUE_READ)
        return schema_migrate(cat, err);
    int rc = catalogue_open(&writer, cat->path, CATALOGUE_WRITE, err);
    catalogue_close(writer);
    return rc;
}

static int open_existing(struct catalogue *cat, struct err *err)
{
    struct stat st;
    int64_t version = 0;
    if (stat(cat->path, &st) < 0)
        return err_sys(err, ERR_IO, "cannot look at the catalogue %s", cat->path);
    cat->owner = st.st_uid;
    /* A reader without write access to the directory can read while -wal and -shm are there, and
     * they stay from the first write on. `immutable=1` would do without, but lies when somebody
     * else writes: such a reader is refused (SQLITE_CANTOPEN) instead. */
    int rc = catalogue_connect(
        cat, cat->mode == CATALOGUE_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, &cat->db,
        err);
    if (rc == 0)
        rc = identify(cat, &version, err);
    if (rc == 0) /* before anything is written */
        rc = wal_check(cat, version, err);
    if (rc == 0 && cat->mode != CATALOGUE_READ)
        rc = prepare_writer(cat, err);
    if (rc == 0 && version < CATALOGUE_SCHEMA)
        rc = migrate(cat, err);
    return rc < 0 ? rc : read_meta(cat, err);
}

int catalogue_open(struct catalogue **out, const char *path, enum catalogue_mode mode,
                   struct err *err)
{
    bool there;
    *out = NULL;
    int rc = catalogue_inspect(path, mode, &there, err);
    if (rc == 0 && !there)
        rc = catalogue_create(path, err);
    if (rc < 0)
        return rc;
    struct catalogue *cat = xcalloc(1, sizeof *cat);
    cat->path = xstrdup(path);
    cat->mode = mode;
    rc = open_existing(cat, err);
    if (rc < 0)
        catalogue_close(cat);
    else
        *out = cat;
    return rc;
}

void catalogue_close(struct catalogue *cat)
{
    if (!cat)
        return;
    statements_free(cat);
    (void)sqlite3_close(cat->locker);
    (void)sqlite3_close(cat->db); /* rolls back what was not committed */
    free(cat->path);
    free(cat);
}

const char *catalogue_path(const struct catalogue *cat)
{
    return cat->path;
}

const char *catalogue_uuid(const struct catalogue *cat)
{
    return cat->uuid;
}

int64_t catalogue_epoch(const struct catalogue *cat)
{
    return cat->epoch;
}

uid_t catalogue_owner(const struct catalogue *cat)
{
    return cat->owner;
}
