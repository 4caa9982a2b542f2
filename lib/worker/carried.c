#include "worker/carried.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "worker/carrier.h"
#include "worker/shim.h"
#include "worker/ticket.h"
#include "xalloc.h"

enum { NOTE_MAX = 4096 };

/* Its cell is marked as of one that has begun: should the journal go, it is found there (recovery.c). */
int carried_begin(struct front *front, struct charge *charge, const struct order *order,
                  struct err *err)
{
    struct message start = {MSG_START, order->start, order->start_len};
    charge->carried = true;
    atomic_store(&front->cells.slot[order->cell].shim, getpid());
    int rc = ticket_write(front->tickets, order, &start, err);
    if (rc < 0)
        charge->carried = false;
    return rc;
}

void carried_wake(struct front *front)
{
    int lock = carrier_lock(front->spool.dir);
    if (lock < 0) {
        carrier_wake(front->spool.dir, front->build);
        return;
    }
    struct carrier_task task = {.base = front->tickets,
                                .build = front->build,
                                .cells = &front->cells,
                                .boot = front->boot,
                                .lock = lock};
    pid_t pid = fork();
    if (pid == 0)
        carrier_main(&task);
    front->carrier = pid > 0 ? pid : 0; /* failing: each PING tries again */
    front->carrier_began = clock_mono();
    close(lock);
}

static bool is_carrying(const struct front *front)
{
    for (uint32_t n = 1; n < front->cells.made; n++) {
        const struct charge *charge = front->charges.by_cell[n];
        if (charge && charge->carried && !charge->result)
            return true;
    }
    return false;
}

/* It goes when it has nothing to carry; what came meanwhile is for the next one. */
void carried_carrier_gone(struct front *front)
{
    enum { SHORT_LIFE_MS = 200 };
    front->carrier = 0;
    front->carries = is_carrying(front);
    if (front->carries && clock_mono() - front->carrier_began >= SHORT_LIFE_MS)
        carried_wake(
            front); /* else the next PING does: whatever killed it at once may do so again */
}

/* ---- what tickets tell ---- */

static void put_line(struct message_writer *w, enum message_tag tag, const char **text)
{
    size_t len = strcspn(*text, "\n");
    if (len)
        message_bytes(w, tag, *text, len);
    *text += len + ((*text)[len] == '\n');
}

static void look_at_note(struct front *front, struct charge *charge, const char *name)
{
    struct buf text = {0};
    bool there = ticket_get(front->tickets, name, "note", NOTE_MAX, &text);
    const char *note = buf_str(&text);
    if (there && charge->streaming && (!charge->note || strcmp(charge->note, note) != 0)) {
        free(charge->note);
        charge->note = xstrdup(note);
        stream_started_now(front, charge);
        struct message_writer w = message_begin(&front->out, MSG_NOTE);
        message_key(&w, charge->key);
        put_line(&w, TAG_REASON, &note);
        put_line(&w, TAG_NODES, &note);
        put_line(&w, TAG_EXTERNAL_ID, &note);
        message_end(&w);
    }
    buf_free(&text);
}

/* The note first, which is of before the end. Should the journal not take the result, the next look tries again: the
 * ticket has it. */
void carried_look(struct front *front, struct charge *charge)
{
    char name[TICKET_NAME];
    struct record record;
    if (charge->result)
        return;
    ticket_name(charge->key, name);
    look_at_note(front, charge, name);
    if (ticket_get_record(front->tickets, name, "result", &record) &&
        record_append(charge->generation->fd, &record, 1, NULL) == 0)
        custody_set_result(front, charge, &record);
}

void carried_tell_again(struct front *front, struct charge *charge)
{
    free(charge->note);
    charge->note = NULL;
    carried_look(front, charge);
}

static void recover_ticket(const char *name, void *arg)
{
    struct front *front = arg;
    struct message_key key;
    if (!ticket_key(name, &key))
        return;
    struct charge *charge = charge_find(&front->charges, key);
    if (!charge) {
        ticket_remove(front->tickets, name);
        return;
    }
    /* one that the host's crash has damaged is carried by nobody, and executed by no batch */
    struct order *order = ticket_read(front->tickets, name);
    charge->carried = order != NULL;
    order_free(order);
}

static void look(struct charge *charge, void *arg)
{
    struct front *front = arg;
    front->carries = front->carries || (charge->carried && !charge->result);
    if (charge->carried)
        carried_look(front, charge);
}

void carried_recover(struct front *front)
{
    tickets_sweep(front->tickets);
    tickets_each(front->tickets, recover_ticket, front);
    charges_each(&front->charges, look, front);
    if (front->carries)
        carried_wake(front);
}

void carried_forget(struct front *front, struct message_key key)
{
    char name[TICKET_NAME];
    ticket_name(key, name);
    ticket_remove(front->tickets, name);
}
