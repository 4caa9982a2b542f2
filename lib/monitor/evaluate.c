/*
 * evaluate: from news and from what there is to alerts that are open, in one transaction.
 *
 * A rule either looks at how things are now and calls evaluation_present for each trouble it finds: what it
 * finds no more is closed. Or it hears of news (failed, missed, lost): those close with the job's
 * next success.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "duration.h"
#include "escape.h"
#include "monitor/evaluation.h"
#include "specification.h"
#include "xalloc.h"

#define DAY_MS INT64_C(86400000)

void check_say(struct check *check, const char *what, const char *fmt, ...)
{
    struct buf safe = {0};
    va_list ap;
    char *text;
    if (!check->say)
        return;
    va_start(ap, fmt);
    int len = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (len < 0)
        return;
    escape_terminal(&safe, text, (size_t)len, false);
    check->say(what, buf_str(&safe), check->arg);
    buf_free(&safe);
    free(text);
}

/* ---- opening ---- */

static const char *notify_of(struct evaluation *e, int64_t spec)
{
    struct job job;
    struct buf names = {0};
    if (!spec || spec == e->spec)
        return spec ? e->notify : NULL;
    free(e->notify);
    e->notify = NULL;
    e->spec = spec;
    if (specification_read(e->check->cat, spec, &job, NULL) < 0)
        return NULL;
    for (size_t i = 0; i < job.notify.n; i++)
        buf_addf(&names, "%s%s", i ? "," : "", job.notify.v[i]);
    if (job.notify.n)
        e->notify = buf_detach(&names);
    buf_free(&names);
    job_free(&job);
    return e->notify;
}

void evaluation_note(struct evaluation *e, int64_t alert, int64_t due)
{
    if (e->nseen == e->cap)
        e->seen = xreallocarray(e->seen, e->cap = e->cap ? 2 * e->cap : 64, sizeof *e->seen);
    e->seen[e->nseen++] = (struct seen){alert, due};
}

static const struct seen *find_seen(const struct evaluation *e, int64_t alert)
{
    for (size_t i = 0; i < e->nseen; i++)
        if (e->seen[i].alert == alert)
            return &e->seen[i];
    return NULL;
}

/* The host's own trouble that this one is part of. */
static int find_parent(struct evaluation *e, const struct trouble *t, struct alert *alert)
{
    struct alert down;
    alert->parent = alert->parent_closed_at = 0;
    if (!t->host || !alert_rule_is_of_job(t->rule))
        return 0;
    int rc = alert_find(e->check->cat, alert_rule_name(ALERT_HOST_DOWN), t->host, &down, e->err);
    alert->parent = down.id;
    alert_free(&down);
    return rc == ERR_ANSWER ? 0 : rc;
}

static const char *or_nothing(const char *text)
{
    return text ? text : "";
}

static bool differs(const char *a, const char *b)
{
    return strcmp(or_nothing(a), or_nothing(b)) != 0;
}

static int open_new(struct evaluation *e, struct alert *alert)
{
    int rc = alert_open(e->check->cat, alert, &alert->id, e->err);
    if (rc < 0)
        return rc;
    e->check->opened++;
    check_say(e->check, e->check->dry_run ? "would open" : "opened", "%s%s%s%s%s%s%s", alert->rule,
              *alert->subject ? " " : "", alert->subject, alert->host ? " on " : "",
              or_nothing(alert->host), alert->detail ? ": " : "", or_nothing(alert->detail));
    return 0;
}

int evaluation_present(struct evaluation *e, const struct trouble *t)
{
    struct alert old;
    int rc = alert_find(e->check->cat, alert_rule_name(t->rule), t->subject, &old, e->err);
    if (rc < 0 && rc != ERR_ANSWER)
        return rc;
    struct alert now = old; /* strings are borrowed */
    now.rule = (char *)alert_rule_name(t->rule);
    now.subject = (char *)t->subject;
    now.detail = (char *)t->detail;
    now.host = (char *)t->host;
    now.run = t->run;
    now.count = t->count ? t->count : old.count + 1;
    now.notify = (char *)notify_of(e, t->spec);
    bool moved = now.run != old.run || differs(now.host, old.host);
    bool changed = moved || now.count != old.count || differs(now.detail, old.detail);
    if (!old.id)
        now.opened_at = e->check->now;
    rc = moved ? find_parent(e, t, &now) : 0;
    if (rc == 0)
        rc = !old.id ? open_new(e, &now) : changed ? alert_change(e->check->cat, &now, e->err) : 0;
    evaluation_note(e, now.id, e->check->now);
    /* at once: what closes again within this check is told all the same */
    if (rc == 0 && changed)
        rc = telling_open(e->check, &now, e->err);
    /* what is about to close tells its parts then */
    const struct seen *whole = changed && now.parent ? find_seen(e, now.parent) : NULL;
    if (rc == 0 && whole)
        rc = telling_part(e->check, old.id ? &old : NULL, &now, whole->due, e->err);
    alert_free(&old);
    return rc;
}

/* ---- closing ---- */

static int close_alert(struct evaluation *e, const struct alert *alert, bool told, const char *why)
{
    char took[DURATION_TEXT];
    int rc = told ? telling_close(e->check, alert, e->err) : 0;
    if (rc == 0)
        rc = alert_close(e->check->cat, alert->id, e->check->now, e->err);
    e->check->closed++;
    check_say(e->check, e->check->dry_run ? "would close" : "closed", "%s%s%s after %s%s%s",
              alert->rule, *alert->subject ? " " : "", alert->subject,
              duration_text(e->check->now - alert->opened_at, took), why ? ": " : "",
              or_nothing(why));
    return rc;
}

static int close_told(const struct alert *alert, void *arg)
{
    return close_alert(arg, alert, true, NULL);
}

static int close_quietly(const struct alert *alert, void *arg)
{
    return close_alert(arg, alert, false, NULL);
}

static int close_unseen(const struct alert *alert, void *arg)
{
    struct evaluation *e = arg;
    return find_seen(e, alert->id) ? 0 : close_alert(e, alert, true, NULL);
}

int evaluation_set_aside(struct evaluation *e, enum alert_rule rule, const char *subject,
                         const char *why)
{
    struct alert alert;
    int rc = alert_find(e->check->cat, alert_rule_name(rule), subject, &alert, e->err);
    if (rc == 0) {
        struct alert aside = alert; /* strings are borrowed */
        aside.detail = (char *)why;
        rc = alert_change(e->check->cat, &aside, e->err);
        if (rc == 0)
            rc = close_alert(e, &aside, false, why);
    }
    alert_free(&alert);
    return rc == ERR_ANSWER ? 0 : rc;
}

/* ---- news ---- */

static int recover(struct evaluation *e, const char *job)
{
    static const enum alert_rule rules[] = {ALERT_FAILED, ALERT_LOST, ALERT_MISSED};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof rules / sizeof *rules; i++) {
        struct alert alert;
        rc = alert_find(e->check->cat, alert_rule_name(rules[i]), job, &alert, e->err);
        if (rc == 0)
            rc = close_alert(e, &alert, true, NULL);
        else if (rc == ERR_ANSWER)
            rc = 0;
        alert_free(&alert);
    }
    return rc;
}

/* What is old is not told as if it were new: who checks for the first time in a week would be
 * flooded. That all is well again is true whenever it is said. */
static int hear(const struct news *news, void *arg)
{
    struct evaluation *e = arg;
    e->news = news->id;
    if (news->run && news->state == RUN_SUCCEEDED)
        return recover(e, news->job);
    if (news->at < e->check->now - DAY_MS)
        return 0;
    struct trouble t = {.rule = !news->run                ? ALERT_MISSED
                                : news->state == RUN_LOST ? ALERT_LOST
                                                          : ALERT_FAILED,
                        .subject = news->job,
                        .detail = news->reason ? news->reason : run_state_name(news->state),
                        .host = news->host,
                        .run = news->run,
                        .spec = news->spec};
    if (t.rule == ALERT_FAILED)
        t.count = news->streak;
    return evaluation_present(e, &t);
}

/* ---- all of it ---- */

static int open_all(struct evaluation *e)
{
    struct check *c = e->check;
    int rc = check_rules[0].look(e);
    if (rc == 0)
        rc = news_select(c->cat, CHECK_NEWS, hear, e, e->err);
    if (rc == 0 && e->news)
        rc = news_forget(c->cat, e->news, e->err);
    for (size_t i = 1; rc == 0 && check_rules[i].look; i++)
        rc = check_rules[i].look(e);
    return rc;
}

static int close_all(struct evaluation *e)
{
    struct check *c = e->check;
    int rc = 0;
    for (size_t i = 0; rc == 0 && check_rules[i].look; i++)
        rc = alert_select(c->cat, alert_rule_name(check_rules[i].rule), close_unseen, e, e->err);
    if (rc == 0)
        rc = alert_select_recovered(c->cat, close_told, e, e->err);
    if (rc == 0)
        rc = alert_select_bygone(c->cat, c->now - DAY_MS, close_quietly, e, e->err);
    return rc;
}

static int tell(const struct alert *alert, void *arg)
{
    struct evaluation *e = arg;
    return telling_open(e->check, alert, e->err);
}

static int evaluate(struct evaluation *e)
{
    struct check *c = e->check;
    int rc = open_all(e);
    if (rc == 0)
        rc = close_all(e);
    if (rc == 0)
        rc = alert_select(c->cat, NULL, tell, e, e->err);
    if (rc == 0)
        rc = alert_forget(c->cat, c->now - c->config->keep_ms, e->err);
    return rc == 0 ? monitor_checked(c->cat, c->now, e->err) : rc;
}

int check_evaluate(struct check *check, struct err *err)
{
    struct evaluation e = {.check = check, .err = err};
    int rc = catalogue_begin(check->cat, err);
    if (rc == 0)
        rc = evaluate(&e);
    if (rc == 0 && !check->dry_run)
        rc = catalogue_commit(check->cat, err);
    if (rc < 0)
        catalogue_rollback(check->cat);
    free(e.seen);
    free(e.notify);
    return rc;
}
