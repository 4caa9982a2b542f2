#include "why.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "xalloc.h"

void why_add(struct why *why, const char *kind, const char *name, bool stops, const char *bar,
             char *taken_detail, char *taken_holders)
{
    if (why->n == why->cap)
        why->v = xreallocarray(why->v, why->cap = why->cap ? 2 * why->cap : 16, sizeof *why->v);
    why->v[why->n++] = (struct finding){.run = why->run,
                                        .kind = kind,
                                        .name = name ? xstrdup(name) : NULL,
                                        .stops = stops,
                                        .bar = bar,
                                        .detail = taken_detail,
                                        .holders = taken_holders};
}

void why_free(struct why *why)
{
    for (size_t i = 0; i < why->n; i++) {
        free(why->v[i].name);
        free(why->v[i].detail);
        free(why->v[i].holders);
    }
    free(why->v);
    free(why->verdict);
    *why = (struct why){0};
}

/* ---- who takes the places ---- */

enum { HOLDERS_SHOWN = 5 };

struct holders {
    struct buf ids, words;
    size_t n;
};

static void add_holder(struct holders *holders, const struct place_run *place)
{
    const struct scene_run *run = (const struct scene_run *)(const void *)place;
    const char *host = place->host ? place->host->name : run->host;
    const char *to_come = run->state == RUN_QUEUED ? ", which goes first" : "";
    buf_addf(&holders->ids, "%s%lld", holders->n ? "," : "", (long long)place->id);
    if (holders->n < HOLDERS_SHOWN)
        buf_addf(&holders->words, "%s%lld (%s%s%s%s)", holders->n ? ", " : "run ",
                 (long long)place->id, run->job, host ? " on " : "", host ? host : "", to_come);
    holders->n++;
}

static void end_holders(struct holders *holders, struct buf *detail)
{
    buf_addstr(detail, buf_str(&holders->words));
    if (holders->n > HOLDERS_SHOWN)
        buf_addf(detail, " and %zu more", holders->n - HOLDERS_SHOWN);
    buf_free(&holders->words);
}

/* ---- limits ---- */

static bool has_need(const struct place_run *run, const struct limit *limit)
{
    for (size_t i = 0; i < run->line->nneeds; i++)
        if (run->line->needs[i].limit == limit)
            return true;
    return false;
}

/* Those in whose favour a place is kept, and who come first: they wait for another pool, or have a host kept
 * for them. */
static void add_waiters(struct holders *holders, const struct scene *scene,
                        const struct limit_need *need)
{
    for (const struct place_line *line = scene->placement.first_line; line; line = line->next) {
        const struct place_run *first = placement_first(line);
        bool waits = first && (line->state == LINE_ASIDE || heap_top(&line->class->lines) == line);
        if (waits && line->class->kept && has_need(first, need->limit) &&
            limit_before(line, need->line))
            add_holder(holders, first);
    }
    const struct heap *waiters = &need->limit->waiters;
    for (size_t i = 0; i < waiters->n; i++) {
        const struct limit_need *other = waiters->v[i];
        if (limit_before(other->line, need->line))
            add_holder(holders, placement_first(other->line));
    }
}

static void explain_limit(struct why *why, const struct scene *scene, const struct limit_need *need,
                          bool stops)
{
    static const char *const kinds[] = {
        [LIMIT_POOL] = "pool", [LIMIT_JOB] = "max_running", [LIMIT_ARRAY] = "array"};
    const struct limit *limit = need->limit;
    struct holders holders = {0};
    struct buf detail = {0};
    int most = limit_most(need);
    bool full = limit->used >= most;
    for (size_t i = 0; i < scene->nruns; i++) {
        const struct place_run *run = &scene->runs[i]->place;
        if (run->counts && run->id != why->run && has_need(run, limit))
            add_holder(&holders, run);
    }
    if (most == LIMIT_UNKNOWN)
        buf_addf(&detail, "there is no [pool %s] in the configuration", limit->name);
    else
        buf_addf(&detail, "%d of %d in use%s", (int)holders.n, most, holders.n ? ": " : "");
    end_holders(&holders, &detail);
    if (stops && !full) {
        buf_addstr(&detail, "; kept for ");
        holders.n = 0;
        add_waiters(&holders, scene, need);
        end_holders(&holders, &detail);
    }
    why_add(why, kinds[limit->kind], limit->name, stops,
            !stops                  ? "free"
            : most == LIMIT_UNKNOWN ? "unknown"
            : full                  ? "full"
                                    : "kept",
            buf_detach(&detail), holders.ids.len ? xstrdup(buf_str(&holders.ids)) : NULL);
    buf_free(&holders.ids);
}

static void explain_limits(struct why *why, const struct scene *scene, const struct scene_run *run)
{
    const struct place_line *line = run->place.line;
    for (size_t i = 0; i < line->nneeds; i++) {
        const struct limit_need *need = &line->needs[i];
        bool stops = line->state == LINE_SHUT && !run->place.host &&
                     (need == line->stopped || need->limit->used >= limit_most(need));
        explain_limit(why, scene, need, stops);
    }
}

/* ---- hosts ---- */

static char *say_bar(const struct scene_run *run, const struct place_host *host, enum place_bar bar,
                     const char *tag)
{
    switch (bar) {
    case PLACE_NOT_NAMED:
        return xstrdup("its hosts are others");
    case PLACE_NOT_PIN:
        return xasprintf("it is for %s", run->pin);
    case PLACE_TAG_MISSING:
        return xasprintf("has no tag '%s'", tag);
    case PLACE_TAG_FORBIDDEN:
        return xasprintf("has the tag '%s', which it forbids", tag);
    case PLACE_TOO_SMALL:
        return xasprintf("has %d slot%s, and it wants %d", host->slots, host->slots == 1 ? "" : "s",
                         run->spec->job.slots);
    case PLACE_FITS:
        break;
    }
    return NULL;
}

static const char *const bars[] = {
    [PLACE_NOT_NAMED] = "not-named",     [PLACE_NOT_PIN] = "not-its-host",
    [PLACE_TAG_MISSING] = "tag-missing", [PLACE_TAG_FORBIDDEN] = "tag-forbidden",
    [PLACE_TOO_SMALL] = "slots-too-few",
};

static bool explain_down(struct why *why, const struct scene_host *host)
{
    const struct host *known = &host->known;
    char since[CLOCK_TEXT];
    if (known->drained) {
        why_add(why, "host", host->place.name, true, "drained",
                xasprintf("drained: %s", known->drained), NULL);
    } else if (known->name && known->state == HOST_DOWN) {
        why_add(why, "host", host->place.name, true, "down",
                xasprintf("down since %s: %s", clock_local(known->state_at, since),
                          known->reason ? known->reason : "?"),
                NULL);
    } else {
        return false;
    }
    return true;
}

static void explain_slots(struct why *why, const struct scene_run *run,
                          const struct place_host *host)
{
    struct holders holders = {0};
    struct buf detail = {0};
    bool tried = strlist_has(&run->tried, host->name);
    for (const struct place_run *other = host->runs; other; other = other->next)
        if (other->id != why->run)
            add_holder(&holders, other);
    bool room = run->place.host == host || place_has_room(host, run->spec->job.slots);
    bool kept = room && host->kept && host->kept != run->place.line->class;
    buf_addf(&detail, "%d of %d slots in use%s",
             host->used - (run->place.host == host ? run->spec->job.slots : 0), host->slots,
             holders.n ? ": " : "");
    end_holders(&holders, &detail);
    if (kept)
        buf_addstr(&detail, "; the others are kept for a bigger run, which waited long");
    if (tried)
        buf_addstr(&detail, "; it was tried there already");
    why_add(why, "host", host->name, !room || kept,
            kept    ? "kept"
            : !room ? "no-slot"
            : tried ? "tried"
                    : "room",
            buf_detach(&detail), holders.ids.len ? xstrdup(buf_str(&holders.ids)) : NULL);
    buf_free(&holders.ids);
}

static void explain_host(struct why *why, const struct scene_run *run,
                         const struct scene_host *host)
{
    const char *tag = NULL;
    enum place_bar bar = place_bar(&run->spec->job, run->pin, &host->place, &tag);
    if (bar != PLACE_FITS)
        why_add(why, "host", host->place.name, true, bars[bar],
                say_bar(run, &host->place, bar, tag), NULL);
    else if (explain_down(why, host))
        return;
    else if (run->place.host != &host->place &&
             placement_has_sibling(run->place.line, &host->place))
        why_add(why, "host", host->place.name, true, "sibling",
                xstrdup("another run of its group has this host"), NULL);
    else
        explain_slots(why, run, &host->place);
}

/* ---- in all ---- */

/* How many stand before it in its own line. */
static size_t count_before(const struct scene_run *run)
{
    const struct heap *line = &run->place.line->runs;
    size_t n = 0;
    for (size_t i = 0; i < line->n; i++)
        n += placement_is_before(line->v[i], &run->place);
    return n;
}

static const char *say_dispatcher(const struct scene *scene)
{
    return scene->alive ? "" : "; no dispatcher lives now (rota dispatch, or cron)";
}

static void explain_queued(struct why *why, const struct scene *scene, const struct scene_run *run)
{
    char at[CLOCK_TEXT];
    bool due = run->not_before <= scene->now;
    char *stopped = scene_say(scene, run);
    if (!due)
        why_add(why, "due", NULL, true, "not-due",
                xasprintf("not before %s", clock_local(run->not_before, at)), NULL);
    if (!run->spec->readable)
        why_add(why, "specification", NULL, true, "unreadable", xstrdup(stopped), NULL);
    size_t before = due && run->spec->readable ? count_before(run) : 0;
    if (before && !run->place.host)
        why_add(why, "turn", NULL, true, "behind",
                xasprintf("%zu run%s with the same demands go%s first", before,
                          before == 1 ? "" : "s", before == 1 ? "es" : ""),
                NULL);
    explain_limits(why, scene, run);
    for (size_t i = 0; i < scene->nhosts; i++)
        explain_host(why, run, &scene->hosts[i]);
    const struct place_host *host = run->place.host;
    why->verdict =
        host ? xasprintf("nothing: it is next, on %s%s", host->name, say_dispatcher(scene))
             : xasprintf("%s%s", stopped, say_dispatcher(scene));
    free(stopped);
}

/* A run that is not queued says in one sentence why: its state and reason are all there is. */
static void explain_state(struct why *why, const struct run *run)
{
    static const char *const says[] = {
        [RUN_HELD] = "it is held: rota cancel --release lets it go on",
        [RUN_BLOCKED] = "it is blocked",
        [RUN_STARTING] = "it starts",
        [RUN_RUNNING] = "it runs",
    };
    struct buf text = {0};
    bool over = run_state_is_terminal(run->state);
    if (over)
        buf_addf(&text, "it is over: %s", run_state_name(run->state));
    else
        buf_addstr(&text, says[run->state]);
    if (!over && run->host)
        buf_addf(&text, " on %s", run->host);
    if (run->reason)
        buf_addf(&text, " (%s)", run->reason);
    why_add(why, "state", NULL, run->state < RUN_STARTING, run_state_name(run->state),
            run->reason ? xstrdup(run->reason) : NULL, NULL);
    why->verdict = buf_detach(&text);
}

int why_read(struct why *why, const struct scene *scene, int64_t id, struct catalogue *cat,
             struct err *err)
{
    struct run row = {0};
    *why = (struct why){.run = id};
    int rc = run_get(cat, id, &row, err);
    if (rc == 0)
        rc = why_needs(why, &row, cat, err);
    const struct scene_run *run = rc == 0 ? scene_find(scene, id) : NULL;
    if (rc == 0 && run && run->state == RUN_QUEUED)
        explain_queued(why, scene, run);
    else if (rc == 0)
        explain_state(why, &row);
    run_free(&row);
    return rc;
}
