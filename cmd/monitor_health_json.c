/* rota monitor -o json: one object. Its lists have the fields of the views. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "escape.h"
#include "monitor_health.h"
#include "view_health.h"

/* ---- fields: each is written with a comma behind it, which close_object takes back ---- */

static void put_name(struct buf *out, const char *name)
{
    buf_addf(out, "\"%s\":", name);
}

static void put_int(struct buf *out, const char *name, int64_t number)
{
    put_name(out, name);
    buf_addf(out, "%" PRId64 ",", number);
}

static void put_bool(struct buf *out, const char *name, bool value)
{
    put_name(out, name);
    buf_addstr(out, value ? "true," : "false,");
}

static void put_string(struct buf *out, const char *name, const char *text)
{
    put_name(out, name);
    if (text)
        escape_json(out, text, strlen(text));
    else
        buf_addstr(out, "null");
    buf_addch(out, ',');
}

static void put_time(struct buf *out, const char *name, int64_t at)
{
    char text[CLOCK_TEXT];
    put_string(out, name, at ? clock_rfc3339(at, text) : NULL);
}

static void put_seconds(struct buf *out, const char *name, int64_t ms)
{
    put_name(out, name);
    buf_addf(out, "%.3f,", (double)ms / 1000);
}

static void open_object(struct buf *out, const char *name)
{
    if (name)
        put_name(out, name);
    buf_addch(out, '{');
}

static void close_object(struct buf *out)
{
    if (buf_data(out)[out->len - 1] == ',')
        buf_truncate(out, out->len - 1);
    buf_addstr(out, "},");
}

/* The records through the JSON form of a view, an object a line, with commas for the line ends. */
static int put_list(struct buf *out, const char *name, const struct view_column *columns,
                    size_t ncolumns, const void *records, size_t n, size_t size, struct err *err)
{
    char *text = NULL;
    size_t len = 0;
    struct view *view;
    FILE *memory = open_memstream(&text, &len);
    if (!memory)
        return err_sys(err, ERR_OS, "no memory for a list");
    int rc = view_new(&view, columns, ncolumns, "json", VIEW_JSON, NULL, memory, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        (void)view_add(view, (const char *)records + i * size);
    if (rc == 0)
        rc = view_end(view, err);
    (void)fclose(memory);
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\n') /* inside strings they are escaped */
            text[i] = ',';
    put_name(out, name);
    buf_addch(out, '[');
    buf_add(out, text, len ? len - 1 : 0);
    buf_addstr(out, "],");
    free(text);
    return rc;
}

/* ---- the parts ---- */

static void put_troubles(struct buf *out, const struct health *h)
{
    put_name(out, "troubles");
    buf_addch(out, '[');
    for (size_t i = 0; i < h->ntroubles; i++) {
        open_object(out, NULL);
        put_bool(out, "bad", h->troubles[i].bad);
        put_string(out, "what", h->troubles[i].what);
        put_string(out, "mend", h->troubles[i].mend);
        close_object(out);
    }
    if (h->ntroubles)
        buf_truncate(out, out->len - 1);
    buf_addstr(out, "],");
}

static void put_dispatcher(struct buf *out, const struct health *h)
{
    const struct holder *holder = &h->dispatcher.holder;
    open_object(out, "dispatcher");
    put_bool(out, "alive", h->dispatcher.alive);
    put_bool(out, "died", h->dispatcher.died);
    put_int(out, "pid", holder->pid);
    put_string(out, "host", holder->pid ? holder->host : NULL);
    put_time(out, "since", holder->since);
    put_time(out, "seen_at", holder->seen_at);
    put_name(out, "longest_turn");
    buf_addf(out, "%.6f,", (double)holder->longest_us / 1e6);
    close_object(out);
}

static void put_queue(struct buf *out, const struct health *h)
{
    open_object(out, "queue");
    for (int state = RUN_STATE_FIRST; state < RUN_SUCCEEDED; state++)
        put_int(out, run_state_name((enum run_state)state), h->queue.runs[state]);
    put_int(out, "oldest", h->queue.oldest);
    put_seconds(out, "oldest_age", h->queue.oldest ? h->now - h->queue.oldest_at : 0);
    put_name(out, "ended_per_minute");
    buf_addf(out, "%.1f,", (double)h->queue.ended * 60000 / HEALTH_RECENT_MS);
    close_object(out);
}

static void put_counts(struct buf *out, const struct health *h)
{
    const struct schedule_counts *c = &h->schedules;
    open_object(out, "schedules");
    put_int(out, "jobs", c->jobs);
    put_int(out, "scheduled", c->scheduled);
    put_int(out, "paused", c->paused);
    put_int(out, "aside", c->aside);
    put_int(out, "overdue", c->overdue);
    put_seconds(out, "overdue_by", c->overdue_at ? h->now - c->overdue_at : 0);
    put_int(out, "missed", c->missed);
    close_object(out);
    open_object(out, "host_counts");
    put_int(out, "up", (int64_t)h->up);
    put_int(out, "down", (int64_t)h->down);
    put_int(out, "drained", (int64_t)h->drained);
    put_int(out, "unknown", (int64_t)h->unknown);
    close_object(out);
    open_object(out, "catalogue");
    put_int(out, "bytes", h->catalogue.bytes);
    put_int(out, "wal_bytes", h->catalogue.wal_bytes);
    put_int(out, "free_kb", h->catalogue.free_kb);
    close_object(out);
}

static int put_lists(struct buf *out, const struct health *h, struct err *err)
{
    int rc = put_list(out, "hosts", view_host_columns, view_host_ncolumns, h->roster.v, h->roster.n,
                      sizeof *h->roster.v, err);
    if (rc == 0)
        rc = put_list(out, "failing", view_failing_columns, view_failing_ncolumns, h->failing,
                      h->nfailing, sizeof *h->failing, err);
    if (rc == 0)
        rc = put_list(out, "missed", view_missing_columns, view_missing_ncolumns, h->missing,
                      h->nmissing, sizeof *h->missing, err);
    if (rc == 0)
        rc = put_list(out, "alerts", view_alert_columns, view_alert_ncolumns, h->alerts, h->nalerts,
                      sizeof *h->alerts, err);
    if (rc == 0)
        rc = put_list(out, "undelivered", view_undelivered_columns, view_undelivered_ncolumns,
                      h->undelivered, h->nundelivered, sizeof *h->undelivered, err);
    return rc;
}

int monitor_health_json(const struct health *h, FILE *out, struct err *err)
{
    struct buf text = {0};
    open_object(&text, NULL);
    put_bool(&text, "healthy", h->nbad == 0);
    put_time(&text, "at", h->now);
    put_troubles(&text, h);
    put_dispatcher(&text, h);
    put_queue(&text, h);
    put_counts(&text, h);
    put_time(&text, "checked_at", h->checked_at);
    put_string(&text, "heartbeat_error", h->heartbeat_error);
    int rc = put_lists(&text, h, err);
    close_object(&text);
    if (rc == 0) {
        buf_truncate(&text, text.len - 1);
        buf_addch(&text, '\n');
        (void)fwrite(buf_data(&text), 1, text.len, out); /* command_main looks at the stream */
    }
    buf_free(&text);
    return rc;
}
