/*
 * values: what a run tells those that come after it: lines key=value of the file that $ROTA_OUTPUT names.
 * Both the worker, which reads the file, and the head, which believes no worker, hold them to this.
 */
#ifndef ROTA_VALUES_H
#define ROTA_VALUES_H

#include <stdbool.h>
#include <stddef.h>

enum {
    VALUES_MAX = 64 << 10, /* bytes of all "key=value" of a run, each with its end of line */
    VALUE_MAX = 16 << 10,  /* of one value */
    VALUE_KEY_MAX = 255,
};

/* Whether a line without its end is "key=value" within the bounds: the key [A-Za-z_][A-Za-z0-9_]*, no
 * NUL byte in the value. */
bool value_is_valid(const char *line, size_t len);

#endif
