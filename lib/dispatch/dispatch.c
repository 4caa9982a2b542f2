#include "dispatch/checkup.h"
#include "dispatch/internal.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "log.h"
#include "output.h"
#include "xalloc.h"

enum {
    LOOK_MS = 1000,   /* how often to look where inotify does not work */
    PARTING_MS = 500, /* for the last bytes to workers, and for the programs that lead to them */
    PROGRESS_MS = 200,
    PATIENCE_MS = 20,
};

/* ---- when to leave ---- */

static bool has_live_runs(const struct dispatch *d)
{
    for (size_t i = 0; i < d->npeers; i++)
        if (d->peers[i]->nworks && !peer_is_aside(d->peers[i]))
            return true;
    return false;
}

static bool is_connecting(const struct dispatch *d)
{
    for (size_t i = 0; i < d->npeers; i++)
        if (peer_is_connecting(d->peers[i]))
            return true;
    return false;
}

/* Results that hosts have announced; one that does not come ends its connection. */
static bool has_results_coming(const struct dispatch *d)
{
    for (size_t i = 0; i < d->npeers; i++)
        if (d->peers[i]->state == PEER_READY)
            for (const struct work *work = d->peers[i]->works; work; work = work->next)
                if (work->over && !work->ending)
                    return true;
    return false;
}

static bool has_unsent(const struct dispatch *d)
{
    for (size_t i = 0; i < d->npeers; i++)
        if (peer_has_unsent(d->peers[i]))
            return true;
    return false;
}

static bool is_due_soon(const struct dispatch *d)
{
    if (d->tick_at < INT64_MAX && d->tick_at - clock_now() < DISPATCH_SOON_MS)
        return true;
    const struct work *first = heap_top(&d->later);
    return first && first->not_before - clock_now() < DISPATCH_SOON_MS;
}

static bool is_done(const struct dispatch *d)
{
    if (d->leaving)
        return true;
    if (d->options->stay || d->nended || d->ntold || d->nnoted || d->dirty || d->place_wanted ||
        tick_is_due(d) || waiting_is_due(d))
        return false;
    if (d->options->wait)
        return d->nwaits == 0;
    if (d->options->once)
        return !is_connecting(d) && !has_results_coming(d) && !fetching_any(d) && !sending_any(d);
    return !has_live_runs(d) && !is_connecting(d) && !placing_could_start(d) && !is_due_soon(d);
}

/* ---- one turn ---- */

static int64_t earliest(int64_t a, int64_t b)
{
    return !a ? b : !b ? a : a < b ? a : b;
}

static void on_timer(void *arg, uint32_t revents)
{
    (void)arg;
    (void)revents; /* it only ends the wait; the turn looks at what is due */
}

/* When the next round is due, monotonic; 0: none. */
static int64_t next_round(const struct dispatch *d)
{
    int64_t due = earliest(earliest(d->round_due, d->waiting_due), d->lease_due);
    const struct work *later = heap_top(&d->later);
    if (later) {
        int64_t ms = later->not_before - clock_now();
        due = earliest(due, clock_mono() + (ms > 0 ? ms : 0));
    }
    return due && due < d->calm_until ? d->calm_until : due;
}

static int set_timer(struct dispatch *d, struct err *err)
{
    int64_t due = earliest(earliest(next_round(d), d->look_due), d->lost_due);
    if (d->catalogue_wd < 0)
        due = earliest(due, clock_mono() + LOOK_MS);
    if (tick_is_due(d))
        due = clock_mono();
    if (d->options->progress)
        due = earliest(due, clock_mono() + PROGRESS_MS);
    return loop_set(d->timer, -1, 0, due, err);
}

/* A configuration that does not read is said and the old one stays in force. */
static void reread(struct dispatch *d)
{
    struct config *fresh = xcalloc(1, sizeof *fresh);
    struct errlist errors = {0};
    d->reread_wanted = false;
    if (config_read(d->config->path, fresh, &errors) < 0) {
        for (size_t i = 0; i < errors.n; i++)
            log_err(&errors.v[i]);
        log_warn("the old configuration stays in force");
        free(fresh);
    } else {
        d->reread = xreallocarray(d->reread, d->nreread + 1, sizeof(struct config *));
        d->reread[d->nreread++] = fresh;
        d->config = fresh;
        room_make(d);
        checking_configure(d);
        peer_reconfigure(d);
        struct err err;
        if (peer_load_hosts(d, &err) < 0)
            log_err(&err);
        log_info("configuration read again");
    }
    errlist_free(&errors);
}

/* A monotonic time that is set and has come. */
static bool is_due(int64_t due)
{
    return due && clock_mono() >= due;
}

static int turn(struct dispatch *d, struct err *err)
{
    int rc = set_timer(d, err);
    if (rc == 0)
        rc = loop_turn(d->loop, err);
    if (rc == 0 && (is_due(d->look_due) || d->catalogue_wd < 0))
        rc = wake_look(d, err);
    if (rc == 0 && d->reread_wanted)
        reread(d);
    if (rc == 0 && tick_is_due(d))
        rc = tick_run(d, err);
    if (rc == 0 && is_due(d->lost_due))
        lost_look(d);
    if (rc == 0 && is_due(next_round(d)))
        rc = round_run(d, err);
    if (rc == 0)
        room_look(d);
    for (size_t i = 0; rc == 0 && i < d->npeers; i++)
        if (peer_has_unsent(d->peers[i]))
            peer_flush(d->peers[i]);
    if (d->options->progress)
        progress_draw_now(d);
    return rc;
}

/* ACKs and STARTs that are already committed are sent before we go: both could be repeated by the
 * next dispatcher, but why make it. */
static void part(struct dispatch *d)
{
    int64_t until = clock_mono() + PARTING_MS;
    while (has_unsent(d) && clock_mono() < until) {
        struct err err;
        if (loop_set(d->timer, -1, 0, until, &err) < 0 || loop_turn(d->loop, &err) < 0)
            return;
    }
}

/* ---- life ---- */

/* Hosts on which an earlier dispatcher left runs are asked about them first. */
static void want_unfinished(struct dispatch *d)
{
    for (size_t i = 0; i < d->npeers; i++)
        if (d->peers[i]->nworks)
            peer_want(d->peers[i]);
}

/* Whoever dispatches runs what the catalogue says as himself: a catalogue of somebody else must not
 * make us run his commands. */
static int check_owner(const struct catalogue *cat, struct err *err)
{
    if (catalogue_owner(cat) == geteuid())
        return 0;
    return err_set(err, ERR_CONFIG,
                   "the catalogue %s belongs to user %u: only its owner dispatches it",
                   catalogue_path(cat), (unsigned)catalogue_owner(cat));
}

/* A living dispatcher does not hear of the new epoch, and to leave the work to it is not what was asked. */
static int take_over(struct dispatch *d, struct err *err)
{
    int64_t held;
    int rc = holder_take_over(d->cat, &d->holder, d->options->take_over, &held, err);
    if (rc == ERR_BUSY && d->holder.pid)
        return err_set(err, ERR_BUSY,
                       "process %d on %s dispatches this catalogue: end it before the take-over",
                       (int)d->holder.pid, d->holder.host);
    d->took_over_at = clock_now();
    if (rc == 0 && held)
        log_warn("queued runs that are held now, since they may have run after this catalogue was "
                 "copied: %lld (see rota status --state held, then rota cancel --release)",
                 (long long)held);
    return rc;
}

static int take(struct dispatch *d, struct err *err)
{
    if (d->options->take_over)
        return take_over(d, err);
    int rc = holder_take(d->cat, &d->holder, err);
    return rc == ERR_BUSY && d->holder.pid ? DISPATCH_OTHER : rc;
}

/* Whether somebody who does not live any more still stands there as the holder. */
static bool is_left_behind(struct catalogue *cat)
{
    struct holder holder;
    bool alive;
    return holder_get(cat, &holder, &alive, NULL) == 0;
}

static int start(struct dispatch *d, struct err *err)
{
    room_make(d);
    d->waiting_stale = is_left_behind(d->cat);
    int rc = take(d, err);
    if (rc != 0)
        return rc;
    catalogue_patience(d->cat, PATIENCE_MS); /* the loop must turn: what is busy is tried again */
    d->held = true;
    d->lease_due = clock_mono() + holder_lease() / 3;
    d->loop = loop_new(err);
    if (!d->loop)
        return ERR_OS;
    d->timer = loop_watch(d->loop, on_timer, d);
    checking_init(d);
    rc = wake_init(d, err);
    d->version = catalogue_version(d->cat);
    if (rc == 0)
        rc = tick_init(d, err);
    if (rc == 0)
        rc = peer_init_all(d, err);
    if (rc == 0)
        rc = queue_init(d, err);
    if (rc == 0)
        want_unfinished(d);
    return rc;
}

/* Of this process alone, without the programs and local runs it started. */
static int64_t own_cpu_ms(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

/* Connections first, so that no worker talks to a head that has let go of the catalogue. */
static void finish(struct dispatch *d)
{
    if (d->loop) {
        part(d);
        peer_free_all(d);
        fetching_free(d);
        child_end_all(PARTING_MS);
        queue_free(d);
        tick_free(d);
        wake_free(d);
        checking_free(d);
        loop_unwatch(d->timer);
    }
    if (d->held) {
        struct err err;
        d->holder.longest_us = d->loop ? loop_longest_us(d->loop) : 0;
        /* in this order: a write after it begins the WAL anew, and whoever opens the catalogue alone
         * reads one page of it instead of all that was just copied */
        catalogue_checkpoint(d->cat, 0);
        if (holder_release(d->cat, &d->holder, &err) < 0)
            log_err(&err);
    }
    if (d->loop)
        log_info("longest loop turn %lld µs, processor time %lld ms",
                 (long long)loop_longest_us(d->loop), (long long)own_cpu_ms());
    loop_free(d->loop);
    for (size_t i = 0; i < d->nreread; i++) {
        config_free(d->reread[i]);
        free(d->reread[i]);
    }
    free(d->reread);
    free(d->told);
    noted_free(d);
    free(d->unruns);
    waiting_free(d);
    output_close(d->output);
    checking_leave(d);
}

/* The monitor has its own work on an idle night: reminders, messages to be tried again, the heartbeat. */
static int leave_idle(const struct dispatch *d, struct err *err)
{
    bool due;
    int rc = checkup_is_due(d->config, d->cat, &due, err);
    if (rc == 0 && due)
        checkup_await(checkup_last(), 0);
    return rc;
}

int dispatch_run(const struct config *config, struct catalogue *cat,
                 const struct dispatch_options *options, struct err *err)
{
    struct dispatch d = {.config = config,
                         .cat = cat,
                         .options = options,
                         .output = output_open(catalogue_path(cat)),
                         .signal_fd = -1,
                         .inotify_fd = -1,
                         .tick_fd = -1};
    d.ended_tail = &d.ended;
    bool idle = false;
    int rc = check_owner(cat, err);
    if (rc == 0 && !options->stay && !options->take_over && !options->nwait)
        rc = dispatch_is_idle(cat, &idle, err);
    if (rc == 0 && idle)
        rc = leave_idle(&d, err);
    if (rc < 0 || idle) {
        output_close(d.output);
        return rc;
    }
    rc = start(&d, err);
    if (rc == 0 && options->progress)
        progress_init(&d);
    while (rc == 0 && !is_done(&d))
        rc = turn(&d, err);
    if (rc == 0 && (d.waiting_due || waiting_is_due(&d))) {
        d.waiting_due = clock_mono(); /* leave the reasons of what we leave behind */
        rc = round_run(&d, err);
    }
    if (rc == 0 && d.hopeless.code) {
        *err = d.hopeless;
        rc = err->code;
    }
    if (options->progress)
        progress_end(&d);
    finish(&d);
    return rc;
}
