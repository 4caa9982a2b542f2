#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "escape.h"
#include "near.h"
#include "view_form.h"
#include "xalloc.h"

/* ---- values ---- */

struct view_value view_text(const char *text)
{
    return (struct view_value){.type = text ? VIEW_TEXT : VIEW_NULL, .text = text};
}

struct view_value view_list(const char *words)
{
    return (struct view_value){.type = VIEW_LIST, .text = words ? words : ""};
}

struct view_value view_int(int64_t number)
{
    return (struct view_value){.type = VIEW_INT, .number = number};
}

struct view_value view_bool(bool value)
{
    return (struct view_value){.type = VIEW_BOOL, .number = value};
}

struct view_value view_number(int64_t millionths)
{
    return (struct view_value){.type = VIEW_NUMBER, .number = millionths};
}

struct view_value view_time(int64_t at)
{
    return (struct view_value){.type = at ? VIEW_TIME : VIEW_NULL, .number = at};
}

struct view_value view_seconds(int64_t ms)
{
    return (struct view_value){.type = VIEW_SECONDS, .number = ms};
}

/* Made of integers: a locale may write doubles with a comma. */
static void put_parts(struct buf *out, int64_t number, int parts, int digits)
{
    buf_addf(out, "%s%lld.%0*d", number < 0 ? "-" : "", llabs((long long)number / parts), digits,
             abs((int)(number % parts)));
}

void view_put_plain(struct buf *out, const struct view_value *value)
{
    char time[CLOCK_TEXT];
    switch (value->type) {
    case VIEW_NULL:
        break;
    case VIEW_TEXT:
    case VIEW_LIST:
        escape_tsv(out, value->text);
        break;
    case VIEW_INT:
        buf_addf(out, "%lld", (long long)value->number);
        break;
    case VIEW_TIME:
        buf_addstr(out, clock_rfc3339(value->number, time));
        break;
    case VIEW_BOOL:
        buf_addstr(out, value->number ? "true" : "false");
        break;
    case VIEW_SECONDS:
        put_parts(out, value->number, 1000, 3);
        break;
    case VIEW_NUMBER:
        put_parts(out, value->number, 1000000, 6);
        break;
    }
}

static void put_array(struct buf *out, const char *words)
{
    buf_addch(out, '[');
    for (const char *p = words; *p;) {
        size_t len = strcspn(p, ",");
        escape_json(out, p, len);
        p += len;
        if (*p) {
            buf_addch(out, ',');
            p++;
        }
    }
    buf_addch(out, ']');
}

void view_put_json(struct buf *out, const struct view_value *value)
{
    switch (value->type) {
    case VIEW_NULL:
        buf_addstr(out, "null");
        break;
    case VIEW_TEXT:
        escape_json(out, value->text, strlen(value->text));
        break;
    case VIEW_LIST:
        put_array(out, value->text);
        break;
    case VIEW_TIME:
        buf_addch(out, '"');
        view_put_plain(out, value);
        buf_addch(out, '"');
        break;
    case VIEW_INT:
    case VIEW_BOOL:
    case VIEW_NUMBER:
    case VIEW_SECONDS:
        view_put_plain(out, value);
        break;
    }
}

struct view_value view_value_of(const struct view *view, size_t column, const void *record)
{
    return view->playing ? ((const struct view_value *)record)[column]
                         : view->columns[column].value(record);
}

/* ---- the simple forms ---- */

static void id_add(struct view *view, const void *record)
{
    const struct view_value id = view_value_of(view, 0, record);
    view_put_plain(&view->text, &id);
    buf_addch(&view->text, '\n');
}

static void put_object(struct buf *out, const struct view *view, const void *record)
{
    char before = '{';
    for (size_t i = 0; i < view->n; i++) {
        const struct view_column *column = &view->columns[i];
        if (column->table_only)
            continue;
        const struct view_value value = view_value_of(view, i, record);
        buf_addf(out, "%c\"%s\":", before, column->name);
        view_put_json(out, &value);
        before = ',';
    }
    buf_addch(out, '}');
}

void view_put_record(struct buf *out, const struct view_record *record, const void *data)
{
    const struct view view = {.columns = record->columns, .n = record->n};
    put_object(out, &view, data);
}

static void json_add(struct view *view, const void *record)
{
    put_object(&view->text, view, record);
    buf_addch(&view->text, '\n');
}

/* The names or, with a record, the values of all fields. */
static void tsv_line(struct view *view, const void *record)
{
    for (size_t i = 0; i < view->n; i++) {
        const struct view_column *column = &view->columns[i];
        if (column->table_only)
            continue;
        if (i)
            buf_addch(&view->text, '\t');
        if (!record) {
            buf_addstr(&view->text, column->name);
        } else {
            const struct view_value value = view_value_of(view, i, record);
            view_put_plain(&view->text, &value);
        }
    }
    buf_addch(&view->text, '\n');
}

static void tsv_begin(struct view *view)
{
    tsv_line(view, NULL);
}

static const struct view_form_row forms[] = {
    [VIEW_TABLE] = {"table", view_table_begin, view_table_add, view_table_end},
    [VIEW_WIDE] = {"wide", view_table_begin, view_table_add, view_table_end},
    [VIEW_ID] = {"id", NULL, id_add, NULL},
    [VIEW_TSV] = {"tsv", tsv_begin, tsv_line, NULL},
    [VIEW_JSON] = {"json", NULL, json_add, NULL},
    [VIEW_SCHEMA] = {"schema", NULL, NULL, NULL}, /* view_new writes it */
    [VIEW_FORMAT] = {NULL, NULL, view_format_add, NULL},
};

/* ---- views ---- */

const char *view_form_name(enum view_form form)
{
    return forms[form].name;
}

static int choose_form(struct view *view, const char *spec, struct err *err)
{
    const char *near;
    for (size_t i = 0; i < VIEW_FORMAT; i++)
        if (strcmp(forms[i].name, spec) == 0) {
            view->form = (enum view_form)i;
            return 0;
        }
    near = near_word(spec, forms, VIEW_FORMAT, sizeof *forms);
    if (near)
        return err_set(err, ERR_USAGE, "unknown form '%s' (did you mean '%s'?)", spec, near);
    char *all = near_all(forms, VIEW_FORMAT, sizeof *forms, "", " or ");
    int rc = err_set(err, ERR_USAGE, "unknown form '%s' (write %s)", spec, all);
    free(all);
    return rc;
}

static int answer_schema(const struct view_record *record, FILE *out, struct err *err)
{
    struct buf text = {0};
    view_put_schema(&text, record);
    buf_addch(&text, '\n');
    return view_answer(&text, out, err);
}

int view_new(struct view **made, const struct view_record *record, const char *spec,
             enum view_form fallback, const char *format, FILE *out, struct err *err)
{
    struct view *view = xcalloc(1, sizeof *view);
    int rc = 0;
    *view = (struct view){
        .form = fallback, .columns = record->columns, .n = record->n, .format = format, .out = out};
    *made = NULL;
    if (spec)
        rc = choose_form(view, spec, err);
    if (rc == 0 && format) {
        view->form = VIEW_FORMAT;
        rc = view_format_check(view, err);
    }
    if (rc == 0 && view->form == VIEW_SCHEMA)
        rc = answer_schema(record, out, err);
    if (rc < 0)
        free(view);
    else
        *made = view;
    return rc;
}

enum view_form view_form(const struct view *view)
{
    return view->form;
}

bool view_is_for_people(const struct view *view)
{
    return view->form == VIEW_TABLE || view->form == VIEW_WIDE;
}

void view_flush(struct view *view)
{
    if (!view->closed && view->text.len) {
        errno = 0;
        if (fwrite(buf_data(&view->text), 1, view->text.len, view->out) != view->text.len ||
            fflush(view->out) != 0) {
            view->closed = true;
            view->error = errno ? errno : EIO;
        }
    }
    buf_reset(&view->text);
}

static void begin(struct view *view)
{
    if (!view->begun && forms[view->form].begin)
        forms[view->form].begin(view);
    view->begun = true;
}

int view_add(struct view *view, const void *record)
{
    if (view->order) {
        view_order_keep(view, record);
        return 0;
    }
    begin(view);
    forms[view->form].add(view, record);
    if (view->text.len >= VIEW_FLUSH)
        view_flush(view);
    return view->closed ? 1 : 0;
}

void view_drop(struct view *view)
{
    if (!view)
        return;
    view_table_free(view->table);
    view_order_free(view->order);
    buf_free(&view->text);
    free(view);
}

int view_end(struct view *view, struct err *err)
{
    if (!view)
        return 0;
    begin(view);
    if (view->order)
        view_order_play(view, forms[view->form].add);
    if (forms[view->form].end)
        forms[view->form].end(view);
    view_flush(view);
    int saved = view->error;
    view_drop(view);
    if (!saved || saved == EPIPE)
        return 0;
    errno = saved;
    return err_sys(err, ERR_IO, "cannot write to standard output");
}
