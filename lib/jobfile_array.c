#include "jobfile_array.h"

#include <stdlib.h>
#include <string.h>

#include "jobfile_keys.h"
#include "xalloc.h"

enum { AXES_MAX = 100, PARAMETERS_MAX = 1000, PLACEHOLDER_MAX = 32 };

/* Before the elements are counted they are only ranges, lists and texts: nothing large is made. Each becomes a
 * row of the catalogue, with its item: a short file may say more than a disk holds. */
static void check_count(struct field_reader *r, const struct field *field,
                        const struct yaml_node *value, const struct job_array *array)
{
    if (expansion_count(array) > ARRAY_MAX)
        field_complain(r, value, "'%s' has more than %d elements", field->name, ARRAY_MAX);
    else if (expansion_longest(array, NULL) > ELEMENT_BYTES)
        field_complain(r, value, "'%s' has an element over 64 KiB", field->name);
    else if (expansion_bytes(array) > ELEMENTS_BYTES)
        field_complain(r, value, "'%s' has elements of over 64 MiB in all", field->name);
}

/* ---- array: "0-99%10", "1,3,5-7" ---- */

/* A whole number without leading zeros at *p, moved on. */
static bool number(const char **p, int64_t *value)
{
    const char *start = *p;
    *value = 0;
    for (; **p >= '0' && **p <= '9' && *value <= ARRAY_INDEX_MAX; (*p)++)
        *value = *value * 10 + (**p - '0');
    return *p > start && *value <= ARRAY_INDEX_MAX && (*start != '0' || *p == start + 1);
}

static void add_range(struct job_array *array, struct job_indices range)
{
    if (!(array->nranges & (array->nranges - 1))) /* as large as a power of two: full */
        array->ranges = xreallocarray(array->ranges, array->nranges ? 2 * array->nranges : 1,
                                      sizeof *array->ranges);
    array->ranges[array->nranges++] = range;
}

static bool read_indices(const char *p, struct job *job)
{
    struct job_indices range;
    int64_t at_once;
    for (;; p++) {
        if (!number(&p, &range.first))
            return false;
        range.last = range.first;
        if (*p == '-') {
            p++;
            if (!number(&p, &range.last) || range.last < range.first)
                return false;
        }
        add_range(&job->array, range);
        if (*p != ',')
            break;
    }
    if (*p == '%') {
        p++;
        if (!number(&p, &at_once) || at_once < 1 || at_once > ARRAY_MAX)
            return false;
        job->at_once = (int)at_once;
    }
    return !*p;
}

static int by_first(const void *a, const void *b)
{
    const struct job_indices *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

static void check_twice(struct field_reader *r, const struct field *field,
                        const struct yaml_node *value, const struct job_array *array)
{
    struct job_indices *sorted = xmemdup(array->ranges, array->nranges * sizeof *sorted);
    qsort(sorted, array->nranges, sizeof *sorted, by_first);
    for (size_t i = 1; i < array->nranges; i++)
        if (sorted[i].first <= sorted[i - 1].last) {
            field_complain(r, value, "'%s' has the index %lld twice", field->name,
                           (long long)sorted[i].first);
            break;
        }
    free(sorted);
}

static void read_text(struct field_reader *r, const struct field *field,
                      const struct yaml_node *value, void *base)
{
    struct strlist *list = base;
    if (value->kind == YAML_IS_SCALAR)
        strlist_add(list, value->text);
    else
        field_expected(r, field, value, "a list of texts");
}

void field_array(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                 void *base)
{
    struct job *job = base;
    if (value->kind == YAML_IS_LIST) {
        field_each(r, field, value, &job->array.items, read_text);
        check_count(r, field, value, &job->array);
    } else if (value->kind == YAML_IS_SCALAR && read_indices(value->text, job)) {
        check_count(r, field, value, &job->array);
        check_twice(r, field, value, &job->array);
    } else {
        field_expected(r, field, value,
                       "a range of indices, as 0-99 or 1,3,5-7%2, or a list of items");
    }
}

/* ---- matrix ---- */

static void read_axis(struct field_reader *r, const struct yaml_node *key,
                      const struct yaml_node *value, struct job_array *array)
{
    const struct field field = {.name = key->text};
    if (!env_name_is_valid(key->text, strlen(key->text))) {
        field_complain(r, key, "'%.60s' is no name of a variable: letters, digits and _",
                       key->text);
        return;
    }
    if (yaml_is_null(value)) {
        field_complain(r, value, "'%.60s' has no value", key->text);
        return;
    }
    array->axes = xreallocarray(array->axes, array->naxes + 1, sizeof *array->axes);
    struct job_axis *axis = &array->axes[array->naxes++];
    *axis = (struct job_axis){.key = xstrdup(key->text)};
    field_each(r, &field, value, &axis->values, read_text);
}

void field_matrix(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                  void *base)
{
    struct job *job = base;
    if (value->kind != YAML_IS_MAP || !value->n) {
        if (value->kind == YAML_IS_MAP)
            field_complain(r, value, "'%s' is empty: take it out", field->name);
        else
            field_expected(r, field, value, "a map of keys, each with a list of values");
        return;
    }
    if (value->n > (size_t)2 * AXES_MAX) {
        field_complain(r, value, "'%s' has over %d keys", field->name, AXES_MAX);
        return;
    }
    for (size_t i = 0; i + 1 < value->n; i += 2)
        if (!value->items[i].bad && !value->items[i + 1].bad)
            read_axis(r, &value->items[i], &value->items[i + 1], &job->array);
    check_count(r, field, value, &job->array);
}

/* ---- what stands for the element ---- */

void field_placeholder(struct field_reader *r, const struct field *field,
                       const struct yaml_node *value, void *base)
{
    if (value->kind == YAML_IS_SCALAR && strlen(value->text) <= PLACEHOLDER_MAX &&
        !strpbrk(value->text, "\\'\"#\n"))
        field_string(r, field, value, base);
    else
        field_expected(r, field, value, "a short text without quotes, \\ and #, as \"{}\"");
}

/* ---- parameters ---- */

static int by_name(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    size_t n = strcspn(x, "="), m = strcspn(y, "=");
    int order = memcmp(x, y, n < m ? n : m);
    return order ? order : (n > m) - (n < m);
}

static void read_parameter(struct field_reader *r, const struct yaml_node *key,
                           const struct yaml_node *value, struct strlist *parameters)
{
    if (!env_name_is_valid(key->text, strlen(key->text)))
        field_complain(r, key, "'%.60s' is no name of a variable: letters, digits and _",
                       key->text);
    else if (value->kind != YAML_IS_SCALAR)
        field_complain(r, value, "the default of '%.60s' is to be a text, or nothing", key->text);
    else if (yaml_is_null(value))
        strlist_add(parameters, key->text);
    else
        strlist_take(parameters, xasprintf("%s=%s", key->text, value->text));
}

void field_parameters(struct field_reader *r, const struct field *field,
                      const struct yaml_node *value, void *base)
{
    struct strlist *parameters = field_to(field, base);
    if (value->kind != YAML_IS_MAP) {
        field_expected(r, field, value, "a map of names and defaults");
        return;
    }
    if (value->n > (size_t)2 * PARAMETERS_MAX) {
        field_complain(r, value, "'%s' has over %d names", field->name, PARAMETERS_MAX);
        return;
    }
    for (size_t i = 0; i + 1 < value->n; i += 2)
        if (!value->items[i].bad && !value->items[i + 1].bad)
            read_parameter(r, &value->items[i], &value->items[i + 1], parameters);
    /* the order of a map means nothing, so equal jobs get equal lists */
    if (parameters->n)
        qsort(parameters->v, parameters->n, sizeof *parameters->v, by_name);
}

/* ---- together ---- */

static bool is_said(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *value = map && map->kind == YAML_IS_MAP ? yaml_get(map, key) : NULL;
    return value && !(value->kind == YAML_IS_SCALAR &&
                      (strcmp(value->text, "false") == 0 || strcmp(value->text, "no") == 0));
}

void jobfile_check_array(struct field_reader *r, const struct yaml_node *document)
{
    const struct yaml_node *array = yaml_get(document, "array");
    const struct yaml_node *matrix = yaml_get(document, "matrix");
    const struct yaml_node *at_once = yaml_get(document, "at_once");
    const struct yaml_node *where = yaml_get(document, "where");
    if (array && matrix)
        field_complain(r, matrix, "'array' and 'matrix': write one of them");
    if (array && at_once && array->kind == YAML_IS_SCALAR && strchr(array->text, '%'))
        field_complain(r, at_once, "'at_once' is in 'array' already, behind its %%");
    const char *over_hosts = is_said(where, "each")    ? "each"
                             : is_said(where, "count") ? "count"
                                                       : NULL;
    if ((array || matrix) && over_hosts)
        field_complain(r, array ? array : matrix,
                       "'%s' and 'where.%s': a run for each host is no array, write one of them",
                       array ? "array" : "matrix", over_hosts);
}
