/* waiting: says why runs wait: queued ones, and those that nothing can be done for. */
#include "dispatch/internal.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "placement_words.h"
#include "xalloc.h"

enum { WAITING_MS = 1000 }; /* a wait that is shorter is not worth a word */

static void say_out(const struct place_class *class, struct buf *text)
{
    const struct peer *peer = peer_of(class->hosts[0]);
    if (class->nhosts > 1)
        buf_addf(text, "all %zu workers that match are down or drained", class->nhosts);
    else if (peer->drained)
        buf_addf(text, "%s is drained: %s", peer->place.name, peer->host.drained);
    else {
        char *down = peer_say_down(peer);
        buf_addstr(text, down);
        free(down);
    }
}

static const char *say_pinned(const struct place_class *class)
{
    enum place_state state = class->nhosts ? class->hosts[0]->state : PLACE_OUT;
    return state == PLACE_READY  ? "no free slot on its host"
           : state == PLACE_COLD ? "connecting to its host"
                                 : "its host is not there";
}

/* Why the line waits; one text for all that stand in it, and for all specifications of these. */
static const char *say_line(struct dispatch *d, struct place_line *line)
{
    const struct place_class *class = line->class;
    struct buf text = {0};
    if (line->reason && line->reasoned == d->reasoned)
        return line->reason;
    if (class->pin && line->state != LINE_SHUT) /* its specification speaks for other hosts too */
        buf_addstr(&text, say_pinned(class));
    else
        placement_say(line, say_out, &text);
    free(line->reason);
    line->reason = buf_detach(&text);
    line->reasoned = d->reasoned;
    return line->reason;
}

void waiting_enter(struct work *work)
{
    struct spec *spec = work->spec;
    work->next_waiting = spec->waiting;
    if (work->next_waiting)
        work->next_waiting->prev_waiting = work;
    spec->waiting = work;
}

void waiting_leave(struct work *work)
{
    struct spec *spec = work->spec;
    if (!work->prev_waiting && spec->waiting != work)
        return;
    *(work->prev_waiting ? &work->prev_waiting->next_waiting : &spec->waiting) = work->next_waiting;
    if (work->next_waiting)
        work->next_waiting->prev_waiting = work->prev_waiting;
    work->prev_waiting = work->next_waiting = NULL;
}

static void note_said(struct dispatch *d, struct spec *spec, const char *text)
{
    bool was = spec->said && *spec->said, is = text && *text;
    d->nsaid += is;
    d->nsaid -= was;
    free(spec->said);
    spec->said = text ? xstrdup(text) : NULL;
}

/* Its runs may stand in several lines; one of them speaks for all. */
static int record_spec(struct dispatch *d, struct spec *spec, struct err *err)
{
    const char *text = spec->waiting ? say_line(d, spec->waiting->place.line) : "";
    if (spec->said && strcmp(text, spec->said) == 0)
        return 0;
    int rc = spec_waiting(d->cat, spec->id, text[0] ? text : NULL, err);
    note_said(d, spec,
              text); /* should the transaction fail, nothing that was said is known any more */
    return rc;
}

void waiting_over(struct dispatch *d, struct spec *spec)
{
    bool silent = spec->said && !*spec->said;
    note_said(d, spec, NULL);
    if (silent)
        return;
    if (d->nunused == d->unused_cap) {
        d->unused_cap = d->unused_cap ? d->unused_cap * 2 : 64;
        d->unused = xreallocarray(d->unused, d->unused_cap, sizeof *d->unused);
    }
    d->unused[d->nunused++] = spec->id;
    round_soon(d, ROUND_BATCH_MS);
}

struct note {
    int64_t run;
    char *reason;
};

void waiting_note(struct dispatch *d, int64_t run, char *reason)
{
    if (d->nnotes == d->notes_cap) {
        d->notes_cap = d->notes_cap ? d->notes_cap * 2 : 64;
        d->notes = xreallocarray(d->notes, d->notes_cap, sizeof *d->notes);
    }
    d->notes[d->nnotes++] = (struct note){run, reason};
    round_soon(d, ROUND_BATCH_MS);
}

static int record_notes(struct dispatch *d, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < d->nnotes; i++)
        rc = run_reason(d->cat, d->notes[i].run, d->notes[i].reason, err);
    return rc;
}

bool waiting_is_due(const struct dispatch *d)
{
    return d->waiting_stale || d->nunused || d->nnotes;
}

/* What has gone out of use may have come back meanwhile: its reason is written after this. */
static int record_unused(struct dispatch *d, struct err *err)
{
    int rc = d->waiting_stale ? spec_waiting_none(d->cat, err) : 0;
    for (size_t i = 0; rc == 0 && i < d->nunused; i++)
        rc = spec_waiting(d->cat, d->unused[i], NULL, err);
    return rc;
}

void waiting_recorded(struct dispatch *d)
{
    d->waiting_stale = false;
    d->nunused = 0;
    while (d->nnotes)
        free(d->notes[--d->nnotes].reason);
}

void waiting_free(struct dispatch *d)
{
    waiting_recorded(d);
    free(d->unused);
    free(d->notes);
}

/* One statement a specification, and only when the words change: never one a queued run. */
int waiting_record(struct dispatch *d, struct err *err)
{
    int64_t now = clock_mono();
    int rc = record_unused(d, err);
    if (rc == 0)
        rc = record_notes(d, err);
    if (rc < 0 || !d->waiting_due || now < d->waiting_due)
        return rc;
    d->waiting_due = 0;
    d->reasoned++;
    for (struct spec *spec = d->first_spec; rc == 0 && spec; spec = spec->next)
        rc = record_spec(d, spec, err);
    return rc;
}

void waiting_forget(struct dispatch *d)
{
    for (struct spec *spec = d->first_spec; spec; spec = spec->next)
        note_said(d, spec, NULL);
}

/* Something waits, or is still said to. */
static bool is_wanted(const struct dispatch *d)
{
    return d->placement.nwaiting || d->nsaid;
}

void waiting_want(struct dispatch *d)
{
    if (!d->waiting_due && is_wanted(d))
        d->waiting_due = clock_mono() + WAITING_MS;
}
