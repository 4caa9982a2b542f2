/*
 * alert: what the monitor keeps in the catalogue: troubles, what is told of them to whom, and the
 * questions that `monitor check` asks. As in catalogue.h: times are ms, 0 for none; no read
 * transaction of a function is open while it calls `each`, whose nonzero return stops and is
 * returned; all functions that write need an open transaction.
 */
#ifndef ROTA_CATALOGUE_ALERT_H
#define ROTA_CATALOGUE_ALERT_H

#include "catalogue.h"

/* ---- news: what happened to runs since the last check ---- */

/* A run that ended badly, or well after that; or an instant that was missed. */
struct news {
    int64_t id, at;
    int64_t run; /* 0: an instant was missed, and spec is that of the job as it is now */
    int64_t spec;
    int streak; /* bad ends in a row, with this one */
    enum run_state state;
    char *job;
    char *host, *reason; /* NULL: none */
};
/* The oldest, at most `limit`. What happened to runs that are not there any more is left out. */
int news_select(struct catalogue *cat, int limit, int (*each)(const struct news *, void *),
                void *arg, struct err *err);
/* Takes away all with an id up to this one. */
int news_forget(struct catalogue *cat, int64_t id, struct err *err);

/* ---- troubles ---- */

struct alert {
    int64_t id;
    char *rule;    /* alert_rule_name */
    char *subject; /* a job, a host, a directory, or "" */
    char *detail;  /* NULL: none, likewise host and notify */
    char *host;    /* of the run */
    char *notify;  /* names of sections with commas between; NULL: all */
    int64_t run;
    int count; /* bad ends in a row, instants missed, runs that are late */
    int64_t parent, parent_closed_at;
    int64_t opened_at, reminded_at, closed_at;
};
void alert_free(struct alert *alert);
/* The one that is open into *alert (alert_free); ERR_ANSWER when there is none. */
int alert_find(struct catalogue *cat, const char *rule, const char *subject, struct alert *alert,
               struct err *err);
/* Open or closed; ERR_ANSWER. */
int alert_get(struct catalogue *cat, int64_t id, struct alert *alert, struct err *err);
/* Opens it: all but id, reminded_at, closed_at of *alert counts. There must be none open. */
int alert_open(struct catalogue *cat, const struct alert *alert, int64_t *id, struct err *err);
/* Its detail, run, host, notify, count and parent are others now. */
int alert_change(struct catalogue *cat, const struct alert *alert, struct err *err);
int alert_remind(struct catalogue *cat, int64_t id, int64_t now, struct err *err);
int alert_close(struct catalogue *cat, int64_t id, int64_t now, struct err *err);
typedef int alert_each(const struct alert *alert, void *arg);
/* Those that are open, by id: all, or of one rule. */
int alert_select(struct catalogue *cat, const char *rule, alert_each *each, void *arg,
                 struct err *err);
/* Open ones of failed, lost and missed whose job had a success since. */
int alert_select_recovered(struct catalogue *cat, alert_each *each, void *arg, struct err *err);
/* Open ones of failed, lost and missed, opened before, of jobs that are not registered (any more):
 * a command that was submitted once has no next success. */
int alert_select_bygone(struct catalogue *cat, int64_t before, alert_each *each, void *arg,
                        struct err *err);
/* What belongs to a larger trouble, open or closed: by rule, the newest first, for a list of them is
 * cut and its reader has heard of the others. */
int alert_children(struct catalogue *cat, int64_t parent, alert_each *each, void *arg,
                   struct err *err);
/* Some of the oldest go, with their deliveries, when they were closed before. */
int alert_forget(struct catalogue *cat, int64_t before, struct err *err);

/* ---- what is told ---- */

enum delivery_kind { DELIVERY_OPENED = 1, DELIVERY_REMINDER, DELIVERY_CLOSED };
struct delivery {
    int64_t id, alert, made_at;
    enum delivery_kind kind;
    int tries; /* with the one that begins now */
};
/* Made now, to be told at `due`. */
int delivery_put(struct catalogue *cat, const char *channel, enum delivery_kind kind, int64_t alert,
                 int64_t now, int64_t due, struct err *err);
/* When the channel was last to be told that it is there; 0: never. */
int delivery_last(struct catalogue *cat, const char *channel, int64_t alert, int64_t *at,
                  struct err *err);
/* Channels that something is due for, appended to *channels. */
int delivery_channels(struct catalogue *cat, int64_t now, struct strlist *channels,
                      struct err *err);
/* Takes what is to be told to a channel: nobody else does before `until`. *list is freed by the
 * caller; empty when somebody else was first. */
int delivery_lease(struct catalogue *cat, const char *channel, int64_t now, int64_t until,
                   struct delivery **list, size_t *n, struct err *err);
int delivery_sent(struct catalogue *cat, int64_t id, int64_t now, struct err *err);
/* It is tried again at due_at; 0: given up. */
int delivery_failed(struct catalogue *cat, int64_t id, int64_t due_at, const char *why,
                    struct err *err);

/* ---- the monitor itself ---- */

int monitor_checked(struct catalogue *cat, int64_t now, struct err *err);
/* What came of a heartbeat (error NULL: well). *changed: it was otherwise before. */
int monitor_heartbeat(struct catalogue *cat, const char *error, bool *changed, struct err *err);

/* ---- questions ---- */

struct running {
    int64_t id, spec, started_at;
    char *job;
    char *host; /* NULL ok */
};
/* Runs that started before, by job, the oldest first. */
int running_select(struct catalogue *cat, int64_t before,
                   int (*each)(const struct running *, void *), void *arg, struct err *err);
/* The longest of the last ten successes (among the last hundred runs) of a job, and how many these
 * were. */
int running_usual(struct catalogue *cat, const char *job, int64_t *ms, int *n, struct err *err);

struct waiting {
    int64_t id, since; /* since it could have started */
    char *job;
    char *reason; /* NULL ok */
};
/* The queued run that could have started for longest, if it could before that time; *id 0: none. It
 * counts from the latest of: its submission, the time it was to wait for (also before another attempt),
 * its release. Reads only runs that were queued before. */
int waiting_find(struct catalogue *cat, int64_t before, int64_t *id, int64_t *since,
                 struct err *err);
/* The same with its texts (free job and reason); ERR_ANSWER when there is none. */
int waiting_get(struct catalogue *cat, int64_t before, struct waiting *waiting, struct err *err);

#endif
