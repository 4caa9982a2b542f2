#include "expansion.h"

#include <string.h>

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
