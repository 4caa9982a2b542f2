/* What a command line says of arrays and of parameters. */
#include <stdlib.h>
#include <string.h>

#include "expansion.h"
#include "jobfile.h"
#include "near.h"
#include "schedule.h"
#include "submission.h"
#include "xalloc.h"

/* ---- --each ---- */

static bool says(const struct job *job)
{
    for (size_t i = 0; i < job->argv.n; i++)
        if (strstr(job->argv.v[i], job->placeholder))
            return true;
    return false;
}

static int each(struct submission_entry *entry, size_t n, struct err *err)
{
    struct job *job = &entry->job;
    if (job_array_any(&job->array)) {
        (void)err_set(err, ERR_DATA, "job %s is an array already: --each cannot make it another",
                      job->name);
        err_place(err, "%s", entry->place);
        return ERR_DATA;
    }
    job->array.ranges = xcalloc(1, sizeof *job->array.ranges);
    job->array.ranges[job->array.nranges++] = (struct job_indices){0, (int64_t)n - 1};
    if (!job->placeholder)
        job->placeholder = xstrdup("{}");
    if (entry->is_command && job->executor == EXECUTOR_EXEC && !says(job))
        strlist_add(&job->argv, job->placeholder);
    int rc = jobfile_check(job, err);
    if (rc < 0)
        err_place(err, "%s", entry->place);
    return rc;
}

int submission_each(struct submission *submission, const struct elements *elements, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < submission->n; i++)
        rc = each(&submission->v[i], elements->n, err);
    return rc;
}

/* Of Linux: of one argument (MAX_ARG_STRLEN, less its end), and of all, as the default of a stack allows. */
enum { ARGUMENT_MAX = (128 << 10) - 1, COMMAND_MAX = 2 << 20 };

static int check_command(const struct submission_entry *entry, const struct elements *elements,
                         struct err *err)
{
    const struct job *job = &entry->job;
    size_t word, all;
    if (!job->placeholder || !job_array_any(&job->array))
        return 0;
    all = expansion_command(job, expansion_longest(&job->array, elements), &word);
    if (word > ARGUMENT_MAX)
        (void)err_set(err, ERR_DATA,
                      "job %s: with its longest element an argument is %zu bytes, at most %d can "
                      "be executed (a command may read $ROTA_ITEM instead)",
                      job->name, word, ARGUMENT_MAX);
    else if (all > COMMAND_MAX)
        (void)err_set(err, ERR_DATA,
                      "job %s: with its longest element the command is %zu bytes, at most %d can "
                      "be executed (a command may read $ROTA_ITEM instead)",
                      job->name, all, COMMAND_MAX);
    else
        return 0;
    err_place(err, "%s", entry->place);
    return ERR_DATA;
}

int submission_check_arrays(const struct submission *submission, const struct elements *elements,
                            const struct overrides *overrides, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < submission->n; i++) {
        const struct submission_entry *entry = &submission->v[i];
        if ((overrides->at_once || overrides->stop_after) && !job_array_any(&entry->job.array))
            rc = err_set(err, ERR_USAGE, "--%s is for arrays: job %s is one run",
                         overrides->at_once ? "at-once" : "stop-after", entry->job.name);
        else
            rc = check_command(entry, elements, err);
    }
    return rc;
}

/* ---- parameters ---- */

static bool is_named(const char *parameter, const char *name, size_t len)
{
    return strncmp(parameter, name, len) == 0 && (!parameter[len] || parameter[len] == '=');
}

/* Whether the job has the parameter; then it is set. */
static bool set(struct job *job, const char *setting)
{
    size_t len = strcspn(setting, "=");
    for (size_t i = 0; i < job->parameters.n; i++)
        if (is_named(job->parameters.v[i], setting, len)) {
            free(job->parameters.v[i]);
            job->parameters.v[i] = xstrdup(setting);
            return true;
        }
    return false;
}

static int refuse(const struct submission *submission, const char *name, struct err *err)
{
    struct strlist names = {0};
    const char *who = submission->n == 1 ? submission->v[0].job.name : NULL;
    for (size_t i = 0; i < submission->n; i++) {
        const struct strlist *parameters = &submission->v[i].job.parameters;
        for (size_t p = 0; p < parameters->n; p++)
            strlist_take(&names, xstrndup(parameters->v[p], strcspn(parameters->v[p], "=")));
    }
    const char *near = near_word(name, names.v, names.n, sizeof(char *));
    (void)err_set(err, ERR_USAGE, "%s%s declares %s parameter '%.60s'%s%s%s", who ? "job " : "",
                  who ? who : "none of the jobs", who ? "no" : "a", name,
                  near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    strlist_free(&names);
    return ERR_USAGE;
}

static int set_in_all(struct submission *submission, const struct strlist *settings, size_t at,
                      struct err *err)
{
    const char *setting = settings->v[at];
    char *name = xstrndup(setting, strcspn(setting, "="));
    bool found = false;
    int rc = 0;
    if (!setting[strlen(name)])
        rc = err_set(err, ERR_USAGE, "--param wants NAME=VALUE, not '%.60s'", setting);
    for (size_t i = 0; rc == 0 && i < at; i++)
        if (is_named(settings->v[i], name, strlen(name)))
            rc = err_set(err, ERR_USAGE, "the parameter '%.60s' is given twice", name);
    for (size_t i = 0; rc == 0 && i < submission->n; i++)
        found |= set(&submission->v[i].job, setting);
    if (rc == 0 && !found)
        rc = refuse(submission, name, err);
    free(name);
    return rc;
}

/* What was set is held to the rules of a job file; what was not has to have a default. */
static int check_parameters(const struct submission_entry *entry, bool any, struct err *err)
{
    const struct strlist *parameters = &entry->job.parameters;
    int rc = any && parameters->n ? jobfile_check(&entry->job, err) : 0;
    for (size_t i = 0; rc == 0 && i < parameters->n; i++)
        if (!strchr(parameters->v[i], '='))
            rc = err_set(err, ERR_USAGE,
                         "the parameter '%s' of %s has no default: give it a value (--param "
                         "%s=…)",
                         parameters->v[i], entry->job.name, parameters->v[i]);
    if (rc < 0)
        err_place(err, "%s", entry->place);
    return rc;
}

int submission_set_parameters(struct submission *submission, const struct strlist *settings,
                              struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < settings->n; i++)
        rc = set_in_all(submission, settings, i, err);
    for (size_t i = 0; rc == 0 && i < submission->n; i++)
        rc = check_parameters(&submission->v[i], settings->n > 0, err);
    return rc;
}

/* ---- what schedules make ---- */

void submission_check_scheduled(const struct submission *submission, struct errlist *errors)
{
    for (size_t i = 0; i < submission->n; i++) {
        const struct submission_entry *entry = &submission->v[i];
        const struct job *job = &entry->job;
        if (!job_is_scheduled(job))
            continue;
        if (expansion_count(&job->array) > SCHEDULE_ARRAY_MAX)
            errlist_add(errors, ERR_DATA, entry->place,
                        "job %s: an array of a schedule has at most %d elements (a larger one is "
                        "for rota submit)",
                        job->name, SCHEDULE_ARRAY_MAX);
        struct err err;
        if (check_command(entry, NULL, &err) < 0)
            errlist_add(errors, err.code, err.place, "%s", err.msg);
        for (size_t p = 0; p < job->parameters.n; p++)
            if (!strchr(job->parameters.v[p], '='))
                errlist_add(errors, ERR_DATA, entry->place,
                            "job %s: its parameter '%s' has no default, and its schedule gives it "
                            "no value",
                            job->name, job->parameters.v[p]);
    }
}
