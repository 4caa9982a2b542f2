#include "worker/charge.h"

#include <stdlib.h>
#include <unistd.h>

#include "xalloc.h"

void charges_init(struct charges *charges)
{
    *charges = (struct charges){.by_cell = xcalloc(CELL_MAX, sizeof(struct charge *))};
}

static void drop(struct charge *charge, void *arg)
{
    charge_remove(arg, charge);
}

void charges_free(struct charges *charges)
{
    charges_each(charges, drop, charges);
    free(charges->by_cell);
    charges->by_cell = NULL;
}

static struct charge **bucket_of(struct charges *charges, uint64_t run)
{
    return &charges->bucket[run % CHARGE_BUCKETS];
}

struct charge *charge_new(struct charges *charges, struct message_key key)
{
    struct charge *charge = xcalloc(1, sizeof *charge);
    struct charge **bucket = bucket_of(charges, key.run);
    charge->key = key;
    charge->pidfd = charge->fd[0] = charge->fd[1] = -1;
    charge->next = *bucket;
    *bucket = charge;
    charges->n++;
    return charge;
}

struct charge *charge_find(const struct charges *charges, struct message_key key)
{
    struct charge *charge = charges->bucket[key.run % CHARGE_BUCKETS];
    while (charge && (charge->key.run != key.run || charge->key.attempt != key.attempt ||
                      charge->key.token != key.token))
        charge = charge->next;
    return charge;
}

struct charge *charge_find_streaming(const struct charges *charges, uint64_t run, uint32_t attempt)
{
    struct charge *charge = charges->bucket[run % CHARGE_BUCKETS];
    while (charge &&
           (charge->key.run != run || charge->key.attempt != attempt || !charge->streaming))
        charge = charge->next;
    return charge;
}

void charge_set_cell(struct charges *charges, struct charge *charge, uint32_t cell)
{
    if (cell >= CELL_MAX)
        cell = 0; /* a number that no table of ours gave out */
    charge->cell = cell;
    if (!cell)
        return;
    struct charge *before = charges->by_cell[cell];
    if (before) {
        before->cell = 0;
        before->ousted = true;
    }
    charges->by_cell[cell] = charge;
}

void charge_remove(struct charges *charges, struct charge *charge)
{
    struct charge **link = bucket_of(charges, charge->key.run);
    while (*link != charge)
        link = &(*link)->next;
    *link = charge->next;
    if (charge->cell && charges->by_cell[charge->cell] == charge)
        charges->by_cell[charge->cell] = NULL;
    for (int i = 0; i < CELL_STREAMS; i++)
        if (charge->fd[i] >= 0)
            close(charge->fd[i]);
    if (charge->pidfd >= 0)
        close(charge->pidfd);
    free(charge->result);
    free(charge->note);
    free(charge);
    charges->n--;
}

void charges_each(struct charges *charges, void (*each)(struct charge *, void *), void *arg)
{
    for (size_t i = 0; i < CHARGE_BUCKETS; i++)
        for (struct charge *charge = charges->bucket[i], *next; charge; charge = next) {
            next = charge->next;
            each(charge, arg);
        }
}
