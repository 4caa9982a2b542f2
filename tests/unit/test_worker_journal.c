/* The journal of a spool: torn and changed records, generations. */
#include "worker_client.h"

#include "worker/journal.h"

static char *journal_path(const struct client *c)
{
    return xasprintf("%s/journal.1", c->spool);
}

static void test_journal(void)
{
    struct client *c = client_open_as(7);
    char *path = journal_path(c);
    struct stat st;
    for (uint64_t n = 20; n < 60; n++)
        (void)client_order(c, (struct start){.run = n, .text = "exit 2"});
    bool all = true;
    for (uint64_t n = 20; n < 60; n++) {
        struct heard *run = client_run(c, client_key(n, 1));
        all = client_await(c, &run->ended) && run->code == 2 && all;
    }
    tap_ok(all, "forty runs at once all end");
    tap_ok(stat(path, &st) == 0 && st.st_size > 0, "they are in the journal");
    client_ack(c);
    tap_ok(stat(path, &st) == 0 && st.st_size == 0,
           "it is cut to nothing when all are acknowledged");
    (void)client_do(c, (struct start){.run = 60, .text = "exit 2"});
    (void)client_close(c);

    /* half a record: a crash in the middle of a write */
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    (void)fstat(fd, &st);
    char half[100];
    memset(half, 'x', sizeof half);
    (void)!write(fd, half, sizeof half);
    close(fd);
    c = client_open_as(7);
    struct heard *run = client_run(c, client_key(60, 1)), *after;
    tap_ok(run->listed && run->state == MESSAGE_RUN_ENDED, "a torn record counts as absent");
    after = client_do(c, (struct start){.run = 61, .text = "exit 5"});
    tap_ok(after->ended && after->code == 5, "what is written behind it is found");
    (void)kill(c->pid, SIGKILL);
    (void)client_close(c);

    /* a record that was changed: the result of 60, its second */
    fd = open(path, O_RDWR | O_CLOEXEC);
    (void)!pwrite(fd, "zz", 2, st.st_size - 100);
    close(fd);
    c = client_open_as(7);
    run = client_run(c, client_key(60, 1));
    after = client_run(c, client_key(61, 1));
    client_adopt(c, run);
    client_adopt(c, after);
    (void)client_await(c, &run->ended);
    (void)client_await(c, &after->ended);
    tap_ok(run->end == END_LOST, "a result with a wrong checksum is none: the run is lost");
    tap_ok(after->end == END_EXIT && after->code == 5, "the next one is good");
    client_ack(c);
    tap_ok(stat(path, &st) == 0 && st.st_size == 0, "and the journal ends empty");
    (void)client_close(c);
    free(path);
}

/* More than one generation holds; the old one goes when its last run is acknowledged. */
static void test_generations(void)
{
    struct client *c = client_open_as(7);
    char *first = journal_path(c), *second = xasprintf("%s/journal.2", c->spool);
    struct heard *pin =
        client_order(c, (struct start){.run = 100, .text = "exec tail -f /dev/null"});
    (void)client_await(c, &pin->started);
    for (uint64_t n = 0; n < 1100 && access(second, F_OK) < 0; n += 50) {
        struct client batch = *c; /* each batch has a list of runs of its own */
        batch.nruns = 0;
        memset(batch.run, 0, sizeof batch.run);
        for (uint64_t k = 0; k < 50; k++)
            (void)client_order(&batch, (struct start){.run = 1000 + n + k, .text = ":"});
        for (uint64_t k = 0; k < 50; k++)
            (void)client_await(&batch, &batch.run[k].ended);
        client_ack(&batch);
        c->in = batch.in;
        c->reader = batch.reader;
        c->pongs = batch.pongs;
    }
    tap_ok(access(second, F_OK) == 0 && access(first, F_OK) == 0,
           "a long run keeps its journal while a new one is begun");
    client_kill(c, pin, 0);
    (void)client_await(c, &pin->ended);
    tap_ok(pin->end == END_CANCELLED, "its result is found in the old one");
    client_ack(c);
    tap_ok(access(first, F_OK) < 0 && access(second, F_OK) == 0,
           "which goes when the run is acknowledged");
    (void)client_close(c);
    c = client_open_as(7);
    tap_int((long long)c->nruns, 0, "nothing is left");
    (void)client_close(c);
    free(first);
    free(second);
}

/* Makes a record of a run count as never written. */
static bool spoil(const char *path, uint64_t run, enum record_kind kind)
{
    struct record record;
    bool found = false;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    for (off_t at = 0; !found && pread(fd, &record, sizeof record, at) == sizeof record;
         at += JOURNAL_RECORD)
        if (record.key.run == run && record.kind == kind) {
            record.crc++;
            found = pwrite(fd, &record, sizeof record, at) == sizeof record;
        }
    close(fd);
    return found;
}

/* The word that a run is acknowledged was lost, and its cell is a live run's now. */
static void lose_ack(uint64_t number, bool result_too)
{
    struct client *c = client_open_as(7);
    char *path = journal_path(c);
    /* it keeps the journal from being emptied */
    struct heard *pin =
        client_order(c, (struct start){.run = number, .text = "exec tail -f /dev/null"});
    (void)client_await(c, &pin->started);
    (void)client_do(c, (struct start){.run = number + 1, .text = "echo old"});
    client_ack(c);
    (void)client_order(
        c, (struct start){.run = number + 2, .text = "echo new; exec tail -f /dev/null"});
    struct heard *run = client_run(c, client_key(number + 2, 1));
    while (run->stream[0].len < 4 && client_listen(c, CLIENT_WAIT_MS))
        ;
    (void)kill(c->pid, SIGKILL);
    (void)client_close(c);
    bool spoilt = spoil(path, number + 1, RECORD_ACKED);
    if (result_too)
        spoilt = spoil(path, number + 1, RECORD_RESULT) && spoilt;

    c = client_open_as(7);
    struct heard *old = client_run(c, client_key(number + 1, 1));
    client_adopt(c, old);
    tap_ok(spoilt && client_await(c, &old->ended), "a run whose ACK was lost is announced again");
    tap_int((long long)old->end, result_too ? END_LOST : END_EXIT, "and ends as it can be known");
    client_ack(c);
    run = client_run(c, client_key(number + 2, 1));
    client_adopt(c, run);
    client_kill(c, run, 0);
    (void)client_await(c, &run->ended);
    tap_ok(run->end == END_CANCELLED, "the run that has its cell now is the one that is reached");
    tap_str(client_text(&run->stream[0]), "new\n",
            "and acknowledging the old one took nothing of it");
    pin = client_run(c, client_key(number, 1));
    client_adopt(c, pin);
    client_kill(c, pin, 0);
    (void)client_await(c, &pin->ended);
    client_ack(c);
    (void)client_close(c);
    c = client_open_as(7);
    tap_int((long long)c->nruns, 0, "all three are forgotten");
    (void)client_close(c);
    free(path);
}

/* The table of cells was cut, or made anew: a run that began in a cell beyond it cannot be followed, but its
 * spool is no trap for the worker. */
static void test_cell_beyond(void)
{
    struct client *c = client_open_as(7);
    char *path = journal_path(c);
    struct record record;
    struct err err = {0};
    memset(&record, 0, sizeof record);
    record.kind = RECORD_STARTED;
    record.key = client_key(90, 1);
    record.at = moment_now(moment_boot());
    record.started.cell = 4000;
    record_seal(&record);
    (void)client_do(c, (struct start){.run = 91, .text = "exit 3"});
    (void)client_close(c);
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    tap_int(record_append(fd, &record, 1, &err), 0, "a run in a cell that the table has not");
    close(fd);
    c = client_open_as(7);
    struct heard *lost = client_run(c, client_key(90, 1)), *run = client_run(c, client_key(91, 1));
    client_adopt(c, lost);
    client_adopt(c, run);
    tap_ok(client_await(c, &lost->ended) && lost->end == END_LOST, "it is lost");
    tap_ok(client_await(c, &run->ended) && run->code == 3, "and the others are as they were");
    client_ack(c);
    (void)client_close(c);
    c = client_open_as(7);
    tap_int((long long)c->nruns, 0, "both are forgotten");
    (void)client_close(c);
    free(path);
}

int main(void)
{
    client_init();
    test_cell_beyond();
    test_journal();
    lose_ack(70, false);
    lose_ack(80, true);
    test_generations();
    return tap_done();
}
