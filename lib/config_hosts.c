#include "config_hosts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostrange.h"
#include "job.h"
#include "xalloc.h"

/* ---- hosts ---- */

static char *copy(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

struct host_config *config_add_host(struct config *config, const char *name, const char *place)
{
    /* there is room for the next power of two */
    if ((config->nhosts & (config->nhosts - 1)) == 0)
        config->hosts = xreallocarray(config->hosts, config->nhosts ? config->nhosts * 2 : 1,
                                      sizeof *config->hosts);
    struct host_config *host = &config->hosts[config->nhosts++];
    *host = (struct host_config){
        .name = xstrdup(name), .address = xstrdup(name), .place = xstrdup(place)};
    return host;
}

/* What a section says, for one of its hosts. */
static void add_host(struct config *config, const struct host_config *base, const char *name,
                     const char *address, const char *place)
{
    struct host_config *host = config_add_host(config, name, place);
    free(host->address);
    host->address = xstrdup(address);
    host->slots = base->slots;
    strlist_copy(&host->tags, &base->tags);
    host->transport = base->transport;
    host->transport_set = base->transport_set;
    host->worker = copy(base->worker);
    host->spool = copy(base->spool);
    host->user = copy(base->user);
    host->port = base->port;
    host->identity = copy(base->identity);
    host->accept_new = base->accept_new;
    host->command = copy(base->command);
}

static int order_hosts(const void *a, const void *b, void *arg)
{
    const struct config *config = arg;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    int order = strcmp(config->hosts[x].name, config->hosts[y].name);
    return order ? order : (x > y) - (x < y);
}

void config_index(struct config *config, struct errlist *errors)
{
    config->by_name = xcalloc(config->nhosts, sizeof *config->by_name);
    for (size_t i = 0; i < config->nhosts; i++)
        config->by_name[i] = i;
    qsort_r(config->by_name, config->nhosts, sizeof *config->by_name, order_hosts, config);
    for (size_t i = 1; i < config->nhosts; i++) {
        const struct host_config *first = &config->hosts[config->by_name[i - 1]];
        const struct host_config *second = &config->hosts[config->by_name[i]];
        if (strcmp(first->name, second->name) == 0)
            errlist_add(errors, ERR_CONFIG, second->place,
                        "worker '%s' is there twice, first at %s", second->name, first->place);
    }
}

/* ---- sections ---- */

struct maker {
    struct config *config;
    char *place; /* of the section */
    struct config_worker *worker;
    struct errlist *errors;
};

static void complain(struct maker *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void complain(struct maker *m, const char *fmt, ...)
{
    char msg[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    errlist_add(m->errors, ERR_CONFIG, m->place, "%s", msg);
}

/* Says which of the section's keys mean nothing with its transport. */
static void check_vain(struct maker *m, const char *transport, bool has_address)
{
    const struct host_config *base = &m->worker->base;
    const char *vain = base->address && !has_address ? "address"
                       : base->user                  ? "user"
                       : base->port                  ? "port"
                       : base->identity              ? "identity"
                       : m->worker->strict_set       ? "strict"
                                                     : NULL;
    if (vain)
        complain(m, "'%s' means nothing with transport = %s: take it out", vain, transport);
}

/* What stands in a shell command of ours must be nothing to the shell. */
static bool is_plain(const char *address)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "._:/@%+,[]-";
    return !address || !address[strspn(address, plain)];
}

static void check_exec(struct maker *m)
{
    const struct host_config *base = &m->worker->base;
    check_vain(m, "exec", true);
    if (!base->command)
        complain(m, "transport = exec needs 'command = …', which leads to a worker (docker exec "
                    "-i %%h)");
    if (!is_plain(base->address))
        complain(m, "'address = %s' cannot stand in a command: use letters, digits and ._:/@%%+,-",
                 base->address);
}

static void default_string(char **to, const char *value)
{
    if (!*to && value)
        *to = xstrdup(value);
}

/* What the worker does not say itself, [ssh] says. */
static void apply_defaults(struct maker *m, const struct config_worker *defaults)
{
    struct host_config *base = &m->worker->base;
    const struct host_config *ssh = &defaults->base;
    if (!base->transport_set) {
        base->transport = ssh->transport;
        base->transport_set = ssh->transport_set;
    }
    if (base->command && base->transport != TRANSPORT_EXEC)
        complain(m, "'command' means something with transport = exec only");
    if (base->transport == TRANSPORT_LOCAL) {
        check_vain(m, "local", false);
        return;
    }
    if (base->transport == TRANSPORT_EXEC) {
        check_exec(m);
        default_string(&base->worker, ssh->worker);
        default_string(&base->spool, ssh->spool);
        return;
    }
    default_string(&base->identity, ssh->identity);
    default_string(&base->user, ssh->user);
    default_string(&base->worker, ssh->worker);
    default_string(&base->spool, ssh->spool);
    if (!base->port)
        base->port = ssh->port;
    if (!m->worker->strict_set)
        base->accept_new = ssh->accept_new;
}

static bool expand_names(struct maker *m, struct strlist *names)
{
    struct err err;
    if (hostrange_expand(m->worker->names, names, &err) < 0) {
        complain(m, "[worker %s]: %s", m->worker->names, err.msg);
        return false;
    }
    for (size_t i = 0; i < names->n; i++)
        if (!name_is_valid(names->v[i])) {
            complain(m,
                     "'%s' is no name of a worker: it begins with a letter, goes on with letters, "
                     "digits, . _ - and is not 'last' (an address goes to address =)",
                     names->v[i]);
            return false;
        }
    return true;
}

/* One address for each name, or one for all. */
static bool expand_addresses(struct maker *m, size_t names, struct strlist *addresses)
{
    struct err err;
    if (!m->worker->base.address)
        return true;
    if (hostrange_expand(m->worker->base.address, addresses, &err) < 0) {
        complain(m, "'address': %s", err.msg);
        return false;
    }
    if (addresses->n == 1 || addresses->n == names)
        return true;
    complain(m, "%zu addresses for %zu workers: give one for each, or one for all", addresses->n,
             names);
    return false;
}

void config_add_hosts(struct config *config, const char *file, struct config_worker *worker,
                      const struct config_worker *defaults, struct errlist *errors)
{
    struct maker m = {.config = config, .worker = worker, .errors = errors};
    struct strlist names = {0}, addresses = {0};
    if (!worker->names[0])
        return; /* its line was complained about */
    m.place = xasprintf("%s:%d", file, worker->line);
    apply_defaults(&m, defaults);
    if (!expand_names(&m, &names) || !expand_addresses(&m, names.n, &addresses))
        goto out;
    if (config->nhosts + names.n > HOSTRANGE_MAX) {
        complain(&m, "there are over %d workers", HOSTRANGE_MAX);
        goto out;
    }
    for (size_t i = 0; i < names.n; i++)
        add_host(config, &worker->base, names.v[i],
                 addresses.n == 1   ? addresses.v[0]
                 : addresses.n != 0 ? addresses.v[i]
                                    : names.v[i],
                 m.place);
out:
    strlist_free(&names);
    strlist_free(&addresses);
    free(m.place);
}

void config_worker_free(struct config_worker *worker)
{
    struct host_config *base = &worker->base;
    free(base->address);
    strlist_free(&base->tags);
    free(base->worker);
    free(base->spool);
    free(base->user);
    free(base->identity);
    free(base->command);
    free(worker->names);
}
