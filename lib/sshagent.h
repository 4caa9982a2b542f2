/*
 * sshagent: a client of the SSH agent (draft-miller-ssh-agent) that never blocks. libssh2's own
 * does: an agent that waits for its user, or hangs, would hold every other host up.
 */
#ifndef ROTA_SSHAGENT_H
#define ROTA_SSHAGENT_H

#include <stddef.h>

#include "buf.h"
#include "err.h"

struct sshagent_key {
    struct buf blob; /* the public key */
    char *comment;
};

/* Start with {.fd = -1}. One request at a time. */
struct sshagent {
    int fd;       /* poll for events, then repeat the call; -1: not connected */
    short events; /* POLLIN or POLLOUT */
    struct sshagent_key *keys;
    size_t n;
    struct buf out, in; /* private */
};

/* Connects to the agent's socket and asks for its keys. ERR_UNREACHABLE. */
int sshagent_open(struct sshagent *agent, const char *path, struct err *err);
/* 1: keys and n are the answer; 0: not yet; negative: failed. */
int sshagent_list(struct sshagent *agent, struct err *err);
/* Begins to have data signed by a key. */
void sshagent_ask(struct sshagent *agent, const struct buf *blob, const void *data, size_t len);
/* 1: the bare signature is in *signature (empty before); 0: not yet; negative: refused or failed. */
int sshagent_signature(struct sshagent *agent, struct buf *signature, struct err *err);
void sshagent_close(struct sshagent *agent); /* harmless twice */

#endif
