/* shim_internal: what the files of shim.h share. */
#ifndef ROTA_WORKER_SHIM_INTERNAL_H
#define ROTA_WORKER_SHIM_INTERNAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "worker/capture.h"
#include "worker/journal.h"
#include "worker/launch.h"
#include "worker/shim.h"

struct mask;

struct shim {
    const struct shim_task *task;
    const struct order *order;
    struct cell *cell;
    struct launch launch;
    struct capture capture[CELL_STREAMS];
    struct mask *mask[CELL_STREAMS]; /* NULL: no secrets */
    int pipe[CELL_STREAMS];          /* -1: the job closed it */
    int signals;
    pid_t main;
    bool main_runs;
    bool copies;    /* main is a child that copies files */
    int status;     /* of main, when it ended */
    bool childless; /* main and all that it left behind are gone */
    int64_t began, ended;
    uint32_t why;    /* enum message_end when we end it; 0 while it goes its own way */
    int64_t kill_at; /* when TERM is followed by KILL */
    bool killing;
    int64_t pause; /* ms to the next round of KILL */
    int refusals;  /* rounds in which nobody could be signalled */
    uint64_t got;  /* bit N: file N of those that the head wants is in the staging */
    bool unfetched;
    char reason[sizeof((struct record_result *)0)->reason];
};

/* Follows main to its end, and that of what it left behind: signals, clocks, output. */
void shim_follow(struct shim *s);

/* ---- shim_files.c ---- */
/* Before the run: ERR_ANSWER: it cannot begin, or is to end (s->why). */
int shim_put_files(struct shim *s, struct err *err);
/* After it. */
void shim_get_files(struct shim *s);

#endif
