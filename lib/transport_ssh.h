/*
 * transport_ssh: the inside of the ssh transport, shared by its files only.
 *
 *   transport_ssh.c          the stages of connecting, and the row of operations
 *   transport_ssh_connect.c  configuration, name, known_hosts, gate, socket or jump
 *   transport_ssh_session.c  the libssh2 session: handshake, host key, what every call needs
 *   transport_ssh_auth.c     which keys are tried, in which order, and what to say when all fail
 *   transport_ssh_start.c    channels: starting the worker, pushing it
 *   transport_ssh_stream.c   reading and writing once it is up
 *
 * Rules of libssh2 1.10, each found by trying (DESIGN section 8):
 * - One outstanding operation a session: after EAGAIN with outbound bytes pending exactly that call is
 *   repeated, with the same pointer and length, before any other.
 * - LIBSSH2_ERROR_BAD_USE (-39) means retry.
 * - What to poll for is asked anew after every call.
 * - libssh2_keepalive_send breaks that rule and is never called: the messages have PING.
 */
#ifndef ROTA_TRANSPORT_SSH_H
#define ROTA_TRANSPORT_SSH_H

#include <libssh2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "child.h"
#include "err.h"
#include "errand.h"
#include "gate.h"
#include "knownhosts.h"
#include "resolve.h"
#include "sshagent.h"
#include "sshconfig.h"
#include "sshkey.h"
#include "strlist.h"
#include "transport.h"

enum {
    SSH_CONNECTS_MAX = 8, /* to one address, not yet authenticated: sshd drops beyond 10 */
    SSH_BEFORE_AUTH_CALL = 8 << 10, /* bytes one call may read before authentication … */
    SSH_BEFORE_AUTH_ALL = 64 << 10, /* … and all of them together */
    SSH_CALL_MAX = 512 << 10,       /* bytes one call may read afterwards */
    SSH_WRITE_MAX = 32000,          /* bytes of one write: just under one packet */
};

enum ssh_stage {
    STAGE_CONFIG,
    STAGE_RESOLVE,
    STAGE_KNOWN,
    STAGE_GATE,
    STAGE_CONNECT,
    STAGE_HANDSHAKE,
    STAGE_AUTH,
    STAGE_OPEN,
    STAGE_EXEC,
    STAGE_GREETING,
    STAGE_SEND,
    STAGE_ANSWER,
    STAGE_DROP,
    STAGE_UP,
};

/* A private key file that may be used, looked at once. */
struct ssh_file {
    char *path;
    struct sshkey key;
    bool explicit; /* named in rota.ini */
    bool usable;
};

/* A key to be tried. */
struct ssh_key {
    char *label;            /* for messages */
    const char *path;       /* of the private key, borrowed; NULL: in the agent */
    const struct buf *blob; /* its public half in the agent, borrowed */
};

/* Where the next keys come from. */
enum ssh_source { SOURCE_BEGIN, SOURCE_IDENTITY, SOURCE_AGENT, SOURCE_FILES, SOURCE_END };

struct ssh_auth {
    enum ssh_source source; /* whose keys are in keys[] */
    struct ssh_file *files;
    size_t nfiles;
    struct sshagent agent;
    struct ssh_key *keys;
    size_t n, at;
    struct buf notes; /* what happened to each key, for the message */
    bool signing;     /* the agent was asked */
    bool beyond;      /* there are keys that only openssh can use */
};

struct ssh_link {
    struct link link;
    const struct host_config *host;
    enum ssh_stage stage;
    bool late; /* the deadline passed: the stage may still find a way out */

    struct link_wait wait; /* until it is up */

    struct sshconfig_query query;
    const struct sshconfig *config;
    struct resolve resolve;
    size_t address_at;
    struct knownhosts known;
    struct gate_pass gate;
    char *where;  /* "root@192.0.2.1:22", for messages */
    char *target; /* "192.0.2.1:22", or the host behind the jump */

    int sock;
    bool connecting;
    pid_t proxy; /* of the jump; 0: none */
    int proxy_err;

    LIBSSH2_SESSION *session;
    LIBSSH2_CHANNEL *channel;
    bool authenticated;
    bool flooded;
    bool closing;
    size_t read_call, read_all; /* bytes this call, and all calls, read */
    bool drained; /* the socket had no more at the last look: no other until the next event */
    bool rested;  /* the last ssh_read found nothing, so the next one is of another event */
    struct ssh_auth auth;

    struct errand errand; /* what the channel in hand is for */
    size_t sent;          /* bytes of the image written to it */

    char *out; /* SSH_WRITE_MAX bytes: what is being written must not move */
    size_t out_at, out_len;
    enum { BUSY_NOT, BUSY_READ, BUSY_WRITE } busy;
};

/* ---- transport_ssh.c ---- */

/* Goes on to a stage, with a new deadline. Returns 1. */
int ssh_enter(struct ssh_link *l, enum ssh_stage stage);
/* Gives the stage more time. */
void ssh_extend(struct ssh_link *l, int64_t ms);
/* Waits for events on fd in this stage. Returns 0. */
int ssh_wait(struct ssh_link *l, int fd, short events);

/* ---- the stages: 1 went on, 0 wait, negative failed ---- */
int ssh_do_config(struct ssh_link *l, struct err *err);
int ssh_do_resolve(struct ssh_link *l, struct err *err);
int ssh_do_known(struct ssh_link *l, struct err *err);
int ssh_do_gate(struct ssh_link *l, struct err *err);
int ssh_do_connect(struct ssh_link *l, struct err *err);
int ssh_do_handshake(struct ssh_link *l, struct err *err);
int ssh_do_auth(struct ssh_link *l, struct err *err);
int ssh_do_open(struct ssh_link *l, struct err *err);
int ssh_do_exec(struct ssh_link *l, struct err *err);
int ssh_do_send(struct ssh_link *l, struct err *err);
int ssh_do_answer(struct ssh_link *l, struct err *err);
int ssh_do_drop(struct ssh_link *l, struct err *err);

/* ---- transport_ssh_connect.c ---- */
void ssh_disconnect(struct ssh_link *l); /* socket and jump */
/* What the jump said last, free; "" when there is none. */
char *ssh_proxy_complaint(const struct ssh_link *l);

/* ---- transport_ssh_session.c ---- */
int ssh_session_open(struct ssh_link *l, struct err *err);
void ssh_session_free(struct ssh_link *l);
/* Before a libssh2 call: it may read anew. */
void ssh_call(struct ssh_link *l);
/* Whether its result says that it must be called again: waits for what the session needs. */
bool ssh_again(struct ssh_link *l, ssize_t rc);
/* Whether bytes of ours are stuck in the session. */
bool ssh_outbound(const struct ssh_link *l);
/* What libssh2 says went wrong last, borrowed. */
const char *ssh_why(const struct ssh_link *l);
/* Fails because the connection broke while `doing`. */
int ssh_broken(struct ssh_link *l, const char *doing, struct err *err);

/* ---- transport_ssh_auth.c, transport_ssh_stream.c ---- */
void ssh_auth_free(struct ssh_auth *auth);
ssize_t ssh_read(struct link *link, void *p, size_t len, struct err *err);
ssize_t ssh_write(struct link *link, const void *p, size_t len, struct err *err);

#endif
