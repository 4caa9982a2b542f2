/*
 * expansion_hosts: what `where: {each: true}` and `where: {count: N}` make a job into: a run for each host of
 * the configuration that matches, bound to it, or N runs whose hosts placement chooses, all different.
 */
#ifndef ROTA_EXPANSION_HOSTS_H
#define ROTA_EXPANSION_HOSTS_H

#include "config.h"
#include "err.h"
#include "job.h"
#include "strlist.h"

/* Whether it may run on the host, by names, tags and slots; slots that are not configured are not known
 * and count as enough. */
bool expansion_matches(const struct job *job, const struct host_config *host);
/* How many runs a job of each or count makes, and for each of them its host (the list stays empty with
 * count). ERR_DATA, with the numbers, when too few hosts match. */
int expansion_hosts(const struct job *job, const struct config *config, struct strlist *pins,
                    int *shards, struct err *err);

#endif
