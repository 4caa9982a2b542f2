#include "escape.h"

#include <string.h>

/* Length of the UTF-8 character at p (at most len bytes), 0 when it is none (RFC 3629). */
static size_t utf8_length(const unsigned char *p, size_t len)
{
    if (p[0] < 0x80)
        return 1;
    size_t need = p[0] >= 0xC2 && p[0] <= 0xDF   ? 2
                  : p[0] >= 0xE0 && p[0] <= 0xEF ? 3
                  : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4
                                                 : 0;
    if (!need || need > len)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
        (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return need;
}

static bool is_control(const unsigned char *p, size_t len)
{
    return p[0] < 0x20 || p[0] == 0x7F || (len == 2 && p[0] == 0xC2 && p[1] < 0xA0);
}

void escape_terminal(struct buf *out, const char *text, size_t len, bool keep_lines)
{
    const unsigned char *p = (const unsigned char *)text;
    for (size_t at = 0; at < len;) {
        size_t n = utf8_length(p + at, len - at);
        bool line = keep_lines && n == 1 && (p[at] == '\n' || p[at] == '\t');
        if (n && (line || !is_control(p + at, n))) {
            buf_add(out, p + at, n);
            at += n;
            continue;
        }
        for (n = n ? n : 1; n; n--)
            buf_addf(out, "\\x%02x", p[at++]);
    }
}

void escape_tsv(struct buf *out, const char *s)
{
    static const char from[] = "\t\n\r\\", to[] = "tnr\\";
    while (*s) {
        size_t plain = strcspn(s, from);
        escape_terminal(out, s, plain, false);
        s += plain;
        if (*s) {
            buf_addch(out, '\\');
            buf_addch(out, to[strchr(from, *s) - from]);
            s++;
        }
    }
}

void escape_json(struct buf *out, const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    buf_addch(out, '"');
    for (size_t at = 0; at < len;) {
        size_t n = utf8_length(p + at, len - at);
        if (!n) {
            buf_addstr(out, "\\ufffd");
            n = 1;
        } else if (p[at] == '"' || p[at] == '\\') {
            buf_addch(out, '\\');
            buf_addch(out, (char)p[at]);
        } else if (p[at] == '\n') {
            buf_addstr(out, "\\n");
        } else if (p[at] < 0x20 || p[at] == 0x7F) {
            buf_addf(out, "\\u%04x", p[at]);
        } else {
            buf_add(out, p + at, n);
        }
        at += n;
    }
    buf_addch(out, '"');
}
