#include "jobdiff.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "strlist.h"
#include "xalloc.h"

/* One line of JSON as jobfile_write makes it: its top-level pairs, as they stand. */
static void split(const char *text, struct strlist *pairs)
{
    int depth = 0;
    bool quoted = false;
    const char *start = text + 1;
    for (const char *p = text; *p; p++) {
        if (quoted && *p == '\\' && p[1])
            p++;
        else if (*p == '"')
            quoted = !quoted;
        else if (!quoted && (*p == '{' || *p == '['))
            depth++;
        else if (!quoted && (*p == '}' || *p == ']'))
            depth--;
        bool ends = !quoted && ((*p == ',' && depth == 1) || (*p == '}' && depth == 0));
        if (!ends)
            continue;
        start += strspn(start, " ");
        if (p > start) {
            char *pair = xstrndup(start, (size_t)(p - start));
            strlist_add(pairs, pair);
            free(pair);
        }
        start = p + 1;
    }
}

static void write_missing(const struct strlist *from, const struct strlist *in, char sign,
                          struct buf *out)
{
    for (size_t i = 0; i < from->n; i++)
        if (!strlist_has(in, from->v[i]))
            buf_addf(out, "  %c %s\n", sign, from->v[i]);
}

void jobdiff_write(const char *before, const char *after, struct buf *out)
{
    struct strlist old = {0}, new = {0};
    split(before, &old);
    split(after, &new);
    write_missing(&old, &new, '-', out);
    write_missing(&new, &old, '+', out);
    strlist_free(&old);
    strlist_free(&new);
}
