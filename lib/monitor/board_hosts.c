/* The hosts of the configuration, with what is known of them. */
#include "board_internal.h"
#include "roster.h"

static void put_card(struct buf *out, const struct host_record *card)
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
    struct roster roster;
    roster_new(board->config, &roster);
    int rc = roster_read(&roster, board->config, board->cat, err);
    buf_addstr(&board->json, ",\"hosts\":[");
    for (size_t i = 0; i < roster.n; i++) {
        if (i)
            buf_addch(&board->json, ',');
        put_card(&board->json, &roster.v[i]);
    }
    buf_addch(&board->json, ']');
    roster_free(&roster);
    return rc;
}
