/*
 * cgroup: control groups of the kernel, version 1 and 2, as far as a run is bounded by them.
 *
 * A group for a run is made below the worker's own: of version 1 in it, of version 2 in the nearest group
 * above that may have children with controllers, since there no group has both processes and such
 * children. What would lead out of a bound that holds for the worker itself is not done.
 */
#ifndef ROTA_WORKER_CGROUP_H
#define ROTA_WORKER_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum { CGROUP_MEMORY = 1, CGROUP_CPU = 2 };

/* A directory in which a group that bounds these can be made. */
struct cgroup_home {
    char *path;
    int version; /* 1 or 2 */
    unsigned controllers;
};

struct cgroup_homes {
    struct cgroup_home v[2];
    size_t n;
};

/* Where groups that bound `wanted` can be made by us, together. ERR_ANSWER: nowhere, and why. */
int cgroup_find(unsigned wanted, struct cgroup_homes *homes, struct err *err);

/* Makes the group `name` there: memory in bytes, cpu in thousandths of a processor, of which those of the
 * home's controllers hold. Returns a descriptor to which whoever is to be in the group writes "0";
 * ERR_ANSWER. */
int cgroup_make(const struct cgroup_home *home, const char *name, uint64_t memory, uint32_t cpu,
                struct err *err);
/* How many processes of it were killed since it was over its memory. */
uint64_t cgroup_killed(const char *path);
/* Sends KILL to all that are in it. */
void cgroup_kill(const char *path);
/* Removes it, and what the run made in it. False: something runs in it still. */
bool cgroup_remove(const char *path);

#endif
