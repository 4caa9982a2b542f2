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

static const struct view_column moment_columns[] = {
    {"id", "ID", true, true, true, false, moment_run, VIEW_IS(INT)},
    {"at", "AT", true, true, false, false, moment_at, VIEW_MAYBE(TIME)},
    {"event", "EVENT", true, true, false, false, moment_event, VIEW_IS(TEXT)},
    {"attempt", "TRY", true, true, true, false, moment_attempt, VIEW_MAYBE(INT)},
    {"host", "HOST", true, true, false, false, moment_host, VIEW_MAYBE(TEXT)},
    {"actor", "BY", true, true, false, false, moment_actor, VIEW_MAYBE(TEXT)},
    {"detail", "DETAIL", true, true, false, false, moment_detail, VIEW_MAYBE(TEXT)},
};
const struct view_record view_moment_record = VIEW_RECORD("moment", 1, moment_columns);

const char *view_outcome_word(size_t i)
{
    const size_t n = OUTCOME_COALESCED - OUTCOME_RAN + 1;
    return i < n ? outcome_name((enum outcome)(OUTCOME_RAN + (int)i)) : NULL;
}

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

static const struct view_column occurrence_columns[] = {
    {"occurrence", "OCCURRENCE", false, true, true, false, occurrence_id, VIEW_IS(INT)},
    {"job", "JOB", true, true, false, false, occurrence_job, VIEW_IS(TEXT)},
    {"due_at", "DUE", true, true, false, false, occurrence_due_at, VIEW_IS(TIME)},
    {"outcome", "OUTCOME", true, true, false, false, occurrence_outcome,
     VIEW_WORD(view_outcome_word)},
    {"runs", "RUNS", true, true, false, false, occurrence_runs, VIEW_IS(LIST)},
    {"reason", "REASON", true, true, false, false, occurrence_reason, VIEW_MAYBE(TEXT)},
};
const struct view_record view_occurrence_record = VIEW_RECORD("occurrence", 1, occurrence_columns);
