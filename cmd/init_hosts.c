/* rota init: which hosts it is about. */
#include "init.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "sshnames.h"
#include "xalloc.h"

static const struct init_worker *find(const struct init *init, const char *name)
{
    for (size_t i = 0; i < init->n; i++)
        if (strlist_has(&init->workers[i].spec.names, name))
            return &init->workers[i];
    return NULL;
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void add(struct init *init, struct hostspec *take_spec, bool found)
{
    init->workers = xreallocarray(init->workers, init->n + 1, sizeof *init->workers);
    init->workers[init->n++] = (struct init_worker){.spec = *take_spec, .found = found};
}

/* The i-th host of a range, as a person would type it alone. */
static char *type_alone(const struct hostspec *spec, size_t i)
{
    const char *name = spec->names.v[i] + (spec->address ? strlen("ip-") : 0);
    char *port = spec->port ? xasprintf(":%d", spec->port) : xstrdup("");
    char *text =
        xasprintf("%s%s%s%s", spec->user ? spec->user : "", spec->user ? "@" : "", name, port);
    free(port);
    return text;
}

/* The parts of a range that are new, each as a section of its own. */
static int add_apart(struct init *init, const struct hostspec *spec, const struct strlist *known,
                     struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < spec->names.n; i++) {
        struct hostspec one;
        if (strlist_has(known, spec->names.v[i]))
            continue;
        char *text = type_alone(spec, i);
        rc = hostspec_read(&one, text, err);
        if (rc == 0)
            add(init, &one, false);
        free(text);
    }
    return rc;
}

/* Whether it has the host; with what login is for a person to change there. */
static bool has_already(const struct config *existing, const struct hostspec *spec,
                        const char *name)
{
    const struct host_config *host = existing ? config_host(existing, name) : NULL;
    if (host && ((spec->user && !is_same(host->user, spec->user)) ||
                 (spec->port && host->port != spec->port)))
        log_warn("%s: there is a worker '%s' already, with another user or port: change it there",
                 host->place, name);
    return host != NULL;
}

static int add_named(struct init *init, const struct config *existing, const char *text,
                     struct err *err)
{
    struct hostspec spec;
    struct strlist known = {0};
    int rc = hostspec_read(&spec, text, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < spec.names.n; i++) {
        const char *name = spec.names.v[i];
        const struct init_worker *other = find(init, name);
        if (other && (!is_same(other->spec.user, spec.user) || other->spec.port != spec.port))
            rc = err_set(err, ERR_USAGE, "'%s' is named twice, with different logins", name);
        if (other || has_already(existing, &spec, name))
            strlist_add(&known, name);
        if (!strlist_has(&init->asked, name))
            strlist_add(&init->asked, name);
    }
    if (rc == 0 && known.n)
        rc = add_apart(init, &spec, &known, err);
    if (rc < 0 || known.n)
        hostspec_free(&spec);
    else
        add(init, &spec, false);
    strlist_free(&known);
    return rc;
}

/* A name that can be no worker's, as one that holds a sign of a pattern we do not know, is passed over; so is
 * what would be a range here, which ssh takes for one name. */
static void add_found(struct init *init, const struct config *existing, const char *name)
{
    struct hostspec spec;
    struct err why;
    if (hostspec_read(&spec, name, &why) < 0) {
        log_info("~/.ssh/config: %s", why.msg);
    } else if (strpbrk(name, "[],")) {
        log_info("~/.ssh/config: '%s' would be a range of hosts", name);
        hostspec_free(&spec);
    } else if (find(init, spec.names.v[0]) ||
               (existing && config_host(existing, spec.names.v[0]))) {
        hostspec_free(&spec);
    } else if (existing) {
        strlist_add(&init->others, name);
        hostspec_free(&spec);
    } else {
        strlist_add(&init->asked, spec.names.v[0]);
        add(init, &spec, true);
    }
}

int init_gather(struct init *init, const struct config *existing, char **args, int n,
                struct err *err)
{
    struct strlist names = {0};
    int rc = 0;
    for (int i = 0; rc == 0 && i < n; i++)
        rc = add_named(init, existing, args[i], err);
    if (rc == 0)
        rc = sshnames_read(&names, err);
    for (size_t i = 0; rc == 0 && i < names.n; i++)
        add_found(init, existing, names.v[i]);
    strlist_free(&names);
    return rc;
}
