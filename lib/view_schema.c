/* -o schema: the JSON schema (draft 2020-12) of a kind of record, made of the table of its columns. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "view_form.h"
#include "xalloc.h"

/* What a type is in JSON, and what more can be said of it. */
static const struct {
    const char *name, *rest;
} types[] = {
    [VIEW_TEXT] = {"string", ""},
    [VIEW_INT] = {"integer", ""},
    [VIEW_BOOL] = {"boolean", ""},
    [VIEW_NUMBER] = {"number", ""},
    [VIEW_TIME] = {"string",
                   ",\"format\":\"date-time\",\"pattern\":"
                   "\"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$\""},
    [VIEW_SECONDS] = {"number", ""},
    [VIEW_LIST] = {"array", ",\"items\":{\"type\":\"string\"}"},
};

static void put_words(struct buf *out, const struct view_kind *kind)
{
    const char *word;
    buf_addstr(out, ",\"enum\":[");
    for (size_t i = 0; (word = kind->word(i)) != NULL; i++) {
        buf_addstr(out, i ? "," : "");
        escape_json(out, word, strlen(word));
    }
    buf_addstr(out, kind->nullable ? ",null]" : "]");
}

void view_put_kind(struct buf *out, const struct view_kind *kind)
{
    const char *format = kind->nullable ? "{\"type\":[\"%s\",\"null\"]%s" : "{\"type\":\"%s\"%s";
    buf_addf(out, format, types[kind->type].name, types[kind->type].rest);
    if (kind->word)
        put_words(out, kind);
    buf_addch(out, '}');
}

void view_open_schema(struct buf *out, const char *name, int version)
{
    buf_addf(out,
             "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
             "\"$id\":\"rota:%s:%d\",\"title\":\"%s\",\"type\":\"object\",\"properties\":{",
             name, version, name);
}

void view_close_schema(struct buf *out, const char *const names[], size_t n)
{
    buf_addstr(out, "},\"required\":[");
    for (size_t i = 0; i < n; i++)
        buf_addf(out, "%s\"%s\"", i ? "," : "", names[i]);
    buf_addstr(out, "],\"additionalProperties\":true}");
}

void view_put_schema(struct buf *out, const struct view_record *record)
{
    const char **names = xcalloc(record->n + 1, sizeof *names);
    size_t n = 0;
    view_open_schema(out, record->name, record->version);
    for (size_t i = 0; i < record->n; i++) {
        const struct view_column *column = &record->columns[i];
        if (column->table_only)
            continue;
        buf_addf(out, "%s\"%s\":", n ? "," : "", column->name);
        view_put_kind(out, &column->kind);
        names[n++] = column->name;
    }
    view_close_schema(out, names, n);
    free(names);
}

int view_answer(struct buf *text, FILE *out, struct err *err)
{
    errno = 0;
    bool well = fwrite(buf_data(text), 1, text->len, out) == text->len && fflush(out) == 0;
    int rc = well || errno == EPIPE ? ERR_ANSWERED
                                    : err_sys(err, ERR_IO, "cannot write to standard output");
    buf_free(text);
    return rc;
}
