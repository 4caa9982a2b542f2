/* sshnames: the hosts that ~/.ssh/config names. */
#ifndef ROTA_SSHNAMES_H
#define ROTA_SSHNAMES_H

#include "err.h"
#include "strlist.h"

/*
 * Appends, in order and once, the names of the Host lines of $ROTA_SSH_CONFIG, else ~/.ssh/config, and of
 * what it includes (ssh_config(5)): those without wildcards. Left out are hosts that one logs in to as
 * `git`, and of several names with one HostName all but the first. A file that is not there has none; one
 * that cannot be read is an error: ERR_IO.
 */
int sshnames_read(struct strlist *names, struct err *err);

#endif
