/*
 * secret: the secrets of an order, "NAME=value" each. They are in the memory of the front end until the run's
 * shim is forked, in that shim, and those forked with it, as long as they live, and in the environment of the job: whoever is the job's
 * account, or root, can read them there. They are on no disk and in no argument list.
 */
#ifndef ROTA_WORKER_SECRET_H
#define ROTA_WORKER_SECRET_H

#include "strlist.h"
#include "worker/order.h"

/* The text with each ${NAME} of a secret replaced by its value, free; what names none stays as it is. What is
 * filled in is not looked at again. */
char *secret_fill(const struct order *order, const char *text);
/* Wipes and frees them. */
void secrets_free(struct strlist *secrets);

#endif
