/*
 * catalogue: the SQLite file that is rota's only shared state (DESIGN section 5).
 *
 * lib/catalogue/ is the only place that includes sqlite3.h. Write functions other than
 * catalogue_begin/commit say whether they need an open transaction. Times are ms since the epoch,
 * 0 for none (NULL in the table). Structures filled by a read are freed by the caller with the
 * function named there.
 */
#ifndef ROTA_CATALOGUE_H
#define ROTA_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"
#include "job.h"
#include "strlist.h"

struct catalogue;

enum catalogue_mode {
    CATALOGUE_READ,   /* must exist; never created, never written */
    CATALOGUE_WRITE,  /* must exist */
    CATALOGUE_CREATE, /* made when there is no trace of one */
};

/* Opens the catalogue at an absolute path, migrates it when it is older.
 *
 * ERR_IO: missing (the message says what would create it), not a catalogue, damaged, or not
 * permitted; ERR_CONFIG: newer than this program, or on a network filesystem; ERR_BUSY: locked for
 * longer than the busy timeout (10 s). CATALOGUE_CREATE refuses with ERR_IO where the file is gone but its
 * output directory or -wal file is still there: a catalogue was expected, somebody must look. */
int catalogue_open(struct catalogue **cat, const char *path, enum catalogue_mode mode,
                   struct err *err);
void catalogue_close(struct catalogue *cat); /* NULL ok */
const char *catalogue_path(const struct catalogue *cat);
const char *catalogue_uuid(const struct catalogue *cat); /* 32 hexadecimal digits */
/* Raised by holder_take_over; workers refuse lower ones. Up to date after holder_take. */
int64_t catalogue_epoch(const struct catalogue *cat);
uid_t catalogue_owner(const struct catalogue *cat); /* of the file; nobody else dispatches */

int catalogue_refuse(struct catalogue *cat, struct err *err); /* ERR_CONFIG: it is newer by now */
/* BEGIN IMMEDIATE and COMMIT. ERR_BUSY, ERR_IO; begin: as catalogue_refuse. */
int catalogue_begin(struct catalogue *cat, struct err *err);
int catalogue_commit(struct catalogue *cat, struct err *err);
void catalogue_rollback(struct catalogue *cat); /* no transaction: no effect */
/* In a transaction. What is written from mark on is either undone, or kept by unmark; one at a time. */
int catalogue_mark(struct catalogue *cat, struct err *err);
int catalogue_unmark(struct catalogue *cat, struct err *err);
int catalogue_undo(struct catalogue *cat, struct err *err);
/* How many runs were queued or cancelled by what this connection committed, because of what they waited for
 * (catalogue/need.h): when it has grown, events tell which. */
int64_t catalogue_settled(const struct catalogue *cat);
/* How long this connection waits for somebody else's transaction from now on, ms (10 s at first). */
void catalogue_patience(struct catalogue *cat, int ms);
/* Changes when another connection committed (PRAGMA data_version). */
int64_t catalogue_version(struct catalogue *cat);
/* Whether somebody else may be amid a transaction that writes; when not, catalogue_version tells of
 * everything that was written before this call. No transaction may be open. */
bool catalogue_is_written(struct catalogue *cat);
/* Checkpoints when the WAL is over `bytes` (0: always). The only checkpoint there is; see the
 * comment at its definition. Failing is no error: somebody else will. No transaction may be open. */
void catalogue_checkpoint(struct catalogue *cat, int64_t bytes);
enum { CATALOGUE_WAL_BYTES = 1 << 20 };
/* Copies all of the WAL that may be copied now: *kept is what could not be, bytes, because somebody
 * still reads what was there before it. ERR_BUSY: somebody writes or checkpoints; ERR_IO. */
int catalogue_checkpoint_rest(struct catalogue *cat, int64_t *kept, struct err *err);

/* ---- submitting (in a transaction) ---- */

/* Stores the text once; returns its id in *spec. */
int spec_put(struct catalogue *cat, const char *text, size_t len, int64_t *spec, struct err *err);
/* The text of a spec, owned by the caller (free); ERR_ANSWER when there is none. */
int spec_get(struct catalogue *cat, int64_t spec, char **text, struct err *err);
/* In a transaction. How long the runs of a spec are to be kept, ms; 0: as the configuration says. */
int spec_keep(struct catalogue *cat, int64_t spec, int64_t keep_ms, int64_t keep_failed_ms,
              struct err *err);
/* Says why the queued runs of a spec wait (NULL: no reason): one row for all of them; shown as the
 * reason of each that has none of its own. Only writes when it changes. */
int spec_waiting(struct catalogue *cat, int64_t spec, const char *reason, struct err *err);
/* Takes all of these reasons back. Reads every specification: only for when it is not known which. */
int spec_waiting_none(struct catalogue *cat, struct err *err);

struct run_new {
    int64_t spec;
    const char *job;
    enum run_state state; /* RUN_QUEUED, RUN_BLOCKED or RUN_HELD */
    int priority;
    int64_t queued_at;
    int64_t not_before; /* 0: at once */
    int64_t due_at;     /* 0: none */
    int64_t rerun_of;   /* 0: none */
    int64_t start_by;   /* missed when it has not started by then; 0: never */
    int64_t occurrence; /* 0: none */
    const char *reason; /* of a blocked one; NULL: none */
    const char *submitter;
    int64_t array;    /* first run of its group; 0: none; RUN_FIRST: this is it */
    int64_t index;    /* in the group */
    const char *item; /* the element of an array; NULL: none */
    int shards;       /* runs of the group, of each and count; 0: none */
    const char *pin;  /* the only host it may run on; NULL: any that matches */
    int64_t workflow; /* first run of its workflow; 0: none; RUN_FIRST: this is it */
};
enum { RUN_FIRST = -1 };
int run_insert(struct catalogue *cat, const struct run_new *run, int64_t *id, struct err *err);

/* ---- arrays ---- */

/* The array that a run is an element of: its first run. ERR_ANSWER when there is no such run, or it is
 * part of none. */
int array_of(struct catalogue *cat, int64_t id, int64_t *array, struct err *err);
/* In a transaction. When so many of its elements have ended badly (failed, timeout or lost), those that
 * have not started are cancelled, in the transaction that records the last of these ends; one event,
 * "stop" of the array's first run, tells of all. */
int array_stop_put(struct catalogue *cat, int64_t array, int stop_after, struct err *err);
/* In a transaction. The same as for another array, if that has it. */
int array_stop_copy(struct catalogue *cat, int64_t from, int64_t to, struct err *err);
int array_is_stopped(struct catalogue *cat, int64_t array, bool *stopped, struct err *err);

/* ---- registered jobs and their occurrences ---- */

struct job_row {
    char *name;
    int64_t spec;
    int priority;
    char *timetable; /* timetable.h; NULL: runs only when asked for */
    int64_t jitter_ms, deadline_ms;
    int catch_up, overlap;    /* enum job_catch_up, job_overlap */
    int64_t next_at, last_at; /* first instant without, last one with an occurrence; 0: none */
    int64_t paused_at;        /* 0: not paused */
    char *paused;             /* why; NULL */
    bool skip;                /* the next occurrence */
    char *source;             /* the file it came from; NULL */
    int64_t added_at;
    char *aside;  /* why it takes no part: its timetable could not be read; NULL: it does */
    bool expands; /* job_expands of its specification */
};
void job_row_free(struct job_row *row);
struct job_row job_row_copy(const struct job_row *row); /* with strings of its own */
/* In a transaction. Inserts the job, or replaces what its file says of it (spec to overlap, next_at,
 * source); pause, skip and last_at stay. */
int job_put(struct catalogue *cat, const struct job_row *row, struct err *err);
/* In a transaction. What a tick or a person changes: next_at, last_at, pause, skip, aside. */
int job_set(struct catalogue *cat, const struct job_row *row, struct err *err);
/* In a transaction. ERR_ANSWER when it is not there. Its occurrences and runs stay. */
int job_remove(struct catalogue *cat, const char *name, struct err *err);
/* One job into *row (job_row_free); ERR_ANSWER when it is not there. */
int job_get(struct catalogue *cat, const char *name, struct job_row *row, struct err *err);
/* Every job, by name. As all functions here: no read transaction is open during the call. */
int job_select(struct catalogue *cat, int (*each)(const struct job_row *, void *), void *arg,
               struct err *err);
/* The jobs that are due at `now`, the longest due first, at most `limit`. */
int job_due(struct catalogue *cat, int64_t now, int limit,
            int (*each)(const struct job_row *, void *), void *arg, struct err *err);
/* Jobs that were set aside: whether there are any; and (in a transaction) they take part again. */
int job_any_aside(struct catalogue *cat, bool *any, struct err *err);
int job_try_again(struct catalogue *cat, struct err *err);
/* When schedules have to be looked at next: the first instant at which a job is due or a queued run
 * misses its deadline, or a day ends on whose run of a job some run waits; now when a run is blocked by one that
 * is over; INT64_MAX: never. One statement. */
int schedule_next_due(struct catalogue *cat, int64_t now, int64_t *at, struct err *err);
/* Its query plan, for tests; free. */
char *schedule_next_due_plan(struct catalogue *cat);

enum outcome { OUTCOME_RAN = 1, OUTCOME_SKIPPED, OUTCOME_MISSED, OUTCOME_COALESCED };
const char *outcome_name(enum outcome outcome);
struct occurrence {
    int64_t id;
    char *job;
    int64_t due_at;
    enum outcome outcome;
    char *reason; /* NULL: none */
    char *runs;   /* ids with commas; NULL: none */
};
/* In a transaction. Records it once: 0 with *id; ERR_ANSWER when this instant of the job has one
 * already, and nothing was changed. */
int occurrence_put(struct catalogue *cat, const char *job, int64_t due_at, enum outcome outcome,
                   const char *reason, int64_t now, int64_t *id, struct err *err);
/* In a transaction. An occurrence that was recorded in this transaction is skipped after all. */
int occurrence_skip(struct catalogue *cat, int64_t id, const char *reason, struct err *err);
/* In a transaction. Records that an instant ran after all: 0 with *id, a new row or the one that said
 * otherwise; ERR_ANSWER when it ran already. */
int occurrence_fill(struct catalogue *cat, const char *job, int64_t due_at, int64_t now,
                    int64_t *id, struct err *err);
/* Those of a job with since <= due_at < until, oldest first. */
int occurrence_select(struct catalogue *cat, const char *job, int64_t since, int64_t until,
                      int (*each)(const struct occurrence *, void *), void *arg, struct err *err);

/* The oldest run of a job that is not over and not blocked; 0: none. */
int run_open(struct catalogue *cat, const char *job, int64_t *id, struct err *err);
/* When the oldest of these that a schedule made was queued; 0: there is none. */
int run_open_since(struct catalogue *cat, const char *job, int64_t *queued_at, struct err *err);
/* The oldest that is blocked because of what it needs (catalogue/need.h); 0: none. */
int run_needy(struct catalogue *cat, const char *job, int64_t *id, struct err *err);
/* In a transaction. Asks to cancel every run of a job that is not over, also those that its policy blocks,
 * but for those that a backfill made. */
int run_cancel_open(struct catalogue *cat, const char *job, const char *actor, struct err *err);
/* In a transaction. Queues the oldest occurrence's runs that the job's overlap policy blocks, when no
 * other run of the job is open; events say so. *id: the first of them, or 0. */
int run_unblock(struct catalogue *cat, const char *job, int64_t *id, struct err *err);
/* In a transaction. Likewise, at the word of one that waited for other jobs until now: the runs of its own
 * occurrence do not hold it up. */
int run_unblock_with(struct catalogue *cat, const char *job, int64_t occurrence, int64_t *id,
                     struct err *err);
/* Whether the runs of a run's job take turns, as its overlap policy or a backfill wants it. */
int run_takes_turns(struct catalogue *cat, int64_t id, int64_t *turns, struct err *err);
/* In a transaction. The same for all jobs, at most `limit`; *n were. */
int run_unblock_all(struct catalogue *cat, int limit, int *n, struct err *err);
/* In a transaction. Cancels runs that have not started by their time, with their occurrences missed,
 * at most `limit`; *n were. Events say so. */
int run_expire(struct catalogue *cat, int64_t now, int limit, int *n, struct err *err);

/* ---- asking ---- */

struct run {
    int64_t id, spec;
    char *job;
    enum run_state state;
    char *reason; /* NULL: none; likewise host, submitter */
    char *host;
    char *submitter;
    int attempt, priority;
    bool has_exit; /* exit_code is meaningful */
    int exit_code;
    int signal; /* 0: none */
    int64_t due_at, queued_at, not_before, started_at, finished_at, cancel_at;
    int64_t utime_us, stime_us, maxrss_kb;
    int64_t out_bytes, out_dropped, err_bytes,
        err_dropped;                            /* written by the job; not kept of these */
    int64_t rerun_of, array, index, occurrence; /* 0: none; index -1: none */
    char *item, *pin;                           /* NULL: none; see struct run_new */
    int shards;
    int64_t workflow;
    bool needs;                /* it comes after others (catalogue/need.h) … */
    int64_t unmet;             /* … of which so many clauses do not hold yet */
    char *nodes, *external_id; /* where it was carried to (catalogue/elsewhere.h); NULL: nowhere */
};
void run_free(struct run *run);

/* Which runs; every part narrows. Zero-initialise for all. */
struct run_query {
    const int64_t *ids; /* only these; NULL: any */
    size_t nids;
    unsigned states;  /* bit 1 << state; 0: any */
    const char *job;  /* GLOB pattern; NULL: any */
    const char *host; /* GLOB pattern likewise */
    char *hosts;      /* one of these: a JSON array of names; NULL: any. Owner: who set it */
    int64_t array;    /* only elements of this array; 0: any */
    int64_t since,
        until; /* runs that were open or ended at or after since, and queued at or before until */
    int64_t limit;     /* the newest so many; 0: all */
    bool newest_first; /* else by id, oldest first */
};
/* Calls each for every run, after reading them all in batches (no read transaction is open during
 * the call). A nonzero return of each stops and is returned. */
int run_select(struct catalogue *cat, const struct run_query *query,
               int (*each)(const struct run *run, void *arg), void *arg, struct err *err);
/* One run into *run (run_free). ERR_ANSWER when it is not there. */
int run_get(struct catalogue *cat, int64_t id, struct run *run, struct err *err);
/* The newest run's id, 0 when there is none. */
int run_last(struct catalogue *cat, int64_t *id, struct err *err);
/* The ids of the runs that are there from first to last, ascending. each() keeps them: a read transaction is
 * open during the call; what it returns, when not 0, stops. */
int run_ids_between(struct catalogue *cat, int64_t first, int64_t last,
                    int (*each)(int64_t id, void *arg), void *arg, struct err *err);
/* The names of jobs that have runs and begin with `prefix`, sorted, at most `limit`, appended to *names.
 * Costs a search of an index for each name, however many runs there are. */
int run_jobs(struct catalogue *cat, const char *prefix, size_t limit, struct strlist *names,
             struct err *err);
/* Counts by state into counts[RUN_STATE_LAST + 1]. */
int run_counts(struct catalogue *cat, int64_t counts[], struct err *err);
/* The query plan of run_select for this query, for tests; free. */
char *run_select_plan(struct catalogue *cat, const struct run_query *query);

/* ---- requests of people (in a transaction) ---- */

enum request { REQUEST_CANCEL = 1, REQUEST_SIGNAL, REQUEST_HOLD, REQUEST_RELEASE, REQUEST_LOST };
/* Asks something for a run: done at once where it is held, blocked or queued (*done), else recorded for the
 * dispatcher (cancel_at is set); an event either way. ERR_ANSWER, with the reason: it is not there, is over,
 * or in a state in which that makes no sense. run_may_request: whether it would be taken; writes nothing. */
int run_request(struct catalogue *cat, int64_t id, enum request request, int signal,
                const char *actor, bool *done, struct err *err);
int run_may_request(struct catalogue *cat, int64_t id, enum request request, struct err *err);

/* ---- for the dispatcher ---- */

/* Who holds the catalogue. */
struct holder {
    char boot[64];
    pid_t pid;
    uint64_t start; /* proc_start_time of pid */
    char host[65];
    int64_t fence;
    int64_t since;      /* ms */
    int64_t expires;    /* CLOCK_MONOTONIC ms of that boot; only for a stopped one */
    uint64_t pid_space; /* inode of the pid namespace in which pid means something */
    /* for the monitor; they stay when it lets go */
    int64_t seen_at;    /* when it last wrote its lease, wall clock ms; 0: never */
    int64_t longest_us; /* longest turn of its loop so far; the dispatcher's to set */
};
enum { HOLDER_LEASE_MS = 60000 };
/* How long a hold lasts without being renewed: HOLDER_LEASE_MS, or $ROTA_TEST_LEASE_MS (a seam for tests). */
int64_t holder_lease(void);
/* Takes the catalogue: 0 with *holder filled (fence risen by one) when it was free or its holder
 * is proved dead or its lease ran out; ERR_BUSY with *holder = the living one, or with holder->pid 0
 * when the catalogue stayed locked. Opens its own transaction. */
int holder_take(struct catalogue *cat, struct holder *holder, struct err *err);
/* The same for a copy that was restored from a backup, or a standby's: raises the epoch by one in the same
 * transaction, so that workers that a later dispatcher of the original has spoken to listen again. What may
 * have been done since the copy is not done again: *held queued runs are held, and what was starting and
 * is not known to its worker will be lost. actor may be NULL. */
int holder_take_over(struct catalogue *cat, struct holder *holder, const char *actor, int64_t *held,
                     struct err *err);
/* Renews the lease; ERR_BUSY when another has taken it. In a transaction: every write transaction
 * of a dispatcher begins with it (the fence check). Writes only when less than half the lease is
 * left, so that it may be called often; an idle dispatcher calls it at least every holder_lease() / 3. */
int holder_renew(struct catalogue *cat, struct holder *holder, struct err *err);
/* Opens its own transaction. No effect when another has taken the catalogue meanwhile. */
int holder_release(struct catalogue *cat, const struct holder *holder, struct err *err);
/* The holder as recorded; ERR_ANSWER when nobody holds it (then seen_at and longest_us are those of the
 * last one). *alive: holder_take would find it busy, by the
 * same rule: neither proved dead nor stopped for longer than its lease. */
int holder_get(struct catalogue *cat, struct holder *holder, bool *alive, struct err *err);

/* For how long no dispatcher has lived; 0: one does; INT64_MAX: there never was one. */
int holder_silence(struct catalogue *cat, int64_t *ms, struct err *err);

/* A run as the dispatcher needs it. */
struct run_brief {
    int64_t id, spec;
    enum run_state state;
    int priority, attempt;
    int64_t not_before, queued_at, due_at, cancel_at;
    const char *job;  /* borrowed during the call, as host and submitter */
    const char *host; /* of the current attempt; NULL */
    uint64_t token;   /* of the current attempt */
    int64_t started_at;
    int64_t array, index; /* 0 and -1: none; item to shards as in struct run_new, borrowed */
    const char *item, *pin;
    int shards;
    bool needs; /* it came after others, which may have values for it (value_given) */
};
/* Whether any run is blocked, queued, starting or running. */
int run_any_unfinished(struct catalogue *cat, bool *any, struct err *err);
/* Every run that is queued with id > after, by id. As in all functions here that call `each`: no
 * read transaction of theirs is open during the call, and its nonzero return stops and is returned. */
int run_queued(struct catalogue *cat, int64_t after, int (*each)(const struct run_brief *, void *),
               void *arg, struct err *err);
/* Every run that is starting or running. */
int run_unfinished(struct catalogue *cat, int (*each)(const struct run_brief *, void *), void *arg,
                   struct err *err);
/* One run, queued or not, as above; ERR_ANSWER when it is not there. */
int run_brief(struct catalogue *cat, int64_t id, int (*each)(const struct run_brief *, void *),
              void *arg, struct err *err);

/* In a transaction. Claims a queued run for a host: state starting, attempt + 1, a row in
 * attempt, no output (output_clear). 0; ERR_ANSWER when it is not queued any more (somebody cancelled or held it), or it was
 * to start before now (run_expire will say so). */
int run_claim(struct catalogue *cat, int64_t id, const char *host, uint64_t token, int64_t now,
              int *attempt, struct err *err);
/* In a transaction. State running, started_at. ERR_ANSWER when this attempt is not starting (any
 * more): nothing was changed. */
int run_started(struct catalogue *cat, int64_t id, int attempt, int64_t at, struct err *err);
/* How an attempt ended. */
struct run_end {
    int64_t id;
    int attempt;
    enum run_state state;         /* terminal, or RUN_QUEUED: try again not before not_before */
    enum run_state attempt_state; /* how the attempt itself ended (terminal) */
    const char *reason;           /* NULL: none */
    bool has_exit;
    int exit_code, signal;
    int64_t started_at, finished_at, not_before;
    int64_t utime_us, stime_us, maxrss_kb;
    int64_t out_bytes, out_dropped, err_bytes, err_dropped;
    const struct strlist
        *values; /* what it told those after it (values.h); of the last attempt; NULL: none */
};
/* In a transaction. Records it exactly once: 0; ERR_ANSWER when this attempt was already recorded
 * (a result sent again) and nothing was changed. A run that somebody asked to cancel is never
 * queued again: it becomes cancelled, and a later run_claim says so. */
int run_finish(struct catalogue *cat, const struct run_end *end, struct err *err);
/* In a transaction. Says why an unfinished run is where it is (NULL: no reason). Only writes when it changes. */
int run_reason(struct catalogue *cat, int64_t id, const char *reason, struct err *err);
/* What the catalogue holds of an attempt of a run under this token; negative: failed. */
enum attempt_standing { ATTEMPT_UNKNOWN, ATTEMPT_OPEN, ATTEMPT_OVER };
int attempt_standing(struct catalogue *cat, int64_t run, int attempt, uint64_t token,
                     struct err *err);
/* Hosts that have tried a run, oldest attempt first, appended to *hosts. */
int run_hosts_tried(struct catalogue *cat, int64_t id, struct strlist *hosts, struct err *err);

/* ---- groups: runs that one job was made into ---- */

/* Hosts on which a run of the group is or was, appended to *hosts; not those that it left to be tried
 * elsewhere. */
int run_hosts_of_group(struct catalogue *cat, int64_t array, struct strlist *hosts,
                       struct err *err);
/* In a transaction. A queued run ends as cancelled without having run; an event says so. ERR_ANSWER when
 * it is not queued any more. */
int run_pass_by(struct catalogue *cat, int64_t id, const char *reason, int64_t now,
                struct err *err);
/* The highest priority of the runs that wait; *any: there are some. */
int run_highest_priority(struct catalogue *cat, int *priority, bool *any, struct err *err);

/* What is known of a host. Strings owned by the struct (host_free), NULL when unknown. */
struct host {
    char *name;
    enum host_state { HOST_UNKNOWN = 0, HOST_UP = 1, HOST_DOWN = 2 } state;
    char *drained; /* why a person drained it; NULL: in service */
    char *reason;  /* why it is down */
    char *machine, *boot, *hostname, *system, *build;
    char *spool;            /* identity of the spool that last answered */
    int cpus, load_percent; /* load average times 100 */
    int64_t mem_total_kb, mem_free_kb, disk_free_kb, skew_ms;
    int64_t seen_at, state_at; /* last heard from; since when in this state */
};
/* A copy with strings of its own. */
struct host host_copy(const struct host *host);
void host_free(struct host *host);
/* In a transaction. Inserts or updates everything but `drained`. */
int host_put(struct catalogue *cat, const struct host *host, struct err *err);
/* In a transaction. Inserts or updates what anybody may learn of a host: hostname, system, build, cpus,
 * load, memory, disk, skew, seen_at. Not what a dispatcher proves losses with (state, machine, boot,
 * spool); and nothing (ERR_ANSWER) when another machine is known under the name, or it was heard of since. */
int host_learn(struct catalogue *cat, const struct host *host, struct err *err);
/* In a transaction. reason NULL: back in service. */
int host_drain(struct catalogue *cat, const char *name, const char *reason, const char *actor,
               struct err *err);
int host_select(struct catalogue *cat, int (*each)(const struct host *, void *), void *arg,
                struct err *err);

/* What people asked for since event `after`, oldest first. */
struct event {
    int64_t id, at, run;
    const char *
        kind; /* "submit", "cancel", "signal", "hold", "release", "lost", "stop", "drain", "resume" */
    const char *actor; /* NULL ok */
    const char *detail;
};
int event_select(struct catalogue *cat, int64_t after, int (*each)(const struct event *, void *),
                 void *arg, struct err *err);
int event_last(struct catalogue *cat, int64_t *id, struct err *err);
/* In a transaction. run 0: none. */
int event_add(struct catalogue *cat, int64_t at, int64_t run, const char *kind, const char *actor,
              const char *detail, struct err *err);

#endif
