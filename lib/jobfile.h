/*
 * jobfile: jobs as YAML (DESIGN section 4).
 *
 * Limits: 64 MiB a file, 1 MiB a job, depth 32, no aliases, no anchors, no duplicate keys, no NUL bytes. All
 * errors of a file are reported at once, each with line and column and, for a near miss, a
 * suggestion.
 */
#ifndef ROTA_JOBFILE_H
#define ROTA_JOBFILE_H

#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "job.h"

enum {
    JOBFILE_MAX = 1 << 20,       /* bytes of one job's normalised text */
    JOBFILE_FILE_MAX = 64 << 20, /* of a file, that may hold a job a line */
    JOBFILE_DEPTH = 32,
};

struct joblist {
    struct job *v;
    size_t n;
};

/* Reads all documents of `text`; `file` is the name for messages ("-" is shown as "standard
 * input"). A job without a name is called after the file ("nightly.yaml" is "nightly").
 * Returns 0 and fills *jobs (joblist_free), or ERR_DATA with *errors filled (errlist_free) and no
 * jobs. An empty file is an error. */
int jobfile_parse(const char *file, const char *text, size_t len, struct joblist *jobs,
                  struct errlist *errors);
void joblist_free(struct joblist *jobs);

/* Appends the job's normalised text: one line of JSON (which is YAML) with every key that differs
 * from its default, in a fixed order, so that equal jobs have equal texts. jobfile_parse reads it
 * back to the same job. */
void jobfile_write(const struct job *job, struct buf *out);

/* Holds a job that was put together by hand (from a command line) to the rules of a job file. 0, or
 * ERR_DATA with the first thing that is wrong: a job that is no text in UTF-8, for instance, could
 * not be written. */
int jobfile_check(const struct job *job, struct err *err);

#endif
