/*
 * fuzz_worker: what a head says, as the front end of a worker takes it: dialogue.c, order.c, stream.c and
 * charge.c over a script (script.h). Spool, shims and the host's facts are stood in for below: a run that is
 * ordered has ended at once when its number is even, with 100,000 bytes of output, and lives on when it is odd.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "script.h"
#include "worker/capture.h"
#include "worker/facts.h"
#include "worker/carried.h"
#include "worker/front.h"
#include "worker/ticket.h"
#include "worker/handover.h"
#include "xalloc.h"

enum { OUTPUT = 100000, LOW_WATER = 64 << 10, PIECE = 32 << 10 };

static struct front front;
static struct cell cells[CELL_MAX];
static struct account own = {
    .name = (char *)"rota", .home = (char *)"/home/rota", .shell = (char *)"/bin/sh"};
static int output = -1; /* what every run wrote */

/* ---- what stands in for the rest ---- */

struct account *account_own(void)
{
    return &own;
}

int account_get(struct accounts *cache, const char *name, const struct account **account,
                struct err *err)
{
    (void)cache, (void)account;
    return err_set(err, ERR_CONFIG, "there is no user '%s'", name);
}

struct account *account_copy(const struct account *from)
{
    (void)from;
    return NULL;
}

void account_free(struct account *account)
{
    (void)account;
}

void accounts_free(struct accounts *cache)
{
    (void)cache;
}

int spool_open(struct spool *spool, const char *base, const char *home, const char *uuid,
               const char *worker, struct err *err)
{
    (void)base, (void)home;
    spool->dir = (char *)"/var/tmp/rota";
    return uuid && worker ? 0 : err_set(err, ERR_DATA, "HELLO lacks a name");
}

int spool_check_fence(const struct spool *spool, uint64_t epoch, uint64_t fence, struct err *err)
{
    (void)spool;
    return epoch > 1 || fence ? 0 : err_set(err, ERR_ANSWER, "a newer dispatcher was here");
}

int spool_lock(struct spool *spool, struct err *err)
{
    (void)spool, (void)err;
    return 0;
}

int spool_raise_fence(const struct spool *spool, uint64_t epoch, uint64_t fence, struct err *err)
{
    (void)spool, (void)epoch, (void)fence, (void)err;
    return 0;
}

int spool_identify(struct spool *spool, struct err *err)
{
    (void)spool, (void)err;
    return 0;
}

int spool_open_fixed(const struct spool *spool, struct err *err)
{
    (void)spool, (void)err;
    return 0;
}

void facts_lasting(struct message_writer *w)
{
    message_str(w, TAG_MACHINE, "m");
}

void facts_changing(struct message_writer *w, const char *dir)
{
    message_str(w, TAG_SPOOL, dir);
}

int cell_open(int dir, uint32_t n, int stream, int flags)
{
    (void)dir, (void)n, (void)flags;
    errno = ENOENT;
    return stream ? -1 : dup(output);
}

int handover_read(int dir, uint32_t cell, struct record_result *result, struct buf *text)
{
    (void)dir, (void)cell, (void)result;
    buf_addstr(text, "key=value\nrows=3\n");
    return 0;
}

int custody_open(struct front *f, struct err *err)
{
    (void)err;
    f->cells.slot = cells;
    return 0;
}

char *ticket_base(const char *spool, const char *base, const char *home)
{
    (void)spool, (void)base, (void)home;
    return NULL;
}

void carried_tell_again(struct front *f, struct charge *charge)
{
    MUST(charge_find(&f->charges, charge->key) == charge);
}

void custody_acked(struct front *f)
{
    (void)f;
}

void custody_recheck(struct front *f)
{
    (void)f;
}

void custody_signal(struct front *f, struct charge *charge, int sig)
{
    MUST(charge_find(&f->charges, charge->key) == charge && sig >= 0 && sig < NSIG);
}

void custody_ack(struct front *f, struct message_key key)
{
    struct charge *charge = charge_find(&f->charges, key);
    if (!charge)
        return;
    stream_forget(f, charge);
    charge_remove(&f->charges, charge);
}

/* ---- orders ---- */

/* A job cannot pass for another run, whatever it is given. */
static void check_environment(const struct order *order)
{
    char **env = order_environment(order), token[64];
    size_t tokens = 0, runs = 0;
    (void)snprintf(token, sizeof token, "ROTA_TOKEN=%016llx", (unsigned long long)order->key.token);
    for (size_t i = 0; env[i]; i++) {
        MUST(strchr(env[i], '='));
        runs += strncmp(env[i], "ROTA_RUN=", 9) == 0;
        if (strncmp(env[i], "ROTA_TOKEN=", 11) != 0)
            continue;
        tokens++;
        MUST(strcmp(env[i], token) == 0);
    }
    MUST(tokens == 1 && runs == 1);
    for (size_t i = 0; env[i]; i++)
        free(env[i]);
    free(env);
}

static void check_order(struct order *order)
{
    bool is_home;
    order_find_account(order, &own, NULL);
    MUST(order->timeout_ms >= 0 && order->kill_after_ms >= 0 && order->leash_ms >= 0);
    MUST(order->out_limit <= INT64_MAX / 4 && order->cell == 0 && order->lock == -1);
    char *directory = order_directory(order, &is_home);
    MUST(directory[0] == '/');
    free(directory);
    if (order->problem)
        return;
    MUST(order->executor && (order->text || order->args.n || order->options.n));
    for (size_t i = 0; i < order->env.n; i++)
        MUST(strchr(order->env.v[i], '=') > order->env.v[i]);
    check_environment(order);
}

/* As a shim would tell it of `total` bytes: what is over the limit went through the ring. */
static void set_stream(struct record_result *result, int stream, uint64_t total, uint64_t limit)
{
    uint64_t head = capture_head(limit) < total ? capture_head(limit) : total;
    result->total[stream] = total;
    result->ring[stream] = total - head;
    result->dropped[stream] = total - capture_kept(head, total - head, limit);
}

static void begin_order(struct front *f, struct order *order)
{
    MUST(!charge_find(&f->charges, order->key)); /* or it would be started twice */
    struct charge *charge = charge_new(&f->charges, order->key);
    charge->streaming = true;
    charge->credit = order->credit;
    charge->out_limit = order->out_limit;
    charge_set_cell(&f->charges, charge, (uint32_t)(order->key.run % CELL_MAX));
    if (order->key.run % 2 == 0) {
        charge->result = xcalloc(1, sizeof *charge->result);
        charge->result->result = (struct record_result){.end = END_EXIT, .values = 17};
        set_stream(&charge->result->result, 0, OUTPUT, order->out_limit);
        set_stream(&charge->result->result, 1, 10, order->out_limit);
    }
    stream_wake(f, charge);
}

void custody_begin(struct front *f)
{
    MUST(f->norders <= FRONT_ORDERS);
    for (size_t i = 0; i < f->norders; i++) {
        check_order(f->orders[i]);
        begin_order(f, f->orders[i]);
        order_free(f->orders[i]);
    }
    f->norders = 0;
}

/* ---- what must hold ---- */

/* Output of a run that has ended stands before its result; all of it is within what the run wrote. */
static void check_said(const struct message *m, uint64_t *at)
{
    struct message_field data;
    MUST(m->type == MSG_WELCOME || m->type == MSG_REFUSED || m->type == MSG_RUN ||
         m->type == MSG_READY || m->type == MSG_STARTED || m->type == MSG_OUTPUT ||
         m->type == MSG_RESULT || m->type == MSG_PONG);
    if (m->type == MSG_OUTPUT) {
        MUST(message_get(m, TAG_DATA, &data) && data.len > 0 && data.len <= PIECE);
        *at = message_get_u64(m, TAG_OFFSET, UINT64_MAX);
        MUST(*at <= OUTPUT && data.len <= OUTPUT - *at);
    }
}

/* What it would send is not more than it may hold back. */
static void drain(size_t *messages)
{
    struct message_reader reader = {0};
    struct message m;
    uint64_t at = 0;
    int rc;
    while ((rc = message_next(&reader, &front.out, &m, NULL)) > 0) {
        check_said(&m, &at);
        (*messages)++;
    }
    MUST(rc == 0 && front.out.len == 0);
    message_reader_free(&reader);
}

static void turn(const char **script)
{
    struct err err = {0};
    size_t messages = 0;
    int rc = 0;
    while (rc == 0 && *script[0] && !front.ending) {
        script_next(&front.in, script);
        rc = dialogue_take(&front, &err);
        MUST(rc == 0 || (rc == ERR_DATA && err.msg[0]));
        MUST(front.norders == 0 || !front.welcomed);
        size_t before = front.out.len;
        stream_fill(&front);
        MUST(front.out.len <= (before > LOW_WATER ? before : LOW_WATER) + PIECE + FRAME_MAX);
        drain(&messages);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    const char *script = text;
    if (output < 0) {
        output = memfd_create("output", MFD_CLOEXEC);
        MUST(output >= 0 && ftruncate(output, OUTPUT) == 0);
    }
    front = (struct front){.build = "b", .signals = -1, .watch = -1, .boot = 1};
    charges_init(&front.charges);
    turn(&script);
    for (size_t i = 0; i < front.norders; i++)
        order_free(front.orders[i]);
    charges_free(&front.charges);
    message_reader_free(&front.reader);
    buf_free(&front.in);
    buf_free(&front.out);
    free(text);
    return 0;
}
