/*
 * outgoing: files that go to a worker, read by a process of its own (`rota-dispatch --send-files PATH…`),
 * since one may be on a server that is away. It writes messages for its parent: PUT with FILE, OFFSET and
 * DATA, at the end of each file PUT with FILE, SIZE and SHA256, or with FILE and REASON, and ends.
 */
#ifndef ROTA_OUTGOING_H
#define ROTA_OUTGOING_H

#include <stddef.h>

#include "err.h"

#define OUTGOING_OPTION "--send-files"
enum { OUTGOING_PART = 32 << 10 }; /* bytes of DATA at most */

/* Reads n files and writes them to a descriptor. What is wrong with a file is said there. ERR_IO: nobody
 * reads on. */
int outgoing_write(int to, char *const paths[], size_t n, struct err *err);

#endif
