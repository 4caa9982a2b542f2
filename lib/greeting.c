#include "greeting.h"

#include <stdio.h>
#include <string.h>

#include "message.h"
#include "xalloc.h"

enum { LINE_MAX_BYTES = 300 };

void greeting_expect(struct greeting *greeting, const char *nonce)
{
    *greeting = (struct greeting){0};
    (void)snprintf(greeting->line, sizeof greeting->line, "rota-worker %s\n", nonce);
}

int greeting_feed(struct greeting *greeting, const void *p, size_t len, struct err *err)
{
    struct buf *text = &greeting->text;
    size_t want = strlen(greeting->line);
    /* the line may have begun in what came before */
    size_t from = text->len < want ? 0 : text->len - want + 1;
    buf_add(text, p, len);
    if (!text->len)
        return 0;
    char *at = memmem(buf_data(text) + from, text->len - from, greeting->line, want);
    /* a line that comes too late does not count, in whatever pieces all of it was read */
    if (at && at - buf_data(text) <= MESSAGE_NOISE_MAX) {
        buf_consume(text, (size_t)(at - buf_data(text)) + want);
        greeting->found = true;
        return 1;
    }
    if (text->len > MESSAGE_NOISE_MAX + want)
        return err_set(err, ERR_UNREACHABLE,
                       "the login prints more than %d KB and no worker answers: is there a "
                       "program in .bashrc that never ends?",
                       MESSAGE_NOISE_MAX / 1024);
    return 0;
}

size_t greeting_take(struct greeting *greeting, void *p, size_t len)
{
    if (!greeting->text.len)
        return 0;
    size_t n = greeting->text.len < len ? greeting->text.len : len;
    memcpy(p, buf_data(&greeting->text), n);
    buf_consume(&greeting->text, n);
    if (!greeting->text.len)
        buf_free(&greeting->text);
    return n;
}

char *greeting_noise(const struct greeting *greeting)
{
    if (!greeting->text.len)
        return xstrdup("");
    const char *p = buf_data(&greeting->text);
    size_t end = greeting->text.len;
    while (end && strchr("\r\n \t", p[end - 1]))
        end--;
    size_t start = end;
    while (start && p[start - 1] != '\n' && end - start < LINE_MAX_BYTES)
        start--;
    return xstrndup(p + start, end - start);
}

void greeting_free(struct greeting *greeting)
{
    buf_free(&greeting->text);
}
