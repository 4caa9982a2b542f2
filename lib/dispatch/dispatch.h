/*
 * dispatch: place, start, follow and record runs until nothing is left to do (DESIGN section 6).
 *
 * One process, one epoll loop. The one who runs it holds the catalogue (holder_take); a second
 * one leaves at once.
 */
#ifndef ROTA_DISPATCH_H
#define ROTA_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "catalogue.h"
#include "config.h"
#include "err.h"

struct dispatch_options {
    bool once;     /* one pass: place what can be placed now, then leave the runs to the next one */
    bool stay;     /* never leave */
    bool progress; /* a progress line on standard error */
    const char *take_over; /* who asked for holder_take_over; NULL: nobody */
    const int64_t *wait;   /* leave when these runs are over; NULL: when nothing is left to do */
    size_t nwait;
};

enum {
    DISPATCH_OTHER = 1,
    DISPATCH_SOON_MS = 60000, /* what is due within this is waited for, not left to the next one */
};

/* Whether nobody dispatches and nothing is to do, for one that would leave when nothing is: most of
 * those that cron starts find this, and need neither the catalogue for themselves nor a connection. */
int dispatch_is_idle(struct catalogue *cat, bool *idle, struct err *err);

/* Runs the dispatcher. config is borrowed and may be replaced when its file changes.
 *
 * 0: nothing is left to do, or a signal asked to end (runs go on without us, the next dispatcher
 * adopts them); DISPATCH_OTHER: another dispatcher holds the catalogue (*err says which);
 * ERR_DATA: a run to wait for cannot be read, and the others are over;
 * ERR_BUSY: it stayed locked, another dispatcher took it while we were stopped, or holds it when we are to
 * take over; ERR_IO, ERR_OS: the catalogue or the system failed. */
int dispatch_run(const struct config *config, struct catalogue *cat,
                 const struct dispatch_options *options, struct err *err);

/* Where each queued run would go now, judged by the configuration and what the catalogue knows of
 * the hosts; connects to nothing, changes nothing. Calls each with the run's id, its job's name and
 * the host (NULL: none, and why). */
int dispatch_plan(const struct config *config, struct catalogue *cat,
                  void (*each)(int64_t id, const char *job, const char *host, const char *why,
                               void *arg),
                  void *arg, struct err *err);

#endif
