/* schedule: what the files of `rota schedule` share. One file a group of subcommands. */
#ifndef ROTA_CMD_SCHEDULE_H
#define ROTA_CMD_SCHEDULE_H

#include "command.h"
#include "err.h"
#include "schedule_lookup.h"
#include "strlist.h"

extern const char schedule_usage[];

/* A subcommand; argv[0] is its name. As command_fn. */
typedef command_fn schedule_fn;
schedule_fn schedule_list;                            /* schedule_list.c */
schedule_fn schedule_add;                             /* schedule_add.c */
schedule_fn schedule_tick_command, schedule_backfill; /* schedule_run.c */
schedule_fn schedule_next, schedule_explain;          /* schedule_next.c, _explain.c */
schedule_fn schedule_pause, schedule_resume, schedule_skip, schedule_remove; /* schedule_change.c */
schedule_fn schedule_import;                                                 /* schedule_import.c */

/* The zone of a schedule that names none: the configuration's, else the system's. Free. */
char *schedule_zone(const struct config *config);
/* The subcommand that a mistyped word is near to; NULL: none. */
const char *schedule_verb_near(const char *word);
/* "3h5m" for an instant to come, of at most two units; returns text. */
char *schedule_left(int64_t ms, char text[32]);

#endif
