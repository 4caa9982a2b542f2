#include "worker/relic.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "io.h"
#include "worker/executor.h"
#include "worker/shim.h"
#include "xalloc.h"

enum { NOTE_MAX = 64 << 10 };

/* ---- the note ---- */

static const char *const kept[] = {
    "HOME",
    "PATH",
    "XDG_RUNTIME_DIR",
    "XDG_DATA_HOME",
    "XDG_CONFIG_HOME",
    "TMPDIR",
    "CONTAINER_HOST",
    "CONTAINERS_STORAGE_CONF",
    "CONTAINERS_CONF",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
};

bool relic_keeps(const char *entry)
{
    size_t len = strcspn(entry, "=");
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strlen(kept[i]) == len && strncmp(entry, kept[i], len) == 0)
            return true;
    return false;
}

static void name_note(uint32_t cell, uint64_t token, char name[64])
{
    (void)snprintf(name, 64, "%u.%016" PRIx64 ".relic", cell, token);
}

static void write_note(const struct order *order, const struct strlist *options, struct buf *note)
{
    struct message_writer w = message_begin(note, MSG_START);
    message_key(&w, order->key);
    message_str(&w, TAG_EXECUTOR, order->executor->name);
    message_str(&w, TAG_USER, order->user);
    for (size_t i = 0; i < options->n; i++)
        message_str(&w, TAG_OPTION, options->v[i]);
    for (size_t i = 0; i < order->env.n; i++)
        if (relic_keeps(order->env.v[i]))
            message_str(&w, TAG_ENV, order->env.v[i]);
    message_end(&w);
}

int relic_note(const struct order *order, int cells, const struct strlist *options, struct err *err)
{
    char name[64];
    struct buf note = {0};
    name_note((uint32_t)order->cell, order->key.token, name);
    write_note(order, options, &note);
    int fd = openat(cells, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int rc = fd < 0 ? err_sys(err, ERR_IO, "cannot write %s in the spool", name)
                    : io_write_all(fd, buf_data(&note), note.len, err);
    if (fd >= 0)
        close(fd);
    buf_free(&note);
    return rc;
}

static void forget(int cells, uint32_t cell, uint64_t token)
{
    char name[64];
    name_note(cell, token, name);
    (void)unlinkat(cells, name, 0);
}

void relic_forget(const struct order *order, int cells)
{
    forget(cells, (uint32_t)order->cell, order->key.token);
}

static struct order *read_note(int cells, const char *name)
{
    struct buf text = {0};
    struct message_reader reader = {0};
    struct message m;
    struct order *order = NULL;
    int fd = openat(cells, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && io_read_all(fd, NOTE_MAX, &text, NULL) == 0 &&
        message_next(&reader, &text, &m, NULL) > 0)
        order = order_read(&m);
    if (fd >= 0)
        close(fd);
    message_reader_free(&reader);
    buf_free(&text);
    return order;
}

/* ---- clearing ---- */

/* Whether nothing is left of it. A note that cannot be read was torn when the host went down. */
static bool clear(int cells, uint32_t cell, uint64_t token, const struct account *own)
{
    char name[64];
    struct accounts accounts = {0};
    name_note(cell, token, name);
    struct order *order = read_note(cells, name);
    bool done = true;
    if (order && order->executor && order->executor->clear) {
        order_find_account(order, own, &accounts);
        done = !order->problem && order->executor->clear(order) == 0;
    }
    order_free(order);
    accounts_free(&accounts);
    if (done)
        forget(cells, cell, token);
    return done;
}

/* Cuts the ties to the connection and to the spool's lock, as a shim does. */
static void detach(void)
{
    sigset_t none;
    (void)setsid();
    (void)prctl(PR_SET_NAME, "rota-clear");
    for (int fd = 0; fd < 3; fd++)
        (void)dup2(FD_NULL, fd);
    closefrom(FD_FREE);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

pid_t relic_clear(int cells, uint32_t cell, struct message_key key, const struct account *own)
{
    char name[64];
    name_note(cell, key.token, name);
    if (faccessat(cells, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    detach();
    _exit(clear(cells, cell, key.token, own) ? 0 : 1);
}

struct relics {
    struct relic {
        uint32_t cell;
        uint64_t token;
    } * v;
    size_t n;
};

static void add_relic(int cells, uint32_t cell, uint64_t token, void *arg)
{
    struct relics *relics = arg;
    (void)cells;
    relics->v = xreallocarray(relics->v, relics->n + 1, sizeof *relics->v);
    relics->v[relics->n++] = (struct relic){cell, token};
}

void relic_sweep(int cells, const struct account *own, leavings_live *is_live, const void *arg)
{
    struct relics relics = {0};
    /* all of them before the fork: there are other live runs by the time that they are cleared */
    leavings_each(cells, ".relic", is_live, arg, add_relic, &relics);
    if (relics.n && fork() == 0) {
        detach();
        for (size_t i = 0; i < relics.n; i++)
            (void)clear(cells, relics.v[i].cell, relics.v[i].token, own);
        _exit(0);
    }
    free(relics.v);
}
