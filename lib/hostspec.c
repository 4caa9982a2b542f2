#include "hostspec.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "hostrange.h"
#include "job.h"
#include "xalloc.h"

/* Letters of names, addresses and ranges; nothing that means something to a shell or in rota.ini. */
static bool is_plain(const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "._:@%+,[]-";
    return *text && *text != '-' && !text[strspn(text, plain)];
}

static int read_port(const char *text, int *port)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || n < 1 || n > 65535)
        return ERR_USAGE;
    *port = (int)n;
    return 0;
}

/* Cuts ":PORT" off an address; one of IPv6 stands in brackets then, which go too. */
static int cut_port(struct hostspec *spec, char *address)
{
    char *bracket = *address == '[' ? strchr(address, ']') : NULL;
    char *colon = strchr(address, ':');
    if (bracket && colon && colon < bracket) {
        *bracket = '\0';
        memmove(address, address + 1, (size_t)(bracket - address));
        return !bracket[1]         ? 0
               : bracket[1] == ':' ? read_port(bracket + 2, &spec->port)
                                   : ERR_USAGE;
    }
    if (!colon || strchr(colon + 1, ':')) /* two of them: IPv6 as it is */
        return 0;
    *colon = '\0';
    return read_port(colon + 1, &spec->port);
}

/* The names of the workers: the addresses, when these can be names. */
static int name_them(struct hostspec *spec, char *address, struct err *err)
{
    bool number = isdigit((unsigned char)*address) || strchr(address, ':');
    if (!number) {
        spec->worker = xstrdup(address);
    } else {
        spec->worker = xasprintf("ip-%s", address);
        spec->address = xstrdup(address);
        for (char *p = spec->worker; *p; p++)
            if (*p == ':' || *p == '%')
                *p = '-';
    }
    int rc = hostrange_expand(spec->worker, &spec->names, err);
    for (size_t i = 0; rc == 0 && i < spec->names.n; i++)
        if (!name_is_valid(spec->names.v[i]))
            rc = err_set(err, ERR_USAGE,
                         "'%s' cannot be the name of a worker: give the host one in "
                         "~/.ssh/config (Host NAME, HostName %s)",
                         spec->names.v[i], spec->names.v[i]);
    return rc < 0 && err ? err->code = ERR_USAGE : rc;
}

int hostspec_read(struct hostspec *spec, const char *text, struct err *err)
{
    char *copy = xstrdup(text), *address = copy, *at = strrchr(copy, '@');
    *spec = (struct hostspec){0};
    if (at) {
        *at = '\0';
        address = at + 1;
        spec->user = xstrdup(copy);
    }
    int rc = !is_plain(address) || (at && !is_plain(copy)) ? ERR_USAGE : cut_port(spec, address);
    if (rc < 0 || !*address)
        rc = err_set(err, ERR_USAGE,
                     "'%s' is no host: write NAME, USER@NAME, NAME:PORT or web[1-4]", text);
    else
        rc = name_them(spec, address, err);
    free(copy);
    if (rc < 0)
        hostspec_free(spec);
    return rc;
}

void hostspec_free(struct hostspec *spec)
{
    free(spec->worker);
    free(spec->address);
    free(spec->user);
    strlist_free(&spec->names);
    *spec = (struct hostspec){0};
}
