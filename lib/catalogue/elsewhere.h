/* elsewhere: where an attempt was carried to, when its host handed it on, and how it stands there. */
#ifndef ROTA_CATALOGUE_ELSEWHERE_H
#define ROTA_CATALOGUE_ELSEWHERE_H

#include "catalogue.h"

struct elsewhere {
    int64_t run;
    int attempt;
    char *reason;      /* how it stands, for people; of a run that is not over */
    char *nodes;       /* a host range; NULL: as it was */
    char *external_id; /* "slurm 1234_5"; NULL: as it was */
};

/* In a transaction. An attempt that is not there is passed over. */
int elsewhere_put(struct catalogue *cat, const struct elsewhere *e, struct err *err);

#endif
