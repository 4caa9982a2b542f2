/* How a notice reads, for people and for programs. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "duration.h"
#include "escape.h"
#include "monitor/notice.h"

const char *notice_state(const struct notice_item *item)
{
    return item->kind == DELIVERY_OPENED     ? "opened"
           : item->kind == DELIVERY_REMINDER ? "open"
                                             : "closed";
}

/* ---- one line ---- */

static void put_safe(struct buf *out, const char *text)
{
    if (text)
        escape_terminal(out, text, strlen(text), false);
}

/* "failed", "still failed", "recovered", "host-up", "over: disk" */
static void put_verdict(const struct notice_item *item, struct buf *out)
{
    enum alert_rule rule = alert_rule_of(item->alert.rule);
    if (item->kind == DELIVERY_REMINDER)
        buf_addstr(out, "still ");
    if (item->kind != DELIVERY_CLOSED)
        put_safe(out, item->alert.rule);
    else if (alert_rule_is_of_job(rule))
        buf_addstr(out, alert_rule_name(ALERT_RECOVERED));
    else if (rule == ALERT_HOST_DOWN)
        buf_addstr(out, alert_rule_name(ALERT_HOST_UP));
    else
        buf_addf(out, "over: %s", alert_rule_name(rule));
}

static void put_count(const struct alert *alert, struct buf *out)
{
    if (alert->count < 2)
        return;
    if (alert_rule_of(alert->rule) == ALERT_FAILED)
        buf_addf(out, " (%d in a row)", alert->count);
    else
        buf_addf(out, " (%d)", alert->count);
}

/* "; 40 runs lost there: a (38), b, c": the children are sorted by rule. */
static void put_children(const struct notice_item *item, struct buf *out)
{
    for (size_t i = 0; i < item->nchildren;) {
        const char *rule = item->children[i].rule;
        size_t end = i, runs = 0, named = 0;
        for (; end < item->nchildren && strcmp(item->children[end].rule, rule) == 0; end++)
            runs += (size_t)item->children[end].count;
        buf_addf(out, "; and %zu %s %s there: ", runs, runs == 1 ? "run" : "runs", rule);
        for (; i < end && named < NOTICE_NAMES; i++, named++) {
            buf_addstr(out, named ? ", " : "");
            put_safe(out, item->children[i].subject);
            if (item->children[i].count > 1)
                buf_addf(out, " (%d)", item->children[i].count);
        }
        if (i < end)
            buf_addf(out, " and %zu more jobs", end - i);
        i = end;
    }
}

void notice_line(const struct notice *notice, const struct notice_item *item, struct buf *out)
{
    const struct alert *alert = &item->alert;
    char took[DURATION_TEXT];
    put_verdict(item, out);
    if (alert->subject[0]) {
        buf_addstr(out, item->kind == DELIVERY_CLOSED ? " " : ": ");
        put_safe(out, alert->subject);
    }
    if (item->kind == DELIVERY_CLOSED) {
        int64_t ms = (alert->closed_at ? alert->closed_at : notice->now) - alert->opened_at;
        buf_addf(out, ", was %s for %s", alert->rule, duration_text(ms - ms % 1000, took));
    } else {
        if (alert->host) {
            buf_addstr(out, " on ");
            put_safe(out, alert->host);
        }
        put_count(alert, out);
        if (alert->detail) {
            buf_addstr(out, ": ");
            put_safe(out, alert->detail);
        }
    }
    put_children(item, out);
}

enum { SUBJECT_MAX = 160 };

/* Cut where a character begins. */
static void cut(struct buf *text, size_t from, size_t max)
{
    size_t len = text->len;
    if (len - from <= max)
        return;
    len = from + max;
    while (len > from && (buf_data(text)[len] & 0xC0) == 0x80)
        len--;
    buf_truncate(text, len);
    buf_addstr(text, "…");
}

void notice_subject(const struct notice *notice, struct buf *out)
{
    size_t from = out->len;
    if (notice->n == 1) {
        notice_line(notice, &notice->v[0], out);
        cut(out, from, SUBJECT_MAX);
        return;
    }
    buf_addf(out, "%zu alerts: ", notice->n);
    for (size_t i = 0; i < notice->n && out->len - from < SUBJECT_MAX; i++) {
        buf_addstr(out, i ? ", " : "");
        put_verdict(&notice->v[i], out);
        buf_addch(out, ' ');
        put_safe(out, notice->v[i].alert.subject);
    }
    cut(out, from, SUBJECT_MAX);
}

/* ---- a page ---- */

static void put_field(struct buf *out, const char *name, const char *value)
{
    if (!value || !value[0])
        return;
    buf_addf(out, "  %-6s", name);
    put_safe(out, value);
    buf_addch(out, '\n');
}

static void put_output(const struct notice_item *item, struct buf *out)
{
    static const char *const names[2] = {"output", "error output"};
    for (int i = 0; i < 2; i++) {
        if (!item->output[i])
            continue;
        const char *line = item->output[i];
        buf_addf(out, "\n  the end of its %s:\n", names[i]);
        while (*line) {
            size_t len = strcspn(line, "\n");
            buf_addstr(out, "  | ");
            escape_terminal(out, line, len, true);
            buf_addch(out, '\n');
            line += len + (line[len] == '\n');
        }
    }
}

/* How to look further. */
static void put_hint(const struct alert *alert, struct buf *out)
{
    if (alert->run && alert_rule_is_of_job(alert_rule_of(alert->rule)))
        buf_addf(out, "  look  rota logs %lld; rota status --events %lld\n", (long long)alert->run,
                 (long long)alert->run);
    else if (strcmp(alert->rule, alert_rule_name(ALERT_MISSED)) == 0)
        buf_addf(out, "  look  rota schedule explain %s\n", alert->subject);
    else
        buf_addstr(out, "  look  rota monitor\n");
}

static void put_item(const struct notice *notice, const struct notice_item *item, struct buf *out)
{
    const struct alert *alert = &item->alert;
    char text[CLOCK_TEXT];
    notice_line(notice, item, out);
    buf_addstr(out, "\n\n");
    put_field(out, "what", alert->subject);
    put_field(out, "where", alert->host);
    put_field(out, "since", clock_local(alert->opened_at, text));
    if (alert->closed_at)
        put_field(out, "until", clock_local(alert->closed_at, text));
    put_field(out, "why", alert->detail);
    if (alert->run)
        buf_addf(out, "  run   %lld\n", (long long)alert->run);
    put_hint(alert, out);
    if (item->kind != DELIVERY_CLOSED)
        put_output(item, out);
    buf_addch(out, '\n');
}

void notice_text(const struct notice *notice, struct buf *out)
{
    for (size_t i = 0; i < notice->n && i < NOTICE_ITEMS; i++)
        put_item(notice, &notice->v[i], out);
    if (notice->n > NOTICE_ITEMS)
        buf_addf(out, "and %zu more: rota monitor\n\n", notice->n - NOTICE_ITEMS);
    buf_addf(out, "rota on %s, [alert %s]\n", notice->head, notice->section->name);
}

/* ---- for programs ---- */

static void put_json(struct buf *out, const char *key, const char *value)
{
    buf_addf(out, ", \"%s\": ", key);
    if (value)
        escape_json(out, value, strlen(value));
    else
        buf_addstr(out, "null");
}

static void put_json_time(struct buf *out, const char *key, int64_t at)
{
    char text[CLOCK_TEXT];
    put_json(out, key, at ? clock_rfc3339(at, text) : NULL);
}

static void put_json_alert(struct buf *out, const struct alert *alert, const char *state)
{
    buf_addf(out, "{\"id\": %lld", (long long)alert->id);
    put_json(out, "state", state);
    put_json(out, "rule", alert->rule);
    put_json(out, "subject", alert->subject);
    put_json(out, "detail", alert->detail);
    put_json(out, "host", alert->host);
    if (alert->run)
        buf_addf(out, ", \"run\": %lld", (long long)alert->run);
    else
        buf_addstr(out, ", \"run\": null");
    buf_addf(out, ", \"count\": %d", alert->count);
    put_json_time(out, "opened_at", alert->opened_at);
    put_json_time(out, "closed_at", alert->closed_at);
}

static size_t shown(size_t n)
{
    return n < NOTICE_ITEMS ? n : NOTICE_ITEMS;
}

static void put_json_item(const struct notice *notice, const struct notice_item *item,
                          struct buf *out)
{
    struct buf line = {0};
    put_json_alert(out, &item->alert, notice_state(item));
    notice_line(notice, item, &line);
    put_json(out, "text", buf_str(&line));
    put_json(out, "output", item->output[0]);
    put_json(out, "error_output", item->output[1]);
    buf_addstr(out, ", \"children\": [");
    for (size_t i = 0; i < shown(item->nchildren); i++) {
        const struct alert *child = &item->children[i];
        buf_addstr(out, i ? ", " : "");
        put_json_alert(out, child, child->closed_at ? "closed" : "open");
        buf_addch(out, '}');
    }
    buf_addf(out, "], \"more_children\": %zu}", item->nchildren - shown(item->nchildren));
    buf_free(&line);
}

void notice_json(const struct notice *notice, struct buf *out)
{
    struct buf subject = {0};
    notice_subject(notice, &subject);
    buf_addstr(out, "{\"source\": \"rota\"");
    put_json(out, "head", notice->head);
    put_json(out, "section", notice->section->name);
    put_json_time(out, "at", notice->now);
    put_json(out, "text", buf_str(&subject));
    buf_addstr(out, ", \"alerts\": [");
    for (size_t i = 0; i < shown(notice->n); i++) {
        buf_addstr(out, i ? ", " : "");
        put_json_item(notice, &notice->v[i], out);
    }
    buf_addf(out, "], \"more\": %zu}", notice->n - shown(notice->n));
    buf_free(&subject);
}
