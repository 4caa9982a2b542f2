/*
 * staging: files on their way: the directory `staging` of the spool, closed to others. What the head puts is
 * kept there until the shim has copied it to its place; what it gets, from the run's end until it has it.
 *
 * A name is KIND.RUN.ATTEMPT.TOKEN.INDEX, so that one attempt never meets the file of another. A file to get
 * has its SHA-256 behind its bytes. The front end knows nothing of them but what the directory says: when one
 * begins it removes those of runs that it does not have.
 */
#ifndef ROTA_WORKER_STAGING_H
#define ROTA_WORKER_STAGING_H

#include "worker/front.h"

enum { STAGING_NAME = 96 };
enum staging_kind { STAGING_PUT = 'p', STAGING_GET = 'g' };

/* The directory of a spool; free. */
char *staging_path(const char *spool);
/* Opens it, making it; -1 and errno. For shims too. */
int staging_open(const char *path);
/* The name of a file in it. */
void staging_name(enum staging_kind kind, struct message_key key, unsigned index,
                  char name[STAGING_NAME]);

/* ---- in the front end ---- */

/* Keeps a part, and tells the head; of PUT. */
void staging_take(struct front *front, const struct message *m);
/* Whether files that the head wants are still to be sent. */
bool staging_has(const struct charge *charge);
/* Sends a part of one. False: not now. */
bool staging_send(struct front *front, struct charge *charge);
/* Removes what there is of an attempt. */
void staging_drop(struct front *front, struct message_key key);
void staging_sweep(struct front *front);

#endif
