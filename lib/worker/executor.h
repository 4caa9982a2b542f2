/*
 * executor: how the program of a run is started: a table of kinds, and the launch itself.
 * A new kind is one more row.
 */
#ifndef ROTA_WORKER_EXECUTOR_H
#define ROTA_WORKER_EXECUTOR_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "err.h"
#include "worker/order.h"

/* What is to be executed. Made by a kind's prepare in the shim, which lives for one run: nothing of
 * it is ever freed. */
struct launch {
    char **argv;
    const char *name; /* of it in messages */
    char **envp;
    char *directory;
    bool is_home;
    const struct account *as; /* NULL: stay */
    bool tethered;            /* nothing of it may become another user, whom we could not kill */
    pid_t shim;               /* who starts it, and without whom it must not begin */
    int in, out, errfd;
};

struct executor {
    const char *name;
    const char *(*check)(const struct order *order); /* why an order is no good; NULL: it is */
    int (*prepare)(const struct order *order, struct launch *launch, struct err *err);
};

const struct executor *executor_find(const char *name); /* NULL: no such kind */
void executor_check(struct order *order);

/* The limit of open files that programs are to have, where the worker has raised its own. */
void executor_set_open_files(const struct rlimit *limit);

/* Starts the run's program in a process group of its own, with default signals, its streams on out, errfd and
 * the order's input, under its user, in its directory. Returns the pid; ERR_ANSWER with the reason
 * for people when it could not be started. Every signal must be blocked in the caller. */
pid_t executor_launch(const struct order *order, int null, int out, int errfd, struct err *err);

#endif
