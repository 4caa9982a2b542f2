/* limits_internal: what the files of limits share. */
#ifndef ROTA_WORKER_LIMITS_INTERNAL_H
#define ROTA_WORKER_LIMITS_INTERNAL_H

#include "worker/cgroup.h"
#include "worker/launch.h"
#include "worker/limits.h"

enum { LIMITS_BEGUN = 9 }; /* descriptor on which a scope tells that the run begins in it */

struct limits {
    struct cgroup_homes homes;
    int procs[2]; /* of the groups in them */
    int made;     /* how many there are */
    char name[32];
    bool in_scope;
    int begun[2]; /* of a scope: a pipe */
};

/* Makes the launch one of a scope of the account's user manager; ERR_ANSWER: why there is none. */
int scope_prepare(const struct order *order, struct launch *launch, struct limits *limits,
                  struct err *err);
/* Whether the run has begun in its scope. */
bool scope_has_begun(const struct limits *limits);

#endif
