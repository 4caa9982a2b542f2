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

/* What an option's value is and where it goes. */
struct opt_kind {
    bool takes_value;
    /* Stores the value (NULL without one); `shown` is the option as messages name it. */
    int (*store)(void *to, const char *shown, const char *value, struct err *err);
};
extern const struct opt_kind opt_flag, opt_count, opt_string, opt_int, opt_list;
#define OPT_FLAG   (&opt_flag)   /* bool */
#define OPT_COUNT  (&opt_count)  /* int, one more at each */
#define OPT_STRING (&opt_string) /* const char *, borrowed from argv */
#define OPT_INT    (&opt_int)    /* int64_t */
#define OPT_LIST   (&opt_list)   /* struct strlist, added to */

/* Of an OPT_INT, before opt_parse: tells "not said" from every number. */
#define OPT_UNSAID INT64_MIN

/* A table of them ends with an empty row. */
struct option_row {
    char letter;      /* 0: none */
    const char *name; /* long name without dashes; NULL: none */
    const struct opt_kind *kind;
    void *to;
};

/* Reads argv[1…] by the table, GNU style: options anywhere before "--", "--name=value" or "--name value",
 * letters bundled, long names may be abbreviated when unambiguous. Operands are moved to the end of
 * argv, in their order. Handles -h/--help (prints usage, exits 0), -q/--quiet and -v/--verbose (log
 * level) itself, which is why it lives with the commands' habits and may exit.
 * Returns the index of the first operand; *dashdash (NULL ok) is the index of the first operand
 * that stood after "--", or argc when nothing did. ERR_USAGE, ERR_IO. */
int opt_parse(int argc, char **argv, const struct option_row *rows, const char *usage,
              int *dashdash, struct err *err);

#endif
