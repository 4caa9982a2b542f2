/* schedule: what the files of `rota schedule` share. One file a group of subcommands. */
#ifndef ROTA_CMD_SCHEDULE_H
#define ROTA_CMD_SCHEDULE_H

#include "command.h"
#include "err.h"
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
/* Errs because there is no job of that name: ERR_ANSWER, with a suggestion. */
int schedule_no_job(struct catalogue *cat, const char *name, struct err *err);
/* job_get, with that error. */
int schedule_get(struct catalogue *cat, const char *name, struct job_row *row, struct err *err);
/* "3h5m" for an instant to come, of at most two units; returns text. */
char *schedule_left(int64_t ms, char text[32]);

#endif
