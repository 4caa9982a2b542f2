/* Whether what jobs come after can come to pass: refused now is better than waiting for ever. */
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "after.h"
#include "buf.h"
#include "near.h"
#include "specification.h"
#include "xalloc.h"

struct edge {
    const struct job_need *need;
    const char *place;
    struct node *to;
};

/* All jobs of one name. */
struct node {
    const char *name; /* first: nodes are found by it */
    struct edge *edges;
    size_t n, cap, at; /* at: the next edge to follow */
    enum { NEW, UNDER_WAY, DONE } state;
    bool known;                  /* by these jobs or by the catalogue */
    const struct job *wanted_by; /* the job of these that named it last, … */
    unsigned wanted_to;          /* … and the bits of what it is to have done for that */
    struct job job;              /* of the catalogue; its name NULL: of these jobs */
    struct node *up;             /* whose edge we came by */
    struct node *next;
};

struct checking {
    void *by_name; /* tsearch(3) tree */
    struct node *all, **end;
    struct catalogue *cat;
    struct errlist *errors;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct node *)a)->name, ((const struct node *)b)->name);
}

static struct node *node_of(struct checking *c, const char *name)
{
    const struct node key = {.name = name};
    struct node **found = tfind(&key, &c->by_name, by_name);
    if (found)
        return *found;
    struct node *node = xcalloc(1, sizeof *node);
    node->name = name;
    (void)tsearch(node, &c->by_name, by_name);
    *c->end = node;
    c->end = &node->next;
    return node;
}

static void add_edges(struct checking *c, struct node *node, const struct job *job,
                      const char *place)
{
    for (size_t i = 0; i < job->nafter; i++) {
        if (node->n == node->cap) {
            node->cap = node->cap ? 2 * node->cap : 4;
            node->edges = xreallocarray(node->edges, node->cap, sizeof *node->edges);
        }
        node->edges[node->n++] =
            (struct edge){&job->after[i], place, node_of(c, job->after[i].job)};
    }
}

static void place_edge(const struct edge *edge, char *text, size_t size)
{
    if (edge->need->line)
        (void)snprintf(text, size, "%s:%d:%d", edge->place, edge->need->line, edge->need->column);
    else
        (void)snprintf(text, size, "%s", edge->place);
}

/* ---- one job ---- */

/* Whether all that a job comes after can hold at once. */
static void check_clash(struct checking *c, const struct after_job *job)
{
    static const unsigned clash = 1U << NEED_SUCCEEDED | 1U << NEED_FAILED;
    const struct job *its = job->job;
    for (size_t i = 0; !its->after_any && i < its->nafter; i++) {
        const struct edge edge = {&its->after[i], job->place, node_of(c, its->after[i].job)};
        char place[256];
        edge.to->wanted_to =
            (edge.to->wanted_by == its ? edge.to->wanted_to : 0) | 1U << its->after[i].is;
        edge.to->wanted_by = its;
        if ((edge.to->wanted_to & clash) != clash || !(clash & 1U << its->after[i].is))
            continue;
        place_edge(&edge, place, sizeof place);
        errlist_add(c->errors, ERR_DATA, place,
                    "'after': '%s' cannot have succeeded and failed: with 'any' one is enough",
                    its->after[i].job);
    }
}

/* ---- names ---- */

static int add_registered(const struct job_row *row, void *arg)
{
    strlist_add(arg, row->name);
    return 0;
}

static void complain_unknown(struct checking *c, const struct edge *edge)
{
    struct strlist names = {0};
    char place[256];
    for (const struct node *node = c->all; node; node = node->next)
        if (node->known)
            strlist_add(&names, node->name);
    if (c->cat)
        (void)job_select(c->cat, add_registered, &names, NULL);
    const char *near =
        names.n ? near_word(edge->need->job, names.v, names.n, sizeof(char *)) : NULL;
    place_edge(edge, place, sizeof place);
    if (near)
        errlist_add(c->errors, ERR_DATA, place,
                    "'after': there is no job '%s' (did you mean '%s'?)", edge->need->job, near);
    else
        errlist_add(c->errors, ERR_DATA, place,
                    "'after': there is no job '%s': neither in what is given here nor registered",
                    edge->need->job);
    strlist_free(&names);
}

/* A name that none of these jobs has: looks in the catalogue, and what that job comes after itself. */
static int look_up(struct checking *c, struct node *node, struct err *err)
{
    struct job_row row;
    int rc = c->cat ? job_get(c->cat, node->name, &row, err) : ERR_ANSWER;
    if (rc < 0)
        return rc == ERR_ANSWER ? 0 : rc;
    node->known = true;
    if (row.expands)
        rc = specification_read(c->cat, row.spec, &node->job, err);
    if (rc == 0 && node->job.name)
        add_edges(c, node, &node->job, node->name);
    job_row_free(&row);
    return rc;
}

/* ---- circles ---- */

/* From the node that an edge leads back to, the way that was gone, to it again. */
static void complain_circle(struct checking *c, const struct node *last, const struct node *first)
{
    struct strlist way = {0};
    struct buf text = {0};
    char place[256];
    for (const struct node *node = last;; node = node->up) {
        strlist_add(&way, node->name);
        if (node == first)
            break;
    }
    for (size_t i = way.n; i-- > 0;)
        buf_addf(&text, "%s -> ", way.v[i]);
    place_edge(&first->edges[first->at - 1], place, sizeof place);
    errlist_add(c->errors, ERR_DATA, place, "'after' goes in a circle: %s%s", buf_str(&text),
                first->name);
    strlist_free(&way);
    buf_free(&text);
}

/* Depth first without recursion: chains may be long. */
static int follow(struct checking *c, struct node *start, struct err *err)
{
    struct node *node = start;
    int rc = 0;
    while (rc == 0 && node) {
        if (node->state == NEW && !node->known)
            rc = look_up(c, node, err);
        node->state = node->at < node->n ? UNDER_WAY : DONE;
        if (node->state == DONE) {
            node = node->up;
            continue;
        }
        struct node *to = node->edges[node->at++].to;
        if (to->state == UNDER_WAY) {
            complain_circle(c, node, to);
        } else if (to->state == NEW) {
            to->up = node;
            node = to;
        }
    }
    return rc;
}

static void complain_all_unknown(struct checking *c)
{
    for (const struct node *node = c->all; node; node = node->next)
        for (size_t i = 0; i < node->n; i++)
            if (!node->edges[i].to->known)
                complain_unknown(c, &node->edges[i]);
}

static void keep(void *borrowed)
{
    (void)borrowed;
}

static void free_all(struct checking *c)
{
    tdestroy(c->by_name, keep);
    for (struct node *node = c->all, *next; node; node = next) {
        next = node->next;
        if (node->job.name)
            job_free(&node->job);
        free(node->edges);
        free(node);
    }
}

int after_check(const struct after_job *jobs, size_t n, struct catalogue *cat,
                struct errlist *errors, struct err *err)
{
    struct checking c = {.cat = cat, .errors = errors};
    int rc = 0;
    bool any = false;
    c.end = &c.all;
    for (size_t i = 0; i < n && !any; i++)
        any = jobs[i].job->nafter > 0;
    for (size_t i = 0; any && i < n; i++) {
        struct node *node = node_of(&c, jobs[i].job->name);
        node->known = true;
        add_edges(&c, node, jobs[i].job, jobs[i].place);
        check_clash(&c, &jobs[i]);
    }
    for (struct node *node = c.all; rc == 0 && node; node = node->next)
        if (node->state == NEW)
            rc = follow(&c, node, err);
    if (rc == 0)
        complain_all_unknown(&c);
    free_all(&c);
    return rc;
}
