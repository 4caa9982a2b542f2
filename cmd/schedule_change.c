/* rota schedule pause, resume, skip, remove: what a person does to a registered job. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "exitcode.h"
#include "log.h"
#include "opt.h"
#include "schedule.h"
#include "schedule_commands.h"
#include "specification.h"
#include "xalloc.h"

struct change {
    const char *kind; /* of the event */
    const char *reason;
    bool dry_run;
    char *actor;
    int64_t now;
    const struct config *config;
    int (*make)(struct change *c, struct catalogue *cat, struct job_row *row, struct err *err);
};

static int pause_job(struct change *c, struct catalogue *cat, struct job_row *row, struct err *err)
{
    if (!row->timetable)
        return err_set(err, ERR_ANSWER, "job '%s' has no schedule to pause", row->name);
    int rc = row->paused_at ? 0 : schedule_settle(cat, c->config, row, c->now, err);
    if (!row->paused_at)
        row->paused_at = c->now;
    free(row->paused);
    row->paused = c->reason ? xstrdup(c->reason) : NULL;
    return rc < 0 ? rc : job_set(cat, row, err);
}

static int resume_job(struct change *c, struct catalogue *cat, struct job_row *row, struct err *err)
{
    if (!row->paused_at)
        return err_set(err, ERR_ANSWER, "job '%s' is not paused", row->name);
    int rc = schedule_settle(cat, c->config, row, c->now, err);
    row->paused_at = 0;
    free(row->paused);
    row->paused = NULL;
    return rc < 0 ? rc : job_set(cat, row, err);
}

static int skip_next(struct change *c, struct catalogue *cat, struct job_row *row, struct err *err)
{
    int rc = schedule_settle(cat, c->config, row, c->now, err);
    if (rc == 0 && !row->next_at)
        rc = err_set(err, ERR_ANSWER, "job '%s' is not due again: there is nothing to skip",
                     row->name);
    row->skip = true;
    return rc < 0 ? rc : job_set(cat, row, err);
}

static int remove_job(struct change *c, struct catalogue *cat, struct job_row *row, struct err *err)
{
    return schedule_retire(cat, c->config, row, c->now, err);
}

static int change_one(struct change *c, struct catalogue *cat, const char *name, struct err *err)
{
    struct job_row row;
    int rc = schedule_get(cat, name, &row, err);
    if (rc == 0)
        rc = c->make(c, cat, &row, err);
    if (rc == 0)
        rc = event_add(cat, c->now, 0, c->kind, c->actor, name, err);
    job_row_free(&row);
    return rc;
}

/* ---- who comes after what is removed ---- */

struct removed {
    struct catalogue *cat;
    char **names;
    int n;
};

static bool is_removed(const struct removed *removed, const char *name)
{
    int i = 0;
    while (i < removed->n && strcmp(removed->names[i], name) != 0)
        i++;
    return i < removed->n;
}

/* A specification that cannot be read is no matter of who removes another. */
static int warn_if_after(const struct job_row *row, void *arg)
{
    const struct removed *removed = arg;
    struct job job;
    if (!row->expands || specification_read(removed->cat, row->spec, &job, NULL) < 0)
        return 0;
    for (size_t i = 0; i < job.nafter; i++)
        if (is_removed(removed, job.after[i].job))
            log_warn("job %s comes after %s, which is not registered any more: its runs will wait "
                     "until their day is over, and be cancelled",
                     row->name, job.after[i].job);
    job_free(&job);
    return 0;
}

/* All of them in one transaction, or none. */
static int change_all(struct change *c, struct command *command, char **names, int n,
                      struct err *err)
{
    int rc = command_open(command, CATALOGUE_WRITE, err);
    c->now = clock_now();
    c->config = &command->config;
    if (rc == 0)
        rc = catalogue_begin(command->cat, err);
    if (rc < 0)
        return rc;
    for (int i = 0; rc == 0 && i < n; i++)
        rc = change_one(c, command->cat, names[i], err);
    struct removed removed = {command->cat, names, n};
    if (rc == 0 && c->make == remove_job)
        rc = job_select(command->cat, warn_if_after, &removed, err);
    if (rc == 0 && !c->dry_run)
        rc = catalogue_commit(command->cat, err);
    catalogue_rollback(command->cat);
    for (int i = 0; rc == 0 && i < n; i++)
        printf("%s\n", names[i]);
    return rc;
}

static int change(struct change c, struct command *command, int argc, char **argv, struct err *err)
{
    const struct option_row options[] = {
        {'n', "dry-run", OPT_FLAG, &c.dry_run}, {0, "reason", OPT_STRING, &c.reason}, {0}};
    int first = opt_parse(argc, argv, options, schedule_usage, NULL, err);
    if (first < 0)
        return first;
    if (first == argc)
        return err_set(err, ERR_USAGE, "%s wants the names of jobs", argv[0]);
    if (c.reason && c.make != pause_job)
        return err_set(err, ERR_USAGE, "--reason is for pause");
    c.actor = command_actor();
    int rc = change_all(&c, command, argv + first, argc - first, err);
    free(c.actor);
    return rc;
}

int schedule_pause(struct command *command, int argc, char **argv, struct err *err)
{
    return change((struct change){.kind = "pause", .make = pause_job}, command, argc, argv, err);
}

int schedule_resume(struct command *command, int argc, char **argv, struct err *err)
{
    return change((struct change){.kind = "unpause", .make = resume_job}, command, argc, argv, err);
}

int schedule_skip(struct command *command, int argc, char **argv, struct err *err)
{
    return change((struct change){.kind = "skip", .make = skip_next}, command, argc, argv, err);
}

int schedule_remove(struct command *command, int argc, char **argv, struct err *err)
{
    return change((struct change){.kind = "remove", .make = remove_job}, command, argc, argv, err);
}
