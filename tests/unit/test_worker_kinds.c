/* What orders for containers and requests become: refusals, argument vectors, the note for a dead shim. */
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "worker/executor.h"
#include "worker/launch.h"
#include "worker/relic.h"
#include "worker/shim.h"
#include "xalloc.h"

static char dir[] = "/tmp/rota-kinds-XXXXXX";
static struct account own = {.name = "me", .home = "/", .shell = "/bin/sh"};

/* An order of these options, NULL-terminated, as a START says it. */
static struct order *order_of(const char *executor, const char *const options[])
{
    struct buf bytes = {0};
    struct message_reader reader = {0};
    struct message m;
    struct message_writer w = message_begin(&bytes, MSG_START);
    char *path = xasprintf("PATH=%s", dir);
    message_key(&w, (struct message_key){.run = 7, .attempt = 2, .token = 0xabc});
    message_str(&w, TAG_EXECUTOR, executor);
    message_str(&w, TAG_ENV, path);
    message_str(&w, TAG_ENV, "WORD=secret");
    for (; *options; options++)
        message_str(&w, TAG_OPTION, *options);
    message_end(&w);
    if (message_next(&reader, &bytes, &m, NULL) <= 0)
        exit(1);
    struct order *order = order_read(&m);
    order->own = &own;
    order->cell = 3;
    message_reader_free(&reader);
    buf_free(&bytes);
    free(path);
    return order;
}

static void test_refusal(const char *executor, const char *option, const char *why)
{
    struct order *order = order_of(executor, (const char *const[]){option, NULL});
    tap_str(order->problem, why, why ? why : option);
    order_free(order);
}

static void make_program(const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        exit(1);
    close(fd);
    free(path);
}

static char *words_of(char **argv)
{
    struct buf all = {0};
    for (; *argv; argv++)
        buf_addf(&all, "%s%s", all.len ? " " : "", *argv);
    return buf_detach(&all);
}

static void test_container(void)
{
    struct launch launch = {0};
    struct err err = {0};
    struct order *order = order_of(
        "container", (const char *const[]){"image=x:1", "mounts=/a:/b", "network=none", NULL});
    order->memory = 33554432;
    order->cpu = 1050;
    strlist_add(&order->args, "--rm");
    tap_ok(order->executor->prepare(order, &launch, &err) == 0, "it is prepared %s", err.msg);
    char *words = words_of(launch.argv);
    char *want = xasprintf("%s/podman run --rm --name=rota-0000000000000abc.7.2 --log-driver=none "
                           "--stop-timeout=0 --memory=33554432b --cpus=1.050 --volume=/a:/b "
                           "--network=none --env PATH --env WORD --env ROTA_RUN --env ROTA_ATTEMPT "
                           "--env ROTA_TOKEN x:1 --rm",
                           dir);
    tap_str(words, want, "the argument vector of a container");
    tap_str(launch.directory, "/", "its client starts where there is always a directory");
    free(want);
    free(words);
    order_free(order);
}

static void test_note(void)
{
    struct buf note = {0};
    struct message_key key = {.run = 7, .attempt = 2, .token = 0xabc};
    char *path = xasprintf("%s/3.0000000000000abc.relic", dir);
    tap_ok(io_read_file(path, 65536, &note, NULL) == 0, "there is a note for a dead shim");
    tap_ok(!memmem(buf_data(&note), note.len, "secret", 6), "without what may be secret");
    tap_ok(relic_clear(FD_CELLS, 4, key, &own) == 0, "of another cell there is none");
    struct order *order = order_of("container", (const char *const[]){"image=x:1", NULL});
    relic_forget(order, FD_CELLS);
    tap_ok(relic_clear(FD_CELLS, 3, key, &own) == 0, "nor when it was taken away");
    order_free(order);
    buf_free(&note);
    free(path);
}

/* The file that curl reads, by the last word of its arguments. */
static void test_http(void)
{
    struct launch launch = {0};
    struct err err = {0};
    struct buf config = {0};
    struct order *order = order_of(
        "http", (const char *const[]){"url=http://h/?a=\"b\\", "method=PUT", "headers=A=b=c",
                                      "headers=E=", "follow=true", "connect_timeout=1500", NULL});
    tap_ok(order->executor->prepare(order, &launch, &err) == 0, "it is prepared %s", err.msg);
    char *words = words_of(launch.argv);
    tap_ok(strstr(words, "/curl --disable --config /proc/self/fd/") && !strstr(words, "http:"),
           "nothing of a request is in its arguments: %s", words);
    (void)io_read_file(launch.argv[3], 65536, &config, NULL);
    const char *text = buf_str(&config);
    tap_ok(strstr(text, "\nurl = \"http://h/?a=\\\"b\\\\\"\n") != NULL, "quotes in a URL");
    tap_ok(strstr(text, "\nrequest = \"PUT\"\n") != NULL, "a method");
    tap_ok(strstr(text, "\nheader = \"A: b=c\"\nheader = \"E;\"\n") != NULL, "headers");
    tap_ok(strstr(text, "\nlocation\n") && strstr(text, "\nconnect-timeout = 1.500\n"),
           "redirections, and how long a connection may take");
    buf_free(&config);
    free(words);
    order_free(order);
}

static void remove_all(void)
{
    static const char *const names[] = {"podman", "curl"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = xasprintf("%s/%s", dir, names[i]);
        (void)unlink(path);
        free(path);
    }
    (void)rmdir(dir);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    int cells = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cells != FD_CELLS && dup2(cells, FD_CELLS) < 0)
        return 1;
    make_program("podman", "#!/bin/sh\nexit 0\n");
    make_program("curl", "#!/bin/sh\nexit 0\n");
    test_refusal("container", "pull=never", "the order has no image to run");
    test_refusal("container", "image=--privileged", "the name of an image does not begin with '-'");
    test_refusal("container", "image=x", NULL);
    test_refusal("http", "url=file:///etc/passwd",
                 "the order has no URL that begins with http:// or https://");
    test_refusal("http", "url=http://x\nproxy = y", "an option of the request has several lines");
    test_refusal("http", "method=GET", "the order has no URL that begins with http:// or https://");
    test_refusal("http", "url=http://x", NULL);
    test_refusal("nosuch", "a=b", "the worker on this host has no executor 'nosuch'");
    test_container();
    test_note();
    test_http();
    remove_all();
    int rc = tap_done();
    (void)fflush(stdout);
    _exit(rc); /* past the leak checker: what a shim has prepared is never freed (launch.h) */
}
