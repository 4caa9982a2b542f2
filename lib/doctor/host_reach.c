/* host: why a host was not reached, and by which way it was. */
#include "doctor/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "push.h"
#include "xalloc.h"

/* What a transport says, by words that only it says: the first row that fits names the check. `mend`
 * begins the mend in the message; NULL: it stands after the last ": ". */
static const struct {
    const char *words, *check, *mend;
} reasons[] = {
    {"of an older build", "worker", "install the "},
    {"rota-worker --version", "worker", NULL},
    {"not of the same build", "worker", "install both "},
    {"there is no rota-worker for that", "worker", "put one, "},
    {"RSA key", "key", "use transport"},
    {"another host key", "host-key", "either it "},
    {"IDENTIFICATION HAS CHANGED", "host-key", "it shows "},
    {"offers no host key of a type", "host-key", "was it "},
    {"host key", "host-key", NULL},
    {"Host key", "host-key", NULL},
    {"certificate", "key", NULL},
    {"refuses the login", "login", "add the public key"},
    {"Permission denied (", "login", "add the public key"},
    {"no key to log in with", "login", "set 'identity"},
    {"Too many authentication", "login", "set 'identity"},
    {"has no address", "name", "correct "},
    {"Could not resolve", "name", "is the address"},
    {"name server", "name", NULL},
    {"noexec", "home", "where the home "},
    {"cannot be stored", "home", "make room "},
    {"before the login", "sshd", NULL},
    {"during the login", "sshd", NULL},
    {"forced command", "login", NULL},
    {"cannot connect", "connection", NULL},
    {"Connection refused", "connection", "does sshd "},
    {"no answer to a connection", "connection", "is the host "},
    {"timed out", "connection", "is the host "},
    {"does not start", "worker", NULL},
    {"ended at once", "worker", NULL},
};

static size_t at_same_address(const struct doctor *d, const struct host_config *host)
{
    size_t n = 0;
    for (size_t i = 0; i < d->nvisits; i++) {
        const struct host_config *other = d->visits[i].config;
        n += other->transport != TRANSPORT_LOCAL && other->transport != TRANSPORT_EXEC &&
             strcmp(other->address, host->address) == 0 && other->port == host->port;
    }
    return n;
}

/* Before the login sshd gives no reason, and with many hosts at one address there is a likely one. */
static bool likely_startups(const struct doctor *d, const struct visit *visit)
{
    const char *msg = visit->err.msg;
    return at_same_address(d, visit->config) > 1 &&
           (strstr(msg, "before the login") || strstr(msg, "Connection closed by") ||
            strstr(msg, "Connection reset by") || strstr(msg, "MaxStartups"));
}

/* With the mend taken out of the middle of the message, where the row knows how it begins. */
static void say(struct doctor *d, const struct err *err, const char *mend)
{
    const char *at = mend ? strstr(err->msg, mend) : NULL;
    size_t len = at ? (size_t)(at - err->msg) : 0;
    while (len && strchr(" :;", err->msg[len - 1]))
        len--;
    if (len)
        doctor_found(d, VERDICT_TROUBLE, "%.*s" MEND "%s", (int)len, err->msg, at);
    else
        doctor_found_err(d, VERDICT_TROUBLE, err);
}

bool host_failed(struct doctor *d, const struct visit *visit)
{
    const struct err *err = &visit->err;
    if (visit->rc == 0)
        return false;
    d->host = visit->config->name;
    d->check = "connection";
    if (visit->greeted) {
        d->check = "worker";
        doctor_found(
            d, VERDICT_TROUBLE,
            "the worker there does not tell of its host (%s): it is of an older build, or a "
            "forced command lets it do nothing but serve" MEND
            "install the rota-worker of this build there",
            err->msg);
        return true;
    }
    if (likely_startups(d, visit)) {
        d->check = "sshd-logins";
        doctor_found(d, VERDICT_TROUBLE,
                     "%s; %zu hosts share that address: sshd drops logins when many come at "
                     "once" MEND "raise MaxStartups in its sshd_config",
                     err->msg, at_same_address(d, visit->config));
        return true;
    }
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strstr(err->msg, reasons[i].words)) {
            d->check = reasons[i].check;
            say(d, err, reasons[i].mend);
            return true;
        }
    doctor_found_err(d, VERDICT_TROUBLE, err);
    return true;
}

/* It works, but a process and 60 ms a connection are worth a word. */
void host_way(struct doctor *d, const struct visit *visit)
{
    if (visit->instead)
        doctor_found(d, VERDICT_HINT,
                     "it is reached through the ssh program only, which costs more (%s)" MEND
                     "use an ed25519 or ecdsa key, or set 'transport = openssh' to say that it is "
                     "meant so",
                     visit->why_instead);
}
