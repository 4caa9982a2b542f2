/* The order in which a workflow is cancelled or held in parts: what comes after others goes first. */
#include <sqlite3.h>
#include <stdlib.h>

#include "internal.h"
#include "need.h"
#include "xalloc.h"

struct place {
    int64_t id, group; /* group: its first run; of a run that is in none, itself */
    size_t rank;       /* how many come one after the other before it, at most */
    size_t highest;    /* of a first run: the highest rank in its group */
};

struct edge {
    struct place *child, *parent;
    bool whole; /* after all of the parent's group */
};

struct order {
    struct place *v; /* by id */
    size_t n;
    struct edge *edges;
    size_t nedges;
};

static int by_id(const void *a, const void *b)
{
    int64_t x = ((const struct place *)a)->id, y = ((const struct place *)b)->id;
    return (x > y) - (x < y);
}

static int by_rank(const void *a, const void *b)
{
    size_t x = ((const struct place *)a)->rank, y = ((const struct place *)b)->rank;
    return x != y ? (x < y) - (x > y) : by_id(a, b);
}

static struct place *find(const struct order *o, int64_t id)
{
    const struct place key = {.id = id};
    return o->n ? bsearch(&key, o->v, o->n, sizeof *o->v, by_id) : NULL;
}

/* Room for one more in an array that is as large as a power of two. */
static void *grow(void *v, size_t n, size_t size)
{
    return n & (n - 1) ? v : xreallocarray(v, n ? 2 * n : 1, size);
}

static void add_place(struct order *o, sqlite3_stmt *stmt)
{
    o->v = grow(o->v, o->n, sizeof *o->v);
    o->v[o->n++] =
        (struct place){.id = sqlite3_column_int64(stmt, 0), .group = sqlite3_column_int64(stmt, 1)};
}

static void add_edge(struct order *o, sqlite3_stmt *stmt)
{
    struct place *child = find(o, sqlite3_column_int64(stmt, 0));
    struct place *parent = find(o, sqlite3_column_int64(stmt, 1));
    if (!child || !parent)
        return;
    o->edges = grow(o->edges, o->nedges, sizeof *o->edges);
    o->edges[o->nedges++] = (struct edge){child, parent, sqlite3_column_int(stmt, 2) == NEED_GROUP};
}

static int read_all(struct catalogue *cat, const char *sql, int64_t run, struct order *o,
                    void (*add)(struct order *, sqlite3_stmt *), struct err *err)
{
    sqlite3_stmt *stmt;
    int rc = statement_start(cat, sql, VALUES(as_int(run)), &stmt, err);
    while (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
        add(o, stmt);
        rc = 0;
    }
    return rc;
}

static bool raise_rank(const struct order *o, struct place *child, size_t rank)
{
    struct place *first = find(o, child->group);
    if (rank <= child->rank)
        return false;
    child->rank = rank;
    if (first && rank > first->highest)
        first->highest = rank;
    return true;
}

/* Mostly those that come after have higher ids: one pass, and another that finds nothing to do. No run has as
 * many before it as there are runs. */
static void rank_all(struct order *o)
{
    bool changed = true;
    for (size_t pass = 0; changed && pass < o->n; pass++) {
        changed = false;
        for (size_t i = 0; i < o->nedges; i++) {
            const struct edge *edge = &o->edges[i];
            size_t before = edge->whole ? edge->parent->highest : edge->parent->rank;
            changed |= raise_rank(o, edge->child, before + 1);
        }
    }
}

int workflow_later_first(struct catalogue *cat, int64_t run, int64_t *ids, size_t n,
                         struct err *err)
{
    static const char RUNS[] = "SELECT id, ifnull(array, id) FROM run"
                               " WHERE workflow = (SELECT workflow FROM run WHERE id = ?1)"
                               " ORDER BY id";
    static const char NEEDS[] = "SELECT run, parent, scope FROM run AS child"
                                " JOIN need ON need.run = child.id AND parent IS NOT NULL"
                                " WHERE workflow = (SELECT workflow FROM run WHERE id = ?1)"
                                " ORDER BY child.id";
    struct order o = {0};
    struct place *ordered = n ? xcalloc(n, sizeof *ordered) : NULL;
    int rc = read_all(cat, RUNS, run, &o, add_place, err);
    if (rc == 0)
        rc = read_all(cat, NEEDS, run, &o, add_edge, err);
    rank_all(&o);
    for (size_t i = 0; i < n; i++) {
        const struct place *place = find(&o, ids[i]);
        ordered[i] = place ? *place : (struct place){.id = ids[i]};
    }
    if (n)
        qsort(ordered, n, sizeof *ordered, by_rank);
    for (size_t i = 0; rc == 0 && i < n; i++)
        ids[i] = ordered[i].id;
    free(ordered);
    free(o.v);
    free(o.edges);
    return rc;
}
