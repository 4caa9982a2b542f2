#include "monitor/curl.h"

#include <string.h>

#include "xalloc.h"

enum { CURL_SECONDS = 25 /* before its sender is killed */ };

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
void curl_prepare(const char *url, struct sender *sender)
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
