/*
 * secret: the value of a job's secret, from where the job says it is. Nothing here blocks but
 * secret_read_file, which is for a process of its own (`rota-dispatch --secret-file PATH`): a file may be
 * on a server that is away.
 *
 * What held a value is wiped where it is ours. Not wiped: what realloc left behind when a buffer grew, the
 * pipe to us, and what a transport and the kernel keep of what is sent.
 */
#ifndef ROTA_SECRET_H
#define ROTA_SECRET_H

#include "buf.h"
#include "err.h"
#include "job.h"
#include "strlist.h"

enum {
    SECRET_MAX = 64 << 10, /* bytes of a value */
    SECRET_MIN = 4,        /* shorter ones would mask half of any output */
};

/* The option of rota-dispatch that reads a file for its parent. */
#define SECRET_FILE_OPTION "--secret-file"

/* Appends a file that its owner alone can read. An error says what is wrong, and the mend. */
int secret_read_file(const char *path, struct buf *out, struct err *err);
/* Takes the newlines at its end away, as $(...) of a shell does, and looks whether it can be given to a run
 * and be masked. */
int secret_check(struct buf *value, struct err *err);
/* Adds the program that prints it, of a file or a command. */
int secret_argv(const struct job_secret *secret, struct strlist *argv, struct err *err);
/* The same for equal sources, free. */
char *secret_key(const struct job_secret *secret);
/* Wipes and frees; NULL ok. */
void secret_wipe(char *value);

#endif
