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

const struct view_column view_run_columns[] = {
    {"id", "ID", true, true, true, false, id},
    {"job", "JOB", true, true, false, false, job},
    {"state", "STATE", true, true, false, false, state},
    {"host", "HOST", true, true, false, false, host},
    {"attempt", "TRY", false, true, true, false, attempt},
    {"priority", "PRIO", false, true, true, false, priority},
    {"exit_code", "EXIT", true, true, true, false, exit_code},
    {"signal", "SIGNAL", false, true, true, false, signal_number},
    {"due_at", "DUE", false, false, false, false, due_at},
    {"queued_at", "QUEUED", false, true, false, false, queued_at},
    {"started_at", "STARTED", true, true, false, false, started_at},
    {"finished_at", "FINISHED", false, true, false, false, finished_at},
    {"duration", "TIME", true, true, true, false, duration},
    {"submitter", "SUBMITTER", false, true, false, false, submitter},
    {"array", "ARRAY", false, true, true, false, array},
    {"index", "INDEX", false, true, true, false, index_in_array},
    {"occurrence", "OCCURRENCE", false, false, true, false, occurrence},
    {"item", "ITEM", false, true, false, false, item},
    {"shards", "SHARDS", false, false, true, false, shards},
    {"pin", "PIN", false, false, false, false, pin},
    {"workflow", "WORKFLOW", false, false, true, false, workflow},
    {"not_before", "NOT BEFORE", false, false, false, false, not_before},
    {"rerun_of", "RERUN OF", false, true, true, false, rerun_of},
    {"cancel_at", "CANCEL", false, false, false, false, cancel_at},
    {"out_bytes", "OUT", false, true, true, false, out_bytes},
    {"out_dropped", "OUT LOST", false, false, true, false, out_dropped},
    {"err_bytes", "ERR", false, true, true, false, err_bytes},
    {"err_dropped", "ERR LOST", false, false, true, false, err_dropped},
    {"utime", "USER", false, false, true, false, utime},
    {"stime", "SYSTEM", false, false, true, false, stime},
    {"maxrss", "MAXRSS", false, false, true, false, maxrss},
    {"reason", "REASON", true, true, false, false, reason},
};
const size_t view_run_ncolumns = sizeof view_run_columns / sizeof *view_run_columns;

int view_add_run(const struct run *run, void *view)
{
    return view_add(view, run);
}
