/* noted: what workers tell of runs that they had carried elsewhere (NOTE), on its way into the catalogue. */
#include "dispatch/internal.h"

#include <stdlib.h>
#include <string.h>

#include "catalogue/elsewhere.h"
#include "xalloc.h"

enum { TEXT_MAX = 400, ROUND_NOTED_MS = 50 };

/* Of a worker that is not believed: cut, and escaped where it is printed. */
static char *text_of(const struct message *m, enum message_tag tag)
{
    char *text = message_get_str(m, tag);
    if (text && strlen(text) > TEXT_MAX)
        text[TEXT_MAX] = '\0';
    return text;
}

static void note_free(struct elsewhere *note)
{
    free(note->reason);
    free(note->nodes);
    free(note->external_id);
}

void noted_take(struct dispatch *d, const struct work *work, const struct message *m)
{
    if (d->nnoted == d->noted_cap) {
        d->noted_cap = d->noted_cap ? d->noted_cap * 2 : 64;
        d->noted = xreallocarray(d->noted, d->noted_cap, sizeof *d->noted);
    }
    d->noted[d->nnoted++] = (struct elsewhere){.run = work->id,
                                               .attempt = work->attempt,
                                               .reason = text_of(m, TAG_REASON),
                                               .nodes = text_of(m, TAG_NODES),
                                               .external_id = text_of(m, TAG_EXTERNAL_ID)};
    round_soon(d, ROUND_NOTED_MS);
}

int noted_record(struct dispatch *d, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < d->nnoted; i++)
        rc = elsewhere_put(d->cat, &d->noted[i], err);
    return rc;
}

void noted_told(struct dispatch *d)
{
    for (size_t i = 0; i < d->nnoted; i++)
        note_free(&d->noted[i]);
    d->nnoted = 0;
}

void noted_free(struct dispatch *d)
{
    noted_told(d);
    free(d->noted);
}
