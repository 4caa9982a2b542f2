/* init: what the files of rota init share. */
#ifndef ROTA_CMD_INIT_H
#define ROTA_CMD_INIT_H

#include <stdbool.h>

#include "doctor/doctor.h"
#include "draft.h"
#include "strlist.h"

/* A [worker] section that is to be written. */
struct init_worker {
    struct hostspec spec;
    bool found; /* in ~/.ssh/config: commented out when it does not work */
    char *off;  /* why it is; NULL: it is not */
};

struct init {
    bool dry_run;
    char *path;           /* of rota.ini */
    bool there;           /* it existed; old is what it said */
    struct buf old, text; /* text: what it is to say */
    struct init_worker *workers;
    size_t n;
    struct strlist asked;  /* hosts to be tested */
    struct strlist others; /* hosts of ~/.ssh/config that an existing rota.ini has not */
    struct config config;  /* what text says, with all workers */
    bool configured;
    struct doctor doctor; /* its visits are of config's hosts */
};

/* init_hosts.c: from what was typed and ~/.ssh/config to workers and asked. */
int init_gather(struct init *init, const struct config *existing, char **args, int n,
                struct err *err);
/* init_report.c: what came of the tests; hosts that failed. And what to type next. */
size_t init_report(const struct init *init);
void init_next(const struct init *init);

#endif
