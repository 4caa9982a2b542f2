#include "strlist.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

void strlist_take(struct strlist *list, char *s)
{
    if (list->n + 2 > list->cap) {
        list->cap = list->cap ? list->cap * 2 : 8;
        list->v = xreallocarray(list->v, list->cap, sizeof *list->v);
    }
    list->v[list->n++] = s;
    list->v[list->n] = NULL;
}

void strlist_add(struct strlist *list, const char *s)
{
    strlist_take(list, xstrdup(s));
}

bool strlist_has(const struct strlist *list, const char *s)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->v[i], s) == 0)
            return true;
    return false;
}

const char *pair_value(const char *entry, const char *name, size_t len)
{
    return strncmp(entry, name, len) == 0 && entry[len] == '=' ? entry + len + 1 : NULL;
}

const char *strlist_value(const struct strlist *list, const char *name)
{
    size_t len = strlen(name);
    const char *value = NULL;
    for (size_t i = 0; i < list->n && !value; i++)
        value = pair_value(list->v[i], name, len);
    return value;
}

void strlist_copy(struct strlist *to, const struct strlist *from)
{
    for (size_t i = 0; i < from->n; i++)
        strlist_add(to, from->v[i]);
}

void strlist_free(struct strlist *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->v[i]);
    free(list->v);
    *list = (struct strlist){0};
}
