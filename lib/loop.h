/*
 * loop: one epoll loop: file descriptors and one timer each, callbacks, no threads.
 */
#ifndef ROTA_LOOP_H
#define ROTA_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct loop;
struct loop_watch; /* a descriptor and/or a deadline with a callback */

struct loop *loop_new(struct err *err); /* NULL: ERR_OS */
void loop_free(struct loop *loop);

/* Called when the descriptor is ready (revents: EPOLL* bits) or its deadline passed (0). */
typedef void loop_fn(void *arg, uint32_t revents);

/* A watch without descriptor and deadline. Freed by loop_unwatch. */
struct loop_watch *loop_watch(struct loop *loop, loop_fn *fn, void *arg);
/* Sets what to wait for: fd -1: none; events EPOLLIN | EPOLLOUT (0: only errors); deadline monotonic
 * ms, 0: none. Costs no system call when nothing changes. ERR_OS. */
int loop_set(struct loop_watch *watch, int fd, uint32_t events, int64_t deadline, struct err *err);
/* Removes and frees it; may be called from callbacks, its own too. The fd must still be open. NULL ok. */
void loop_unwatch(struct loop_watch *watch);

/* Waits for and handles one round of events. 0, or ERR_OS. */
int loop_turn(struct loop *loop, struct err *err);
/* Longest time one turn has taken after it woke, µs; for `dispatch -v`. */
int64_t loop_longest_us(const struct loop *loop);

#endif
