#include "resolve.h"
#include "sshconfig.h"
#include "base64.h"
#include "sshkey.h"
#include "tap.h"
#include "xalloc.h"

#include <stdlib.h>
#include <sys/socket.h>

static const char *const base = "host web1\nuser deploy\nhostname 192.0.2.7\nport 2222\n";

static int parse(const char *more, struct sshconfig *config, struct err *err)
{
    char *text = xasprintf("%s%s", base, more);
    int rc = sshconfig_parse(text, "web1", config, err);
    free(text);
    return rc;
}

static void test_values(void)
{
    struct sshconfig c;
    struct err err = {0};
    int rc =
        parse("identityfile ~/.ssh/id_ed25519\nidentityfile /keys/%r@%h:%p-%n\nidentityfile none\n"
              "identitiesonly yes\nuserknownhostsfile /a/known /b/known\n"
              "globalknownhostsfile /etc/known\nhostkeyalias db\nproxyjump one,two\n"
              "connecttimeout 7\naddressfamily inet6\nidentityagent none\n",
              &c, &err);
    tap_int(rc, 0, "the answer of ssh -G is read");
    tap_str(c.hostname, "192.0.2.7", "hostname");
    tap_str(c.user, "deploy", "user");
    tap_int(c.port, 2222, "port");
    tap_int((long long)c.identities.n, 2, "identity files, without none");
    tap_ok(c.identities.v[0][0] == '/', "~ is expanded");
    tap_str(c.identities.v[1], "/keys/deploy@192.0.2.7:2222-web1", "% tokens are expanded");
    tap_ok(c.identities_only, "identitiesonly");
    tap_int((long long)c.user_known_hosts.n, 2, "several known_hosts files");
    tap_str(c.global_known_hosts.v[0], "/etc/known", "the global one");
    tap_str(c.alias, "db", "hostkeyalias");
    tap_str(c.proxy_jump, "one,two", "proxyjump");
    tap_int(c.connect_ms, 7000, "connecttimeout");
    tap_int(c.family, AF_INET6, "addressfamily");
    tap_str(c.agent, NULL, "identityagent none");
    sshconfig_free(&c);
}

static void test_absent(void)
{
    struct sshconfig c;
    struct err err = {0};
    (void)setenv("SSH_AUTH_SOCK", "/run/agent", 1);
    tap_int(parse("connecttimeout none\nproxycommand none\n", &c, &err), 0, "little is enough");
    tap_str(c.agent, "/run/agent", "the agent is that of the environment by default");
    tap_int(c.connect_ms, 0, "connecttimeout none");
    tap_str(c.proxy_command, NULL, "proxycommand none");
    tap_str(c.proxy_jump, NULL, "no proxyjump");
    sshconfig_free(&c);
    (void)unsetenv("SSH_AUTH_SOCK");
    tap_int(parse("proxycommand nc %h %p\nidentityagent $NO_SUCH_VARIABLE\n", &c, &err), 0,
            "a proxy command");
    tap_str(c.proxy_command, "nc 192.0.2.7 2222", "is expanded");
    tap_str(c.agent, NULL, "an agent named by a variable that is not set is none");
    sshconfig_free(&c);
}

static void test_refused(void)
{
    struct sshconfig c;
    struct err err = {0};
    tap_int(sshconfig_parse("", "web1", &c, &err), ERR_CONFIG, "an empty answer is refused");
    tap_int(sshconfig_parse("hostname a\nuser b\nport 99999\n", "web1", &c, &err), ERR_CONFIG,
            "an impossible port is refused");
    tap_int(parse("identityfile /keys/%Z\n", &c, &err), ERR_CONFIG,
            "an unknown % token is refused");
    tap_ok(strstr(err.msg, "%Z") != NULL, "and named");
    tap_int(parse("identityfile /keys/%\n", &c, &err), ERR_CONFIG, "so is a lone % at the end");
}

static void test_addresses(void)
{
    struct sockaddr_storage v[RESOLVE_MAX];
    char text[RESOLVE_TEXT];
    size_t n = resolve_parse("2001:db8::7     STREAM web1\n2001:db8::7     DGRAM  \n"
                             "192.0.2.7       STREAM \nnonsense STREAM\n",
                             22, AF_UNSPEC, v);
    tap_int((long long)n, 2, "each address of getent counts once");
    tap_str(resolve_text(&v[0], text), "[2001:db8::7]:22", "IPv6");
    tap_str(resolve_text(&v[1], text), "192.0.2.7:22", "IPv4");
    n = resolve_parse("2001:db8::7 STREAM\n192.0.2.7 STREAM\n", 22, AF_INET, v);
    tap_int((long long)n, 1, "only addresses of the family");
    struct buf many = {0};
    for (int i = 0; i < 100; i++)
        buf_addf(&many, "192.0.2.%d STREAM\n", i);
    tap_int((long long)resolve_parse(buf_str(&many), 22, AF_UNSPEC, v), RESOLVE_MAX,
            "more addresses than there is room for are dropped");
    buf_free(&many);
}

static void test_base64(void)
{
    static const char *const pairs[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
    bool good = true;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct buf text = {0}, back = {0};
        base64_encode(&text, pairs[i][0], strlen(pairs[i][0]));
        (void)base64_decode(&back, pairs[i][1], strlen(pairs[i][1]));
        good &=
            strcmp(buf_str(&text), pairs[i][1]) == 0 && strcmp(buf_str(&back), pairs[i][0]) == 0;
        buf_free(&text);
        buf_free(&back);
    }
    tap_ok(good, "base64 as in RFC 4648");
    /* lengths that lie */
    tap_int(sshkey_kind_of("\xff\xff\xff\xff", 4), SSHKEY_USABLE,
            "a damaged blob is not read beyond its end");
    char *type = sshkey_type("\0\0\0\7ssh-rsa", 10);
    tap_str(type, "", "a name cut short is no name");
    free(type);
    tap_int(sshkey_kind_of("\0\0\0\7ssh-rsa", 11), SSHKEY_RSA, "an RSA blob is told apart");
}

int main(void)
{
    test_values();
    test_absent();
    test_refused();
    test_addresses();
    test_base64();
    return tap_done();
}
