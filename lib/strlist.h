/* strlist: a growing list of owned strings. Start with {0}; end with strlist_free. */
#ifndef ROTA_STRLIST_H
#define ROTA_STRLIST_H

#include <stdbool.h>
#include <stddef.h>

struct strlist {
    char **v; /* v[n] is NULL once something was added: usable as argv */
    size_t n, cap;
};

void strlist_add(struct strlist *list, const char *s);
void strlist_take(struct strlist *list, char *s); /* takes ownership */
bool strlist_has(const struct strlist *list, const char *s);
/* The value of an entry "NAME=value" whose name is these len bytes, borrowed; NULL: it is of another name. */
const char *pair_value(const char *entry, const char *name, size_t len);
/* The value of the first entry of that name, borrowed; NULL: there is none. */
const char *strlist_value(const struct strlist *list, const char *name);
void strlist_copy(struct strlist *to, const struct strlist *from);
void strlist_free(struct strlist *list);

#endif
