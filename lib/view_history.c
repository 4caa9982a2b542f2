#include "view_history.h"

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

static struct view_value moment_event(const void *record)
{
    const struct moment *m = record;
    struct view_value value = view_text(m->event);
    value.mood = !m->state                   ? VIEW_PLAIN
                 : m->state == RUN_SUCCEEDED ? VIEW_GOOD
                 : m->state == RUN_CANCELLED ? VIEW_BUSY
                                             : VIEW_BAD;
    return value;
}

FIELD(moment, run, view_int(row->run))
FIELD(moment, at, view_time(row->at))
FIELD(moment, attempt, unless_zero(row->attempt))
FIELD(moment, host, view_text(row->host))
FIELD(moment, actor, view_text(row->actor))
FIELD(moment, detail, view_text(row->detail))

const struct view_column view_moment_columns[] = {
    {"id", "ID", true, true, true, false, moment_run},
    {"at", "AT", true, true, false, false, moment_at},
    {"event", "EVENT", true, true, false, false, moment_event},
    {"attempt", "TRY", true, true, true, false, moment_attempt},
    {"host", "HOST", true, true, false, false, moment_host},
    {"actor", "BY", true, true, false, false, moment_actor},
    {"detail", "DETAIL", true, true, false, false, moment_detail},
};
const size_t view_moment_ncolumns = sizeof view_moment_columns / sizeof *view_moment_columns;

static struct view_value occurrence_outcome(const void *record)
{
    const struct occurrence *o = record;
    struct view_value value = view_text(outcome_name(o->outcome));
    value.mood = o->outcome == OUTCOME_MISSED ? VIEW_BAD
                 : o->outcome == OUTCOME_RAN  ? VIEW_PLAIN
                                              : VIEW_BUSY;
    return value;
}

FIELD(occurrence, id, view_int(row->id))
FIELD(occurrence, job, view_text(row->job))
FIELD(occurrence, due_at, view_time(row->due_at))
FIELD(occurrence, runs, view_list(row->runs))
FIELD(occurrence, reason, view_text(row->reason))

const struct view_column view_occurrence_columns[] = {
    {"occurrence", "OCCURRENCE", false, true, true, false, occurrence_id},
    {"job", "JOB", true, true, false, false, occurrence_job},
    {"due_at", "DUE", true, true, false, false, occurrence_due_at},
    {"outcome", "OUTCOME", true, true, false, false, occurrence_outcome},
    {"runs", "RUNS", true, true, false, false, occurrence_runs},
    {"reason", "REASON", true, true, false, false, occurrence_reason},
};
const size_t view_occurrence_ncolumns =
    sizeof view_occurrence_columns / sizeof *view_occurrence_columns;
