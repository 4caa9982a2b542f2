/*
 * The ssh program, for all that libssh2 cannot do: RSA keys (before libssh2 1.11), certificates, FIDO
 * keys, Kerberos, whatever else ~/.ssh/config says. It costs a process and 60 ms a connection.
 */
#include "transport_exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "child.h"
#include "xalloc.h"

enum {
    SSH_FAILED = 255, /* ssh's own exit status, also when a command dies of a signal */
    SAID_MAX = 8192,
};

static int prepare(struct exec_link *l, struct err *err)
{
    if (!l->config && !l->query.key)
        sshconfig_begin(&l->query, l->host->address, l->host->user, l->host->port);
    int rc = l->config ? 1 : sshconfig_step(&l->query, &l->config, err);
    if (rc <= 0)
        return rc;
    sshconfig_end(&l->query);
    if (l->host->accept_new && !l->asked) {
        knownhosts_begin(&l->known, l->config->hostname, l->config->port, l->config->alias,
                         &l->config->user_known_hosts, &l->config->global_known_hosts);
        l->asked = true;
    }
    rc = l->asked ? knownhosts_step(&l->known, err) : 1;
    if (rc <= 0)
        return rc;
    l->target = xasprintf("%s:%d", l->config->hostname, l->config->port);
    l->where = xasprintf("%s@%s", l->config->user, l->target);
    return 1;
}

/* ServerAlive ends a connection that is half open as soon as our own PING would. An existing master
 * connection of the user is used, none is made: it would outlive us. */
static void ssh_argv(const struct exec_link *l, struct strlist *argv)
{
    static const char *const always[] = {"ssh", "-T",
                                         "-a",  "-x",
                                         "-o",  "BatchMode=yes",
                                         "-o",  "ClearAllForwardings=yes",
                                         "-o",  "RemoteCommand=none",
                                         "-o",  "PermitLocalCommand=no",
                                         "-o",  "ControlMaster=no",
                                         "-o",  "ConnectTimeout=10",
                                         "-o",  "ServerAliveInterval=15",
                                         "-o",  "ServerAliveCountMax=3"};
    const struct host_config *host = l->host;
    const char *file = getenv("ROTA_SSH_CONFIG");
    char port[16];
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        strlist_add(argv, always[i]);
    strlist_add(argv, "-o");
    /* accept-new is for hosts of which nothing is held: ssh would believe a plain key also where known_hosts
     * has an authority for the host */
    strlist_add(argv, host->accept_new && !l->known.n ? "StrictHostKeyChecking=accept-new"
                                                      : "StrictHostKeyChecking=yes");
    const char *const options[][2] = {{"-F", file && *file ? file : NULL},
                                      {"-i", host->identity},
                                      {"-l", host->user},
                                      {"-p", host->port ? port : NULL}};
    (void)snprintf(port, sizeof port, "%d", host->port);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i][1]) {
            strlist_add(argv, options[i][0]);
            strlist_add(argv, options[i][1]);
        }
    strlist_add(argv, "--");
    strlist_add(argv, host->address);
    strlist_add(argv, l->errand.command);
}

/* ---- what its words mean ---- */

/* The keys that ssh may have tried, for the message of a refused login. */
static char *list_keys(const struct exec_link *l)
{
    struct buf text = {0};
    const struct strlist *files = &l->config->identities;
    if (l->host->identity)
        buf_addf(&text, "%s", l->host->identity);
    for (size_t i = 0; i < files->n; i++)
        if (access(files->v[i], F_OK) == 0 &&
            (!l->host->identity || strcmp(files->v[i], l->host->identity) != 0))
            buf_addf(&text, "%s%s", text.len ? ", " : "", files->v[i]);
    if (l->config->agent)
        buf_addf(&text, "%sthe agent", text.len ? ", " : "");
    if (!text.len)
        buf_addstr(&text, "there is no key");
    buf_str(&text);
    return buf_detach(&text);
}

static const struct {
    const char *phrase, *mend;
    bool keys; /* say which were tried */
} meanings[] = {
    {"IDENTIFICATION HAS CHANGED",
     "it shows another host key than known_hosts holds: either it was installed anew or somebody "
     "is "
     "in between; when you know why, remove the old one with ssh-keygen -R",
     false},
    {"REVOKED HOST KEY", "do not trust it; give the host a new key", false},
    {"marked as revoked", "do not trust it; give the host a new key", false},
    {"host key is known",
     "compare its host key, then add it with ssh-keyscan or one login with "
     "ssh; or set 'strict = accept-new'",
     false},
    {"Host key verification failed", "log in once with ssh to see why", false},
    {"Permission denied", "add the public key to authorized_keys there, or set 'identity = PATH'",
     true},
    {"Too many authentication failures",
     "set 'identity = PATH', and IdentitiesOnly yes in the ssh configuration", true},
    {"Connection refused", "does sshd run there, and is the port right?", false},
    {"timed out", "is the host up, and does a firewall let us through?", false},
    {"No route to host", "is the host up?", false},
    {"Could not resolve", "is the address right?", false},
    {"Connection closed by", "sshd hung up: its log says why", false},
    {"Connection reset by", "sshd hung up: its log says why", false},
};

/* The line of the text with the phrase in it, free. */
static char *line_with(const char *text, const char *at)
{
    while (at > text && at[-1] != '\n')
        at--;
    at += strspn(at, "@ "); /* the frame of a warning */
    if (strncmp(at, "ssh: ", 5) == 0)
        at += 5;
    size_t len = strcspn(at, "\r\n");
    while (len && strchr("@ ", at[len - 1]))
        len--;
    return xstrndup(at, len);
}

/* What ssh said, what was tried (the keys, or the entry of known_hosts that offends), what to do. */
static int say(const struct exec_link *l, const char *said, const char *at, bool keys,
               const char *mend, struct err *err)
{
    const char *offends = strstr(said, "Offending ");
    char *line = line_with(said, at);
    char *more = keys ? list_keys(l) : offends ? line_with(said, offends) : xstrdup("");
    int rc = err_set(err, ERR_UNREACHABLE, "%s: ssh says: %s%s%s%s%s: %s", l->where, line,
                     *more ? " (" : "", keys ? "tried: " : "", more, *more ? ")" : "", mend);
    free(line);
    free(more);
    return rc;
}

static int judge(const struct exec_link *l, int status, struct err *err)
{
    char said[SAID_MAX + 1];
    if (status >= 0 && status != SSH_FAILED)
        return 0;
    ssize_t n = l->cmd.errfd < 0 ? 0 : pread(l->cmd.errfd, said, SAID_MAX, 0);
    said[n > 0 ? n : 0] = '\0';
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        const char *at = strstr(said, meanings[i].phrase);
        if (!at)
            continue;
        return say(l, said, at, meanings[i].keys, meanings[i].mend, err);
    }
    /* or the worker died of a signal; if it was ssh, the probe fails in the same way */
    if (l->errand.kind == ERRAND_START && !l->errand.pushed && !l->errand.worker)
        return 0;
    char *words = child_last_line(l->cmd.errfd);
    int rc = err_set(err, ERR_UNREACHABLE, "%s: ssh failed: %s", l->where,
                     *words ? words : "it says nothing; try it by hand");
    free(words);
    return rc;
}

/* ---- the row ---- */

static const struct exec_row row = {
    .transport = &transport_openssh,
    .prepare = prepare,
    .argv = ssh_argv,
    .judge = judge,
    .late = "ssh does not get through to a worker: is the host up, and does .bashrc or a forced "
            "command wait for something?",
};

static struct link *openssh_open(const struct host_config *host, const char *mode, struct err *err)
{
    return exec_open(&row, host, mode, err);
}

const struct transport transport_openssh = {
    .name = "openssh",
    .open = openssh_open,
    .step = exec_step,
    .read = exec_read,
    .write = exec_write,
    .close = exec_close,
};
