#include "monitor/mail.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base64.h"

enum {
    WORD_BYTES = 39, /* of text in one encoded word: 52 in base64, 73 in a line with "Subject: " */
    LINE_BYTES = 76, /* of quoted-printable */
    PLAIN_LINE = 900 /* RFC 5322 allows 998 */
};

static bool is_plain(const char *text, size_t longest)
{
    size_t line = 0;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        line = c == '\n' ? 0 : line + 1;
        if (c >= 0x7f || (c < ' ' && c != '\n' && c != '\t') || line > longest)
            return false;
    }
    return true;
}

/* Encoded words of whole characters, one a line (RFC 2047, section 2). */
static void put_words(struct buf *out, const char *text)
{
    size_t len = strlen(text);
    for (size_t at = 0, n; at < len; at += n) {
        n = len - at < WORD_BYTES ? len - at : WORD_BYTES;
        while (at + n < len && n > 1 && ((unsigned char)text[at + n] & 0xC0) == 0x80)
            n--;
        buf_addstr(out, at ? "\n =?UTF-8?B?" : "=?UTF-8?B?");
        base64_encode(out, text + at, n);
        buf_addstr(out, "?=");
    }
}

static void put_subject(struct buf *out, const char *subject)
{
    buf_addstr(out, "Subject: ");
    if (is_plain(subject, PLAIN_LINE) && !strpbrk(subject, "\n\t") && !strstr(subject, "=?"))
        buf_addstr(out, subject);
    else
        put_words(out, subject);
    buf_addch(out, '\n');
}

/* Quoted-printable (RFC 2045, section 6.7). */
static void put_quoted(struct buf *out, const char *text)
{
    size_t line = 0;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool ends = text[1] == '\n' || !text[1];
        bool plain = (c > ' ' && c < 0x7f && c != '=') || ((c == ' ' || c == '\t') && !ends);
        if (c == '\n') {
            buf_addch(out, '\n');
            line = 0;
            continue;
        }
        if (line + (plain ? 1 : 3) >= LINE_BYTES) {
            buf_addstr(out, "=\n");
            line = 0;
        }
        line += plain ? 1 : 3;
        if (plain)
            buf_addch(out, (char)c);
        else
            buf_addf(out, "=%02X", c);
    }
}

void mail_write(struct buf *out, const struct strlist *to, const char *from, const char *subject,
                const char *body)
{
    bool plain = is_plain(body, PLAIN_LINE);
    if (from)
        buf_addf(out, "From: %s\n", from);
    for (size_t i = 0; i < to->n; i++)
        buf_addf(out, "%s%s", i ? ",\n " : "To: ", to->v[i]);
    buf_addch(out, '\n');
    put_subject(out, subject);
    buf_addf(out,
             "Auto-Submitted: auto-generated\n"
             "MIME-Version: 1.0\n"
             "Content-Type: text/plain; charset=utf-8\n"
             "Content-Transfer-Encoding: %s\n"
             "\n",
             plain ? "7bit" : "quoted-printable");
    if (plain)
        buf_addstr(out, body);
    else
        put_quoted(out, body);
}
