/* --sort: "-duration,job". Records are kept as the values of their fields until the view ends. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "near.h"
#include "view_form.h"
#include "xalloc.h"

struct key {
    size_t column;
    bool down;
};

struct row {
    struct view_value *v; /* of each column, their texts owned */
    const struct view_order *order;
    size_t at; /* the how-manieth it came: equal ones stay in their order */
};

struct view_order {
    struct key *keys;
    size_t nkeys, ncolumns;
    int64_t limit; /* 0: all */
    struct row *rows;
    size_t n, cap;
};

static int add_key(struct view *view, const char *word, struct err *err)
{
    struct view_order *order = view->order;
    bool down = *word == '-';
    const struct view_column *column = view_field(view, word + down, strlen(word + down));
    if (!column)
        return view_unknown_field(view, "--sort", word + down, strlen(word + down), err);
    order->keys = xreallocarray(order->keys, order->nkeys + 1, sizeof *order->keys);
    order->keys[order->nkeys++] = (struct key){(size_t)(column - view->columns), down};
    return 0;
}

int view_sort(struct view *view, const char *fields, int64_t limit, struct err *err)
{
    int rc = 0;
    if (!fields)
        return 0;
    view->order = xcalloc(1, sizeof *view->order);
    view->order->ncolumns = view->n;
    view->order->limit = limit;
    for (const char *p = fields; rc == 0; p++) {
        size_t len = strcspn(p, ",");
        char *word = xstrndup(p, len);
        rc = add_key(view, word, err);
        free(word);
        p += len;
        if (!*p)
            break;
    }
    return rc;
}

void view_order_keep(struct view *view, const void *record)
{
    struct view_order *order = view->order;
    if (order->n == order->cap) {
        order->cap = order->cap ? 2 * order->cap : 64;
        order->rows = xreallocarray(order->rows, order->cap, sizeof *order->rows);
    }
    struct row *row = &order->rows[order->n];
    *row = (struct row){xcalloc(view->n, sizeof *row->v), order, order->n};
    for (size_t i = 0; i < view->n; i++) {
        row->v[i] = view->columns[i].value(record);
        if (row->v[i].text)
            row->v[i].text = xstrdup(row->v[i].text);
    }
    order->n++;
}

/* What is absent comes last, whichever way the others go. */
static int compare(const struct view_value *a, const struct view_value *b, bool down)
{
    int way;
    if (a->type == VIEW_NULL || b->type == VIEW_NULL)
        return (a->type == VIEW_NULL) - (b->type == VIEW_NULL);
    if (a->text && b->text)
        way = strcmp(a->text, b->text);
    else
        way = a->number < b->number ? -1 : a->number > b->number;
    return down ? -way : way;
}

static int by_keys(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    for (size_t i = 0; i < a->order->nkeys; i++) {
        const struct key *key = &a->order->keys[i];
        int way = compare(&a->v[key->column], &b->v[key->column], key->down);
        if (way)
            return way;
    }
    return a->at < b->at ? -1 : 1;
}

void view_order_play(struct view *view, void (*add)(struct view *view, const void *record))
{
    struct view_order *order = view->order;
    size_t n =
        order->limit > 0 && (uint64_t)order->limit < order->n ? (size_t)order->limit : order->n;
    if (order->n)
        qsort(order->rows, order->n, sizeof *order->rows, by_keys);
    view->playing = true;
    for (size_t i = 0; i < n && !view->closed; i++) {
        add(view, order->rows[i].v);
        if (view->text.len >= VIEW_FLUSH)
            view_flush(view);
    }
}

void view_order_free(struct view_order *order)
{
    if (!order)
        return;
    for (size_t i = 0; i < order->n; i++) {
        for (size_t column = 0; column < order->ncolumns; column++)
            free((char *)order->rows[i].v[column].text);
        free(order->rows[i].v);
    }
    free(order->rows);
    free(order->keys);
    free(order);
}
