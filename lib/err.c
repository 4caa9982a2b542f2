#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

static int fill(struct err *err, int code, const char *fmt, va_list ap)
{
    if (err) {
        err->code = code;
        err->place[0] = '\0';
        (void)vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    }
    return code;
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fill(err, code, fmt, ap);
    va_end(ap);
    return code;
}

int err_sys(struct err *err, int code, const char *fmt, ...)
{
    int saved = errno;
    va_list ap;
    va_start(ap, fmt);
    fill(err, code, fmt, ap);
    va_end(ap);
    if (err) {
        size_t len = strlen(err->msg);
        (void)snprintf(err->msg + len, sizeof err->msg - len, ": %s", strerror(saved));
    }
    return code;
}

int err_place(struct err *err, const char *fmt, ...)
{
    if (!err)
        return 0;
    if (!err->place[0]) {
        va_list ap;
        va_start(ap, fmt);
        (void)vsnprintf(err->place, sizeof err->place, fmt, ap);
        va_end(ap);
    }
    return err->code;
}

void errlist_add(struct errlist *list, int code, const char *place, const char *fmt, ...)
{
    if (list->n >= ERRLIST_MAX)
        return;
    list->v = xreallocarray(list->v, list->n + 1, sizeof *list->v);
    struct err *err = &list->v[list->n++];
    if (list->n == ERRLIST_MAX) {
        (void)err_set(err, code, "there are more errors: mend these first");
        return;
    }
    va_list ap;
    va_start(ap, fmt);
    fill(err, code, fmt, ap);
    va_end(ap);
    if (place)
        (void)snprintf(err->place, sizeof err->place, "%s", place);
}

void errlist_free(struct errlist *list)
{
    free(list->v);
    *list = (struct errlist){0};
}
