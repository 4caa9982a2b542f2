/* --format: "{id} {state}", with {{ and }} for braces and \t \n \\. */
#include <stdlib.h>
#include <string.h>

#include "near.h"
#include "view_form.h"
#include "xalloc.h"

const struct view_column *view_field(const struct view *view, const char *p, size_t len)
{
    for (size_t i = 0; i < view->n; i++)
        if (!view->columns[i].table_only && strlen(view->columns[i].name) == len &&
            strncmp(view->columns[i].name, p, len) == 0)
            return &view->columns[i];
    return NULL;
}

int view_unknown_field(const struct view *view, const char *option, const char *p, size_t len,
                       struct err *err)
{
    char *name = xstrndup(p, len);
    const char **names = xcalloc(view->n, sizeof *names);
    for (size_t i = 0; i < view->n; i++)
        names[i] = view->columns[i].table_only ? NULL : view->columns[i].name;
    const char *near = near_word(name, names, view->n, sizeof *names);
    if (near)
        err_set(err, ERR_USAGE, "%s: unknown field '%s' (did you mean '%s'?)", option, name, near);
    else
        err_set(err, ERR_USAGE, "%s: unknown field '%s' (-o json shows them all)", option, name);
    free(names);
    free(name);
    return ERR_USAGE;
}

int view_format_check(const struct view *view, struct err *err)
{
    for (const char *p = view->format; *p; p++) {
        if ((*p == '{' || *p == '}') && p[1] == *p) {
            p++;
            continue;
        }
        if (*p == '}')
            return err_set(err, ERR_USAGE, "--format: '}' without '{' (write '}}' for a brace)");
        if (*p != '{')
            continue;
        size_t len = strcspn(++p, "{}");
        if (p[len] != '}')
            return err_set(err, ERR_USAGE, "--format: '{' without '}' (write '{{' for a brace)");
        if (!view_field(view, p, len))
            return view_unknown_field(view, "--format", p, len, err);
        p += len;
    }
    return 0;
}

static char escaped(char c)
{
    return (char)(c == 't' ? '\t' : c == 'n' ? '\n' : '\\');
}

/* The text was checked by view_format_check. */
void view_format_add(struct view *view, const void *record)
{
    for (const char *p = view->format; *p; p++) {
        if ((*p == '{' || *p == '}') && p[1] == *p) {
            buf_addch(&view->text, *p++);
        } else if (*p == '{') {
            size_t len = strcspn(++p, "}");
            size_t column = (size_t)(view_field(view, p, len) - view->columns);
            const struct view_value value = view_value_of(view, column, record);
            view_put_plain(&view->text, &value);
            p += len;
        } else if (*p == '\\' && p[1] && strchr("tn\\", p[1])) {
            buf_addch(&view->text, escaped(*++p));
        } else {
            buf_addch(&view->text, *p);
        }
    }
    buf_addch(&view->text, '\n');
}
