/*
 * scene: the queue, the hosts and the limits as the catalogue has them, for looking at: `rota dispatch
 * --dry-run` and `rota status --why` place in it by the rules of the dispatcher (placement.h), and nothing
 * comes of it.
 *
 * Every host counts as one that answers, but for what was drained and, while a dispatcher lives, for
 * what that one cannot reach: without one nobody knows.
 */
#ifndef ROTA_SCENE_H
#define ROTA_SCENE_H

#include "catalogue.h"
#include "config.h"
#include "err.h"
#include "placement.h"

struct scene_host {
    struct place_host place;
    const struct host_config *config; /* borrowed */
    struct host known;                /* name NULL: never heard of */
};

struct scene_spec {
    int64_t id; /* first: found by it */
    bool readable;
    struct job job; /* with every default when it is not */
};

/* A run that is queued, starting or running. */
struct scene_run {
    struct place_run place;
    enum run_state state;
    int64_t not_before, array;
    int64_t queued_at; /* and due: since when it waits */
    char *job, *pin;
    char *host; /* where it is; NULL */
    const struct scene_spec *spec;
    struct strlist tried;
};

struct scene {
    const struct config *config; /* borrowed */
    struct scene_host *hosts;    /* in the order of the configuration */
    size_t nhosts;
    struct scene_run **runs; /* those that are there first, then the queued ones by id */
    size_t nruns, cap;
    void *specs; /* tsearch(3) tree of struct scene_spec */
    struct placement placement;
    bool alive;  /* a dispatcher lives */
    int64_t now; /* wall clock */
};

/* Reads all of it; also after a failure scene_free. Then one pass: placement_begin, next, and, when all
 * was looked at, end. */
int scene_read(struct scene *scene, const struct config *config, struct catalogue *cat,
               struct err *err);
void scene_free(struct scene *scene);
static inline struct scene_run *scene_run_of(const struct place_run *run)
{
    return (struct scene_run *)(void *)run; /* it is the first member */
}
static inline struct scene_host *scene_host_of(const struct place_host *host)
{
    return (struct scene_host *)(void *)host;
}
/* The run of this id; NULL: it is neither queued nor there. */
struct scene_run *scene_find(const struct scene *scene, int64_t id);
/* Places all that can be placed now; the pass is left open, so that everybody stands where they are
 * stopped. */
void scene_place(struct scene *scene);
/* Why a queued run stays where it is after scene_place; NULL: it was placed. Free. */
char *scene_say(const struct scene *scene, const struct scene_run *run);

#endif
