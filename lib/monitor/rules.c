/* What the rules look at: how things are now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "buf.h"
#include "clock.h"
#include "duration.h"
#include "monitor/evaluation.h"
#include "xalloc.h"

enum { SETTLE_MS = 5000 };

static const char *or_nothing(const char *text)
{
    return text ? text : "";
}

static int see_late(const struct running *run, int count, const char *why, void *arg)
{
    return evaluation_present(arg, &(struct trouble){.rule = ALERT_LATE,
                                                     .subject = run->job,
                                                     .detail = why,
                                                     .host = run->host,
                                                     .run = run->id,
                                                     .spec = run->spec,
                                                     .count = count});
}

static int look_late(struct evaluation *e)
{
    return lateness_look(e->check, see_late, e, e->err);
}

/* If it is back for good, what it says of its runs until then is told with its return. */
static int keep_down(struct evaluation *e, const struct host *host)
{
    int64_t due = host->state == HOST_UP ? host->state_at + SETTLE_MS : e->check->now;
    struct alert open;
    int rc = alert_find(e->check->cat, alert_rule_name(ALERT_HOST_DOWN), host->name, &open, e->err);
    if (rc == 0)
        evaluation_note(e, open.id, due);
    alert_free(&open);
    return rc == ERR_ANSWER ? 0 : rc;
}

static const char not_configured[] = "no longer configured";

static int set_aside(struct evaluation *e, const struct host *host)
{
    char why[512];
    if (!host->drained)
        return evaluation_set_aside(e, ALERT_HOST_DOWN, host->name, not_configured);
    (void)snprintf(why, sizeof why, "set aside: %s", host->drained);
    return evaluation_set_aside(e, ALERT_HOST_DOWN, host->name, why);
}

static int present_down(struct evaluation *e, const struct host *host)
{
    char detail[512], since[CLOCK_TEXT];
    (void)snprintf(detail, sizeof detail, "down since %s%s%s", clock_local(host->state_at, since),
                   host->reason ? ": " : "", or_nothing(host->reason));
    return evaluation_present(
        e, &(struct trouble){
               .rule = ALERT_HOST_DOWN, .subject = host->name, .detail = detail, .count = 1});
}

/* Only a host that is up, and stays, is over: it has a moment to say what became of its runs, so that its
 * return is one message, and one that comes and goes is one trouble. */
static int see_down(const struct host *host, void *arg)
{
    struct evaluation *e = arg;
    int64_t age = e->check->now - host->state_at;
    if (host->drained || !config_host(e->check->config, host->name))
        return set_aside(e, host);
    if (host->state == HOST_DOWN && age >= e->check->config->monitor.down_after_ms)
        return present_down(e, host);
    if (host->state == HOST_UP && age >= SETTLE_MS)
        return 0;
    return keep_down(e, host);
}

static int look_down(struct evaluation *e)
{
    return host_select(e->check->cat, see_down, e, e->err);
}

static int look_queue(struct evaluation *e)
{
    int64_t age = e->check->config->monitor.queue_age_ms;
    struct waiting waiting;
    char detail[512], since[CLOCK_TEXT];
    if (!age)
        return 0;
    int rc = waiting_get(e->check->cat, e->check->now - age, &waiting, e->err);
    if (rc == 0) {
        (void)snprintf(detail, sizeof detail, "run %lld (%s) has been queued since %s%s%s",
                       (long long)waiting.id, waiting.job, clock_local(waiting.since, since),
                       waiting.reason ? ": " : "", or_nothing(waiting.reason));
        rc = evaluation_present(e, &(struct trouble){.rule = ALERT_QUEUE_AGE,
                                                     .subject = "",
                                                     .detail = detail,
                                                     .run = waiting.id,
                                                     .count = 1});
    }
    free(waiting.job);
    free(waiting.reason);
    return rc == ERR_ANSWER ? 0 : rc;
}

static int describe_due(const struct job_row *job, void *arg)
{
    char at[CLOCK_TEXT];
    buf_addf(arg, "%s has been due since %s", job->name, clock_local(job->next_at, at));
    return 0;
}

/* What has waited for that long: a queued run, else an instant of a schedule. */
static int describe_waiting(struct evaluation *e, int64_t before, struct buf *what, int64_t *run)
{
    struct waiting waiting;
    char since[CLOCK_TEXT];
    int rc = waiting_get(e->check->cat, before, &waiting, e->err);
    *run = waiting.id;
    if (rc == 0)
        buf_addf(what, "run %lld (%s) has been queued since %s", (long long)waiting.id, waiting.job,
                 clock_local(waiting.since, since));
    else if (rc == ERR_ANSWER)
        rc = job_due(e->check->cat, before, 1, describe_due, what, e->err);
    free(waiting.job);
    free(waiting.reason);
    return rc;
}

static int look_silent(struct evaluation *e)
{
    int64_t limit = e->check->config->monitor.silent_after_ms, silence, run;
    struct buf what = {0};
    int rc = limit ? holder_silence(e->check->cat, &silence, e->err) : 0;
    if (!limit || rc < 0 || silence < limit)
        return rc;
    rc = describe_waiting(e, e->check->now - limit, &what, &run);
    if (rc == 0 && what.len) {
        e->check->silent = true;
        buf_addstr(&what, " and no dispatcher lives: does cron run 'rota dispatch'?");
        rc = evaluation_present(e, &(struct trouble){.rule = ALERT_SILENT,
                                                     .subject = "",
                                                     .detail = buf_str(&what),
                                                     .run = run,
                                                     .count = 1});
    }
    buf_free(&what);
    return rc;
}

/* Space that comes and goes around the limit is one trouble: over it is only a tenth above. */
static int see_space(struct evaluation *e, const char *subject, int64_t free_bytes)
{
    int64_t limit = e->check->config->monitor.disk_bytes;
    char detail[128], a[DURATION_TEXT], b[DURATION_TEXT];
    struct alert open;
    if (free_bytes >= limit + limit / 10)
        return 0;
    int rc = alert_find(e->check->cat, alert_rule_name(ALERT_DISK), subject, &open, e->err);
    alert_free(&open);
    if (rc == ERR_ANSWER && free_bytes >= limit)
        return 0;
    if (rc < 0 && rc != ERR_ANSWER)
        return rc;
    (void)snprintf(detail, sizeof detail, "%s free, wanted %s", size_text(free_bytes, a),
                   size_text(limit, b));
    return evaluation_present(
        e, &(struct trouble){.rule = ALERT_DISK, .subject = subject, .detail = detail, .count = 1});
}

static int see_disk(const struct host *host, void *arg)
{
    struct evaluation *e = arg;
    if (!config_host(e->check->config, host->name))
        return evaluation_set_aside(e, ALERT_DISK, host->name, not_configured);
    if (!host->seen_at || !host->disk_free_kb)
        return 0;
    return see_space(e, host->name, host->disk_free_kb * 1024);
}

/* A directory begins with a slash, so no host is called like it. */
static int look_disk(struct evaluation *e)
{
    struct statvfs fs;
    char *dir = xstrdup(catalogue_path(e->check->cat));
    char *slash = strrchr(dir, '/');
    int rc = 0;
    slash[slash == dir] = '\0';
    if (e->check->config->monitor.disk_bytes)
        rc = host_select(e->check->cat, see_disk, e, e->err);
    if (rc == 0 && statvfs(dir, &fs) == 0)
        rc = see_space(e, dir, (int64_t)fs.f_bavail * (int64_t)fs.f_frsize);
    free(dir);
    return rc;
}

/* A new rule is a row here, or news that evaluate.c hears of. */
const struct check_rule check_rules[] = {
    {ALERT_HOST_DOWN, look_down}, {ALERT_LATE, look_late}, {ALERT_QUEUE_AGE, look_queue},
    {ALERT_SILENT, look_silent},  {ALERT_DISK, look_disk}, {ALERT_RULES, NULL},
};
