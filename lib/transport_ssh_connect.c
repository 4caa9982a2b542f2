#include "transport_ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io.h"
#include "message.h"
#include "proc.h"
#include "xalloc.h"

/* A child that waits its turn has not had its time yet. */
static int wait_child(struct ssh_link *l, const struct child *child)
{
    if (child_is_waiting(child))
        ssh_extend(l, link_step_ms());
    return ssh_wait(l, child->fd, POLLIN);
}

static bool has_proxy(const struct ssh_link *l)
{
    return l->config->proxy_jump || l->config->proxy_command;
}

static void set_where(struct ssh_link *l, const char *target)
{
    free(l->target);
    free(l->where);
    l->target = xstrdup(target);
    l->where = xasprintf("%s@%s", l->config->user, target);
}

int ssh_do_config(struct ssh_link *l, struct err *err)
{
    int rc = sshconfig_step(&l->query, &l->config, err);
    if (rc == 0)
        return wait_child(l, &l->query.child);
    if (rc < 0)
        return rc;
    sshconfig_end(&l->query);
    char *target = xasprintf("%s:%d", l->config->hostname, l->config->port);
    set_where(l, target);
    free(target);
    if (has_proxy(l)) { /* the jump resolves the name */
        knownhosts_begin(&l->known, l->config->hostname, l->config->port, l->config->alias,
                         &l->config->user_known_hosts, &l->config->global_known_hosts);
        return ssh_enter(l, STAGE_KNOWN);
    }
    resolve_begin(&l->resolve, l->config->hostname, l->config->port, l->config->family);
    return ssh_enter(l, STAGE_RESOLVE);
}

int ssh_do_resolve(struct ssh_link *l, struct err *err)
{
    int rc = resolve_step(&l->resolve, err);
    if (rc == 0)
        return wait_child(l, &l->resolve.child);
    if (rc < 0)
        return rc;
    child_stop(&l->resolve.child);
    knownhosts_begin(&l->known, l->config->hostname, l->config->port, l->config->alias,
                     &l->config->user_known_hosts, &l->config->global_known_hosts);
    return ssh_enter(l, STAGE_KNOWN);
}

int ssh_do_known(struct ssh_link *l, struct err *err)
{
    int rc = knownhosts_step(&l->known, err);
    if (rc == 0)
        return wait_child(l, &l->known.child);
    return rc < 0 ? rc : ssh_enter(l, STAGE_GATE);
}

/* sshd drops connections at random when more than ten are not logged in (MaxStartups 10:30:100), so
 * fewer than that are under way to one address. The pass is given back when a channel is open. */
int ssh_do_gate(struct ssh_link *l, struct err *err)
{
    if (!has_proxy(l) && !l->gate.gate) {
        char text[RESOLVE_TEXT];
        set_where(l, resolve_text(&l->resolve.v[l->address_at], text));
    }
    int rc = gate_ask(&l->gate, l->target, SSH_CONNECTS_MAX, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return ssh_wait(l, l->gate.fd, POLLIN);
    (void)ssh_enter(l, STAGE_CONNECT);
    if (l->config->connect_ms && !getenv("ROTA_TEST_STEP_MS"))
        ssh_extend(l, l->config->connect_ms);
    return 1;
}

/* ---- straight ---- */

static int next_address(struct ssh_link *l)
{
    ssh_disconnect(l);
    gate_leave(&l->gate);
    l->connecting = false;
    l->address_at++;
    return ssh_enter(l, STAGE_GATE);
}

static int refuse(struct ssh_link *l, int error, struct err *err)
{
    static const struct {
        int error;
        const char *mend;
    } mends[] = {
        {ECONNREFUSED, "does sshd run there, and is the port right?"},
        {EHOSTUNREACH, "is the host up?"},
        {ENETUNREACH, "is there a route to it?"},
        {ETIMEDOUT, "is the host up, and does a firewall let us through?"},
    };
    if (l->address_at + 1 < l->resolve.n)
        return next_address(l);
    const char *mend = "is the address right?";
    for (size_t i = 0; i < sizeof mends / sizeof *mends; i++)
        if (mends[i].error == error)
            mend = mends[i].mend;
    return err_set(err, ERR_UNREACHABLE, "cannot connect to %s: %s: %s", l->target, strerror(error),
                   mend);
}

/* Without NODELAY a request and its answer take 44 ms instead of 1.5. USER_TIMEOUT ends a connection
 * whose other side takes no bytes any more, as long as the messages' own silence does. */
static void set_options(int sock)
{
    int on = 1;
    unsigned silence = MESSAGE_SILENCE_MS;
    (void)setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(sock, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    (void)setsockopt(sock, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence, sizeof silence);
}

static int begin_connect(struct ssh_link *l, struct err *err)
{
    const struct sockaddr_storage *address = &l->resolve.v[l->address_at];
    l->sock = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->sock < 0)
        return err_sys(err, ERR_OS, "cannot make a socket");
    set_options(l->sock);
    l->connecting = true;
    if (connect(l->sock, (const struct sockaddr *)address, resolve_size(address)) < 0 &&
        errno != EINPROGRESS)
        return refuse(l, errno, err);
    return 2;
}

/* ---- through a jump ---- */

/* What goes into the command line of the jump: never an option, never shell syntax. */
static bool is_plain_name(const char *name)
{
    return *name && *name != '-' && !strpbrk(name, " \t\n'\"\\$`;&|<>()*?#!{}");
}

/* ssh -W to the last of the jumps, by way of the others; as ssh -J does it. */
static pid_t spawn_jump(struct ssh_link *l, int fd, struct err *err)
{
    const char *file = getenv("ROTA_SSH_CONFIG");
    const char *last = strrchr(l->config->proxy_jump, ',');
    char *others =
        xstrndup(l->config->proxy_jump, last ? (size_t)(last - l->config->proxy_jump) : 0);
    last = last ? last + 1 : l->config->proxy_jump;
    const char *scheme = strncmp(last, "ssh://", 6) == 0 ? "" : "ssh://";
    char *jump = xasprintf("%s%s", scheme, last);
    char *to = xasprintf("[%s]:%d", l->config->hostname, l->config->port);
    char *argv[16] = {"ssh", "-o", "BatchMode=yes", "-W", to};
    size_t n = 5;
    if (file && *file) {
        argv[n++] = "-F";
        argv[n++] = (char *)file;
    }
    if (*others) {
        argv[n++] = "-J";
        argv[n++] = others;
    }
    argv[n++] = "--";
    argv[n++] = jump;
    pid_t pid = proc_spawn_apart(argv, fd, fd, l->proxy_err, err);
    free(others);
    free(jump);
    free(to);
    return pid;
}

static pid_t spawn_command(struct ssh_link *l, int fd, struct err *err)
{
    char *command = xasprintf("exec %s", l->config->proxy_command);
    char *argv[] = {"sh", "-c", command, NULL};
    pid_t pid = proc_spawn_apart(argv, fd, fd, l->proxy_err, err);
    free(command);
    return pid;
}

static int begin_proxy(struct ssh_link *l, struct err *err)
{
    int fds[2];
    if (!is_plain_name(l->config->hostname) || !is_plain_name(l->config->user))
        return err_set(err, ERR_CONFIG,
                       "the host name or user '%s' cannot stand in the command of a jump",
                       l->where);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return err_sys(err, ERR_OS, "cannot make a socket pair");
    l->sock = fds[0];
    l->proxy_err = child_errfd();
    pid_t pid = io_nonblock(fds[0]) < 0 ? err_sys(err, ERR_OS, "cannot use a socket pair")
                : l->config->proxy_jump ? spawn_jump(l, fds[1], err)
                                        : spawn_command(l, fds[1], err);
    close(fds[1]);
    if (pid < 0)
        return (int)pid;
    l->proxy = pid;
    return 1;
}

char *ssh_proxy_complaint(const struct ssh_link *l)
{
    return child_last_line(l->proxy_err);
}

int ssh_do_connect(struct ssh_link *l, struct err *err)
{
    int rc = 2;
    if (l->late && !has_proxy(l) && l->address_at + 1 < l->resolve.n)
        return next_address(l);
    if (!l->connecting)
        rc = has_proxy(l) ? begin_proxy(l, err) : begin_connect(l, err);
    if (rc == 2) {
        struct pollfd p = {.fd = l->sock, .events = POLLOUT};
        int error = 0;
        socklen_t len = sizeof error;
        if (poll(&p, 1, 0) <= 0)
            return ssh_wait(l, l->sock, POLLOUT);
        (void)getsockopt(l->sock, SOL_SOCKET, SO_ERROR, &error, &len);
        rc = error ? refuse(l, error, err) : 1;
    }
    if (rc <= 0 || l->stage != STAGE_CONNECT)
        return rc;
    rc = ssh_session_open(l, err);
    return rc < 0 ? rc : ssh_enter(l, STAGE_HANDSHAKE);
}

void ssh_disconnect(struct ssh_link *l)
{
    if (l->sock >= 0) {
        (void)shutdown(l->sock, SHUT_RDWR);
        close(l->sock);
    }
    if (l->proxy)
        child_abandon(l->proxy);
    if (l->proxy_err >= 0)
        close(l->proxy_err);
    l->sock = l->proxy_err = -1;
    l->proxy = 0;
}
