/* Whether a worker could ever run what is submitted: refused now is better than queued for ever. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "near.h"
#include "submission.h"

static bool has_tags(const struct host_config *host, const struct strlist *tags)
{
    for (size_t i = 0; i < tags->n; i++)
        if (!strlist_has(&host->tags, tags->v[i]))
            return false;
    return true;
}

static bool check_hosts(const struct job *job, const char *place, const struct config *config,
                        struct errlist *errors)
{
    bool fine = true;
    for (size_t i = 0; i < job->hosts.n; i++) {
        struct err err;
        if (config_host(config, job->hosts.v[i]))
            continue;
        (void)command_no_host(config, job->hosts.v[i], &err);
        errlist_add(errors, ERR_DATA, place, "%s", err.msg);
        fine = false;
    }
    return fine;
}

static bool check_tag(const char *tag, const char *place, const struct config *config,
                      struct errlist *errors)
{
    struct strlist all = {0};
    for (size_t i = 0; i < config->nhosts; i++)
        if (strlist_has(&config->hosts[i].tags, tag))
            return true;
    for (size_t i = 0; i < config->nhosts; i++)
        strlist_copy(&all, &config->hosts[i].tags);
    const char *near = near_word(tag, all.v, all.n, sizeof(char *));
    if (near)
        errlist_add(errors, ERR_DATA, place, "no worker has the tag '%s' (did you mean '%s'?)", tag,
                    near);
    else
        errlist_add(errors, ERR_DATA, place,
                    "no worker has the tag '%s' (add it to 'tags' of a [worker])", tag);
    strlist_free(&all);
    return false;
}

/* The worker with the most slots among those that match; slots 0, its processors, are not known yet
 * and count as enough. */
static void check_fit(const struct job *job, const char *place, const struct config *config,
                      struct errlist *errors)
{
    const struct host_config *best = NULL;
    for (size_t i = 0; i < config->nhosts; i++) {
        const struct host_config *host = &config->hosts[i];
        if ((job->hosts.n && !strlist_has(&job->hosts, host->name)) || !has_tags(host, &job->tags))
            continue;
        if (!host->slots || host->slots >= job->slots)
            return;
        if (!best || host->slots > best->slots)
            best = host;
    }
    if (best)
        errlist_add(errors, ERR_DATA, place,
                    "job %s wants %d slots, and the largest worker it may run on, %s, has %d",
                    job->name, job->slots, best->name, best->slots);
    else
        errlist_add(errors, ERR_DATA, place, "no worker has all the tags job %s wants%s", job->name,
                    job->hosts.n ? " among the hosts it names" : "");
}

/* Alerts that go to nobody would be found out too late. */
static void check_notify(const struct job *job, const char *place, const struct config *config,
                         struct errlist *errors)
{
    for (size_t i = 0; i < job->notify.n; i++) {
        const char *name = job->notify.v[i];
        const char *near = NULL;
        if (config_alert(config, name))
            continue;
        if (config->nalerts)
            near =
                near_word(name, &config->alerts[0].name, config->nalerts, sizeof *config->alerts);
        if (near)
            errlist_add(errors, ERR_DATA, place,
                        "'notify': there is no [alert %s] (did you mean '%s'?)", name, near);
        else
            errlist_add(errors, ERR_DATA, place, "'notify': there is no [alert %s] in rota.ini",
                        name);
    }
}

void submission_check(const struct submission *submission, const struct config *config,
                      struct errlist *errors)
{
    for (size_t i = 0; i < submission->n; i++) {
        const struct submission_entry *entry = &submission->v[i];
        if (entry->spec)
            continue; /* was checked when it was new */
        check_notify(&entry->job, entry->place, config, errors);
        bool fine = check_hosts(&entry->job, entry->place, config, errors);
        for (size_t t = 0; t < entry->job.tags.n; t++)
            fine = check_tag(entry->job.tags.v[t], entry->place, config, errors) && fine;
        if (fine)
            check_fit(&entry->job, entry->place, config, errors);
    }
}
