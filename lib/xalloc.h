/*
 * xalloc: allocation that cannot fail. When memory is out the program says so
 * and ends with EXITCODE_OS: no caller has a better idea, and every durable
 * state is already on disk. What is returned is freed with free().
 */
#ifndef ROTA_XALLOC_H
#define ROTA_XALLOC_H

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xreallocarray(void *ptr, size_t count, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len);
void *xmemdup(const void *p, size_t len);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
