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

bool escape_is_utf8(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    for (size_t at = 0, n; at < len; at += n) {
        n = utf8_length(p + at, len - at);
        if (!n)
            return false;
    }
    return true;
}

/* The code point of a character of three bytes at most; 0 for a longer one. */
static unsigned code_point(const unsigned char *p, size_t len)
{
    return len == 1   ? p[0]
           : len == 2 ? (p[0] & 0x1FU) << 6 | (p[1] & 0x3FU)
           : len == 3 ? (p[0] & 0x0FU) << 12 | (p[1] & 0x3FU) << 6 | (p[2] & 0x3FU)
                      : 0;
}

/* What a YAML reader refuses or folds as a line break when it stands as it is: controls (C0, DEL,
 * C1), the line and paragraph separators, the byte order mark and two that are no characters. */
static bool needs_escape(unsigned c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF ||
           c == 0xFFFE || c == 0xFFFF;
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
        } else if (n < 4 && needs_escape(code_point(p + at, n))) {
            buf_addf(out, "\\u%04x", code_point(p + at, n));
        } else {
            buf_add(out, p + at, n);
        }
        at += n;
    }
    buf_addch(out, '"');
}

void escape_shell(struct buf *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "%+,-./:=@_^";
    if (*word && !word[strspn(word, plain)]) {
        buf_addstr(out, word);
        return;
    }
    buf_addch(out, '\'');
    for (const char *p = word; *p; p++)
        if (*p == '\'')
            buf_addstr(out, "'\\''");
        else
            buf_addch(out, *p);
    buf_addch(out, '\'');
}
