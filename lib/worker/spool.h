/*
 * spool: the directory in which a worker keeps what must outlive its front end; where it is, who holds
 * it, and which head may speak to it.
 *
 *   lock      a POSIX lock on it is held by the one front end
 *   fence     the highest "epoch fence" that was ever seen
 *   journal.N see journal
 *   cells/    see cell
 *   notify    FIFO from the shims to the front end
 */
#ifndef ROTA_WORKER_SPOOL_H
#define ROTA_WORKER_SPOOL_H

#include <stdint.h>

#include "err.h"

enum { SPOOL_ID = 32 };

struct spool {
    char *dir;
    int lock;              /* -1: not held */
    char id[SPOOL_ID + 1]; /* hexadecimal, once it was identified */
};

/* Where the spools are: what the configuration says (NULL: the default place in home, or /var/tmp where
 * the home is on a network). Looks only; free. */
char *spool_base(const char *base, const char *home);
/* Finds and makes the spool of a catalogue and a worker name. `base` as above.
 * ERR_CONFIG, ERR_IO. */
int spool_open(struct spool *spool, const char *base, const char *home, const char *uuid,
               const char *worker, struct err *err);
/* Checks that no higher (epoch, fence) was seen. ERR_ANSWER with the reason for people. */
int spool_check_fence(const struct spool *spool, uint64_t epoch, uint64_t fence, struct err *err);
/* Becomes the one front end, ending another that lives. ERR_BUSY: it would not end in time. */
int spool_lock(struct spool *spool, struct err *err);
/* Under the lock: reads the spool's identity, or gives it one. */
int spool_identify(struct spool *spool, struct err *err);
/* Under the lock: checks again, then writes the new highest down. */
int spool_raise_fence(const struct spool *spool, uint64_t epoch, uint64_t fence, struct err *err);
/* Opens cells/ and notify at their fixed descriptors (shim.h). */
int spool_open_fixed(const struct spool *spool, struct err *err);
void spool_close(struct spool *spool);

#endif
