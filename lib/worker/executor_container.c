/*
 * The kind `container`: a command in a container of podman or docker, whichever works on the host.
 *
 * The client stays in the foreground as the main process of the run, and carries output and exit code. It is
 * not the container: docker's are descendants of a service, and podman's outlive their client. So what ends a
 * run goes to the container by its name, which is of this attempt alone, and at the end the container of that
 * name is removed, whatever became of client and shim.
 */
#include "worker/executor.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/capture.h"
#include "worker/launch.h"
#include "worker/limits.h"
#include "worker/relic.h"
#include "worker/shim.h"
#include "worker/tool.h"
#include "xalloc.h"

enum { ASK_MS = 30000, REMOVE_MS = 60000, TAIL = 8192, REMOVALS = 3 };

/* Where the file of $ROTA_OUTPUT is in a container. */
#define OUTPUT_INSIDE "/run/rota.output"

/* In the order in which they are tried. */
static const struct engine {
    const char *name;
    char *works[4];   /* says that it can make containers */
    const char *says; /* how its own messages begin, beside those of what is in the container */
    bool says_last;   /* nothing follows them */
    bool aside;       /* containers are a service's, and live on when that does not answer */
} engines[] = {
    {"podman", {"info", "--format", "{{.Host.Kernel}}"}, "Error: ", true, false},
    {"docker", {"version", "--format", "{{.Server.Version}}"}, "docker: ", false, true},
};

enum { ENGINES = sizeof engines / sizeof *engines };

/* What the run of this shim, or the note of a dead one, uses; a process sees only one. */
static const struct engine *engine;
static char *client; /* its path */

static char *name_of(const struct order *order)
{
    return xasprintf("rota-%016" PRIx64 ".%" PRIu64 ".%" PRIu32, order->key.token, order->key.run,
                     order->key.attempt);
}

/* ---- finding one ---- */

/* The first line of what a program said is enough of a reason. */
static void cut_line(char *said)
{
    said[strcspn(said, "\r\n")] = '\0';
}

/* Whether this one is there and works; if not, why is added to `why`. */
static bool try_engine(const struct order *order, const struct engine *e, struct buf *why)
{
    char said[512], *path = tool_find(order, e->name);
    char *argv[] = {path, e->works[0], e->works[1], e->works[2], NULL};
    buf_addf(why, "%s%s", why->len ? "; " : "", e->name);
    if (!path) {
        buf_addstr(why, " is not installed");
        return false;
    }
    if (e->aside && order->leash_ms) {
        buf_addstr(why, " cannot promise that a run ends with the worker (on_lost: retry)");
        free(path);
        return false;
    }
    int status = tool_run(order, argv, ASK_MS, said, sizeof said);
    if (status == 0) {
        engine = e;
        client = path;
        return true;
    }
    cut_line(said);
    if (status < 0)
        buf_addf(why, " did not answer within %d s", ASK_MS / 1000);
    else if (*said)
        buf_addf(why, ": %s", said);
    else
        buf_addf(why, " info failed with %d", status);
    free(path);
    return false;
}

static int find_engine(const struct order *order, struct err *err)
{
    struct buf why = {0};
    bool found = false;
    for (size_t i = 0; i < ENGINES && !found; i++)
        found = try_engine(order, &engines[i], &why);
    int rc = found ? 0
                   : err_set(err, ERR_ANSWER, "neither podman nor docker works on this host: %s",
                             buf_str(&why));
    buf_free(&why);
    return rc;
}

/* ---- what it becomes ---- */

static const char *check(const struct order *order)
{
    const char *image = order_option(order, "image");
    if (!image)
        return "the order has no image to run";
    return *image == '-' ? "the name of an image does not begin with '-'" : NULL;
}

/* By name, without its value: the client takes that from its own environment. */
static void add_env(struct strlist *argv, const char *entry)
{
    strlist_add(argv, "--env");
    strlist_take(argv, xstrndup(entry, strcspn(entry, "=")));
}

static void add_environment(struct strlist *argv, const struct order *order)
{
    static const char *const ours[] = {"ROTA_RUN", "ROTA_ATTEMPT", "ROTA_TOKEN"};
    for (size_t i = 0; i < order->env.n; i++)
        add_env(argv, order->env.v[i]);
    for (size_t i = 0; i < order->secrets.n; i++)
        add_env(argv, order->secrets.v[i]);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        add_env(argv, ours[i]);
}

/* What the run may tell others goes through a file of the host, which a mount needs to be there. */
static void add_output(struct strlist *argv, const struct order *order)
{
    int fd = order->output
                 ? open(order->output, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)
                 : -1;
    if (fd < 0)
        return;
    bool theirs = !order->as || fchown(fd, order->as->uid, order->as->gid) == 0;
    if (theirs &&
        fchmod(fd, 0666) == 0) { /* the directory is closed; an image may have a user of its own */
        strlist_take(argv, xasprintf("--volume=%s:%s", order->output, OUTPUT_INSIDE));
        strlist_add(argv, "--env=ROTA_OUTPUT=" OUTPUT_INSIDE);
    }
    close(fd);
}

/* Options that stand in the order as the client takes them. */
static void add_options(struct strlist *argv, const struct order *order)
{
    static const char *const same[][2] = {
        {"mounts", "--volume="}, {"network", "--network="}, {"pull", "--pull="}};
    for (size_t i = 0; i < order->options.n; i++)
        for (size_t k = 0; k < sizeof same / sizeof *same; k++) {
            const char *value = pair_value(order->options.v[i], same[k][0], strlen(same[k][0]));
            if (value)
                strlist_take(argv, xasprintf("%s%s", same[k][1], value));
        }
}

static void add_limits(struct strlist *argv, const struct order *order)
{
    if (order->memory)
        strlist_take(argv, xasprintf("--memory=%" PRIu64 "b", order->memory));
    if (order->cpu)
        strlist_take(
            argv, xasprintf("--cpus=%" PRIu32 ".%03" PRIu32, order->cpu / 1000, order->cpu % 1000));
}

static void add_all(struct strlist *argv, const struct order *order)
{
    char *name = name_of(order);
    strlist_add(argv, client);
    strlist_add(argv, "run");
    strlist_add(argv, "--rm");
    strlist_take(argv, xasprintf("--name=%s", name));
    strlist_add(argv, "--log-driver=none"); /* the output is kept once, by us */
    strlist_add(argv, "--stop-timeout=0");  /* who waited for its end is us */
    if (order->input)
        strlist_add(argv, "--interactive");
    if (order->workdir && *order->workdir)
        strlist_take(argv, xasprintf("--workdir=%s", order->workdir));
    add_limits(argv, order);
    add_options(argv, order);
    add_environment(argv, order);
    add_output(argv, order);
    strlist_add(argv, order_option(order, "image"));
    free(name);
}

/* What is needed to remove it when the shim is dead. */
static int note(const struct order *order, struct err *err)
{
    struct strlist options = {0};
    strlist_take(&options, xasprintf("image=%s", order_option(order, "image")));
    strlist_take(&options, xasprintf("client=%s", client));
    int rc = relic_note(order, FD_CELLS, &options, err);
    strlist_free(&options);
    return rc;
}

/* What is not noted, as no secret is, would have a container looked for elsewhere, and called gone. */
static int check_secrets(const struct order *order, struct err *err)
{
    for (size_t i = 0; i < order->secrets.n; i++)
        if (relic_keeps(order->secrets.v[i]))
            return err_set(err, ERR_ANSWER,
                           "%.*s says where containers are kept, and has to be in env: as a secret "
                           "it could not be kept for clearing up",
                           (int)strcspn(order->secrets.v[i], "="), order->secrets.v[i]);
    return 0;
}

static int prepare(const struct order *order, struct launch *launch, struct err *err)
{
    struct strlist argv = {0};
    int rc = check_secrets(order, err);
    if (rc == 0)
        rc = find_engine(order, err);
    if (rc == 0)
        rc = note(order, err);
    if (rc < 0)
        return rc;
    add_all(&argv, order);
    launch->argv = launch_argv(order, argv.v, argv.n);
    launch->name = client;
    launch->directory = xstrdup("/"); /* workdir is inside */
    return 0;
}

/* ---- its end ---- */

/* Whether there is no container of that name any more. */
static bool remove_it(const struct order *order)
{
    static const char *const gone[] = {"o such container", "o container with name",
                                       "already in progress"};
    char said[512], *name = name_of(order);
    char *argv[] = {client, "rm", "--force", name, NULL};
    int status = tool_run(order, argv, REMOVE_MS, said, sizeof said);
    free(name);
    for (size_t i = 0; status > 0 && i < sizeof gone / sizeof *gone; i++)
        if (strstr(said, gone[i]))
            status = 0;
    return status == 0;
}

static bool signal_it(const struct order *order, int sig)
{
    char said[64], *name = name_of(order), *option = xasprintf("--signal=%d", sig);
    char *argv[] = {client, "kill", option, name, NULL};
    int status = tool_run(order, argv, ASK_MS, said, sizeof said);
    free(name);
    free(option);
    return status == 0;
}

/* Its client and podman's monitor end when the container does, and put it away: they get some rounds for
 * that before they are killed. A container that is not there yet has a client that fetches the image. */
static bool kill_it(const struct order *order, int sig)
{
    static int removals;
    if (!engine)
        return false;
    if (sig != SIGKILL)
        return signal_it(order, sig);
    return remove_it(order) && removals++ < REMOVALS;
}

static bool is_last_line(const char *text, const char *words)
{
    size_t len = strlen(text);
    while (len && text[len - 1] == '\n')
        len--;
    while (len && text[len - 1] != '\n')
        len--;
    return strncmp(text + len, words, strlen(words)) == 0;
}

/* The client ends with 125 to 127 when it could make no container or start nothing in it, but also with
 * whatever ended so inside: only the former is said by itself. */
static void explain_refusal(const struct order *order, struct record_result *r)
{
    char text[TAIL], *line;
    struct capture err = {
        .dir = FD_CELLS, .cell = (uint32_t)order->cell, .stream = 1, .limit = order->out_limit};
    capture_tail(&err, r->total[1] - r->dropped[1], r->ring[1], text, sizeof text);
    bool last = is_last_line(text, engine->says);
    line = last || !engine->says_last ? capture_last_line(text, engine->says) : NULL;
    if (!line)
        return;
    r->end = END_NOSTART;
    r->code = 0;
    (void)snprintf(r->reason, sizeof r->reason, "%s: %s", engine->name, line);
}

/* A command that a signal ended comes from the client as 128 and its number. */
static void explain(const struct order *order, struct record_result *r)
{
    if (r->end == END_EXIT && r->code >= 125 && r->code <= 127)
        explain_refusal(order, r);
    else if (r->end == END_EXIT && r->code == 128 + SIGKILL)
        limits_suspect(order, r);
}

static void result(const struct order *order, struct launch *launch, struct record_result *r)
{
    (void)launch;
    explain(order, r);
    if (remove_it(order)) {
        relic_forget(order, FD_CELLS);
        return;
    }
    char *name = name_of(order);
    if (!*r->reason) /* the note stays: the next front end tries again */
        (void)snprintf(r->reason, sizeof r->reason, "%s cannot remove the container %s",
                       engine->name, name);
    free(name);
}

static int clear(const struct order *order)
{
    const char *path = order_option(order, "client");
    if (!path)
        return -1;
    client = xstrdup(path);
    return remove_it(order) ? 0 : -1;
}

const struct executor executor_container = {.name = "container",
                                            .check = check,
                                            .prepare = prepare,
                                            .kill = kill_it,
                                            .result = result,
                                            .clear = clear,
                                            .holds_limits = true};
