#include "jobfile_read.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "duration.h"
#include "job.h"
#include "near.h"
#include "strlist.h"
#include "xalloc.h"

enum { NAMES_MAX = 100 };

void field_complain(struct field_reader *r, const struct yaml_node *node, const char *fmt, ...)
{
    char place[256], msg[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    (void)snprintf(place, sizeof place, "%s:%d:%d", r->file, node->line, node->column);
    errlist_add(r->errors, ERR_DATA, place, "%s", msg);
}

void field_expected(struct field_reader *r, const struct field *field,
                    const struct yaml_node *value, const char *what)
{
    if (value->kind == YAML_IS_SCALAR)
        field_complain(r, value, "'%s' is to be %s, not %s'%.60s'", field->name, what,
                       value->plain ? "" : "the quoted text ", value->text);
    else
        field_complain(r, value, "'%s' is to be %s, not a %s", field->name, what,
                       value->kind == YAML_IS_LIST ? "list" : "map");
}

void *field_to(const struct field *field, void *base)
{
    return base ? (char *)base + field->offset : NULL;
}

void field_each(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                void *base, field_read *read)
{
    if (value->kind != YAML_IS_LIST) {
        read(r, field, value, base);
        return;
    }
    if (!value->n)
        field_complain(r, value, "'%s' is an empty list: take it out", field->name);
    for (size_t i = 0; i < value->n; i++)
        if (yaml_is_null(&value->items[i]))
            field_complain(r, &value->items[i], "'%s' has an empty item", field->name);
        else if (!value->items[i].bad)
            read(r, field, &value->items[i], base);
}

/* ---- maps ---- */

static const struct field *find_field(const struct field *fields, const char *name)
{
    for (; fields->name; fields++)
        if (strcmp(fields->name, name) == 0)
            return fields;
    return NULL;
}

static void complain_unknown(struct field_reader *r, const struct field *fields,
                             const struct yaml_node *key)
{
    size_t n = 0;
    for (; fields[n].name; n++)
        if (fields[n].fields && find_field(fields[n].fields, key->text)) {
            field_complain(r, key, "unknown key '%s' here (it belongs under '%s')", key->text,
                           fields[n].name);
            return;
        }
    const char *near = near_word(key->text, fields, n, sizeof *fields);
    if (near)
        field_complain(r, key, "unknown key '%.60s' (did you mean '%s'?)", key->text, near);
    else
        field_complain(r, key, "unknown key '%.60s'", key->text);
}

void field_read_map(struct field_reader *r, const struct field *fields, const struct yaml_node *map,
                    void *base)
{
    for (size_t i = 0; i + 1 < map->n; i += 2) {
        const struct yaml_node *key = &map->items[i], *value = &map->items[i + 1];
        if (key->bad || value->bad)
            continue; /* the tree complained */
        const struct field *field = find_field(fields, key->text);
        if (!field) {
            complain_unknown(r, fields, key);
            continue;
        }
        if (yaml_is_null(value))
            field_complain(r, value, "'%s' has no value", field->name);
        else
            field->read(r, field, value, field->later ? NULL : base);
        if (field->later)
            field_complain(r, key, "'%s' is not supported yet", field->name);
    }
    for (; fields->name && !map->bad; fields++)
        if (fields->required && !yaml_get(map, fields->name))
            field_complain(r, map, "'%s' is missing", fields->name);
}

void field_map(struct field_reader *r, const struct field *field, const struct yaml_node *value,
               void *base)
{
    if (value->kind == YAML_IS_MAP)
        field_read_map(r, field->fields, value, base);
    else
        field_expected(r, field, value, "a map of keys");
}

/* ---- scalars ---- */

void field_text(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                void *base)
{
    char **to = field_to(field, base);
    if (value->kind != YAML_IS_SCALAR) {
        field_expected(r, field, value, "a text");
        return;
    }
    if (to) {
        free(*to);
        *to = xstrdup(value->text);
    }
}

void field_string(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                  void *base)
{
    if (value->kind == YAML_IS_SCALAR && !value->text[strspn(value->text, " \t\r\n")])
        field_complain(r, value, "'%s' is empty", field->name);
    else
        field_text(r, field, value, base);
}

void field_path(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                void *base)
{
    if (value->kind != YAML_IS_SCALAR || value->text[0] != '/')
        field_expected(r, field, value, "a path from /");
    else
        field_text(r, field, value, base);
}

static bool check_name(struct field_reader *r, const struct field *field,
                       const struct yaml_node *value)
{
    bool scalar = value->kind == YAML_IS_SCALAR;
    if (scalar && name_is_valid(value->text))
        return true;
    if (scalar && strcmp(value->text, "last") == 0)
        field_complain(r, value, "'%s': the name 'last' is reserved", field->name);
    else
        field_expected(r, field, value,
                       "a name: a letter or _, then letters, digits, . _ -, at most 64");
    return false;
}

void field_name(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                void *base)
{
    if (check_name(r, field, value))
        field_text(r, field, value, base);
}

static void read_one_name(struct field_reader *r, const struct field *field,
                          const struct yaml_node *value, void *base)
{
    struct strlist *list = field_to(field, base);
    if (check_name(r, field, value) && list && !strlist_has(list, value->text))
        strlist_add(list, value->text);
}

void field_names(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                 void *base)
{
    if (value->kind == YAML_IS_LIST && value->n > NAMES_MAX)
        field_complain(r, value, "'%s' has over %d names", field->name, NAMES_MAX);
    else
        field_each(r, field, value, base, read_one_name);
}

bool field_number(const char *text, int64_t *value)
{
    const int64_t beyond = INT64_C(1000000000000000);
    const char *p = text + (*text == '-');
    int64_t number = 0;
    if (!isdigit((unsigned char)*p) ||
        (p[0] == '0' && p[1])) /* 010 is 8 to YAML 1.1 and 10 to people */
        return false;
    for (; isdigit((unsigned char)*p) && number < beyond; p++)
        number = number * 10 + (*p - '0');
    *value = *text == '-' ? -number : number;
    return !*p && number < beyond;
}

void field_int(struct field_reader *r, const struct field *field, const struct yaml_node *value,
               void *base)
{
    int64_t number;
    int *to = field_to(field, base);
    bool ok = value->kind == YAML_IS_SCALAR && value->plain && field_number(value->text, &number) &&
              number >= field->min && number <= field->max;
    if (ok && to)
        *to = (int)number;
    if (!ok) {
        char what[80];
        (void)snprintf(what, sizeof what, "a whole number from %lld to %lld", (long long)field->min,
                       (long long)field->max);
        field_expected(r, field, value, what);
    }
}

void field_bool(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                void *base)
{
    static const char *const words[] = {"false", "true", "no", "yes"};
    bool *to = field_to(field, base);
    for (int i = 0; i < 4 && value->kind == YAML_IS_SCALAR && value->plain; i++)
        if (strcmp(value->text, words[i]) == 0) {
            if (to)
                *to = i % 2;
            return;
        }
    field_expected(r, field, value, "true or false");
}

/* What duration and size have in common: a text that a function of ours reads. */
static void read_amount(struct field_reader *r, const struct field *field,
                        const struct yaml_node *value, void *base,
                        int (*parse)(const char *text, int64_t *amount, struct err *err),
                        const char *what)
{
    struct err err;
    int64_t amount, *to = field_to(field, base);
    if (value->kind != YAML_IS_SCALAR)
        field_expected(r, field, value, what);
    else if (parse(value->text, &amount, &err) < 0)
        field_complain(r, value, "'%s': %s", field->name, err.msg);
    else if (amount < field->min || (field->max && amount > field->max))
        field_complain(r, value, "'%s': '%s' is too %s", field->name, value->text,
                       amount < field->min ? "little" : "much");
    else if (to)
        *to = amount;
}

void field_duration(struct field_reader *r, const struct field *field,
                    const struct yaml_node *value, void *base)
{
    read_amount(r, field, value, base, duration_parse, "a duration");
}

void field_size(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                void *base)
{
    read_amount(r, field, value, base, size_parse, "a size");
}

/* In thousandths, so that what jobfile_write writes reads back to the same number, in any locale. */
void field_factor(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                  void *base)
{
    double *to = field_to(field, base);
    int64_t thousandths = 0;
    int whole = 0, decimals = 0;
    const char *p = value->kind == YAML_IS_SCALAR && value->plain ? value->text : "";
    for (; isdigit((unsigned char)*p) && whole < 6; p++, whole++)
        thousandths = thousandths * 10 + (*p - '0');
    if (whole && *p == '.' && isdigit((unsigned char)p[1]))
        for (p++; isdigit((unsigned char)*p) && decimals < 3; p++, decimals++)
            thousandths = thousandths * 10 + (*p - '0');
    for (; decimals < 3; decimals++)
        thousandths *= 10;
    if (!whole || *p || thousandths < field->min * 1000 || thousandths > field->max * 1000) {
        char what[80];
        (void)snprintf(what, sizeof what, "a number from %lld to %lld, as 2 or 1.5",
                       (long long)field->min, (long long)field->max);
        field_expected(r, field, value, what);
    } else if (to) {
        *to = (double)thousandths / 1000;
    }
}

/* ---- choices ---- */

/* "a, b or c" */
static void list_choices(struct buf *words, const struct choice *choices)
{
    for (const struct choice *c = choices; c->name; c++)
        buf_addf(words, "%s%s", c == choices ? "" : c[1].name ? ", " : " or ", c->name);
}

const struct choice *field_find_choice(struct field_reader *r, const struct field *field,
                                       const struct yaml_node *value)
{
    size_t n = 0;
    for (; field->choices[n].name; n++) {
        const struct choice *choice = &field->choices[n];
        if (value->kind != YAML_IS_SCALAR || strcmp(choice->name, value->text) != 0)
            continue;
        if (choice->later)
            field_complain(r, value, "'%s: %s' is not supported yet", field->name, choice->name);
        return choice;
    }
    const char *near = value->kind == YAML_IS_SCALAR
                           ? near_word(value->text, field->choices, n, sizeof *field->choices)
                           : NULL;
    struct buf words = {0};
    list_choices(&words, field->choices);
    if (near)
        field_complain(r, value, "'%s' is to be %s, not '%s' (did you mean '%s'?)", field->name,
                       buf_str(&words), value->text, near);
    else
        field_expected(r, field, value, buf_str(&words));
    buf_free(&words);
    return NULL;
}

void field_choice(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                  void *base)
{
    const struct choice *choice = field_find_choice(r, field, value);
    unsigned *to = field_to(field, base);
    if (choice && to)
        *to = (unsigned)choice->value;
}
