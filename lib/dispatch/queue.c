#include "dispatch/internal.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "order.h"
#include "xalloc.h"

static bool work_sooner(const void *a, const void *b)
{
    return ((const struct work *)a)->not_before < ((const struct work *)b)->not_before;
}

/* ---- works ---- */

struct work *work_find(struct dispatch *d, int64_t id)
{
    struct work **found = tfind(&id, &d->works, order_by_number);
    return found ? *found : NULL;
}

static void work_moved(void *item, size_t at)
{
    ((struct work *)item)->at = at;
}

void work_occupy(struct work *work)
{
    if (work->peer)
        placement_occupy(&work->peer->d->placement, &work->place, &work->peer->place);
}

void work_vacate(struct work *work)
{
    if (work->peer)
        placement_vacate(&work->peer->d->placement, &work->place);
}

void work_attach(struct work *work, struct peer *peer)
{
    free(work->host);
    work->host = NULL;
    work->peer = peer;
    work->prev = NULL;
    work->next = peer->works;
    if (peer->works)
        peer->works->prev = work;
    peer->works = work;
    peer->nworks++;
    peer->d->nlive++;
    work_occupy(work);
}

void work_detach(struct work *work)
{
    struct peer *peer = work->peer;
    if (!peer)
        return;
    if (work->prev)
        work->prev->next = work->next;
    else
        peer->works = work->next;
    if (work->next)
        work->next->prev = work->prev;
    peer->nworks--;
    peer->d->nlive--;
    work_vacate(work);
    sending_drop(peer->d, work);
    getting_again(work);
    work->peer = NULL;
    work->prev = work->next = NULL;
    work->known = work->over = false;
}

static void work_free(struct work *work)
{
    ending_free(work->ending);
    getting_free(work);
    strlist_free(&work->tried);
    strlist_free(&work->given);
    free(work->job);
    free(work->host);
    free(work->item);
    free(work->pin);
    free(work);
}

static void drop_told(struct dispatch *d, const struct work *work)
{
    for (size_t i = 0; i < d->ntold; i++)
        if (d->told[i] == work)
            d->told[i--] = d->told[--d->ntold];
}

static void drop_orphan(struct dispatch *d, const struct work *work)
{
    struct work **link = &d->orphans;
    while (*link && *link != work)
        link = &(*link)->next;
    if (*link)
        *link = work->next;
}

void work_forget(struct dispatch *d, struct work *work)
{
    if (work->host)
        drop_orphan(d, work);
    if (work->started_told)
        drop_told(d, work);
    work_detach(work);
    waiting_leave(work);
    placement_leave(&d->placement, &work->place);
    (void)tdelete(work, &d->works, order_by_number);
    spec_drop(d, work->spec);
    work_free(work);
}

/* Whether it was waited for. */
static bool wait_over(struct dispatch *d, int64_t id)
{
    if (!tfind(&id, &d->waits, order_by_number))
        return false;
    (void)tdelete(&id, &d->waits, order_by_number);
    d->nwaits--;
    return true;
}

void work_end(struct dispatch *d, struct work *work)
{
    (void)wait_over(d, work->id);
    work_forget(d, work);
}

void queue_check_wait(struct dispatch *d, int64_t id)
{
    struct run run = {0};
    if (!tfind(&id, &d->waits, order_by_number))
        return;
    if (run_get(d->cat, id, &run, NULL) == 0 && run_state_is_terminal(run.state))
        (void)wait_over(d, id);
    run_free(&run);
}

/* A new line of runs that are to be on different hosts does not know yet where the others are. */
static int enter_line(struct dispatch *d, struct work *work, struct err *err)
{
    struct strlist hosts = {0};
    int rc = 0;
    work->place = (struct place_run){
        .id = work->id, .priority = work->priority, .job = work->job, .tried = &work->tried};
    placement_enter(&d->placement, &work->place, &work->spec->job, work->array, work->pin);
    if (work->place.line->fresh)
        rc = run_hosts_of_group(d->cat, work->array, &hosts, err);
    for (size_t i = 0; i < hosts.n; i++)
        placement_sibling(work->place.line, hosts.v[i]);
    work->place.line->fresh = rc < 0;
    strlist_free(&hosts);
    return rc;
}

static struct work *work_new(struct dispatch *d, const struct run_brief *run, struct err *err)
{
    struct spec *spec = spec_use(d, run->spec, err);
    if (!spec)
        return NULL;
    struct work *work = xcalloc(1, sizeof *work);
    *work = (struct work){
        .id = run->id,
        .spec = spec,
        .job = xstrdup(run->job),
        .state = run->state,
        .priority = run->priority,
        .attempt = run->attempt,
        .token = run->token,
        .not_before = run->not_before,
        .queued_at = run->queued_at,
        .due_at = run->due_at,
        .started_at = run->started_at,
        .cancel = run->cancel_at != 0,
        .array = run->array,
        .index = run->index,
        .item = run->item ? xstrdup(run->item) : NULL,
        .pin = run->pin ? xstrdup(run->pin) : NULL,
        .shards = run->shards,
        .needs = run->needs,
    };
    if (enter_line(d, work, err) < 0) {
        placement_leave(&d->placement, &work->place);
        spec_drop(d, spec);
        work_free(work);
        return NULL;
    }
    (void)tsearch(work, &d->works, order_by_number);
    d->count.total++;
    return work;
}

void queue_put(struct dispatch *d, struct work *work)
{
    work->in_later = work->not_before > clock_now();
    if (work->in_later) {
        heap_push(&d->later, work);
        return;
    }
    work->lined_at = clock_mono();
    placement_queue(&d->placement, &work->place);
    waiting_enter(work);
    d->place_wanted = true;
}

void queue_take(struct dispatch *d, struct work *work)
{
    if (work->in_later) {
        (void)heap_remove(&d->later, work->at);
        return;
    }
    placement_unqueue(&d->placement, &work->place);
    waiting_leave(work);
}

void queue_due(struct dispatch *d)
{
    int64_t now = clock_now();
    for (struct work *work; (work = heap_top(&d->later)) && work->not_before <= now;) {
        (void)heap_pop(&d->later);
        queue_put(d, work);
    }
}

/* ---- reading the catalogue ---- */

struct loading {
    struct dispatch *d;
    struct err *err;
};

/* A run that cannot be understood stays as it is and says so; it must not stop the others, nor be
 * waited for. A catalogue that cannot be read is another matter. */
static int pass_over(const struct loading *loading, const struct run_brief *run,
                     const struct err *why)
{
    struct dispatch *d = loading->d;
    if (why->code != ERR_DATA) {
        if (loading->err)
            *loading->err = *why;
        return why->code;
    }
    log_warn("run %lld: %s", (long long)run->id, why->msg);
    waiting_note(d, run->id, xstrdup(why->msg));
    if (wait_over(d, run->id))
        (void)err_set(&d->hopeless, ERR_DATA, "run %lld cannot be waited for: %s",
                      (long long)run->id, why->msg);
    return 0;
}

static int add_queued(const struct run_brief *run, void *arg)
{
    struct loading *loading = arg;
    struct dispatch *d = loading->d;
    struct err err;
    if (run->id > d->last_run)
        d->last_run = run->id;
    if (run->state != RUN_QUEUED || work_find(d, run->id))
        return 0;
    struct work *work = work_new(d, run, &err);
    if (!work)
        return pass_over(loading, run, &err);
    if (work->attempt && (work->spec->job.retry.elsewhere || lost_has_leash(work)))
        (void)run_hosts_tried(d->cat, work->id, &work->tried, NULL);
    queue_put(d, work);
    return 0;
}

int queue_load(struct dispatch *d, struct err *err)
{
    struct loading loading = {.d = d, .err = err};
    round_soon(d, 0);
    return run_queued(d->cat, d->last_run, add_queued, &loading, err);
}

int queue_load_one(struct dispatch *d, int64_t id, struct err *err)
{
    struct loading loading = {.d = d, .err = err};
    int64_t last = d->last_run;
    int rc = run_brief(d->cat, id, add_queued, &loading, err);
    d->last_run = last;
    round_soon(d, 0);
    return rc == ERR_ANSWER ? 0 : rc;
}

static int add_unfinished(const struct run_brief *run, void *arg)
{
    struct loading *loading = arg;
    struct dispatch *d = loading->d;
    struct err err;
    struct work *work = work_new(d, run, &err);
    if (!work)
        return pass_over(loading, run, &err);
    int rc = giving_read(d, work, loading->err); /* its START may have to be sent again */
    if (rc < 0)
        return rc;
    struct peer *peer = run->host ? peer_find(d, run->host) : NULL;
    if (peer) {
        work_attach(work, peer);
        return 0;
    }
    placement_occupy(&d->placement, &work->place, NULL); /* at its limits it counts all the same */
    work->host = xstrdup(run->host ? run->host : "?");
    work->next = d->orphans;
    d->orphans = work;
    char *reason = xasprintf("%s is no worker of the configuration any more: waiting until it is "
                             "back, or say rota cancel --lost %lld",
                             work->host, (long long)run->id);
    log_warn("run %lld: %s", (long long)run->id, reason);
    waiting_note(d, run->id, reason);
    return 0;
}

void queue_attach_orphans(struct dispatch *d)
{
    for (struct work **link = &d->orphans; *link;) {
        struct work *work = *link;
        struct peer *peer = peer_find(d, work->host);
        if (!peer) {
            link = &work->next;
            continue;
        }
        *link = work->next;
        work->next = NULL;
        work_attach(work, peer);
        peer_want(peer);
    }
}

int queue_load_unfinished(struct dispatch *d, struct err *err)
{
    struct loading loading = {.d = d, .err = err};
    return run_unfinished(d->cat, add_unfinished, &loading, err);
}

/* Runs of --wait that are over already are not waited for. */
static int init_waits(struct dispatch *d, struct err *err)
{
    for (size_t i = 0; i < d->options->nwait; i++) {
        struct run run = {0};
        int rc = run_get(d->cat, d->options->wait[i], &run, err);
        bool open = rc == 0 && !run_state_is_terminal(run.state);
        run_free(&run);
        if (rc < 0 && rc != ERR_ANSWER)
            return rc;
        if (!open || tfind(&d->options->wait[i], &d->waits, order_by_number))
            continue;
        (void)tsearch(&d->options->wait[i], &d->waits, order_by_number);
        d->nwaits++;
    }
    return 0;
}

int queue_init(struct dispatch *d, struct err *err)
{
    d->later = (struct heap){.less = work_sooner, .moved = work_moved};
    /* events first: what is asked while we read the rest is then heard, at worst twice */
    int rc = event_last(d->cat, &d->last_event, err);
    if (rc == 0)
        rc = init_waits(d, err);
    if (rc == 0)
        rc = queue_load_unfinished(d, err);
    if (rc == 0)
        rc = queue_load(d, err);
    return rc;
}

static void keep(void *borrowed)
{
    (void)borrowed;
}

void queue_free(struct dispatch *d)
{
    while (d->works) { /* the first pointer of a node is its item: tsearch(3) */
        struct work *work = *(struct work **)d->works;
        (void)tdelete(work, &d->works, order_by_number);
        work->place.host = NULL; /* the hosts are gone before us */
        placement_leave(&d->placement, &work->place);
        work_free(work);
    }
    placement_free(&d->placement);
    tdestroy(d->waits, keep);
    heap_free(&d->later);
    spec_free_all(d);
}
