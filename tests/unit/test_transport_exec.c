#include "transport_test.h"

#include "child.h"

static int open_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* The worker is put into the home that the command leads to, as over ssh. */
static void test_push(struct host_config *host)
{
    char *command = xasprintf("env HOME='%s'", in_dir("a home"));
    (void)mkdir(in_dir("a home"), 0700);
    host->command = command;
    struct err err;
    struct link *link = link_up(&transport_exec, host, &err);
    if (!tap_ok(link != NULL, "a command that leads to a place without a worker: it gets one"))
        printf("#   got: %s\n", err.msg);
    if (!link)
        exit(tap_done());
    tap_int(run("test \"$(ls -A '%s/.cache/rota')\" = worker-%s", in_dir("a home"), ROTA_BUILD), 0,
            "and no temporary file is left");
    tap_ok(link_echoes(link, 8 << 20, &err), "8 MB there and back are byte-exact");
    transport_exec.close(link);
    connects(&transport_exec, host, "a second connection works");
    (void)run("rm -rf '%s/.cache' && touch '%s/.cache'", in_dir("a home"), in_dir("a home"));
    refuses(&transport_exec, host, "cannot be stored|mkdir|worker = PATH",
            "a home where nothing can be written is named, with the reason");
    host->command = NULL;
    free(command);
}

/* What each command leads to, and what is said of it. */
static void test_commands(struct host_config *host)
{
    static const struct {
        const char *command, *says, *what;
    } cases[] = {
        {"no-such-program -i", "no-such-program|not found", "a program that is not there"},
        {"sh -c 'echo denied >&2; exit 3' --", "status 3|denied", "one that fails by itself"},
        {"sh -c 'kill -9 $$' --", "Killed", "one that is killed"},
        {"true", "runs no command of ours", "one that does nothing"},
        {"sh -c yes --", "prints", "one that prints without end"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        host->command = (char *)cases[i].command;
        refuses(&transport_exec, host, cases[i].says, cases[i].what);
    }
    (void)setenv("ROTA_TEST_STEP_MS", "300", 1);
    host->command = "sh -c 'echo waiting for a lock >&2; exec sleep 1000' --";
    refuses(&transport_exec, host, "that answers|waiting for a lock",
            "one that hangs runs out of time, with its last words");
    (void)unsetenv("ROTA_TEST_STEP_MS");
}

static void test_tokens(struct host_config *host)
{
    host->worker = (char *)in_dir("rota-worker");
    host->command = "sh -c 'test \"$1 $2 $3\" = \"box w 100%\" || exit 9; shift 3; exec \"$@\"' "
                    "-- %h %n 100%%";
    connects(&transport_exec, host,
             "%h is the address, %n the name, and an installed worker is used");
    host->worker = "/nonexistent/rota-worker";
    host->command = "env";
    refuses(&transport_exec, host, "/nonexistent/rota-worker|does not start",
            "an installed worker that is not there is named");
    host->worker = NULL;
}

int main(int argc, char **argv)
{
    struct host_config host = {
        .name = "w", .address = "box", .transport = TRANSPORT_EXEC, .transport_set = true};
    (void)argc;
    test_begin(argv);
    int before = open_descriptors();
    test_push(&host);
    test_commands(&host);
    test_tokens(&host);
    child_end_all(100);
    tap_ok(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "nothing leaves a process");
    tap_int(open_descriptors(), before, "nothing leaves a descriptor");
    remove_dir();
    return tap_done();
}
