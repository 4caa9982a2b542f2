/*
 * The kind `http`: one request, by the host's curl without a shell. What is asked is in files without a name
 * that only curl can read, since a URL, a header or a body may be secret and an argument vector is public. The
 * headers of the answer go to such a file too: the status is read there, and the output is the body alone. In URL,
 * headers and body ${NAME} is a secret of the run.
 */
#include "worker/executor.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "worker/capture.h"
#include "worker/launch.h"
#include "worker/secret.h"
#include "worker/shim.h"
#include "worker/tool.h"
#include "xalloc.h"

enum { CONNECT_MS = 30000, HEADERS_MAX = 1 << 20, TAIL = 8192, CODE_STATUS = 22 };

static bool is_word(const char *text)
{
    for (; isalpha((unsigned char)*text); text++)
        ;
    return *text == '\0';
}

static const char *check(const struct order *order)
{
    const char *url = order_option(order, "url"), *method = order_option(order, "method");
    for (size_t i = 0; i < order->options.n; i++)
        if (strpbrk(order->options.v[i], "\r\n"))
            return "an option of the request has several lines";
    if (!url || (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0))
        return "the order has no URL that begins with http:// or https://";
    return method && !is_word(method) ? "the method is no word, as GET is one" : NULL;
}

/* ---- what curl is told ---- */

/* A line of curl's --config: it knows these escapes in quotes, and takes all else as it is. */
static void say(struct buf *config, const char *option, const char *value)
{
    buf_addf(config, "%s = \"", option);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            buf_addch(config, '\\');
        buf_addch(config, *value);
    }
    buf_addstr(config, "\"\n");
}

static void say_file(struct buf *config, const char *option, const char *prefix, int fd)
{
    buf_addf(config, "%s = \"%s/proc/self/fd/%d\"\n", option, prefix, fd);
}

/* What is one line stays one: a secret of several would be lines of their own to curl, and to the server. */
static char *fill_line(const struct order *order, const char *text, struct err *err)
{
    char *filled = secret_fill(order, text);
    if (!strpbrk(filled, "\r\n"))
        return filled;
    free(filled);
    (void)err_set(err, ERR_ANSWER, "a secret of several lines cannot stand in a URL or a header");
    return NULL;
}

/* A header without a value is one; curl would take "Name:" for "not this one". */
static int say_header(struct buf *config, const struct order *order, const char *header,
                      struct err *err)
{
    char *filled = fill_line(order, header, err);
    if (!filled)
        return ERR_ANSWER;
    header = filled;
    size_t name = strcspn(header, "=");
    const char *value = header + name + (header[name] == '=');
    char *line = *value ? xasprintf("%.*s: %s", (int)name, header, value)
                        : xasprintf("%.*s;", (int)name, header);
    say(config, "header", line);
    free(line);
    free(filled);
    return 0;
}

/* A method that follows from the rest is not said: curl would keep to it where it is redirected. */
static void say_method(struct buf *config, const struct order *order)
{
    const char *method = order_option(order, "method");
    if (method && strcasecmp(method, "HEAD") == 0)
        buf_addstr(config, "head\n");
    else if (method && strcasecmp(method, order->text ? "POST" : "GET") != 0)
        say(config, "request", method);
}

static int say_body(struct buf *config, const struct order *order, struct err *err)
{
    if (!order->text)
        return 0;
    char *body = secret_fill(order, order->text);
    int fd = launch_scratch_kept(body, strlen(body), err);
    free(body);
    if (fd >= 0)
        say_file(config, "data-binary", "@", fd);
    return fd;
}

static int say_all(struct buf *config, const struct order *order, struct err *err)
{
    const char *connect = order_option(order, "connect_timeout"),
               *follow = order_option(order, "follow");
    long long ms = connect ? strtoll(connect, NULL, 10) : CONNECT_MS;
    /* brackets in a URL are meant; nothing but the body is output, and errors */
    buf_addstr(config, "globoff\nsilent\nshow-error\nproto = \"=http,https\"\n"
                       "proto-redir = \"=http,https\"\n");
    buf_addf(config, "connect-timeout = %lld.%03lld\n", ms / 1000, ms % 1000);
    if (follow && strcmp(follow, "true") == 0)
        buf_addstr(config, "location\nmax-redirs = 10\n");
    char *url = fill_line(order, order_option(order, "url"), err);
    if (!url)
        return ERR_ANSWER;
    say(config, "url", url);
    free(url);
    say_method(config, order);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < order->options.n; i++) {
        const char *header = pair_value(order->options.v[i], "headers", strlen("headers"));
        if (header)
            rc = say_header(config, order, header, err);
    }
    return rc;
}

static int prepare(const struct order *order, struct launch *launch, struct err *err)
{
    struct buf config = {0};
    char *curl = tool_find(order, "curl");
    if (!curl)
        return err_set(err, ERR_ANSWER,
                       "there is no curl on this host, which http: needs: install it there");
    int rc = say_body(&config, order, err);
    if (rc >= 0)
        rc = launch->told = launch_scratch_told(err);
    if (rc >= 0) {
        say_file(&config, "dump-header", "", launch->told);
        rc = say_all(&config, order, err);
    }
    if (rc == 0)
        rc = launch_scratch_kept(buf_data(&config), config.len, err);
    buf_free(&config);
    if (rc < 0)
        return rc;
    char *argv[] = {curl, "--disable", "--config", xasprintf("/proc/self/fd/%d", rc)};
    launch->argv = launch_argv(order, argv, 4);
    launch->name = curl;
    return 0;
}

/* ---- what came of it ---- */

/* Of the last answer: there are several when it was redirected. 0: there was none. */
static int status_told(int fd)
{
    struct buf headers = {0};
    char path[64], *line;
    int status = 0;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd); /* from its start */
    if (io_read_file(path, HEADERS_MAX, &headers, NULL) == 0 && headers.len) {
        line = capture_last_line(buf_str(&headers), "HTTP/");
        line = line ? strchr(line, ' ') : NULL;
        status = line ? (int)strtol(line, NULL, 10) : 0;
    }
    buf_free(&headers);
    return status;
}

/* Whether it was expected; *words: what was. */
static bool is_expected(const struct order *order, int status, struct buf *words)
{
    bool good = false;
    for (size_t i = 0; i < order->options.n; i++) {
        const char *expected = pair_value(order->options.v[i], "expect", strlen("expect"));
        if (!expected)
            continue;
        good = good || strtol(expected, NULL, 10) == status;
        buf_addf(words, "%s%s", words->len ? " or " : "", expected);
    }
    if (words->len)
        return good;
    buf_addstr(words, "2xx");
    return status >= 200 && status <= 299;
}

static void judge_status(const struct order *order, int status, struct record_result *r)
{
    struct buf words = {0};
    if (!is_expected(order, status, &words)) {
        r->code = CODE_STATUS;
        (void)snprintf(r->reason, sizeof r->reason, "HTTP %d, %s was expected", status,
                       buf_str(&words));
    }
    buf_free(&words);
}

/* By curl's own words, which are the end of what it wrote to standard error. */
static void explain(const struct order *order, struct record_result *r)
{
    char text[TAIL], *line;
    struct capture err = {
        .dir = FD_CELLS, .cell = (uint32_t)order->cell, .stream = 1, .limit = order->out_limit};
    capture_tail(&err, r->total[1] - r->dropped[1], r->ring[1], text, sizeof text);
    line = capture_last_line(text, "curl: ");
    if (line)
        (void)snprintf(r->reason, sizeof r->reason, "curl: %s", line);
}

static void result(const struct order *order, struct launch *launch, struct record_result *r)
{
    if (r->end != END_EXIT)
        return;
    if (r->code)
        explain(order, r);
    else
        judge_status(order, status_told(launch->told), r);
}

const struct executor executor_http = {
    .name = "http", .check = check, .prepare = prepare, .result = result};
