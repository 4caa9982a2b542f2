#include "transport_test.h"

static int open_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

int main(int argc, char **argv)
{
    struct host_config host = {.name = "local", .address = "local"};
    struct err err;
    (void)argc;
    test_begin(argv);
    int before = open_descriptors();
    struct link *link = link_up(&transport_local, &host, &err);
    tap_ok(link != NULL, "the worker of this machine is found and started");
    tap_ok(link && link_echoes(link, 8 << 20, &err), "8 MB there and back are byte-exact");
    transport_local.close(link);
    tap_int(open_descriptors(), before, "closing leaves no descriptor");
    tap_ok(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "and no process");

    host.worker = (char *)in_dir("talks");
    put_file(host.worker,
             "#!/bin/sh\necho noise; printf 'more '; echo rota-worker $2\nprintf rest\n");
    (void)chmod(host.worker, 0755);
    link = link_up(&transport_local, &host, &err);
    char text[16] = "";
    ssize_t n = 0;
    for (int i = 0; link && n == 0 && i < 100; i++) {
        n = transport_local.read(link, text, sizeof text - 1, &err);
        if (n == 0)
            link_wait(link);
    }
    tap_str(text, "rest", "what comes after the greeting is read, what came before is not");
    for (int i = 0; link && n > 0 && i < 100; i++)
        do {
            n = transport_local.read(link, text, sizeof text, &err);
            if (n == 0)
                link_wait(link);
        } while (n == 0);
    tap_ok(n < 0 && strstr(err.msg, "ended"), "a worker that ends fails the next read");
    transport_local.close(link);

    host.worker = (char *)in_dir("fails");
    put_file(host.worker, "#!/bin/sh\necho first >&2; echo no room for a spool >&2; exit 71\n");
    (void)chmod(host.worker, 0755);
    refuses(&transport_local, &host, "ended at once|no room for a spool",
            "a worker that ends early is named, with its last words");
    host.worker = "/nonexistent/rota-worker";
    refuses(&transport_local, &host, "/nonexistent/rota-worker|No such file",
            "a worker that is not there is named");
    host.worker = (char *)in_dir("silent");
    put_file(host.worker, "#!/bin/sh\nexec cat\n");
    (void)chmod(host.worker, 0755);
    (void)setenv("ROTA_TEST_STEP_MS", "200", 1);
    refuses(&transport_local, &host, "says nothing", "a worker that says nothing runs out of time");
    tap_ok(transport_of(TRANSPORT_LOCAL) == &transport_local &&
               transport_of(TRANSPORT_SSH) == &transport_ssh &&
               transport_of(TRANSPORT_EXEC) == &transport_exec &&
               transport_of(TRANSPORT_OPENSSH) == &transport_openssh,
           "transports are found by kind");
    remove_dir();
    return tap_done();
}
