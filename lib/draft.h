/* draft: the text of a rota.ini that is being made: its hosts, then what else can be written there. */
#ifndef ROTA_DRAFT_H
#define ROTA_DRAFT_H

#include <stdbool.h>

#include "buf.h"
#include "hostspec.h"

/* A [worker] section. All is borrowed but the text of the line. */
struct draft_worker {
    const struct hostspec *spec;
    const char
        *from; /* where it was named, for the comment: "~/.ssh/config"; NULL: nothing is said */
    const char *off; /* why it is commented out, as a host may have said it; NULL: it is not */
};

/* Appends a section. */
void draft_worker(struct buf *text, const struct draft_worker *worker);
/* Appends what stands before the workers of a new file, and behind them. `local`: this machine is the one
 * worker, because there is no other. */
void draft_begin(struct buf *text, const char *catalogue);
void draft_end(struct buf *text, bool local);

#endif
