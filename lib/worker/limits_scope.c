/*
 * limits_scope: the limits of a run of an account that may make no groups itself, by its user manager, which may.
 * systemd-run makes the scope, enters it and becomes the run; a shell between says that it came so far.
 */
#include "worker/limits_internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

static const char begin[] = "echo >&9; exec 9>&-; exec \"$@\"";

/* Where the manager's group has the controllers: a manager without them makes the scope and bounds nothing. */
static bool manager_has(uid_t uid, const struct order *order)
{
    char text[512] = " ";
    char *path =
        xasprintf("/sys/fs/cgroup/user.slice/user-%u.slice/user@%u.service/cgroup.controllers",
                  (unsigned)uid, (unsigned)uid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text + 1, sizeof text - 2);
    if (fd >= 0)
        close(fd);
    free(path);
    if (n <= 0)
        return false;
    text[n + 1] = '\0';
    text[strcspn(text, "\n")] = ' ';
    return (!order->memory || strstr(text, " memory ")) && (!order->cpu || strstr(text, " cpu "));
}

static int check(const struct order *order, struct err *err)
{
    uid_t uid = geteuid();
    char *manager = xasprintf("/run/user/%u/systemd/private", (unsigned)uid);
    char *linger = xasprintf("/var/lib/systemd/linger/%s", order->own->name);
    int rc = 0;
    if (uid == 0 || access(manager, F_OK) < 0)
        rc = err_set(err, ERR_ANSWER, "there is no systemd user manager");
    else if (access(linger, F_OK) < 0)
        rc = err_set(err, ERR_ANSWER,
                     "its systemd user manager ends with its sessions: loginctl enable-linger");
    else if (!manager_has(uid, order))
        rc = err_set(err, ERR_ANSWER, "its systemd user manager was delegated no such controller");
    else if (access("/usr/bin/systemd-run", X_OK) < 0)
        rc = err_set(err, ERR_ANSWER, "there is no /usr/bin/systemd-run");
    free(manager);
    free(linger);
    return rc;
}

static char **scope_argv(const struct order *order, char **argv, const char *name)
{
    size_t n = 0, words = 0;
    while (argv[words])
        words++;
    char **all = xcalloc(words + 20, sizeof *all);
    for (const char *const *word = (const char *const[]){"/usr/bin/systemd-run", "--user",
                                                         "--scope", "--quiet", "--collect", NULL};
         *word; word++)
        all[n++] = xstrdup(*word);
    all[n++] = xasprintf("--unit=%s", name);
    if (order->memory) {
        all[n++] = xasprintf("--property=MemoryMax=%" PRIu64, order->memory);
        all[n++] = xstrdup("--property=MemorySwapMax=0");
    }
    if (order->cpu)
        all[n++] = xasprintf("--property=CPUQuota=%" PRIu32 ".%" PRIu32 "%%", order->cpu / 10,
                             order->cpu % 10);
    for (const char *const *word =
             (const char *const[]){"--", "/bin/sh", "-c", begin, "rota", NULL};
         *word; word++)
        all[n++] = xstrdup(*word);
    memcpy(all + n, argv, words * sizeof *all);
    return all;
}

/* What systemd-run finds the manager by. */
static char **with_manager(char **envp)
{
    static const char name[] = "XDG_RUNTIME_DIR=";
    size_t n = 0;
    for (; envp[n]; n++)
        if (strncmp(envp[n], name, sizeof name - 1) == 0)
            return envp;
    char **all = xcalloc(n + 2, sizeof *all);
    memcpy(all, envp, n * sizeof *all);
    all[n] = xasprintf("%s/run/user/%u", name, (unsigned)geteuid());
    return all;
}

int scope_prepare(const struct order *order, struct launch *launch, struct limits *limits,
                  struct err *err)
{
    if (check(order, err) < 0)
        return ERR_ANSWER;
    if (pipe2(limits->begun, O_CLOEXEC | O_NONBLOCK) < 0)
        return err_sys(err, ERR_ANSWER, "cannot make a pipe");
    limits->in_scope = true;
    launch->argv = scope_argv(order, launch->argv, limits->name);
    launch->name = launch->argv[0];
    launch->envp = with_manager(launch->envp);
    return 0;
}

bool scope_has_begun(const struct limits *limits)
{
    char byte;
    return read(limits->begun[0], &byte, 1) == 1;
}
