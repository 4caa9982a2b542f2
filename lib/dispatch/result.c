#include "dispatch/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "duration.h"
#include "xalloc.h"

struct message_key work_key(const struct work *work)
{
    return (struct message_key){(uint64_t)work->id, (uint32_t)work->attempt, work->token};
}

void ending_free(struct ending *ending)
{
    if (ending) {
        free(ending->reason);
        free(ending->unfetched);
        strlist_free(&ending->values);
    }
    free(ending);
}

void work_ended(struct dispatch *d, struct work *work, struct ending *ending)
{
    if (work->ending) { /* the first is as good */
        ending_free(ending);
        return;
    }
    sending_drop(d, work);
    work->ending = ending;
    work->next_ended = NULL;
    *d->ended_tail = work;
    d->ended_tail = &work->next_ended;
    d->nended++;
    work_vacate(work); /* its end and the claim of who comes next are one commit */
    d->place_wanted = true;
    bool enough = d->nended >= ROUND_BATCH || d->nended * ROUND_SHARE >= d->nlive;
    round_soon(d, enough ? 0 : ROUND_BATCH_MS);
}

void work_unend(struct dispatch *d, struct work **link)
{
    struct work *work = *link;
    *link = work->next_ended;
    if (!*link)
        d->ended_tail = link;
    d->nended--;
    work_occupy(work);
    ending_free(work->ending);
    work->ending = NULL;
}

void work_give_up(struct dispatch *d, struct work *work, enum message_end how, const char *reason)
{
    struct ending *ending = xcalloc(1, sizeof *ending);
    *ending = (struct ending){.end = how, .reason = xstrdup(reason), .at = clock_now()};
    work_ended(d, work, ending);
}

/* One row an end: the state of the attempt, and which `retry.on` covers it. */
static const struct {
    enum message_end end;
    enum run_state state;
    unsigned retry;
} ends[] = {
    {END_EXIT, RUN_FAILED, JOB_RETRY_FAILED}, /* unless the code is one of success */
    {END_SIGNAL, RUN_FAILED, JOB_RETRY_FAILED},    {END_NOSTART, RUN_FAILED, JOB_RETRY_FAILED},
    {END_TIMEOUT, RUN_TIMEOUT, JOB_RETRY_TIMEOUT}, {END_CANCELLED, RUN_CANCELLED, 0},
    {END_LOST, RUN_LOST, JOB_RETRY_LOST},
};

static void say_missing(const struct ending *e, char *text, size_t size)
{
    size_t len = strlen(text);
    if (e->missing)
        (void)snprintf(text + len, size - len, "%s%lld bytes of output never came from the worker",
                       len ? "; " : "", (long long)e->missing);
}

/* What the worker said goes before our own words, and is worth saying of a success too. */
static void say_why(const struct work *work, bool success, char *text, size_t size)
{
    const struct ending *e = work->ending;
    char duration[DURATION_TEXT];
    text[0] = '\0';
    if (e->unfetched && !success && e->end == END_EXIT && job_is_success(&work->spec->job, e->code))
        (void)snprintf(text, size, "%s", e->unfetched);
    else if (e->reason)
        (void)snprintf(text, size, "%s", e->reason);
    else if (e->end == END_EXIT && !success)
        (void)snprintf(text, size, "exit code %d", e->code);
    else if (e->end == END_SIGNAL)
        (void)snprintf(text, size, "killed by SIG%s",
                       sigabbrev_np(e->signal) ? sigabbrev_np(e->signal) : "?");
    else if (e->end == END_TIMEOUT)
        (void)snprintf(text, size, "over its timeout of %s",
                       duration_text(work->spec->job.timeout_ms, duration));
    say_missing(e, text, size);
}

enum { LOST_ATTEMPTS = 2 }; /* what `on_lost: retry` gives at least */

/* Turns the attempt's failure into another attempt when the job asks for it. */
static void judge_retry(const struct work *work, int64_t now, unsigned covered, struct run_end *end,
                        char *text, size_t size)
{
    const struct job_retry *retry = &work->spec->job.retry;
    int attempts = retry->attempts;
    bool lost = covered == JOB_RETRY_LOST && lost_has_leash(work);
    if (lost && attempts < LOST_ATTEMPTS)
        attempts = LOST_ATTEMPTS;
    if (work->cancel || work->attempt >= attempts || !(lost || retry->on & covered))
        return;
    if (work->ending->unproven && !lost) /* nothing would end the first one */
        return;
    char why[256];
    (void)snprintf(why, sizeof why, "%s", text);
    int64_t delay = job_retry_delay(retry, work->attempt);
    if (work->ending->unproven && delay < lost_wait_ms(work))
        delay = lost_wait_ms(work);
    char duration[DURATION_TEXT];
    end->state = RUN_QUEUED;
    end->not_before = now + delay;
    (void)snprintf(text, size, "attempt %d of %d: %s; again %s%s", work->attempt, attempts, why,
                   delay ? "after " : "at once", delay ? duration_text(delay, duration) : "");
}

void ending_judge(const struct work *work, int64_t now, struct run_end *end, char *text,
                  size_t size)
{
    const struct ending *e = work->ending;
    bool success = e->end == END_EXIT && job_is_success(&work->spec->job, e->code) && !e->unfetched;
    size_t row = 0;
    while (row + 1 < sizeof ends / sizeof *ends && ends[row].end != e->end)
        row++;
    *end = (struct run_end){
        .id = work->id,
        .attempt = work->attempt,
        .state = ends[row].state,
        .attempt_state = ends[row].state,
        .has_exit = e->end == END_EXIT,
        .exit_code = e->code,
        .signal = e->signal,
        .started_at = e->end == END_NOSTART ? 0 : e->at - e->duration_ms,
        .finished_at = e->at,
        .utime_us = e->utime_us,
        .stime_us = e->stime_us,
        .maxrss_kb = e->maxrss_kb,
        .out_bytes = e->total[0],
        .out_dropped = e->dropped[0],
        .err_bytes = e->total[1],
        .err_dropped = e->dropped[1],
        .values = &e->values,
    };
    say_why(work, success, text, size);
    if (success)
        end->state = end->attempt_state = RUN_SUCCEEDED;
    else
        judge_retry(work, now, ends[row].retry, end, text, size);
    end->reason = text[0] ? text : NULL;
}
