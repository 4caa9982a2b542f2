/*
 * health: the state of the whole system as the catalogue and the configuration have it, and what is
 * wrong with it. It connects to nothing; `rota monitor doctor` does.
 */
#ifndef ROTA_MONITOR_HEALTH_H
#define ROTA_MONITOR_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalogue.h"
#include "catalogue/vitals.h"
#include "config.h"
#include "err.h"
#include "roster.h"

enum {
    HEALTH_RECENT_MS = 300000, /* over which the rate of ends is counted */
    HEALTH_DAY_MS = 86400000,  /* what "the last day" is */
    HEALTH_SILENT_MS =
        150000, /* work that waits longer without a dispatcher: two minutes of cron */
    HEALTH_QUEUE_MS = 3600000,  /* a queued run that waits longer is worth a note */
    HEALTH_TURN_US = 2000000,   /* a loop turn that is longer is worth a note */
    HEALTH_SKEW_MS = 5000,      /* a clock that is further off is worth a note */
    HEALTH_DISK_KB = 100 << 10, /* less free is a trouble */
};

/* Something that is not as it should be. */
struct trouble {
    bool bad;   /* the system is unhealthy; else only worth knowing */
    bool alert; /* of an open alert, or of a message about one */
    char *what; /* names are as they are: escape them on the way out */
    char *mend; /* a command or an advice; NULL: none */
};

struct health {
    int64_t now;
    struct {
        bool alive;
        bool died;            /* it holds the catalogue and does not live */
        struct holder holder; /* pid 0: nobody holds it */
    } dispatcher;
    struct roster roster;
    size_t up, down, unknown, drained; /* hosts; a drained one is counted as that only */
    struct queue_depth queue;
    struct schedule_counts schedules;
    int64_t checked_at; /* the last `monitor check`; 0: never */
    char *
        heartbeat_error; /* why the last heartbeat was not taken; NULL: it was, or none is wanted */
    struct {
        int64_t bytes, wal_bytes, free_kb; /* of the file, its WAL, and the filesystem under them */
    } catalogue;
    struct failing *failing; /* texts owned, here and below */
    size_t nfailing;
    struct alert_open *alerts;
    size_t nalerts;
    struct undelivered *undelivered;
    size_t nundelivered;
    struct missing *missing; /* of the last day */
    size_t nmissing;
    char **aside; /* names of jobs whose timetable could not be read */
    size_t naside;
    struct trouble *troubles; /* the bad ones first */
    size_t ntroubles, nbad;
};

/* Reads everything at `now` (ms) and judges it. *health borrows from config; health_free also after a
 * failure. */
int health_read(struct health *health, const struct config *config, struct catalogue *cat,
                int64_t now, struct err *err);
void health_free(struct health *health);

/* verdict.c: fills the troubles from the rest. */
void health_judge(struct health *health);

#endif
