/* specification: the job that a specification in the catalogue describes. */
#ifndef ROTA_SPECIFICATION_H
#define ROTA_SPECIFICATION_H

#include <stdint.h>

#include "catalogue.h"
#include "err.h"
#include "job.h"

/* Reads specification `id` into *job (job_free). ERR_DATA when its text cannot be understood, and
 * what spec_get returns; then *job needs no freeing. */
int specification_read(struct catalogue *cat, int64_t id, struct job *job, struct err *err);
/* In a transaction. Stores a job, which jobfile_write has written as `text`; its id in *id. */
int specification_put(struct catalogue *cat, const struct job *job, const struct buf *text,
                      int64_t *id, struct err *err);
/* The slots that its runs take; 1 when it cannot be read. */
int specification_slots(struct catalogue *cat, int64_t id);

#endif
