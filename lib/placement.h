/*
 * placement: the queue, the hosts and the limits, and who goes where next. Pure: the dispatcher places
 * by it, `rota dispatch --dry-run` and `rota status --why` by the same.
 *
 * Runs that demand the same of a host are a class. Within a class, runs that need the same limits stand
 * in one line, by priority, then age: when its first cannot start, none behind it can. A pass takes the
 * classes in the order of their firsts:
 *
 *   - a line whose first finds a limit full stands aside until a place comes free (limit.h);
 *   - a class whose first finds no host steps aside for this pass, and others use the slots that are too
 *     few for it. When it has been first for PLACEMENT_PATIENCE_MS and still waits, the host with the
 *     most free slots is kept for it, and the places in its pools: it only waits for runs that already
 *     go on, and small ones do not starve a big one.
 *
 * The cost of a pass is a visit to each host of each class that waits, once, and a few steps of heaps for
 * each run that is placed.
 */
#ifndef ROTA_PLACEMENT_H
#define ROTA_PLACEMENT_H

#include "config.h"
#include "heap.h"
#include "job.h"
#include "limit.h"
#include "place.h"
#include "strlist.h"

enum { PLACEMENT_PATIENCE_MS = 60000 };

/* A run as placement knows it. Zero but for id, priority, job and tried before placement_enter. */
struct place_run {
    int64_t id;
    int priority;
    const char *job;             /* borrowed, its name */
    const struct strlist *tried; /* borrowed: hosts that are not preferred again; NULL: none */
    struct place_line *line;
    struct place_host *host; /* whose slots it takes; NULL: none */
    struct place_run *prev, *next;
    bool waits;  /* stands in its line */
    bool counts; /* at its limits */
    size_t at;   /* in its line */
};

/* Runs with the same demands on a host. */
struct place_class {
    char *key;          /* first: found by it */
    struct job demands; /* name, where and slots only */
    char *pin;          /* the only host; NULL: any */
    struct place_host **hosts;
    size_t nhosts;
    struct heap lines; /* of struct place_line, those that may go on */
    size_t nruns;      /* in these lines */
    size_t refs;
    size_t at; /* among the classes of the pass */
    enum { CLASS_IDLE, CLASS_IN_PASS, CLASS_STUCK } pass;
    bool out;      /* none of its hosts takes a run, as of this pass … */
    bool went_out; /* … and not so in the one before */
    bool picking;  /* pick is in use, in this pass */
    struct place_pick pick;
    struct place_host *kept; /* a host that is kept for it, in this pass */
    struct place_class *prev, *next;
};

/* Runs of a class that need the same limits. */
struct place_line {
    char *key; /* first: found by it */
    struct place_class *class;
    struct heap runs; /* of struct place_run */
    struct limit_need *needs;
    size_t nneeds;
    bool apart;     /* where.count: no two of them on one host … */
    bool fresh;     /* … and what is where is yet to be told: placement_sibling */
    void *siblings; /* tsearch(3) tree of their hosts' names */
    enum { LINE_EMPTY, LINE_OPEN, LINE_SHUT, LINE_ASIDE } state;
    const struct limit_need *stopped; /* LINE_SHUT: by what */
    int64_t first, since; /* who waits for a host at its head; monotonic ms, since when */
    size_t at;            /* in its class */
    char *reason; /* why it waits, for people, as of `reasoned`; whoever says it keeps it here */
    int64_t reasoned;
    size_t refs;
    struct place_line *prev, *next;
};

struct placement {
    struct place_host **hosts; /* borrowed, by name */
    size_t nhosts;
    const struct config *config; /* whose pools count */
    void *classes, *lines, *limits;
    struct place_class *first_class;
    struct place_line *first_line;
    size_t nwaiting; /* runs that stand in lines */
    size_t visits;   /* hosts looked at, for tests */
    /* of the pass */
    bool passing;
    struct heap order; /* of classes */
    int64_t now;
    struct place_line **aside; /* lines whose first has to go to another host than has room */
    size_t naside;
    struct place_class **stuck; /* in order */
    size_t nstuck;
    struct place_class **picking; /* those that choose among their hosts … */
    size_t npicking;
    struct place_class **packing; /* … of these, by how full they are */
    size_t npacking;
    struct limit **kept;
    size_t nkept;
};

void placement_free(struct placement *p);
/* The hosts from now on, sorted by name; copied, the hosts themselves are borrowed. */
void placement_set_hosts(struct placement *p, struct place_host *const *hosts, size_t n);
/* The pools from now on. */
void placement_set_config(struct placement *p, const struct config *config);
struct place_host *placement_host(const struct placement *p, const char *name);

/* Gives the run its line. `array` and `pin` as in struct run_new. When run->line->fresh then, the hosts
 * of the others of its group are to be told. */
void placement_enter(struct placement *p, struct place_run *run, const struct job *job,
                     int64_t array, const char *pin);
void placement_sibling(struct place_line *line, const char *host);
/* The run is gone, from wherever it is. */
void placement_leave(struct placement *p, struct place_run *run);
void placement_queue(struct placement *p, struct place_run *run);
void placement_unqueue(struct placement *p, struct place_run *run);
/* Takes slots of the host (NULL: only what its limits count), and gives them back; neither twice. */
void placement_occupy(struct placement *p, struct place_run *run, struct place_host *host);
void placement_vacate(struct placement *p, struct place_run *run);
/* It has left its host for good and may go to another: nothing of its group is there any more. */
void placement_depart(struct place_run *run, const char *host);

/* One pass: begin, next until NULL, end. `now` is monotonic ms. next returns a run that it took from its
 * line; run->host is where it goes. */
void placement_begin(struct placement *p, int64_t now);
struct place_run *placement_next(struct placement *p);
/* Then, before the end: calls `want` for each cold host that something waits for and no ready one has
 * room for; what is wanted counts as used there. */
void placement_cold(struct placement *p, void (*want)(struct place_host *host, void *arg),
                    void *arg);
/* Whether there is more to place: next was not called until NULL. */
bool placement_end(struct placement *p);

/* Whether some run may start as soon as a host that is not out has room for it. */
bool placement_could_start(const struct placement *p);

/* The first of a line; NULL: nobody waits. */
const struct place_run *placement_first(const struct place_line *line);
/* Whether the first of the line goes before the run. */
bool placement_is_before(const struct place_run *a, const struct place_run *b);

/* Whether one of the group is, or was, on this host. */
bool placement_has_sibling(const struct place_line *line, const struct place_host *host);
/* $ROTA_TEST_PATIENCE_MS in place of PLACEMENT_PATIENCE_MS (a seam for tests). */
int64_t placement_patience_ms(void);

/* ---- for placement*.c ---- */

/* Orders classes and lines by the key that they begin with (tsearch). */
int placement_by_key(const void *a, const void *b);
/* Equal for equal demands on a host. Free. */
char *placement_class_key(const struct job *job, const char *pin);
/* The class of this key, made at its first use; each use is ended by drop. */
struct place_class *placement_class_use(struct placement *p, char *taken_key, const struct job *job,
                                        const char *pin);
void placement_class_drop(struct placement *p, struct place_class *class);
/* Whether the host is not out and big enough for it; whether one is. */
bool placement_class_may_use(const struct place_class *class, const struct place_host *host);
bool placement_class_has_host(const struct place_class *class);
/* A line that stood aside may go on: it is looked at again. */
void placement_open(struct placement *p, struct place_line *line);
/* The class's first is another one, in a pass or not. */
void placement_reorder(struct placement *p, struct place_class *class);

#endif
