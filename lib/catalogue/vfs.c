/*
 * The vfs "rota": SQLite's own, but for one thing. SQLite asks for the WAL to be made when it is not there,
 * and so takes every WAL for one that it has just made: with the first commit of a process it syncs the
 * directory too, which doubles the time of a submit.
 *
 * A WAL that has content was made by somebody who syncs the directory before his first commit is over,
 * under the write lock; nobody commits before that. Should he die in between, our fdatasync of the file
 * still writes its entry: a filesystem of Linux that has journalled the size has journalled the name.
 */
#include <sqlite3.h>
#include <sys/stat.h>

#include "internal.h"

static sqlite3_vfs *base;

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *opened)
{
    struct stat st;
    (void)vfs;
    if (name && (flags & SQLITE_OPEN_WAL) && stat(name, &st) == 0 && st.st_size > 0 &&
        base->xOpen(base, name, file, flags & ~SQLITE_OPEN_CREATE, opened) == SQLITE_OK)
        return SQLITE_OK;
    return base->xOpen(base, name, file, flags, opened);
}

const char *catalogue_vfs(void)
{
    static sqlite3_vfs ours;
    if (base)
        return ours.zName;
    base = sqlite3_vfs_find(NULL);
    if (!base)
        return NULL;
    ours = *base;
    ours.zName = "rota";
    ours.xOpen = open_file;
    return sqlite3_vfs_register(&ours, 0) == SQLITE_OK ? ours.zName : NULL;
}
