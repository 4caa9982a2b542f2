/* What is wrong, and what to do: one small function for each thing that can be. */
#include "monitor/health.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "duration.h"
#include "xalloc.h"

static struct trouble *add(struct health *h, bool bad, const char *mend, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* mend is copied; what is returned stays there until the next one. */
static struct trouble *add(struct health *h, bool bad, const char *mend, const char *fmt, ...)
{
    char *what = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&what, fmt, ap) < 0)
        what = xstrdup("?");
    va_end(ap);
    h->troubles = xreallocarray(h->troubles, h->ntroubles + 1, sizeof *h->troubles);
    /* the bad ones stay in front */
    size_t at = bad ? h->nbad++ : h->ntroubles;
    for (size_t i = h->ntroubles; i > at; i--)
        h->troubles[i] = h->troubles[i - 1];
    h->troubles[at] =
        (struct trouble){.bad = bad, .what = what, .mend = mend ? xstrdup(mend) : NULL};
    h->ntroubles++;
    return &h->troubles[at];
}

static const char *ago(const struct health *h, int64_t at, char text[DURATION_TEXT])
{
    /* seconds are enough for people */
    int64_t ms = h->now > at ? h->now - at : 0;
    return duration_text(ms >= 1000 ? ms / 1000 * 1000 : ms, text);
}

/* ---- the dispatcher, and what waits for one ---- */

static int64_t unfinished(const struct health *h)
{
    return h->queue.runs[RUN_STARTING] + h->queue.runs[RUN_RUNNING];
}

static bool is_late(const struct health *h, int64_t at)
{
    return at && h->now - at > HEALTH_SILENT_MS;
}

/* Nobody dispatches, and there is work that somebody should have seen to by now. Between two that cron
 * starts nobody does either. */
static void judge_dispatcher(struct health *h)
{
    static const char mend[] = "run rota dispatch, from cron: * * * * * rota dispatch";
    const struct holder *holder = &h->dispatcher.holder;
    bool work =
        unfinished(h) || is_late(h, h->queue.oldest_at) || is_late(h, h->schedules.overdue_at);
    char text[DURATION_TEXT];
    if (h->dispatcher.alive || !work || (holder->seen_at && !is_late(h, holder->seen_at)))
        return;
    if (h->dispatcher.died)
        add(h, true, mend, "the dispatcher (process %d on %s) died and left work", (int)holder->pid,
            holder->host);
    else if (holder->seen_at)
        add(h, true, mend, "nobody has dispatched for %s, and there is work",
            ago(h, holder->seen_at, text));
    else
        add(h, true, mend, "nobody has ever dispatched, and there is work");
}

static void judge_loop(struct health *h)
{
    const struct holder *holder = &h->dispatcher.holder;
    char text[DURATION_TEXT];
    if (h->dispatcher.alive && holder->longest_us > HEALTH_TURN_US)
        add(h, false, "look at the head's disk and processor",
            "a turn of the dispatcher's loop took %s",
            duration_text(holder->longest_us / 1000, text));
}

static void judge_schedules(struct health *h)
{
    const struct schedule_counts *counts = &h->schedules;
    char text[DURATION_TEXT];
    if (is_late(h, counts->overdue_at))
        add(h, true, "rota schedule", "%" PRId64 " schedule%s overdue, the longest by %s",
            counts->overdue, counts->overdue == 1 ? " is" : "s are",
            ago(h, counts->overdue_at, text));
    for (size_t i = 0; i < h->naside; i++) {
        char *mend = xasprintf("rota schedule explain %s", h->aside[i]);
        add(h, true, mend, "%s takes no part: its timetable cannot be read", h->aside[i]);
        free(mend);
    }
    for (size_t i = 0; i < h->nmissing; i++) {
        const struct missing *m = &h->missing[i];
        char *mend = xasprintf("rota schedule explain %s", m->job), at[CLOCK_TEXT];
        add(h, true, mend, "%s was missed at %s and has not run since", m->job,
            clock_local(m->due_at, at));
        free(mend);
    }
}

static void judge_queue(struct health *h)
{
    char text[DURATION_TEXT];
    if (!h->queue.oldest || h->now - h->queue.oldest_at <= HEALTH_QUEUE_MS)
        return;
    char *mend = xasprintf("rota status %" PRId64, h->queue.oldest);
    add(h, false, mend, "run %" PRId64 " has waited for %s", h->queue.oldest,
        ago(h, h->queue.oldest_at, text));
    free(mend);
}

/* ---- hosts ---- */

static void judge_down(struct health *h, const struct host_record *r)
{
    char text[DURATION_TEXT], work[64] = "";
    char *mend = xasprintf("rota monitor doctor %s", r->config->name);
    if (r->runs)
        (void)snprintf(work, sizeof work, ", with %d run%s on it", r->runs,
                       r->runs == 1 ? "" : "s");
    add(h, true, mend, "%s has been down%s%s%s%s%s", r->config->name,
        r->known.state_at ? " for " : "", r->known.state_at ? ago(h, r->known.state_at, text) : "",
        work, r->known.reason ? ": " : "", r->known.reason ? r->known.reason : "");
    free(mend);
}

/* What an up host said of itself; old news is none. */
static void judge_facts(struct health *h, const struct host_record *r)
{
    const struct host *host = &r->known;
    char text[DURATION_TEXT];
    if (!host->seen_at || h->now - host->seen_at > HEALTH_DAY_MS)
        return;
    if (host->disk_free_kb && host->disk_free_kb < HEALTH_DISK_KB)
        add(h, true, "make room where its spool is", "the disk of %s is nearly full: %s free",
            r->config->name, size_text(host->disk_free_kb * 1024, text));
    if (host->skew_ms > HEALTH_SKEW_MS || host->skew_ms < -HEALTH_SKEW_MS)
        add(h, false, "let NTP set it", "the clock of %s is %s %s", r->config->name,
            duration_text(host->skew_ms < 0 ? -host->skew_ms : host->skew_ms, text),
            host->skew_ms < 0 ? "slow" : "fast");
}

static void judge_hosts(struct health *h)
{
    for (size_t i = 0; i < h->roster.n; i++) {
        const struct host_record *r = &h->roster.v[i];
        if (r->known.drained)
            continue; /* somebody knows */
        if (r->known.state == HOST_DOWN)
            judge_down(h, r);
        else
            judge_facts(h, r);
    }
}

/* ---- jobs, alerts, files ---- */

/* A job that was submitted by hand and failed is its submitter's matter. */
static bool is_told_failing(const struct failing *f)
{
    return f->registered && !f->paused;
}

static void judge_failing(struct health *h)
{
    for (size_t i = 0; i < h->nfailing; i++) {
        const struct failing *f = &h->failing[i];
        if (!is_told_failing(f))
            continue;
        char *mend = xasprintf("rota logs %" PRId64, f->run), code[32] = "", text[DURATION_TEXT];
        if (f->exit_code >= 0)
            (void)snprintf(code, sizeof code, " (exit %d)", f->exit_code);
        if (f->streak > 1)
            add(h, true, mend, "%s failed %" PRId64 " times in a row, last %s ago%s", f->job,
                f->streak, ago(h, f->last_at, text), code);
        else
            add(h, true, mend, "%s failed %s ago%s", f->job, ago(h, f->last_at, text), code);
        free(mend);
    }
}

static bool is_told_down(const struct health *h, const char *name)
{
    for (size_t i = 0; i < h->roster.n; i++) {
        const struct host_record *r = &h->roster.v[i];
        if (strcmp(r->config->name, name) == 0)
            return r->known.state == HOST_DOWN && !r->known.drained;
    }
    return false;
}

static bool is_told_job(const struct health *h, const char *name)
{
    for (size_t i = 0; i < h->nfailing; i++)
        if (strcmp(h->failing[i].job, name) == 0 && is_told_failing(&h->failing[i]))
            return true;
    for (size_t i = 0; i < h->nmissing; i++)
        if (strcmp(h->missing[i].job, name) == 0)
            return true;
    return false;
}

/* Whether what an alert is about was told already: one trouble is one thing to mend. */
static bool is_told(const struct health *h, const struct alert_open *a)
{
    static const struct {
        const char *rule;
        bool (*told)(const struct health *, const char *);
    } rules[] = {{"host-down", is_told_down},
                 {"failed", is_told_job},
                 {"lost", is_told_job},
                 {"missed", is_told_job}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(a->rule, rules[i].rule) == 0)
            return rules[i].told(h, a->subject);
    return false;
}

static void judge_alerts(struct health *h)
{
    for (size_t i = 0; i < h->nalerts; i++) {
        const struct alert_open *a = &h->alerts[i];
        char text[DURATION_TEXT];
        if (is_told(h, a))
            continue;
        add(h, true, NULL, "alert %s%s%s has been open for %s%s%s", a->rule,
            a->subject[0] ? " " : "", a->subject, ago(h, a->opened_at, text), a->detail ? ": " : "",
            a->detail ? a->detail : "")
            ->alert = true;
    }
    for (size_t i = 0; i < h->nundelivered; i++) {
        const struct undelivered *u = &h->undelivered[i];
        char *mend = xasprintf("rota monitor check --test %s", u->channel);
        add(h, true, mend, "%" PRId64 " message%s could not be sent to %s%s%s",
            u->waiting + u->given_up, u->waiting + u->given_up == 1 ? "" : "s", u->channel,
            u->error ? ": " : "", u->error ? u->error : "")
            ->alert = true;
        free(mend);
    }
}

static void judge_heartbeat(struct health *h)
{
    if (h->heartbeat_error)
        add(h, true, "rota monitor check, once heartbeat in [monitor] of rota.ini is right",
            "the heartbeat could not be sent, so others may take this head for dead: %s",
            h->heartbeat_error);
}

static void judge_files(struct health *h)
{
    char text[DURATION_TEXT];
    if (h->catalogue.free_kb >= 0 && h->catalogue.free_kb < HEALTH_DISK_KB)
        add(h, true, "make room there", "the disk of the catalogue is nearly full: %s free",
            size_text(h->catalogue.free_kb * 1024, text));
}

void health_judge(struct health *h)
{
    judge_dispatcher(h);
    judge_files(h);
    judge_hosts(h);
    judge_schedules(h);
    judge_failing(h);
    judge_alerts(h);
    judge_heartbeat(h);
    judge_queue(h);
    judge_loop(h);
}
