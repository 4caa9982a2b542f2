/*
 * sender: programs that carry messages away: several at a time, each with what it reads in a memory
 * file, so that nothing is ever waited for but its end, and that not for long.
 */
#ifndef ROTA_MONITOR_SENDER_H
#define ROTA_MONITOR_SENDER_H

#include <stddef.h>

#include "buf.h"
#include "strlist.h"

enum { SENDER_LIMIT_MS = 30000, SENDERS_MAX = 16, SENDER_BODY = 3 };

/* Start with {0}, fill what is needed but trouble; end with sender_free. */
struct sender {
    struct strlist argv; /* the program by its path, or searched in PATH */
    struct strlist env;  /* "NAME=value", beside our own environment */
    struct buf input;    /* its standard input */
    struct buf body;     /* what it finds as its descriptor SENDER_BODY; empty: nothing */
    /* What is wrong though it ended well, from the last line of its standard output: free; NULL:
     * nothing. NULL: its exit code says all. */
    char *(*judge)(const char *said);
    char *trouble; /* after sender_run: why it did not work; NULL: it did */
};
/* Runs all of them, at most SENDERS_MAX at a time, and returns when each has ended or was killed
 * with all it started: after SENDER_LIMIT_MS ($ROTA_TEST_SEND_MS shortens it, a seam for tests). */
void sender_run(struct sender *senders, size_t n);
void sender_free(struct sender *sender);

#endif
