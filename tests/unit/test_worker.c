/* What a worker does with runs: executors, results, output, environment, ends. */
#include "worker_client.h"

#include <pwd.h>
#include <sys/resource.h>

static uint64_t next_run = 1;

static void test_results(struct client *c)
{
    struct heard *run = client_do(c, (struct start){.run = next_run++, .text = "exit 3"});
    tap_ok(run->ended && run->end == END_EXIT && run->code == 3, "exit 3 is END_EXIT with code 3");
    tap_ok(run->maxrss > 0, "the result says how much memory it took");
    run = client_do(c, (struct start){.run = next_run++, .text = "kill -SEGV $$"});
    tap_ok(run->end == END_SIGNAL && run->signal == SIGSEGV, "a SIGSEGV shows its signal");
    run = client_do(
        c, (struct start){.run = next_run++, .executor = "exec", .arg = {"sh", "-c", "exit 0"}});
    tap_ok(run->end == END_EXIT && run->code == 0, "exec runs a program found in PATH");
    tap_ok(c->cpus > 0 && c->build && *c->build, "WELCOME tells processors and build");
}

static void test_executors(struct client *c)
{
    struct heard *run =
        client_do(c, (struct start){.run = next_run++,
                                    .executor = "exec",
                                    .arg = {"printf", "<%s>", "a b", "$HOME", "*"}});
    tap_str(client_text(&run->stream[0]), "<a b><$HOME><*>", "exec passes arguments as they are");
    run = client_do(c, (struct start){.run = next_run++,
                                      .executor = "script",
                                      .text = "#!/usr/bin/env bash\nx=(1 2 3)\necho ${#x[@]}\n"});
    tap_str(client_text(&run->stream[0]), "3\n",
            "a script runs under the interpreter of its #! line");
    run = client_do(c, (struct start){.run = next_run++,
                                      .executor = "script",
                                      .text = "read l\necho got $l\n",
                                      .input = "some input\n"});
    tap_str(client_text(&run->stream[0]), "got some input\n",
            "a script without #! runs under sh and can read its input");
    run = client_do(c, (struct start){.run = next_run++, .text = "wc -c", .input = ""});
    tap_str(client_text(&run->stream[0]), "0\n", "empty stdin is empty");
    run = client_do(c, (struct start){.run = next_run++, .text = "readlink /proc/self/fd/0; cat"});
    tap_str(client_text(&run->stream[0]), "/dev/null\n", "without stdin it is /dev/null");
}

static void test_nostart(struct client *c)
{
    static const struct {
        struct start start;
        const char *reason;
    } cases[] = {
        {{.text = "true", .workdir = "/no/such/dir"},
         "no such directory: /no/such/dir on this host"},
        {{.text = "true", .workdir = "/etc/passwd"}, "cannot enter /etc/passwd: Not a directory"},
        {{.executor = "exec", .arg = {"no-such-program"}},
         "cannot run 'no-such-program': No such file or directory"},
        {{.executor = "script", .text = "#!/no/such/sh\n"},
         "cannot run '#!/no/such/sh': No such file or directory"},
        {{.executor = "lathe", .text = "true"}, "the worker on this host has no executor 'lathe'"},
        {{.executor = "shell"}, "the order has no text to run"},
        {{.executor = "exec"}, "the order has no program to run"},
        {{.text = "true", .env = {"=x"}}, "an entry of the environment is not NAME=value: '=x'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct start s = cases[i].start;
        s.run = next_run++;
        struct heard *run = client_do(c, s);
        tap_ok(run->end == END_NOSTART, "not started: %s", cases[i].reason);
        tap_str(run->reason, cases[i].reason, "the reason says it");
    }
}

static void test_environment(struct client *c)
{
    (void)setenv("LEAK", "from-the-worker", 1);
    struct heard *run = client_do(c, (struct start){.run = next_run++,
                                                    .executor = "exec",
                                                    .arg = {"/usr/bin/env"},
                                                    .env = {"A=1", "A=2", "PATH=/usr/bin:/bin",
                                                            "ROTA_RUN=999", "ROTA_JOB=x"}});
    char *text = client_text(&run->stream[0]), line[256];
    (void)snprintf(line, sizeof line, "ROTA_RUN=%" PRIu64 "\n", run->key.run);
    bool named = strstr(text, line) && strstr(text, "ROTA_ATTEMPT=1\n");
    (void)snprintf(line, sizeof line, "ROTA_TOKEN=%016" PRIx64 "\n", run->key.token);
    tap_ok(named && strstr(text, line) != NULL,
           "the run is named by the worker, whatever env says");
    tap_ok(!strstr(text, "ROTA_RUN=999"), "env cannot name another run");
    tap_ok(strstr(text, "A=2\n") && !strstr(text, "A=1\n"), "the later setting wins");
    tap_ok(strstr(text, "PATH=/usr/bin:/bin\n") != NULL, "env may set PATH");
    tap_ok(strstr(text, "LANG=C.UTF-8\n") && strstr(text, "USER=") && strstr(text, "LOGNAME=") &&
               strstr(text, "SHELL=/"),
           "the documented variables are there");
    (void)snprintf(line, sizeof line, "HOME=%s\n", client_dir);
    tap_ok(strstr(text, line) != NULL, "HOME is the home");
    tap_ok(!strstr(text, "ROTA_TEST_HOME"), "nothing of the worker's own environment is there");
    run = client_do(c, (struct start){.run = next_run++, .text = "pwd; umask"});
    (void)snprintf(line, sizeof line, "%s\n0022\n", client_dir);
    tap_str(client_text(&run->stream[0]), line, "it starts in the home with umask 022");
    char *sub = client_path("sub");
    (void)mkdir(sub, 0755);
    run = client_do(c, (struct start){.run = next_run++, .text = "pwd", .workdir = "~/sub"});
    (void)snprintf(line, sizeof line, "%s\n", sub);
    tap_str(client_text(&run->stream[0]), line, "workdir may begin with ~");
    run = client_do(c, (struct start){.run = next_run++, .text = "pwd", .workdir = "sub"});
    tap_str(client_text(&run->stream[0]), line, "a relative workdir is below the home");
    free(sub);
}

static void test_descriptors(struct client *c)
{
    /* 3 is what ls itself opens to look */
    struct heard *run = client_do(
        c, (struct start){.run = next_run++, .executor = "exec", .arg = {"ls", "/proc/self/fd"}});
    tap_str(client_text(&run->stream[0]), "0\n1\n2\n3\n",
            "a job has its three streams and nothing else");
    run = client_do(c, (struct start){.run = next_run++, .text = "ulimit -Sn"});
    struct rlimit limit;
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    tap_int(strtoll(client_text(&run->stream[0]), NULL, 10), (long long)limit.rlim_cur,
            "a job has the limit of open files that the worker was started with");
    run = client_do(c, (struct start){.run = next_run++, .text = "cat /proc/self/status"});
    char *text = client_text(&run->stream[0]), *blocked = strstr(text, "SigBlk:"),
         *ignored = strstr(text, "SigIgn:");
    /* 32 and 33 are glibc's own: posix_spawn, which starts the worker here, ignores them */
    uint64_t own = UINT64_C(3) << 31;
    tap_ok(blocked && !strtoull(blocked + 7, NULL, 16) && ignored &&
               !(strtoull(ignored + 7, NULL, 16) & ~own),
           "a job has no signal blocked or ignored");
}

static void test_user(struct client *c)
{
    const struct passwd *nobody = getpwnam("nobody");
    if (geteuid() != 0 || !nobody) {
        struct heard *run =
            client_do(c, (struct start){.run = next_run++, .text = "true", .user = "root"});
        tap_ok(run->end == END_NOSTART && strstr(run->reason, "not root"),
               "another user needs a worker that is root");
        return;
    }
    struct heard *run = client_do(c, (struct start){.run = next_run++,
                                                    .text = "id -un; id -G; echo $USER $HOME",
                                                    .workdir = "/",
                                                    .user = "nobody"});
    char want[256];
    (void)snprintf(want, sizeof want, "nobody\n%u\nnobody %s\n", (unsigned)nobody->pw_gid,
                   nobody->pw_dir);
    tap_str(client_text(&run->stream[0]), want,
            "a run of another user has its ids, groups and home");
    run = client_do(c, (struct start){.run = next_run++,
                                      .executor = "script",
                                      .text = "#!/bin/sh\nid -un\n",
                                      .workdir = "/",
                                      .user = "nobody"});
    tap_str(client_text(&run->stream[0]), "nobody\n", "a script can be another user's");
    run = client_do(c, (struct start){.run = next_run++, .text = "true", .user = "no-such-user"});
    tap_str(run->reason, "no such user on this host: no-such-user", "an unknown user is said");
    if (strcmp(nobody->pw_dir, "/nonexistent") == 0) {
        run = client_do(c, (struct start){.run = next_run++, .text = "true", .user = "nobody"});
        tap_ok(run->end == END_NOSTART && strstr(run->reason, "set workdir"),
               "a home that is not there is no reason to run elsewhere");
    }
}

/* ---- output ---- */

static void test_output(struct client *c)
{
    struct heard *run = client_do(
        c, (struct start){.run = next_run++,
                          .text = "head -c 300000 /dev/urandom | tee bytes; echo oops >&2"});
    char *path = client_path("bytes");
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *bytes = xmalloc(300000);
    ssize_t n = read(fd, bytes, 300000);
    close(fd);
    tap_ok(n == 300000 && run->stream[0].len == 300000 &&
               memcmp(bytes, buf_data(&run->stream[0]), 300000) == 0,
           "300,000 bytes of binary output come back exactly");
    tap_str(client_text(&run->stream[1]), "oops\n", "standard error comes on its own");
    tap_ok(run->total[0] == 300000 && !run->dropped[0] && run->total[1] == 5,
           "the result counts both streams");
    (void)stat(path, &st);
    free(bytes);
    free(path);
}

static void test_cap(struct client *c)
{
    struct heard *run =
        client_do(c, (struct start){.run = next_run++, .text = "seq 1 100000", .limit = 1001});
    struct buf all = {0};
    for (int i = 1; i <= 100000; i++)
        buf_addf(&all, "%d\n", i);
    tap_ok(run->total[0] == all.len && run->dropped[0] == all.len - 1001,
           "output over the limit is counted, and what was dropped of it");
    tap_ok(run->stream[0].len == 1001 &&
               memcmp(buf_data(&run->stream[0]), buf_data(&all), 500) == 0 &&
               memcmp(buf_data(&run->stream[0]) + 500, buf_data(&all) + all.len - 501, 501) == 0,
           "its head and its tail are kept");
    run = client_do(c, (struct start){.run = next_run++, .text = "seq 1 100", .limit = 292});
    tap_ok(run->stream[0].len == 292 && !run->dropped[0] &&
               memcmp(buf_data(&run->stream[0]), buf_data(&all), 292) == 0,
           "output of exactly the limit is whole");
    run = client_do(c, (struct start){.run = next_run++, .text = "seq 1 100", .limit = 291});
    tap_int((long long)run->dropped[0], 1, "one byte more drops one byte");
    run = client_do(
        c,
        (struct start){.run = next_run++, .text = "head -c 20000000 /dev/zero", .limit = 100000});
    tap_ok(run->total[0] == 20000000 && run->stream[0].len == 100000,
           "much output takes no more room than the limit");
    buf_free(&all);
}

static void test_live_output(struct client *c)
{
    char *fifo = client_path("go");
    (void)mkfifo(fifo, 0600);
    struct heard *run = client_order(
        c, (struct start){.run = next_run++, .text = "echo early; read x <go; echo late"});
    while ((run->stream[0].len < 6 || !run->started) && client_listen(c, CLIENT_WAIT_MS))
        ; /* STARTED is said later */
    tap_ok(run->started && !run->ended && run->stream[0].len == 6,
           "output comes while the run lives");
    int fd = open(fifo, O_WRONLY | O_CLOEXEC);
    (void)!write(fd, "\n", 1);
    close(fd);
    (void)client_await(c, &run->ended);
    tap_str(client_text(&run->stream[0]), "early\nlate\n", "and the rest before the result");
    (void)unlink(fifo);
    free(fifo);
}

static void test_credit(struct client *c)
{
    struct heard *run = client_order(c, (struct start){.run = next_run++,
                                                       .text = "head -c 100000 /dev/zero",
                                                       .limit = 1 << 20,
                                                       .credit = 1000});
    struct heard *other = client_do(c, (struct start){.run = next_run++, .text = "echo x"});
    tap_ok(other->ended && other->stream[0].len == 2, "a run without credit holds up no other");
    bool quiet = client_sync(c);
    while (run->stream[0].len < 1000 && client_listen(c, CLIENT_WAIT_MS))
        ;
    tap_ok(quiet && run->stream[0].len == 1000 && !run->ended,
           "no more output comes than there is credit for, and no result before the output");
    client_credit(c, run, 1 << 20);
    (void)client_await(c, &run->ended);
    tap_ok(run->ended && run->stream[0].len == 100000, "more credit brings the rest");
}

/* ---- ends ---- */

/* A daemon that left its session and ignores TERM, started by a job that does not end. */
static const char stubborn[] =
    "setsid sh -c 'trap \"\" TERM; (trap \"\" TERM; echo $$ >daemon.pid; exec tail -f /dev/null) & "
    "exec tail -f /dev/null' & while [ ! -s daemon.pid ]; do :; done; exec tail -f /dev/null";

static void test_timeout(struct client *c)
{
    char *path = client_path("daemon.pid");
    struct heard *run = NULL;
    /* a machine so busy that the timeout came before the daemon gets longer */
    for (uint64_t ms = 300; ms < 10000 && access(path, F_OK) < 0; ms *= 3)
        run = client_do(
            c,
            (struct start){.run = next_run++, .text = stubborn, .timeout = ms, .kill_after = 100});
    tap_ok(run && run->end == END_TIMEOUT, "a run over its timeout ends by it");
    pid_t pid = client_pid_in(path);
    tap_ok(pid > 0 && client_is_gone(&pid),
           "nothing lives that called setsid and ignores TERM when the result comes");
    (void)unlink(path);
    free(path);
}

static void test_kill(struct client *c)
{
    char *path = client_path("main.pid");
    struct heard *run =
        client_order(c, (struct start){.run = next_run++,
                                       .text = "trap 'echo bye; exit 4' TERM; echo $$ >main.pid; "
                                               "tail -f /dev/null & wait"});
    pid_t pid = client_pid_in(path);
    client_kill(c, run, 0);
    (void)client_await(c, &run->ended);
    tap_ok(run->end == END_CANCELLED && run->code == 4, "KILL asks with TERM and says cancelled");
    tap_str(client_text(&run->stream[0]), "bye\n", "what it says on TERM is kept");
    tap_ok(client_is_gone(&pid), "and it is gone");
    (void)unlink(path);
    run = client_order(c, (struct start){.run = next_run++,
                                         .text = "trap 'echo hup' HUP; trap 'exit 5' USR2; echo $$ "
                                                 ">main.pid; while :; do :; done"});
    (void)client_pid_in(path);
    client_kill(c, run, SIGHUP);
    while (run->stream[0].len < 4 && client_listen(c, CLIENT_WAIT_MS))
        ;
    tap_ok(!run->ended && run->stream[0].len == 4, "KILL with a signal sends only that");
    client_kill(c, run, SIGUSR2);
    (void)client_await(c, &run->ended);
    tap_ok(run->end == END_EXIT && run->code == 5, "and the end is the job's own");
    (void)unlink(path);
    free(path);
}

/* A shim that has no time to look, for a moment: stopped. */
static void test_kill_together(struct client *c)
{
    char *path = client_path("main.pid");
    struct heard *run =
        client_order(c, (struct start){.run = next_run++,
                                       .text = "trap 'echo usr2' USR2; trap 'echo hup' HUP; "
                                               "trap 'exit 6' TERM; echo $$ >main.pid; "
                                               "while :; do :; done"});
    pid_t shim = client_parent_of(client_pid_in(path));
    tap_ok(shim > 1 && kill(shim, SIGSTOP) == 0, "a shim is stopped");
    client_kill(c, run, SIGUSR2);
    client_kill(c, run, SIGHUP);
    client_kill(c, run, 0);
    (void)client_sync(c);
    (void)kill(shim, SIGCONT);
    (void)client_await(c, &run->ended);
    tap_ok(run->end == END_CANCELLED && run->code == 6, "a KILL close after others is not lost");
    char *said = client_text(&run->stream[0]);
    tap_ok(strstr(said, "usr2") && strstr(said, "hup"), "nor are those: %s", said);
    (void)unlink(path);
    free(path);
}

static void test_leftovers(struct client *c)
{
    char *path = client_path("left.pid");
    struct start s = {.run = next_run++, .text = "sleep 1000 & echo $! >left.pid"};
    struct heard *run = client_do(c, s);
    pid_t pid = client_pid_in(path);
    tap_ok(run->end == END_EXIT && pid > 0 && client_is_gone(&pid),
           "what the main process leaves behind is killed");
    (void)unlink(path);
    s.run = next_run++;
    s.leave = 1;
    run = client_do(c, s);
    pid = client_pid_in(path);
    tap_ok(run->end == END_EXIT && pid > 0 && !client_is_gone(&pid),
           "or left, when it is asked for");
    (void)kill(pid, SIGKILL);
    tap_ok(client_until(client_is_gone, &pid), "and is then nobody's but the test's");
    (void)unlink(path);
    free(path);
}

int main(void)
{
    struct rlimit limit;
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 500; /* less than the hard limit, to see that jobs keep it */
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    client_init();
    struct client *c = client_open();
    test_results(c);
    test_executors(c);
    test_nostart(c);
    test_environment(c);
    test_descriptors(c);
    test_user(c);
    test_output(c);
    test_cap(c);
    test_live_output(c);
    test_credit(c);
    test_timeout(c);
    test_kill(c);
    test_kill_together(c);
    test_leftovers(c);
    client_ack(c);
    int status = client_close(c);
    tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 0,
           "the worker ends well when the head goes");
    return tap_done();
}
