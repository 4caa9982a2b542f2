#include "proc.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

extern char **environ;

char *proc_boot_id(char text[PROC_ID_TEXT])
{
    const char *seam = getenv("ROTA_TEST_BOOT_ID");
    text[0] = '\0';
    if (seam) {
        (void)snprintf(text, PROC_ID_TEXT, "%s", seam);
        return text;
    }
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return text;
    ssize_t n = read(fd, text, PROC_ID_TEXT - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return text;
}

uint64_t proc_start_time(pid_t pid)
{
    char path[64], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    /* the second field is the program's name in parentheses and may hold anything: count from its end */
    char *p = strrchr(text, ')');
    if (p && (p[2] == 'Z' || p[2] == 'X')) /* dead, only not reaped */
        return 0;
    for (int field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    return p ? strtoull(p + 1, NULL, 10) : 0;
}

static pid_t spawn(char *const argv[], char *const env[], const int *fds, int n, short more,
                   struct err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, all;
    pid_t pid = -1;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attr);
    for (int i = 0; i < n; i++) {
        if (fds[i] < 0)
            (void)posix_spawn_file_actions_addopen(&actions, i, "/dev/null",
                                                   i ? O_WRONLY : O_RDONLY, 0);
        else
            (void)posix_spawn_file_actions_adddup2(&actions, fds[i], i);
    }
    (void)posix_spawnattr_setsigmask(&attr, &none);
    (void)posix_spawnattr_setsigdefault(&attr, &all);
    (void)posix_spawnattr_setflags(&attr,
                                   (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | more));
    int rc = posix_spawnp(&pid, argv[0], &actions, &attr, argv, env ? env : environ);
    (void)posix_spawnattr_destroy(&attr);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (rc != 0)
        return err_set(err, ERR_OS, "cannot run %s: %s", argv[0], strerror(rc));
    return pid;
}

pid_t proc_spawn(char *const argv[], int in, int out, int errfd, struct err *err)
{
    return spawn(argv, NULL, (const int[]){in, out, errfd}, 3, 0, err);
}

pid_t proc_spawn_apart(char *const argv[], int in, int out, int errfd, struct err *err)
{
    return spawn(argv, NULL, (const int[]){in, out, errfd}, 3, POSIX_SPAWN_SETSID, err);
}

pid_t proc_spawn_env(char *const argv[], char *const env[], const int *fds, int n, struct err *err)
{
    return spawn(argv, env, fds, n, POSIX_SPAWN_SETSID, err);
}

char *proc_self_dir(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        return xstrdup(".");
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    if (slash && slash != path)
        *slash = '\0';
    return xstrdup(path);
}

char *proc_find_sibling(const char *name)
{
    char *dir = proc_self_dir();
    char *path = xasprintf("%s/%s", dir, name);
    free(dir);
    if (access(path, X_OK) == 0)
        return path;
    free(path);
    path = xasprintf("%s/%s", ROTA_LIBEXECDIR, name);
    if (access(path, X_OK) == 0)
        return path;
    free(path);
    return NULL;
}
