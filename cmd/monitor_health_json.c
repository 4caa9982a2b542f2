/* rota monitor -o json: one object, made of a table of parts, and so is its schema. */
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "monitor_health.h"
#include "view_health.h"

#define FIELD(name, made)                                                                          \
    static struct view_value name(const void *record)                                              \
    {                                                                                              \
        const struct health *h = record;                                                           \
        return made;                                                                               \
    }
/* A field for machines only. */
#define ROW(name, function, kind)                                                                  \
    {                                                                                              \
        name, NULL, false, false, false, false, function, kind                                     \
    }

/* ---- what stands in the object itself ---- */

FIELD(healthy, view_bool(h->nbad == 0))
FIELD(at, view_time(h->now))
FIELD(checked_at, view_time(h->checked_at))
FIELD(heartbeat_error, view_text(h->heartbeat_error))

static const struct view_column healthy_field = ROW("healthy", healthy, VIEW_IS(BOOL));
static const struct view_column at_field = ROW("at", at, VIEW_IS(TIME));
static const struct view_column checked_field = ROW("checked_at", checked_at, VIEW_MAYBE(TIME));
static const struct view_column heartbeat_field =
    ROW("heartbeat_error", heartbeat_error, VIEW_MAYBE(TEXT));

/* ---- objects in it ---- */

FIELD(alive, view_bool(h->dispatcher.alive))
FIELD(died, view_bool(h->dispatcher.died))
FIELD(pid, view_int(h->dispatcher.holder.pid))
FIELD(host, view_text(h->dispatcher.holder.pid ? h->dispatcher.holder.host : NULL))
FIELD(since, view_time(h->dispatcher.holder.since))
FIELD(seen_at, view_time(h->dispatcher.holder.seen_at))
FIELD(longest_turn, view_number(h->dispatcher.holder.longest_us))

static const struct view_column dispatcher_columns[] = {
    ROW("alive", alive, VIEW_IS(BOOL)),
    ROW("died", died, VIEW_IS(BOOL)),
    ROW("pid", pid, VIEW_IS(INT)),
    ROW("host", host, VIEW_MAYBE(TEXT)),
    ROW("since", since, VIEW_MAYBE(TIME)),
    ROW("seen_at", seen_at, VIEW_MAYBE(TIME)),
    ROW("longest_turn", longest_turn, VIEW_IS(NUMBER)),
};
static const struct view_record dispatcher_record =
    VIEW_RECORD("health-dispatcher", 1, dispatcher_columns);

FIELD(held, view_int(h->queue.runs[RUN_HELD]))
FIELD(blocked, view_int(h->queue.runs[RUN_BLOCKED]))
FIELD(queued, view_int(h->queue.runs[RUN_QUEUED]))
FIELD(starting, view_int(h->queue.runs[RUN_STARTING]))
FIELD(running, view_int(h->queue.runs[RUN_RUNNING]))
FIELD(oldest, view_int(h->queue.oldest))
FIELD(oldest_age, view_seconds(h->queue.oldest ? h->now - h->queue.oldest_at : 0))
FIELD(ended_per_minute, view_number(h->queue.ended * 60000 * 1000000 / HEALTH_RECENT_MS))

static const struct view_column queue_columns[] = {
    ROW("held", held, VIEW_IS(INT)),
    ROW("blocked", blocked, VIEW_IS(INT)),
    ROW("queued", queued, VIEW_IS(INT)),
    ROW("starting", starting, VIEW_IS(INT)),
    ROW("running", running, VIEW_IS(INT)),
    ROW("oldest", oldest, VIEW_IS(INT)),
    ROW("oldest_age", oldest_age, VIEW_IS(SECONDS)),
    ROW("ended_per_minute", ended_per_minute, VIEW_IS(NUMBER)),
};
static const struct view_record queue_record = VIEW_RECORD("health-queue", 1, queue_columns);

FIELD(jobs, view_int(h->schedules.jobs))
FIELD(scheduled, view_int(h->schedules.scheduled))
FIELD(paused, view_int(h->schedules.paused))
FIELD(aside, view_int(h->schedules.aside))
FIELD(overdue, view_int(h->schedules.overdue))
FIELD(overdue_by, view_seconds(h->schedules.overdue_at ? h->now - h->schedules.overdue_at : 0))
FIELD(missed, view_int(h->schedules.missed))

static const struct view_column schedules_columns[] = {
    ROW("jobs", jobs, VIEW_IS(INT)),       ROW("scheduled", scheduled, VIEW_IS(INT)),
    ROW("paused", paused, VIEW_IS(INT)),   ROW("aside", aside, VIEW_IS(INT)),
    ROW("overdue", overdue, VIEW_IS(INT)), ROW("overdue_by", overdue_by, VIEW_IS(SECONDS)),
    ROW("missed", missed, VIEW_IS(INT)),
};
static const struct view_record schedules_record =
    VIEW_RECORD("health-schedules", 1, schedules_columns);

FIELD(up, view_int((int64_t)h->up))
FIELD(down, view_int((int64_t)h->down))
FIELD(drained, view_int((int64_t)h->drained))
FIELD(unknown, view_int((int64_t)h->unknown))

static const struct view_column hosts_columns[] = {
    ROW("up", up, VIEW_IS(INT)),
    ROW("down", down, VIEW_IS(INT)),
    ROW("drained", drained, VIEW_IS(INT)),
    ROW("unknown", unknown, VIEW_IS(INT)),
};
static const struct view_record hosts_record = VIEW_RECORD("health-hosts", 1, hosts_columns);

FIELD(bytes, view_int(h->catalogue.bytes))
FIELD(wal_bytes, view_int(h->catalogue.wal_bytes))
FIELD(free_kb, view_int(h->catalogue.free_kb))

static const struct view_column catalogue_columns[] = {
    ROW("bytes", bytes, VIEW_IS(INT)),
    ROW("wal_bytes", wal_bytes, VIEW_IS(INT)),
    ROW("free_kb", free_kb, VIEW_IS(INT)),
};
static const struct view_record catalogue_record =
    VIEW_RECORD("health-catalogue", 1, catalogue_columns);

/* ---- lists in it ---- */

static struct view_value trouble_bad(const void *record)
{
    return view_bool(((const struct trouble *)record)->bad);
}

static struct view_value trouble_what(const void *record)
{
    return view_text(((const struct trouble *)record)->what);
}

static struct view_value trouble_mend(const void *record)
{
    return view_text(((const struct trouble *)record)->mend);
}

static const struct view_column trouble_columns[] = {
    ROW("bad", trouble_bad, VIEW_IS(BOOL)),
    ROW("what", trouble_what, VIEW_IS(TEXT)),
    ROW("mend", trouble_mend, VIEW_MAYBE(TEXT)),
};
static const struct view_record trouble_record = VIEW_RECORD("trouble", 1, trouble_columns);

struct list {
    const void *v;
    size_t n, size; /* of one, bytes */
};
#define LIST(name, items, count)                                                                   \
    static struct list name(const struct health *h)                                                \
    {                                                                                              \
        return (struct list){items, count, sizeof *(items)};                                       \
    }
LIST(troubles_of, h->troubles, h->ntroubles)
LIST(hosts_of, h->roster.v, h->roster.n)
LIST(failing_of, h->failing, h->nfailing)
LIST(missed_of, h->missing, h->nmissing)
LIST(alerts_of, h->alerts, h->nalerts)
LIST(undelivered_of, h->undelivered, h->nundelivered)

/* ---- the whole: each part is a field, an object, or a list of records ---- */

static const struct part {
    const char *name;
    const struct view_column *field;
    const struct view_record *record;
    struct list (*list)(const struct health *h); /* NULL: the record is one object, of the health */
} parts[] = {
    {"healthy", &healthy_field, NULL, NULL},
    {"at", &at_field, NULL, NULL},
    {"troubles", NULL, &trouble_record, troubles_of},
    {"dispatcher", NULL, &dispatcher_record, NULL},
    {"queue", NULL, &queue_record, NULL},
    {"schedules", NULL, &schedules_record, NULL},
    {"host_counts", NULL, &hosts_record, NULL},
    {"catalogue", NULL, &catalogue_record, NULL},
    {"checked_at", &checked_field, NULL, NULL},
    {"heartbeat_error", &heartbeat_field, NULL, NULL},
    {"hosts", NULL, &view_host_record, hosts_of},
    {"failing", NULL, &view_failing_record, failing_of},
    {"missed", NULL, &view_missing_record, missed_of},
    {"alerts", NULL, &view_alert_record, alerts_of},
    {"undelivered", NULL, &view_undelivered_record, undelivered_of},
};
enum { NPARTS = sizeof parts / sizeof *parts };

static void put_list(struct buf *out, const struct view_record *record, struct list list)
{
    buf_addch(out, '[');
    for (size_t i = 0; i < list.n; i++) {
        buf_addstr(out, i ? "," : "");
        view_put_record(out, record, (const char *)list.v + i * list.size);
    }
    buf_addch(out, ']');
}

static void put_part(struct buf *out, const struct part *part, const struct health *h)
{
    if (part->field) {
        const struct view_value value = part->field->value(h);
        view_put_json(out, &value);
    } else if (part->list) {
        put_list(out, part->record, part->list(h));
    } else {
        view_put_record(out, part->record, h);
    }
}

void monitor_health_json(const struct health *h, FILE *out)
{
    struct buf text = {0};
    for (size_t i = 0; i < NPARTS; i++) {
        buf_addf(&text, "%s\"%s\":", i ? "," : "{", parts[i].name);
        put_part(&text, &parts[i], h);
    }
    buf_addstr(&text, "}\n");
    (void)fwrite(buf_data(&text), 1, text.len, out); /* command_main looks at the stream */
    buf_free(&text);
}

int monitor_health_schema(FILE *out, struct err *err)
{
    const char *names[NPARTS];
    struct buf text = {0};
    view_open_schema(&text, "health", 1);
    for (size_t i = 0; i < NPARTS; i++) {
        const struct part *part = &parts[i];
        names[i] = part->name;
        buf_addf(&text, "%s\"%s\":", i ? "," : "", part->name);
        buf_addstr(&text, part->list ? "{\"type\":\"array\",\"items\":" : "");
        if (part->field)
            view_put_kind(&text, &part->field->kind);
        else
            view_put_schema(&text, part->record);
        buf_addstr(&text, part->list ? "}" : "");
    }
    view_close_schema(&text, names, NPARTS);
    buf_addch(&text, '\n');
    return view_answer(&text, out, err);
}
