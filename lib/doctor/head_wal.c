/* head: a write-ahead log that grows because somebody keeps on reading what was there before it. */
#include "doctor/doctor.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "xalloc.h"

/* Four times what makes a writer checkpoint: a reader of a moment does not keep so much. */
enum { KEPT_MUCH = 4 * CATALOGUE_WAL_BYTES, NAMED_MAX = 3 };

static bool has_open(const char *pid, const char *path)
{
    char *dir = xasprintf("/proc/%s/fd", pid);
    DIR *d = opendir(dir);
    struct dirent *entry;
    bool found = false;
    while (d && !found && (entry = readdir(d))) {
        char target[4096];
        ssize_t n = readlinkat(dirfd(d), entry->d_name, target, sizeof target - 1);
        target[n > 0 ? n : 0] = '\0';
        found = strcmp(target, path) == 0;
    }
    if (d)
        (void)closedir(d);
    free(dir);
    return found;
}

static void name_process(struct buf *text, const char *pid)
{
    char comm[64] = "", *path = xasprintf("/proc/%s/comm", pid);
    FILE *f = fopen(path, "re");
    if (f && fgets(comm, sizeof comm, f))
        comm[strcspn(comm, "\n")] = '\0';
    if (f)
        (void)fclose(f);
    buf_addf(text, "%s%s (%s)", text->len ? ", " : "", pid, comm);
    free(path);
}

/* The processes that have the catalogue open, but for us; free, "" when none is seen. */
static char *who_has_open(const char *path)
{
    struct buf text = {0};
    char *real = realpath(path, NULL);
    DIR *proc = real ? opendir("/proc") : NULL;
    struct dirent *entry;
    for (int n = 0; proc && n < NAMED_MAX && (entry = readdir(proc));) {
        const char *pid = entry->d_name;
        if (!isdigit((unsigned char)*pid) || strtol(pid, NULL, 10) == getpid() ||
            !has_open(pid, real))
            continue;
        name_process(&text, pid);
        n++;
    }
    if (proc)
        (void)closedir(proc);
    free(real);
    buf_str(&text);
    return buf_detach(&text);
}

void head_wal(struct doctor *d, const struct visit *none)
{
    struct err err = {0};
    int64_t kept;
    char size[DOCTOR_SIZE_TEXT];
    (void)none;
    if (!d->cat)
        return;
    int rc = catalogue_checkpoint_rest(d->cat, &kept, &err);
    if (rc < 0 && rc != ERR_BUSY) /* who writes will checkpoint */
        doctor_found_err(d, VERDICT_TROUBLE, &err);
    if (rc < 0 || kept <= KEPT_MUCH)
        return;
    char *who = who_has_open(catalogue_path(d->cat));
    doctor_found(d, VERDICT_TROUBLE,
                 "%s of %s-wal cannot be checkpointed, because a reader does not let go; it grows "
                 "without end and makes all slower" MEND "end what reads it for so long: %s",
                 doctor_size(kept, size), catalogue_path(d->cat),
                 *who ? who : "a process of another user (fuser names it)");
    free(who);
}
