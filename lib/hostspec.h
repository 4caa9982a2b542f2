/*
 * hostspec: a host, or a range of them, as a person types it: "web[1-4]", "root@db1:2222", "10.0.0.7",
 * "[2001:db8::1]:22".
 */
#ifndef ROTA_HOSTSPEC_H
#define ROTA_HOSTSPEC_H

#include "err.h"
#include "strlist.h"

/* Start with {0}; end with hostspec_free. */
struct hostspec {
    char *worker;         /* the range of the workers' names; an address becomes "ip-10.0.0.7" */
    char *address;        /* the range of addresses; NULL: the names are addresses */
    char *user;           /* NULL: not said */
    int port;             /* 0: not said */
    struct strlist names; /* the workers, one by one */
};

/* ERR_USAGE, with what would be right. */
int hostspec_read(struct hostspec *spec, const char *text, struct err *err);
void hostspec_free(struct hostspec *spec);

#endif
