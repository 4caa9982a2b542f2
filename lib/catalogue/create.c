#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"
#include "io.h"
#include "output.h"
#include "xalloc.h"

enum { DIR_MODE = 02770, FILE_MODE = 0660 };

/* mkdir(2) ignores the set-group-id bit and honours the umask: the mode is set afterwards, and only
 * on a directory that is ours because we just made it. */
static int make_dir(const char *path, struct err *err)
{
    if (mkdir(path, 0700) < 0)
        return errno == EEXIST ? 0 : err_sys(err, ERR_IO, "cannot make directory %s", path);
    if (chmod(path, DIR_MODE) < 0)
        return err_sys(err, ERR_IO, "cannot set the mode of directory %s", path);
    return 0;
}

/* The catalogue's directory and those above it. */
static int make_home(const char *dir, struct err *err)
{
    char *above = xstrdup(dir);
    char *slash = strrchr(above, '/');
    int rc = 0;
    if (slash && slash != above) {
        *slash = '\0';
        rc = io_mkdirs(above, 0755, err);
    }
    free(above);
    return rc < 0 ? rc : make_dir(dir, err);
}

/* Fills an empty file with a whole catalogue. Nobody else knows its name, so that it needs no
 * journal on disk: after a crash it is garbage in any case. */
static int fill(const char *path, struct err *err)
{
    struct catalogue cat = {.path = (char *)path, .mode = CATALOGUE_CREATE};
    int rc = catalogue_connect(&cat, SQLITE_OPEN_READWRITE, &cat.db, err);
    if (rc == 0 && sqlite3_exec(cat.db,
                                "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL;"
                                "PRAGMA application_id = 0x726f7461;",
                                NULL, NULL, NULL) != SQLITE_OK)
        rc = catalogue_fail(&cat, err);
    if (rc == 0)
        rc = schema_migrate(&cat, err);
    statements_free(&cat);
    /* closing the only connection normally checkpoints and removes its -wal and -shm */
    (void)sqlite3_db_config(cat.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    if (rc == 0 && sqlite3_exec(cat.db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) != SQLITE_OK)
        rc = catalogue_fail(&cat, err);
    (void)sqlite3_close(cat.db);
    return rc;
}

/* Gives the file its name unless the name is taken: 1 when it was. */
static int publish(const char *made, const char *path, struct err *err)
{
    int rc = renameat2(AT_FDCWD, made, AT_FDCWD, path, RENAME_NOREPLACE);
    if (rc < 0 && (errno == EINVAL || errno == ENOSYS)) { /* the filesystem has no such rename */
        rc = link(made, path);
        if (rc == 0)
            (void)unlink(made);
    }
    if (rc < 0 && errno == EEXIST)
        return 1;
    return rc < 0 ? err_sys(err, ERR_IO, "cannot make the catalogue %s", path) : 0;
}

static void discard(const char *made)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *name = xasprintf("%s%s", made, suffixes[i]);
        (void)unlink(name);
        free(name);
    }
}

/* Write order: the file whole and durable under another name, its name, the directory; only then
 * output/. So no process ever sees half a catalogue, of any number of creators one wins, and an
 * output directory without a catalogue means that one was lost (see catalogue_inspect). */
int catalogue_create(const char *path, struct err *err)
{
    char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
    char *made = xasprintf("%s.XXXXXX", path);
    char *output = output_dir(path);
    int rc = make_home(dir[0] ? dir : "/", err);
    if (rc == 0) {
        int fd = mkostemp(made, O_CLOEXEC);
        if (fd < 0 || fchmod(fd, FILE_MODE) < 0) /* SQLite gives -wal and -shm the same mode */
            rc = err_sys(err, ERR_IO, "cannot make the catalogue %s", path);
        if (fd >= 0)
            close(fd);
        if (rc == 0)
            rc = fill(made, err);
        if (rc == 0)
            rc = publish(made, path, err);
        if (rc != 0 && fd >= 0)
            discard(made);
    }
    if (rc == 0)
        rc = io_sync_dir(dir[0] ? dir : "/", err);
    if (rc == 0)
        rc = make_dir(output, err);
    free(dir);
    free(made);
    free(output);
    return rc < 0 ? rc : 0;
}
