/*
 * completion: what may stand in place of the last word of a command line, by the usage text of the
 * command. Only says what is asked for ("a STATE, of --state"); where states come from is not
 * known here.
 */
#ifndef ROTA_COMPLETION_H
#define ROTA_COMPLETION_H

#include <stdbool.h>
#include <stddef.h>

#include "strlist.h"
#include "usage.h"

/* A value that may stand there. Borrowed from the usage. */
struct completion_want {
    const char *option; /* whose value it is, "--state"; NULL: an operand */
    const char *what;   /* as the usage writes it: "STATE[,STATE ...]", "last" */
};

struct completion {
    const char *command;  /* borrowed, as all words */
    const char *sub;      /* NULL: none */
    char *head;           /* what stays of the word: "--state=", "-o", "" */
    const char *rest;     /* what of it was typed so far, to be completed */
    struct strlist given; /* the options before it, as the usage writes them */
    struct completion_want *wants;
    size_t nwants;
    struct strlist subs;    /* subcommands that may stand there */
    struct strlist options; /* options likewise, each "--state\tSTATE[,STATE ...]" */
    size_t line;            /* the word at which a command line of its own begins; 0: none does */
};

/* words[0] is the command, words[n - 1] (n > 1) is to be completed; those of it that do not begin like
 * it are wanted too: who asks compares. Free with completion_free, before the usage. */
void completion_read(struct completion *completion, const struct usage *usage, char *const words[],
                     size_t n);
void completion_free(struct completion *completion);

#endif
