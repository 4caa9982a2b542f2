/* catalogue: what the files of `rota catalogue` share. One file a subcommand. */
#ifndef ROTA_CMD_CATALOGUE_H
#define ROTA_CMD_CATALOGUE_H

#include "command.h"
#include "err.h"

extern const char catalogue_usage[];

/* A subcommand; argv[0] is its name. As command_fn. */
typedef command_fn catalogue_fn;
catalogue_fn catalogue_check, catalogue_backup, catalogue_prune;

#endif
