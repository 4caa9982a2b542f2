/*
 * opt: command lines. Each command has a table of options; `-h` prints its usage text (the
 * SYNOPSIS of its man page), a wrong option suggests the near one.
 */
#ifndef ROTA_OPT_H
#define ROTA_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum opt_kind {
    OPT_FLAG,   /* bool */
    OPT_COUNT,  /* int, one more at each */
    OPT_STRING, /* const char *, borrowed from argv */
    OPT_INT,    /* int64_t */
    OPT_LIST,   /* struct strlist, added to */
};

struct option_row {
    char letter;      /* 0: none */
    const char *name; /* long name without dashes; NULL: none */
    enum opt_kind kind;
    void *to;
};

/* Reads argv[1…] by the table, GNU style: options anywhere before "--", "--name=value" or "--name value",
 * letters bundled, long names may be abbreviated when unambiguous. Operands are moved to the end of
 * argv. Handles -h/--help (prints usage, exits 0), -q/--quiet and -v/--verbose (log level) itself,
 * which is why it lives with the commands' habits and may exit.
 * Returns the index of the first operand; *dashdash (NULL ok) is the index of the first operand
 * that stood after "--", or argc. ERR_USAGE. */
int opt_parse(int argc, char **argv, const struct option_row *rows, const char *usage, int *dashdash,
              struct err *err);

/* The near one of n words (by `stride` bytes apart, each beginning with a const char *) for a
 * mistyped word, at an edit distance of at most 2 and less than its length; NULL when none is near. */
const char *near_word(const char *word, const void *first, size_t n, size_t stride);

#endif
