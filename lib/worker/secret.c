#include "worker/secret.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"

/* The value of the secret whose name these bytes are; NULL when there is none. */
static const char *find(const struct strlist *secrets, const char *name, size_t len)
{
    for (size_t i = 0; i < secrets->n; i++)
        if (pair_value(secrets->v[i], name, len))
            return pair_value(secrets->v[i], name, len);
    return NULL;
}

char *secret_fill(const struct order *order, const char *text)
{
    struct buf out = {0};
    for (const char *p = text; *p;) {
        size_t plain = strncmp(p, "${", 2) == 0 ? 0 : strcspn(p + 1, "$") + 1;
        size_t name = plain ? 0 : strcspn(p + 2, "}");
        const char *value = name && p[2 + name] ? find(&order->secrets, p + 2, name) : NULL;
        if (value) {
            buf_addstr(&out, value);
            p += 2 + name + 1;
            continue;
        }
        plain = plain ? plain : 2;
        buf_add(&out, p, plain);
        p += plain;
    }
    return buf_detach(&out);
}

void secrets_free(struct strlist *secrets)
{
    for (size_t i = 0; i < secrets->n; i++)
        explicit_bzero(secrets->v[i], strlen(secrets->v[i]));
    strlist_free(secrets);
}
