#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "worker/carried.h"
#include "worker/front.h"
#include "worker/handover.h"
#include "worker/limits.h"
#include "worker/relic.h"
#include "worker/shim.h"
#include "worker/staging.h"

static struct charge *recover_charge(struct front *front, const struct record *record,
                                     struct generation *g)
{
    struct charge *charge = charge_new(&front->charges, record->key);
    charge->generation = g;
    charge->started = record->at;
    g->unacked++;
    g->live++;
    return charge;
}

/* A cell that the table has not: it was cut, or made anew. The run may have begun in it, so it is no
 * run without a cell; where its output is nobody knows. */
static void recover_place(struct front *front, struct charge *charge, uint32_t cell)
{
    if (cell < front->cells.made)
        charge_set_cell(&front->charges, charge, cell);
    else
        charge->ousted = true;
}

static void recover_record(const struct record *record, struct generation *g, void *arg)
{
    struct front *front = arg;
    struct charge *charge = charge_find(&front->charges, record->key);
    if (record->kind == RECORD_STARTED && !charge) {
        charge = recover_charge(front, record, g);
        charge->out_limit = record->started.out_limit;
        recover_place(front, charge, record->started.cell);
    } else if (record->kind == RECORD_RESULT) {
        if (!charge) /* STARTED was torn by a crash of the host: the result is as good */
            charge = recover_charge(front, record, g);
        if (!charge->result)
            custody_set_result(front, charge, record);
    } else if (record->kind == RECORD_ACKED && charge) {
        if (!charge->result)
            charge->generation->live--;
        charge->generation->unacked--;
        charge_remove(&front->charges, charge);
    }
}

void custody_unfollow(struct front *front, struct charge *charge)
{
    if (charge->pidfd < 0)
        return;
    /* closing would not do: a shim just forked has a copy for a moment */
    (void)epoll_ctl(front->watch, EPOLL_CTL_DEL, charge->pidfd, NULL);
    close(charge->pidfd);
    charge->pidfd = -1;
}

void custody_follow(struct front *front, struct charge *charge, int pidfd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = charge};
    custody_unfollow(front, charge);
    charge->pidfd = pidfd;
    if (pidfd < 0 || epoll_ctl(front->watch, EPOLL_CTL_ADD, pidfd, &event) == 0)
        return;
    close(pidfd);
    charge->pidfd = -1;
}

/* Follows a shim that is not our child. Its pid is what it wrote into its cell; it is the shim's when
 * the cell is still locked after the pidfd was opened. Where there is no pidfd (the shim has not come
 * to write its pid, or the kernel is older than 5.3) each PING looks again. */
void custody_adopt(struct front *front, struct charge *charge)
{
    pid_t pid = atomic_load(&front->cells.slot[charge->cell].shim);
    int pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;
    if (pidfd >= 0 && cells_is_locked(&front->cells, charge->cell))
        custody_follow(front, charge, pidfd);
    else if (pidfd >= 0)
        close(pidfd);
}

/* Runs that have begun and of which the journal knows nothing: it was cut, or removed. The head may order
 * such a run again, since the worker that took it would have it in its journal. The cells know who was in
 * them: acknowledged runs are not (custody_ack), and one that has no shim has not begun. */
static void recover_cells(struct front *front)
{
    struct generation *g = front->journal.last;
    for (uint32_t n = 1; n < front->cells.made; n++) {
        struct cell *cell = &front->cells.slot[n];
        struct message_key key = {cell->run, cell->attempt, cell->token};
        if (!cell->run || !atomic_load(&cell->shim) || front->charges.by_cell[n])
            continue;
        if (!cell->started.boot) /* of a build that left acknowledged runs there */
            continue;
        struct charge *charge = charge_find(&front->charges, key);
        if (!charge) {
            struct record record = {.key = key, .at = cell->started};
            charge = recover_charge(front, &record, g);
            g->promised += 2 * (size_t)JOURNAL_RECORD;
        } else if (charge->cell || charge->ousted) {
            continue;
        } /* else its RESULT was found without STARTED, which says where its output is */
        charge->out_limit = cell->out_limit;
        charge_set_cell(&front->charges, charge, n);
    }
}

/* It is not known where its output is: that is gone. */
static void drop_output(struct record_result *result)
{
    for (int i = 0; i < CELL_STREAMS; i++) {
        result->dropped[i] = result->total[i];
        result->ring[i] = 0;
    }
}

static void recover_live(struct charge *charge, void *arg)
{
    struct front *front = arg;
    if (charge->cell)
        cells_keep(&front->cells, charge->cell);
    else if (charge->result)
        drop_output(&charge->result->result);
    if (charge->result || charge->carried)
        return;
    if (charge->cell && charge->started.boot == front->boot &&
        cells_is_locked(&front->cells, charge->cell))
        custody_adopt(front, charge);
    else
        charge->bereft = true;
}

/* One without a result: its shim is still to read what it writes. */
static bool may_write(uint32_t cell, uint64_t token, const void *arg)
{
    const struct front *front = arg;
    const struct charge *charge =
        cell > 0 && cell < front->cells.made ? front->charges.by_cell[cell] : NULL;
    return charge && charge->key.token == token && !charge->result;
}

int custody_open(struct front *front, struct err *err)
{
    int rc = cells_open(&front->cells, FD_CELLS, err);
    if (rc == 0)
        rc = journal_open(&front->journal, front->spool.dir, recover_record, front, err);
    if (rc < 0)
        return rc;
    recover_cells(front);
    carried_recover(front);
    charges_each(&front->charges, recover_live, front);
    cells_ready(&front->cells);
    /* A shim may have written its result and gone between our reading and our look at its lock. Now
     * that the lock is seen free, what it wrote is there. */
    custody_read(front);
    custody_settle(front);
    staging_sweep(front);
    handover_sweep(front->cells.dir, may_write, front);
    limits_sweep(front->cells.dir, may_write, front);
    relic_sweep(front->cells.dir, front->own, may_write, front);
    journal_flush_acks(&front->journal); /* drops older generations without a run */
    return 0;
}
