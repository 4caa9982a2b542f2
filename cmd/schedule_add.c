/* rota schedule add: makes the catalogue know jobs as their files describe them. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "after.h"
#include "buf.h"
#include "clock.h"
#include "exitcode.h"
#include "jobdiff.h"
#include "jobfile.h"
#include "log.h"
#include "opt.h"
#include "schedule.h"
#include "schedule_advice.h"
#include "schedule_commands.h"
#include "specification.h"
#include "submission.h"
#include "timetable.h"
#include "xalloc.h"
#include "zone.h"

enum verdict { UNCHANGED, ADDED, CHANGED };

struct adding {
    bool prune, dry_run;
    struct submission jobs;
    const struct submission_entry **by_name; /* those of jobs, sorted */
    struct errlist errors;
    char *zone; /* of schedules that name none */
    char *actor;
    int64_t now;
    const struct config *config;
    struct crowd crowd;
    struct buf report; /* printed after the commit */
};

/* ---- files ---- */

static bool is_jobfile(const char *name)
{
    static const char *const ends[] = {".yaml", ".yml", ".json"};
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t end = strlen(ends[i]);
        if (name[0] != '.' && len > end && strcmp(name + len - end, ends[i]) == 0)
            return true;
    }
    return false;
}

static int only_jobfiles(const struct dirent *entry)
{
    return is_jobfile(entry->d_name);
}

static void add_directory(struct adding *a, const char *path)
{
    struct dirent **entries = NULL;
    int n = scandir(path, &entries, only_jobfiles, alphasort);
    if (n < 0)
        errlist_add(&a->errors, ERR_IO, path, "cannot read the directory: %s", strerror(errno));
    for (int i = 0; i < n; i++) {
        char *file = xasprintf("%s/%s", path, entries[i]->d_name);
        submission_add_file(&a->jobs, file, &a->errors);
        free(file);
        free(entries[i]);
    }
    free(entries);
}

static void add_all(struct adding *a, char **paths, int n)
{
    for (int i = 0; i < n; i++) {
        struct stat st;
        if (strcmp(paths[i], "-") != 0 && stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode))
            add_directory(a, paths[i]);
        else
            submission_add_file(&a->jobs, paths[i], &a->errors);
    }
}

/* ---- checks ---- */

static int by_name(const void *a, const void *b)
{
    const struct submission_entry *const *x = a, *const *y = b;
    return strcmp((*x)->job.name, (*y)->job.name);
}

/* A name is a job's identity. */
static void check_names(struct adding *a)
{
    const struct submission_entry **v = a->by_name = xcalloc(a->jobs.n + 1, sizeof(void *));
    for (size_t i = 0; i < a->jobs.n; i++)
        v[i] = &a->jobs.v[i];
    qsort(v, a->jobs.n, sizeof(void *), by_name);
    for (size_t i = 1; i < a->jobs.n; i++)
        if (strcmp(v[i - 1]->job.name, v[i]->job.name) == 0)
            errlist_add(&a->errors, ERR_DATA, v[i]->place, "the job '%s' is also in %s",
                        v[i]->job.name, v[i - 1]->place);
}

/* What jobs come after, also by way of those that are registered; cat NULL: none is. */
static int check_after(struct adding *a, struct catalogue *cat, struct err *err)
{
    struct after_job *jobs = xcalloc(a->jobs.n + 1, sizeof *jobs);
    for (size_t i = 0; i < a->jobs.n; i++)
        jobs[i] = (struct after_job){&a->jobs.v[i].job, a->jobs.v[i].place};
    int rc = after_check(jobs, a->jobs.n, cat, &a->errors, err);
    free(jobs);
    return rc;
}

/* ---- one job ---- */

/* The row that the file asks for, but for its specification, whose text is added to spec. */
static struct job_row make_row(const struct adding *a, const struct submission_entry *entry,
                               struct buf *spec)
{
    const struct job *job = &entry->job;
    struct buf timetable = {0};
    jobfile_write(job, spec);
    if (job_is_scheduled(job))
        timetable_write(&job->schedule, a->zone, &timetable);
    const struct job_row row = {
        .name = xstrdup(job->name),
        .priority = job->priority,
        .timetable = timetable.len ? xstrdup(buf_str(&timetable)) : NULL,
        .jitter_ms = job->schedule.jitter_ms,
        .deadline_ms = job->deadline_ms,
        .catch_up = job->schedule.catch_up,
        .overlap = job->schedule.overlap,
        .expands = job_expands(job),
        .source = xstrdup(entry->place),
        .added_at = a->now,
    };
    buf_free(&timetable);
    return row;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void report(struct adding *a, const char *verdict, const char *name)
{
    buf_addf(&a->report, "%s %s\n", verdict, name);
}

/* For --dry-run: the keys that differ, as the file would say them. */
static int report_diff(struct adding *a, struct catalogue *cat, const struct job_row *old,
                       const char *spec, struct err *err)
{
    char *before = NULL;
    int rc = old->name ? spec_get(cat, old->spec, &before, err) : 0;
    if (rc == 0)
        jobdiff_write(before ? before : "{}", spec, &a->report);
    free(before);
    return rc;
}

/* What was due until now keeps the outcome it had under the old schedule; a new one is due from now
 * on. */
static int store(struct adding *a, struct catalogue *cat, const struct submission_entry *entry,
                 struct job_row *old, struct job_row *row, const char *spec, struct err *err)
{
    bool timing = !old->name || !same_text(old->timetable, row->timetable);
    enum verdict verdict = !old->name                         ? ADDED
                           : timing || old->spec != row->spec ? CHANGED
                                                              : UNCHANGED;
    int rc = 0;
    if (old->name)
        rc = schedule_settle(cat, a->config, old, a->now, err);
    row->next_at = old->next_at;
    row->last_at = old->last_at;
    if (rc == 0 && timing &&
        schedule_advise(entry->place, row, old->timetable, a->now, &a->errors) < 0)
        return 0; /* told with all the others' errors, and nothing is committed */
    if (rc == 0 && timing)
        rc = schedule_first(row, a->now, &row->next_at, err);
    if (rc == 0 && verdict != UNCHANGED)
        rc = job_put(cat, row, err);
    if (rc == 0 && verdict != UNCHANGED)
        rc = event_add(cat, a->now, 0, "add", a->actor, row->name, err);
    crowd_add(&a->crowd, row->next_at);
    if (verdict == UNCHANGED)
        log_info("%s is unchanged", row->name);
    else
        report(a, verdict == ADDED ? "added" : "changed", row->name);
    if (rc == 0 && verdict != UNCHANGED && a->dry_run)
        rc = report_diff(a, cat, old, spec, err);
    return rc;
}

static int add_one(struct adding *a, struct catalogue *cat, const struct submission_entry *entry,
                   struct err *err)
{
    struct buf spec = {0};
    struct job_row old = {0}, row = make_row(a, entry, &spec);
    int rc = specification_put(cat, &entry->job, &spec, &row.spec, err);
    if (rc == 0)
        rc = job_get(cat, entry->job.name, &old, err);
    if (rc == ERR_ANSWER)
        rc = 0;
    if (rc == 0)
        rc = store(a, cat, entry, &old, &row, buf_str(&spec), err);
    job_row_free(&old);
    job_row_free(&row);
    buf_free(&spec);
    return rc;
}

/* ---- --prune ---- */

struct pruning {
    struct adding *a;
    struct strlist names;
};

static int collect(const struct job_row *row, void *arg)
{
    struct pruning *p = arg;
    const struct submission_entry key = {.job = {.name = row->name}}, *wanted = &key;
    if (!bsearch(&wanted, p->a->by_name, p->a->jobs.n, sizeof(void *), by_name))
        strlist_add(&p->names, row->name);
    return 0;
}

static int remove_job(struct adding *a, struct catalogue *cat, const char *name, struct err *err)
{
    struct job_row row;
    int rc = job_get(cat, name, &row, err);
    if (rc == 0)
        rc = schedule_retire(cat, a->config, &row, a->now, err);
    job_row_free(&row);
    return rc < 0 ? rc : event_add(cat, a->now, 0, "remove", a->actor, name, err);
}

static int prune(struct adding *a, struct catalogue *cat, struct err *err)
{
    struct pruning p = {.a = a};
    int rc = job_select(cat, collect, &p, err);
    for (size_t i = 0; rc == 0 && i < p.names.n; i++) {
        rc = remove_job(a, cat, p.names.v[i], err);
        report(a, "removed", p.names.v[i]);
    }
    strlist_free(&p.names);
    return rc;
}

/* ---- the command ---- */

static int tell_errors(struct adding *a, struct err *err)
{
    return a->errors.n ? command_errors(&a->errors, err) : 0;
}

/* All or nothing, in one transaction; what is wrong anywhere is said at once. */
static int add_jobs(struct adding *a, struct catalogue *cat, struct err *err)
{
    int rc = catalogue_begin(cat, err);
    if (rc == 0)
        rc = check_after(a, cat, err);
    for (size_t i = 0; rc == 0 && i < a->jobs.n; i++)
        rc = add_one(a, cat, &a->jobs.v[i], err);
    if (rc == 0)
        rc = tell_errors(a, err);
    if (rc == 0 && a->prune)
        rc = prune(a, cat, err);
    if (rc == 0 && !a->dry_run)
        rc = catalogue_commit(cat, err);
    catalogue_rollback(cat);
    if (rc == 0) {
        crowd_warn(&a->crowd);
        (void)fputs(buf_str(&a->report), stdout);
    }
    return rc;
}

/* --dry-run where there is no catalogue yet, and none is to be made. */
static int show_all_new(struct adding *a, struct err *err)
{
    int checked = check_after(a, NULL, err);
    if (checked < 0)
        return checked;
    for (size_t i = 0; i < a->jobs.n; i++) {
        struct buf spec = {0};
        struct job_row row = make_row(a, &a->jobs.v[i], &spec);
        (void)schedule_advise(a->jobs.v[i].place, &row, NULL, a->now, &a->errors);
        report(a, "added", row.name);
        jobdiff_write("{}", buf_str(&spec), &a->report);
        job_row_free(&row);
        buf_free(&spec);
    }
    zone_restore();
    int rc = tell_errors(a, err);
    if (rc == 0)
        (void)fputs(buf_str(&a->report), stdout);
    return rc;
}

static int run_add(struct adding *a, struct command *command, char **paths, int n, struct err *err)
{
    if (!n)
        return err_set(err, ERR_USAGE, "nothing to add: name job files, directories or '-'");
    add_all(a, paths, n);
    int rc = tell_errors(a, err);
    if (rc == 0)
        rc = command_configure(command, err);
    if (rc < 0)
        return rc;
    a->config = &command->config;
    check_names(a);
    submission_check(&a->jobs, &command->config, &a->errors);
    submission_check_scheduled(&a->jobs, &a->errors);
    rc = tell_errors(a, err);
    if (rc == 0 && !a->jobs.n)
        rc = err_set(err, ERR_DATA, "there is no job file in what was named%s",
                     a->prune ? ": nothing was removed (rota schedule remove takes jobs out)" : "");
    a->zone = schedule_zone(&command->config);
    a->now = clock_now();
    if (rc == 0 && a->dry_run && access(command->config.catalogue, F_OK) < 0)
        return show_all_new(a, err);
    if (rc == 0)
        rc = command_open(command, CATALOGUE_CREATE, err);
    if (rc < 0)
        return rc;
    rc = add_jobs(a, command->cat, err);
    zone_restore();
    return rc;
}

int schedule_add(struct command *command, int argc, char **argv, struct err *err)
{
    struct adding a = {.actor = command_actor()};
    const struct option_row options[] = {
        {'n', "dry-run", OPT_FLAG, &a.dry_run}, {0, "prune", OPT_FLAG, &a.prune}, {0}};
    int first = opt_parse(argc, argv, options, schedule_usage, NULL, err);
    int rc = first < 0 ? first : run_add(&a, command, argv + first, argc - first, err);
    submission_free(&a.jobs);
    errlist_free(&a.errors);
    buf_free(&a.report);
    crowd_free(&a.crowd);
    free(a.by_name);
    free(a.zone);
    free(a.actor);
    return rc;
}
