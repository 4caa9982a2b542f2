/*
 * job: what a job is (DESIGN section 4) and the states of a run (section 5).
 * Plain structures and pure functions.
 */
#ifndef ROTA_JOB_H
#define ROTA_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "strlist.h"

/* ---- states of a run; the numbers are stored in the catalogue and never change ---- */

enum run_state {
    RUN_HELD = 1,
    RUN_BLOCKED = 2,
    RUN_QUEUED = 3,
    RUN_STARTING = 4, /* claimed for a host; START may or may not have arrived */
    RUN_RUNNING = 5,
    /* terminal: */
    RUN_SUCCEEDED = 6,
    RUN_FAILED = 7,
    RUN_TIMEOUT = 8,
    RUN_CANCELLED = 9,
    RUN_LOST = 10,
};

enum { RUN_STATE_FIRST = RUN_HELD, RUN_STATE_LAST = RUN_LOST };

/* "queued"; "?" for a number that is no state. Static. */
const char *run_state_name(enum run_state state);
/* The state with this name, or 0. */
enum run_state run_state_of(const char *name);
bool run_state_is_terminal(enum run_state state);
/* Whether a run may go from one state to the other. */
bool run_state_may_become(enum run_state from, enum run_state to);

enum { NAME_MAX_LEN = 64 };

/* A job, host, tag or pool name: [A-Za-z_][A-Za-z0-9._-]{0,63} and not the reserved "last". */
bool name_is_valid(const char *name);

/* ---- a job, as a file describes it ---- */

enum job_executor {
    EXECUTOR_SHELL = 1,
    EXECUTOR_EXEC,
    EXECUTOR_SCRIPT,
    EXECUTOR_CONTAINER,
    EXECUTOR_HTTP,
    EXECUTOR_LAST = EXECUTOR_HTTP
};
/* Its key in job files, and its name for workers; static. */
const char *job_executor_name(enum job_executor executor);
/* 0 when there is none of that name. */
enum job_executor job_executor_of(const char *name);
enum job_prefer {
    PREFER_LEAST_LOADED = 0,
    PREFER_SPREAD,
    PREFER_PACK,
    PREFER_RANDOM,
    PREFER_ORDER
};
enum job_leftovers { LEFTOVERS_KILL = 0, LEFTOVERS_LEAVE };
enum job_on_lost { ON_LOST_FAIL = 0, ON_LOST_RETRY };
enum { JOB_RETRY_FAILED = 1, JOB_RETRY_TIMEOUT = 2, JOB_RETRY_LOST = 4 };

enum {
    JOB_PRIORITY_MAX = 1000000,
    JOB_KILL_AFTER_MS = 10000,
    JOB_OUTPUT_LIMIT = 16 << 20,
    JOB_LOST_AFTER_MS = 600000,
    JOB_DELAY_MAX_MS = 604800000, /* a week: the longest wait between attempts */
};

struct job_retry {
    int attempts;         /* in all, the first included; 1: no retry */
    int64_t delay_ms;     /* before the second attempt */
    double backoff;       /* factor from one delay to the next, >= 1 */
    int64_t max_delay_ms; /* 0: no bound but JOB_DELAY_MAX_MS */
    unsigned on;          /* JOB_RETRY_* */
    bool elsewhere;       /* prefer a host that has not tried yet */
};

enum job_catch_up { CATCH_UP_LAST = 0, CATCH_UP_ALL };
/* Stored in the catalogue. */
enum job_overlap { OVERLAP_FORBID = 0, OVERLAP_ALLOW, OVERLAP_QUEUE, OVERLAP_REPLACE };

/* When a job is due, as its file says it; no rules: never by itself. */
struct job_schedule {
    struct strlist rules;  /* "cron 30 2 * * *", "every 15m", "at 2026-12-01 10:00" */
    char *timezone;        /* NULL: the configuration's, else the system's */
    char *from, *until;    /* NULL: none; a day or a time */
    struct strlist except; /* "2026-12-25" or "2026-12-31..2027-01-02" */
    int64_t jitter_ms;
    enum job_catch_up catch_up;
    enum job_overlap overlap;
};

/* Keys whose place in a job file is remembered: what is wrong with them turns out later. */
enum job_key { JOB_HOSTS, JOB_TAGS, JOB_NOT, JOB_EACH, JOB_COUNT, JOB_SLOTS, JOB_POOLS, JOB_KEYS };
struct job_place {
    int line, column; /* from 1; 0: not in a file */
};
/* The elements of an array: indices, or items, or all combinations of values. See expansion.h. */
struct job_array {
    struct job_indices {
        int64_t first, last;
    } * ranges; /* in the order they are written; none is in two */
    size_t nranges;
    struct strlist items;
    struct job_axis {
        char *key; /* the name of a variable */
        struct strlist values;
    } * axes; /* of a matrix */
    size_t naxes;
};
bool job_array_any(const struct job_array *array);
void job_array_free(struct job_array *array);
/* What another run is to be, for a run to come after it. Stored in the catalogue. */
enum need_is { NEED_SUCCEEDED = 1, NEED_FAILED, NEED_FINISHED, NEED_STARTED };

/* "succeeded"; "?" for a number that is none. Static. */
const char *need_is_name(enum need_is is);
/* The condition with this name, or 0. */
enum need_is need_is_of(const char *name);

/* One of `after`: a job whose run this one waits for. */
struct job_need {
    char *job;
    enum need_is is;
    bool each;        /* element by element: both are arrays of the same indices */
    int line, column; /* in its file; 0 of a job that is in the catalogue */
};

enum job_secret_from { SECRET_FILE = 1, SECRET_ENV, SECRET_COMMAND };
/* One of `secrets`: a variable of its runs, and where the head finds its value. Never the value. */
struct job_secret {
    char *name;
    enum job_secret_from from;
    struct strlist source; /* the path, the variable, or program and arguments */
};

/* One of `files`: one that the head gives a run, or takes of it. */
struct job_file {
    char *from; /* put: on the head, absolute; get: on the worker, by workdir */
    char *
        to; /* put: on the worker, by workdir; get: below files/ beside the catalogue, NULL: nowhere */
    int mode;      /* put: its permissions */
    bool optional; /* get: it may lack */
};
struct job_files {
    struct job_file *v;
    size_t n;
};
enum { JOB_FILES_MAX = 64, JOB_FILE_MAX = 1 << 30 /* bytes of one */ };
/* The last part of the path of a file to get, borrowed: what it is called beside the output. */
const char *job_file_name(const struct job_file *file);

struct job {
    char *name;
    enum job_executor executor;
    char *text;                 /* shell: the command; script: its text; http: the body */
    struct strlist argv;        /* exec, container */
    struct strlist options;     /* container, http: "key=value", see jobfile_options.h */
    bool by_slurm;              /* Slurm carries it: shell, exec or script */
    struct strlist slurm;       /* what Slurm is asked for, as options */
    char *stdin_text;           /* NULL: /dev/null */
    struct strlist env;         /* "NAME=value", by name */
    struct job_secret *secrets; /* by name */
    size_t nsecrets;
    struct job_files put, get; /* in the order they are written */
    char *workdir;             /* NULL: the home */
    char *user;                /* NULL: the worker's own */
    struct strlist tags;       /* where.tags: the host has all of these */
    struct strlist not_tags;   /* where.not: the host has none of these */
    struct strlist hosts;      /* where.hosts, expanded; empty: any */
    bool each;                 /* where.each: a run on every host that matches */
    int count; /* where.count: runs on so many different hosts; 0: one run, anywhere */
    enum job_prefer prefer;
    int slots;
    struct strlist pools; /* it takes a place in each of these while it is not over */
    int max_running;      /* of this job at once, over all hosts; 0: any number */
    int priority;
    int64_t timeout_ms;    /* 0: none */
    int64_t kill_after_ms; /* from TERM to KILL */
    struct job_retry retry;
    int *success; /* exit codes that mean success, rising; {0} by default */
    size_t nsuccess;
    int64_t memory;       /* bytes that a run may use; 0: any number */
    int cpu;              /* thousandths of a processor that it may use; 0: all there are */
    int nice;             /* 0 to 19 */
    int64_t output_limit; /* bytes kept of each stream */
    enum job_leftovers leftovers;
    enum job_on_lost on_lost;
    int64_t lost_after_ms;
    struct job_schedule schedule;
    int64_t deadline_ms; /* 0: none; from due to start */
    int64_t within_ms;   /* expect.within: later is worth an alert; 0: the usual duration decides */
    int64_t keep_ms, keep_failed_ms; /* of its runs, as in struct config; 0: as that says */
    struct strlist notify;           /* the [alert] sections that are told of it; empty: all */
    struct job_place places[JOB_KEYS];
    struct job_array array;
    int at_once;       /* elements of the array that may run at a time; 0: all */
    int stop_after;    /* elements that ended badly, after which no other starts; 0: never */
    char *placeholder; /* stands for the element in shell and exec; NULL: none */
    struct strlist parameters; /* "NAME=value", by name; "NAME" alone: has to be given */
    struct job_need *after;
    size_t nafter;
    bool after_any; /* any of them is enough */
};

/* A job with every default and no name or work. */
void job_init(struct job *job);
void job_free(struct job *job);
/* Whether some of its schedule differs from having none. */
bool job_is_scheduled(const struct job *job);
/* Whether its specification says how it is made into runs: not simply into one that may start at once. */
bool job_expands(const struct job *job);
bool job_is_success(const struct job *job, int exit_code);
/* Delay before the attempt after `attempts_made` (>= 1), ms. */
int64_t job_retry_delay(const struct job_retry *retry, int attempts_made);

#endif
