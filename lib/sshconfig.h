/*
 * sshconfig: what ~/.ssh/config says of a host, asked of `ssh -G` (3.8 ms each, so the answers are
 * kept for the life of the process). No libssh2 here.
 *
 * $ROTA_SSH_CONFIG names another file than ~/.ssh/config, as `ssh -F` does.
 */
#ifndef ROTA_SSHCONFIG_H
#define ROTA_SSHCONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "child.h"
#include "err.h"
#include "strlist.h"

struct sshconfig {
    char *hostname; /* to connect to */
    char *user;
    int port;
    int family;                /* AF_UNSPEC, AF_INET, AF_INET6 */
    struct strlist identities; /* paths, in order; ~ and % are expanded */
    char *agent;               /* path of the agent's socket; NULL: none */
    bool identities_only;
    bool certificates;                 /* CertificateFile names one */
    struct strlist user_known_hosts;   /* paths */
    struct strlist global_known_hosts; /* paths */
    char *alias;                       /* HostKeyAlias; NULL: none */
    char *proxy_jump;                  /* NULL: none; likewise proxy_command */
    char *proxy_command;               /* expanded */
    int connect_ms;                    /* ConnectTimeout; 0: not set */
};

/* One question; start with {0}. Must not be moved while it is in use. */
struct sshconfig_query {
    struct child child;
    char *key;
    char *address;
};

/* Begins to ask about an address; user NULL and port 0 leave these to the file. */
void sshconfig_begin(struct sshconfig_query *query, const char *address, const char *user,
                     int port);
/* 1: *config is the answer, borrowed for the life of the process; 0: poll query->child.fd for POLLIN and
 * call again. ERR_CONFIG when ssh refuses the file, ERR_OS when there is no ssh. */
int sshconfig_step(struct sshconfig_query *query, const struct sshconfig **config, struct err *err);
void sshconfig_end(struct sshconfig_query *query); /* harmless on {0} and twice */

/* Reads the output of `ssh -G` for an address as the user wrote it. ERR_CONFIG when it needs
 * something we cannot do. sshconfig_free. */
int sshconfig_parse(const char *text, const char *address, struct sshconfig *config,
                    struct err *err);
void sshconfig_free(struct sshconfig *config);

#endif
