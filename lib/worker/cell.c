#include "worker/cell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "worker/bytelock.h"
#include "xalloc.h"

enum { CELL_VERSION = 1, CELL_STEP = 64 };

_Static_assert(sizeof(struct cell) == CELL_SLOT, "a slot has a fixed size");

/* Room for the slots below `want` is allocated, not only promised: a write through a mapping into a
 * hole of a full disk would be a SIGBUS. */
static int make_slots(struct cells *cells, uint32_t want, struct err *err)
{
    int rc = posix_fallocate(cells->table, 0, (off_t)want * CELL_SLOT);
    if (rc != 0) {
        errno = rc;
        return err_sys(err, ERR_IO, "no room for the worker's table of runs");
    }
    cells->made = want;
    return 0;
}

int cells_open(struct cells *cells, int dir, struct err *err)
{
    *cells = (struct cells){.dir = dir, .table = -1};
    cells->table = openat(dir, "table", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (cells->table < 0)
        return err_sys(err, ERR_IO, "cannot open the worker's table of runs");
    off_t size = lseek(cells->table, 0, SEEK_END);
    uint32_t there = size > 0 ? (uint32_t)(size / CELL_SLOT) : 0;
    if (there > CELL_MAX)
        return err_set(err, ERR_IO, "the worker's table of runs is damaged: too long");
    if (make_slots(cells, there > CELL_STEP ? there : CELL_STEP, err) < 0)
        return ERR_IO;
    /* all that there may ever be is mapped now: shims keep valid pointers, growing is a fallocate */
    void *p = mmap(NULL, (size_t)CELL_MAX * CELL_SLOT, PROT_READ | PROT_WRITE, MAP_SHARED,
                   cells->table, 0);
    if (p == MAP_FAILED)
        return err_sys(err, ERR_OS, "cannot map the worker's table of runs");
    cells->slot = p;
    if (cells->slot[0].version && cells->slot[0].version != CELL_VERSION)
        return err_set(err, ERR_IO,
                       "the spool was made by another build of rota-worker: use that one, or "
                       "remove the spool when none of its runs lives");
    cells->slot[0].version = CELL_VERSION;
    cells->free = xcalloc(CELL_MAX, sizeof *cells->free);
    return 0;
}

void cells_close(struct cells *cells)
{
    if (cells->slot)
        (void)munmap(cells->slot, (size_t)CELL_MAX * CELL_SLOT);
    if (cells->table >= 0)
        close(cells->table);
    free(cells->free);
    *cells = (struct cells){.table = -1, .dir = -1};
}

void cells_keep(struct cells *cells, uint32_t n)
{
    if (n > 0 && n < CELL_MAX)
        cells->free[n] = 1; /* cells_ready turns the marks into the list */
}

void cells_ready(struct cells *cells)
{
    uint32_t made = cells->made;
    uint32_t *list = xcalloc(CELL_MAX, sizeof *list);
    cells->nfree = 0;
    for (uint32_t n = made; n-- > 1;)
        if (!cells->free[n])
            list[cells->nfree++] = n;
    free(cells->free);
    cells->free = list;
}

void cells_give_back(struct cells *cells, uint32_t n)
{
    cells->free[cells->nfree++] = n;
}

static int grow(struct cells *cells, struct err *err)
{
    uint32_t from = cells->made, to = from + CELL_STEP;
    if (to > CELL_MAX)
        return err_set(err, ERR_IO, "over %d runs are on this host", CELL_MAX - CELL_STEP);
    if (make_slots(cells, to, err) < 0)
        return ERR_IO;
    for (uint32_t n = to; n-- > from;)
        cells_give_back(cells, n);
    return 0;
}

/* Descriptor of the table with byte n locked; -1 with errno. */
static int take_lock(const struct cells *cells, uint32_t n)
{
    return bytelock_take(openat(cells->dir, "table", O_RDWR | O_CLOEXEC), n);
}

/* The slot is changed under the lock only. A shim that has reported and is about to exit still holds
 * its cell's lock and may still write to the slot: such a cell is passed over. */
int cells_take(struct cells *cells, struct message_key key, int *lock, struct err *err)
{
    *lock = -1;
    for (size_t i = cells->nfree;; i--) {
        if (i == 0) {
            if (grow(cells, err) < 0)
                return ERR_IO;
            i = cells->nfree;
        }
        uint32_t n = cells->free[i - 1];
        *lock = take_lock(cells, n);
        if (*lock < 0 && (errno == EAGAIN || errno == EACCES))
            continue;
        if (*lock < 0)
            return err_sys(err, ERR_OS, "cannot lock a cell of the worker's spool");
        cells->free[i - 1] = cells->free[--cells->nfree];
        struct cell *cell = &cells->slot[n];
        memset(cell, 0, sizeof *cell);
        cell->run = key.run;
        cell->attempt = key.attempt;
        cell->token = key.token;
        return (int)n;
    }
}

bool cells_is_locked(const struct cells *cells, uint32_t n)
{
    return bytelock_is_held(cells->table, n);
}

bool cell_is_of(const struct cell *cell, struct message_key key)
{
    return cell->run == key.run && cell->attempt == key.attempt && cell->token == key.token;
}

int cell_open(int dir, uint32_t n, int stream, int flags)
{
    char name[32];
    (void)snprintf(name, sizeof name, "%u.%s", n, stream ? "err" : "out");
    return openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}
