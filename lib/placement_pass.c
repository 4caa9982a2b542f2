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

/* Hosts that went out leave lines behind that wait for pools, and keep places there for nothing. */
static void open_those_out(struct placement *p)
{
    bool news = false;
    for (struct place_class *class = p->first_class; class; class = class->next) {
        bool was = class->out;
        class->out = !placement_class_has_host(class);
        class->went_out = class->out && !was;
        news = news || class->went_out;
    }
    for (struct place_line *line = p->first_line; news && line; line = line->next)
        if (line->class->went_out && line->state == LINE_SHUT)
            placement_open(p, line);
}

void placement_begin(struct placement *p, int64_t now)
{
    p->order.less = class_before;
    p->order.moved = class_moved;
    p->now = now;
    p->passing = true;
    for (struct place_class *class = p->first_class; class; class = class->next)
        placement_reorder(p, class);
    open_those_out(p);
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

/* The line cannot use the places that it might have: the next who can may. Those of a class that found no
 * host either do not stand in the way of the others. */
static void pass_on(struct placement *p, const struct place_line *line)
{
    for (size_t i = 0; i < line->nneeds; i++) {
        const struct limit_need *need;
        bool stuck = limit_has_place(&line->needs[i]);
        while (stuck && (need = heap_top(&line->needs[i].limit->waiters))) {
            stuck = need->line->class->pass == CLASS_STUCK;
            placement_open(p, need->line);
        }
    }
}

/* Places were opened for as many lines as there are: one that leaves its own hands it to another. */
static void shut(struct placement *p, struct place_line *line, const struct limit_need *stopped)
{
    line->stopped = stopped;
    close_line(p, line, LINE_SHUT);
    limit_wait(line->needs, line->nneeds, stopped);
    if (!limit_keeps(stopped))
        pass_on(p, line);
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

/* The host with the most free slots is kept for a line that wants several: a single one comes free to
 * whoever is first. One host a class: its others come after that line anyway. */
static void keep_host(struct placement *p, const struct place_line *line)
{
    struct place_class *class = line->class;
    struct place_host *most = NULL;
    if (class->kept || class->demands.slots <= 1)
        return;
    for (size_t i = 0; i < class->nhosts; i++) {
        struct place_host *host = class->hosts[i];
        p->visits++;
        if (host->state == PLACE_READY && !host->kept && host->slots >= class->demands.slots &&
            !placement_has_sibling(line, host) &&
            (!most || host->slots - host->used > most->slots - most->used))
            most = host;
    }
    if (most)
        most->kept = class;
    class->kept = most;
}

static void unkeep(struct place_class *class)
{
    if (class->kept)
        class->kept->kept = NULL;
    class->kept = NULL;
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

/* Its first found no host. A pool's places are kept only together with a host: else they might stay empty
 * for as long as the hosts are busy. */
static void wait_for_host(struct placement *p, struct place_line *line, const struct place_run *run)
{
    if (line->first != run->id) {
        line->first = run->id;
        line->since = p->now;
    }
    if (p->now - line->since >= placement_patience_ms())
        keep_host(p, line);
    if (line->class->kept)
        keep_pools(p, line);
    else
        pass_on(p, line);
}

static void get_stuck(struct placement *p, struct place_line *line, const struct place_run *run)
{
    struct place_class *class = line->class;
    (void)heap_remove(&p->order, class->at);
    class->pass = CLASS_STUCK;
    p->stuck = room(p->stuck, p->nstuck);
    p->stuck[p->nstuck++] = class;
    wait_for_host(p, line, run);
}

/* Others of its class may find a host: only its own group keeps it from those with room. */
static void set_aside(struct placement *p, struct place_line *line, const struct place_run *run)
{
    close_line(p, line, LINE_ASIDE);
    p->aside = room(p->aside, p->naside);
    p->aside[p->naside++] = line;
    wait_for_host(p, line, run);
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
        if (class->out) { /* before the limits: it is to keep no place that it cannot use */
            get_stuck(p, line, run);
            continue;
        }
        const struct limit_need *stopped = limit_stops(line->needs, line->nneeds);
        if (stopped) {
            shut(p, line, stopped);
            continue;
        }
        struct place_host *host = choose(p, line, run);
        if (host)
            return take_first(p, line, host);
        if (line->apart && place_pick_best(&class->pick, run->id, NULL, NULL, NULL))
            set_aside(p, line, run);
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

/* Wants hosts for so many runs of the line; each of a line that is to be apart wants its own. */
static void want_for(struct wanting *w, struct place_pick *pick, const struct place_line *line,
                     size_t runs)
{
    struct place_host *host;
    const struct place_run *run = placement_first(line);
    for (; runs && (host = best(pick, line, run)); runs--) {
        if (w->n == w->cap)
            w->hosts = xreallocarray(w->hosts, w->cap = w->cap ? 2 * w->cap : 16, sizeof *w->hosts);
        w->hosts[w->n++] = (struct wanted){host, host->used};
        host->used = line->apart ? host->slots : host->used + pick->wish.slots;
        w->want(host, w->arg);
    }
}

/* For the lines, which are of one class. Where runs are to be apart each line has hosts that only it cannot
 * have; else its first speaks for all. */
static void want_for_lines(struct wanting *w, struct place_line *const *lines, size_t n)
{
    struct place_pick pick;
    const struct place_class *class = lines[0]->class;
    const struct place_wish wish = wish_of(class, PLACE_COLD);
    place_pick_begin(&pick, &wish, class->hosts, class->nhosts, &w->p->visits);
    for (size_t i = 0; class->demands.count && i < n; i++)
        want_for(w, &pick, lines[i], lines[i]->runs.n);
    if (!class->demands.count)
        want_for(w, &pick, lines[0], class->nruns);
    place_pick_end(&pick);
}

void placement_cold(struct placement *p, void (*want)(struct place_host *host, void *arg),
                    void *arg)
{
    struct wanting w = {.p = p, .want = want, .arg = arg};
    for (size_t i = 0; i < p->nstuck; i++)
        if (p->stuck[i]->lines.n)
            want_for_lines(&w, (struct place_line *const *)p->stuck[i]->lines.v,
                           p->stuck[i]->lines.n);
    for (size_t i = 0; i < p->naside; i++)
        want_for_lines(&w, &p->aside[i], 1);
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
        unkeep(p->stuck[i]);
    }
    for (size_t i = 0; i < p->nkept; i++)
        p->kept[i]->kept--;
    for (size_t i = 0; i < p->npicking; i++) {
        place_pick_end(&p->picking[i]->pick);
        p->picking[i]->picking = false;
    }
    p->nstuck = p->nkept = p->npicking = p->npacking = 0;
    while (p->naside) {
        unkeep(p->aside[--p->naside]->class);
        placement_open(p, p->aside[p->naside]);
    }
    return more;
}
