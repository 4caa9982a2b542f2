/*
 * moment: an instant on this host that can be turned into an age later, by another process too.
 *
 * Within one boot ages come from CLOCK_BOOTTIME, which no clock step moves; across boots only the
 * wall clock is left. The head stamps times: a worker says ages.
 */
#ifndef ROTA_WORKER_MOMENT_H
#define ROTA_WORKER_MOMENT_H

#include <stdint.h>

struct moment {
    uint64_t boot; /* moment_boot() */
    int64_t wall;  /* ms since the epoch */
    int64_t up;    /* ms of CLOCK_BOOTTIME */
};

uint64_t moment_boot(void); /* a hash of the boot id */
int64_t moment_up(void);    /* CLOCK_BOOTTIME, ms */
struct moment moment_now(uint64_t boot);
int64_t moment_age(const struct moment *m, uint64_t boot); /* ms, never negative */

#endif
