/*
 * selection: which runs the arguments of a command name: ids, ranges of them (3-9 and 17,20-22), `last`, or
 * `-` for ids on standard input (DESIGN section 3).
 */
#ifndef ROTA_SELECTION_H
#define ROTA_SELECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "catalogue.h"
#include "config.h"
#include "err.h"

struct selection {
    int64_t *ids; /* in the order they were named, each once */
    size_t n, cap;
    bool from_stdin; /* `-` was among the arguments: n == 0 selects nothing, never everything */
};

/* Reads n arguments. `last` and ranges ask the catalogue, and a range names the runs that are there; `in`
 * is read to its end for `-`. ERR_USAGE for a word that is no id, ERR_ANSWER for `last` of an empty
 * catalogue and for a range without a run, ERR_IO. */
int selection_read(struct selection *selection, char *const args[], int n, FILE *in,
                   struct catalogue *cat, struct err *err);
/* Whether `-` was named and nothing came of it, which is warned of. */
bool selection_is_nothing(const struct selection *selection);
/* Adds the ids of a stream: the first word of each line; empty lines are skipped, and so is a first word
 * `ID` or `id`, which is the header of a table. ERR_USAGE with the line, ERR_IO. */
int selection_read_stream(struct selection *selection, FILE *in, struct err *err);
/* The run that an option names whose value is one: an id, or last. ERR_USAGE, ERR_ANSWER: there is none. */
int selection_one(const char *option, const char *word, struct catalogue *cat, int64_t *id,
                  struct err *err);
/* All runs of the workflow that a run is in; else of its group; else it alone. Where runs were named, by
 * standard input too, those of them that are among these. ERR_ANSWER: it is not there, or none is. */
int selection_workflow(struct selection *selection, int64_t id, struct catalogue *cat,
                       struct err *err);
void selection_add(struct selection *selection, int64_t id);
/* A run's id: a decimal number from 1; 0 when the word is none. */
int64_t selection_id(const char *word, size_t len);
void selection_free(struct selection *selection);

/* The options that narrow a query; NULL: not given. */
struct narrowing {
    const char *states; /* words with commas: states, or open or over */
    const char *job;    /* a pattern as of glob(7) */
    const char *host;
    const char *since, *until;
    const char *array; /* the id of one of its runs; narrowing_array reads it */
    const char *tag;   /* of hosts; narrowing_tag reads it */
};
/* Sets the parts of *query that they narrow. `now`: ms. ERR_USAGE, with a suggestion for a state. */
int narrowing_read(const struct narrowing *narrowing, int64_t now, struct run_query *query,
                   struct err *err);
/* Sets query->array, where an array was named. ERR_USAGE for what is no id, ERR_ANSWER for a run that is
 * not there, or not part of an array. */
int narrowing_array(const struct narrowing *narrowing, struct catalogue *cat,
                    struct run_query *query, struct err *err);
/* Sets query->hosts to the hosts that have the tag, where one was named; free it. ERR_ANSWER: none has it,
 * with a suggestion. */
int narrowing_tag(const struct narrowing *narrowing, const struct config *config,
                  struct run_query *query, struct err *err);
bool narrowing_any(const struct narrowing *narrowing);
/* The bits of all states that are over, or are not. */
unsigned selection_states(bool over);
/* The words that name states, static: "open", each state, "over". */
enum { SELECTION_STATE_WORDS = RUN_STATE_LAST + 2 };
void selection_state_words(const char *words[SELECTION_STATE_WORDS]);

#endif
