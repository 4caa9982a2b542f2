#include "pipecmd.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "child.h"
#include "io.h"
#include "proc.h"

enum { SOCKET_BYTES = 1 << 20 }; /* so that a batch of starts is one write */

int pipecmd_open(struct pipecmd *cmd, char *const argv[], struct err *err)
{
    int fds[2], bytes = SOCKET_BYTES;
    *cmd = PIPECMD_NONE;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return err_sys(err, ERR_OS, "cannot make a socket pair");
    for (int i = 0; i < 2; i++) /* the kernel may grant less: no harm */
        (void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    cmd->fd = fds[0];
    cmd->errfd = child_errfd();
    pid_t pid = io_nonblock(fds[0]) < 0 ? err_sys(err, ERR_OS, "cannot use a socket pair")
                                        : proc_spawn_apart(argv, fds[1], fds[1], cmd->errfd, err);
    close(fds[1]);
    if (pid < 0)
        return (int)pid;
    cmd->pid = pid;
    return 0;
}

ssize_t pipecmd_read(struct pipecmd *cmd, void *p, size_t len, bool *ended, struct err *err)
{
    if (ended)
        *ended = false;
    for (;;) {
        ssize_t n = recv(cmd->fd, p, len, MSG_DONTWAIT);
        if (n > 0)
            return n;
        /* a program that ends with input unread resets the stream: that is its end too */
        if (n == 0 || errno == ECONNRESET) {
            if (ended)
                *ended = true;
            return err_set(err, ERR_UNREACHABLE, "it ended");
        }
        if (errno == EAGAIN)
            return 0;
        if (errno != EINTR)
            return err_sys(err, ERR_UNREACHABLE,
                           "cannot read from the program that leads to the worker");
    }
}

ssize_t pipecmd_write(struct pipecmd *cmd, const void *p, size_t len, struct err *err)
{
    for (;;) {
        ssize_t n = send(cmd->fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        cmd->full = n < 0 || (size_t)n < len;
        if (n > 0)
            return n;
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n < 0 && errno != EINTR)
            return err_sys(err, ERR_UNREACHABLE,
                           "cannot write to the program that leads to the worker");
    }
}

void pipecmd_end_input(struct pipecmd *cmd)
{
    (void)shutdown(cmd->fd, SHUT_WR);
}

void pipecmd_close(struct pipecmd *cmd, int ms)
{
    if (cmd->fd >= 0)
        (void)shutdown(cmd->fd, SHUT_RDWR);
    if (cmd->pid && ms > 0) {
        struct pollfd death = {.fd = child_pidfd(cmd->pid), .events = POLLIN};
        if (death.fd >= 0) {
            (void)poll(&death, 1, ms);
            close(death.fd);
        }
    }
    if (cmd->pid)
        child_abandon(cmd->pid);
    if (cmd->fd >= 0)
        close(cmd->fd);
    if (cmd->errfd >= 0)
        close(cmd->errfd);
    *cmd = PIPECMD_NONE;
}
