/*
 * sshd: a throwaway sshd on several loopback addresses for a unit test, with throwaway keys, in a
 * directory of its own. What an address does to commands is said by a line of `Match`.
 */
#ifndef ROTA_TEST_SSHD_H
#define ROTA_TEST_SSHD_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"
#include "proc.h"
#include "xalloc.h"

struct test_sshd {
    char *dir;
    int port;
    pid_t pid;
};

/* Writes a file of the test. */
__attribute__((format(printf, 2, 3), unused)) static void put_file(const char *path,
                                                                   const char *fmt, ...)
{
    struct buf text = {0};
    char *s = NULL;
    va_list ap;
    va_start(ap, fmt);
    int len = vasprintf(&s, fmt, ap);
    va_end(ap);
    buf_add(&text, s, (size_t)len);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || io_write_all(fd, buf_data(&text), text.len, NULL) < 0)
        abort();
    close(fd);
    free(s);
    buf_free(&text);
}

__attribute__((unused)) static char *get_file(const char *path)
{
    struct buf text = {0};
    (void)io_read_file(path, 1 << 24, &text, NULL);
    buf_str(&text);
    return buf_detach(&text);
}

/* Runs a shell command to its end; its exit status. */
__attribute__((format(printf, 1, 2), unused)) static int run(const char *fmt, ...)
{
    char *command = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&command, fmt, ap) < 0)
        abort();
    va_end(ap);
    char *argv[] = {"sh", "-c", command, NULL};
    int status = -1;
    pid_t pid = proc_spawn(argv, -1, STDERR_FILENO, STDERR_FILENO, NULL);
    if (pid > 0)
        (void)waitpid(pid, &status, 0);
    free(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Whether a condition comes true within 20 s; looked at every 20 ms. */
__attribute__((unused)) static bool eventually(bool (*is)(void *), void *arg)
{
    for (int i = 0; i < 1000; i++) {
        if (is(arg))
            return true;
        (void)poll(NULL, 0, 20);
    }
    return false;
}

static bool sshd_speaks(void *arg)
{
    const struct test_sshd *s = arg;
    char *path = xasprintf("%s/log", s->dir);
    char *log = get_file(path);
    bool speaks = strstr(log, "Server listening") || waitpid(s->pid, NULL, WNOHANG) == s->pid;
    free(path);
    free(log);
    return speaks;
}

/* HOME is set so that the account's own .bashrc is not read: it may take seconds. */
static bool sshd_try(struct test_sshd *s, const char *addresses, const char *lines)
{
    struct buf config = {0};
    char *path = xasprintf("%s/sshd_config", s->dir), *log = xasprintf("%s/log", s->dir);
    for (const char *p = addresses; *p;) {
        size_t len = strcspn(p, " ");
        buf_addf(&config, "ListenAddress %.*s:%d\n", (int)len, p, s->port);
        p += len + (p[len] == ' ');
    }
    buf_addf(
        &config,
        "HostKey %s/host\nAuthorizedKeysFile %s/authorized_keys\nStrictModes no\nPidFile none\n"
        "UsePAM no\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\nUseDNS no\nSetEnv HOME=%s\n%s",
        s->dir, s->dir, s->dir, lines);
    put_file(path, "%s", buf_str(&config));
    put_file(log, "%s", "");
    int out = open(log, O_WRONLY | O_APPEND | O_CLOEXEC);
    char *argv[] = {"/usr/sbin/sshd", "-D", "-e", "-f", path, NULL};
    s->pid = proc_spawn(argv, -1, out, out, NULL);
    close(out);
    bool up = s->pid > 0 && eventually(sshd_speaks, s) && kill(s->pid, 0) == 0;
    char *said = get_file(log);
    if (strstr(said, "Bind to port") || !strstr(said, "Server listening"))
        up = false;
    if (!up && s->pid > 0 && kill(s->pid, SIGTERM) == 0)
        (void)waitpid(s->pid, NULL, 0);
    free(said);
    free(path);
    free(log);
    buf_free(&config);
    return up;
}

/* Starts it in s->dir on a free port. `addresses` are separated by blanks; `lines` end its configuration.
 * The directory then has: host (its ed25519 key), user, user.pub, authorized_keys. */
__attribute__((unused)) static bool sshd_start(struct test_sshd *s, const char *addresses,
                                               const char *lines)
{
    (void)mkdir("/run/sshd", 0755); /* sshd of root insists on it */
    if (run("cd %s && ssh-keygen -qt ed25519 -N '' -C '' -f host && "
            "ssh-keygen -qt ed25519 -N '' -C '' -f user && cp user.pub authorized_keys",
            s->dir) != 0)
        return false;
    for (int i = 0; i < 20; i++) {
        s->port = 20000 + (int)((unsigned)(getpid() * 7 + i * 131) % 12000);
        if (sshd_try(s, addresses, lines))
            return true;
    }
    return false;
}

/* Ends it and what serves its connections. */
__attribute__((unused)) static void sshd_stop(struct test_sshd *s)
{
    if (s->pid <= 0)
        return;
    (void)kill(s->pid, SIGTERM);
    (void)waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

#endif
