/*
 * errand: what is asked of a host until its worker answers, whatever carries it: one command at a
 * time, run to its end or until the worker greets. Nothing here talks to a host.
 *
 *   start the worker ── greets ──────────────────────────────────────────> up
 *        │ ends before it greets, nothing was pushed yet, and no 'worker = PATH'
 *        └─> probe: which system is it? ─> copy the build for it ─> start again
 */
#ifndef ROTA_ERRAND_H
#define ROTA_ERRAND_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "greeting.h"
#include "push.h"

enum errand_kind { ERRAND_START, ERRAND_PROBE, ERRAND_COPY };

struct errand {
    enum errand_kind kind;
    const char
        *worker; /* path of an installed one; NULL: ours is pushed. Borrowed, as the next two */
    const char *mode;
    const char *nonce;
    char *command; /* to be run now; NULL before errand_begin */
    struct greeting greeting;
    const struct push_build *build; /* whose image a copy reads from its standard input */
    bool pushed;
    struct buf answer;    /* standard output of a probe or a copy */
    struct buf complaint; /* the end of standard error */
    size_t chatter;       /* bytes this command wrote */
};

/* The first errand: to start the worker in a mode ("serve", "facts"). ERR_CONFIG: its path cannot be written for every shell. */
int errand_begin(struct errand *errand, const char *worker, const char *mode, const char *nonce,
                 struct err *err);
/* Takes what the command wrote to standard output. 1: that was the greeting, and what follows it is
 * errand->greeting's; 0: go on; ERR_UNREACHABLE: noise without end. `where` ("root@192.0.2.1:22") is
 * for messages, here and below. */
int errand_hear(struct errand *errand, const char *where, const void *p, size_t len,
                struct err *err);
/* The same of standard error: 0 or ERR_UNREACHABLE. */
int errand_complain(struct errand *errand, const char *where, const void *p, size_t len,
                    struct err *err);
/* The command ended with this exit status (-1: a signal) and all it wrote was taken. 1: command is the
 * next one to be run; negative: this host cannot do it, with the reason and a mend. */
int errand_next(struct errand *errand, const char *where, int exit_status, struct err *err);
/* What the login or the worker last said, for a message; free; "" when nothing. */
char *errand_last_words(const struct errand *errand);
void errand_free(struct errand *errand); /* harmless on {0} */

#endif
