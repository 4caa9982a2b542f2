/* Runs whose supervisor, host or head is gone, and what the supervisor does alone. */
#include "worker_client.h"

#include <sys/ptrace.h>

static void test_lost(bool adopted)
{
    struct client *c = client_open_as(7);
    char *path = client_path("job.pid"), *other = client_path("other.pid");
    uint64_t number = adopted ? 7 : 6;
    struct heard *run = client_order(
        c,
        (struct start){.run = number,
                       .text = "echo $$ >job.pid; setsid sh -c 'echo $$ >other.pid; exec tail -f "
                               "/dev/null' & echo said; exec tail -f /dev/null"});
    pid_t pid = client_pid_in(path), daemon = client_pid_in(other), shim = client_parent_of(pid);
    while (run->stream[0].len < 5 && client_listen(c, CLIENT_WAIT_MS))
        ;
    if (adopted) {
        (void)kill(c->pid, SIGKILL);
        (void)client_close(c);
        c = client_open_as(7);
        run = client_run(c, client_key(number, 1));
        client_adopt(c, run);
    }
    tap_ok(shim > 1 && kill(shim, SIGKILL) == 0, "the shim of %s run is killed",
           adopted ? "an adopted" : "a");
    (void)client_await(c, &run->ended);
    tap_ok(run->end == END_LOST && run->reason && strstr(run->reason, "supervisor is gone"),
           "the run is lost, with the reason");
    tap_ok(pid > 0 && daemon > 0 && client_until(client_is_gone, &pid) &&
               client_until(client_is_gone, &daemon),
           "and nothing of it lives: what was killed needs a moment at most");
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
    struct client *c = client_open_as(7);
    char *path = client_path("job.pid");
    (void)client_order(
        c, (struct start){.run = 8, .text = "echo $$ >job.pid; exec tail -f /dev/null"});
    pid_t pid = client_pid_in(path), shim = client_parent_of(pid);
    (void)kill(c->pid, SIGKILL);
    (void)client_close(c);
    (void)kill(shim, SIGKILL);
    (void)client_until(client_is_gone, &shim);
    c = client_open_as(7);
    struct heard *run = client_run(c, client_key(8, 1));
    tap_ok(run->listed, "a front end finds a run whose shim died unseen");
    client_adopt(c, run);
    (void)client_await(c, &run->ended);
    tap_ok(run->end == END_LOST && client_until(client_is_gone, &pid), "and ends it: it is lost");
    client_ack(c);
    (void)client_close(c);
    (void)unlink(path);
    free(path);
}

/* Makes that a process stops on its way out, after SIGKILL too: as good as uninterruptible. */
static bool hold(pid_t pid)
{
    return pid > 0 && ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT) == 0;
}

static bool is_held(void *arg)
{
    return waitpid(*(pid_t *)arg, NULL, __WALL | WNOHANG) == *(pid_t *)arg;
}

static void let_go(pid_t pid)
{
    (void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

/* So many that waiting for each of them would be longer than any head waits for a greeting. */
static void test_unkillable(void)
{
    enum { MANY = 12 };
    struct heard *run[MANY];
    pid_t pid[MANY];
    bool held = true, live = true, lost = true, gone = true;
    struct client *c = client_open_as(7);
    for (size_t i = 0; i < MANY; i++) {
        char *path = client_path("job.pid");
        (void)client_order(
            c, (struct start){.run = 200 + i, .text = "echo $$ >job.pid; exec tail -f /dev/null"});
        pid[i] = client_pid_in(path);
        held = hold(pid[i]) && held;
        (void)unlink(path);
        free(path);
    }
    (void)kill(c->pid, SIGKILL);
    (void)client_close(c);
    for (size_t i = 0; held && i < MANY; i++) {
        pid_t shim = client_parent_of(pid[i]);
        (void)kill(shim, SIGKILL);
        (void)client_until(client_is_gone, &shim);
    }
    c = client_open_as(7);
    if (!tap_ok(held && c->ready,
                "runs that cannot be killed do not keep a front end from greeting"))
        exit(1); /* which lets all of them go */
    for (size_t i = 0; i < MANY; i++) {
        run[i] = client_run(c, client_key(200 + i, 1));
        live = client_until(is_held, &pid[i]) && run[i]->state == MESSAGE_RUN_LIVE && live;
        client_adopt(c, run[i]);
        client_kill(c, run[i], i % 2 ? SIGHUP : 0); /* no shim is there to be asked */
    }
    for (int turn = 0; turn < 2; turn++) /* the first may have been under way before */
        live = client_sync(c) && live;
    tap_ok(live, "nor from answering, also when asked to end them: they are killed, and live");
    for (size_t i = 0; i < MANY; i++)
        live = !run[i]->ended && live;
    tap_ok(live, "none is called lost while it is there");
    for (size_t i = 0; i < MANY; i++) {
        let_go(pid[i]);
        lost = client_await(c, &run[i]->ended) && run[i]->end == END_LOST && lost;
        gone = client_until(client_is_gone, &pid[i]) && gone;
    }
    tap_ok(lost && gone, "each is lost when it is gone at last, without being asked for");
    client_ack(c);
    (void)client_close(c);
}

static void test_reboot(void)
{
    (void)setenv("ROTA_TEST_BOOT_ID", "first", 1);
    struct client *c = client_open_as(7);
    char *path = client_path("job.pid");
    (void)client_order(
        c, (struct start){.run = 9, .text = "echo $$ >job.pid; exec tail -f /dev/null"});
    pid_t pid = client_pid_in(path), shim = client_parent_of(pid);
    (void)client_close(c);
    (void)kill(shim, SIGKILL);
    (void)kill(pid, SIGKILL);
    (void)client_until(client_is_gone, &pid);
    (void)setenv("ROTA_TEST_BOOT_ID", "second", 1);
    c = client_open_as(7);
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
    struct client *c = client_open_as(7);
    char *path = client_path("job.pid");
    (void)client_order(c, (struct start){.run = 10,
                                         .text = "grep NoNewPrivs /proc/self/status >tethered; "
                                                 "echo $$ >job.pid; trap '' TERM; "
                                                 "tail -f /dev/null & wait; wait",
                                         .leash = 700});
    pid_t pid = client_pid_in(path);
    (void)client_sync(c);
    (void)client_close(c);
    tap_ok(pid > 0 && client_until(client_is_gone, &pid),
           "a run on a leash ends when no head comes for so long");
    char *tethered = client_path("tethered"), text[64] = "";
    int fd = open(tethered, O_RDONLY | O_CLOEXEC);
    tap_ok(fd >= 0 && read(fd, text, sizeof text - 1) > 0 && strstr(text, "\t1\n"),
           "and nothing of it can become a user whom its supervisor may not kill");
    close(fd);
    (void)unlink(tethered);
    free(tethered);
    c = client_open_as(7);
    struct heard *run = client_run(c, client_key(10, 1));
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
    struct client *c = client_open_as(7);
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
    c = client_open_as(7);
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
    struct client *c = client_open_as(7);
    char *path = client_path("job.pid");
    struct heard *run = client_order(
        c, (struct start){.run = 12, .text = "echo $$ >job.pid; exec tail -f /dev/null"});
    pid_t pid = client_pid_in(path), shim = client_parent_of(pid);
    (void)kill(shim, SIGTERM);
    (void)client_await(c, &run->ended);
    tap_ok(run->end == END_LOST && strstr(run->reason, "going down") && client_is_gone(&pid),
           "a supervisor that is told to end takes its run along, which is lost");
    client_ack(c);
    (void)client_close(c);
    (void)client_until(client_is_gone, &shim);
    (void)unlink(path);
    free(path);
}

int main(void)
{
    client_init();
    test_lost(false);
    test_lost(true);
    test_shim_killed_alone();
    test_unkillable();
    test_reboot();
    test_leash();
    test_timeout_alone();
    test_shutdown();
    return tap_done();
}
