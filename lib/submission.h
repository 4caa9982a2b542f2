/*
 * submission: what one `rota submit` asks for: runs of jobs from files, of a command, or of runs
 * that were. All of it enters the catalogue in one transaction, or nothing does.
 */
#ifndef ROTA_SUBMISSION_H
#define ROTA_SUBMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalogue.h"
#include "catalogue/need.h"
#include "config.h"
#include "elements.h"
#include "err.h"
#include "job.h"
#include "selection.h"
#include "strlist.h"

/* One run to be made. */
struct submission_entry {
    struct job job; /* has no name when `spec` says it all */
    char *place;    /* the file, for messages */
    int64_t spec;   /* of the run that is run again; 0: job is to be stored */
    char *name;     /* of the job; set with spec only */
    int priority;   /* likewise */
    int64_t rerun_of;
    /* of a run that is run again, as in struct run_new; not of a group: array 0 */
    int64_t array, index;
    char *item, *pin;
    int shards;
    int64_t due_at;      /* likewise; 0: it had none */
    int64_t deadline_ms; /* of the job; 0: none, as of a run that is run again */
    bool is_command;     /* of the command line */
    bool needs;          /* the run that is run again had come after others */
};

/* What the command line says instead of the job. */
struct overrides {
    const char *name; /* NULL: not given; likewise hosts, timeout */
    const char *hosts;
    const char *timeout;
    struct strlist tags; /* added */
    int64_t slots;       /* 0: not given */
    bool has_priority;
    int64_t priority;
    int64_t at_once, stop_after; /* of arrays; 0: not given, likewise */
};

struct submission {
    struct submission_entry *v;
    size_t n;
    bool whole; /* the runs that are run again were a workflow, and make one */
};

/* Reads a job file, "-" for standard input. Errors are added to the list. */
void submission_add_file(struct submission *submission, const char *file, struct errlist *errors);
/* Adds a command: its words as they are, or, for one word that is more than a name, a line for sh
 * (as ssh would do with it). */
void submission_add_command(struct submission *submission, char *const words[], size_t n);
/* Adds the selected runs again. With `parse` their jobs are read, so that overrides apply. ERR_ANSWER when
 * one is not there. */
int submission_add_reruns(struct submission *submission, const struct selection *runs, bool parse,
                          struct catalogue *cat, struct err *err);
/* Adds a registered job. ERR_ANSWER when there is none of that name. */
int submission_add_job(struct submission *submission, const char *name, struct catalogue *cat,
                       struct err *err);

/* ---- submission_array.c ---- */
/* Makes each job an array of as many elements as these are; {} in its command stands for the element, which
 * becomes the last word of a command that says it nowhere. ERR_DATA: a job cannot be. */
int submission_each(struct submission *submission, const struct elements *elements,
                    struct err *err);
/* Sets parameters, each "NAME=value", in the jobs that declare them. ERR_USAGE: no job declares one, or
 * one that has no default is not set. */
int submission_set_parameters(struct submission *submission, const struct strlist *settings,
                              struct err *err);
/* Whether jobs that are scheduled can be made by a schedule: parameters have defaults, arrays are not too
 * large. Errors are added to the list. */
void submission_check_scheduled(const struct submission *submission, struct errlist *errors);
/* ERR_USAGE when what the command line says of arrays meets a job that is none; ERR_DATA when the longest
 * element, of `elements` (NULL: of the job's own), makes a command that no host can execute. */
int submission_check_arrays(const struct submission *submission, const struct elements *elements,
                            const struct overrides *overrides, struct err *err);

/* Applies what the command line says. ERR_USAGE, ERR_DATA. */
int submission_override(struct submission *submission, const struct overrides *overrides,
                        struct err *err);
/* Whether what they come after can come to pass (after_check); cat NULL: there is no catalogue. Negative: it
 * cannot be read. */
int submission_check_after(const struct submission *submission, struct catalogue *cat,
                           struct errlist *errors, struct err *err);
/* Whether some worker could ever run each of them: names, tags, slots. Errors are added to the list. */
void submission_check(const struct submission *submission, const struct config *config,
                      struct errlist *errors);

/* How the runs enter the catalogue. */
struct submission_terms {
    bool held;
    bool top;           /* a priority above all that waits */
    int64_t not_before; /* 0: at once */
    const char *submitter;
    const struct elements *elements; /* of submission_each; NULL: none */
    const struct need *after;        /* of each run, besides what its job says; NULL: none */
    size_t nafter;
};
/* Stores all of them; the new ids are added to *ids. When it returns 0 they are committed. */
int submission_store(const struct submission *submission, const struct submission_terms *terms,
                     const struct config *config, struct catalogue *cat, struct selection *ids,
                     struct err *err);
void submission_free(struct submission *submission);

#endif
