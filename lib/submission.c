#include "submission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "after.h"
#include "buf.h"
#include "duration.h"
#include "hostrange.h"
#include "io.h"
#include "jobfile.h"
#include "schedule_lookup.h"
#include "specification.h"
#include "xalloc.h"

static struct submission_entry *add(struct submission *submission, const char *place)
{
    submission->v = xreallocarray(submission->v, submission->n + 1, sizeof *submission->v);
    struct submission_entry *entry = &submission->v[submission->n++];
    *entry = (struct submission_entry){.place = xstrdup(place)};
    return entry;
}

void submission_free(struct submission *submission)
{
    for (size_t i = 0; i < submission->n; i++) {
        if (!submission->v[i].spec)
            job_free(&submission->v[i].job);
        free(submission->v[i].place);
        free(submission->v[i].name);
        free(submission->v[i].item);
        free(submission->v[i].pin);
    }
    free(submission->v);
    *submission = (struct submission){0};
}

/* ---- from files ---- */

/* The list's jobs become entries. */
static void take_jobs(struct submission *submission, const char *place, struct joblist *jobs)
{
    for (size_t i = 0; i < jobs->n; i++) {
        struct submission_entry *entry = add(submission, place);
        entry->job = jobs->v[i];
        entry->deadline_ms = jobs->v[i].deadline_ms;
    }
    free(jobs->v); /* what was in it has moved */
    *jobs = (struct joblist){0};
}

void submission_add_file(struct submission *submission, const char *file, struct errlist *errors)
{
    struct buf text = {0};
    struct joblist jobs = {0};
    struct err err = {0};
    bool is_stdin = strcmp(file, "-") == 0;
    const char *place = is_stdin ? "standard input" : file;
    int rc = is_stdin ? io_read_all(STDIN_FILENO, JOBFILE_FILE_MAX, &text, &err)
                      : io_read_file(file, JOBFILE_FILE_MAX, &text, &err);
    if (rc < 0)
        errlist_add(errors, err.code, is_stdin || err.code == ERR_DATA ? place : NULL, "%s%s",
                    err.msg, err.code == ERR_DATA || is_stdin ? "" : " (a command goes after --)");
    else if (jobfile_parse(file, buf_str(&text), text.len, &jobs, errors) == 0)
        take_jobs(submission, place, &jobs);
    buf_free(&text);
}

/* ---- a command ---- */

/* A job's name from a command: its base name, with what a name may not hold made to '_'. */
static char *name_of_command(const char *command)
{
    char name[64] = "";
    size_t len = 0, end = strcspn(command, " \t\n;|&<>()");
    size_t begin = end;
    while (begin && command[begin - 1] != '/')
        begin--;
    for (; begin < end && len < sizeof name - 1; begin++) {
        char c = command[begin];
        bool fine = c && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", c);
        if (!fine && len)
            fine = strchr("0123456789.-", c) != NULL;
        name[len++] = (char)(fine ? c : '_');
    }
    return xstrdup(name_is_valid(name) ? name : "command");
}

void submission_add_command(struct submission *submission, char *const words[], size_t n)
{
    static const char shell[] = " \t\n|&;<>()$`\\\"'*?[]#~=%!{}";
    struct submission_entry *entry = add(submission, "command line");
    struct job *job = &entry->job;
    entry->is_command = true;
    job_init(job);
    job->name = name_of_command(words[0]);
    if (n == 1 && words[0][strcspn(words[0], shell)]) {
        job->executor = EXECUTOR_SHELL;
        job->text = xstrdup(words[0]);
        return;
    }
    job->executor = EXECUTOR_EXEC;
    for (size_t i = 0; i < n; i++)
        strlist_add(&job->argv, words[i]);
}

/* ---- runs again ---- */

static int add_rerun(const struct run *run, void *arg)
{
    struct submission *submission = arg;
    char place[32];
    (void)snprintf(place, sizeof place, "run %lld", (long long)run->id);
    struct submission_entry *entry = add(submission, place);
    entry->spec = run->spec;
    entry->name = xstrdup(run->job);
    entry->priority = run->priority;
    entry->rerun_of = run->id;
    entry->due_at = run->due_at;
    entry->array = run->array;
    entry->index = run->index;
    entry->item = run->item ? xstrdup(run->item) : NULL;
    entry->pin = run->pin ? xstrdup(run->pin) : NULL;
    entry->shards = run->shards;
    entry->needs = run->needs;
    return 0;
}

/* Both are sorted copies of small things: which id has no entry? */
static int missing(const struct submission *submission, const struct selection *runs,
                   struct err *err)
{
    for (size_t i = 0; i < runs->n; i++) {
        size_t at = 0;
        while (at < submission->n && submission->v[at].rerun_of != runs->ids[i])
            at++;
        if (at == submission->n)
            return err_set(err, ERR_ANSWER, "there is no run %lld: nothing was submitted",
                           (long long)runs->ids[i]);
    }
    return 0;
}

/* Turns an entry with a spec into one with a job. */
static int parse_stored(struct submission_entry *entry, struct catalogue *cat, struct err *err)
{
    int rc = specification_read(cat, entry->spec, &entry->job, err);
    if (rc < 0)
        return err_place(err, "%s", entry->place);
    /* one that was submitted on top may be above what a job may ask for */
    entry->job.priority = entry->priority < JOB_PRIORITY_MAX ? entry->priority : JOB_PRIORITY_MAX;
    entry->spec = 0;
    return 0;
}

int submission_add_reruns(struct submission *submission, const struct selection *runs, bool parse,
                          struct catalogue *cat, struct err *err)
{
    const struct run_query query = {.ids = runs->ids, .nids = runs->n};
    int rc = run_select(cat, &query, add_rerun, submission, err);
    if (rc == 0 && submission->n < runs->n)
        rc = missing(submission, runs, err);
    for (size_t i = 0; rc == 0 && parse && i < submission->n; i++)
        rc = parse_stored(&submission->v[i], cat, err);
    return rc;
}

/* Its specification is read, though it may stay the same: it may be an array, and may want parameters. */
int submission_add_job(struct submission *submission, const char *name, struct catalogue *cat,
                       struct err *err)
{
    struct job_row row;
    int rc = job_get(cat, name, &row, err);
    if (rc == ERR_ANSWER)
        return schedule_no_job(cat, name, err);
    if (rc < 0)
        return rc;
    char *place = xasprintf("job %s", name);
    struct submission_entry *entry = add(submission, place);
    entry->spec = row.spec;
    entry->name = xstrdup(name);
    entry->priority = row.priority;
    entry->deadline_ms = row.deadline_ms;
    free(place);
    job_row_free(&row);
    return parse_stored(entry, cat, err);
}

/* ---- what the command line says instead ---- */

/* A run of `each` had its host given: another wish takes that away. */
static void unpin(struct submission_entry *entry, const struct overrides *overrides)
{
    if (!overrides->hosts && !overrides->tags.n)
        return;
    free(entry->pin);
    entry->pin = NULL;
}

static void override_job(struct job *job, const struct overrides *overrides,
                         const struct strlist *hosts, int64_t timeout_ms)
{
    if (overrides->name) {
        free(job->name);
        job->name = xstrdup(overrides->name);
    }
    if (overrides->hosts) {
        strlist_free(&job->hosts);
        strlist_copy(&job->hosts, hosts);
        job->places[JOB_HOSTS] = (struct job_place){0};
    }
    for (size_t i = 0; i < overrides->tags.n; i++)
        if (!strlist_has(&job->tags, overrides->tags.v[i]))
            strlist_add(&job->tags, overrides->tags.v[i]);
    if (overrides->tags.n)
        job->places[JOB_TAGS] = (struct job_place){0};
    if (overrides->slots) {
        job->slots = (int)overrides->slots;
        job->places[JOB_SLOTS] = (struct job_place){0};
    }
    if (overrides->timeout)
        job->timeout_ms = timeout_ms;
    if (overrides->has_priority)
        job->priority = (int)overrides->priority;
    if (overrides->at_once)
        job->at_once = (int)overrides->at_once;
    if (overrides->stop_after)
        job->stop_after = (int)overrides->stop_after;
}

int submission_override(struct submission *submission, const struct overrides *overrides,
                        struct err *err)
{
    struct strlist hosts = {0};
    int64_t timeout_ms = 0;
    int rc = 0;
    if (overrides->name && !name_is_valid(overrides->name))
        rc =
            err_set(err, ERR_USAGE,
                    "--name: '%s' is no job's name (letters, digits, '.', '_' and '-', at most 64)",
                    overrides->name);
    else if (overrides->name && submission->n > 1)
        rc = err_set(err, ERR_USAGE, "--name is for one job, these are %zu", submission->n);
    if (rc == 0 && overrides->timeout &&
        (rc = duration_parse(overrides->timeout, &timeout_ms, err)) < 0)
        err_place(err, "--timeout");
    if (rc == 0 && overrides->hosts && (rc = hostrange_expand(overrides->hosts, &hosts, err)) < 0)
        err_place(err, "--host");
    for (size_t i = 0; rc == 0 && i < submission->n; i++)
        if (!submission->v[i].spec) {
            override_job(&submission->v[i].job, overrides, &hosts, timeout_ms);
            unpin(&submission->v[i], overrides);
        }
    strlist_free(&hosts);
    return rc < 0 ? (err->code = ERR_USAGE) : 0;
}

/* ---- what they come after ---- */

int submission_check_after(const struct submission *submission, struct catalogue *cat,
                           struct errlist *errors, struct err *err)
{
    struct after_job *jobs = xcalloc(submission->n + 1, sizeof *jobs);
    size_t n = 0;
    for (size_t i = 0; i < submission->n; i++) {
        const struct submission_entry *entry = &submission->v[i];
        if (!entry->spec && !entry->rerun_of)
            jobs[n++] = (struct after_job){&entry->job, entry->place};
    }
    int rc = after_check(jobs, n, cat, errors, err);
    free(jobs);
    return rc;
}
