#include <string.h>

#include "escape.h"
#include "monitor/channel.h"
#include "monitor/curl.h"

/* What Slack takes for markup of its own. */
static void put_slack(struct buf *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            buf_addstr(out, "&amp;");
            break;
        case '<':
            buf_addstr(out, "&lt;");
            break;
        case '>':
            buf_addstr(out, "&gt;");
            break;
        default:
            buf_addch(out, *text);
        }
}

static void write_slack(const struct notice *notice, struct buf *out)
{
    struct buf lines = {0}, text = {0};
    for (size_t i = 0; i < notice->n && i < NOTICE_ITEMS; i++) {
        buf_addstr(&lines, i ? "\n" : "");
        notice_line(notice, &notice->v[i], &lines);
    }
    if (notice->n > NOTICE_ITEMS)
        buf_addf(&lines, "\nand %zu more", notice->n - NOTICE_ITEMS);
    put_slack(&text, buf_str(&lines));
    buf_addstr(out, "{\"text\": ");
    escape_json(out, buf_data(&text), text.len);
    buf_addch(out, '}');
    buf_free(&lines);
    buf_free(&text);
}

static void prepare(const struct config *config, const struct strlist *to,
                    const struct notice *notice, struct sender *sender)
{
    (void)config;
    if (notice->section->slack)
        write_slack(notice, &sender->body);
    else
        notice_json(notice, &sender->body);
    curl_prepare(to->v[0], sender);
}

/* Only the server: the rest is often the key to it. */
static void show(struct buf *out, const char *url)
{
    url = strstr(url, "://") + 3;
    size_t len = strcspn(url, "/?#");
    const char *at = memchr(url, '@', len); /* user:password@ */
    const char *host = at ? at + 1 : url;
    buf_add(out, host, len - (size_t)(host - url));
}

const struct channel channel_webhook = {"to the webhook at", prepare, show};
