/*
 * err: one error vocabulary for the library.
 *
 * A function that can fail returns 0 (or a count >= 0) on success and a
 * negative ERR_* on failure, and fills the struct err given as its last
 * parameter. The struct may be NULL when the caller does not care. Nothing is
 * allocated: a struct err lives on the stack and needs no freeing.
 *
 * The value of a code but the last is the negated exit code of rota(7), so a command ends
 * with exitcode_of(err.code) and no table can drift.
 */
#ifndef ROTA_ERR_H
#define ROTA_ERR_H

#include <stddef.h>

enum {
    ERR_ANSWER = -1,       /* the answer is no: nothing matched, a run failed */
    ERR_USAGE = -64,       /* wrong command line */
    ERR_DATA = -65,        /* a bad job file, or bytes that are not what they claim */
    ERR_UNREACHABLE = -69, /* a host cannot be reached */
    ERR_BUG = -70,         /* an invariant of ours does not hold */
    ERR_OS = -71,          /* the operating system refused */
    ERR_IO = -74,          /* reading or writing failed */
    ERR_BUSY = -75,        /* somebody else holds it: try again */
    ERR_CONFIG = -78,      /* bad configuration */
    ERR_ANSWERED = -256,   /* no error: what was asked for is printed already; exit code 0 */
};

struct err {
    int code;        /* ERR_*, or 0 */
    char place[256]; /* "nightly.yaml:12:5", "db2", or "" */
    char msg[1024];  /* what is wrong, and the mend in the same sentence */
};

/* Fills err (NULL ok) with code and the formatted message, clears the place.
 * Returns code, so that callers can write `return err_set(...)`. */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, with strerror(errno) appended: "cannot open X: No such file". */
int err_sys(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Sets the place of an error that has none yet. Returns err->code. */
int err_place(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

enum { ERRLIST_MAX = 100 };

/* A growing list of errors: "all errors of a file at once". Start with {0}. A hostile file cannot
 * fill the memory: the last of ERRLIST_MAX says that there are more, which are dropped. */
struct errlist {
    struct err *v;
    size_t n;
};

/* Appends an error with the formatted message; the place is `place` (NULL: none). */
void errlist_add(struct errlist *list, int code, const char *place, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void errlist_free(struct errlist *list);

#endif
