/*
 * push: how a rota-worker gets onto a host that lacks it, and is started there: which build, and
 * the commands, which any login shell reads (sh, csh, fish). Nothing here talks to a host.
 */
#ifndef ROTA_PUSH_H
#define ROTA_PUSH_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/* A rota-worker of this build, in memory; kept for the life of the process. */
struct push_build {
    char *system; /* "Linux x86_64" */
    char *path;
    struct buf image;
    uint32_t cksum;
};

/* The build for a system as `uname -sm` names it: our own worker for our own system, else
 * rota-worker-Linux-aarch64 and the like beside it. Borrowed. NULL: there is none (ERR_CONFIG), or
 * it is not of our build (ERR_CONFIG). */
const struct push_build *push_build_for(const char *system, struct err *err);

/* The command that starts the worker in a mode ("serve"; a plain word), free: the one at `path`, or
 * (NULL) the pushed one. NULL and ERR_CONFIG when the path cannot be written for every shell. */
char *push_start_command(const char *path, const char *mode, const char *nonce, struct err *err);
/* The command that prints the system, and the one that stores the image from its standard input. Free. */
char *push_probe_command(const char *nonce);
char *push_copy_command(const struct push_build *build, const char *nonce);
/* How long a copy may take beyond what any command may, ms: on a slow line what was written is not there
 * yet. */
int push_copy_ms(const struct push_build *build);
/* What one of the two answered among the noise of a login, free; NULL: nothing. */
char *push_answer(const char *text, const char *nonce);

/* The checksum of cksum(1), POSIX. */
uint32_t push_cksum(const void *p, size_t len);

#endif
