/*
 * transport: a byte stream to a rota-worker on a host (DESIGN section 8).
 *
 * A transport is one row of operations. Everything is non-blocking: the caller polls link->fd for
 * link->events (and honours link->deadline), then calls step until the link is up, then read and
 * write. After *every* call fd, events and deadline may have changed and are to be looked at anew.
 * Whichever event it was: once the link is up, read until 0, then write what is to be sent; bytes
 * may wait inside the transport where no poll sees them, and it asks for POLLOUT to be called again.
 * Poll level-triggered. While it connects fd may be one that only the transport understands (an
 * epoll set, an eventfd); it stays the same until step returns 1 and open until close.
 * Errors are final for the link: the caller closes it and may open a new one later. Messages do not
 * name the host: the caller does (err_place).
 */
#ifndef ROTA_TRANSPORT_H
#define ROTA_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config.h"
#include "err.h"

struct link; /* each transport embeds it as its first member */

struct transport {
    const char *name; /* "ssh", "local" */
    /* Begins to connect to host, where the worker is started in a mode: WORKER_SERVE speaks messages,
     * WORKER_FACTS tells what it finds there and ends (both borrowed for the life of the link). NULL
     * and *err on failure. */
    struct link *(*open)(const struct host_config *host, const char *mode, struct err *err);
    /* Goes on connecting. 1: the worker was started and the stream is open; 0: call again after
     * the next event or at the deadline; negative: failed. */
    int (*step)(struct link *link, struct err *err);
    /* As read(2) and write(2): bytes moved (> 0); 0: would block; negative: failed or the end of
     * the stream (ERR_UNREACHABLE). Drain read until it returns 0 before polling. */
    ssize_t (*read)(struct link *link, void *p, size_t len, struct err *err);
    ssize_t (*write)(struct link *link, const void *p, size_t len, struct err *err);
    /* Ends the stream and frees the link; its fd must not be watched any more. NULL ok. Takes
     * at most 100 ms, and only with a worker that hangs. */
    void (*close)(struct link *link);
};

#define WORKER_SERVE "serve"
#define WORKER_FACTS "facts"

struct link {
    const struct transport *transport;
    const char *mode; /* of the worker */
    int fd;           /* to poll; -1: nothing yet */
    short events;     /* POLLIN | POLLOUT wanted now */
    int64_t deadline; /* monotonic ms at which step must be called again; 0: none */
    char nonce[33];   /* what the worker was told to say first; hexadecimal */
    /* After a failed step: a transport that can do what this one cannot, for a host whose
     * transport nobody set; NULL: none. */
    const struct transport *instead;
};

extern const struct transport transport_local;
extern const struct transport transport_ssh;
extern const struct transport transport_openssh;
extern const struct transport transport_exec;

const struct transport *transport_of(enum transport_kind kind);

/* What a link polls while it connects. It waits for one thing after the other: children, sockets, the
 * agent. They come and go, and a new one may get the number of one that was just closed, which a
 * caller that remembers numbers would not notice. So the caller polls one epoll set, and the set
 * follows. */
struct link_wait {
    int set;     /* the link's fd until it is up */
    int watched; /* what is in it; -1: nothing */
};
int link_wait_open(struct link_wait *wait, struct err *err); /* ERR_OS */
/* Waits for POLLIN, POLLOUT on fd from now on; -1: for nothing. */
void link_wait_for(struct link_wait *wait, int fd, short events);
void link_wait_close(struct link_wait *wait);

/* Fills the nonce with random digits. */
void link_nonce(struct link *link);
/* How long one step of connecting may take, ms: 10 s, or $ROTA_TEST_STEP_MS (a seam for tests). */
int64_t link_step_ms(void);

#endif
