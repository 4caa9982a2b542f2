/* submit_after: what `rota submit --after` says. */
#ifndef ROTA_CMD_SUBMIT_AFTER_H
#define ROTA_CMD_SUBMIT_AFTER_H

#include "catalogue.h"
#include "catalogue/need.h"
#include "strlist.h"

/* Reads words "17:failed", "17,18:started" or "last" into needs (free, and their jobs), a clause each. cat
 * NULL: there is no catalogue. ERR_USAGE; ERR_ANSWER when there is no such run, or what it is to be can
 * never be any more. */
int submit_after(const struct strlist *words, struct catalogue *cat, struct need **needs, size_t *n,
                 struct err *err);

#endif
