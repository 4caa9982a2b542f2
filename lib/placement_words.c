#include "placement_words.h"

enum { NAMES_SHOWN = 3 };

/* Appends the names of the class's hosts in this state; returns how many there are. */
static size_t list_hosts(const struct place_class *class, enum place_state state,
                         const char *before, struct buf *text)
{
    size_t n = 0;
    for (size_t i = 0; i < class->nhosts; i++)
        if (class->hosts[i]->state == state && n++ < NAMES_SHOWN)
            buf_addf(text, "%s%s", n == 1 ? before : ", ", class->hosts[i]->name);
    if (n > NAMES_SHOWN)
        buf_addf(text, " and %zu more", n - NAMES_SHOWN);
    return n;
}

static void say_limit(const struct limit_need *need, struct buf *text)
{
    const struct limit *limit = need->limit;
    int most = limit_most(need);
    if (most == LIMIT_UNKNOWN)
        buf_addf(text, "there is no [pool %s] in the configuration any more", limit->name);
    else if (limit->kind == LIMIT_POOL)
        buf_addf(text, "waiting for pool %s (limit %d)", limit->name, most);
    else if (limit->kind == LIMIT_JOB)
        buf_addf(text, "at most %d of %s at once (max_running)", most, limit->name);
    else
        buf_addf(text, "at most %d of its array at once", most);
}

static bool can_fit(const struct place_class *class)
{
    for (size_t i = 0; i < class->nhosts; i++)
        if (class->hosts[i]->guessed || class->hosts[i]->slots >= class->demands.slots)
            return true;
    return false;
}

/* Whether hosts have room, and only its own group keeps it from them. */
static bool is_kept_apart(const struct place_line *line)
{
    const struct place_class *class = line->class;
    for (size_t i = 0; line->apart && i < class->nhosts; i++)
        if (class->hosts[i]->state == PLACE_READY &&
            place_has_room(class->hosts[i], class->demands.slots))
            return true;
    return false;
}

void placement_say(const struct place_line *line,
                   void (*say_out)(const struct place_class *class, struct buf *text),
                   struct buf *text)
{
    const struct place_class *class = line->class;
    if (line->state == LINE_SHUT)
        say_limit(line->stopped, text);
    else if (!can_fit(class))
        buf_addstr(text, "no worker matches its hosts, tags and slots");
    else if (is_kept_apart(line))
        buf_addstr(text, "no free slot on a host without another run of its group");
    else if (!list_hosts(class, PLACE_READY, "no free slot on ", text) &&
             !list_hosts(class, PLACE_COLD, "connecting to ", text))
        say_out(class, text);
}
