/*
 * config: rota.ini (DESIGN section 4).
 */
#ifndef ROTA_CONFIG_H
#define ROTA_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "config_alert.h"
#include "config_log.h"
#include "config_pool.h"
#include "err.h"
#include "strlist.h"

enum transport_kind { TRANSPORT_SSH = 0, TRANSPORT_LOCAL, TRANSPORT_OPENSSH, TRANSPORT_EXEC };

struct host_config {
    char *name;
    char *address; /* default: the name */
    int slots;     /* 0: the host's processors */
    struct strlist tags;
    enum transport_kind transport;
    bool transport_set; /* the user chose it */
    char *worker;       /* path of an installed rota-worker; NULL: push ours */
    char *spool;        /* NULL: the worker's default */
    char *user;         /* NULL: ~/.ssh/config or the own name */
    int port;           /* 0: ~/.ssh/config or 22 */
    char *identity;     /* NULL: ~/.ssh/config or the defaults; ~ expanded */
    bool accept_new;    /* strict = accept-new */
    char *command;      /* transport exec */
    char *place;        /* "rota.ini:12", for messages */
};

struct config {
    char *path;         /* the file read; NULL: built-in defaults */
    char *catalogue;    /* absolute path of the catalogue, however it was chosen */
    bool catalogue_set; /* somebody named it: $ROTA_CATALOGUE or the file */
    char *timezone;     /* NULL: the system's */
    int64_t keep_ms;    /* of finished runs; default 30d */
    int64_t
        keep_failed_ms; /* of those that failed, ran out of time or were lost; default keep_ms */
    struct host_config *hosts; /* in the order of the file */
    size_t nhosts;
    struct config_log log;
    size_t *by_name;             /* their indices, sorted by name; for config_host */
    struct alert_config *alerts; /* in the order of the file */
    size_t nalerts;
    struct pool_config *pools; /* likewise */
    size_t npools;
    struct monitor_config monitor;
};

/* Finds ($ROTA_CONFIG, ~/.config/rota/rota.ini, /etc/rota/rota.ini, or built-in defaults: one
 * worker `local`) and reads the configuration, and finds the catalogue's path.
 * 0 and *config (config_free), or ERR_CONFIG with *errors filled. A $ROTA_CONFIG that does not
 * exist is an error; so is a file that group or others can write, an unknown section or key (with
 * a suggestion), a line over 200 bytes (inih would split it), and a host named twice. */
int config_load(struct config *config, struct errlist *errors);
/* As config_load, of the file at path. */
int config_read(const char *path, struct config *config, struct errlist *errors);
/* Of a text that the file at path (for messages) may become. */
int config_read_text(const char *path, const struct buf *text, struct config *config,
                     struct errlist *errors);
/* The file that config_load reads, or where it would look first: free. NULL: there is no HOME. *there: it
 * exists. */
char *config_find(bool *there);
void config_free(struct config *config);

/* The host with this name, borrowed; NULL when there is none. */
/* The tags that hosts have, each once, appended to *tags. */
void config_tags(const struct config *config, struct strlist *tags);
const struct host_config *config_host(const struct config *config, const char *name);

#endif
