#include "transport_test.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "message.h"

/* One sshd; what it does with a command depends on the address. Each has a home of its own. */
static struct test_sshd sshd;

static const char *const match[][2] = {
    {"127.0.3.1", "cd %s/home && exec $SHELL -c \"$SSH_ORIGINAL_COMMAND\""},
    {"127.0.3.2", "echo Welcome; echo 'motd without newline' | tr -d '\\\\n'; echo warning >&2; "
                  "cd %s/home && exec $SHELL -c \"$SSH_ORIGINAL_COMMAND\""},
    {"127.0.3.3", "yes noise"},
    {"127.0.3.4", "echo This account is for backups only."},
    {"127.0.3.5", "cd %s/full && exec $SHELL -c \"$SSH_ORIGINAL_COMMAND\""},
    {"127.0.3.6", "cd %s/noexec || exit; case $SSH_ORIGINAL_COMMAND in *serve*) "
                  "echo sh: Permission denied >&2; exit 126;; esac; "
                  "exec $SHELL -c \"$SSH_ORIGINAL_COMMAND\""},
    {"127.0.3.7", "case $SSH_ORIGINAL_COMMAND in *uname*) echo ${SSH_ORIGINAL_COMMAND##*echo} | "
                  "tr -d '\\\\042' | sed 's/ .*/ Plan9 mips/';; *) exit 127;; esac"},
    {"127.0.3.8", "exec cat"},
};
enum { ADDRESSES = sizeof match / sizeof *match };

static void start(void)
{
    struct buf addresses = {0}, lines = {0};
    for (size_t i = 0; i < ADDRESSES; i++) {
        char *command = xasprintf("%s", match[i][1]);
        char *at = strstr(command, "%s");
        buf_addf(&addresses, "%s%s", i ? " " : "", match[i][0]);
        buf_addf(&lines, "Match LocalAddress %s\nForceCommand ", match[i][0]);
        if (at)
            buf_addf(&lines, "%.*s%s%s\n", (int)(at - command), command, test_dir, at + 2);
        else
            buf_addf(&lines, "%s\n", command);
        free(command);
    }
    sshd.dir = test_dir;
    if (run("cd %s && mkdir home full noexec && touch full/.cache", test_dir) != 0 ||
        !sshd_start(&sshd, buf_str(&addresses), buf_str(&lines)))
        abort();
    if (run("cd %s && for i in 1 2 3 4 5 6 7 8; do echo \"[127.0.3.$i]:%d $(cat host.pub)\"; done "
            ">known_hosts",
            test_dir, sshd.port) != 0)
        abort();
    put_file(in_dir("ssh_config"),
             "Host hop\nHostName 127.0.3.1\nPort %d\nIdentityFile %s/user\n"
             "Host behind\nHostName 127.0.3.1\nPort %d\nProxyJump hop\n"
             "Host command\nHostName 127.0.3.1\nPort %d\nProxyCommand ssh -F %s/ssh_config -W "
             "%%h:%%p hop\n"
             "Host broken\nHostName 127.0.3.1\nProxyCommand echo the tunnel is closed >&2\n"
             "Host *\nUserKnownHostsFile %s/known_hosts\nGlobalKnownHostsFile /dev/null\n"
             "IdentitiesOnly yes\nIdentityFile none\n",
             sshd.port, test_dir, sshd.port, sshd.port, test_dir, test_dir);
    (void)setenv("ROTA_SSH_CONFIG", in_dir("ssh_config"), 1);
    buf_free(&addresses);
    buf_free(&lines);
}

static struct host_config host_at(const char *address)
{
    static char identity[512];
    (void)snprintf(identity, sizeof identity, "%s/user", test_dir);
    return (struct host_config){
        .name = "w", .address = (char *)address, .port = sshd.port, .identity = identity};
}

/* ---- pushing and starting ---- */

static void test_push(void)
{
    struct err err;
    struct stat first, second;
    struct host_config host = host_at("127.0.3.1");
    char *path = xasprintf("%s/home/.cache/rota/worker-%s", test_dir, ROTA_BUILD);
    struct link *link = link_up(&transport_ssh, &host, &err);
    if (!tap_ok(link != NULL, "a host without a worker gets one and starts it"))
        printf("#   got: %s\n", err.msg);
    if (!link)
        exit(tap_done());
    tap_ok(stat(path, &first) == 0 && (first.st_mode & 0777) == 0755, "the worker is executable");
    tap_int(run("test \"$(ls -A %s/home/.cache/rota)\" = worker-%s", test_dir, ROTA_BUILD), 0,
            "no temporary file is left");
    tap_ok(link_echoes(link, 16 << 20, &err), "16 MB there and back are byte-exact");
    transport_ssh.close(link);
    connects(&transport_ssh, &host, "a second connection works");
    tap_ok(stat(path, &second) == 0 && first.st_ino == second.st_ino, "and pushes nothing");
    put_file(path, "#!/bin/sh\nexit 1\n");
    connects(&transport_ssh, &host, "a worker that is there but does not start is replaced");
    free(path);
}

static void test_old_builds_go(void)
{
    struct host_config host = host_at("127.0.3.1");
    (void)run(
        "cd %s/home/.cache/rota && rm -f worker-* && touch -d '40 days ago' worker-old keep && "
        "touch worker-young",
        test_dir);
    connects(&transport_ssh, &host, "a push after the worker was removed works");
    tap_int(run("cd %s/home/.cache/rota && test ! -e worker-old && test -e worker-young -a -e keep",
                test_dir),
            0, "builds older than a month go, others and other files stay");
}

static void test_noise(void)
{
    struct host_config host = host_at("127.0.3.2");
    connects(&transport_ssh, &host, "what a login prints before the worker is skipped");
    host.address = "127.0.3.3";
    refuses(&transport_ssh, &host, "prints more than 64 KB|.bashrc", "endless noise is refused");
}

static void test_hosts_that_cannot(void)
{
    struct host_config host = host_at("127.0.3.4");
    refuses(&transport_ssh, &host, "backups only|forced command|worker = PATH",
            "a forced command is named, with its words");
    host.address = "127.0.3.5";
    refuses(&transport_ssh, &host, "cannot be stored|mkdir|worker = PATH",
            "a home where nothing can be written is named, with the reason");
    host.address = "127.0.3.6";
    refuses(&transport_ssh, &host, "does not start|Permission denied|noexec|worker = PATH",
            "a home mounted noexec is named");
    host.address = "127.0.3.7";
    refuses(&transport_ssh, &host, "Plan9 mips|worker = PATH", "a system without a build is named");
    host.address = "127.0.3.1";
    host.worker = "/nonexistent/rota-worker";
    refuses(&transport_ssh, &host, "/nonexistent/rota-worker|No such file",
            "a missing installed worker is named, and nothing is pushed");
    host.worker = "/it's/rota-worker";
    refuses(&transport_ssh, &host, "worker = /it's|letters",
            "a path no shell reads alike is refused");
    host.worker = (char *)in_dir("a worker");
    (void)run("cp %s/rota-worker '%s'", test_dir, host.worker);
    connects(&transport_ssh, &host, "a path with a blank works");
}

/* ---- the real worker ---- */

/* The types of the messages that come until `last`, as bits; 0 when the link breaks before. */
static unsigned hear(struct link *link, enum message_type last, char **build, struct err *err)
{
    struct message_reader reader = {0};
    struct buf in = {0};
    struct message m;
    unsigned heard = 0;
    while (!(heard & 1u << last)) {
        ssize_t n = link->transport->read(link, buf_room(&in, 4096), 4096, err);
        if (n < 0)
            break;
        buf_grew(&in, (size_t)n);
        while (message_next(&reader, &in, &m, err) > 0) {
            heard |= 1u << m.type;
            if (m.type == MSG_WELCOME)
                *build = message_get_str(&m, TAG_BUILD);
        }
        if (n == 0)
            link_wait(link);
    }
    message_reader_free(&reader);
    buf_free(&in);
    return heard & 1u << last ? heard : 0;
}

static void test_real_worker(void)
{
    struct host_config host = host_at("127.0.3.1");
    struct err err = {0};
    struct buf out = {0};
    char *build = NULL;
    host.worker = xasprintf("%s/../rota-worker", getenv("ROTA_TEST_UNIT"));
    struct link *link = link_up(&transport_ssh, &host, &err);
    struct message_writer w = message_begin(&out, MSG_HELLO);
    message_u64(&w, TAG_VERSION, MESSAGE_VERSION);
    message_str(&w, TAG_UUID, "00112233445566778899aabbccddeeff");
    message_u64(&w, TAG_EPOCH, 1);
    message_u64(&w, TAG_FENCE, 1);
    message_str(&w, TAG_WORKER, "w");
    message_str(&w, TAG_SPOOL, in_dir("spool"));
    message_end(&w);
    ssize_t n = link ? transport_ssh.write(link, buf_data(&out), out.len, &err) : -1;
    unsigned heard = n == (ssize_t)out.len ? hear(link, MSG_READY, &build, &err) : 0;
    if (!tap_ok(heard & 1u << MSG_WELCOME, "the real worker answers HELLO with WELCOME and READY"))
        printf("#   got: %s\n", err.msg);
    tap_str(build, ROTA_BUILD, "and is of this build");
    transport_ssh.close(link);
    free(build);
    free(host.worker);
    buf_free(&out);
}

/* ---- jumps ---- */

static void test_jumps(void)
{
    struct host_config host = host_at("behind");
    connects(&transport_ssh, &host, "ProxyJump works");
    host.address = "command";
    connects(&transport_ssh, &host, "ProxyCommand works");
    host.address = "broken";
    refuses(&transport_ssh, &host, "jump|the tunnel is closed",
            "a jump that fails is named, with its words");
}

/* ---- many at once ---- */

/* More than sshd lets in unauthenticated (10) at once: they take turns. */
static void test_crowd(void)
{
    enum { CROWD = 30 };
    struct host_config host = host_at("127.0.3.1");
    struct link *links[CROWD];
    struct pollfd polls[CROWD];
    struct err err = {0};
    int up = 0, failed = 0;
    bool done[CROWD] = {0};
    for (int i = 0; i < CROWD; i++)
        links[i] = transport_ssh.open(&host, WORKER_SERVE, &err);
    for (int turn = 0; up + failed < CROWD && turn < 100000; turn++) {
        for (int i = 0; i < CROWD; i++) {
            int rc = done[i] ? 0 : transport_ssh.step(links[i], &err);
            done[i] |= rc != 0;
            up += rc > 0;
            failed += rc < 0;
            polls[i] = (struct pollfd){.fd = done[i] ? -1 : links[i]->fd, .events = POLLIN};
        }
        if (up + failed < CROWD && poll(polls, CROWD, 10000) == 0)
            break; /* somebody was forgotten */
    }
    if (!tap_int(up, CROWD, "thirty connections to one address all come up"))
        printf("#   got: %s\n", err.msg);
    for (int i = 0; i < CROWD; i++)
        transport_ssh.close(links[i]);
}

/* Closing a link at any point of connecting leaves nothing behind (the sanitizers look). */
static void test_closed_early(void)
{
    struct host_config host = host_at("127.0.3.1");
    struct err err = {0};
    bool come_up = false;
    int steps = 0;
    for (; steps < 200 && !come_up; steps++) {
        struct link *link = transport_ssh.open(&host, WORKER_SERVE, &err);
        for (int i = 0; i < steps && !come_up; i++) {
            come_up = transport_ssh.step(link, &err) != 0;
            if (!come_up)
                link_wait(link);
        }
        transport_ssh.close(link);
    }
    tap_ok(come_up, "a link may be closed after any of its steps");
}

/* ---- other sides that do not behave ---- */

static int listen_on(const char *address, int *port)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t len = sizeof in;
    (void)inet_pton(AF_INET, address, &in.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&in, sizeof in) < 0 || listen(fd, 8) < 0 ||
        getsockname(fd, (struct sockaddr *)&in, &len) < 0)
        abort();
    *port = ntohs(in.sin_port);
    return fd;
}

/* A child that takes one connection and writes `bytes` of `text`, then hangs up. */
static pid_t talker(int fd, const char *text, size_t bytes)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    (void)signal(SIGPIPE, SIG_DFL);
    int peer = accept(fd, NULL, NULL);
    for (size_t sent = 0; sent < bytes; sent += strlen(text))
        (void)io_write_all(peer, text, strlen(text), NULL);
    _exit(0);
}

static void test_bad_servers(void)
{
    struct host_config host = host_at("127.0.3.9");
    int fd = listen_on("127.0.3.9", &host.port);
    (void)setenv("ROTA_TEST_STEP_MS", "500", 1);
    refuses(&transport_ssh, &host, "does not speak SSH|0.5 s", "a silent server runs out of time");
    (void)setenv("ROTA_TEST_STEP_MS", "60000", 1);
    close(accept(fd, NULL, NULL));
    pid_t pid = talker(fd, "this is not the server you look for\r\n", 1 << 24);
    refuses(&transport_ssh, &host, "64 KB before the login", "a flood before the login is cut off");
    (void)waitpid(pid, NULL, 0);
    pid = talker(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 1);
    refuses(&transport_ssh, &host, "127.0.3.9|broke before the login",
            "a server that hangs up is named");
    (void)waitpid(pid, NULL, 0);
    close(fd);
    refuses(&transport_ssh, &host, "127.0.3.9|refused|sshd run", "a closed port is named");
    host.address = "127.0.3.8";
    host.port = sshd.port;
    (void)setenv("ROTA_TEST_STEP_MS", "1500", 1);
    refuses(&transport_ssh, &host, "worker does not answer|.bashrc",
            "a login that waits for something runs out of time");
    (void)setenv("ROTA_TEST_STEP_MS", "60000", 1);
    host.address = "no-such-host.invalid";
    refuses(&transport_ssh, &host, "no-such-host.invalid|no address", "an unknown name is named");
}

/* A server that dies in the middle of a stream is noticed by the next read. */
static void test_lost(void)
{
    struct host_config host = host_at("127.0.3.1");
    struct err err;
    char byte;
    ssize_t n = 0;
    struct link *link = link_up(&transport_ssh, &host, &err);
    (void)run("pkill -KILL -P %d", (int)sshd.pid);
    for (int i = 0; link && n == 0 && i < 100; i++) {
        n = transport_ssh.read(link, &byte, 1, &err);
        if (n == 0)
            link_wait(link);
    }
    tap_ok(n < 0 && err.code == ERR_UNREACHABLE, "a connection that breaks fails the next read");
    transport_ssh.close(link);
    transport_ssh.close(NULL);
}

int main(int argc, char **argv)
{
    (void)argc;
    test_begin(argv);
    /* a busy machine is no failure: what is to run out of time says so itself */
    (void)setenv("ROTA_TEST_STEP_MS", "60000", 1);
    start();
    test_push();
    test_old_builds_go();
    test_noise();
    test_hosts_that_cannot();
    test_real_worker();
    test_jumps();
    test_crowd();
    test_closed_early();
    test_bad_servers();
    test_lost();
    sshd_stop(&sshd);
    remove_dir();
    return tap_done();
}
