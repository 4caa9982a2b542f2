#include "resolve.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

/* A number as an address; 0, or -1 when it is a name. Never asks anybody. */
static int parse_number(const char *text, int port, int family, struct sockaddr_storage *address)
{
    char service[16];
    struct addrinfo hints = {.ai_family = family,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found;
    (void)snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(text, service, &hints, &found) != 0)
        return -1;
    memset(address, 0, sizeof *address);
    memcpy(address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return 0;
}

void resolve_begin(struct resolve *resolve, const char *name, int port, int family)
{
    *resolve = (struct resolve){
        .child = {.fd = -1}, .name = xstrdup(name), .port = port, .family = family};
    if (parse_number(name, port, family, &resolve->v[0]) == 0) {
        resolve->n = 1;
        return;
    }
    const char *argv[] = {"getent", "ahosts", "--", name, NULL};
    child_begin(&resolve->child, argv);
}

size_t resolve_parse(const char *text, int port, int family, struct sockaddr_storage *v)
{
    size_t n = 0;
    while (*text && n < RESOLVE_MAX) {
        size_t len = strcspn(text, "\n");
        char *line = xstrndup(text, len);
        char *type = line + strcspn(line, " ");
        /* each address comes once for each type of socket */
        if (strncmp(type + strspn(type, " "), "STREAM", 6) == 0) {
            *type = '\0';
            if (parse_number(line, port, family, &v[n]) == 0)
                n++;
        }
        free(line);
        text += len + (text[len] == '\n');
    }
    return n;
}

int resolve_step(struct resolve *resolve, struct err *err)
{
    if (resolve->n)
        return 1;
    int rc = child_step(&resolve->child, err);
    if (rc <= 0)
        return rc;
    resolve->n =
        resolve_parse(buf_str(&resolve->child.out), resolve->port, resolve->family, resolve->v);
    if (resolve->n)
        return 1;
    return err_set(err, ERR_UNREACHABLE,
                   "the name '%s' has no address: correct 'address' of this worker, or the name "
                   "server or /etc/hosts",
                   resolve->name);
}

void resolve_end(struct resolve *resolve)
{
    child_stop(&resolve->child);
    free(resolve->name);
    resolve->name = NULL;
}

char *resolve_text(const struct sockaddr_storage *address, char text[RESOLVE_TEXT])
{
    char host[NI_MAXHOST], service[16];
    if (getnameinfo((const struct sockaddr *)address, resolve_size(address), host, sizeof host,
                    service, sizeof service, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        (void)snprintf(text, RESOLVE_TEXT, "an unknown address");
    else
        (void)snprintf(text, RESOLVE_TEXT,
                       address->ss_family == AF_INET6 ? "[%.60s]:%s" : "%.60s:%s", host, service);
    return text;
}

socklen_t resolve_size(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}
