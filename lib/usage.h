/*
 * usage: the usage text of a command, read back as a table: which forms it has, which options each
 * takes, what stands for their values and for the operands. So what -h prints is what completes.
 *
 * A form begins at the left margin, its further lines are indented. `[…]` may be left out, `|` stands
 * between alternatives, `…` after what may be repeated; a word in capitals stands for a value, the
 * other words for themselves. A first small word after the command's name is a subcommand.
 */
#ifndef ROTA_USAGE_H
#define ROTA_USAGE_H

#include <stdbool.h>
#include <stddef.h>

struct usage_option {
    char *name;  /* as it is written: "--state", "-o" */
    char *value; /* what stands for its value, "STATE[,STATE ...]"; NULL: it takes none */
    bool must;   /* the form is not this one without it */
};

/* What may stand at one place among the operands; alternatives have the same place. */
struct usage_operand {
    char *text;   /* "ID", "last", "-" */
    size_t place; /* from 0 */
    bool repeats;
};

struct usage_form {
    char *sub; /* NULL: none */
    struct usage_option *options;
    size_t noptions;
    struct usage_operand *operands;
    size_t noperands;
    bool inherits; /* it takes the options of the first form too: "[OPTION ...]" */
    bool dashed;   /* operands from place `dashes` on stand after "--" */
    size_t dashes;
};

struct usage {
    struct usage_form *forms;
    size_t n;
};

/* Reads what -h prints. Any text is read without an error: what is no usage has no forms worth much.
 * Free with usage_free. */
void usage_read(struct usage *usage, const char *text);
void usage_free(struct usage *usage);

#endif
