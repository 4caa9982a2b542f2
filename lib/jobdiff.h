/* jobdiff: what differs between two jobs, key by key. */
#ifndef ROTA_JOBDIFF_H
#define ROTA_JOBDIFF_H

#include "buf.h"

/* Appends a line "  - key: value" or "  + key: value" for each key that only the first or only the second
 * normalised text (jobfile_write) has, or has otherwise. "{}" is the text of no job. */
void jobdiff_write(const char *before, const char *after, struct buf *out);

#endif
