/* waiting: says why runs wait: queued ones, and those that nothing can be done for. */
#include "dispatch/internal.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "xalloc.h"

enum { WAITING_MS = 1000 }; /* a wait that is shorter is not worth a word */

static const struct peer *peer_of(const struct place_host *host)
{
    return (const struct peer *)(const void *)((const char *)host - offsetof(struct peer, place));
}

enum { NAMES_SHOWN = 3 };

/* Appends the names of the class's hosts in this state; returns how many there are. */
static size_t list_hosts(const struct class *class, enum place_state state, const char *before,
                         struct buf *text)
{
    size_t n = 0;
    for (size_t i = 0; i < class->nhosts; i++)
        if (class->hosts[i]->state == state && n++ < NAMES_SHOWN)
            buf_addf(text, "%s%s", n == 1 ? before : ", ", class->hosts[i]->name);
    if (n > NAMES_SHOWN)
        buf_addf(text, " and %zu more", n - NAMES_SHOWN);
    return n;
}

static void say_out(const struct class *class, struct buf *text)
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

/* Why the line waits, owned by the caller; "" when nothing waits. */
static char *say_waiting(const struct class *class)
{
    struct buf text = {0};
    if (!class->line.n)
        return buf_detach(&text);
    if (!class->nhosts)
        buf_addstr(&text, "no worker matches its hosts, tags and slots");
    else if (!list_hosts(class, PLACE_READY, "no free slot on ", &text) &&
             !list_hosts(class, PLACE_COLD, "connecting to ", &text))
        say_out(class, &text);
    return buf_detach(&text);
}

static int record_class(struct dispatch *d, struct class *class, struct err *err)
{
    char *text = say_waiting(class);
    bool changed = !class->waiting || strcmp(text, class->waiting) != 0;
    int rc = 0;
    for (struct spec *spec = class->specs; rc == 0 && spec; spec = spec->next) {
        if (changed || spec->unsaid)
            rc = spec_waiting(d->cat, spec->id, text[0] ? text : NULL, err);
        spec->unsaid = false; /* should the transaction fail, no class is known any more */
    }
    free(class->waiting);
    class->waiting = text;
    return rc;
}

void waiting_over(struct dispatch *d, const struct spec *spec)
{
    const char *said = spec->unsaid ? NULL : spec->class->waiting;
    if (said && !*said)
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
    for (struct class *class = d->classes; rc == 0 && class; class = class->next)
        rc = record_class(d, class, err);
    return rc;
}

void waiting_forget(struct dispatch *d)
{
    for (struct class *class = d->classes; class; class = class->next) {
        free(class->waiting);
        class->waiting = NULL;
    }
}

/* Something waits, or is still said to. */
static bool is_wanted(const struct dispatch *d)
{
    for (const struct class *class = d->classes; class; class = class->next)
        if (class->line.n || (class->waiting && *class->waiting))
            return true;
    return false;
}

void waiting_want(struct dispatch *d)
{
    if (!d->waiting_due && is_wanted(d))
        d->waiting_due = clock_mono() + WAITING_MS;
}
