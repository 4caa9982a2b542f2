/* Whether a worker could ever run what is submitted: refused now is better than queued for ever. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "expansion_hosts.h"
#include "near.h"
#include "submission.h"
#include "xalloc.h"

struct checking {
    const struct submission_entry *entry;
    const struct config *config;
    struct errlist *errors;
};

static void complain(const struct checking *c, enum job_key key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Where the key stands in the job's file, or else the file, or what it came from. */
static void complain(const struct checking *c, enum job_key key, const char *fmt, ...)
{
    char msg[1024];
    const struct job_place *at = &c->entry->job.places[key];
    char *place = at->line ? xasprintf("%s:%d:%d", c->entry->place, at->line, at->column)
                           : xstrdup(c->entry->place);
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    errlist_add(c->errors, ERR_DATA, place, "%s", msg);
    free(place);
}

static bool check_hosts(const struct checking *c)
{
    const struct strlist *hosts = &c->entry->job.hosts;
    bool fine = true;
    for (size_t i = 0; i < hosts->n; i++) {
        struct err err;
        if (config_host(c->config, hosts->v[i]))
            continue;
        (void)command_no_host(c->config, hosts->v[i], &err);
        complain(c, JOB_HOSTS, "%s", err.msg);
        fine = false;
    }
    return fine;
}

/* A tag that no host has; one that is forbidden is complained about only when it looks misspelt: that
 * nobody has it is as it should be. */
static bool check_tag(const struct checking *c, enum job_key key, const char *tag)
{
    struct strlist all = {0};
    for (size_t i = 0; i < c->config->nhosts; i++)
        if (strlist_has(&c->config->hosts[i].tags, tag))
            return true;
    config_tags(c->config, &all);
    const char *near = near_word(tag, all.v, all.n, sizeof(char *));
    if (near)
        complain(c, key, "no worker has the tag '%s' (did you mean '%s'?)", tag, near);
    else if (key == JOB_TAGS)
        complain(c, key, "no worker has the tag '%s' (add it to 'tags' of a [worker])", tag);
    strlist_free(&all);
    return !near && key != JOB_TAGS;
}

static bool check_tags(const struct checking *c)
{
    const struct job *job = &c->entry->job;
    bool fine = true;
    for (size_t i = 0; i < job->tags.n; i++)
        fine = check_tag(c, JOB_TAGS, job->tags.v[i]) && fine;
    for (size_t i = 0; i < job->not_tags.n; i++)
        fine = check_tag(c, JOB_NOT, job->not_tags.v[i]) && fine;
    return fine;
}

static void check_pools(const struct checking *c)
{
    const struct config *config = c->config;
    for (size_t i = 0; i < c->entry->job.pools.n; i++) {
        const char *name = c->entry->job.pools.v[i];
        const struct pool_config *pool = config_pool(config, name);
        const char *near = config->npools ? near_word(name, &config->pools[0].name, config->npools,
                                                      sizeof *config->pools)
                                          : NULL;
        if (pool && !pool->limit)
            complain(c, JOB_POOLS, "pool %s has limit 0 (%s): nothing that needs it can start",
                     name, pool->place);
        else if (!pool && near)
            complain(c, JOB_POOLS, "there is no [pool %s] (did you mean '%s'?)", name, near);
        else if (!pool)
            complain(c, JOB_POOLS, "there is no [pool %s] in rota.ini (add it, with 'limit = N')",
                     name);
    }
}

/* Nothing matches: because of the slots, or of names and tags together. */
static void say_none(const struct checking *c)
{
    const struct host_config *best = NULL;
    struct job any = c->entry->job; /* borrows */
    any.slots = 1;
    for (size_t i = 0; i < c->config->nhosts; i++) {
        const struct host_config *host = &c->config->hosts[i];
        if (expansion_matches(&any, host) && (!best || host->slots > best->slots))
            best = host;
    }
    if (best)
        complain(c, JOB_SLOTS,
                 "job %s wants %d slots, and the largest worker it may run on, %s, "
                 "has %d",
                 any.name, c->entry->job.slots, best->name, best->slots);
    else
        complain(c, any.not_tags.n ? JOB_NOT : JOB_TAGS,
                 "no worker has all the tags job %s wants%s%s", any.name,
                 any.not_tags.n ? " and none that it forbids" : "",
                 any.hosts.n ? " among the hosts it names" : "");
}

/* Slots that are not configured, a worker's processors, are not known yet and count as enough. */
static void check_fit(const struct checking *c)
{
    const struct job *job = &c->entry->job;
    int n = 0;
    for (size_t i = 0; i < c->config->nhosts; i++)
        n += expansion_matches(job, &c->config->hosts[i]);
    if (!n)
        say_none(c);
    else if (n < job->count)
        complain(c, JOB_COUNT, "job %s wants %d different hosts, and %d match%s", job->name,
                 job->count, n, n == 1 ? "es" : "");
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
        if (entry->pin && !config_host(config, entry->pin))
            errlist_add(errors, ERR_DATA, entry->place,
                        "it is for %s alone, which is no worker of the configuration any more "
                        "(--host names others)",
                        entry->pin);
        if (entry->spec)
            continue; /* was checked when it was new */
        check_notify(&entry->job, entry->place, config, errors);
        const struct checking c = {entry, config, errors};
        check_pools(&c);
        bool fine = check_hosts(&c);
        fine = check_tags(&c) && fine;
        if (fine)
            check_fit(&c);
    }
}
