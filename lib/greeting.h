/*
 * greeting: the worker's first line, "rota-worker <nonce>", found among what a login prints before
 * it, and what came after it in the same read.
 */
#ifndef ROTA_GREETING_H
#define ROTA_GREETING_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"

enum { GREETING_MAX = 64 };

struct greeting {
    char line[GREETING_MAX];
    bool found;
    struct buf text; /* before: the noise so far; after: what is to be read */
};

void greeting_expect(struct greeting *greeting, const char *nonce);
/* Adds what was read. 1: found; 0: go on; ERR_UNREACHABLE: more than MESSAGE_NOISE_MAX bytes of noise. */
int greeting_feed(struct greeting *greeting, const void *p, size_t len, struct err *err);
/* Takes at most len bytes that came after the line; how many. */
size_t greeting_take(struct greeting *greeting, void *p, size_t len);
/* The last line of the noise, free; "" when there is none. */
char *greeting_noise(const struct greeting *greeting);
void greeting_free(struct greeting *greeting);

#endif
