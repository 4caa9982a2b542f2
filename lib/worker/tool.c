#include "worker/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "worker/launch.h"
#include "xalloc.h"

enum { LOOK_MS = 20 }; /* where the end of a process cannot be polled for */

static char *find_in(const char *dirs, const char *name)
{
    while (*dirs) {
        size_t len = strcspn(dirs, ":");
        char *path = xasprintf("%.*s/%s", (int)len, dirs, name);
        if (*dirs == '/' && access(path, X_OK) == 0)
            return path;
        free(path);
        dirs += len + (dirs[len] == ':');
    }
    return NULL;
}

static void free_all(char **list)
{
    for (size_t i = 0; list[i]; i++)
        free(list[i]);
    free(list);
}

char *tool_find(const struct order *order, const char *name)
{
    char *found = NULL, **env = order_environment(order);
    for (size_t i = 0; env[i] && !found; i++)
        if (strncmp(env[i], "PATH=", 5) == 0)
            found = find_in(env[i] + 5, name);
    free_all(env);
    return found ? found : find_in(ORDER_PATH, name);
}

_Noreturn static void become_tool(const struct order *order, char *const argv[], int out)
{
    sigset_t none;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)setpgid(0, 0);
    char **env = order_environment(order);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(null, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2 &&
        launch_become(order->as) == 0 && chdir("/") == 0)
        (void)execve(argv[0], argv, env);
    _exit(127);
}

/* Takes what is in the pipe; what does not fit is dropped, so that nobody waits for room. */
static void listen_to(int fd, char *said, size_t size, size_t *len)
{
    char chunk[4096];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0) {
        size_t part = size - 1 - *len < (size_t)n ? size - 1 - *len : (size_t)n;
        memcpy(said + *len, chunk, part);
        *len += part;
    }
}

/* True when it has ended: its status is in *status. */
static bool wait_for(pid_t pid, int fd, int ms, char *said, size_t *len, size_t size, int *status)
{
    int64_t until = clock_mono() + ms;
    int pidfd = pidfd_open(pid, 0);
    pid_t ended = 0;
    for (int64_t left = ms; ended == 0 && left > 0; left = until - clock_mono()) {
        struct pollfd fds[] = {{.fd = pidfd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
        if (pidfd < 0 && left > LOOK_MS)
            left = LOOK_MS;
        (void)poll(fds, 2, (int)left);
        listen_to(fd, said, size, len);
        if (fds[1].revents & POLLHUP)
            fd = -1; /* it closed its streams and lives on */
        ended = waitpid(pid, status, WNOHANG);
    }
    if (fd >= 0)
        listen_to(fd, said, size, len);
    if (pidfd >= 0)
        close(pidfd);
    return ended == pid;
}

static int status_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int tool_run(const struct order *order, char *const argv[], int ms, char *said, size_t size)
{
    int ends[2], status = 0;
    size_t len = 0;
    *said = '\0';
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    pid_t pid = fork();
    if (pid == 0)
        become_tool(order, argv, ends[1]);
    close(ends[1]);
    bool ended = pid > 0 && wait_for(pid, ends[0], ms, said, &len, size, &status);
    if (pid > 0 && !ended) { /* not reaped: the group is still its own */
        (void)kill(-pid, SIGKILL);
        (void)kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(ends[0]);
    while (len && said[len - 1] == '\n')
        len--;
    said[len] = '\0';
    return ended ? status_of(status) : -1;
}
