/* What the tests of the transports share: a directory with a rota-worker of this build beside the
 * test, links driven to their end, an echo through them. */
#ifndef ROTA_TRANSPORT_TEST_H
#define ROTA_TRANSPORT_TEST_H

#include <ftw.h>

#include "build_id.h"
#include "clock.h"
#include "config.h"
#include "sshd.h"
#include "tap.h"
#include "transport.h"

static char *test_dir;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_dir(void)
{
    (void)nftw(test_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(test_dir);
    test_dir = NULL;
}

/* A stand-in that greets and then sends back what it gets. The library looks for rota-worker beside
 * the running program: so the test runs as a copy of itself in its own directory. */
__attribute__((unused)) static void test_begin(char **argv)
{
    char self[4096], worker[512];
    test_dir = getenv("ROTA_TEST_SELF");
    if (test_dir) {
        test_dir = xstrdup(test_dir);
        (void)unsetenv("ROTA_TEST_SELF");
        return;
    }
    const char *tmp = getenv("TMPDIR");
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    test_dir = xasprintf("%s/rota-transport.XXXXXX", tmp ? tmp : "/tmp");
    if (n <= 0 || !mkdtemp(test_dir))
        abort();
    self[n] = '\0';
    (void)snprintf(worker, sizeof worker, "%s/rota-worker", test_dir);
    put_file(worker,
             "#!/bin/sh\n# %s\n[ \"$1\" = serve ] || exit 64\necho rota-worker $2\nexec cat\n",
             ROTA_BUILD);
    if (chmod(worker, 0755) < 0 || run("cp '%s' '%s/test'", self, test_dir) != 0)
        abort();
    char *copy = xasprintf("%s/test", test_dir);
    (void)setenv("ROTA_TEST_SELF", test_dir, 1);
    *strrchr(self, '/') = '\0';
    (void)setenv("ROTA_TEST_UNIT", self, 1); /* BUILD_DIR/unit */
    (void)execv(copy, argv);
    abort();
}

/* A path in the test's directory; never freed before the end. */
__attribute__((unused)) static const char *in_dir(const char *name)
{
    static char paths[64][512];
    static size_t n;
    char *path = paths[n++ % 64];
    (void)snprintf(path, sizeof paths[0], "%s/%s", test_dir, name);
    return path;
}

/* Waits for what the link asks for. */
__attribute__((unused)) static void link_wait(const struct link *link)
{
    struct pollfd p = {.fd = link->fd, .events = link->events};
    int64_t ms = link->deadline ? link->deadline - clock_mono() : 30000;
    (void)poll(&p, 1, ms < 0 ? 0 : (int)ms);
}

/* 1: up; negative: failed. */
__attribute__((unused)) static int link_drive(struct link *link, struct err *err)
{
    for (;;) {
        int rc = link->transport->step(link, err);
        if (rc != 0)
            return rc;
        link_wait(link);
    }
}

/* Opens a link and drives it; NULL when it failed. */
__attribute__((unused)) static struct link *link_up(const struct transport *transport,
                                                    const struct host_config *host, struct err *err)
{
    *err = (struct err){0};
    struct link *link = transport->open(host, WORKER_SERVE, err);
    if (!link || link_drive(link, err) > 0)
        return link;
    transport->close(link);
    return NULL;
}

/* Sends len bytes and wants them back. As a dispatcher does: the buffer moves between writes. */
__attribute__((unused)) static bool link_echoes(struct link *link, size_t len, struct err *err)
{
    struct buf in = {0}, out = {0};
    char *sent = xmalloc(len);
    bool good = true;
    for (size_t i = 0; i < len; i++)
        sent[i] = (char)(i * 2654435761u >> 13);
    for (size_t queued = 0; good && in.len < len;) {
        bool idle = true;
        for (;;) {
            ssize_t n = link->transport->read(link, buf_room(&in, 30000), 30000, err);
            if (n < 0)
                good = false;
            if (n <= 0)
                break;
            buf_grew(&in, (size_t)n);
            idle = false;
        }
        if (queued < len && out.len < 100000) {
            size_t more = len - queued < 50000 ? len - queued : 50000;
            buf_add(&out, sent + queued, more);
            queued += more;
            idle = false;
        }
        while (good && out.len) {
            ssize_t n = link->transport->write(link, buf_data(&out), out.len, err);
            if (n < 0)
                good = false;
            if (n <= 0)
                break;
            buf_consume(&out, (size_t)n);
            idle = false;
        }
        if (good && idle)
            link_wait(link);
    }
    good = good && in.len == len && memcmp(buf_data(&in), sent, len) == 0;
    buf_free(&in);
    buf_free(&out);
    free(sent);
    return good;
}

/* That connecting fails, and what it says: each of the texts, separated by |. */
__attribute__((unused)) static void refuses(const struct transport *transport,
                                            const struct host_config *host, const char *texts,
                                            const char *what)
{
    struct err err;
    struct link *link = link_up(transport, host, &err);
    bool good = !link && err.code < 0;
    for (const char *p = texts; good && *p;) {
        size_t len = strcspn(p, "|");
        good = memmem(err.msg, strlen(err.msg), p, len) != NULL;
        p += len + (p[len] == '|');
    }
    if (!tap_ok(good && !strchr(err.msg, '\n'), "%s", what))
        printf("#   got: %s\n#  want: %s\n", link ? "(a connection)" : err.msg, texts);
    if (link)
        transport->close(link);
}

__attribute__((unused)) static void connects(const struct transport *transport,
                                             const struct host_config *host, const char *what)
{
    struct err err;
    struct link *link = link_up(transport, host, &err);
    if (!tap_ok(link && link_echoes(link, 1000, &err), "%s", what))
        printf("#   got: %s\n", err.msg);
    if (link)
        transport->close(link);
}

#endif
