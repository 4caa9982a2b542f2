#include "expansion.h"

#include <string.h>

#include "placeholder.h"

int64_t expansion_count(const struct job_array *array)
{
    int64_t count = (int64_t)array->items.n;
    for (size_t i = 0; i < array->nranges && count <= ARRAY_MAX; i++)
        count += array->ranges[i].last - array->ranges[i].first + 1;
    for (size_t i = 0; i < array->naxes && count <= ARRAY_MAX; i++)
        count = (i ? count : 1) * (int64_t)array->axes[i].values.n; /* each is less than 2^31 */
    return count <= ARRAY_MAX ? count : ARRAY_MAX + 1;
}

void expansion_begin(struct expansion *e, const struct job_array *array,
                     const struct elements *elements)
{
    *e = (struct expansion){.array = array,
                            .elements = elements,
                            .element = elements ? elements_first(elements) : NULL,
                            .count = expansion_count(array)};
}

void expansion_end(struct expansion *e)
{
    buf_free(&e->text);
    *e = (struct expansion){0};
}

const char *expansion_value(const struct job_array *array, size_t axis, int64_t index)
{
    for (size_t i = array->naxes - 1; i > axis; i--)
        index /= (int64_t)array->axes[i].values.n;
    const struct strlist *values = &array->axes[axis].values;
    return values->v[index % (int64_t)values->n];
}

static int64_t next_index(struct expansion *e)
{
    const struct job_array *array = e->array;
    if (!array->nranges)
        return e->at;
    if (!e->at)
        return array->ranges[0].first;
    if (e->index < array->ranges[e->range].last)
        return e->index + 1;
    return array->ranges[++e->range].first;
}

static const char *combination(struct expansion *e)
{
    buf_truncate(&e->text, 0);
    for (size_t i = 0; i < e->array->naxes; i++)
        buf_addf(&e->text, "%s%s=%s", i ? " " : "", e->array->axes[i].key,
                 expansion_value(e->array, i, e->index));
    return buf_str(&e->text);
}

bool expansion_next(struct expansion *e)
{
    if (e->at == e->count)
        return false;
    e->index = next_index(e);
    if (e->elements) {
        e->item = e->element;
        e->element = elements_next(e->element);
    } else if (e->array->items.n) {
        e->item = e->array->items.v[e->at];
    } else {
        e->item = e->array->naxes ? combination(e) : NULL;
    }
    e->at++;
    return true;
}

static size_t longest_of(const struct strlist *list)
{
    size_t longest = 0;
    for (size_t i = 0; i < list->n; i++) {
        size_t len = strlen(list->v[i]);
        longest = len > longest ? len : longest;
    }
    return longest;
}

static int64_t bytes_of(const struct strlist *list)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < list->n; i++)
        bytes += (int64_t)strlen(list->v[i]);
    return bytes;
}

int64_t expansion_bytes(const struct job_array *array)
{
    int64_t bytes = bytes_of(&array->items), count = expansion_count(array);
    for (size_t i = 0; i < array->naxes; i++) {
        const struct job_axis *axis = &array->axes[i];
        int64_t each = (int64_t)axis->values.n; /* each value is in so many parts of all */
        bytes += count * (int64_t)(strlen(axis->key) + strlen("= "));
        bytes += each ? bytes_of(&axis->values) * (count / each) : 0;
    }
    return bytes;
}

size_t expansion_longest(const struct job_array *array, const struct elements *elements)
{
    enum { DIGITS = 9 };
    size_t longest = longest_of(&array->items);
    const char *element = elements ? elements_first(elements) : NULL;
    for (size_t i = 0; elements && i < elements->n; i++, element = elements_next(element)) {
        size_t len = strlen(element);
        longest = len > longest ? len : longest;
    }
    for (size_t i = 0; i < array->naxes; i++)
        longest += strlen(array->axes[i].key) + longest_of(&array->axes[i].values) + 2; /* "= " */
    return array->nranges && !elements ? DIGITS : longest;
}

/* Adds the bytes of these with the item in place; returns the longest of them, or `longest`. */
static size_t count_words(const struct strlist *words, const char *mark, size_t item,
                          size_t longest, size_t *all)
{
    for (size_t i = 0; i < words->n; i++) {
        size_t len = mark ? placeholder_size(words->v[i], mark, item) : strlen(words->v[i]);
        longest = len > longest ? len : longest;
        *all += len;
    }
    return longest;
}

size_t expansion_command(const struct job *job, size_t item, size_t *word)
{
    static const char VARIABLE[] = "'\"${ROTA_INDEX}\"'";
    const char *mark = job->placeholder;
    size_t longest = 0, all = job->text ? strlen(job->text) : 0;
    if (mark && job->text && job->executor == EXECUTOR_SHELL)
        all = longest = placeholder_size(job->text, mark, sizeof VARIABLE - 1);
    if (mark && job->text && job->executor == EXECUTOR_HTTP)
        all = placeholder_size(job->text, mark, item); /* a body is no argument */
    longest = count_words(&job->argv, mark, item, longest, &all);
    longest = count_words(&job->options, mark, item, longest, &all);
    if (word)
        *word = longest;
    return all;
}
