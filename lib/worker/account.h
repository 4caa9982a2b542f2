/*
 * account: a user of this host: from /etc/passwd, else from `getent passwd` (LDAP and the like), groups
 * from `id -G`. Programs are asked because a static program must not call NSS.
 */
#ifndef ROTA_WORKER_ACCOUNT_H
#define ROTA_WORKER_ACCOUNT_H

#include <stddef.h>
#include <sys/types.h>

#include "err.h"

struct account {
    char *name, *home, *shell;
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* of a named account only */
    size_t ngroups;
    long long asked_at; /* monotonic ms; accounts are asked anew after a minute */
    char *
        problem; /* in the cache only: why there is none, which is asked anew sooner; NULL: there is */
    int code;    /* of the problem */
    struct account *next;
};

/* The account that this process runs as. $ROTA_TEST_HOME overrides its home (a seam for tests).
 * Where nobody knows the uid: the environment. Owned by the caller (account_free). */
struct account *account_own(void);

struct accounts {
    struct account *first;
};

/* The account with this name (which does not begin with '-'), with its groups, owned by the cache and valid until the next call.
 * ERR_CONFIG: there is no such user; ERR_OS: nobody answered. */
int account_get(struct accounts *cache, const char *name, const struct account **account,
                struct err *err);
struct account *account_copy(const struct account *from); /* account_free */
void accounts_free(struct accounts *cache);
void account_free(struct account *account);

#endif
