#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "worker/capture.h"
#include "worker/front.h"
#include "worker/handover.h"
#include "worker/staging.h"

/* With at most this much unsent, more output is added: what is said later waits behind no more. */
enum { LOW_WATER = 64 << 10, PIECE = 32 << 10 };

/* STARTED is only for showing. A run that ends before it is so old says both at once, which spares
 * two hosts a message. */
enum { STARTED_MS = 100 };

/* ---- the queue ---- */

/* Bytes kept of a stream so far; while the run lives only the head part, which does not change any more. */
static uint64_t kept(const struct front *front, const struct charge *charge, int stream)
{
    if (charge->result)
        return charge->result->result.total[stream] - charge->result->result.dropped[stream];
    return charge->cell ? atomic_load(&front->cells.slot[charge->cell].stream[stream].head) : 0;
}

static bool has_output(const struct front *front, const struct charge *charge)
{
    return charge->sent[0] < kept(front, charge, 0) || charge->sent[1] < kept(front, charge, 1);
}

static void send_result(struct front *front, struct charge *charge);

/* A result that waits for no output does not queue behind that of others. */
void stream_wake(struct front *front, struct charge *charge)
{
    if (!charge->streaming || charge->result_sent || charge->queued)
        return;
    bool output = has_output(front, charge) || staging_has(charge);
    if (!output && charge->result)
        send_result(front, charge);
    if (!output || !charge->credit)
        return;
    charge->queued = true;
    charge->next_queued = NULL;
    if (front->queue_last)
        front->queue_last->next_queued = charge;
    else
        front->queue_first = charge;
    front->queue_last = charge;
}

static struct charge *pop(struct front *front)
{
    struct charge *charge = front->queue_first;
    front->queue_first = charge->next_queued;
    if (!front->queue_first)
        front->queue_last = NULL;
    charge->queued = false;
    return charge;
}

void stream_forget(struct front *front, struct charge *charge)
{
    if (!charge->queued)
        return;
    struct charge **link = &front->queue_first, *before = NULL;
    while (*link != charge) {
        before = *link;
        link = &(*link)->next_queued;
    }
    *link = charge->next_queued;
    if (front->queue_last == charge)
        front->queue_last = before;
    charge->queued = false;
}

/* ---- messages ---- */

void stream_started(struct front *front, struct charge *charge)
{
    charge->started_due = true;
    if (!front->started_due)
        front->started_due = clock_mono() + STARTED_MS;
}

void stream_started_now(struct front *front, struct charge *charge)
{
    if (!charge->started_due)
        return;
    charge->started_due = false;
    struct message_writer w = message_begin(&front->out, MSG_STARTED);
    message_key(&w, charge->key);
    message_u64(&w, TAG_AGE, (uint64_t)moment_age(&charge->started, front->boot));
    message_end(&w);
}

static void send_started(struct charge *charge, void *arg)
{
    struct front *front = arg;
    if (charge->started_due && moment_age(&charge->started, front->boot) < STARTED_MS)
        stream_started(front, charge); /* the next look */
    else
        stream_started_now(front, charge);
}

static void add_values(struct message_writer *w, const struct buf *values)
{
    for (const char *p = buf_data(values), *end = p + values->len, *eol; p < end; p = eol + 1) {
        eol = memchr(p, '\n', (size_t)(end - p));
        if (!eol)
            break;
        message_bytes(w, TAG_VALUE, p, (size_t)(eol - p));
    }
}

/* With what the run told: when that cannot be read now, each PING tries again. */
static void send_result(struct front *front, struct charge *charge)
{
    struct record_result *r = &charge->result->result;
    struct buf values = {0};
    if (r->values && handover_read(front->cells.dir, charge->cell, r, &values) < 0)
        return;
    struct message_writer w = message_begin(&front->out, MSG_RESULT);
    message_key(&w, charge->key);
    message_u64(&w, TAG_END, r->end);
    message_u64(&w, TAG_CODE, (uint64_t)r->code);
    message_u64(&w, TAG_SIGNAL, (uint64_t)r->signal);
    message_str(&w, TAG_REASON, *r->reason ? r->reason : NULL);
    message_u64(&w, TAG_DURATION, (uint64_t)r->duration);
    message_u64(&w, TAG_AGE, (uint64_t)moment_age(&charge->result->at, front->boot));
    message_u64(&w, TAG_UTIME, (uint64_t)r->utime);
    message_u64(&w, TAG_STIME, (uint64_t)r->stime);
    message_u64(&w, TAG_MAXRSS, (uint64_t)r->maxrss);
    message_u64(&w, TAG_OUT_TOTAL, r->total[0]);
    message_u64(&w, TAG_OUT_DROPPED, r->dropped[0]);
    message_u64(&w, TAG_ERR_TOTAL, r->total[1]);
    message_u64(&w, TAG_ERR_DROPPED, r->dropped[1]);
    if (values.len)
        add_values(&w, &values);
    if (r->values_ignored)
        message_u64(&w, TAG_VALUES_IGNORED, r->values_ignored);
    if (r->files)
        message_u64(&w, TAG_FILES, r->files);
    if (r->files_failed)
        message_u64(&w, TAG_FILES_FAILED, 1);
    message_end(&w);
    buf_free(&values);
    charge->result_sent = true;
    charge->started_due = false; /* the result says it too */
}

/* The file does not hold what the table says: after a power failure, or someone emptied the spool. What
 * is missing counts as dropped, so that the run can end. */
static void give_up_stream(struct charge *charge, int stream, uint64_t have)
{
    if (charge->result) /* else it comes again with the next notice, and at the end */
        charge->result->result.dropped[stream] += have - charge->sent[stream];
}

/* Reads from the cell's file: 0 when it is not there, -1 when it cannot be read now (too many open
 * files, say): each PING tries again. */
static ssize_t read_cell(const struct front *front, struct charge *charge, int stream, char *to,
                         size_t len, uint64_t at)
{
    if (charge->fd[stream] < 0)
        charge->fd[stream] = cell_open(front->cells.dir, charge->cell, stream, O_RDWR);
    if (charge->fd[stream] < 0)
        return errno == ENOENT ? 0 : -1;
    return pread(charge->fd[stream], to, len, (off_t)at);
}

static bool send_piece(struct front *front, struct charge *charge, int stream)
{
    static char piece[PIECE];
    uint64_t have = kept(front, charge, stream), run;
    uint64_t ring = charge->result ? charge->result->result.ring[stream] : 0;
    if (charge->sent[stream] >= have)
        return false;
    uint64_t at = capture_locate(charge->sent[stream], have, ring, charge->out_limit, &run);
    size_t len = run < PIECE ? (size_t)run : PIECE;
    if (len > charge->credit)
        len = (size_t)charge->credit;
    ssize_t n = read_cell(front, charge, stream, piece, len, at);
    if (n == 0)
        give_up_stream(charge, stream, have);
    if (n <= 0)
        return false;
    struct message_writer w = message_begin(&front->out, MSG_OUTPUT);
    message_key(&w, charge->key);
    message_u64(&w, TAG_STREAM, (uint64_t)stream + 1);
    message_u64(&w, TAG_OFFSET, charge->sent[stream]);
    message_bytes(&w, TAG_DATA, piece, (size_t)n);
    message_end(&w);
    charge->sent[stream] += (uint64_t)n;
    charge->credit -= (uint64_t)n;
    if (charge->sent[stream] == have && !charge->result) { /* many runs live long and say little */
        close(charge->fd[stream]);
        charge->fd[stream] = -1;
    }
    return true;
}

/* One piece of output, of the standard output while there is any, then of files. */
static void send_some(struct front *front, struct charge *charge)
{
    bool sent = false;
    for (int i = 0; i < CELL_STREAMS && !sent; i++)
        sent = send_piece(front, charge, i);
    if (!sent && !has_output(front, charge) && staging_has(charge))
        sent = staging_send(front, charge);
    if (sent || !(has_output(front, charge) || staging_has(charge)))
        stream_wake(front, charge); /* else it could not be read now */
}

void stream_fill(struct front *front)
{
    if (front->started_due && clock_mono() >= front->started_due) {
        front->started_due = 0;
        charges_each(&front->charges, send_started, front);
    }
    while (front->queue_first && front->out.len < LOW_WATER)
        send_some(front, pop(front));
}
