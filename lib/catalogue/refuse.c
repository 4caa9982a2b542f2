#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"
#include "xalloc.h"

int (*catalogue_statfs)(const char *path, struct statfs *fs) = statfs;

/* Filesystems on which another machine may write, or whose locks and shared memory do not reach
 * every process (statfs(2), linux/magic.h). FUSE is here whole: what is behind it cannot be asked,
 * and it is most often sshfs, a cloud store or a host's directory in a virtual machine. */
static const struct {
    uint32_t type;
    const char *name;
} remote[] = {
    {0x00006969, "NFS"},      {0x0000517B, "SMB"},        {0xFF534D42, "CIFS"},
    {0xFE534D42, "SMB2"},     {0x01021997, "9P"},         {0x5346414F, "AFS"},
    {0x6B414653, "AFS"},      {0x73757245, "Coda"},       {0x00C36400, "Ceph"},
    {0x0BD00BD0, "Lustre"},   {0x47504653, "GPFS"},       {0x65735546, "FUSE"},
    {0x7461636F, "OCFS2"},    {0x01161970, "GFS2"},       {0x0000564C, "NCP"},
    {0xAAD7AAEA, "PanFS"},    {0x786F4256, "VirtualBox"}, {0xBACBACBC, "VMware HGFS"},
    {0x19830326, "BeeGFS"},   {0x20030528, "OrangeFS"},   {0x61636673, "ACFS"},
    {0xBEEFDEAD, "StorNext"}, {0x7C7C6673, "Parallels"},
};

static int refuse_remote(const char *path, const char *place, struct err *err)
{
    struct statfs fs;
    if (catalogue_statfs(place, &fs) < 0)
        return err_sys(err, ERR_IO, "cannot look at the filesystem of %s", path);
    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
        if ((uint32_t)fs.f_type == remote[i].type)
            return err_set(
                err, ERR_CONFIG,
                "the catalogue %s is on a network filesystem (%s), where its locks cannot "
                "be trusted: name a path on a local disk (catalogue = in rota.ini, or "
                "$ROTA_CATALOGUE)",
                path, remote[i].name);
    return 0;
}

/* The nearest directory above `path` that exists; free. */
static char *existing_above(const char *path)
{
    struct stat st;
    char *dir = xstrdup(path);
    for (char *slash; (slash = strrchr(dir, '/')) && slash != dir;) {
        *slash = '\0';
        if (stat(dir, &st) == 0)
            return dir;
    }
    free(dir);
    return xstrdup("/");
}

/* What a catalogue that is gone leaves behind; NULL when there is nothing. Static. */
static const char *find_trace(const char *path)
{
    struct stat st;
    char *wal = xasprintf("%s-wal", path);
    const char *slash = strrchr(path, '/');
    char *output = xasprintf("%.*s/output", (int)(slash ? slash - path : 0), path);
    const char *trace = lstat(wal, &st) == 0      ? "write-ahead log"
                        : lstat(output, &st) == 0 ? "output directory"
                                                  : NULL;
    free(wal);
    free(output);
    return trace;
}

static int refuse_file(const char *path, enum catalogue_mode mode, const struct stat *st,
                       struct err *err)
{
    if (!S_ISREG(st->st_mode))
        return err_set(err, ERR_IO, "the catalogue %s is no regular file: name another path", path);
    /* SQLite would take an empty file for an empty database; a catalogue never is one */
    if (st->st_size == 0)
        return err_set(
            err, ERR_IO,
            "the catalogue %s is an empty file: restore it from a backup, or remove it to "
            "start anew",
            path);
    if (mode != CATALOGUE_READ && (st->st_mode & S_IWOTH))
        return err_set(err, ERR_IO,
                       "the catalogue %s can be written by everybody, who could so run anything as "
                       "its owner: chmod o-w it",
                       path);
    return 0;
}

int catalogue_inspect(const char *path, enum catalogue_mode mode, bool *there, struct err *err)
{
    struct stat st;
    *there = false;
    if (path[0] != '/')
        return err_set(err, ERR_CONFIG, "the catalogue's path '%s' is not absolute", path);
    /* First the traces, then the file. A creator makes the file first and its output directory
     * after it, so a trace seen now without a file afterwards was not left by a creator at work. */
    const char *trace = find_trace(path);
    int rc = stat(path, &st);
    int reason = rc < 0 ? errno : 0;
    if (reason && reason != ENOENT) {
        errno = reason;
        return err_sys(err, ERR_IO, "cannot look at the catalogue %s", path);
    }
    *there = reason == 0;
    char *place = *there ? xstrdup(path) : existing_above(path);
    rc = refuse_remote(path, place, err);
    free(place);
    if (rc < 0)
        return rc;
    if (*there)
        return refuse_file(path, mode, &st, err);
    if (trace)
        return err_set(err, ERR_IO,
                       "the catalogue %s is gone, but its %s is still there: restore it from a "
                       "backup, move that away to start anew, or name a path in another directory",
                       path, trace);
    if (mode != CATALOGUE_CREATE)
        return err_set(err, ERR_IO, "there is no catalogue %s yet: rota submit makes it", path);
    return 0;
}
