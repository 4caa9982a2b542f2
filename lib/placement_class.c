/* Classes: runs with the same demands on a host, and the hosts that meet them. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "placement.h"
#include "xalloc.h"

/* struct place_class and struct place_line both begin with their key. */
int placement_by_key(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool line_before(const void *a, const void *b)
{
    return limit_before(a, b);
}

static void line_moved(void *item, size_t at)
{
    ((struct place_line *)item)->at = at;
}

struct place_host *placement_host(const struct placement *p, const char *name)
{
    size_t low = 0, high = p->nhosts;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strcmp(name, p->hosts[mid]->name);
        if (order == 0)
            return p->hosts[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

/* Slots may change at any time, and are looked at then. A host that is named is not looked for among all
 * names once more. */
static void add_if_allowed(struct place_class *class, struct place_host *host)
{
    const char *tag;
    struct job others = class->demands; /* borrows */
    others.hosts = (struct strlist){0};
    enum place_bar bar = host ? place_bar(&others, class->pin, host, &tag) : PLACE_NOT_NAMED;
    if (bar == PLACE_FITS || bar == PLACE_TOO_SMALL)
        class->hosts[class->nhosts++] = host;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct place_host *const *)a)->name, (*(struct place_host *const *)b)->name);
}

static int by_order(const void *a, const void *b)
{
    const struct place_host *x = *(struct place_host *const *)a,
                            *y = *(struct place_host *const *)b;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* By name, or with prefer: order as they are named, else as they are configured. */
static void match(const struct placement *p, struct place_class *class)
{
    const struct strlist *named = &class->demands.hosts;
    bool in_order = class->demands.prefer == PREFER_ORDER;
    class->nhosts = 0;
    class->hosts = xreallocarray(class->hosts, p->nhosts + 1, sizeof(struct place_host *));
    if (class->pin) {
        add_if_allowed(class, placement_host(p, class->pin));
        class->hosts = xreallocarray(class->hosts, 1, sizeof(struct place_host *));
        return;
    }
    for (size_t i = 0; i < named->n && class->nhosts < p->nhosts; i++)
        add_if_allowed(class, placement_host(p, named->v[i]));
    for (size_t i = 0; !named->n && i < p->nhosts; i++)
        add_if_allowed(class, p->hosts[i]);
    if (class->nhosts && in_order != (named->n != 0))
        qsort(class->hosts, class->nhosts, sizeof(struct place_host *),
              in_order ? by_order : by_name);
}

void placement_set_hosts(struct placement *p, struct place_host *const *hosts, size_t n)
{
    free(p->hosts);
    p->hosts = xmemdup(hosts, n * sizeof(struct place_host *));
    p->nhosts = n;
    for (struct place_class *class = p->first_class; class; class = class->next)
        match(p, class);
}

/* A run may name a thousand hosts, and the key is made for each run: nothing is formatted. */
static void add_names(struct buf *key, char mark, const struct strlist *names)
{
    for (size_t i = 0; i < names->n; i++) {
        buf_addch(key, ' ');
        buf_addch(key, mark);
        buf_addstr(key, names->v[i]);
    }
}

/* Equal for equal demands. Names hold none of the marks. */
char *placement_class_key(const struct job *job, const char *pin)
{
    struct buf key = {0};
    buf_addf(&key, "%d %d", job->slots, (int)job->prefer);
    if (job->count)
        buf_addstr(&key, " ^"); /* what keeps one such line waiting is no matter of other runs */
    if (job->prefer == PREFER_SPREAD)
        buf_addf(&key, " *%s", job->name);
    if (pin)
        buf_addf(&key, " @%s", pin);
    if (!pin) {
        add_names(&key, '#', &job->tags);
        add_names(&key, '!', &job->not_tags);
        add_names(&key, '=', &job->hosts);
    }
    return buf_detach(&key);
}

bool placement_class_may_use(const struct place_class *class, const struct place_host *host)
{
    return host->state != PLACE_OUT && (host->guessed || host->slots >= class->demands.slots);
}

bool placement_class_has_host(const struct place_class *class)
{
    for (size_t i = 0; i < class->nhosts; i++)
        if (placement_class_may_use(class, class->hosts[i]))
            return true;
    return false;
}

static void copy_demands(struct job *to, const struct job *from)
{
    job_init(to);
    to->name = xstrdup(from->name);
    to->slots = from->slots;
    to->prefer = from->prefer;
    to->count = from->count;
    strlist_copy(&to->tags, &from->tags);
    strlist_copy(&to->not_tags, &from->not_tags);
    strlist_copy(&to->hosts, &from->hosts);
}

struct place_class *placement_class_use(struct placement *p, char *taken_key, const struct job *job,
                                        const char *pin)
{
    struct place_class **found = tfind(&taken_key, &p->classes, placement_by_key);
    struct place_class *class = found ? *found : xcalloc(1, sizeof *class);
    class->refs++;
    if (found) {
        free(taken_key);
        return class;
    }
    class->key = taken_key;
    class->pin = pin ? xstrdup(pin) : NULL;
    class->lines = (struct heap){.less = line_before, .moved = line_moved};
    copy_demands(&class->demands, job);
    match(p, class);
    (void)tsearch(class, &p->classes, placement_by_key);
    class->next = p->first_class;
    if (class->next)
        class->next->prev = class;
    p->first_class = class;
    return class;
}

void placement_class_drop(struct placement *p, struct place_class *class)
{
    if (--class->refs)
        return;
    (void)tdelete(class, &p->classes, placement_by_key);
    *(class->prev ? &class->prev->next : &p->first_class) = class->next;
    if (class->next)
        class->next->prev = class->prev;
    heap_free(&class->lines);
    job_free(&class->demands);
    free(class->hosts);
    free(class->pin);
    free(class->key);
    free(class);
}
