#include "jobfile.h"

#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "jobfile_keys.h"
#include "jobfile_read.h"
#include "xalloc.h"
#include "yamltree.h"

void joblist_free(struct joblist *jobs)
{
    for (size_t i = 0; i < jobs->n; i++)
        job_free(&jobs->v[i]);
    free(jobs->v);
    *jobs = (struct joblist){0};
}

/* "dir/nightly.yaml" is "nightly"; what a name may not have becomes '-'. */
static char *name_of_file(const char *file)
{
    static const char *const endings[] = {".yaml", ".yml", ".json"};
    if (strcmp(file, "-") == 0)
        return xstrdup("stdin");
    const char *slash = strrchr(file, '/');
    char *name = xasprintf("_%s", slash ? slash + 1 : file); /* room for a first letter */
    char *p = name + 1;
    size_t len = strlen(p);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);
        if (len > ending && strcmp(p + len - ending, endings[i]) == 0)
            p[len -= ending] = '\0';
    }
    if (len > NAME_MAX_LEN - 1)
        p[NAME_MAX_LEN - 1] = '\0';
    for (size_t i = 0; p[i]; i++) {
        char one[3] = {'a', p[i], '\0'};
        if (!name_is_valid(one))
            p[i] = '-';
    }
    /* "2fast" and "last" are no names: "_2fast" and "_last" are */
    char *result = xstrdup(name_is_valid(p) ? p : name);
    free(name);
    return result;
}

/* Most texts are far too short to grow over the limit; only the others are written out to see. An
 * accepted job must be readable again: the dispatcher reads its normalised text. */
static void check_size(struct field_reader *r, const struct yaml_node *document,
                       const struct job *job, size_t len)
{
    struct buf text = {0};
    if (len < JOBFILE_MAX / 8 && job->hosts.n < JOBFILE_MAX / 512)
        return;
    jobfile_write(job, &text);
    if (text.len > JOBFILE_MAX)
        field_complain(r, document, "the job is over the limit of 1 MiB when it is written out");
    buf_free(&text);
}

static void read_documents(struct field_reader *r, const char *file, size_t len,
                           const struct yaml_documents *docs, struct joblist *jobs)
{
    bool unnamed = false;
    jobs->v = xcalloc(docs->n, sizeof *jobs->v);
    for (size_t i = 0; i < docs->n; i++) {
        struct job *job = &jobs->v[jobs->n++];
        size_t errors = r->errors->n;
        job_init(job);
        jobfile_read_job(r, &docs->v[i], job);
        if (errors != r->errors->n || docs->v[i].bad)
            continue;
        if (!job->name) {
            if (unnamed)
                field_complain(r, &docs->v[i], "a second job without a name: give it a name:");
            unnamed = true;
            job->name = name_of_file(file);
        }
        check_size(r, &docs->v[i], job, len);
    }
}

int jobfile_parse(const char *file, const char *text, size_t len, struct joblist *jobs,
                  struct errlist *errors)
{
    struct field_reader r = {.file = strcmp(file, "-") == 0 ? "standard input" : file,
                             .errors = errors};
    struct yaml_documents docs = {0};
    size_t before = errors->n;
    *jobs = (struct joblist){0};
    if (len > JOBFILE_FILE_MAX) {
        errlist_add(errors, ERR_DATA, r.file, "is over the limit of 64 MiB: split it");
        return ERR_DATA;
    }
    yaml_parse(r.file, text, len, JOBFILE_DEPTH, &docs, errors);
    bool whole = errors->n == before;
    read_documents(&r, file, len, &docs, jobs);
    if (whole && !docs.n)
        errlist_add(errors, ERR_DATA, r.file, "holds no job");
    yaml_documents_free(&docs);
    if (errors->n == before)
        return 0;
    joblist_free(jobs);
    return ERR_DATA;
}

/* ---- jobs made by hand ---- */

static bool is_text(const char *s)
{
    return !s || escape_is_utf8(s, strlen(s));
}

static bool are_texts(const struct strlist *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (!is_text(list->v[i]))
            return false;
    return true;
}

int jobfile_check(const struct job *job, struct err *err)
{
    struct buf text = {0};
    struct joblist back;
    struct errlist errors = {0};
    if (!is_text(job->name) || !is_text(job->text) || !are_texts(&job->argv) ||
        !is_text(job->stdin_text) || !are_texts(&job->env) || !is_text(job->workdir) ||
        !is_text(job->user) || !are_texts(&job->tags) || !are_texts(&job->hosts) ||
        !are_texts(&job->parameters))
        return err_set(err, ERR_DATA,
                       "a job is text in UTF-8: put other bytes into a file that the job reads");
    /* what reads back keeps the rules, and no rule is written twice */
    jobfile_write(job, &text);
    int rc = jobfile_parse("-", buf_data(&text), text.len, &back, &errors);
    if (rc < 0)
        rc = err_set(err, ERR_DATA, "%s", errors.v[0].msg);
    joblist_free(&back);
    errlist_free(&errors);
    buf_free(&text);
    return rc;
}
