/* monitor: what the files of `rota monitor` share. One file a subcommand. */
#ifndef ROTA_CMD_MONITOR_H
#define ROTA_CMD_MONITOR_H

#include "command.h"
#include "err.h"

extern const char monitor_usage[];

/* A subcommand; argv[0] is its name. As command_fn. */
typedef command_fn monitor_fn;
monitor_fn monitor_health;  /* monitor_health.c */
monitor_fn monitor_doctor;  /* monitor_doctor.c */
monitor_fn monitor_check;   /* monitor_check.c */
monitor_fn monitor_metrics; /* monitor_metrics.c */
monitor_fn monitor_board;   /* monitor_board.c */

/* The subcommand that a mistyped word is near to; NULL: none. */
const char *monitor_verb_near(const char *word);

#endif
