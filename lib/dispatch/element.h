/* element: runs of arrays, in the dispatcher. */
#ifndef ROTA_DISPATCH_ELEMENT_H
#define ROTA_DISPATCH_ELEMENT_H

#include "dispatch/internal.h"

/* ---- element.c ---- */
/* The environment of an element of an array, and a job's parameters. */
void element_env(struct message_writer *w, const struct work *work);
/* What is executed, with the element in its place. */
void element_command(struct message_writer *w, const struct work *work);

/* How many bytes that is; a few more for a line for a shell. */
size_t element_size(const struct work *work);

/* ---- stopping.c ---- */
/* An array was stopped (array_stop_put): its runs that have not started are forgotten here too. */
void stopping_take(struct dispatch *d, int64_t array);
/* A run has ended badly, which may have stopped its array. */
void stopping_ended(struct dispatch *d, const struct work *work);

#endif
