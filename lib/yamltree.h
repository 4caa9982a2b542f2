/*
 * yamltree: YAML text as a small tree of nodes that know their place. The only file that includes
 * libyaml.
 *
 * Refused while parsing, so that nothing large is ever built: aliases and anchors, tags other than
 * the core ones, merge keys, keys that are no scalars, duplicate keys (libyaml does not look), NUL
 * bytes and a depth over the limit (libyaml is quadratic in it).
 */
#ifndef ROTA_YAMLTREE_H
#define ROTA_YAMLTREE_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

enum yaml_kind { YAML_IS_SCALAR, YAML_IS_LIST, YAML_IS_MAP };

struct yaml_node {
    enum yaml_kind kind;
    bool plain;       /* a scalar that is neither quoted nor a block nor tagged as a string: it may
                         be a number, a boolean or null */
    bool bad;         /* an error was added for it: its value is not to be judged; of a map or list
                         also: it breaks off */
    int line, column; /* from 1; columns are characters */
    char *text;       /* of a scalar; without NUL bytes */
    struct yaml_node *items; /* of a list; of a map: key, value, key, value … */
    size_t n, cap;           /* items: twice the pairs of a map */
};

struct yaml_documents {
    struct yaml_node *v; /* the roots, without those of empty documents */
    size_t n, cap;
};

/* Parses all documents of the text into *docs (yaml_documents_free), adding all errors with the
 * place "file:line:column" to *errors. An error of syntax ends the parse, others do not: what is
 * wrong may lack from the tree. */
void yaml_parse(const char *file, const char *text, size_t len, int depth_max,
                struct yaml_documents *docs, struct errlist *errors);
void yaml_documents_free(struct yaml_documents *docs);

/* A plain scalar that YAML takes for null: nothing at all, ~ or null. */
bool yaml_is_null(const struct yaml_node *node);

/* The value of a key of a map; NULL when the map has not got it. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

#endif
