/* Figures of the whole: the queue, the last day, the dispatcher, open alerts, what is wrong. */
#include "board_internal.h"

#include "catalogue/board.h"
#include "catalogue/vitals.h"
#include "job.h"
#include "monitor/health.h"

enum { HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS, ALERTS = 200, TROUBLES = 20 };

static int put_states(struct board *board, struct err *err)
{
    int64_t counts[RUN_STATE_LAST + 1], total = 0;
    int rc = run_counts(board->cat, counts, err);
    if (rc < 0)
        return rc;
    buf_addstr(&board->json, ",\"states\":{\"none\":0");
    for (int state = RUN_STATE_FIRST; state <= (int)RUN_STATE_LAST; state++) {
        board_number(&board->json, run_state_name((enum run_state)state), counts[state]);
        total += counts[state];
    }
    buf_addch(&board->json, '}');
    board_number(&board->json, "total", total);
    return 0;
}

static int put_day(struct board *board, struct err *err)
{
    int64_t counts[RUN_STATE_LAST + 1] = {0};
    struct board_tallies tallies;
    int rc = board_tally(board->cat, board->now - DAY_MS, INT64_MAX, &tallies, err);
    for (size_t i = 0; i < tallies.n; i++)
        counts[tallies.v[i].state] += tallies.v[i].runs;
    board_tallies_free(&tallies);
    buf_addstr(&board->json, ",\"day\":{\"none\":0");
    for (int state = RUN_SUCCEEDED; state <= (int)RUN_STATE_LAST; state++)
        board_number(&board->json, run_state_name((enum run_state)state), counts[state]);
    buf_addch(&board->json, '}');
    return rc;
}

static int put_queue(struct board *board, const struct health *h, struct err *err)
{
    struct queue_depth depth = {0};
    struct buf *out = &board->json;
    int rc = queue_depth(board->cat, board->now, board->now - HOUR_MS, &depth, err);
    buf_addstr(out, ",\"queue\":{\"none\":0");
    board_time(out, "oldest", h->queue.oldest_at);
    board_number(out, "hour", depth.ended);
    board_number(out, "missed", h->schedules.missed);
    board_number(out, "alerts", (int64_t)h->nalerts);
    board_time(out, "checked", h->checked_at);
    buf_addch(out, '}');
    return rc;
}

static void put_dispatcher(struct board *board, const struct health *h)
{
    if (!h->dispatcher.alive) {
        buf_addstr(&board->json, ",\"dispatcher\":null");
        return;
    }
    buf_addstr(&board->json, ",\"dispatcher\":{\"host\":");
    board_text(&board->json, h->dispatcher.holder.host);
    board_time(&board->json, "since", h->dispatcher.holder.since);
    buf_addch(&board->json, '}');
}

static void put_alerts(struct buf *out, const struct health *h)
{
    size_t end = h->nalerts > ALERTS ? h->nalerts - ALERTS : 0; /* the newest first */
    buf_addstr(out, ",\"alerts\":[");
    for (size_t i = h->nalerts; i > end; i--) {
        const struct alert_open *alert = &h->alerts[i - 1];
        buf_addstr(out, i < h->nalerts ? ",{\"rule\":" : "{\"rule\":");
        board_text(out, alert->rule);
        board_string(out, "subject", alert->subject);
        board_string(out, "detail", alert->detail);
        board_number(out, "run", alert->run);
        board_number(out, "parts", alert->parts);
        board_time(out, "opened", alert->opened_at);
        buf_addch(out, '}');
    }
    buf_addch(out, ']');
}

/* What rota monitor says is wrong, but for alerts, which have a list of their own. */
static void put_troubles(struct buf *out, const struct health *h)
{
    int64_t bad = 0, all = 0;
    buf_addstr(out, ",\"troubles\":[");
    for (size_t i = 0; i < h->ntroubles; i++) {
        const struct trouble *t = &h->troubles[i];
        if (t->alert)
            continue;
        bad += t->bad;
        if (all++ >= TROUBLES)
            continue;
        buf_addstr(out, all > 1 ? ",{\"what\":" : "{\"what\":");
        board_text(out, t->what);
        board_string(out, "mend", t->mend);
        board_number(out, "bad", t->bad);
        buf_addch(out, '}');
    }
    buf_addch(out, ']');
    board_number(out, "troubles_bad", bad);
    board_number(out, "troubles_all", all);
}

int board_put_summary(struct board *board, struct err *err)
{
    struct health h;
    int rc = put_states(board, err);
    if (rc == 0)
        rc = put_day(board, err);
    if (rc < 0)
        return rc;
    rc = health_read(&h, board->config, board->cat, board->now, err);
    if (rc == 0) {
        rc = put_queue(board, &h, err);
        put_dispatcher(board, &h);
        put_alerts(&board->json, &h);
        put_troubles(&board->json, &h);
    }
    health_free(&h);
    return rc;
}
