/*
 * bytelock: an OFD lock on one byte of a file, as a sign of life: it ends with the last copy of the descriptor that
 * took it, which a fork inherits, so that there is no moment between fork and lock.
 */
#ifndef ROTA_WORKER_BYTELOCK_H
#define ROTA_WORKER_BYTELOCK_H

#include <stdbool.h>
#include <sys/types.h>

/* Takes byte n with a descriptor that was just opened (negative: it was not): the same descriptor; -1 with errno, and it
 * is closed. */
int bytelock_take(int fd, off_t n);
/* Whether another open file description has it. */
bool bytelock_is_held(int fd, off_t n);

#endif
