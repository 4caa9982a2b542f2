#include "roster.h"

#include <stdlib.h>

#include "buf.h"
#include "specification.h"
#include "xalloc.h"

static char *join(const struct strlist *words)
{
    struct buf text = {0};
    for (size_t i = 0; i < words->n; i++)
        buf_addf(&text, "%s%s", i ? "," : "", words->v[i]);
    return buf_detach(&text);
}

void roster_new(const struct config *config, struct roster *roster)
{
    *roster = (struct roster){.n = config->nhosts};
    roster->v = xcalloc(config->nhosts + 1, sizeof *roster->v);
    for (size_t i = 0; i < config->nhosts; i++)
        roster->v[i] =
            (struct host_record){.config = &config->hosts[i], .tags = join(&config->hosts[i].tags)};
}

void roster_free(struct roster *roster)
{
    for (size_t i = 0; i < roster->n; i++) {
        host_free(&roster->v[i].known);
        free(roster->v[i].tags);
    }
    free(roster->v);
    *roster = (struct roster){0};
}

/* ---- reading: slots in use ---- */

struct use {
    int64_t spec;
    struct host_record *host;
};

struct reading {
    struct roster *roster;
    const struct config *config;
    struct use *uses;
    size_t n, cap;
};

/* NULL when it is not in the configuration (any more). */
static struct host_record *find(const struct reading *r, const char *name)
{
    const struct host_config *host = name ? config_host(r->config, name) : NULL;
    return host ? &r->roster->v[host - r->config->hosts] : NULL;
}

static int add_known(const struct host *host, void *arg)
{
    struct host_record *record = find(arg, host->name);
    if (record)
        record->known = host_copy(host);
    return 0;
}

static int add_use(const struct run_brief *run, void *arg)
{
    struct reading *r = arg;
    struct host_record *host = find(r, run->host);
    if (!host)
        return 0;
    if (r->n == r->cap)
        r->uses = xreallocarray(r->uses, r->cap = r->cap ? 2 * r->cap : 64, sizeof *r->uses);
    r->uses[r->n++] = (struct use){run->spec, host};
    host->runs++;
    return 0;
}

static int by_spec(const void *a, const void *b)
{
    const struct use *x = a, *y = b;
    return x->spec < y->spec ? -1 : x->spec > y->spec;
}

static void add_slots(struct reading *r, struct catalogue *cat)
{
    int slots = 1;
    if (r->n)
        qsort(r->uses, r->n, sizeof *r->uses, by_spec);
    for (size_t i = 0; i < r->n; i++) {
        if (i == 0 || r->uses[i].spec != r->uses[i - 1].spec)
            slots = specification_slots(cat, r->uses[i].spec);
        r->uses[i].host->used += slots;
    }
}

int roster_read(struct roster *roster, const struct config *config, struct catalogue *cat,
                struct err *err)
{
    struct reading r = {.roster = roster, .config = config};
    int rc = host_select(cat, add_known, &r, err);
    if (rc == 0)
        rc = run_unfinished(cat, add_use, &r, err);
    if (rc == 0)
        add_slots(&r, cat);
    free(r.uses);
    return rc;
}
