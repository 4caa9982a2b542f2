/*
 * visit: one look at each of many hosts, at the same time, by the ways that dispatch goes: the worker is
 * pushed when it is missing, and asked for facts. It is never told HELLO: that would end the
 * front end of a living dispatcher.
 */
#ifndef ROTA_DOCTOR_VISIT_H
#define ROTA_DOCTOR_VISIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "doctor/facts.h"
#include "err.h"
#include "transport.h"

enum { VISITS_AT_ONCE = 64 };

/* Fill config, the rest zero; end with visit_free. */
struct visit {
    const struct host_config *config; /* borrowed */
    int rc;                           /* 0: facts are complete; else the ERR_* of err */
    struct err err;                   /* why it failed */
    bool greeted;                     /* it failed after the worker had greeted */
    const struct transport
        *instead;      /* the transport that was taken in place of the configured one */
    char *why_instead; /* NULL: none was */
    struct facts facts;
    int64_t skew_ms;  /* what its clock is ahead of ours */
    int64_t round_ms; /* from question to answer: the skew is that uncertain, by half */
    int64_t heard_at; /* when it answered, ms */
};

/* Visits them all. `progress` (NULL: none) is called at first, and after each that is over. 0; ERR_OS when nothing
 * can be waited for. A host that cannot be reached is no error. */
int visit_all(struct visit *visits, size_t n, void (*progress)(size_t over, size_t all),
              struct err *err);
void visit_free(struct visit *visit);

#endif
