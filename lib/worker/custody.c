#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/capture.h"
#include "worker/carried.h"
#include "worker/executor.h"
#include "worker/front.h"
#include "worker/handover.h"
#include "worker/limits.h"
#include "worker/relic.h"
#include "worker/shim.h"
#include "worker/staging.h"
#include "worker/tree.h"
#include "xalloc.h"

/* While we run, all that others write here is results. Our own records are read back too, and
 * skipped: what they say was done when they were written. */
static void take_result(const struct record *record, struct generation *g, void *arg)
{
    struct front *front = arg;
    (void)g;
    if (record->kind != RECORD_RESULT)
        return;
    struct charge *charge = charge_find(&front->charges, record->key);
    if (charge && !charge->result)
        custody_set_result(front, charge, record);
}

void custody_read(struct front *front)
{
    journal_read(&front->journal, take_result, front);
}

/* ---- beginning ---- */

static void add_record(struct buf *records, const struct front *front, const struct order *order)
{
    struct record record;
    memset(&record, 0, sizeof record);
    record.kind = RECORD_STARTED;
    record.key = order->key;
    record.at = moment_now(front->boot);
    record.started.cell = (uint32_t)order->cell;
    record.started.out_limit = order->out_limit;
    record_seal(&record);
    buf_add(records, &record, sizeof record);
}

static void take_cell(struct front *front, struct order *order)
{
    struct err err;
    order_find_account(order, front->own, &front->accounts);
    if (order->problem)
        return;
    int cell = cells_take(&front->cells, order->key, &order->lock, &err);
    if (cell < 0) {
        order_refuse(order, err.msg);
    } else {
        order->cell = cell;
        front->cells.slot[cell].started = moment_now(front->boot);
        front->cells.slot[cell].out_limit = order->out_limit;
    }
    order->output = handover_path(order, front->spool.dir);
    if (order->put.n || order->get.n)
        order->staging = staging_path(front->spool.dir);
}

/* Writes STARTED of all orders in one write: the guard that makes an attempt start at most once. Only
 * after it may a shim exist. Returns their generation, NULL when the journal has no room; then no
 * order of these starts. */
static struct generation *promise(struct front *front)
{
    struct generation *g = NULL;
    struct buf records = {0};
    struct err err;
    int rc = journal_reserve(&front->journal, front->norders, &g, &err);
    for (size_t i = 0; rc == 0 && i < front->norders; i++)
        add_record(&records, front, front->orders[i]);
    if (rc == 0)
        rc = record_append(g->fd, (const struct record *)buf_data(&records),
                           records.len / JOURNAL_RECORD, &err);
    for (size_t i = 0; rc < 0 && i < front->norders; i++)
        order_refuse(front->orders[i], err.msg);
    buf_free(&records);
    return g;
}

static void fork_shim(struct front *front, struct charge *charge, const struct order *order)
{
    struct shim_task task = {.order = order,
                             .cells = &front->cells,
                             .started = charge->started,
                             .journal = charge->generation->fd,
                             .front = getpid()};
    pid_t pid = fork();
    if (pid == 0)
        shim_main(&task);
    if (pid < 0) {
        char reason[128];
        (void)snprintf(reason, sizeof reason, "cannot fork on this host: %s", strerror(errno));
        custody_conclude(front, charge, END_NOSTART, reason);
        return;
    }
    charge->child = pid;
}

static void begin(struct front *front, struct order *order, struct generation *g)
{
    struct charge *charge = charge_new(&front->charges, order->key);
    charge->generation = g;
    charge->out_limit = order->out_limit;
    charge->started = moment_now(front->boot);
    charge->streaming = true;
    charge->credit = order->credit;
    charge->filed = order->put.n || order->get.n;
    if (g) {
        g->unacked++;
        g->live++;
    }
    charge_set_cell(&front->charges, charge, (uint32_t)order->cell);
    if (order->problem) {
        custody_conclude(front, charge, END_NOSTART, order->problem);
        return;
    }
    stream_started(front, charge);
    if (!order->executor->carried) {
        fork_shim(front, charge, order);
        return;
    }
    struct err err;
    front->carries = true;
    if (carried_begin(front, charge, order, &err) < 0)
        custody_conclude(front, charge, END_NOSTART, err.msg);
}

void custody_begin(struct front *front)
{
    if (!front->norders)
        return;
    for (size_t i = 0; i < front->norders; i++)
        take_cell(front, front->orders[i]);
    struct generation *g = promise(front);
    bool carried = false;
    for (size_t i = 0; i < front->norders; i++) {
        const struct order *order = front->orders[i];
        carried = carried || (!order->problem && order->executor->carried);
        begin(front, front->orders[i], g);
        order_free(front->orders[i]); /* and our copy of its lock, before the next fork */
    }
    front->norders = 0;
    if (carried) /* others are begun at a rate, and are none of the carrier's */
        carried_wake(front);
}

/* ---- asking the shim ---- */

struct locked_cell {
    const struct cells *cells;
    uint32_t n;
};

static bool cell_locked(pid_t pid, const void *arg)
{
    const struct locked_cell *cell = arg;
    (void)pid;
    return cells_is_locked(cell->cells, cell->n);
}

/* Has it look at its cell; the value is for shims that do not (shim.h). */
static void wake_shim(struct front *front, const struct charge *charge, int value)
{
    pid_t pid = atomic_load(&front->cells.slot[charge->cell].shim);
    struct locked_cell cell = {&front->cells, charge->cell};
    if (charge->child) /* not reaped yet: the pid is its own whatever became of it */
        (void)sigqueue(charge->child, SIGUSR1, (union sigval){.sival_int = value});
    else if (pid > 0)
        (void)tree_kill_checked(pid, SIGUSR1, value, cell_locked, &cell);
}

/* Into the cell before its pid is looked at: a shim that has not written that yet has yet to look there. A
 * charge without a shim has nobody to ask and needs nobody: custody_settle ends what is left of it. */
void custody_signal(struct front *front, struct charge *charge, int sig)
{
    if (charge->result || !charge->cell)
        return;
    struct cell *slot = &front->cells.slot[charge->cell];
    if (sig)
        (void)atomic_fetch_or(&slot->signals, UINT64_C(1) << (sig - 1));
    else
        atomic_store(&slot->cancel, 1);
    if (charge->carried)
        carried_wake(front);
    else
        wake_shim(front, charge, sig);
}

/* One that does not look at its cell may have lost the cancel: it is told again, which changes
 * nothing for who knows it. */
static void remind(struct front *front, const struct charge *charge)
{
    if (!charge->result && !charge->carried && charge->cell &&
        atomic_load(&front->cells.slot[charge->cell].cancel))
        wake_shim(front, charge, 0);
}

/* ---- following ---- */

/* Whether that changes what is known of the run. */
static bool reap_of(struct charge *charge, pid_t pid, int status)
{
    bool is_shim = charge->child == pid, is_clearing = charge->clearing == pid;
    if (is_shim)
        charge->child = 0;
    if (is_clearing) {
        charge->clearing = 0;
        charge->cleared = status == 0;
    }
    charge->bereft = charge->bereft || is_shim || (is_clearing && charge->cleared);
    return charge->bereft;
}

void custody_reap(struct front *front)
{
    bool some = false;
    pid_t pid;
    int status;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == front->carrier)
            carried_carrier_gone(front);
        for (uint32_t n = 1; n < front->cells.made; n++)
            if (front->charges.by_cell[n])
                some = reap_of(front->charges.by_cell[n], pid, status) || some;
    }
    if (!some)
        return;
    custody_read(front);
    custody_settle(front);
}

void custody_shim_gone(struct front *front, struct charge *charge)
{
    custody_unfollow(front, charge);
    charge->bereft = true;
}

static void recheck(struct charge *charge, void *arg)
{
    struct front *front = arg;
    stream_wake(front, charge); /* its output could not be read, maybe */
    remind(front, charge);
    if (charge->carried)
        carried_look(front, charge);
    if (charge->result || charge->carried || charge->child ||
        (charge->pidfd >= 0 && !charge->haunted))
        return;
    if (charge->cell && !charge->haunted && cells_is_locked(&front->cells, charge->cell))
        custody_adopt(front, charge);
    else
        charge->bereft = true;
}

void custody_recheck(struct front *front)
{
    charges_each(&front->charges, recheck, front);
    if (front->carries)
        carried_wake(front);
    custody_read(front);
    custody_settle(front);
    custody_acked(front); /* what could not be written before */
}

/* The flag goes down before the look: see notify() in shim.c. */
void custody_notice(struct front *front, uint32_t cell)
{
    struct charge *charge =
        cell > 0 && cell < front->cells.made ? front->charges.by_cell[cell] : NULL;
    if (!charge)
        return;
    atomic_store(&front->cells.slot[cell].notified, 0);
    if (charge->carried)
        carried_look(front, charge);
    else if (!charge->result && atomic_load(&front->cells.slot[cell].ended))
        custody_read(front);
    stream_wake(front, charge);
}

void custody_notice_all(struct front *front)
{
    for (uint32_t n = 1; n < front->cells.made; n++)
        custody_notice(front, n);
}

/* ---- forgetting ---- */

/* Leaves nothing of the output behind, for the next run in the cell and for the disk. */
static void empty_cell(struct front *front, struct charge *charge)
{
    for (int i = 0; i < CELL_STREAMS; i++) {
        if (!charge->result->result.total[i])
            continue;
        if (charge->fd[i] < 0)
            charge->fd[i] = cell_open(front->cells.dir, charge->cell, i, O_RDWR);
        if (charge->fd[i] >= 0)
            (void)!ftruncate(charge->fd[i], 0);
    }
}

void custody_ack(struct front *front, struct message_key key)
{
    struct charge *charge = charge_find(&front->charges, key);
    if (charge ? charge->filed && charge->result : front->staged) /* it may never have begun */
        staging_drop(front, key);
    if (!charge || !charge->result)
        return;
    stream_forget(front, charge);
    custody_unfollow(front, charge);
    if (charge->cell && front->charges.by_cell[charge->cell] == charge) {
        empty_cell(front, charge);
        if (charge->result->result.values)
            handover_forget(front->cells.dir, charge->cell);
        /* before the journal forgets it: what is in a cell and not there is taken for lost (recovery.c) */
        front->cells.slot[charge->cell].run = 0;
        cells_give_back(&front->cells, charge->cell);
    }
    if (charge->carried)
        carried_forget(front, key);
    if (charge->generation)
        journal_ack(charge->generation, key);
    charge_remove(&front->charges, charge);
}

void custody_acked(struct front *front)
{
    journal_flush_acks(&front->journal);
}
