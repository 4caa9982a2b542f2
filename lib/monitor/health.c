#include "monitor/health.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "buf.h"
#include "xalloc.h"

/* ---- lists: a copy of each row, with texts of its own ---- */

static char *copy(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

/* Room for one more of a list that doubles from 8. */
static void *grow(void *list, size_t n, size_t size)
{
    bool full = n == 0 || (n >= 8 && (n & (n - 1)) == 0);
    return full ? xreallocarray(list, n ? 2 * n : 8, size) : list;
}

static int keep_failing(const struct failing *row, void *arg)
{
    struct health *h = arg;
    h->failing = grow(h->failing, h->nfailing, sizeof *h->failing);
    struct failing *kept = &h->failing[h->nfailing++];
    *kept = *row;
    kept->job = copy(row->job);
    kept->reason = copy(row->reason);
    return 0;
}

static int keep_alert(const struct alert_open *row, void *arg)
{
    struct health *h = arg;
    h->alerts = grow(h->alerts, h->nalerts, sizeof *h->alerts);
    struct alert_open *kept = &h->alerts[h->nalerts++];
    *kept = *row;
    kept->rule = copy(row->rule);
    kept->subject = copy(row->subject);
    kept->detail = copy(row->detail);
    return 0;
}

static int keep_undelivered(const struct undelivered *row, void *arg)
{
    struct health *h = arg;
    h->undelivered = grow(h->undelivered, h->nundelivered, sizeof *h->undelivered);
    struct undelivered *kept = &h->undelivered[h->nundelivered++];
    *kept = *row;
    kept->channel = copy(row->channel);
    kept->error = copy(row->error);
    return 0;
}

static int keep_missing(const struct missing *row, void *arg)
{
    struct health *h = arg;
    h->missing = grow(h->missing, h->nmissing, sizeof *h->missing);
    struct missing *kept = &h->missing[h->nmissing++];
    *kept = *row;
    kept->job = copy(row->job);
    kept->reason = copy(row->reason);
    return 0;
}

static int keep_aside(const struct job_row *row, void *arg)
{
    struct health *h = arg;
    if (!row->aside)
        return 0;
    h->aside = grow(h->aside, h->naside, sizeof *h->aside);
    h->aside[h->naside++] = xstrdup(row->name);
    return 0;
}

/* ---- reading ---- */

static int read_dispatcher(struct health *h, struct catalogue *cat, struct err *err)
{
    int rc = holder_get(cat, &h->dispatcher.holder, &h->dispatcher.alive, err);
    h->dispatcher.died = rc == 0 && !h->dispatcher.alive;
    if (rc != ERR_ANSWER)
        return rc;
    if (err)
        err->code = 0;
    return 0; /* nobody is an answer too */
}

static void count_hosts(struct health *h)
{
    for (size_t i = 0; i < h->roster.n; i++) {
        const struct host *host = &h->roster.v[i].known;
        size_t *count = host->drained              ? &h->drained
                        : host->state == HOST_UP   ? &h->up
                        : host->state == HOST_DOWN ? &h->down
                                                   : &h->unknown;
        ++*count;
    }
}

/* stat takes no descriptor: SQLite's locks on the file are not touched. */
static int64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : 0;
}

static void look_at_files(struct health *h, const char *path)
{
    struct statvfs fs;
    char *wal = xasprintf("%s-wal", path);
    h->catalogue.bytes = size_of(path);
    h->catalogue.wal_bytes = size_of(wal);
    h->catalogue.free_kb = -1;
    if (statvfs(path, &fs) == 0)
        h->catalogue.free_kb = (int64_t)(fs.f_bavail * (fs.f_frsize / 512) / 2);
    free(wal);
}

static int read_lists(struct health *h, struct catalogue *cat, struct err *err)
{
    int rc = failing_select(cat, keep_failing, h, err);
    if (rc == 0)
        rc = alert_open_select(cat, keep_alert, h, err);
    if (rc == 0)
        rc = undelivered_select(cat, keep_undelivered, h, err);
    if (rc == 0)
        rc = missing_select(cat, h->now - HEALTH_DAY_MS, keep_missing, h, err);
    if (rc == 0 && h->schedules.aside)
        rc = job_select(cat, keep_aside, h, err);
    return rc;
}

int health_read(struct health *h, const struct config *config, struct catalogue *cat, int64_t now,
                struct err *err)
{
    *h = (struct health){.now = now};
    roster_new(config, &h->roster);
    int rc = read_dispatcher(h, cat, err);
    if (rc == 0)
        rc = roster_read(&h->roster, config, cat, err);
    if (rc == 0)
        rc = queue_depth(cat, now, now - HEALTH_RECENT_MS, &h->queue, err);
    if (rc == 0)
        rc = schedule_count(cat, now, now - HEALTH_DAY_MS, &h->schedules, err);
    if (rc == 0)
        rc = monitor_checked_at(cat, &h->checked_at, err);
    if (rc == 0 && config->monitor.heartbeat)
        rc = monitor_heartbeat_error(cat, &h->heartbeat_error, err);
    if (rc == 0)
        rc = read_lists(h, cat, err);
    if (rc < 0)
        return rc;
    count_hosts(h);
    look_at_files(h, catalogue_path(cat));
    health_judge(h);
    return 0;
}

/* ---- the end ---- */

static void drop(const char *text)
{
    free((char *)text);
}

static void free_lists(struct health *h)
{
    for (size_t i = 0; i < h->nfailing; i++) {
        drop(h->failing[i].job);
        drop(h->failing[i].reason);
    }
    for (size_t i = 0; i < h->nalerts; i++) {
        drop(h->alerts[i].rule);
        drop(h->alerts[i].subject);
        drop(h->alerts[i].detail);
    }
    for (size_t i = 0; i < h->nundelivered; i++) {
        drop(h->undelivered[i].channel);
        drop(h->undelivered[i].error);
    }
    for (size_t i = 0; i < h->nmissing; i++) {
        drop(h->missing[i].job);
        drop(h->missing[i].reason);
    }
    for (size_t i = 0; i < h->naside; i++)
        drop(h->aside[i]);
    for (size_t i = 0; i < h->ntroubles; i++) {
        drop(h->troubles[i].what);
        drop(h->troubles[i].mend);
    }
}

void health_free(struct health *h)
{
    free_lists(h);
    free(h->failing);
    free(h->alerts);
    free(h->undelivered);
    free(h->missing);
    free((void *)h->aside);
    free(h->troubles);
    free(h->heartbeat_error);
    roster_free(&h->roster);
    *h = (struct health){0};
}
