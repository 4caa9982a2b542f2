#include "monitor/channel.h"

#include <stdio.h>
#include <string.h>

#include "escape.h"
#include "monitor/mail.h"
#include "xalloc.h"

enum { FIELD_MAX = 4096, CURL_SECONDS = 25 /* before its sender is killed */ };

/* ---- mail ---- */

static void prepare_mail(const struct config *config, const struct notice *notice,
                         struct sender *sender)
{
    struct buf subject = {0}, body = {0};
    strlist_copy(&sender->argv, &config->monitor.sendmail);
    strlist_add(&sender->argv, "-t");
    strlist_add(&sender->argv, "-i");
    buf_addstr(&subject, "[rota] ");
    notice_subject(notice, &subject);
    notice_text(notice, &body);
    mail_write(&sender->input, &notice->section->mail, config->monitor.from, buf_str(&subject),
               buf_str(&body));
    buf_free(&subject);
    buf_free(&body);
}

/* ---- curl ---- */

/* A line of its configuration file; see curl(1), --config. */
static void put_curl(struct buf *out, const char *option, const char *value)
{
    buf_addf(out, "%s = \"", option);
    static const char from[] = "\n\r\t\v\\\"", to[] = "nrtv\\\"";
    for (; *value; value++) {
        const char *at = strchr(from, *value);
        char c = *value;
        if (at) {
            buf_addch(out, '\\');
            c = to[at - from];
        }
        buf_addch(out, c);
    }
    buf_addstr(out, "\"\n");
}

/* curl takes any answer below 400 for success, but only 2xx means that somebody has read it. We do
 * not follow: the new address may be anybody's, and a redirect makes of a POST a GET. */
static char *judge_answer(const char *code)
{
    if (code[0] == '2' && strlen(code) == 3)
        return NULL;
    if (code[0] == '3')
        return xasprintf("the server answers %s: write its new address in rota.ini", code);
    return xasprintf("the server answers %s, which is no success", *code ? code : "nothing");
}

/* All goes through standard input: what stands in a command line is seen by every user. But not the
 * body, which curl reads from a file: a line of its configuration may not be long. */
static void prepare_curl(const char *url, struct sender *sender)
{
    static const char *const argv[] = {"curl", "-q", "--config", "-"};
    for (size_t i = 0; i < sizeof argv / sizeof *argv; i++)
        strlist_add(&sender->argv, argv[i]);
    buf_addf(&sender->input,
             "silent\nshow-error\nfail\nmax-time = %d\nproto = \"=http,https\"\n"
             "output = \"/dev/null\"\nwrite-out = \"%%{http_code}\"\ngloboff\n",
             CURL_SECONDS);
    sender->judge = judge_answer;
    put_curl(&sender->input, "user-agent", "rota/" ROTA_VERSION);
    put_curl(&sender->input, "url", url);
    if (sender->body.len) {
        put_curl(&sender->input, "header", "Content-Type: application/json");
        buf_addf(&sender->input, "data-binary = \"@/proc/self/fd/%d\"\n", SENDER_BODY);
    }
}

void channel_heartbeat(const char *url, struct sender *sender)
{
    prepare_curl(url, sender);
}

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

static void prepare_webhook(const struct config *config, const struct notice *notice,
                            struct sender *sender)
{
    (void)config;
    if (notice->section->slack)
        write_slack(notice, &sender->body);
    else
        notice_json(notice, &sender->body);
    prepare_curl(notice->section->webhook, sender);
}

/* ---- a command ---- */

static void put_env(struct sender *sender, const char *name, const char *value)
{
    strlist_take(&sender->env,
                 xasprintf("ROTA_ALERT_%s=%.*s", name, FIELD_MAX, value ? value : ""));
}

/* The fields of the first alert, which mostly is the only one; all of them on standard input. */
static void prepare_command(const struct config *config, const struct notice *notice,
                            struct sender *sender)
{
    const struct notice_item *first = &notice->v[0];
    struct buf text = {0};
    char number[32];
    (void)config;
    strlist_add(&sender->argv, notice->section->command);
    put_env(sender, "SECTION", notice->section->name);
    put_env(sender, "RULE", first->alert.rule);
    put_env(sender, "STATE", notice_state(first));
    put_env(sender, "SUBJECT", first->alert.subject);
    put_env(sender, "HOST", first->alert.host);
    put_env(sender, "DETAIL", first->alert.detail);
    (void)snprintf(number, sizeof number, "%lld", (long long)first->alert.run);
    put_env(sender, "RUN", first->alert.run ? number : NULL);
    (void)snprintf(number, sizeof number, "%zu", notice->n);
    put_env(sender, "COUNT", number);
    notice_subject(notice, &text);
    put_env(sender, "TEXT", buf_str(&text));
    notice_json(notice, &sender->input);
    buf_addch(&sender->input, '\n');
    buf_free(&text);
}

/* ---- the table ---- */

static const struct {
    const char *how;
    void (*prepare)(const struct config *config, const struct notice *notice,
                    struct sender *sender);
} channels[] = {
    [CHANNEL_MAIL] = {"by mail to", prepare_mail},
    [CHANNEL_WEBHOOK] = {"to the webhook at", prepare_webhook},
    [CHANNEL_COMMAND] = {"through", prepare_command},
};

void channel_prepare(const struct config *config, const struct notice *notice,
                     struct sender *sender)
{
    channels[alert_channel(notice->section)].prepare(config, notice, sender);
}

/* Of a URL only the server: the rest is often the key to it. */
char *channel_describe(const struct alert_config *section)
{
    enum alert_channel channel = alert_channel(section);
    struct buf to = {0};
    const char *url = section->webhook ? strstr(section->webhook, "://") + 3 : NULL;
    buf_addf(&to, "%s ", channels[channel].how);
    for (size_t i = 0; i < section->mail.n; i++)
        buf_addf(&to, "%s%s", i ? ", " : "", section->mail.v[i]);
    if (section->command)
        buf_addstr(&to, section->command);
    if (url) {
        size_t len = strcspn(url, "/?#");
        const char *at = memchr(url, '@', len); /* user:password@ */
        const char *host = at ? at + 1 : url;
        buf_add(&to, host, len - (size_t)(host - url));
    }
    buf_str(&to);
    return buf_detach(&to);
}
