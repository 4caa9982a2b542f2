/*
 * hostrange: host lists as Slurm and pdsh write them: "web1,db[1-4,7]", "n[01-16]"
 * (leading zeros are kept). Several brackets in a name multiply: "rack[1-2]n[1-4]" makes eight.
 */
#ifndef ROTA_HOSTRANGE_H
#define ROTA_HOSTRANGE_H

#include "err.h"
#include "strlist.h"

enum { HOSTRANGE_MAX = 100000 }; /* names one expression may make */

/* Appends the expanded names to *names in order, without duplicates. ERR_DATA on a syntax error,
 * an inverted range, or more than HOSTRANGE_MAX names. */
int hostrange_expand(const char *text, struct strlist *names, struct err *err);

#endif
