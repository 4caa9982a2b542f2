/* What the front end asks for a run of Slurm's: that it ends, or is sent a signal. */
#include <stdlib.h>

#include "clock.h"
#include "worker/carrier_internal.h"
#include "worker/command.h"
#include "xalloc.h"

enum {
    SCANCEL_MS = 60000,
    AGAIN_MS = 30000,
    SOON_MS = 5000,
    DENIALS = 60, /* a run that never begins waits so often for Slurm to hear it */
    SLACK_MS = 5000,
    WORDS = 500
};

/* Words of a call of scancel, made when there are enough of them, or at the end. */
static bool scancel(struct strlist *words)
{
    struct buf out = {0};
    struct err err;
    char *said = NULL;
    bool heard = command_run(words->v, SCANCEL_MS, &out, &said, &err) == 0;
    buf_free(&out);
    free(said);
    return heard; /* failing: it is said again */
}

/* One that has begun is told to end by its batch, which knows how, and only then by Slurm; one that has not is
 * claimed, so that it never does. */
static bool cancel(struct carrier *c, struct load *load, bool gently)
{
    struct err err;
    if (!load->claimed && (gently || !load_deny(c, load)))
        return false;
    if (!load->claimed)
        return load->ending = true;
    if (!load->cancels)
        (void)ticket_put(c->task->base, load->name, "cancel", "", 0, &err);
    if ((load->cancels == 0) != gently)
        return false;
    load->cancels++;
    load->cancel_due = clock_mono() + (gently ? load->kill_after + SLACK_MS : AGAIN_MS);
    return true;
}

/* False: Slurm did not hear all of it. */
static bool cancel_some(struct carrier *c, bool gently)
{
    bool heard = true;
    static const char *const begins[] = {"scancel", "--quiet", "--batch", "--signal=TERM"};
    struct strlist words = {0};
    size_t first = gently ? 4 : 2;
    int64_t now = clock_mono();
    for (struct load *load = c->loads; load; load = load->next) {
        char id[JOB_ID];
        load_id(load, id);
        for (size_t i = words.n; i < first; i++)
            strlist_add(&words, begins[i]);
        if (load->cancelled && !load->over && load->cancel_due <= now && cancel(c, load, gently) &&
            *id)
            strlist_add(&words, id);
        if (words.n >= WORDS) {
            heard = scancel(&words) && heard;
            strlist_free(&words);
        }
    }
    if (words.n > first)
        heard = scancel(&words) && heard;
    strlist_free(&words);
    return heard;
}

/* Slurm first: were we killed in between, nobody would tell it, and it would keep a job that does nothing. */
static void end_denied(struct carrier *c, bool heard)
{
    for (struct load *load = c->loads; load; load = load->next) {
        char id[JOB_ID];
        if (!load->ending || load->over)
            continue;
        load_id(load, id);
        if (heard || !*id || ++load->cancels > DENIALS) {
            load_end(c, load, END_CANCELLED, "");
        } else {
            load->ending = false;
            load->cancel_due = clock_mono() + SOON_MS;
        }
    }
}

/* What the front end asks for is in the cell (shim.h). */
void cancel_heed(struct carrier *c)
{
    bool some = false;
    for (struct load *load = c->loads; load; load = load->next) {
        if (atomic_load(&load->slot->cancel))
            load->cancelled = true;
        some = some || (load->cancelled && !load->over);
    }
    if (!some)
        return;
    (void)cancel_some(c, true);
    end_denied(c, cancel_some(c, false));
}

void cancel_signal(struct carrier *c)
{
    for (struct load *load = c->loads; load; load = load->next) {
        uint64_t asked = atomic_exchange(&load->slot->signals, 0);
        char id[JOB_ID];
        load_id(load, id);
        for (int sig = 1; asked && *id; sig++, asked >>= 1)
            if (asked & 1) {
                struct strlist words = {0};
                strlist_add(&words, "scancel");
                strlist_add(&words, "--full");
                strlist_take(&words, xasprintf("--signal=%d", sig));
                strlist_add(&words, id);
                (void)scancel(&words);
                strlist_free(&words);
            }
    }
}
