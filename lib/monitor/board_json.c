/* JSON inside a page. */
#include <inttypes.h>
#include <string.h>

#include "board_internal.h"
#include "escape.h"

/* escape_json leaves these three as they are, and only inside of strings: elsewhere JSON has none. */
void board_bytes(struct buf *out, const char *p, size_t len)
{
    struct buf text = {0};
    escape_json(&text, p, len);
    const char *s = buf_data(&text);
    for (size_t i = 0; i < text.len; i++)
        if (s[i] == '<' || s[i] == '>' || s[i] == '&')
            buf_addf(out, "\\u%04x", (unsigned)s[i]);
        else
            buf_addch(out, s[i]);
    buf_free(&text);
}

void board_text(struct buf *out, const char *text)
{
    if (text)
        board_bytes(out, text, strlen(text));
    else
        buf_addstr(out, "null");
}

void board_number(struct buf *out, const char *key, int64_t number)
{
    buf_addf(out, ",\"%s\":%" PRId64, key, number);
}

void board_time(struct buf *out, const char *key, int64_t at)
{
    if (at)
        board_number(out, key, at);
    else
        buf_addf(out, ",\"%s\":null", key);
}

void board_string(struct buf *out, const char *key, const char *text)
{
    buf_addf(out, ",\"%s\":", key);
    board_text(out, text);
}
