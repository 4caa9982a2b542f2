#include "view_run.h"

#include "clock.h"

#define FIELD(name, made)                                                                          \
    static struct view_value name(const void *record)                                              \
    {                                                                                              \
        const struct run *run = record;                                                            \
        return made;                                                                               \
    }

FIELD(id, view_int(run->id))
FIELD(job, view_text(run->job))
FIELD(reason, view_text(run->reason))
FIELD(host, view_text(run->host))
FIELD(attempt, view_int(run->attempt))
FIELD(priority, view_int(run->priority))
FIELD(due_at, view_time(run->due_at))
FIELD(queued_at, view_time(run->queued_at))
FIELD(started_at, view_time(run->started_at))
FIELD(finished_at, view_time(run->finished_at))
FIELD(submitter, view_text(run->submitter))
FIELD(array, run->array ? view_int(run->array) : view_text(NULL))
FIELD(index_in_array, run->array && run->index >= 0 ? view_int(run->index) : view_text(NULL))
FIELD(occurrence, run->occurrence ? view_int(run->occurrence) : view_text(NULL))
FIELD(item, view_text(run->item))
FIELD(shards, run->shards ? view_int(run->shards) : view_text(NULL))
FIELD(pin, view_text(run->pin))
FIELD(workflow, run->workflow ? view_int(run->workflow) : view_text(NULL))
FIELD(not_before, view_time(run->not_before))
FIELD(rerun_of, run->rerun_of ? view_int(run->rerun_of) : view_text(NULL))
FIELD(cancel_at, view_time(run->cancel_at))
FIELD(out_bytes, view_int(run->out_bytes))
FIELD(out_dropped, view_int(run->out_dropped))
FIELD(err_bytes, view_int(run->err_bytes))
FIELD(err_dropped, view_int(run->err_dropped))
FIELD(utime, view_seconds(run->utime_us / 1000))
FIELD(stime, view_seconds(run->stime_us / 1000))
FIELD(nodes, view_text(run->nodes))
FIELD(external_id, view_text(run->external_id))
FIELD(maxrss, view_int(run->maxrss_kb))

static struct view_value state(const void *record)
{
    static const enum view_mood moods[RUN_STATE_LAST + 1] = {
        [RUN_HELD] = VIEW_DIM,     [RUN_BLOCKED] = VIEW_DIM,    [RUN_STARTING] = VIEW_BUSY,
        [RUN_RUNNING] = VIEW_BUSY, [RUN_SUCCEEDED] = VIEW_GOOD, [RUN_FAILED] = VIEW_BAD,
        [RUN_TIMEOUT] = VIEW_BAD,  [RUN_CANCELLED] = VIEW_DIM,  [RUN_LOST] = VIEW_BAD,
    };
    const struct run *run = record;
    struct view_value value = view_text(run_state_name(run->state));
    if ((size_t)run->state < sizeof moods / sizeof *moods)
        value.mood = moods[run->state];
    return value;
}

const char *view_run_state_word(size_t i)
{
    const size_t n = RUN_STATE_LAST - RUN_STATE_FIRST + 1;
    return i < n ? run_state_name((enum run_state)(RUN_STATE_FIRST + (int)i)) : NULL;
}

static struct view_value exit_code(const void *record)
{
    const struct run *run = record;
    return run->has_exit ? view_int(run->exit_code) : view_text(NULL);
}

static struct view_value signal_number(const void *record)
{
    const struct run *run = record;
    return run->signal ? view_int(run->signal) : view_text(NULL);
}

/* What there is so far, while it runs. */
static struct view_value duration(const void *record)
{
    const struct run *run = record;
    if (!run->started_at)
        return view_text(NULL);
    int64_t end = run->finished_at ? run->finished_at : clock_now();
    return view_seconds(end > run->started_at ? end - run->started_at : 0);
}

static const struct view_column run_columns[] = {
    {"id", "ID", true, true, true, false, id, VIEW_IS(INT)},
    {"job", "JOB", true, true, false, false, job, VIEW_IS(TEXT)},
    {"state", "STATE", true, true, false, false, state, VIEW_WORD(view_run_state_word)},
    {"host", "HOST", true, true, false, false, host, VIEW_MAYBE(TEXT)},
    {"attempt", "TRY", false, true, true, false, attempt, VIEW_IS(INT)},
    {"priority", "PRIO", false, true, true, false, priority, VIEW_IS(INT)},
    {"exit_code", "EXIT", true, true, true, false, exit_code, VIEW_MAYBE(INT)},
    {"signal", "SIGNAL", false, true, true, false, signal_number, VIEW_MAYBE(INT)},
    {"due_at", "DUE", false, false, false, false, due_at, VIEW_MAYBE(TIME)},
    {"queued_at", "QUEUED", false, true, false, false, queued_at, VIEW_MAYBE(TIME)},
    {"started_at", "STARTED", true, true, false, false, started_at, VIEW_MAYBE(TIME)},
    {"finished_at", "FINISHED", false, true, false, false, finished_at, VIEW_MAYBE(TIME)},
    {"duration", "TIME", true, true, true, false, duration, VIEW_MAYBE(SECONDS)},
    {"submitter", "SUBMITTER", false, true, false, false, submitter, VIEW_MAYBE(TEXT)},
    {"array", "ARRAY", false, true, true, false, array, VIEW_MAYBE(INT)},
    {"index", "INDEX", false, true, true, false, index_in_array, VIEW_MAYBE(INT)},
    {"occurrence", "OCCURRENCE", false, false, true, false, occurrence, VIEW_MAYBE(INT)},
    {"item", "ITEM", false, true, false, false, item, VIEW_MAYBE(TEXT)},
    {"shards", "SHARDS", false, false, true, false, shards, VIEW_MAYBE(INT)},
    {"pin", "PIN", false, false, false, false, pin, VIEW_MAYBE(TEXT)},
    {"workflow", "WORKFLOW", false, false, true, false, workflow, VIEW_MAYBE(INT)},
    {"not_before", "NOT BEFORE", false, false, false, false, not_before, VIEW_MAYBE(TIME)},
    {"rerun_of", "RERUN OF", false, true, true, false, rerun_of, VIEW_MAYBE(INT)},
    {"cancel_at", "CANCEL", false, false, false, false, cancel_at, VIEW_MAYBE(TIME)},
    {"out_bytes", "OUT", false, true, true, false, out_bytes, VIEW_IS(INT)},
    {"out_dropped", "OUT LOST", false, false, true, false, out_dropped, VIEW_IS(INT)},
    {"err_bytes", "ERR", false, true, true, false, err_bytes, VIEW_IS(INT)},
    {"err_dropped", "ERR LOST", false, false, true, false, err_dropped, VIEW_IS(INT)},
    {"utime", "USER", false, false, true, false, utime, VIEW_IS(SECONDS)},
    {"stime", "SYSTEM", false, false, true, false, stime, VIEW_IS(SECONDS)},
    {"maxrss", "MAXRSS", false, false, true, false, maxrss, VIEW_IS(INT)},
    {"nodes", "NODES", false, false, false, false, nodes, VIEW_MAYBE(TEXT)},
    {"external_id", "THERE", false, false, false, false, external_id, VIEW_MAYBE(TEXT)},
    {"reason", "REASON", true, true, false, false, reason, VIEW_MAYBE(TEXT)},
};
const struct view_record view_run_record = VIEW_RECORD("run", 1, run_columns);

int view_add_run(const struct run *run, void *view)
{
    return view_add(view, run);
}
