/* Figures of the whole: the queue, the last day, the dispatcher, open alerts. */
#include "board_internal.h"

#include "catalogue/board.h"
#include "catalogue/vitals.h"
#include "job.h"

enum { HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS, ALERTS = 200 };

static int put_states(struct board *board, struct err *err)
{
    int64_t counts[RUN_STATE_LAST + 1];
    int rc = run_counts(board->cat, counts, err);
    if (rc < 0)
        return rc;
    buf_addstr(&board->json, ",\"states\":{\"none\":0");
    for (int state = RUN_STATE_FIRST; state <= (int)RUN_STATE_LAST; state++)
        board_number(&board->json, run_state_name((enum run_state)state), counts[state]);
    buf_addch(&board->json, '}');
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

static int put_queue(struct board *board, struct err *err)
{
    struct board_queue queue;
    struct queue_depth depth;
    struct buf *out = &board->json;
    int rc = board_queue(board->cat, board->now, &queue, err);
    if (rc == 0)
        rc = queue_depth(board->cat, board->now, board->now - HOUR_MS, &depth, err);
    if (rc < 0)
        return rc;
    buf_addstr(out, ",\"queue\":{\"none\":0");
    board_time(out, "oldest", depth.oldest_at);
    board_number(out, "hour", depth.ended);
    board_number(out, "missed", queue.missed_day);
    board_number(out, "runs", queue.runs);
    board_number(out, "alerts", queue.alerts);
    board_time(out, "checked", queue.checked_at);
    buf_addch(out, '}');
    return 0;
}

static int put_dispatcher(struct board *board, struct err *err)
{
    struct holder holder;
    bool alive = false;
    int rc = holder_get(board->cat, &holder, &alive, err);
    if (rc == ERR_ANSWER || (rc == 0 && !alive)) {
        buf_addstr(&board->json, ",\"dispatcher\":null");
        return 0;
    }
    buf_addstr(&board->json, ",\"dispatcher\":{\"host\":");
    board_text(&board->json, rc == 0 ? holder.host : NULL);
    board_time(&board->json, "since", rc == 0 ? holder.since : 0);
    buf_addch(&board->json, '}');
    return rc;
}

static int put_alerts(struct board *board, struct err *err)
{
    struct buf *out = &board->json;
    struct board_alerts alerts;
    int rc = board_alerts(board->cat, ALERTS, &alerts, err);
    buf_addstr(out, ",\"alerts\":[");
    for (size_t i = 0; i < alerts.n; i++) {
        buf_addstr(out, i ? ",{\"rule\":" : "{\"rule\":");
        board_text(out, alerts.v[i].rule);
        board_string(out, "subject", alerts.v[i].subject);
        board_string(out, "detail", alerts.v[i].detail);
        board_number(out, "run", alerts.v[i].run);
        board_number(out, "parts", alerts.v[i].parts);
        board_time(out, "opened", alerts.v[i].opened_at);
        buf_addch(out, '}');
    }
    buf_addch(out, ']');
    board_alerts_free(&alerts);
    return rc;
}

int board_put_summary(struct board *board, struct err *err)
{
    int rc = put_states(board, err);
    if (rc == 0)
        rc = put_day(board, err);
    if (rc == 0)
        rc = put_queue(board, err);
    if (rc == 0)
        rc = put_dispatcher(board, err);
    return rc < 0 ? rc : put_alerts(board, err);
}
