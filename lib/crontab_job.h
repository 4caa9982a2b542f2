/* crontab_job: an entry of a crontab as the text of a job file. */
#ifndef ROTA_CRONTAB_JOB_H
#define ROTA_CRONTAB_JOB_H

#include "buf.h"
#include "strlist.h"

/* All borrowed; UTF-8. NULL: not said, of `shell` /bin/sh. */
struct crontab_job {
    const char *name, *when, *timezone, *user, *home, *shell;
    const struct strlist *env; /* "NAME=value" */
    const char *command, *input;
};

/* Appends a YAML document without its "---". Whether a job file may say what it says is not looked at. */
void crontab_put_job(struct buf *out, const struct crontab_job *job);
/* Appends text, a line of anything, as it may stand in a comment of YAML: printable, and without what
 * YAML takes for a line's end. */
void crontab_put_comment(struct buf *out, const char *text);

#endif
