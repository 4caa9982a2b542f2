/*
 * watch: waits until the catalogue or the output of runs may have changed, through inotify.
 */
#ifndef ROTA_WATCH_H
#define ROTA_WATCH_H

#include <stdint.h>

#include "err.h"

struct watch;

/* Watches the directory of the catalogue at this path. NULL: ERR_OS. */
struct watch *watch_new(const char *catalogue, struct err *err);
void watch_free(struct watch *watch); /* NULL ok */
/* Watches the directory that holds the file at `path` too, once it exists; call it again before each
 * wait. There is one such directory: another one replaces it. */
void watch_dir_of(struct watch *watch, const char *path);
/* Returns when something may have changed, when `fd` (-1: none) is readable, or after a second at
 * most: the caller looks, and waits again when there is nothing. */
void watch_wait(struct watch *watch, int fd);

#endif
