/* life: the life of a run, one moment after the other, from its own row and those of its attempts, its
 * occurrence, and what people asked of it. */
#ifndef ROTA_LIFE_H
#define ROTA_LIFE_H

#include <stddef.h>
#include <stdint.h>

#include "catalogue.h"
#include "err.h"

struct moment {
    int64_t run, at;
    const char *event; /* "submitted"; static */
    int attempt;       /* 0: of none */
    char *host;        /* owned, here and below; NULL: none */
    char *actor;       /* who asked */
    char *detail;
    enum run_state state; /* of an end; 0: it is none */
};

struct life {
    struct moment *v; /* in the order of time */
    size_t n;
};

/* Reads it into *life (life_free, also after a failure). ERR_ANSWER when the run is not there. */
int life_read(struct catalogue *cat, int64_t run, struct life *life, struct err *err);
void life_free(struct life *life);

#endif
