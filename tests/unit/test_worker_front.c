/* What outlives a front end: adoption, refusal, takeover, the journal, lost runs. */
#include "worker_client.h"

/* ---- refusals ---- */

static void refused(uint64_t version, uint64_t fence, const char *spool, const char *want)
{
    struct client *c = client_start();
    client_hello_as(c, version, fence, spool);
    (void)client_await(c, &c->refused);
    tap_ok(c->refused && c->reason && strstr(c->reason, want), "refused: %s", want);
    if (!c->refused || !strstr(c->reason, want))
        printf("#   got: %s\n", c->reason ? c->reason : "(nothing)");
    bool welcomed = c->welcomed;
    int status = client_close(c);
    tap_ok(WIFEXITED(status) && !welcomed, "and the worker ends");
}

static void test_refusals(void)
{
    refused(99, 1, NULL, "speaks version 1, the head version 99");
    refused(MESSAGE_VERSION, 1, "not/absolute", "no absolute path");
    struct client *c = client_start();
    client_hello_as(c, MESSAGE_VERSION, 5, NULL);
    tap_ok(client_await(c, &c->ready), "a higher fence is welcome");
    (void)client_close(c);
    c = client_start();
    client_hello_as(c, MESSAGE_VERSION, 5, NULL);
    tap_ok(client_await(c, &c->ready), "the same one too");
    /* the living one of fence 5 is not touched by who comes with 4 */
    refused(MESSAGE_VERSION, 4, NULL, "a newer dispatcher");
    tap_ok(client_sync(c), "a refused one does not end the front end that is there");
    (void)client_close(c);
}

static void test_nonsense(void)
{
    struct client *c = client_start();
    struct buf out = {0};
    buf_addstr(&out, "GET / HTTP/1.0\r\n\r\nand more than one frame header of it");
    client_put(c, &out);
    while (!c->gone && client_listen(c, CLIENT_WAIT_MS))
        ;
    int status = client_close(c);
    tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 65,
           "bytes that are no frames end the worker");
}

/* ---- the front end dies, runs do not ---- */

static struct client *open_as(uint64_t fence)
{
    struct client *c = client_start();
    client_hello_as(c, MESSAGE_VERSION, fence, NULL);
    if (!client_await(c, &c->ready))
        printf("# not welcomed: %s\n", c->reason ? c->reason : "?");
    return c;
}

static void test_adoption(void)
{
    struct client *c = open_as(6);
    char *fifo = client_path("go");
    (void)mkfifo(fifo, 0600);
    struct heard *run =
        client_order(c, (struct start){.run = 1, .text = "echo one; read x <go; echo two; exit 7"});
    struct heard *quick = client_do(c, (struct start){.run = 2, .text = "echo quick; exit 1"});
    while (run->stream[0].len < 4 && client_listen(c, CLIENT_WAIT_MS))
        ;
    tap_ok(quick->ended && run->stream[0].len == 4, "two runs, one ended and unacknowledged");
    (void)kill(c->pid, SIGKILL);
    (void)client_close(c);

    c = open_as(6);
    run = client_run(c, client_key(1, 1));
    quick = client_run(c, client_key(2, 1));
    tap_ok(run->listed && run->state == MESSAGE_RUN_LIVE, "after kill -9 the live run is listed");
    tap_ok(quick->listed && quick->state == MESSAGE_RUN_ENDED, "and the one that ended");
    tap_ok(client_sync(c) && !run->stream[0].len && !quick->ended,
           "nothing is sent of them before they are adopted");
    client_adopt(c, quick);
    (void)client_await(c, &quick->ended);
    tap_str(client_text(&quick->stream[0]), "quick\n", "the output of the ended one comes again");
    tap_int((long long)quick->code, 1, "with its result");
    buf_addstr(&run->stream[0], "one\n"); /* the head has it already */
    client_adopt(c, run);
    int fd = open(fifo, O_WRONLY | O_CLOEXEC);
    (void)!write(fd, "\n", 1);
    close(fd);
    (void)client_await(c, &run->ended);
    tap_ok(run->ended && run->code == 7, "the adopted run's result comes");
    tap_str(client_text(&run->stream[0]), "one\ntwo\n", "its output goes on where the head was");
    client_ack(c);
    (void)client_close(c);
    c = open_as(6);
    tap_int((long long)c->nruns, 0, "what is acknowledged is forgotten");
    (void)client_close(c);
    (void)unlink(fifo);
    free(fifo);
}

static void test_ended_alone(void)
{
    struct client *c = open_as(6);
    char *fifo = client_path("go"), *done = client_path("done");
    (void)mkfifo(fifo, 0600);
    (void)client_order(
        c, (struct start){.run = 3, .text = "read x <go; echo alone; echo x >done; exit 9"});
    (void)client_sync(c);
    (void)client_close(c);
    int fd = open(fifo, O_WRONLY | O_CLOEXEC);
    (void)!write(fd, "\n", 1);
    close(fd);
    tap_ok(client_until(client_has_line, done), "a run goes on when the head goes");
    c = open_as(6);
    struct heard *run = client_run(c, client_key(3, 1));
    client_adopt(c, run);
    (void)client_await(c, &run->ended);
    tap_ok(run->listed && run->end == END_EXIT && run->code == 9,
           "and the result that came while nobody listened is there");
    tap_str(client_text(&run->stream[0]), "alone\n", "with its output");
    client_ack(c);
    (void)client_close(c);
    (void)unlink(fifo);
    (void)unlink(done);
    free(fifo);
    free(done);
}

static void test_once(void)
{
    struct client *c = open_as(6);
    char *witness = client_path("witness");
    struct start s = {.run = 4, .text = "echo x >>witness"};
    (void)client_order(c, s);
    struct heard *run = client_do(c, s);
    run->ended = false;
    (void)client_do(c, s);
    tap_ok(run->ended, "a START of an ended run brings its result again");
    (void)kill(c->pid, SIGKILL);
    (void)client_close(c);
    c = open_as(6);
    run = client_do(c, s);
    tap_ok(run->ended && run->end == END_EXIT, "also from the next front end");
    char *text = client_file(witness);
    tap_str(text, "x\n", "the run was executed exactly once");
    free(text);
    client_ack(c);
    (void)client_close(c);
    free(witness);
}

static void test_takeover(void)
{
    struct client *old = open_as(6);
    struct heard *run = client_order(old, (struct start){.run = 5, .text = "tail -f /dev/null"});
    (void)client_await(old, &run->started);
    struct client *fresh = open_as(7);
    tap_ok(fresh->ready, "a newer front end is welcome while an older lives");
    while (!old->gone && client_listen(old, CLIENT_WAIT_MS))
        ;
    tap_ok(old->gone, "which ends");
    int status = client_close(old);
    tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 75, "and says by its exit code why");
    run = client_run(fresh, client_key(5, 1));
    tap_ok(run->listed && run->state == MESSAGE_RUN_LIVE, "its run is the newer one's now");
    client_adopt(fresh, run);
    client_kill(fresh, run, 0);
    (void)client_await(fresh, &run->ended);
    tap_ok(run->end == END_CANCELLED && run->signal == SIGTERM, "which can cancel it");
    client_ack(fresh);
    (void)kill(fresh->pid, SIGSTOP);
    struct client *third = open_as(7);
    tap_ok(third->ready, "a front end that is stopped is ended too");
    (void)client_close(third);
    (void)kill(fresh->pid, SIGCONT);
    (void)client_close(fresh);
}

/* ---- lost ---- */

/* The shim is the parent of the job's main process. */
static pid_t parent_of(pid_t pid)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    char *text = client_file(path), *p = strrchr(text, ')');
    pid_t parent = p ? (pid_t)strtol(p + 4, NULL, 10) : 0;
    free(text);
    return parent;
}

static void test_lost(bool adopted)
{
    struct client *c = open_as(7);
    char *path = client_path("job.pid"), *other = client_path("other.pid");
    uint64_t number = adopted ? 7 : 6;
    struct heard *run = client_order(
        c,
        (struct start){.run = number,
                       .text = "echo $$ >job.pid; setsid sh -c 'echo $$ >other.pid; exec tail -f "
                               "/dev/null' & echo said; exec tail -f /dev/null"});
    pid_t pid = client_pid_in(path), daemon = client_pid_in(other), shim = parent_of(pid);
    while (run->stream[0].len < 5 && client_listen(c, CLIENT_WAIT_MS))
        ;
    if (adopted) {
        (void)kill(c->pid, SIGKILL);
        (void)client_close(c);
        c = open_as(7);
        run = client_run(c, client_key(number, 1));
        client_adopt(c, run);
    }
    tap_ok(shim > 1 && kill(shim, SIGKILL) == 0, "the shim of %s run is killed",
           adopted ? "an adopted" : "a");
    (void)client_await(c, &run->ended);
    tap_ok(run->end == END_LOST && run->reason && strstr(run->reason, "supervisor is gone"),
           "the run is lost, with the reason");
    tap_ok(pid > 0 && daemon > 0 && client_is_gone(&pid) && client_is_gone(&daemon),
           "and nothing of it lives when that is said");
    tap_str(client_text(&run->stream[0]), "said\n", "what it had written is kept");
    client_ack(c);
    (void)client_close(c);
    (void)unlink(path);
    (void)unlink(other);
    free(path);
    free(other);
}

static void test_shim_killed_alone(void)
{
    struct client *c = open_as(7);
    char *path = client_path("job.pid");
    (void)client_order(
        c, (struct start){.run = 8, .text = "echo $$ >job.pid; exec tail -f /dev/null"});
    pid_t pid = client_pid_in(path), shim = parent_of(pid);
    (void)kill(c->pid, SIGKILL);
    (void)client_close(c);
    (void)kill(shim, SIGKILL);
    (void)client_until(client_is_gone, &shim);
    c = open_as(7);
    struct heard *run = client_run(c, client_key(8, 1));
    tap_ok(run->listed && run->state == MESSAGE_RUN_ENDED && client_is_gone(&pid),
           "a front end finds a run whose shim died unseen, and ends it");
    client_adopt(c, run);
    (void)client_await(c, &run->ended);
    tap_int((long long)run->end, END_LOST, "it is lost");
    client_ack(c);
    (void)client_close(c);
    (void)unlink(path);
    free(path);
}

static void test_reboot(void)
{
    (void)setenv("ROTA_TEST_BOOT_ID", "first", 1);
    struct client *c = open_as(7);
    char *path = client_path("job.pid");
    (void)client_order(
        c, (struct start){.run = 9, .text = "echo $$ >job.pid; exec tail -f /dev/null"});
    pid_t pid = client_pid_in(path), shim = parent_of(pid);
    (void)client_close(c);
    (void)kill(shim, SIGKILL);
    (void)kill(pid, SIGKILL);
    (void)client_until(client_is_gone, &pid);
    (void)setenv("ROTA_TEST_BOOT_ID", "second", 1);
    c = open_as(7);
    struct heard *run = client_run(c, client_key(9, 1));
    client_adopt(c, run);
    (void)client_await(c, &run->ended);
    tap_ok(run->end == END_LOST, "a run of before a reboot is lost");
    tap_str(run->reason, "the host rebooted", "and says why");
    client_ack(c);
    (void)client_close(c);
    (void)unsetenv("ROTA_TEST_BOOT_ID");
    (void)unlink(path);
    free(path);
}

static void test_leash(void)
{
    struct client *c = open_as(7);
    char *path = client_path("job.pid");
    struct heard *run = client_order(c, (struct start){.run = 10,
                                                       .text = "echo $$ >job.pid; trap '' TERM; "
                                                               "tail -f /dev/null & wait; wait",
                                                       .leash = 700});
    pid_t pid = client_pid_in(path);
    (void)client_sync(c);
    (void)client_close(c);
    tap_ok(pid > 0 && client_until(client_is_gone, &pid),
           "a run on a leash ends when no head comes for so long");
    c = open_as(7);
    run = client_run(c, client_key(10, 1));
    client_adopt(c, run);
    (void)client_await(c, &run->ended);
    tap_ok(run->end == END_LOST && run->reason && strstr(run->reason, "lost_after"),
           "and is lost, with the reason");
    client_ack(c);
    (void)client_close(c);
    (void)unlink(path);
    free(path);
}

/* Timeouts are the shim's: nobody needs to be connected. */
static void test_timeout_alone(void)
{
    struct client *c = open_as(7);
    char *path = client_path("job.pid");
    (void)client_order(c, (struct start){.run = 11,
                                         .text = "echo $$ >job.pid; trap '' TERM; "
                                                 "tail -f /dev/null & wait; wait",
                                         .timeout = 1000,
                                         .kill_after = 50});
    pid_t pid = client_pid_in(path);
    (void)kill(c->pid, SIGKILL);
    (void)client_close(c);
    tap_ok(pid > 0 && client_until(client_is_gone, &pid),
           "a timeout ends a run that nobody is connected for");
    c = open_as(7);
    struct heard *run = client_run(c, client_key(11, 1));
    client_adopt(c, run);
    (void)client_await(c, &run->ended);
    tap_int((long long)run->end, END_TIMEOUT, "and the next front end says so");
    client_ack(c);
    (void)client_close(c);
    (void)unlink(path);
    free(path);
}

/* What a host does to everybody when it goes down is no cancel: nobody asked for that. */
static void test_shutdown(void)
{
    struct client *c = open_as(7);
    char *path = client_path("job.pid");
    struct heard *run = client_order(
        c, (struct start){.run = 12, .text = "echo $$ >job.pid; exec tail -f /dev/null"});
    pid_t pid = client_pid_in(path);
    (void)kill(parent_of(pid), SIGTERM);
    (void)client_await(c, &run->ended);
    tap_ok(run->end == END_LOST && strstr(run->reason, "going down") && client_is_gone(&pid),
           "a supervisor that is told to end takes its run along, which is lost");
    client_ack(c);
    (void)client_close(c);
    (void)unlink(path);
    free(path);
}

/* ---- the journal ---- */

static char *journal_path(const struct client *c)
{
    return xasprintf("%s/journal.1", c->spool);
}

static void test_journal(void)
{
    struct client *c = open_as(7);
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
    c = open_as(7);
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
    c = open_as(7);
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
    struct client *c = open_as(7);
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
    c = open_as(7);
    tap_int((long long)c->nruns, 0, "nothing is left");
    (void)client_close(c);
    free(first);
    free(second);
}

int main(void)
{
    client_init();
    test_refusals();
    test_nonsense();
    test_adoption();
    test_ended_alone();
    test_once();
    test_takeover();
    test_lost(false);
    test_lost(true);
    test_shim_killed_alone();
    test_reboot();
    test_leash();
    test_timeout_alone();
    test_shutdown();
    test_journal();
    test_generations();
    return tap_done();
}
