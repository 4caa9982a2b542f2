#include "doctor/facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/doctor.h"
#include "xalloc.h"

void facts_clean(char *text)
{
    while ((text = strchr(text, *MEND)))
        *text = '?';
}

static void add(struct facts *facts, const char *line, size_t len)
{
    const char *blank = memchr(line, ' ', len);
    if (!blank || blank == line || facts->n == FACTS_MAX)
        return;
    facts->v = xreallocarray(facts->v, facts->n + 1, sizeof *facts->v);
    facts->v[facts->n++] =
        (struct fact){.key = xstrndup(line, (size_t)(blank - line)),
                      .value = xstrndup(blank + 1, len - (size_t)(blank - line) - 1)};
    facts_clean(facts->v[facts->n - 1].value);
}

int facts_feed(struct facts *facts, struct buf *in, struct err *err)
{
    static const char end[] = "end";
    char *newline;
    while (!facts->complete && in->len && (newline = memchr(buf_data(in), '\n', in->len))) {
        size_t len = (size_t)(newline - buf_data(in));
        if (len == sizeof end - 1 && memcmp(buf_data(in), end, len) == 0)
            facts->complete = true;
        else
            add(facts, buf_data(in), len);
        facts->bytes += len + 1;
        buf_consume(in, len + 1);
    }
    if (facts->bytes + in->len > FACTS_BYTES_MAX)
        return err_set(err, ERR_DATA, "the worker tells more than %d KB", FACTS_BYTES_MAX / 1024);
    return 0;
}

const char *facts_next(const struct facts *facts, const char *key, size_t *at)
{
    while (*at < facts->n) {
        const struct fact *fact = &facts->v[(*at)++];
        if (strcmp(fact->key, key) == 0)
            return fact->value;
    }
    return NULL;
}

const char *facts_text(const struct facts *facts, const char *key)
{
    size_t at = 0;
    return facts_next(facts, key, &at);
}

int64_t facts_number(const struct facts *facts, const char *key, int64_t absent)
{
    const char *text = facts_text(facts, key);
    char *end;
    if (!text || !*text)
        return absent;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    return errno || *end ? absent : number;
}

void facts_free(struct facts *facts)
{
    for (size_t i = 0; i < facts->n; i++) {
        free(facts->v[i].key);
        free(facts->v[i].value);
    }
    free(facts->v);
    *facts = (struct facts){0};
}
