#include "transport_ssh.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base64.h"
#include "xalloc.h"

enum { FREE_TURNS = 100 };

/* ---- every call ---- */

void ssh_call(struct ssh_link *l)
{
    l->read_call = 0;
}

/* One call of libssh2 reads for as long as there is something to read. A server that floods would hold
 * the loop for seconds and fill the memory with packets nobody asked for: so reading ends for this
 * call after so many bytes (poll says at once that there is more), and for good after so many before
 * it is known who is there. */
static ssize_t receive(libssh2_socket_t sock, void *p, size_t len, int flags, void **abstract)
{
    struct ssh_link *l = *abstract;
    size_t cap = l->authenticated ? SSH_CALL_MAX : SSH_BEFORE_AUTH_CALL;
    int on = 1;
    if (l->closing)
        return 0; /* as if the other side had hung up */
    if (!l->authenticated && l->read_all >= SSH_BEFORE_AUTH_ALL)
        l->flooded = true;
    if (l->flooded || l->read_call >= cap || l->drained)
        return -EAGAIN;
    ssize_t n = recv(sock, p, len, flags);
    /* Reading and writing both look until there is nothing, several times an event. What comes after
     * a short read makes another event, since epoll asks for the level. */
    l->drained = l->stage == STAGE_UP && n != 0 && n < (ssize_t)len;
    if (n < 0)
        return -errno;
    l->read_call += (size_t)n;
    l->read_all += (size_t)n;
    /* The kernel forgets QUICKACK by itself; sshd, which does not set NODELAY for commands, then
     * waits up to 40 ms for each acknowledgement. The banner comes byte by byte: not for these. */
    if (n > 0 && len > 1 && !l->proxy)
        (void)setsockopt(sock, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    return n;
}

static bool would_block(ssize_t rc)
{
    return rc == LIBSSH2_ERROR_EAGAIN || rc == LIBSSH2_ERROR_BAD_USE;
}

bool ssh_outbound(const struct ssh_link *l)
{
    return libssh2_session_block_directions(l->session) & LIBSSH2_SESSION_BLOCK_OUTBOUND;
}

bool ssh_again(struct ssh_link *l, ssize_t rc)
{
    if (!would_block(rc))
        return false;
    int directions = libssh2_session_block_directions(l->session);
    short events = 0;
    if (directions & LIBSSH2_SESSION_BLOCK_OUTBOUND)
        events |= POLLOUT;
    if (directions & LIBSSH2_SESSION_BLOCK_INBOUND || !events)
        events |= POLLIN;
    (void)ssh_wait(l, l->sock, events);
    return true;
}

const char *ssh_why(const struct ssh_link *l)
{
    char *text = NULL;
    (void)libssh2_session_last_error(l->session, &text, NULL, 0);
    return text && *text ? text : "no reason given";
}

int ssh_broken(struct ssh_link *l, const char *doing, struct err *err)
{
    char *jump = ssh_proxy_complaint(l);
    int rc = *jump ? err_set(err, ERR_UNREACHABLE,
                             "%s: the jump broke %s (%s): see whether 'ssh %s' gets through "
                             "without a question",
                             l->where, doing, jump, l->host->address)
                   : err_set(err, ERR_UNREACHABLE, "%s: the connection broke %s: %s", l->where,
                             doing, ssh_why(l));
    free(jump);
    return rc;
}

/* ---- host keys ---- */

/* Whether the library can do an algorithm at all. */
static bool is_supported(LIBSSH2_SESSION *session, const char *name)
{
    const char **names = NULL;
    bool found = false;
    int n = libssh2_session_supported_algs(session, LIBSSH2_METHOD_HOSTKEY, &names);
    for (int i = 0; i < n; i++)
        found |= strcmp(names[i], name) == 0;
    if (n > 0)
        libssh2_free(session, (void *)names);
    return found;
}

/* Offers only algorithms of key types that known_hosts holds for this host, else the server would
 * choose one that cannot be checked. Without any entry: all, the best first. */
static char *choose_algorithms(const struct ssh_link *l)
{
    static const struct {
        const char *algorithm, *type;
    } all[] = {
        {"ssh-ed25519", "ssh-ed25519"},
        {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"},
        {"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"},
        {"ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"},
        {"rsa-sha2-512", "ssh-rsa"},
        {"rsa-sha2-256", "ssh-rsa"},
        {"ssh-rsa", "ssh-rsa"},
    };
    struct buf list = {0};
    bool any = false;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        any |= knownhosts_has_type(&l->known, all[i].type);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (is_supported(l->session, all[i].algorithm) &&
            (!any || knownhosts_has_type(&l->known, all[i].type)))
            buf_addf(&list, "%s%s", list.len ? "," : "", all[i].algorithm);
    buf_str(&list);
    return buf_detach(&list);
}

int ssh_session_open(struct ssh_link *l, struct err *err)
{
    l->session = libssh2_session_init_ex(NULL, NULL, NULL, l);
    if (!l->session)
        return err_set(err, ERR_OS, "libssh2 cannot make a session");
    libssh2_session_set_blocking(l->session, 0);
    (void)libssh2_session_callback_set(l->session, LIBSSH2_CALLBACK_RECV, (void *)receive);
    char *algorithms = choose_algorithms(l);
    if (*algorithms)
        (void)libssh2_session_method_pref(l->session, LIBSSH2_METHOD_HOSTKEY, algorithms);
    free(algorithms);
    l->read_all = 0;
    return 0;
}

static char *fingerprint(const struct ssh_link *l)
{
    const char *hash = libssh2_hostkey_hash(l->session, LIBSSH2_HOSTKEY_HASH_SHA256);
    struct buf text = {0};
    buf_addstr(&text, "SHA256:");
    if (hash)
        base64_encode(&text, hash, 32);
    while (text.len && buf_data(&text)[text.len - 1] == '=') /* as ssh writes it */
        buf_truncate(&text, text.len - 1);
    buf_str(&text);
    return buf_detach(&text);
}

static int accept_new(struct ssh_link *l, const char *type, const char *key, struct err *err)
{
    if (!l->config->user_known_hosts.n)
        return err_set(err, ERR_CONFIG,
                       "'strict = accept-new' has no file to add the host key to: set "
                       "UserKnownHostsFile in the ssh configuration");
    return knownhosts_add(l->config->user_known_hosts.v[0], knownhosts_name(&l->known), type, key,
                          err);
}

/* What to say of a key that is not to be trusted. %s: target, type, print, file, name. */
static int distrust(struct ssh_link *l, enum knownhosts_verdict verdict, const char *type,
                    const struct knownhost *entry, struct err *err)
{
    char *print = fingerprint(l);
    const char *name = knownhosts_name(&l->known);
    const char *file = entry ? entry->file : "";
    int rc = 0;
    if (verdict != KNOWNHOSTS_REVOKED && knownhosts_has_authority(&l->known))
        l->link.instead = &transport_openssh;
    if (verdict == KNOWNHOSTS_CHANGED)
        rc = err_set(err, ERR_UNREACHABLE,
                     "%s shows another host key than %s holds (%s %s): either it was installed "
                     "anew or somebody is in between; when you know why, remove the old one with: "
                     "ssh-keygen -R '%s' -f %s",
                     l->target, file, type, print, name, file);
    else if (verdict == KNOWNHOSTS_REVOKED)
        rc = err_set(err, ERR_UNREACHABLE,
                     "%s shows a host key that is marked @revoked in %s (%s %s): do not trust it; "
                     "give the host a new key",
                     l->target, file, type, print);
    else if (verdict == KNOWNHOSTS_AUTHORITY)
        rc = err_set(err, ERR_UNREACHABLE,
                     "%s: %s holds only a certificate authority for '%s', and libssh2 knows no "
                     "certificates: use transport = openssh, or add the host's own key (%s %s)",
                     l->target, file, name, type, print);
    else
        rc = err_set(err, ERR_UNREACHABLE,
                     "the host key of %s is not known (%s %s): compare it with the host's own "
                     "(ssh-keygen -lf), then add it with ssh-keyscan or one login with ssh; or set "
                     "'strict = accept-new'",
                     l->target, type, print);
    free(print);
    return rc;
}

/* Before authentication: a wrong host learns neither the user nor a key. */
static int verify(struct ssh_link *l, struct err *err)
{
    size_t len = 0;
    int ignored;
    const char *blob = libssh2_session_hostkey(l->session, &len, &ignored);
    const struct knownhost *entry = NULL;
    if (!blob || !len)
        return err_set(err, ERR_UNREACHABLE, "%s shows no host key", l->target);
    struct buf key = {0};
    char *type = sshkey_type(blob, len);
    base64_encode(&key, blob, len);
    enum knownhosts_verdict verdict = knownhosts_check(&l->known, type, buf_str(&key), &entry);
    int rc = 0;
    if (verdict == KNOWNHOSTS_UNKNOWN && l->host->accept_new)
        rc = accept_new(l, type, buf_str(&key), err);
    else if (verdict != KNOWNHOSTS_MATCH)
        rc = distrust(l, verdict, type, entry, err);
    free(type);
    buf_free(&key);
    return rc;
}

/* ---- the handshake ---- */

/* No algorithm in common: nearly always the host key, because we offer only what is known. */
static int disagree(struct ssh_link *l, struct err *err)
{
    struct buf types = {0};
    bool only_rsa = true;
    for (size_t i = 0; i < l->known.n; i++) {
        if (l->known.v[i].mark != KNOWNHOST_HELD)
            continue;
        buf_addf(&types, "%s%s", types.len ? ", " : "", l->known.v[i].type);
        only_rsa &= strcmp(l->known.v[i].type, "ssh-rsa") == 0;
    }
    int rc;
    /* what cannot be agreed on with us, can be with ssh: RSA keys that sign with SHA-2 */
    if (!types.len || knownhosts_has_type(&l->known, "ssh-rsa") ||
        knownhosts_has_authority(&l->known))
        l->link.instead = &transport_openssh;
    if (!types.len)
        rc = err_set(err, ERR_UNREACHABLE,
                     "%s and this libssh2 (%s) have no algorithm in common: give the host an "
                     "ed25519 key",
                     l->target, LIBSSH2_VERSION);
    else if (only_rsa)
        rc = err_set(
            err, ERR_UNREACHABLE,
            "%s is known by an RSA key only, which libssh2 %s cannot check the way "
            "today's sshd signs: use transport = openssh, or add its ed25519 or ecdsa key to "
            "%s",
            l->target, libssh2_version(0), l->known.v[0].file);
    else
        rc = err_set(err, ERR_UNREACHABLE,
                     "%s offers no host key of a type that %s holds for it (%s): was it installed "
                     "anew? check, then add the new key",
                     l->target, l->known.v[0].file, buf_str(&types));
    buf_free(&types);
    return rc;
}

int ssh_do_handshake(struct ssh_link *l, struct err *err)
{
    ssh_call(l);
    int rc = libssh2_session_handshake(l->session, l->sock);
    if (ssh_again(l, rc))
        return 0;
    if (rc == LIBSSH2_ERROR_KEX_FAILURE || rc == LIBSSH2_ERROR_METHOD_NONE)
        return disagree(l, err);
    if (rc != 0) {
        (void)ssh_broken(l, "before the login", err);
        return err ? err->code : ERR_UNREACHABLE;
    }
    rc = verify(l, err);
    return rc < 0 ? rc : ssh_enter(l, STAGE_AUTH);
}

void ssh_session_free(struct ssh_link *l)
{
    if (!l->session)
        return;
    (void)shutdown(l->sock, SHUT_RDWR);
    l->closing = true;
    int rc = LIBSSH2_ERROR_EAGAIN;
    /* A key exchange that is not ended leaks its keys: it ends by failing. */
    for (int i = 0; i < FREE_TURNS && l->stage == STAGE_HANDSHAKE && would_block(rc); i++)
        rc = libssh2_session_handshake(l->session, l->sock);
    rc = LIBSSH2_ERROR_EAGAIN;
    for (int i = 0; i < FREE_TURNS && would_block(rc); i++)
        rc = libssh2_session_free(l->session);
    l->session = NULL;
    l->channel = NULL;
}
