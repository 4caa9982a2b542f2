/*
 * transport_exec: the inside of the transports that are a program of this machine, shared by their
 * files only.
 *
 *   transport_exec.c     the stages of connecting, the operations, and the row `exec`
 *   transport_openssh.c  the row `openssh`: the argument vector of ssh, and what its words mean
 *
 * A row says how a command for the host becomes a program here; everything else is common. Each
 * errand is a program of its own.
 */
#ifndef ROTA_TRANSPORT_EXEC_H
#define ROTA_TRANSPORT_EXEC_H

#include <stddef.h>
#include <stdint.h>

#include "errand.h"
#include "gate.h"
#include "knownhosts.h"
#include "pipecmd.h"
#include "sshconfig.h"
#include "strlist.h"
#include "transport.h"

struct exec_link;

struct exec_row {
    const struct transport *transport;
    /* Finds out what argv needs, and fills where and target. 1: done; 0: wait; negative. */
    int (*prepare)(struct exec_link *l, struct err *err);
    /* The program that runs errand.command on the host. */
    void (*argv)(const struct exec_link *l, struct strlist *argv);
    /* The program ended with an exit status: 0 when that is the command's own, negative when the
     * program itself failed, with the reason. */
    int (*judge)(const struct exec_link *l, int status, struct err *err);
    const char *late; /* what it means when the host does not answer */
};

enum exec_stage { EXEC_PREPARE, EXEC_GATE, EXEC_SPAWN, EXEC_TALK, EXEC_REAP, EXEC_UP };

struct exec_link {
    struct link link;
    const struct host_config *host;
    const struct exec_row *row;
    enum exec_stage stage;
    struct link_wait wait;
    struct sshconfig_query query;   /* of openssh */
    const struct sshconfig *config; /* likewise */
    struct knownhosts known;        /* likewise, for strict = accept-new; */
    bool asked;                     /* begun */
    struct gate_pass gate, all;     /* of the target, and of this machine */
    char *target;                   /* what is paced: a host, or a command */
    char *where;                    /* for messages */
    struct errand errand;
    struct pipecmd cmd;
    int death;   /* readable when the program is dead; -1 */
    size_t sent; /* bytes of the image */
};

struct link *exec_open(const struct exec_row *row, const struct host_config *host, const char *mode,
                       struct err *err);
int exec_step(struct link *link, struct err *err);
ssize_t exec_read(struct link *link, void *p, size_t len, struct err *err);
ssize_t exec_write(struct link *link, const void *p, size_t len, struct err *err);
void exec_close(struct link *link);

#endif
