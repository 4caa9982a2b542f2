/* head: room on the disk of the catalogue, and the directory of output. */
#include "doctor/doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "output.h"
#include "xalloc.h"

enum {
    FEW_INODES = 1000,
    LITTLE_KB = 64 << 10,  /* a trouble: a day's output may be more */
    SCARCE_KB = 512 << 10, /* a hint, when it is little of the disk too */
    SCARCE_PERCENT = 5,
};

/* The directory of the catalogue, or what is there of its path; free. */
static char *directory_of(const char *path)
{
    char *dir = xstrdup(path);
    do {
        char *slash = strrchr(dir, '/');
        if (!slash || slash == dir) {
            free(dir);
            return xstrdup("/");
        }
        *slash = '\0';
    } while (access(dir, F_OK) < 0);
    return dir;
}

static void look(struct doctor *d, const char *dir)
{
    struct statvfs fs;
    char size[DOCTOR_SIZE_TEXT];
    if (statvfs(dir, &fs) < 0)
        return;
    uint64_t free_kb = (uint64_t)fs.f_bavail * fs.f_frsize / 1024;
    uint64_t all_kb = (uint64_t)fs.f_blocks * fs.f_frsize / 1024;
    bool scarce = free_kb < SCARCE_KB && free_kb * 100 < all_kb * SCARCE_PERCENT;
    if (free_kb < LITTLE_KB || scarce)
        doctor_found(d, free_kb < LITTLE_KB ? VERDICT_TROUBLE : VERDICT_HINT,
                     "only %s are free in %s, where the catalogue and the output are" MEND
                     "make room there, or shorten 'keep' in rota.ini",
                     doctor_size((int64_t)free_kb * 1024, size), dir);
    if (fs.f_files && fs.f_favail < FEW_INODES)
        doctor_found(d, VERDICT_TROUBLE,
                     "only %llu more files can be made in %s, and each output is one" MEND
                     "remove small files there, or shorten 'keep' in rota.ini",
                     (unsigned long long)fs.f_favail, dir);
}

void head_disk(struct doctor *d, const struct visit *none)
{
    (void)none;
    if (!d->config)
        return;
    char *dir = directory_of(d->config->catalogue);
    look(d, dir);
    free(dir);
}

/* Nothing is looked at before there is a catalogue: its output directory comes with it. */
void head_output(struct doctor *d, const struct visit *none)
{
    struct stat st;
    (void)none;
    if (!d->cat)
        return;
    char *dir = output_dir(d->config->catalogue);
    bool there = stat(dir, &st) == 0;
    if (!there && errno != ENOENT)
        doctor_found(d, VERDICT_TROUBLE, "cannot look at %s (%s)" MEND "let this user go there",
                     dir, strerror(errno));
    else if (there && !S_ISDIR(st.st_mode))
        doctor_found(d, VERDICT_TROUBLE,
                     "%s is no directory, so no output can be stored" MEND
                     "move it away; rota makes the directory",
                     dir);
    else if (there && access(dir, W_OK | X_OK) < 0)
        doctor_found(d, VERDICT_TROUBLE,
                     "%s cannot be written (%s), so no output can be stored" MEND
                     "give it to the user who dispatches (chown, chmod u+rwx)",
                     dir, strerror(errno));
    free(dir);
}
