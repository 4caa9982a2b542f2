/* The hosts of the configuration, with what is known of them. */
#include <stdlib.h>
#include <string.h>

#include "board_internal.h"
#include "specification.h"
#include "xalloc.h"

struct card {
    const struct host_config *config;
    struct host known; /* name NULL: never heard of */
    int64_t used;      /* slots */
    int64_t runs;
};

struct cards {
    struct board *board;
    struct card *v; /* in the order of the configuration */
    size_t n;
    struct use {
        int64_t spec;
        struct card *card;
    } * uses;
    size_t nuses, cap;
};

static struct card *find(struct cards *cards, const char *name)
{
    const struct host_config *config = name ? config_host(cards->board->config, name) : NULL;
    return config ? &cards->v[config - cards->board->config->hosts] : NULL;
}

static int add_known(const struct host *host, void *arg)
{
    struct card *card = find(arg, host->name);
    if (card) /* else it is not in the configuration any more */
        card->known = host_copy(host);
    return 0;
}

static int add_use(const struct run_brief *run, void *arg)
{
    struct cards *cards = arg;
    struct card *card = find(cards, run->host);
    if (!card)
        return 0;
    if (cards->nuses == cards->cap) {
        cards->cap = cards->cap ? 2 * cards->cap : 64;
        cards->uses = xreallocarray(cards->uses, cards->cap, sizeof *cards->uses);
    }
    cards->uses[cards->nuses++] = (struct use){run->spec, card};
    card->runs++;
    return 0;
}

static int by_spec(const void *a, const void *b)
{
    const struct use *x = a, *y = b;
    return x->spec < y->spec ? -1 : x->spec > y->spec;
}

/* Each specification is read once, however many runs have it. */
static void add_slots(struct cards *cards)
{
    int slots = 1;
    if (cards->nuses)
        qsort(cards->uses, cards->nuses, sizeof *cards->uses, by_spec);
    for (size_t i = 0; i < cards->nuses; i++) {
        if (i == 0 || cards->uses[i].spec != cards->uses[i - 1].spec)
            slots = specification_slots(cards->board->cat, cards->uses[i].spec);
        cards->uses[i].card->used += slots;
    }
}

static void put_card(struct buf *out, const struct card *card)
{
    static const char *const states[] = {"unknown", "up", "down"};
    const struct host *known = &card->known;
    int slots = card->config->slots ? card->config->slots : known->cpus;
    buf_addstr(out, "{\"name\":");
    board_text(out, card->config->name);
    board_string(out, "state", states[known->state <= HOST_DOWN ? known->state : HOST_UNKNOWN]);
    board_string(out, "drained", known->drained);
    board_string(out, "reason", known->reason);
    board_string(out, "build", known->build);
    board_number(out, "slots", slots);
    board_number(out, "used", card->used);
    board_number(out, "runs", card->runs);
    board_number(out, "cpus", known->cpus);
    board_number(out, "load", known->load_percent);
    board_number(out, "memory", known->mem_total_kb);
    board_number(out, "free", known->mem_free_kb);
    board_number(out, "disk", known->disk_free_kb);
    board_number(out, "skew", known->skew_ms);
    board_time(out, "seen", known->seen_at);
    board_time(out, "since", known->state_at);
    buf_addch(out, '}');
}

int board_put_hosts(struct board *board, struct err *err)
{
    struct cards cards = {.board = board, .n = board->config->nhosts};
    cards.v = xcalloc(cards.n + 1, sizeof *cards.v);
    for (size_t i = 0; i < cards.n; i++)
        cards.v[i].config = &board->config->hosts[i];
    int rc = host_select(board->cat, add_known, &cards, err);
    if (rc == 0)
        rc = run_unfinished(board->cat, add_use, &cards, err);
    if (rc == 0)
        add_slots(&cards);
    buf_addstr(&board->json, ",\"hosts\":[");
    for (size_t i = 0; i < cards.n; i++) {
        if (i)
            buf_addch(&board->json, ',');
        put_card(&board->json, &cards.v[i]);
        host_free(&cards.v[i].known);
    }
    buf_addch(&board->json, ']');
    free(cards.v);
    free(cards.uses);
    return rc;
}
