#include "gate.h"
#include "greeting.h"
#include "message.h"
#include "push.h"
#include "tap.h"
#include "xalloc.h"

#include <poll.h>
#include <stdlib.h>

static void test_cksum(void)
{
    /* as cksum(1) says */
    tap_int(push_cksum("", 0), 4294967295u, "the checksum of nothing");
    tap_int(push_cksum("123456789", 9), 930766865u, "the checksum of POSIX");
}

static void test_commands(void)
{
    struct err err = {0};
    char *c = push_start_command("/opt/rota/rota-worker", "serve", "abc", &err);
    tap_str(c, "exec /opt/rota/rota-worker serve abc", "a plain path stands as it is");
    free(c);
    c = push_start_command("~/bin/rota-worker", "serve", "abc", &err);
    tap_str(c, "exec ~/bin/rota-worker serve abc", "~ is left to the shell of the host");
    free(c);
    c = push_start_command("/opt/my worker", "serve", "abc", &err);
    tap_str(c, "exec '/opt/my worker' serve abc", "blanks are quoted");
    free(c);
    c = push_start_command("/opt/$(id)", "serve", "abc", &err);
    tap_str(c, "exec '/opt/$(id)' serve abc", "and so is what a shell would run");
    free(c);
    tap_ok(!push_start_command("/it's", "serve", "abc", &err) && err.code == ERR_CONFIG,
           "what no quoting makes safe everywhere is refused");
    struct push_build build = {.cksum = 7};
    c = push_copy_command(&build, "abc");
    const char *body = strchr(c, '\'') + 1;
    tap_ok(strchr(body, '\'') == c + strlen(c) - 1 && !strpbrk(body, "!\\\n"),
           "the command is one word for sh, csh and fish");
    free(c);
}

static void test_answers(void)
{
    char *a =
        push_answer("motd\n+ echo rota-abc $(uname -sm)\nrota-abc Linux x86_64\r\nbye\n", "abc");
    tap_str(a, "Linux x86_64", "the answer is found among noise and traces");
    free(a);
    char *echoed = push_probe_command("abc");
    tap_str(push_answer(echoed, "abc"), NULL, "nor is the question itself, echoed");
    free(echoed);
    tap_str(push_answer("rota-abd Linux\n", "abc"), NULL, "an answer to another question is none");
}

static void test_greeting(void)
{
    struct greeting g;
    struct err err = {0};
    char rest[8] = "";
    greeting_expect(&g, "abc");
    int rc = 0;
    const char *text = "motd: rota-worker abd\nrota-worker abcd\nprompt> rota-worker abc\nrest";
    for (const char *p = text; *p && rc == 0; p++)
        rc = greeting_feed(&g, p, 1, &err);
    tap_int(rc, 1, "the greeting is found byte by byte, after noise without a newline");
    greeting_free(&g);
    greeting_expect(&g, "abc");
    tap_int(greeting_feed(&g, text, strlen(text), &err), 1, "and in one piece");
    tap_int((long long)greeting_take(&g, rest, 3), 3, "what follows it is kept");
    tap_int((long long)greeting_take(&g, rest + 3, 3), 1, "to its end");
    tap_str(rest, "rest", "in order");
    greeting_free(&g);
    greeting_expect(&g, "abc");
    for (int i = 0; i <= MESSAGE_NOISE_MAX / 8 + 8 && rc >= 0; i++)
        rc = greeting_feed(&g, "noise..\n", 8, &err);
    tap_int(rc, ERR_UNREACHABLE, "endless noise is an error");
    greeting_free(&g);
}

static bool is_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void test_gate(void)
{
    struct gate_pass a = {0}, b = {0}, c = {0}, d = {0};
    struct err err = {0};
    tap_ok(gate_ask(&a, "host", 1, &err) == 1 && gate_ask(&b, "host", 1, &err) == 0 &&
               gate_ask(&c, "host", 1, &err) == 0,
           "a gate lets so many in and no more");
    tap_int(gate_ask(&d, "other", 1, &err), 1, "another gate is another matter");
    tap_ok(!is_readable(b.fd), "who waits is not woken");
    gate_leave(&a);
    tap_ok(is_readable(b.fd) && !is_readable(c.fd) && gate_ask(&b, "host", 1, &err) == 1,
           "the first in line is woken when a place is free");
    tap_int(gate_ask(&a, "host", 1, &err), 0, "nobody gets in before the others in line");
    gate_leave(&c);
    gate_leave(&b);
    tap_int(gate_ask(&a, "host", 1, &err), 1, "who leaves the line is passed over");
    gate_leave(&a);
    gate_leave(&a);
    gate_leave(&d);
}

int main(void)
{
    test_cksum();
    test_commands();
    test_answers();
    test_greeting();
    test_gate();
    return tap_done();
}
