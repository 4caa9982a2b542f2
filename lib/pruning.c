#include "pruning.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "clock.h"
#include "output.h"
#include "xalloc.h"

enum {
    SLICE = 100, /* runs in a transaction at most */
    HOLD_MS =
        5, /* and no other one after so long: a dispatcher waits 20 ms for the lock before it says so */
    OLD = 500, /* and rows of the other kinds */
    PAUSE_MAX_MS = 100,
};

struct pass {
    struct catalogue *cat;
    const struct prune_terms *terms;
    bool dry;
    struct pruned *pruned;
    struct output_run *files; /* of runs whose files have gone: to be taken off the list */
    size_t nfiles;
    int64_t stays; /* the bundle of which a run has to stay after all */
};

void pruned_free(struct pruned *pruned)
{
    for (size_t i = 0; i < pruned->n; i++)
        free(pruned->jobs[i].name);
    free(pruned->jobs);
    *pruned = (struct pruned){0};
}

/* The place of a job by binary search; *found: it is there. */
static size_t place_of(const struct pruned *p, const char *name, bool *found)
{
    size_t low = 0, high = p->n;
    *found = false;
    while (low < high && !*found) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, p->jobs[middle].name);
        *found = order == 0;
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return *found ? high : low;
}

static void count(struct pruned *p, const struct prune_gone *gone)
{
    bool found;
    size_t at = place_of(p, gone->job, &found);
    if (!found) {
        p->jobs = xreallocarray(p->jobs, p->n + 1, sizeof *p->jobs);
        memmove(p->jobs + at + 1, p->jobs + at, (p->n - at) * sizeof *p->jobs);
        p->jobs[at] = (struct pruned_job){.name = xstrdup(gone->job)};
        p->n++;
    }
    p->jobs[at].runs++;
    p->jobs[at].bytes += gone->bytes;
    p->runs++;
    p->bytes += gone->bytes;
}

/* ---- a slice ---- */

/* As long as the write lock was held, nobody else could write: now they can. Whoever waits for the lock looks
 * again after some milliseconds only, and would hardly ever meet a moment between two transactions. */
static void let_others(int64_t held_ms)
{
    (void)poll(NULL, 0, (int)(held_ms < 1 ? 1 : held_ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : held_ms));
}

/* Those that are noted now: of the slice at hand, and what was left from before. */
static int take_files(struct pass *p, struct err *err)
{
    free(p->files);
    p->files = NULL;
    p->nfiles = 0;
    int rc = discarded_list(p->cat, 2 * SLICE, &p->files, &p->nfiles, err);
    if (rc == 0)
        rc = output_remove(catalogue_path(p->cat), p->files, p->nfiles, err);
    if (rc < 0)
        p->nfiles = 0;
    return rc;
}

/* In a transaction, which it commits. */
static int remove_runs(struct pass *p, const struct prune_run *runs, size_t *n,
                       struct prune_gone *gone, size_t *ngone, struct err *err)
{
    int64_t until = clock_mono() + HOLD_MS;
    /* what the transaction before noted has gone by now, durably */
    int rc = discarded_gone(p->cat, p->files, p->nfiles, err);
    *ngone = 0;
    for (size_t i = 0; rc == 0 && i < *n; i++) {
        if (i && clock_mono() >= until)
            *n = i; /* the rest has its turn in the next one */
        if (i == *n || runs[i].bundle == p->stays)
            continue;
        int may = prune_look(p->cat, p->terms, runs[i].id, &gone[*ngone], err);
        if (may == 0)
            p->stays = runs[i].bundle;
        if (may > 0)
            rc = prune_remove(p->cat, &gone[(*ngone)++], err);
        rc = may < 0 ? may : rc;
    }
    return rc < 0 ? rc : catalogue_commit(p->cat, err);
}

/* *n: how many there are; then, how many were looked at. */
static int slice(struct pass *p, const struct prune_run *runs, size_t *n, struct err *err)
{
    struct prune_gone gone[SLICE];
    size_t ngone = 0;
    int rc = catalogue_begin(p->cat, err);
    if (rc < 0)
        return rc;
    int64_t begun = clock_mono();
    rc = remove_runs(p, runs, n, gone, &ngone, err);
    catalogue_rollback(p->cat);
    int64_t held = clock_mono() - begun;
    for (size_t i = 0; i < ngone; i++) {
        if (rc == 0)
            count(p->pruned, &gone[i]);
        free((char *)gone[i].job);
    }
    if (rc == 0)
        rc = take_files(p, err);
    catalogue_checkpoint(p->cat, CATALOGUE_WAL_BYTES);
    let_others(held);
    return rc;
}

static int tell(struct pass *p, const struct prune_run *run, struct err *err)
{
    struct prune_gone gone;
    int may = prune_look(p->cat, p->terms, run->id, &gone, err);
    if (may <= 0)
        return may;
    count(p->pruned, &gone);
    free((char *)gone.job);
    return 0;
}

static int take(struct pass *p, const struct prune_runs *runs, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && p->dry && i < runs->n; i++)
        rc = tell(p, &runs->v[i], err);
    for (size_t i = 0, n; rc == 0 && !p->dry && i < runs->n; i += n) {
        n = runs->n - i < SLICE ? runs->n - i : SLICE;
        rc = slice(p, runs->v + i, &n, err);
    }
    return rc;
}

/* ---- all of it ---- */

static int take_runs(struct pass *p, struct err *err)
{
    struct prune_walk walk = {0};
    int rc = 1;
    while (rc > 0) {
        struct prune_runs runs = {0};
        rc = prune_find(p->cat, p->terms, &walk, &runs, err);
        int taken = rc < 0 ? rc : take(p, &runs, err);
        rc = taken < 0 ? taken : rc;
        prune_runs_free(&runs);
    }
    return rc;
}

/* The files of runs that a prune of before took away and that was ended, or could not remove them. */
static int take_leftovers(struct pass *p, struct err *err)
{
    size_t none = 0;
    int rc = take_files(p, err);
    while (rc == 0 && p->nfiles)
        rc = slice(p, NULL, &none, err);
    return rc;
}

static int old_slice(struct pass *p, int64_t *n, struct err *err)
{
    int rc = catalogue_begin(p->cat, err);
    int64_t begun = clock_mono();
    if (rc == 0)
        rc = prune_old(p->cat, p->terms, OLD, n, err);
    if (rc == 0 && !*n)
        rc = pruned_put(p->cat, p->terms->now, err);
    if (rc == 0)
        rc = catalogue_commit(p->cat, err);
    catalogue_rollback(p->cat);
    let_others(clock_mono() - begun);
    return rc;
}

static int take_old(struct pass *p, struct err *err)
{
    int64_t n = 1;
    int rc = 0;
    while (rc == 0 && n) {
        rc = old_slice(p, &n, err);
        p->pruned->others += rc == 0 ? n : 0;
        catalogue_checkpoint(p->cat, CATALOGUE_WAL_BYTES);
    }
    return rc;
}

/* The directory's own lock: it ends with us, however we end, and leaves no file. -1: none was needed. */
static int lock(const char *catalogue, int *fd, struct err *err)
{
    char *dir = xstrndup(catalogue, (size_t)(strrchr(catalogue, '/') - catalogue));
    *fd = open(dir[0] ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = *fd < 0 ? err_sys(err, ERR_IO, "cannot open directory %s", dir) : 0;
    if (rc == 0 && flock(*fd, LOCK_EX | LOCK_NB) < 0)
        rc = errno == EWOULDBLOCK
                 ? err_set(err, ERR_BUSY, "another process prunes the catalogue %s", catalogue)
                 : err_sys(err, ERR_IO, "cannot lock directory %s", dir);
    free(dir);
    return rc;
}

int prune(struct catalogue *cat, const struct prune_terms *terms, bool dry, struct pruned *pruned,
          struct err *err)
{
    struct pass p = {.cat = cat, .terms = terms, .dry = dry, .pruned = pruned};
    int fd = -1;
    int rc = dry ? 0 : lock(catalogue_path(cat), &fd, err);
    if (rc == 0 && !dry)
        rc = take_leftovers(&p, err);
    if (rc == 0)
        rc = take_runs(&p, err);
    if (rc == 0 && !dry)
        rc = take_leftovers(&p, err);
    if (rc == 0 && !dry)
        rc = take_old(&p, err);
    free(p.files);
    if (fd >= 0)
        close(fd);
    return rc;
}
