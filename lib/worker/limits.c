#include "worker/limits_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "worker/executor.h"
#include "worker/shim.h"
#include "xalloc.h"

enum { MEMORY_MIN = 1 << 20, CPU_MIN = 10, CPU_MAX = 10000000, NICE_MAX = 19, PATHS_MAX = 16384 };

const char *limits_check(const struct order *order)
{
    if (order->memory && (order->memory < MEMORY_MIN || order->memory > INT64_MAX / 4))
        return "memory: the limit is out of range";
    if (order->cpu && (order->cpu < CPU_MIN || order->cpu > CPU_MAX))
        return "cpu: the limit is out of range";
    if (order->nice < 0 || order->nice > NICE_MAX)
        return "nice: it is to be 0 to 19";
    return NULL;
}

void limits_tell(struct message_writer *w)
{
    message_str(w, TAG_FEATURE, "limits");
}

/* ---- what was made, on record ---- */

static void name_group(struct message_key key, char name[32])
{
    (void)snprintf(name, 32, "rota-%016" PRIx64, key.token);
}

static void name_record(uint32_t cell, uint64_t token, char name[64])
{
    (void)snprintf(name, 64, "%u.%016" PRIx64 ".groups", cell, token);
}

/* Before they are made. */
static int record(const struct order *order, const struct limits *limits, struct err *err)
{
    char name[64];
    name_record((uint32_t)order->cell, order->key.token, name);
    int fd = openat(FD_CELLS, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int rc = fd < 0 ? -1 : 0;
    for (size_t i = 0; rc == 0 && i < limits->homes.n; i++)
        if (dprintf(fd, "%s/%s\n", limits->homes.v[i].path, limits->name) < 0)
            rc = -1;
    if (rc < 0)
        (void)err_sys(err, ERR_ANSWER, "cannot write into the spool where the run's groups are");
    if (fd >= 0)
        close(fd);
    return rc;
}

/* Removes the groups on record, and that when they are gone. Only what is called as the run's own is touched,
 * whatever stands there: a run of the worker's account may write it. False: something runs in them still. */
static bool remove_recorded(int cells, uint32_t cell, uint64_t token, bool end)
{
    char record_name[64], name[32], text[PATHS_MAX];
    bool gone = true;
    name_record(cell, token, record_name);
    name_group((struct message_key){.token = token}, name);
    int fd = openat(cells, record_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return true;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    for (char *rest = text, *path; (path = strsep(&rest, "\n"));) {
        const char *slash = strrchr(path, '/');
        if (!slash || strcmp(slash + 1, name) != 0)
            continue;
        if (end)
            cgroup_kill(path);
        gone = cgroup_remove(path) && gone;
    }
    if (gone)
        (void)unlinkat(cells, record_name, 0);
    return gone;
}

bool limits_drop(int cells, uint32_t cell, struct message_key key)
{
    return remove_recorded(cells, cell, key.token, true);
}

static void remove_idle(int cells, uint32_t cell, uint64_t token, void *arg)
{
    (void)arg;
    (void)remove_recorded(cells, cell, token, false);
}

void limits_sweep(int cells, leavings_live *is_live, const void *arg)
{
    leavings_each(cells, ".groups", is_live, arg, remove_idle, NULL);
}

/* ---- a run ---- */

/* "512M": in the largest unit of which it is a whole number. */
static const char *size_text(uint64_t bytes, char text[32])
{
    static const char units[] = "KMGT";
    int unit = -1;
    while (bytes && bytes % 1024 == 0 && unit < 3) {
        bytes /= 1024;
        unit++;
    }
    (void)snprintf(text, 32, unit < 0 ? "%" PRIu64 " bytes" : "%" PRIu64 "%c", bytes,
                   units[unit < 0 ? 0 : unit]);
    return text;
}

static int make_groups(const struct order *order, struct limits *limits, struct err *err)
{
    if (record(order, limits, err) < 0)
        return ERR_ANSWER;
    for (size_t i = 0; i < limits->homes.n; i++) {
        limits->procs[i] =
            cgroup_make(&limits->homes.v[i], limits->name, order->memory, order->cpu, err);
        if (limits->procs[i] < 0)
            return ERR_ANSWER;
        limits->made++;
    }
    return 0;
}

/* Of a session of its own, as a shim is one, the kernel's scheduler may look at that one's nice value alone. */
static void tell_autogroup(int nice)
{
    char text[16];
    int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    int len = snprintf(text, sizeof text, "%d", nice);
    if (write(fd, text, (size_t)len) < 0)
        errno = 0; /* too often in a moment: the process's own value is what was promised */
    close(fd);
}

int limits_prepare(const struct order *order, struct launch *launch, struct err *err)
{
    unsigned wanted = (order->memory ? CGROUP_MEMORY : 0) | (order->cpu ? CGROUP_CPU : 0);
    struct err why, none;
    if (order->nice)
        tell_autogroup(order->nice);
    if (!wanted || order->executor->holds_limits)
        return 0;
    struct limits *limits = xcalloc(1, sizeof *limits);
    launch->limits = limits;
    name_group(order->key, limits->name);
    if (cgroup_find(wanted, &limits->homes, &why) == 0)
        return make_groups(order, limits, err);
    if (scope_prepare(order, launch, limits, &none) == 0)
        return 0;
    return err_set(err, ERR_ANSWER, "%s: this host lets account '%s' limit nothing: %s; %s",
                   wanted == CGROUP_MEMORY ? "memory"
                   : wanted == CGROUP_CPU  ? "cpu"
                                           : "memory, cpu",
                   order->own->name, why.msg, none.msg);
}

/* Who yields more already and may not go back, yields enough. */
static int set_nice(int nice)
{
    if (!nice || setpriority(PRIO_PROCESS, 0, nice) == 0)
        return 0;
    int saved = errno;
    if (getpriority(PRIO_PROCESS, 0) >= nice)
        return 0;
    errno = saved;
    return -1;
}

int limits_enter(const struct order *order, const struct launch *launch)
{
    const struct limits *limits = launch->limits;
    if (set_nice(order->nice) < 0)
        return -1;
    for (int i = 0; limits && i < limits->made; i++)
        if (write(limits->procs[i], "0", 1) < 0)
            return -1;
    if (limits && limits->in_scope)
        return dup2(limits->begun[1], LIMITS_BEGUN) < 0 ? -1 : 0;
    return 0;
}

static uint64_t killed(const struct limits *limits)
{
    uint64_t n = 0;
    for (int i = 0; i < limits->made; i++) {
        char *path = xasprintf("%s/%s", limits->homes.v[i].path, limits->name);
        n += limits->homes.v[i].controllers & CGROUP_MEMORY ? cgroup_killed(path) : 0;
        free(path);
    }
    return n;
}

void limits_suspect(const struct order *order, struct record_result *result)
{
    char size[32];
    if (order->memory && !*result->reason)
        (void)snprintf(result->reason, sizeof result->reason,
                       "killed: over its memory limit of %s, or by somebody",
                       size_text(order->memory, size));
}

static void explain(const struct order *order, const struct limits *limits,
                    struct record_result *result)
{
    char size[32];
    bool by_kernel = result->end == END_SIGNAL && result->signal == SIGKILL;
    bool by_manager = result->end == END_SIGNAL && result->signal == SIGTERM; /* the rest of it */
    if (*result->reason || (result->end != END_EXIT && result->end != END_SIGNAL))
        return;
    if (killed(limits))
        (void)snprintf(result->reason, sizeof result->reason,
                       by_kernel ? "killed: over its memory limit of %s"
                                 : "a process of it was killed: over its memory limit of %s",
                       size_text(order->memory, size));
    else if (limits->in_scope && (by_kernel || by_manager))
        limits_suspect(order, result);
    if (limits->in_scope && !scope_has_begun(limits) && result->end == END_EXIT) {
        result->end = END_NOSTART;
        (void)snprintf(result->reason, sizeof result->reason,
                       "systemd-run could not make its scope: see its error output");
    }
}

void limits_end(const struct order *order, const struct launch *launch,
                struct record_result *result)
{
    if (!launch->limits)
        return;
    if (result)
        explain(order, launch->limits, result);
    (void)remove_recorded(FD_CELLS, (uint32_t)order->cell, order->key.token, false);
}
