/*
 * why: why a run is where it is, in full: each host and what rules it out, each limit and who takes its
 * places, and what else it waits for. Reads only, and places by the rules of the dispatcher (scene.h).
 */
#ifndef ROTA_WHY_H
#define ROTA_WHY_H

#include "scene.h"

/* One thing that was looked at. */
struct finding {
    int64_t run;
    const char
        *kind; /* "state", "due", "need", "limit", "pool", "host", "turn": what was looked at … */
    char *name;      /* … of them which: the host, the pool; NULL */
    bool stops;      /* the run cannot start because of it */
    const char *bar; /* one word for what it is: "drained", "full", "room" */
    char *detail;    /* for people; NULL */
    char *holders;   /* ids with commas of the runs that take the places; NULL */
};

struct why {
    int64_t run;
    struct finding *v;
    size_t n, cap;
    char *verdict; /* one line: "nothing: it is next (on db1)" */
};

/* Adds to the findings of a run what it comes after (why_needs.c). */
int why_needs(struct why *why, const struct run *run, struct catalogue *cat, struct err *err);
/* Takes ownership of the texts. */
void why_add(struct why *why, const char *kind, const char *name, bool stops, const char *bar,
             char *taken_detail, char *taken_holders);

/* After scene_place; *why: why_free. ERR_ANSWER: there is no such run. */
int why_read(struct why *why, const struct scene *scene, int64_t id, struct catalogue *cat,
             struct err *err);
void why_free(struct why *why);

#endif
