/* proc: processes: who is alive, and running a helper program. */
#ifndef ROTA_PROC_H
#define ROTA_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

enum { PROC_ID_TEXT = 64 };

/* The kernel's boot id, without a newline; "" when unknown. $ROTA_TEST_BOOT_ID overrides it (a seam
 * for tests). Returns text. */
char *proc_boot_id(char text[PROC_ID_TEXT]);
/* Start time of a process in clock ticks since boot (proc(5), field 22); 0 when there is none, or only
 * a zombie. */
uint64_t proc_start_time(pid_t pid);
/* Starts argv (searched in PATH) with the three descriptors as its standard streams (-1: /dev/null),
 * default signal dispositions and an empty signal mask. Returns the pid, or ERR_OS. */
pid_t proc_spawn(char *const argv[], int in, int out, int errfd, struct err *err);
/* The same in a session of its own: it has no terminal to ask questions on, hears no Ctrl-C, and all
 * that it starts can be killed with it. */
pid_t proc_spawn_apart(char *const argv[], int in, int out, int errfd, struct err *err);
/* The same with another environment, "NAME=value" each, which ends with NULL, and n descriptors, at
 * least three, which it finds as 0 to n - 1. */
pid_t proc_spawn_env(char *const argv[], char *const env[], const int *fds, int n, struct err *err);
/* The directory of the running program, owned by the caller. */
char *proc_self_dir(void);
/* Finds one of rota's own programs ("rota-submit", "rota-worker"): beside the running program, then
 * in libexecdir. Owned by the caller; NULL when it is in neither. */
char *proc_find_sibling(const char *name);

#endif
