#include "jobfile_options.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

/* ---- one option ---- */

static void add(const struct field *field, void *base, const char *value)
{
    strlist_take(field_to(field, base), xasprintf("%s=%s", field->name, value));
}

static bool is_clean(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

void option_text(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                 void *base)
{
    if (value->kind != YAML_IS_SCALAR || !*value->text || !is_clean(value->text))
        field_expected(r, field, value, "a text of one line");
    else
        add(field, base, value->text);
}

/* Reads a number by a row of another type, and keeps it. */
static void keep_number(struct field_reader *r, const struct field *field,
                        const struct yaml_node *value, void *base, field_read *read)
{
    int64_t number = -1;
    char *text;
    struct field here = *field;
    size_t errors = r->errors->n;
    here.offset = 0;
    read(r, &here, value, &number);
    if (errors != r->errors->n)
        return;
    text = xasprintf("%lld", (long long)number);
    add(field, base, text);
    free(text);
}

static void read_number(struct field_reader *r, const struct field *field,
                        const struct yaml_node *value, void *base)
{
    int number = 0;
    field_int(r, field, value, &number);
    *(int64_t *)base = number;
}

void option_number(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                   void *base)
{
    keep_number(r, field, value, base, read_number);
}

void option_numbers(struct field_reader *r, const struct field *field,
                    const struct yaml_node *value, void *base)
{
    field_each(r, field, value, base, option_number);
}

void option_size(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                 void *base)
{
    keep_number(r, field, value, base, field_size);
}

void option_duration(struct field_reader *r, const struct field *field,
                     const struct yaml_node *value, void *base)
{
    keep_number(r, field, value, base, field_duration);
}

void option_choice(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                   void *base)
{
    const struct choice *choice = field_find_choice(r, field, value);
    if (choice)
        add(field, base, choice->name);
}

void option_list(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                 void *base)
{
    field_each(r, field, value, base, option_text);
}

/* RFC 9110, 5.6.2: a token. Nothing else is the name of a header to all; curl takes @FILE for headers in it. */
static bool is_token(const char *text)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || (text[n] && strchr(marks, text[n])))
        n++;
    return n && !text[n];
}

void option_map(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                void *base)
{
    if (value->kind != YAML_IS_MAP) {
        field_expected(r, field, value, "a map of names and texts");
        return;
    }
    for (size_t i = 0; i + 1 < value->n; i += 2) {
        const struct yaml_node *key = &value->items[i], *text = &value->items[i + 1];
        if (key->bad || text->bad)
            continue;
        if (!is_token(key->text))
            field_complain(r, key, "'%.60s' is no name of a header: letters, digits and -",
                           key->text);
        else if (text->kind != YAML_IS_SCALAR || yaml_is_null(text) || !is_clean(text->text))
            field_complain(r, text, "'%.60s' is to be a text of one line", key->text);
        else
            strlist_take(field_to(field, base),
                         xasprintf("%s=%s=%s", field->name, key->text, text->text));
    }
}

/* ---- all of a map ---- */

/* In the order of the table, whatever that of the file is: equal jobs get equal texts. */
void options_arrange(struct strlist *options, const struct field *fields)
{
    struct strlist sorted = {0};
    for (; fields->name; fields++)
        for (size_t i = 0; i < options->n; i++)
            if (pair_value(options->v[i], fields->name, strlen(fields->name)))
                strlist_add(&sorted, options->v[i]);
    strlist_free(options);
    *options = sorted;
}
