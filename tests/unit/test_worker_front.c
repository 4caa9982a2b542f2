/* What outlives a front end: adoption, refusal, takeover. */
#include "worker_client.h"

#include <sys/mman.h>
#include <time.h>

#include "worker/cell.h"

/* ---- refusals ---- */

static void refused(uint64_t version, uint64_t fence, const char *spool, const char *want)
{
    struct client *c = client_start();
    client_hello_as(c, version, fence, spool);
    (void)client_await(c, &c->refused);
    if (!tap_ok(c->refused && c->reason && strstr(c->reason, want), "refused: %s", want))
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

static void test_adoption(void)
{
    struct client *c = client_open_as(6);
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

    c = client_open_as(6);
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
    c = client_open_as(6);
    tap_int((long long)c->nruns, 0, "what is acknowledged is forgotten");
    (void)client_close(c);
    (void)unlink(fifo);
    free(fifo);
}

static void test_ended_alone(void)
{
    struct client *c = client_open_as(6);
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
    c = client_open_as(6);
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
    struct client *c = client_open_as(6);
    char *witness = client_path("witness");
    struct start s = {.run = 4, .text = "echo x >>witness"};
    (void)client_order(c, s);
    struct heard *run = client_do(c, s);
    run->ended = false;
    (void)client_do(c, s);
    tap_ok(run->ended, "a START of an ended run brings its result again");
    (void)kill(c->pid, SIGKILL);
    (void)client_close(c);
    c = client_open_as(6);
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
    struct client *old = client_open_as(6);
    struct heard *run = client_order(old, (struct start){.run = 5, .text = "tail -f /dev/null"});
    (void)client_await(old, &run->started);
    struct client *fresh = client_open_as(7);
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
    struct client *third = client_open_as(7);
    tap_ok(third->ready, "a front end that is stopped is ended too");
    (void)client_close(third);
    (void)kill(fresh->pid, SIGCONT);
    (void)client_close(fresh);
}

/* Maps the worker's table of cells. */
static struct cell *map_cells(const struct client *c)
{
    char *path = xasprintf("%s/cells/table", c->spool);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    size_t size = (size_t)CELL_SLOT * 64;
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || p == MAP_FAILED)
        exit(1);
    close(fd);
    free(path);
    return p;
}

static int next_value(const sigset_t *set)
{
    siginfo_t info;
    struct timespec limit = {.tv_sec = CLIENT_WAIT_MS / 1000};
    return sigtimedwait(set, &info, &limit) == SIGUSR1 ? info.si_value.sival_int : -1;
}

/* A shim of a build that went by the value of SIGUSR1 and does not look at its cell: we are in its place. */
static void test_older_shim(void)
{
    struct client *c = client_open_as(7);
    char *path = client_path("job.pid");
    (void)client_order(
        c, (struct start){.run = 15, .text = "echo $$ >job.pid; exec tail -f /dev/null"});
    pid_t shim = client_parent_of(client_pid_in(path));
    (void)client_close(c);
    c = client_open_as(7);
    struct heard *run = client_run(c, client_key(15, 1));
    client_adopt(c, run);
    (void)client_sync(c);
    struct cell *cells = map_cells(c), *cell = cells + 1;
    while (cell->shim != shim && cell < cells + 63)
        cell++;
    sigset_t set, before;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &set, &before);
    tap_ok(cell->shim == shim && kill(shim, SIGSTOP) == 0, "in the place of an adopted shim");
    cell->shim = getpid();
    client_kill(c, run, SIGWINCH);
    client_kill(c, run, 0);
    (void)client_sync(c);
    tap_int(next_value(&set), SIGWINCH, "an older shim gets a signal by value");
    (void)client_sync(c);
    tap_int(next_value(&set), 0, "and a cancel, which the kernel dropped, at the next PING");
    cell->shim = shim;
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    (void)kill(shim, SIGCONT);
    (void)client_sync(c);
    (void)client_await(c, &run->ended);
    tap_int((long long)run->end, END_CANCELLED, "one that was stopped and says nothing ends too");
    client_ack(c);
    (void)client_close(c);
    (void)munmap(cells, (size_t)CELL_SLOT * 64);
    (void)unlink(path);
    free(path);
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
    test_older_shim();
    return tap_done();
}
