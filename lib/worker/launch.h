/* launch: how the program of a run is started. */
#ifndef ROTA_WORKER_LAUNCH_H
#define ROTA_WORKER_LAUNCH_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "err.h"
#include "worker/order.h"

struct limits;

/* What is to be executed. Made by a kind's prepare in the shim, which lives for one run: nothing of
 * it is ever freed. */
struct launch {
    char **argv;
    const char *name; /* of it in messages */
    char **envp;
    char *directory; /* a kind may choose it */
    bool is_home;
    const struct account *as; /* NULL: stay */
    bool tethered;            /* nothing of it may become another user, whom we could not kill */
    pid_t shim;               /* who starts it, and without whom it must not begin */
    int in, out, errfd;
    struct limits *limits; /* what holds it to its memory and cpu; NULL: nothing */
    int told; /* descriptor of what its kind has it tell beside its output; 0: nothing */
};

/* The limit of open files that programs are to have, where the worker has raised its own. */
void launch_set_open_files(const struct rlimit *limit);

/* Starts the run's program in a process group of its own, with default signals, its streams on out, errfd and
 * the order's input, else in, under its user, in its directory. The caller fills these three of *launch, the
 * rest is done here. Returns the pid; ERR_ANSWER with the reason for people when it could not be started.
 * Every signal must be blocked in the caller. */
pid_t launch_begin(const struct order *order, struct launch *launch, struct err *err);

/* ---- for the kinds ---- */

/* argv of `first` words followed by the order's arguments. */
char **launch_argv(const struct order *order, char *const first[], size_t n);
/* A file without a name that holds p, open for reading at its start; ERR_IO. Closed when a program is
 * executed. */
int launch_scratch(const void *p, size_t len, struct err *err);
/* As that, but the program has it too. */
int launch_scratch_kept(const void *p, size_t len, struct err *err);
/* A file without a name for the program to write by its name in /proc/self/fd, and for us to read; ERR_IO. */
int launch_scratch_told(struct err *err);
/* Becomes an account (NULL: stays), for good; -1 with errno. */
int launch_become(const struct account *as);

#endif
