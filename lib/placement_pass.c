/* A pass over the queue: who goes where now. */
#include "placement.h"

#include <stdlib.h>

#include "xalloc.h"

int64_t placement_patience_ms(void)
{
    const char *seam = getenv("ROTA_TEST_PATIENCE_MS");
    return seam ? strtoll(seam, NULL, 10) : PLACEMENT_PATIENCE_MS;
}

static bool class_before(const void *a, const void *b)
{
    const struct place_class *x = a, *y = b;
    return x->lines.less(heap_top(&x->lines), heap_top(&y->lines));
}

static void class_moved(void *item, size_t at)
{
    ((struct place_class *)item)->at = at;
}

/* Room for one more of an array of pointers, which grows at each power of two. */
static void *room(void *v, size_t n)
{
    return n & (n - 1) ? v : xreallocarray(v, n ? 2 * n : 1, sizeof(void *));
}

void placement_begin(struct placement *p, int64_t now)
{
    p->order.less = class_before;
    p->order.moved = class_moved;
    p->now = now;
    p->passing = true;
    for (struct place_class *class = p->first_class; class; class = class->next)
        placement_reorder(p, class);
}

/* After its lines changed in the pass: the class goes on behind others, or has nothing left. */
static void go_on(struct placement *p, struct place_class *class)
{
    if (class->lines.n) {
        heap_fix(&p->order, class->at);
        return;
    }
    (void)heap_remove(&p->order, class->at);
    class->pass = CLASS_IDLE;
}

/* Takes the line out of its class, with its first still in place. */
static void close_line(struct placement *p, struct place_line *line, int state)
{
    struct place_class *class = line->class;
    (void)heap_remove(&class->lines, line->at);
    class->nruns -= line->runs.n;
    line->state = state;
    go_on(p, class);
}

static void shut(struct placement *p, struct place_line *line, const struct limit_need *stopped)
{
    line->stopped = stopped;
    close_line(p, line, LINE_SHUT);
    limit_wait(line->needs, line->nneeds, stopped);
}

static void set_aside(struct placement *p, struct place_line *line)
{
    close_line(p, line, LINE_ASIDE);
    p->aside = room(p->aside, p->naside);
    p->aside[p->naside++] = line;
}

/* ---- which host ---- */

static struct place_wish wish_of(const struct place_class *class, enum place_state state)
{
    return (struct place_wish){.prefer = class->demands.prefer,
                               .state = state,
                               .slots = class->demands.slots,
                               .job = class->demands.name,
                               .owner = class};
}

static struct place_pick *pick_of(struct placement *p, struct place_class *class)
{
    if (class->picking)
        return &class->pick;
    struct place_wish wish = wish_of(class, PLACE_READY);
    wish.soon = wish.prefer != PREFER_LEAST_LOADED;
    place_pick_begin(&class->pick, &wish, class->hosts, class->nhosts, &p->visits);
    class->picking = true;
    p->picking = room(p->picking, p->npicking);
    p->picking[p->npicking++] = class;
    if (wish.prefer == PREFER_PACK) {
        p->packing = room(p->packing, p->npacking);
        p->packing[p->npacking++] = class;
    }
    return &class->pick;
}

static bool has_sibling(const struct place_host *host, const void *arg)
{
    return placement_has_sibling(arg, host);
}

static struct place_host *best(struct place_pick *pick, const struct place_line *line,
                               const struct place_run *run)
{
    return place_pick_best(pick, run->id, run->tried, line->apart ? has_sibling : NULL, line);
}

/* Whether a host that was not tried yet may still answer. */
static bool has_fresh_cold(struct placement *p, const struct place_line *line,
                           const struct place_run *run)
{
    struct place_pick pick;
    const struct place_wish wish = wish_of(line->class, PLACE_COLD);
    place_pick_begin(&pick, &wish, line->class->hosts, line->class->nhosts, &p->visits);
    const struct place_host *cold = best(&pick, line, run);
    bool fresh = cold && !strlist_has(run->tried, cold->name);
    place_pick_end(&pick);
    return fresh;
}

/* One that was tried already does not get it again while another may still answer. By default a run goes
 * to whoever is connected; another preference is worth a connection to the host that it prefers. */
static struct place_host *choose(struct placement *p, struct place_line *line,
                                 const struct place_run *run)
{
    struct place_host *host = best(pick_of(p, line->class), line, run);
    if (host && host->state == PLACE_COLD)
        return NULL;
    if (host && run->tried && strlist_has(run->tried, host->name) && has_fresh_cold(p, line, run))
        return NULL;
    return host;
}

/* ---- no host ---- */

/* The line has a place in all it needs, and cannot use it now: the next who can may. Those of a class that
 * found no host either do not stand in the way of the others. */
static void pass_on(struct placement *p, const struct place_line *line)
{
    for (size_t i = 0; i < line->nneeds; i++) {
        const struct limit_need *need;
        bool stuck = true;
        while (stuck && (need = heap_top(&line->needs[i].limit->waiters))) {
            stuck = need->line->class->pass == CLASS_STUCK;
            placement_open(p, need->line);
        }
    }
}

/* The host with the most free slots is kept for a class that wants several: a single one comes free to
 * whoever is first. */
static void keep_host(struct placement *p, struct place_class *class)
{
    struct place_host *most = NULL;
    for (size_t i = 0; class->demands.slots > 1 && i < class->nhosts; i++) {
        struct place_host *host = class->hosts[i];
        p->visits++;
        if (host->state == PLACE_READY && !host->kept && host->slots >= class->demands.slots &&
            (!most || host->slots - host->used > most->slots - most->used))
            most = host;
    }
    if (most)
        most->kept = class;
    class->kept = most;
}

static void keep_pools(struct placement *p, const struct place_line *line)
{
    for (size_t i = 0; i < line->nneeds; i++) {
        struct limit *limit = line->needs[i].limit;
        if (limit->kind != LIMIT_POOL)
            continue;
        limit->kept++;
        p->kept = room(p->kept, p->nkept);
        p->kept[p->nkept++] = limit;
    }
}

static bool has_ready_host(const struct place_class *class)
{
    for (size_t i = 0; i < class->nhosts; i++)
        if (class->hosts[i]->state == PLACE_READY && class->hosts[i]->slots >= class->demands.slots)
            return true;
    return false;
}

static void get_stuck(struct placement *p, struct place_line *line, const struct place_run *run)
{
    struct place_class *class = line->class;
    (void)heap_remove(&p->order, class->at);
    class->pass = CLASS_STUCK;
    p->stuck = room(p->stuck, p->nstuck);
    p->stuck[p->nstuck++] = class;
    if (line->first != run->id) {
        line->first = run->id;
        line->since = p->now;
    }
    if (p->now - line->since >= placement_patience_ms() && has_ready_host(class)) {
        keep_host(p, class);
        keep_pools(p, line);
    } else {
        pass_on(p, line);
    }
}

/* ---- one after the other ---- */

static struct place_run *take_first(struct placement *p, struct place_line *line,
                                    struct place_host *host)
{
    struct place_run *run = heap_top(&line->runs);
    struct place_class *class = line->class;
    line->first = 0;
    placement_unqueue(p, run);
    placement_occupy(p, run, host);
    for (size_t i = 0; i < p->npacking; i++)
        if (p->packing[i] != class)
            place_pick_touch(&p->packing[i]->pick, host);
    if (class->pass == CLASS_IN_PASS)
        go_on(p, class);
    return run;
}

struct place_run *placement_next(struct placement *p)
{
    struct place_class *class;
    while ((class = heap_top(&p->order))) {
        struct place_line *line = heap_top(&class->lines);
        struct place_run *run = heap_top(&line->runs);
        const struct limit_need *stopped = limit_stops(line->needs, line->nneeds);
        if (stopped) {
            shut(p, line, stopped);
            continue;
        }
        struct place_host *host = choose(p, line, run);
        if (host)
            return take_first(p, line, host);
        if (line->apart && place_pick_best(&class->pick, run->id, NULL, NULL, NULL))
            set_aside(p, line);
        else
            get_stuck(p, line, run);
    }
    return NULL;
}

/* ---- cold hosts ---- */

struct wanting {
    struct placement *p;
    void (*want)(struct place_host *host, void *arg);
    void *arg;
    struct wanted {
        struct place_host *host;
        int used;
    } * hosts; /* as they were */
    size_t n, cap;
};

/* Wants hosts for so many runs of the line's class; each of a line that is to be apart wants its own. */
static void want_for(struct wanting *w, const struct place_line *line, size_t runs)
{
    struct place_pick pick;
    struct place_host *host;
    const struct place_run *run = placement_first(line);
    const struct place_wish wish = wish_of(line->class, PLACE_COLD);
    place_pick_begin(&pick, &wish, line->class->hosts, line->class->nhosts, &w->p->visits);
    for (; runs && (host = best(&pick, line, run)); runs--) {
        if (w->n == w->cap)
            w->hosts = xreallocarray(w->hosts, w->cap = w->cap ? 2 * w->cap : 16, sizeof *w->hosts);
        w->hosts[w->n++] = (struct wanted){host, host->used};
        host->used = line->apart ? host->slots : host->used + wish.slots;
        w->want(host, w->arg);
    }
    place_pick_end(&pick);
}

void placement_cold(struct placement *p, void (*want)(struct place_host *host, void *arg),
                    void *arg)
{
    struct wanting w = {.p = p, .want = want, .arg = arg};
    for (size_t i = 0; i < p->nstuck; i++)
        if (p->stuck[i]->lines.n)
            want_for(&w, heap_top(&p->stuck[i]->lines), p->stuck[i]->nruns);
    for (size_t i = 0; i < p->naside; i++)
        want_for(&w, p->aside[i], p->aside[i]->runs.n);
    while (w.n--) /* the last change first */
        w.hosts[w.n].host->used = w.hosts[w.n].used;
    free(w.hosts);
}

bool placement_end(struct placement *p)
{
    bool more = p->order.n;
    p->passing = false;
    for (struct place_class *class; (class = heap_pop(&p->order));)
        class->pass = CLASS_IDLE;
    for (size_t i = 0; i < p->nstuck; i++) {
        p->stuck[i]->pass = CLASS_IDLE;
        if (p->stuck[i]->kept)
            p->stuck[i]->kept->kept = NULL;
        p->stuck[i]->kept = NULL;
    }
    for (size_t i = 0; i < p->nkept; i++)
        p->kept[i]->kept--;
    for (size_t i = 0; i < p->npicking; i++) {
        place_pick_end(&p->picking[i]->pick);
        p->picking[i]->picking = false;
    }
    p->nstuck = p->nkept = p->npicking = p->npacking = 0;
    while (p->naside)
        placement_open(p, p->aside[--p->naside]);
    return more;
}
