#include "jobfile_writer.h"

#include <string.h>

#include "escape.h"

void writer_key(struct writer *w, const char *key)
{
    buf_addf(w->out, "%s\"%s\": ", w->more ? ", " : "", key);
    w->more = true;
}

struct writer writer_open(struct writer *w, const char *key)
{
    writer_key(w, key);
    buf_addch(w->out, '{');
    return (struct writer){.out = w->out};
}

void writer_close(struct writer *w)
{
    buf_addch(w->out, '}');
}

void writer_string(struct writer *w, const char *key, const char *value)
{
    if (!value)
        return;
    writer_key(w, key);
    escape_json(w->out, value, strlen(value));
}

void writer_number(struct writer *w, const char *key, int64_t value, int64_t normal)
{
    if (value == normal)
        return;
    writer_key(w, key);
    buf_addf(w->out, "%lld", (long long)value);
}

void writer_duration(struct writer *w, const char *key, int64_t ms, int64_t normal)
{
    if (ms == normal)
        return;
    writer_key(w, key);
    if (ms % 1000)
        buf_addf(w->out, "\"%lldms\"", (long long)ms);
    else
        buf_addf(w->out, "\"%llds\"", (long long)ms / 1000);
}

void writer_word(struct writer *w, const char *key, const char *word, bool differs)
{
    if (differs)
        writer_string(w, key, word);
}

void writer_flag(struct writer *w, const char *key, bool set)
{
    if (!set)
        return;
    writer_key(w, key);
    buf_addstr(w->out, "true");
}

void writer_list(struct writer *w, const char *key, const struct strlist *list)
{
    if (!list->n)
        return;
    writer_key(w, key);
    for (size_t i = 0; i < list->n; i++) {
        buf_addstr(w->out, i ? ", " : "[");
        escape_json(w->out, list->v[i], strlen(list->v[i]));
    }
    buf_addch(w->out, ']');
}

void writer_pairs(struct writer *w, const char *key, const struct strlist *env)
{
    if (!env->n)
        return;
    struct writer map = writer_open(w, key);
    for (size_t i = 0; i < env->n; i++) {
        size_t len = strcspn(env->v[i], "=");
        const char *value = env->v[i] + len + (env->v[i][len] == '=');
        buf_addstr(w->out, map.more ? ", " : "");
        escape_json(w->out, env->v[i], len);
        buf_addstr(w->out, ": ");
        escape_json(w->out, value, strlen(value));
        map.more = true;
    }
    writer_close(&map);
}
