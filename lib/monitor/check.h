/*
 * check: what `rota monitor check` does: looks for troubles, opens and closes alerts, tells people.
 *
 * Two steps. check_evaluate is one transaction: it takes the news, asks the rules, and leaves rows
 * of what is to be told; whoever comes second finds nothing new. check_send takes these rows, a
 * channel at a time, each by moving its time before it sends: of two that check at once only one
 * tells, and what a crash interrupts is told again later.
 */
#ifndef ROTA_MONITOR_CHECK_H
#define ROTA_MONITOR_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "catalogue/alert.h"
#include "config.h"
#include "err.h"

struct check {
    const struct config *config; /* borrowed, as cat */
    struct catalogue *cat;
    int64_t now;
    bool dry_run; /* evaluate and show, then roll back */
    /* One line for people about what was opened, closed, told; NULL: nobody listens. */
    void (*say)(const char *what, const char *line, void *arg);
    void *arg;
    /* what came of it */
    int opened, closed, told, untold; /* alerts, alerts, messages, messages that failed */
    bool silent;                      /* something waits and no dispatcher has lived for a while */
};

enum { CHECK_NEWS = 5000 }; /* taken by one check; the rest by the next */

/* Looks. ERR_BUSY, ERR_IO. */
int check_evaluate(struct check *check, struct err *err);
/* Tells, and sends the heartbeat. Never waits longer than a channel's time limit. A message that
 * could not be sent is no error: it is counted in untold, said, and tried again later. */
int check_send(struct check *check, struct err *err);
/* Tells a section of a trouble that is none, at once. 0, or why it did not work. */
int check_sample(const struct config *config, const struct alert_config *section, int64_t now,
                 struct err *err);

/* ---- what the files of this module share ---- */

/* A line to check->say, with its untrusted parts escaped. */
void check_say(struct check *check, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* telling.c, in the transaction of check_evaluate: makes deliveries of an alert that is open (now,
 * or as a reminder) or that is being closed. */
int telling_open(struct check *check, const struct alert *alert, struct err *err);
/* Of an alert that is part of another one, and was *old before (NULL: was not there): who was told
 * of its parent and did not know of this part is reminded of the parent, which tells its parts, at
 * `due`: once a check, however many they are. */
int telling_part(struct check *check, const struct alert *old, const struct alert *alert,
                 int64_t due, struct err *err);
int telling_close(struct check *check, const struct alert *alert, struct err *err);

/* lateness.c: the jobs that are late: calls each once a job, with its oldest late run, how many are
 * late, and why. */
int lateness_look(struct check *check,
                  int (*each)(const struct running *run, int count, const char *why, void *arg),
                  void *arg, struct err *err);

#endif
