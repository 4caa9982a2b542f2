/*
 * resolve: names to socket addresses without blocking: numbers at once, names through `getent
 * ahosts` in a child (getaddrinfo may block for as long as the name server likes).
 */
#ifndef ROTA_RESOLVE_H
#define ROTA_RESOLVE_H

#include <stddef.h>
#include <sys/socket.h>

#include "child.h"
#include "err.h"

enum { RESOLVE_MAX = 16, RESOLVE_TEXT = 80 };

/* One question; start with {0}. Must not be moved while it is in use. */
struct resolve {
    struct child child; /* poll its fd for POLLIN */
    char *name;
    int port, family;
    struct sockaddr_storage v[RESOLVE_MAX]; /* the answer, best first */
    size_t n;
};

void resolve_begin(struct resolve *resolve, const char *name, int port, int family);
/* 1: v and n are the answer, n > 0; 0: call again when child.fd is readable; ERR_UNREACHABLE: no such name. */
int resolve_step(struct resolve *resolve, struct err *err);
void resolve_end(struct resolve *resolve); /* harmless on {0} and twice */

/* "192.0.2.1:22" or "[2001:db8::1]:22"; returns text. */
char *resolve_text(const struct sockaddr_storage *address, char text[RESOLVE_TEXT]);
socklen_t resolve_size(const struct sockaddr_storage *address);

/* Reads the output of `getent ahosts` into v; the addresses found, at most RESOLVE_MAX. */
size_t resolve_parse(const char *text, int port, int family, struct sockaddr_storage *v);

#endif
