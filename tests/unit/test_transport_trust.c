/* Host keys and user keys of the ssh transport, against a real sshd. */
#include "transport_test.h"

#include <sys/socket.h>
#include <sys/un.h>

static struct test_sshd sshd;

/* sshd 3.10 with an ed25519 and an ecdsa host key; 3.11 takes no user key that we have. */
static void start(void)
{
    char lines[1024];
    sshd.dir = test_dir;
    (void)snprintf(lines, sizeof lines,
                   "HostKey %s/ecdsa\nMatch LocalAddress 127.0.3.11\nAuthorizedKeysFile none\n",
                   test_dir);
    if (run("cd %s && ssh-keygen -qt ecdsa -N '' -C '' -f ecdsa && "
            "ssh-keygen -qt ed25519 -N '' -C '' -f other && "
            "ssh-keygen -qt rsa -b 2048 -N '' -C '' -f rsa && "
            "ssh-keygen -qt ecdsa -m PEM -N '' -C '' -f pem && "
            "ssh-keygen -qt ed25519 -N secret -C '' -f locked",
            test_dir) != 0 ||
        !sshd_start(&sshd, "127.0.3.10 127.0.3.11", lines) ||
        run("cd %s && cat pem.pub locked.pub rsa.pub >>authorized_keys", test_dir) != 0)
        abort();
}

/* Answers of `ssh -G` are kept for the life of the process: so each case is a host of its own. */
static struct host_config host_with(const char *config_line)
{
    static int n;
    static char name[64], identity[512];
    (void)snprintf(name, sizeof name, "case%d", ++n);
    (void)snprintf(identity, sizeof identity, "%s/user", test_dir);
    put_file(in_dir("ssh_config"),
             "Host *\nHostName 127.0.3.10\nGlobalKnownHostsFile /dev/null\n%s\n"
             "UserKnownHostsFile %s/known_hosts\nIdentitiesOnly yes\nIdentityFile none\n",
             config_line, test_dir);
    (void)setenv("ROTA_SSH_CONFIG", in_dir("ssh_config"), 1);
    return (struct host_config){.name = "w",
                                .address = name,
                                .port = sshd.port,
                                .identity = identity,
                                .worker = (char *)in_dir("rota-worker")};
}

/* Writes known_hosts: `mark` before the name, the key of the file `key`. */
static void know(const char *mark, const char *name, const char *key)
{
    char *file = xasprintf("%s/%s.pub", test_dir, key), *text = get_file(file);
    put_file(in_dir("known_hosts"), "# a comment\n%s%s %s", mark, name, text);
    free(file);
    free(text);
}

static void test_host_keys(void)
{
    char name[64], wild[64];
    (void)snprintf(name, sizeof name, "[127.0.3.10]:%d", sshd.port);
    (void)snprintf(wild, sizeof wild, "[127.0.3.*]:%d", sshd.port);
    struct host_config host = host_with("");

    (void)unlink(in_dir("known_hosts"));
    refuses(&transport_ssh, &host, "not known|ssh-ed25519 SHA256:|accept-new",
            "an unknown host key is refused, with its fingerprint");
    tap_ok(access(in_dir("known_hosts"), F_OK) < 0, "and nothing is written");
    know("", name, "host");
    connects(&transport_ssh, &host, "a known ed25519 key is accepted");
    know("", name, "ecdsa");
    connects(&transport_ssh, &host, "where only the ecdsa key is known, that one is asked for");
    know("", wild, "host");
    connects(&transport_ssh, &host, "a wildcard entry counts");
    know("", "127.0.3.10", "host");
    connects(&transport_ssh, &host, "an entry without the port counts, as for ssh");
    know("", name, "host");
    (void)run("ssh-keygen -q -H -f %s >/dev/null 2>&1", in_dir("known_hosts"));
    char *text = get_file(in_dir("known_hosts"));
    tap_ok(strstr(text, "|1|") != NULL, "(the file is hashed)");
    free(text);
    connects(&transport_ssh, &host, "a hashed entry counts");
    know("", name, "other");
    refuses(&transport_ssh, &host, "another host key|ssh-keygen -R '[127.0.3.10]",
            "a changed key is refused, and how to remove the old one is said");
    host.accept_new = true;
    refuses(&transport_ssh, &host, "another host key", "also with accept-new");
    host.accept_new = false;
    know("@revoked ", name, "host");
    refuses(&transport_ssh, &host, "@revoked", "a revoked key is refused");
    know("@cert-authority ", name, "other");
    refuses(&transport_ssh, &host, "certificate authority",
            "an entry for a certificate authority is no key");
    host.accept_new = true;
    refuses(&transport_ssh, &host, "certificate authority", "also with accept-new");
    know("", name, "rsa");
    refuses(&transport_ssh, &host, "RSA key only|ed25519",
            "a host known by an RSA key only is told apart");
}

static void test_accept_new(void)
{
    struct host_config host = host_with("");
    host.accept_new = true;
    put_file(in_dir("known_hosts"), "other.example ssh-ed25519 AAAA");
    connects(&transport_ssh, &host, "accept-new accepts an unknown key");
    char *text = get_file(in_dir("known_hosts"));
    char *want =
        xasprintf("other.example ssh-ed25519 AAAA\n[127.0.3.10]:%d ssh-ed25519 ", sshd.port);
    tap_ok(strncmp(text, want, strlen(want)) == 0 && text[strlen(text) - 1] == '\n',
           "and adds it as a line of its own");
    free(want);
    free(text);
    host.accept_new = false;
    connects(&transport_ssh, &host, "from then on it is known");
}

static void test_alias(void)
{
    struct host_config host = host_with("HostKeyAlias db.example");
    know("", "db.example", "host");
    connects(&transport_ssh, &host, "HostKeyAlias names the entry");
}

static void test_keys(void)
{
    struct host_config host;
    char line[600];
    (void)run("ssh-keyscan -p %d 127.0.3.10 127.0.3.11 2>/dev/null >%s", sshd.port,
              in_dir("known_hosts"));
    host = host_with("");
    host.identity = (char *)in_dir("pem");
    connects(&transport_ssh, &host, "an ecdsa key in PEM form works");
    host.identity = (char *)in_dir("other");
    refuses(&transport_ssh, &host,
            "root@127.0.3.10|refuses the login|other: refused|authorized_keys",
            "a key that is not taken is named");
    host.identity = (char *)in_dir("rsa");
    refuses(&transport_ssh, &host, "/rsa: an RSA key|ed25519", "an RSA key is told apart");
    host.identity = (char *)in_dir("locked");
    refuses(&transport_ssh, &host, "/locked: encrypted|ssh-add", "an encrypted key is told apart");
    host.identity = (char *)in_dir("nowhere");
    host.place = "rota.ini:7";
    refuses(&transport_ssh, &host, "nowhere|rota.ini:7|no file",
            "an identity that is not there is named with its place");
    host.identity = (char *)in_dir("known_hosts");
    refuses(&transport_ssh, &host, "not a private key", "an identity that is no key is named");
    (void)snprintf(line, sizeof line,
                   "IdentityFile %s/other\nIdentityFile %%d/nothing\nIdentityFile "
                   "%s/user",
                   test_dir, test_dir);
    host = host_with(line);
    host.identity = NULL;
    connects(&transport_ssh, &host,
             "the identity files of the ssh configuration are tried in order");
    host = host_with("");
    host.identity = NULL;
    refuses(&transport_ssh, &host, "there is no key|identity = PATH",
            "having no key at all is said");
    host = host_with("Banana yes");
    refuses(&transport_ssh, &host, "ssh configuration|anana",
            "a broken ssh configuration is named");
}

/* ---- the agent ---- */

static void test_agent(void)
{
    char line[600];
    pid_t pid = 0;
    const char *sock = in_dir("agent");
    char *argv[] = {"ssh-agent", "-D", "-a", (char *)sock, NULL};
    pid = proc_spawn(argv, -1, -1, -1, NULL);
    for (int i = 0; i < 1000 && access(sock, F_OK) < 0; i++)
        (void)poll(NULL, 0, 20);
    put_file(in_dir("askpass"), "#!/bin/sh\necho secret\n");
    (void)chmod(in_dir("askpass"), 0700);
    tap_int(run("export SSH_AUTH_SOCK=%s SSH_ASKPASS=%s SSH_ASKPASS_REQUIRE=force; cd %s && "
                "ssh-add -q rsa other && ssh-add -q locked 2>/dev/null",
                sock, in_dir("askpass"), test_dir),
            0, "(the agent has its keys)");
    (void)snprintf(line, sizeof line, "IdentityAgent %s", sock);
    struct host_config host = host_with(line);
    host.identity = (char *)in_dir("locked");
    connects(&transport_ssh, &host, "an encrypted key works through the agent");
    (void)snprintf(line, sizeof line, "IdentityAgent %s\nIdentitiesOnly no", sock);
    host = host_with(line);
    host.identity = NULL;
    connects(&transport_ssh, &host, "the agent's keys are tried one after the other");
    (void)snprintf(line, sizeof line, "IdentityAgent %s", sock);
    host = host_with(line);
    host.identity = (char *)in_dir("other");
    refuses(&transport_ssh, &host, "other: refused",
            "with IdentitiesOnly no other key of the agent is tried");
    (void)kill(pid, SIGTERM);
    (void)waitpid(pid, NULL, 0);
}

/* An agent that takes connections and never answers. */
static void test_dead_agent(void)
{
    char line[1200];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/hung", test_dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4) < 0)
        abort();
    (void)snprintf(line, sizeof line, "IdentityAgent %s\nIdentityFile %s/user", address.sun_path,
                   test_dir);
    struct host_config host = host_with(line);
    host.identity = NULL;
    (void)setenv("ROTA_TEST_STEP_MS", "3000", 1);
    connects(&transport_ssh, &host, "an agent that hangs is done without");
    (void)setenv("ROTA_TEST_STEP_MS", "60000", 1);
    close(fd);
    (void)unlink(address.sun_path);
    host = host_with(line);
    host.identity = NULL;
    connects(&transport_ssh, &host, "an agent that is gone is done without");
    host.identity = (char *)in_dir("other");
    host.address = "127.0.3.11";
    put_file(in_dir("ssh_config"),
             "IdentityAgent %s\nUserKnownHostsFile %s/known_hosts\nIdentityFile none\n",
             address.sun_path, test_dir);
    refuses(&transport_ssh, &host, "other: refused|agent: no agent at",
            "and is named when no other key is taken");
}

int main(int argc, char **argv)
{
    (void)argc;
    test_begin(argv);
    (void)setenv("ROTA_TEST_STEP_MS", "60000", 1);
    start();
    test_host_keys();
    test_accept_new();
    test_alias();
    test_keys();
    test_agent();
    test_dead_agent();
    sshd_stop(&sshd);
    remove_dir();
    return tap_done();
}
