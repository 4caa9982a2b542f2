#include "sshconfig.h"

#include <ctype.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "xalloc.h"

/* ---- the values of ssh -G ---- */

/* The home that ssh itself uses: the password file's, not $HOME. */
static const char *home(void)
{
    static char *dir;
    if (!dir) {
        const struct passwd *pw = getpwuid(getuid());
        const char *env = getenv("HOME");
        dir = xstrdup(pw ? pw->pw_dir : env ? env : "/");
    }
    return dir;
}

/* Expands % tokens; ERR_CONFIG for one that we do not know. */
static int expand_tokens(const struct sshconfig *config, const char *address, const char *text,
                         char **expanded, struct err *err)
{
    struct buf out = {0};
    char *port = xasprintf("%d", config->port);
    const struct {
        char token;
        const char *value;
    } tokens[] = {{'%', "%"},
                  {'d', home()},
                  {'h', config->hostname},
                  {'n', address},
                  {'p', port},
                  {'r', config->user},
                  {'k', config->alias ? config->alias : address}};
    int rc = 0;
    for (const char *p = text; *p && rc == 0; p++) {
        if (*p != '%') {
            buf_addch(&out, *p);
            continue;
        }
        const char *value = NULL;
        p++;
        for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
            if (tokens[i].token == *p)
                value = tokens[i].value;
        if (*p && value)
            buf_addstr(&out, value);
        else
            rc = err_set(err, ERR_CONFIG,
                         "'%s' of the ssh configuration uses %%%c, which rota does not know: "
                         "write the value itself",
                         text, *p ? *p : ' ');
        if (!*p)
            break;
    }
    free(port);
    if (rc == 0)
        *expanded = buf_detach(&out);
    buf_free(&out);
    return rc;
}

static char *expand_tilde(const char *path)
{
    return strncmp(path, "~/", 2) == 0 ? xasprintf("%s/%s", home(), path + 2) : xstrdup(path);
}

static bool is_none(const char *value)
{
    return !*value || strcmp(value, "none") == 0;
}

/* One line of the answer, as found; order does not matter until all of them are there. */
struct raw {
    struct strlist identities;
    char *agent, *proxy_command, *user_known_hosts, *global_known_hosts;
};

static void set(char **to, const char *value)
{
    free(*to);
    *to = xstrdup(value);
}

static void set_unless_none(char **to, const char *value)
{
    free(*to);
    *to = is_none(value) ? NULL : xstrdup(value);
}

/* Seconds as ms; "none": 0. ssh takes up to 2^31 seconds, more ms than an int holds. */
static int read_seconds(const char *value)
{
    long seconds = strtol(value, NULL, 10);
    if (seconds < 0)
        return 0;
    return seconds < INT_MAX / 1000 ? (int)seconds * 1000 : INT_MAX;
}

static void take_line(struct sshconfig *c, struct raw *raw, const char *key, const char *value)
{
    const struct {
        const char *key;
        char **to;
        void (*set)(char **to, const char *value);
    } texts[] = {
        {"hostname", &c->hostname, set},
        {"user", &c->user, set},
        {"hostkeyalias", &c->alias, set_unless_none},
        {"proxyjump", &c->proxy_jump, set_unless_none},
        {"proxycommand", &raw->proxy_command, set_unless_none},
        {"identityagent", &raw->agent, set},
        {"userknownhostsfile", &raw->user_known_hosts, set},
        {"globalknownhostsfile", &raw->global_known_hosts, set},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(texts[i].key, key) == 0)
            texts[i].set(texts[i].to, value);
    if (strcmp(key, "port") == 0)
        c->port = (int)strtol(value, NULL, 10);
    else if (strcmp(key, "identityfile") == 0)
        strlist_add(&raw->identities, value);
    else if (strcmp(key, "certificatefile") == 0)
        c->certificates = true;
    else if (strcmp(key, "identitiesonly") == 0)
        c->identities_only = strcmp(value, "yes") == 0;
    else if (strcmp(key, "connecttimeout") == 0)
        c->connect_ms = read_seconds(value);
    else if (strcmp(key, "addressfamily") == 0)
        c->family = strcmp(value, "inet") == 0    ? AF_INET
                    : strcmp(value, "inet6") == 0 ? AF_INET6
                                                  : AF_UNSPEC;
}

static int take_paths(struct sshconfig *c, const char *address, const char *words,
                      struct strlist *to, struct err *err)
{
    int rc = 0;
    for (const char *p = words; p && *p && rc == 0;) {
        size_t len = strcspn(p, " ");
        char *word = xstrndup(p, len), *path;
        char *plain = NULL;
        if (!is_none(word) && (rc = expand_tokens(c, address, word, &plain, err)) == 0) {
            path = expand_tilde(plain);
            strlist_take(to, path);
        }
        free(plain);
        free(word);
        p += len;
        p += strspn(p, " ");
    }
    return rc;
}

static int take_identities(struct sshconfig *c, const char *address, const struct raw *raw,
                           struct err *err)
{
    for (size_t i = 0; i < raw->identities.n; i++) {
        char *plain;
        if (is_none(raw->identities.v[i]))
            continue;
        int rc = expand_tokens(c, address, raw->identities.v[i], &plain, err);
        if (rc < 0)
            return rc;
        strlist_take(&c->identities, expand_tilde(plain));
        free(plain);
    }
    return 0;
}

static int take_agent(struct sshconfig *c, const char *address, const char *value, struct err *err)
{
    if (!value || strcmp(value, "SSH_AUTH_SOCK") == 0)
        value = "$SSH_AUTH_SOCK";
    if (is_none(value))
        return 0;
    if (*value == '$') {
        const char *path = getenv(value + 1);
        c->agent = path && *path ? xstrdup(path) : NULL;
        return 0;
    }
    char *plain;
    int rc = expand_tokens(c, address, value, &plain, err);
    if (rc == 0) {
        c->agent = expand_tilde(plain);
        free(plain);
    }
    return rc;
}

static void read_lines(const char *text, struct sshconfig *c, struct raw *raw)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        char *line = xstrndup(text, len);
        char *value = strchr(line, ' ');
        if (value) {
            *value = '\0';
            take_line(c, raw, line, value + 1);
        }
        free(line);
        text += len + (text[len] == '\n');
    }
}

int sshconfig_parse(const char *text, const char *address, struct sshconfig *config,
                    struct err *err)
{
    struct raw raw = {0};
    int rc = 0;
    *config = (struct sshconfig){.family = AF_UNSPEC};
    read_lines(text, config, &raw);
    if (!config->hostname || !config->user || config->port <= 0 || config->port > 65535)
        rc = err_set(err, ERR_CONFIG, "ssh -G gives no host name, user and port for %s", address);
    if (rc == 0)
        rc = take_identities(config, address, &raw, err);
    if (rc == 0)
        rc = take_agent(config, address, raw.agent, err);
    if (rc == 0)
        rc = take_paths(config, address, raw.user_known_hosts, &config->user_known_hosts, err);
    if (rc == 0)
        rc = take_paths(config, address, raw.global_known_hosts, &config->global_known_hosts, err);
    if (rc == 0 && raw.proxy_command)
        rc = expand_tokens(config, address, raw.proxy_command, &config->proxy_command, err);
    strlist_free(&raw.identities);
    free(raw.agent);
    free(raw.proxy_command);
    free(raw.user_known_hosts);
    free(raw.global_known_hosts);
    if (rc < 0)
        sshconfig_free(config);
    return rc;
}

void sshconfig_free(struct sshconfig *config)
{
    free(config->hostname);
    free(config->user);
    free(config->agent);
    free(config->alias);
    free(config->proxy_jump);
    free(config->proxy_command);
    strlist_free(&config->identities);
    strlist_free(&config->user_known_hosts);
    strlist_free(&config->global_known_hosts);
    *config = (struct sshconfig){0};
}

/* ---- asking ---- */

struct answer {
    char *key;
    struct sshconfig config;
    struct answer *next;
};

static struct answer *answers;

static const struct sshconfig *recall(const char *key)
{
    for (const struct answer *a = answers; a; a = a->next)
        if (strcmp(a->key, key) == 0)
            return &a->config;
    return NULL;
}

void sshconfig_begin(struct sshconfig_query *query, const char *address, const char *user, int port)
{
    *query = (struct sshconfig_query){.child = {.fd = -1}};
    query->key = xasprintf("%s\n%s\n%d", address, user ? user : "", port);
    query->address = xstrdup(address);
    if (recall(query->key))
        return;
    char *digits = xasprintf("%d", port);
    const char *file = getenv("ROTA_SSH_CONFIG");
    const char *argv[12] = {"ssh", "-G"};
    size_t n = 2;
    if (file && *file) {
        argv[n++] = "-F";
        argv[n++] = file;
    }
    if (port) {
        argv[n++] = "-p";
        argv[n++] = digits;
    }
    if (user) {
        argv[n++] = "-l";
        argv[n++] = user;
    }
    argv[n++] = "--";
    argv[n++] = address;
    argv[n] = NULL;
    child_begin(&query->child, argv);
    free(digits);
}

int sshconfig_step(struct sshconfig_query *query, const struct sshconfig **config, struct err *err)
{
    *config = recall(query->key);
    if (*config)
        return 1;
    int rc = child_step(&query->child, err);
    if (rc <= 0)
        return rc;
    if (!WIFEXITED(query->child.status) || WEXITSTATUS(query->child.status) != 0) {
        char *why = child_complaint(&query->child);
        rc = err_set(err, ERR_CONFIG, "the ssh configuration cannot be used: %s",
                     *why ? why : "ssh -G failed");
        free(why);
        return rc;
    }
    struct sshconfig parsed;
    rc = sshconfig_parse(buf_str(&query->child.out), query->address, &parsed, err);
    if (rc < 0)
        return rc;
    struct answer *a = xcalloc(1, sizeof *a);
    a->key = xstrdup(query->key);
    a->config = parsed;
    a->next = answers;
    answers = a;
    *config = &a->config;
    return 1;
}

void sshconfig_end(struct sshconfig_query *query)
{
    child_stop(&query->child);
    free(query->key);
    free(query->address);
    query->key = query->address = NULL;
}
