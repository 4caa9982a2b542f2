/* The runs on the board: an array of numbers each, to be small. */
#include <inttypes.h>
#include <stdlib.h>

#include "board_internal.h"
#include "xalloc.h"

/* Of the words so far: names may still be added when reasons may not any more, for a run without its job
 * or host is none. */
enum { REASONS_BYTES = 600000, NAMES_BYTES = 900000 };

static int keep(const struct run *run, void *arg)
{
    struct board *board = arg;
    board->runs[board->nruns++] = *run;
    struct run *kept = &board->runs[board->nruns - 1];
    kept->job = xstrdup(run->job);
    kept->reason = run->reason ? xstrdup(run->reason) : NULL;
    kept->host = run->host ? xstrdup(run->host) : NULL;
    kept->submitter = kept->item = kept->pin = NULL; /* borrowed, and not on the board */
    return 0;
}

int board_read_runs(struct board *board, struct err *err)
{
    struct run_query query = {.limit = BOARD_RUNS, .newest_first = true};
    board->runs = xcalloc(BOARD_RUNS, sizeof *board->runs);
    int rc = run_select(board->cat, &query, keep, board, err);
    board->beside = xcalloc(board->nruns + 1, 1);
    return rc;
}

/* id, job, host, state, queued (ms before the page was made), from then to the start, duration, attempt,
 * reason, exit code, signal, output beside, CPU ms, memory kB, due (ms before). -1: none. */
static void put_run(struct board *board, const struct run *run, unsigned beside)
{
    struct buf *out = &board->json;
    int64_t job = board_word(&board->words, run->job, NAMES_BYTES);
    int64_t host = board_word(&board->words, run->host, NAMES_BYTES);
    int64_t reason = board_word(&board->words, run->reason, REASONS_BYTES);
    int64_t delay = run->started_at ? run->started_at - run->queued_at : -1;
    int64_t end = run->finished_at ? run->finished_at : -1;
    int64_t from = run->started_at ? run->started_at : run->queued_at;
    buf_addf(out, "[%" PRId64 ",%" PRId64 ",%" PRId64 ",%d,%" PRId64 ",%" PRId64 ",%" PRId64,
             run->id, job, host, (int)run->state, board->now - run->queued_at, delay,
             end < 0 ? -1 : end - from);
    buf_addf(out, ",%d,%" PRId64 ",%d,%d,%u", run->attempt, reason,
             run->has_exit ? run->exit_code : -1, run->signal, beside);
    int64_t cpu = (run->utime_us + run->stime_us) / 1000;
    if (cpu || run->maxrss_kb || run->due_at)
        buf_addf(out, ",%" PRId64 ",%" PRId64, cpu, run->maxrss_kb);
    if (run->due_at)
        buf_addf(out, ",%" PRId64, board->now - run->due_at);
    buf_addch(out, ']');
}

int board_put_runs(struct board *board, struct err *err)
{
    (void)err;
    buf_addstr(&board->json, ",\"runs\":[");
    for (size_t i = 0; i < board->nruns; i++) {
        if (i)
            buf_addstr(&board->json, ",\n");
        put_run(board, &board->runs[i], board->beside[i]);
    }
    buf_addstr(&board->json, "],\"words\":[");
    for (size_t i = 0; i < board->words.n; i++) {
        if (i)
            buf_addch(&board->json, ',');
        board_text(&board->json, board->words.v[i]);
    }
    buf_addch(&board->json, ']');
    return 0;
}
