/*
 * gate: how many may do a thing at the same time, process-wide; the others wait in order.
 *
 * Waiting costs nothing: a pass that must wait has a descriptor that becomes readable when its turn
 * has come. Not thread-safe, as nothing here is.
 */
#ifndef ROTA_GATE_H
#define ROTA_GATE_H

#include <stdbool.h>

#include "err.h"

struct gate;

/* Start with {0}; end with gate_leave. Must not be moved while it is in use. */
struct gate_pass {
    struct gate *gate; /* NULL: neither in nor waiting */
    bool in;
    int fd; /* while waiting: readable when in */
    struct gate_pass *next;
};

/* Asks to enter the gate with this name, which lets `limit` in. Returns 1 when in, 0 when it must
 * wait: poll pass->fd, then ask again (the same call). ERR_OS. */
int gate_ask(struct gate_pass *pass, const char *name, int limit, struct err *err);
/* Leaves, or stops waiting; the longest waiting one is in. Harmless on {0} and twice. */
void gate_leave(struct gate_pass *pass);

#endif
