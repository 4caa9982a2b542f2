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
void strlist_copy(struct strlist *to, const struct strlist *from);
void strlist_free(struct strlist *list);

#endif
