/*
 * Which keys are tried: the identity of rota.ini; then those of the agent, first the ones that an
 * identity file names (so an encrypted file works through the agent), the others unless
 * IdentitiesOnly; then the files of ~/.ssh/config or ssh's defaults.
 *
 * The key is known, so libssh2_userauth_list is never called: it costs a round trip.
 */
#include "transport_ssh.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

enum { TRIES_MAX = 5 }; /* sshd hangs up at its sixth (MaxAuthTries) */

static void note(struct ssh_auth *a, const char *what, const char *happened)
{
    buf_addf(&a->notes, "%s%s: %s", a->notes.len ? "; " : "", what, happened);
}

/* ---- looking at what there is ---- */

static bool can_rsa(void)
{
    return libssh2_version(0x010b00) != NULL; /* 1.11 signs RSA with SHA-2 */
}

/* Why keys of a kind cannot be used; NULL: they can. */
static const char *unusable(enum sshkey_kind kind, bool in_agent)
{
    if (kind == SSHKEY_RSA && (in_agent || !can_rsa()))
        return "an RSA key, which this libssh2 signs with SHA-1 only and sshd refuses: make an "
               "ed25519 key (ssh-keygen -t ed25519)";
    if (kind == SSHKEY_DSA)
        return "a DSA key, which sshd refuses: make an ed25519 key (ssh-keygen -t ed25519)";
    if (kind == SSHKEY_HARDWARE)
        return "a FIDO key, which libssh2 cannot use: make an ed25519 key";
    if (kind == SSHKEY_CERTIFICATE)
        return "a certificate, which libssh2 cannot show: use transport = openssh";
    return NULL;
}

/* Whether ssh itself can do what we cannot with a key of this kind. */
static bool is_beyond(enum sshkey_kind kind)
{
    return kind == SSHKEY_RSA || kind == SSHKEY_HARDWARE || kind == SSHKEY_CERTIFICATE;
}

/* ssh shows the certificate PATH-cert.pub with the key at PATH. */
static bool has_certificate(const char *path)
{
    char *certificate = xasprintf("%s-cert.pub", path);
    bool has = access(certificate, F_OK) == 0;
    free(certificate);
    return has;
}

static const char no_certificate[] =
    "it has a certificate, which libssh2 cannot show: use transport = openssh";

/* Adds a file to those that may be used. What a default leaves out is not worth a word; what a
 * person named is an error when it is not there. */
static int look_at(struct ssh_link *l, const char *path, bool explicit, struct err *err)
{
    struct ssh_auth *a = &l->auth;
    struct ssh_file file = {.explicit = explicit};
    struct err why = {0};
    for (size_t i = 0; i < a->nfiles; i++)
        if (strcmp(a->files[i].path, path) == 0)
            return 0;
    int rc = sshkey_look(path, &file.key, &why);
    if (rc < 0 && explicit)
        return err_set(err, ERR_CONFIG, "'identity = %s'%s%s: %s", path,
                       l->host->place ? " in " : "", l->host->place ? l->host->place : "", why.msg);
    if (rc < 0) {
        if (rc != ERR_ANSWER)
            note(a, path, why.msg);
        sshkey_free(&file.key);
        return 0;
    }
    const char *no = unusable(file.key.kind, false);
    a->beyond |= no && is_beyond(file.key.kind);
    if (has_certificate(path)) {
        a->beyond = true;
        note(a, path, no_certificate);
    }
    if (no && explicit && a->beyond)
        l->link.instead = &transport_openssh;
    if (no)
        note(a, path, no);
    else if (file.key.encrypted)
        note(a, path,
             l->config->agent ? "encrypted: add it to your agent (ssh-add)"
                              : "encrypted, and there is no agent: start one, add it (ssh-add) and "
                                "set SSH_AUTH_SOCK, for cron too; or make rota a key of its own");
    file.usable = !no && !file.key.encrypted;
    file.path = xstrdup(path);
    a->files = xreallocarray(a->files, a->nfiles + 1, sizeof *a->files);
    a->files[a->nfiles++] = file;
    return 0;
}

static int look_at_all(struct ssh_link *l, struct err *err)
{
    int rc = 0;
    l->auth.beyond = l->config->certificates;
    if (l->config->certificates)
        note(&l->auth, "the ssh configuration", no_certificate);
    if (l->host->identity)
        rc = look_at(l, l->host->identity, true, err);
    for (size_t i = 0; i < l->config->identities.n && rc == 0; i++)
        rc = look_at(l, l->config->identities.v[i], false, err);
    return rc;
}

/* ---- the list of keys to try ---- */

static void add_key(struct ssh_auth *a, char *label, const char *path, const struct buf *blob)
{
    a->keys = xreallocarray(a->keys, a->n + 1, sizeof *a->keys);
    a->keys[a->n++] = (struct ssh_key){label, path, blob};
}

static void add_files(struct ssh_auth *a, bool explicit)
{
    for (size_t i = 0; i < a->nfiles; i++)
        if (a->files[i].usable && a->files[i].explicit == explicit)
            add_key(a, xstrdup(a->files[i].path), a->files[i].path, NULL);
}

/* The file a key of the agent belongs to; NULL. */
static const struct ssh_file *file_of(const struct ssh_auth *a, const struct buf *blob)
{
    for (size_t i = 0; i < a->nfiles; i++) {
        const struct buf *b = &a->files[i].key.blob;
        if (b->len && b->len == blob->len && memcmp(buf_data(b), buf_data(blob), b->len) == 0)
            return &a->files[i];
    }
    return NULL;
}

static void add_agent_keys(struct ssh_link *l)
{
    struct ssh_auth *a = &l->auth;
    for (int named = 1; named >= 0; named--)
        for (size_t i = 0; i < a->agent.n; i++) {
            const struct sshagent_key *key = &a->agent.keys[i];
            const struct ssh_file *file = file_of(a, &key->blob);
            if (!!file != !!named || (!file && l->config->identities_only))
                continue;
            if (file && file->usable && file->explicit)
                continue; /* it was tried as a file */
            char *label = xasprintf("%s (agent)", file ? file->path : key->comment);
            enum sshkey_kind kind = sshkey_kind_of(buf_data(&key->blob), key->blob.len);
            const char *no = unusable(kind, true);
            if (no) {
                a->beyond |= is_beyond(kind);
                note(a, label, no);
                free(label);
                continue;
            }
            add_key(a, label, NULL, &key->blob);
        }
}

/* An agent that fails or hangs is noted and done without. */
static void drop_agent(struct ssh_auth *a, const char *why)
{
    note(a, "agent", why);
    /* keys[] borrows from agent.keys: only the connection goes */
    if (a->agent.fd >= 0) {
        struct sshagent closed = a->agent;
        closed.keys = NULL;
        closed.n = 0;
        a->agent.fd = -1;
        a->agent.out = a->agent.in = (struct buf){0};
        sshagent_close(&closed);
    }
}

/* 1: its keys are added, or it is done without; 0: wait. */
static int ask_agent(struct ssh_link *l)
{
    struct ssh_auth *a = &l->auth;
    struct err why = {0};
    int rc = 0;
    if (!l->config->agent)
        return 1;
    if (a->agent.fd < 0)
        rc = sshagent_open(&a->agent, l->config->agent, &why);
    if (rc == 0)
        rc = sshagent_list(&a->agent, &why);
    if (rc == 0 && !l->late)
        return ssh_wait(l, a->agent.fd, a->agent.events);
    if (rc <= 0) {
        drop_agent(a, rc < 0 ? why.msg : "gives no answer");
        return ssh_enter(l, STAGE_AUTH); /* the others get their time */
    }
    add_agent_keys(l);
    return 1;
}

/* Goes on to the next source. 1: keys may have been added; 0: wait; negative: that was all. */
static int next_source(struct ssh_link *l, struct err *err)
{
    struct ssh_auth *a = &l->auth;
    int rc = 1;
    switch (a->source) {
    case SOURCE_BEGIN:
        rc = look_at_all(l, err);
        if (rc < 0)
            return rc;
        if (l->link.instead && !l->host->transport_set) /* the one key that was named */
            return err_set(err, ERR_UNREACHABLE, "%s: %s", l->where, buf_str(&a->notes));
        add_files(a, true);
        rc = 1;
        break;
    case SOURCE_IDENTITY:
        rc = ask_agent(l);
        if (rc <= 0)
            return rc;
        break;
    case SOURCE_AGENT:
        add_files(a, false);
        break;
    case SOURCE_FILES:
    case SOURCE_END:
        if (!a->notes.len)
            buf_addstr(&a->notes, "there is no key: neither an agent nor a file");
        if (a->beyond)
            l->link.instead = &transport_openssh;
        if (!a->n)
            return err_set(
                err, ERR_UNREACHABLE,
                "%s: no key to log in with (%s): set 'identity = PATH' to one that works "
                "without a question",
                l->where, buf_str(&a->notes));
        return err_set(err, ERR_UNREACHABLE,
                       "%s refuses the login (%s): add the public key to authorized_keys there, or "
                       "set 'identity = PATH'",
                       l->where, buf_str(&a->notes));
    }
    a->source++;
    return rc;
}

/* ---- trying ---- */

/* Called by libssh2 with what is to be signed; again with the same after EAGAIN. */
static int sign(LIBSSH2_SESSION *session, unsigned char **signature, size_t *len,
                const unsigned char *data, size_t data_len, void **abstract)
{
    struct ssh_link *l = *abstract;
    struct ssh_auth *a = &l->auth;
    struct buf bare = {0};
    struct err why = {0};
    (void)session; /* its allocator is malloc: it frees what we give */
    if (a->agent.fd < 0)
        return -1;
    if (!a->signing)
        sshagent_ask(&a->agent, a->keys[a->at].blob, data, data_len);
    a->signing = true;
    int rc = sshagent_signature(&a->agent, &bare, &why);
    if (rc == 0)
        return LIBSSH2_ERROR_EAGAIN;
    a->signing = false;
    if (rc < 0) {
        drop_agent(a, why.msg);
        return -1;
    }
    *len = bare.len;
    *signature = xmemdup(buf_data(&bare), bare.len);
    buf_free(&bare);
    return 0;
}

static int call(struct ssh_link *l)
{
    const struct ssh_key *key = &l->auth.keys[l->auth.at];
    const char *user = l->config->user;
    void *self = l;
    ssh_call(l);
    if (key->path)
        return libssh2_userauth_publickey_fromfile_ex(l->session, user, (unsigned)strlen(user),
                                                      NULL, key->path, "");
    return libssh2_userauth_publickey(l->session, user, (const unsigned char *)buf_data(key->blob),
                                      key->blob->len, sign, &self);
}

/* 1: logged in; 0: wait; 2: this key is not taken; negative: the connection is broken. */
static int try_key(struct ssh_link *l, struct err *err)
{
    struct ssh_auth *a = &l->auth;
    const struct ssh_key *key = &a->keys[a->at];
    if (!key->path && a->agent.fd < 0)
        return 2; /* the agent was dropped, and noted */
    if (l->late && a->signing)
        drop_agent(a, "does not sign: does it wait for a confirmation?");
    int rc = call(l);
    if (rc == LIBSSH2_ERROR_EAGAIN && a->signing)
        return ssh_wait(l, a->agent.fd, a->agent.events);
    if (ssh_again(l, rc))
        return 0;
    a->signing = false;
    if (rc == 0)
        return 1;
    if (rc == LIBSSH2_ERROR_SOCKET_DISCONNECT || rc == LIBSSH2_ERROR_SOCKET_RECV ||
        rc == LIBSSH2_ERROR_SOCKET_SEND)
        return ssh_broken(l, "during the login", err);
    bool refused =
        rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED || rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED;
    note(a, key->label, refused ? "refused" : ssh_why(l));
    return 2;
}

int ssh_do_auth(struct ssh_link *l, struct err *err)
{
    struct ssh_auth *a = &l->auth;
    for (;;) {
        if (a->at < a->n && a->at >= TRIES_MAX) {
            note(a, "other keys", "not tried, because sshd hangs up after six");
            a->at = a->n;
            a->source = SOURCE_END;
        }
        int rc = a->at < a->n ? try_key(l, err) : next_source(l, err);
        if (rc <= 0)
            return rc;
        if (rc == 1 && a->at < a->n && libssh2_userauth_authenticated(l->session))
            break;
        if (rc == 2) {
            a->at++;
            (void)ssh_enter(l, STAGE_AUTH);
        }
    }
    l->authenticated = true;
    ssh_auth_free(a);
    return ssh_enter(l, STAGE_OPEN);
}

void ssh_auth_free(struct ssh_auth *a)
{
    for (size_t i = 0; i < a->nfiles; i++) {
        sshkey_free(&a->files[i].key);
        free(a->files[i].path);
    }
    for (size_t i = 0; i < a->n; i++)
        free(a->keys[i].label);
    free(a->files);
    free(a->keys);
    buf_free(&a->notes);
    sshagent_close(&a->agent);
    *a = (struct ssh_auth){.agent = {.fd = -1}};
}
