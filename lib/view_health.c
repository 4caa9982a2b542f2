#include "view_health.h"

#include <stdio.h>

#include "duration.h"
#include "view_run.h"

#define FIELD(kind, name, made)                                                                    \
    static struct view_value kind##_##name(const void *record)                                     \
    {                                                                                              \
        const struct kind *row = record;                                                           \
        return made;                                                                               \
    }

static struct view_value unless_zero(int64_t number)
{
    return number ? view_int(number) : view_text(NULL);
}

FIELD(failing, job, view_text(row->job))
FIELD(failing, streak, view_int(row->streak))
FIELD(failing, since, view_time(row->since))
FIELD(failing, last, view_time(row->last_at))
FIELD(failing, run, view_int(row->run))
FIELD(failing, state, view_text(row->state))
FIELD(failing, exit_code, row->exit_code >= 0 ? view_int(row->exit_code) : view_text(NULL))
FIELD(failing, registered, view_int(row->registered))
FIELD(failing, reason, view_text(row->reason))

static const struct view_column failing_columns[] = {
    {"job", "FAILING", true, true, false, false, failing_job, VIEW_IS(TEXT)},
    {"streak", "TIMES", true, true, true, false, failing_streak, VIEW_IS(INT)},
    {"since", "SINCE", true, true, false, false, failing_since, VIEW_MAYBE(TIME)},
    {"last_at", "LAST", true, true, false, false, failing_last, VIEW_MAYBE(TIME)},
    {"run", "RUN", true, true, true, false, failing_run, VIEW_MAYBE(INT)},
    {"state", "STATE", true, true, false, false, failing_state,
     VIEW_MAYBE_WORD(view_run_state_word)},
    {"exit_code", "EXIT", true, true, true, false, failing_exit_code, VIEW_MAYBE(INT)},
    {"registered", "REGISTERED", false, true, true, false, failing_registered, VIEW_IS(INT)},
    {"reason", "REASON", true, true, false, false, failing_reason, VIEW_MAYBE(TEXT)},
};
const struct view_record view_failing_record = VIEW_RECORD("failing", 1, failing_columns);

FIELD(alert_open, rule, view_text(row->rule))
FIELD(alert_open, subject, view_text(row->subject))
FIELD(alert_open, opened_at, view_time(row->opened_at))
FIELD(alert_open, reminded_at, view_time(row->reminded_at))
FIELD(alert_open, run, unless_zero(row->run))
FIELD(alert_open, parts, view_int(row->parts))
FIELD(alert_open, detail, view_text(row->detail))

static const struct view_column alert_columns[] = {
    {"rule", "ALERT", true, true, false, false, alert_open_rule, VIEW_IS(TEXT)},
    {"subject", "SUBJECT", true, true, false, false, alert_open_subject, VIEW_IS(TEXT)},
    {"opened_at", "SINCE", true, true, false, false, alert_open_opened_at, VIEW_IS(TIME)},
    {"reminded_at", "REMINDED", false, true, false, false, alert_open_reminded_at,
     VIEW_MAYBE(TIME)},
    {"run", "RUN", true, true, true, false, alert_open_run, VIEW_MAYBE(INT)},
    {"parts", "WITH", false, true, true, false, alert_open_parts, VIEW_IS(INT)},
    {"detail", "DETAIL", true, true, false, false, alert_open_detail, VIEW_MAYBE(TEXT)},
};
const struct view_record view_alert_record = VIEW_RECORD("alert", 1, alert_columns);

FIELD(undelivered, channel, view_text(row->channel))
FIELD(undelivered, waiting, view_int(row->waiting))
FIELD(undelivered, given_up, view_int(row->given_up))
FIELD(undelivered, since, view_time(row->since))
FIELD(undelivered, error, view_text(row->error))

static const struct view_column undelivered_columns[] = {
    {"channel", "CHANNEL", true, true, false, false, undelivered_channel, VIEW_IS(TEXT)},
    {"waiting", "NOT SENT", true, true, true, false, undelivered_waiting, VIEW_IS(INT)},
    {"given_up", "GIVEN UP", true, true, true, false, undelivered_given_up, VIEW_IS(INT)},
    {"since", "SINCE", true, true, false, false, undelivered_since, VIEW_MAYBE(TIME)},
    {"error", "ERROR", true, true, false, false, undelivered_error, VIEW_MAYBE(TEXT)},
};
const struct view_record view_undelivered_record =
    VIEW_RECORD("undelivered", 1, undelivered_columns);

FIELD(missing, job, view_text(row->job))
FIELD(missing, due_at, view_time(row->due_at))
FIELD(missing, times, view_int(row->times))
FIELD(missing, reason, view_text(row->reason))

static const struct view_column missing_columns[] = {
    {"job", "MISSED", true, true, false, false, missing_job, VIEW_IS(TEXT)},
    {"due_at", "DUE", true, true, false, false, missing_due_at, VIEW_IS(TIME)},
    {"times", "TIMES", true, true, true, false, missing_times, VIEW_IS(INT)},
    {"reason", "REASON", true, true, false, false, missing_reason, VIEW_MAYBE(TEXT)},
};
const struct view_record view_missing_record = VIEW_RECORD("missing", 1, missing_columns);

/* ---- hosts, for people. A text is used before the column is asked for the next record. ---- */

static bool is_heard(const struct host_record *row)
{
    return row->known.name && row->known.seen_at;
}

static struct view_value size_value(int64_t kb, char text[DURATION_TEXT])
{
    return view_text(kb > 0 ? size_text(kb * 1024, text) : NULL);
}

static struct view_value vitals_state(const void *record)
{
    const struct host_record *row = record;
    bool down = row->known.state == HOST_DOWN, up = row->known.state == HOST_UP;
    struct view_value value = view_text(down ? "down" : up ? "up" : "unknown");
    value.mood = down ? VIEW_BAD : up ? VIEW_GOOD : VIEW_DIM;
    if (row->known.drained) {
        value.text = down ? "drained, down" : "drained";
        value.mood = VIEW_BUSY;
    }
    return value;
}

static struct view_value vitals_load(const void *record)
{
    static char text[16];
    const struct host_record *row = record;
    (void)snprintf(text, sizeof text, "%d.%02d", row->known.load_percent / 100,
                   row->known.load_percent % 100);
    return view_text(is_heard(row) ? text : NULL);
}

static struct view_value vitals_memory(const void *record)
{
    static char text[DURATION_TEXT];
    return size_value(((const struct host_record *)record)->known.mem_free_kb, text);
}

static struct view_value vitals_disk(const void *record)
{
    static char text[DURATION_TEXT];
    return size_value(((const struct host_record *)record)->known.disk_free_kb, text);
}

/* "0.1.0-ef2864d": as much as tells two apart */
static struct view_value vitals_worker(const void *record)
{
    static char text[16];
    const struct host_record *row = record;
    (void)snprintf(text, sizeof text, "%.13s", row->known.build ? row->known.build : "");
    return view_text(row->known.build ? text : NULL);
}

FIELD(host_record, name, view_text(row->config->name))
FIELD(host_record, slots, unless_zero(row->config->slots ? row->config->slots : row->known.cpus))
FIELD(host_record, used, view_int(row->used))
FIELD(host_record, skew, is_heard(row) ? view_seconds(row->known.skew_ms) : view_text(NULL))
FIELD(host_record, seen, view_time(row->known.seen_at))
FIELD(host_record, note, view_text(row->known.drained ? row->known.drained : row->known.reason))

static const struct view_column vitals_columns[] = {
    {"name", "HOST", true, true, false, false, host_record_name, VIEW_IS(TEXT)},
    {"state", "STATE", true, true, false, false, vitals_state, VIEW_IS(TEXT)},
    {"slots", "SLOTS", true, true, true, false, host_record_slots, VIEW_MAYBE(INT)},
    {"used", "USED", true, true, true, false, host_record_used, VIEW_IS(INT)},
    {"load", "LOAD", true, true, true, false, vitals_load, VIEW_MAYBE(TEXT)},
    {"memory", "MEMORY", true, true, true, false, vitals_memory, VIEW_MAYBE(TEXT)},
    {"disk", "DISK", true, true, true, false, vitals_disk, VIEW_MAYBE(TEXT)},
    {"skew", "SKEW", true, true, true, false, host_record_skew, VIEW_MAYBE(SECONDS)},
    {"worker", "WORKER", true, true, false, false, vitals_worker, VIEW_MAYBE(TEXT)},
    {"seen_at", "SEEN", true, true, false, false, host_record_seen, VIEW_MAYBE(TIME)},
    {"note", "NOTE", true, true, false, false, host_record_note, VIEW_MAYBE(TEXT)},
};
const struct view_record view_vitals_record = VIEW_RECORD("vitals", 1, vitals_columns);
