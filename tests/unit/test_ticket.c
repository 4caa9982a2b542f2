/* What a crash, a full disk or a stranger may have left of a ticket is no order and no result. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"
#include "worker/ticket.h"
#include "xalloc.h"

static const struct message_key key = {.run = 7, .attempt = 2, .token = 0x1234};
static char base[] = "ticket.XXXXXX", name[TICKET_NAME];

static void put(const char *file, const char *p, size_t len)
{
    struct err err;
    if (ticket_put(base, name, file, p, len, &err) < 0)
        abort();
}

static struct buf get(const char *file)
{
    struct buf text = {0};
    if (!ticket_get(base, name, file, 1 << 20, &text))
        abort();
    return text;
}

static bool reads_order(void)
{
    struct order *order = ticket_read(base, name);
    bool good = order != NULL;
    order_free(order);
    return good;
}

static bool reads_result(void)
{
    struct record record;
    return ticket_get_record(base, name, "result", &record);
}

/* How many of the damaged ones are taken: each length, then each byte changed. */
static size_t count_taken(const char *file, bool (*reads)(void))
{
    struct buf whole = get(file);
    char *copy = xmalloc(whole.len + 1);
    size_t taken = 0;
    for (size_t len = 0; len < whole.len; len++) {
        put(file, buf_data(&whole), len);
        taken += reads();
    }
    for (size_t i = 0; i < whole.len; i++) {
        memcpy(copy, buf_data(&whole), whole.len);
        copy[i] ^= 0x55;
        put(file, copy, whole.len);
        taken += reads();
    }
    memcpy(copy, buf_data(&whole), whole.len);
    copy[whole.len] = 'x';
    put(file, copy, whole.len + 1);
    taken += reads();
    put(file, buf_data(&whole), whole.len);
    free(copy);
    buf_free(&whole);
    return taken;
}

static void make_order(void)
{
    struct buf out = {0};
    struct err err;
    struct message_writer w = message_begin(&out, MSG_START);
    message_key(&w, key);
    message_str(&w, TAG_EXECUTOR, "shell");
    message_str(&w, TAG_TEXT, "true");
    message_end(&w);
    struct message_reader reader = {0};
    struct message start;
    if (message_next(&reader, &out, &start, &err) != 1)
        abort();
    struct order *order = order_read(&start);
    order->cell = 3;
    if (ticket_write(base, order, &start, &err) < 0)
        abort();
    order_free(order);
    message_reader_free(&reader);
    buf_free(&out);
}

int main(void)
{
    struct record record;
    memset(&record, 0, sizeof record);
    record.kind = RECORD_RESULT;
    record.key = key;
    record_seal(&record);
    ticket_name(key, name);
    if (!mkdtemp(base))
        return 1;
    make_order();
    tap_ok(reads_order(), "an order is read back");
    tap_ok(count_taken("order", reads_order) == 0, "no damaged order is");
    put("result", (const char *)&record, sizeof record);
    tap_ok(reads_result(), "a result is read back");
    tap_ok(count_taken("result", reads_result) == 0, "no damaged result is");
    record.key.attempt++;
    record_seal(&record);
    put("result", (const char *)&record, sizeof record);
    tap_ok(!reads_result(), "nor that of another run");
    ticket_remove(base, name);
    return rmdir(base) < 0 ? 1 : tap_done();
}
