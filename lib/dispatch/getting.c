/*
 * getting: files that runs give us. They come after a run's output and before its result, part by part, and
 * are written beside its output. Before the result counts they are whole, as their checksums say, and on disk;
 * those of a run that succeeded are in the place that its job names. A connection that breaks meanwhile has
 * the worker send all of them again: it keeps them until the result is acknowledged.
 */
#include "dispatch/internal.h"

#include <stdlib.h>
#include <string.h>

#include "output_files.h"
#include "sha256.h"
#include "xalloc.h"

struct getting {
    uint64_t file, at; /* the one that comes, and bytes of it */
    struct sha256 sha;
    uint64_t done; /* bit N: file N came whole */
    bool kept;     /* they are durable and in their places */
    char *why;     /* what is wrong with one; NULL: nothing */
};

static void complain(struct getting *g, char *taken_why)
{
    if (g->why)
        free(taken_why);
    else
        g->why = taken_why;
}

static struct getting *getting_of(struct work *work)
{
    if (!work->getting)
        work->getting = xcalloc(1, sizeof *work->getting);
    return work->getting;
}

void getting_free(struct work *work)
{
    if (work->getting)
        free(work->getting->why);
    free(work->getting);
    work->getting = NULL;
}

void getting_again(struct work *work)
{
    getting_free(work);
}

/* ---- what comes ---- */

static int nonsense(const struct work *work, struct err *err)
{
    return err_set(err, ERR_DATA, "the worker sent parts of files out of their order, of run %lld",
                   (long long)work->id);
}

/* The first time that bytes are wrong the worker is asked again, as for output. */
static int check_whole(struct work *work, const struct job_file *file, const struct message *m,
                       const struct message_field *sha, struct err *err)
{
    struct getting *g = work->getting;
    unsigned char hash[SHA256_SIZE];
    sha256_end(&g->sha, hash);
    if (message_get_u64(m, TAG_SIZE, UINT64_MAX) == g->at && sha->len == sizeof hash &&
        memcmp(sha->p, hash, sizeof hash) == 0) {
        g->done |= UINT64_C(1) << g->file;
        return 0;
    }
    if (!work->lacked) {
        work->lacked = true;
        return err_set(err, ERR_DATA, "the file %s of run %lld does not have its checksum",
                       file->from, (long long)work->id);
    }
    complain(g, xasprintf("files.get: %s came without its checksum twice", file->from));
    return 0;
}

static int take_data(struct dispatch *d, struct work *work, const struct job_file *file,
                     uint64_t index, uint64_t offset, const struct message_field *data,
                     struct err *err)
{
    struct getting *g = work->getting;
    if (offset == 0) {
        g->file = index;
        g->at = 0;
        g->kept = false;
        g->done &= ~(UINT64_C(1) << index);
        sha256_begin(&g->sha);
    }
    if (g->file != index || g->at != offset || g->done >> index & 1 ||
        data->len > JOB_FILE_MAX - offset)
        return nonsense(work, err);
    int rc = output_files_write(catalogue_path(d->cat), work->id, work->attempt,
                                job_file_name(file), offset, data->p, data->len, err);
    if (rc < 0) {
        keeping_failed(work);
        return rc;
    }
    sha256_add(&g->sha, data->p, data->len);
    g->at += data->len;
    return 0;
}

int getting_take(struct dispatch *d, struct work *work, const struct message *m, size_t *len,
                 struct err *err)
{
    const struct job_files *files = &work->spec->job.get;
    uint64_t index = message_get_u64(m, TAG_FILE, UINT64_MAX);
    struct message_field data, sha;
    if (index >= files->n)
        return nonsense(work, err);
    const struct job_file *file = &files->v[index];
    struct getting *g = getting_of(work);
    char *reason = message_get_str(m, TAG_REASON);
    if (reason)
        complain(g, xasprintf("files.get: %s: %s", file->from, reason));
    free(reason);
    if (!message_get(m, TAG_DATA, &data))
        return 0;
    int rc = take_data(d, work, file, index, message_get_u64(m, TAG_OFFSET, 0), &data, err);
    if (rc == 0 && message_get(m, TAG_SHA256, &sha))
        rc = check_whole(work, file, m, &sha, err);
    *len = data.len;
    return rc;
}

/* ---- what the result says ---- */

/* Of the files that the result names, or that a success may not lack: the first that did not come. */
static const struct job_file *first_missing(const struct work *work, uint64_t named, uint64_t done,
                                            bool success)
{
    const struct job_files *files = &work->spec->job.get;
    for (size_t i = 0; i < files->n; i++)
        if (!(done >> i & 1) && (named >> i & 1 || (success && !files->v[i].optional)))
            return &files->v[i];
    return NULL;
}

int getting_match(struct work *work, struct ending *ending, const struct message *m,
                  struct err *err)
{
    if (!work->spec->job.get.n || ending->end != END_EXIT)
        return 0;
    const struct getting *g = getting_of(work);
    uint64_t named = message_get_u64(m, TAG_FILES, 0);
    if (message_get_u64(m, TAG_FILES_FAILED, 0)) {
        ending->unfetched = ending->reason ? ending->reason : xstrdup("files.get: failed");
        ending->reason = NULL;
    }
    const struct job_file *missing =
        first_missing(work, named, g->done, job_is_success(&work->spec->job, ending->code));
    if (g->why && !ending->unfetched)
        ending->unfetched = xstrdup(g->why);
    if (!missing || ending->unfetched)
        return 0;
    if (!work->lacked) {
        work->lacked = true;
        return err_set(err, ERR_DATA, "the result of run %lld came without its file %s",
                       (long long)work->id, missing->from);
    }
    ending->unfetched = xasprintf("files.get: %s never came from the worker", missing->from);
    return 0;
}

/* ---- on disk ---- */

static void add_value(struct buf *to, const struct work *work, char word)
{
    if (word == 'r')
        buf_addf(to, "%lld", (long long)work->id);
    else if (word == 'a')
        buf_addf(to, "%d", work->attempt);
    else if (word == 'i')
        buf_addf(to, "%lld", (long long)(work->array ? work->index : 0));
    else
        buf_addstr(to, word == 'j' ? work->job : work->peer ? work->peer->place.name : "none");
}

/* `to` with what stands for words: names of jobs and hosts have no slash. */
static char *expand(const struct work *work, const struct job_file *file)
{
    static const char *const words[] = {"run", "attempt", "job", "host", "index"};
    struct buf to = {0};
    for (const char *p = file->to; *p;) {
        size_t len = 0;
        for (size_t i = 0; *p == '%' && i < sizeof words / sizeof *words; i++)
            if (strncmp(p + 1, words[i], strlen(words[i])) == 0)
                len = strlen(words[i]);
        if (len)
            add_value(&to, work, p[1]);
        else
            buf_addch(&to, *p);
        p += len + 1;
    }
    if (to.len && buf_data(&to)[to.len - 1] == '/')
        buf_addstr(&to, job_file_name(file));
    return buf_detach(&to);
}

static void place(struct dispatch *d, struct work *work)
{
    const struct job_files *files = &work->spec->job.get;
    struct ending *e = work->ending;
    for (size_t i = 0; i < files->n && !e->unfetched; i++) {
        struct err err;
        if (!(work->getting->done >> i & 1) || !files->v[i].to)
            continue;
        char *to = expand(work, &files->v[i]);
        if (output_files_place(catalogue_path(d->cat), work->id, work->attempt,
                               job_file_name(&files->v[i]), to, &err) < 0)
            e->unfetched = xasprintf("files.get: %s", err.msg);
        free(to);
    }
}

int getting_keep(struct dispatch *d, struct work *work, struct err *err)
{
    const struct job_files *files = &work->spec->job.get;
    struct getting *g = work->getting;
    const struct ending *e = work->ending;
    int rc = 0;
    for (size_t i = 0; rc == 0 && !g->kept && i < files->n; i++)
        if (g->done >> i & 1)
            rc = output_files_sync(catalogue_path(d->cat), work->id, work->attempt,
                                   job_file_name(&files->v[i]), err);
    if (rc < 0 || g->kept)
        return rc;
    g->kept = true;
    if (e->end == END_EXIT && !e->unfetched && job_is_success(&work->spec->job, e->code))
        place(d, work);
    return 0;
}
