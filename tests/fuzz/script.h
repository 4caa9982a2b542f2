/*
 * script: a conversation as text, one message a line, for the targets that feed the layers above the frames:
 *
 *   RUN run=1 attempt=1 token=1 state=1 reason:some%20text data*100 keys@1
 *
 * tag=N is an integer, tag:TEXT bytes with %XX, tag*N so many bytes 'x' (at most 65535), tag@N a packed key of
 * run N. A type or tag may be its number; words that are none are skipped. `raw:TEXT` is bytes as they are.
 */
#ifndef ROTA_FUZZ_SCRIPT_H
#define ROTA_FUZZ_SCRIPT_H

#include <ctype.h>

#include "buf.h"
#include "fuzz.h"
#include "message.h"

static const char *const script_types[] = {
    "?",       "HELLO",  "WELCOME", "REFUSED", "RUN", "READY", "ADOPT", "START",
    "STARTED", "OUTPUT", "CREDIT",  "RESULT",  "ACK", "KILL",  "PING",  "PONG",
};

static const char *const script_tags[] = {
    "?",         "version",   "uuid",           "epoch",     "fence",       "worker",
    "spool",     "build",     "machine",        "boot",      "hostname",    "system",
    "clock",     "cpus",      "load",           "mem_total", "mem_free",    "disk_free",
    "reason",    "run",       "attempt",        "token",     "state",       "age",
    "out_at",    "err_at",    "credit",         "executor",  "arg",         "text",
    "stdin",     "env",       "workdir",        "user",      "timeout",     "kill_after",
    "out_limit", "leftovers", "leash",          "stream",    "offset",      "data",
    "end",       "code",      "signal",         "duration",  "utime",       "stime",
    "maxrss",    "out_total", "out_dropped",    "err_total", "err_dropped", "keys",
    "spool_id",  "value",     "values_ignored",
};

_Static_assert(sizeof script_types / sizeof *script_types == MSG_PONG + 1, "every type");
_Static_assert(sizeof script_tags / sizeof *script_tags == TAG_VALUES_IGNORED + 1, "every tag");

/* The number of a name of the table, or the number that it is; 0: neither. */
static int script_find(const char *const *names, size_t n, const char *name, size_t len, int max)
{
    if (len && isdigit((unsigned char)*name))
        return (int)(strtoul(name, NULL, 10) % (unsigned)max);
    for (size_t i = 1; i < n; i++)
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
            return (int)i;
    return 0;
}

static int script_hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : (tolower((unsigned char)c) - 'a' + 10) & 15;
}

static void script_bytes(struct buf *to, const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] == '%' && i + 2 < len) {
            buf_addch(to, (char)(script_hex(p[i + 1]) << 4 | script_hex(p[i + 2])));
            i += 2;
        } else {
            buf_addch(to, p[i]);
        }
}

static void script_field(struct message_writer *w, const char *word, size_t len)
{
    size_t name = strcspn(word, "=:*@ \n");
    if (name >= len)
        return;
    int tag = script_find(script_tags, TAG_VALUES_IGNORED + 1, word, name, UINT16_MAX);
    char how = word[name];
    struct buf bytes = {0};
    uint64_t number = strtoull(word + name + 1, NULL, 10);
    if (how == ':')
        script_bytes(&bytes, word + name + 1, len - name - 1);
    for (uint64_t i = 0; how == '*' && i < number % (UINT16_MAX + 1); i++)
        buf_addch(&bytes, 'x');
    if (how == '@')
        message_pack_key(&bytes, (struct message_key){number, 1, number});
    if (how == '=')
        message_u64(w, (enum message_tag)tag, number);
    else
        message_bytes(w, (enum message_tag)tag, buf_data(&bytes), bytes.len);
    buf_free(&bytes);
}

static void script_line(struct buf *out, const char *line, size_t len)
{
    if (len >= 4 && memcmp(line, "raw:", 4) == 0) {
        script_bytes(out, line + 4, len - 4);
        return;
    }
    size_t name = strcspn(line, " \n");
    int type = script_find(script_types, MSG_PONG + 1, line, name, UINT8_MAX + 1);
    if (!type)
        return;
    struct message_writer w = message_begin(out, (enum message_type)type);
    for (size_t at = name; at < len; at++) {
        size_t word = strcspn(line + at, " \n");
        script_field(&w, line + at, word);
        at += word;
    }
    message_end(&w);
}

/* Appends the frames of the next line of a script, and moves *text behind it. */
static void script_next(struct buf *out, const char **text)
{
    size_t len = strcspn(*text, "\n");
    script_line(out, *text, len);
    *text += len;
    *text += **text == '\n';
}

#endif
