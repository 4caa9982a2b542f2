/*
 * knownhosts: which host keys the known_hosts files hold for a host, asked of `ssh-keygen -F`: it
 * knows hashed names, wildcards, [host]:port, @revoked and @cert-authority as ssh does, and the
 * matcher of libssh2 does not.
 */
#ifndef ROTA_KNOWNHOSTS_H
#define ROTA_KNOWNHOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "child.h"
#include "err.h"
#include "strlist.h"

enum knownhost_mark { KNOWNHOST_HELD = 0, KNOWNHOST_REVOKED, KNOWNHOST_AUTHORITY };

struct knownhost {
    enum knownhost_mark mark;
    char *type; /* "ssh-ed25519" */
    char *key;  /* base64 */
    char *file;
};

enum knownhosts_verdict {
    KNOWNHOSTS_MATCH,     /* this key is held for the host */
    KNOWNHOSTS_UNKNOWN,   /* no entry of any kind */
    KNOWNHOSTS_CHANGED,   /* other keys are held */
    KNOWNHOSTS_REVOKED,   /* this very key is marked @revoked */
    KNOWNHOSTS_AUTHORITY, /* only a certificate authority is held */
};

/* One question, and its answer. Start with {0}. Must not be moved while it is in use. */
struct knownhosts {
    struct child child; /* poll its fd for POLLIN */
    char *names[2];     /* asked in this order until one has an entry; [1] may be NULL */
    struct strlist files;
    size_t name_at, file_at;
    struct knownhost *v;
    size_t n;
};

/* Begins to ask for a host as ssh names it: by its alias when it has one, else as "[host]:port" and
 * then, as ssh does, as "host". Files that are not there are skipped. */
void knownhosts_begin(struct knownhosts *known, const char *host, int port, const char *alias,
                      const struct strlist *files1, const struct strlist *files2);
/* 1: v and n are the answer; 0: call again when child.fd is readable; negative: failed. */
int knownhosts_step(struct knownhosts *known, struct err *err);
void knownhosts_end(struct knownhosts *known); /* harmless on {0} and twice */

/* Whether a key of this type is held (not revoked, no authority). */
bool knownhosts_has_type(const struct knownhosts *known, const char *type);
/* Whether a certificate authority is held for this host. */
bool knownhosts_has_authority(const struct knownhosts *known);
/* What to think of a host key; *entry (NULL ok): the entry that decides, or one of those held. */
enum knownhosts_verdict knownhosts_check(const struct knownhosts *known, const char *type,
                                         const char *key, const struct knownhost **entry);
/* The name an entry for this host is written under; borrowed. */
const char *knownhosts_name(const struct knownhosts *known);

/* Adds an entry to a known_hosts file, made when it is not there; not one that was added since it was
 * asked for. ERR_UNREACHABLE when another key was; ERR_IO; ERR_BUSY when somebody else has it locked. */
int knownhosts_add(const char *file, const char *name, const char *type, const char *key,
                   struct err *err);

/* Reads the output of ssh-keygen -F, of a file, into the answer. */
void knownhosts_parse(struct knownhosts *known, const char *text, const char *file);

#endif
