/* carrier_internal: what the files of carrier.h share. */
#ifndef ROTA_WORKER_CARRIER_INTERNAL_H
#define ROTA_WORKER_CARRIER_INTERNAL_H

#include "err.h"
#include "strlist.h"
#include "worker/carrier.h"
#include "worker/journal.h"
#include "worker/ticket.h"

enum { JOB_ID = 40, GROUP_SIZE = 1000 }; /* MaxArraySize is 1001 unless it was set */

/* Runs that went, or will go, to Slurm as one array. */
struct group {
    char token[17]; /* random: its name, and its comment in Slurm */
    char *id;       /* the number of Slurm's job; NULL: not known to be there */
    bool uncertain; /* Slurm may have it: it is asked before it is given it */
    size_t members; /* lines of its file */
    size_t left;    /* of these, not over */
    int64_t due;    /* when sbatch is tried again, monotonic ms */
    int64_t pause;  /* ms between tries */
    struct group *next;
};

/* A run that Slurm carries. */
struct load {
    struct load *next;
    struct message_key key;
    struct cell *slot;
    uint64_t out_limit;
    int64_t kill_after;
    struct strlist ask;  /* arguments of sbatch; those with the same go together */
    int64_t came;        /* monotonic ms */
    struct group *group; /* NULL: in none */
    size_t index;        /* its line there */
    char *id; /* of the job in which it began; NULL: it did not, or does not say so yet */
    char *state, *nodes; /* as Slurm said last; NULL: it did not */
    char *note;          /* what the front end was told last */
    int64_t
        unseen_at; /* since when Slurm's answers were without it, or called it ended; monotonic ms */
    uint64_t told_at;   /* answers of Slurm before it was asked why it ended the run */
    int64_t cancel_due; /* when Slurm is told again */
    uint32_t cell;      /* 0: it has none any more */
    int unseen;         /* answers of Slurm in which it was not */
    int cancels;        /* how often Slurm was told to cancel it */
    int given;          /* times that Slurm forgot it before it began */
    bool claimed;
    bool cancelled; /* it is to end */
    bool ending;    /* it never begins; its result comes when Slurm was told */
    bool over;
    char name[TICKET_NAME];
    char token
        [17]; /* of the group of job `id`, which need not be ours: Slurm may have had it twice */
};

struct carrier {
    const struct carrier_task *task;
    struct load *loads;
    void *by_name; /* tree of loads */
    struct group *groups;
    size_t nloads;
    size_t group_size;            /* runs in one at most: Slurm may take fewer than GROUP_SIZE */
    int64_t poll_due, poll_pause; /* of squeue; monotonic ms, ms */
    uint64_t answers;             /* of squeue */
    bool mute;                    /* the last squeue failed */
    int64_t looking;              /* ms that the last look at the tickets took */
    bool shared; /* the tickets are on a network: what others write may be seen late */
    int signals;
    bool ending;
    int64_t idle_since;
};

/* ---- carrier.c ---- */
/* The load of a name of so many bytes; NULL: there is none. */
struct load *load_find(const struct carrier *c, const char *name, size_t len);
/* Tells people how it stands; the same again is not told. */
void load_note(struct carrier *c, struct load *load, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* It is over, without a result of its own; where it has no claim, one is made, so that it never begins. */
void load_end(struct carrier *c, struct load *load, enum message_end end, const char *reason);
/* Sees to it that it never begins, if it has not (->claimed); false: it may begin still. */
bool load_deny(const struct carrier *c, struct load *load);
/* "1234_5", as Slurm calls it; "" while it is not there. */
void load_id(const struct load *load, char id[JOB_ID]);
/* The comment of that job, less "rota:". */
const char *load_token(const struct load *load);
/* A notice to the front end. */
void load_notify(const struct load *load);
/* Looks at Slurm's queue soon. */
void carrier_hurry(struct carrier *c);

/* ---- carrier_ask.c ---- */
/* What sbatch is asked for, from the options of an order. */
void submit_ask(struct load *load, const struct order *order);

/* ---- carrier_submit.c ---- */
/* Reads the groups that are written; every load is there. */
void groups_read(struct carrier *c);
/* Puts loads into groups, and gives Slurm what is due. Returns when it is to be called again, monotonic ms. */
int64_t groups_submit(struct carrier *c);
/* A load of it is over, or goes into another. */
void group_leave(struct carrier *c, struct group *group);
/* Slurm has a job with this comment. */
void group_found(struct carrier *c, const char *comment, const char *id);

/* ---- carrier_queue.c ---- */
/* Asks Slurm about all loads, with one call. */
void queue_poll(struct carrier *c);
/* Ends a load that Slurm knows no more, or as ended, and that has no result. */
void queue_judge(struct carrier *c, struct load *load);
/* Slurm has ended it, as it says. */
bool queue_has_ended(const struct load *load);
/* It waits in Slurm, maybe again. */
bool queue_has_it_waiting(const struct load *load);
/* What a run that Slurm ended has come to, by its state; false: that says nothing. */
bool queue_explain(const struct load *load, uint32_t *end, const char **reason);

/* ---- carrier_cancel.c ---- */
/* Ends what is to end, as far as it can be now. */
void cancel_heed(struct carrier *c);
/* Passes signals on. */
void cancel_signal(struct carrier *c);

/* ---- carrier_output.c ---- */
/* Brings what there is of its output into its cell. */
void output_follow(struct carrier *c, struct load *load);
/* All of it, and its values, with its result. */
void output_finish(struct carrier *c, struct load *load, struct record_result *result);

#endif
