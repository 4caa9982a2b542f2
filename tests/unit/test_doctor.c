/* What a host says is not believed, and an error is what is wrong and its mend. */
#include "doctor/doctor.h"
#include "doctor/logins.h"
#include "tap.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

static void test_facts(void)
{
    struct facts facts = {0};
    struct buf in = {0};
    struct err err = {0};
    buf_addstr(&in, "clock 12\nheld a\nheld b c\nnothing\n 5\nlarge 99999999999999999999\nhal");
    tap_int(facts_feed(&facts, &in, &err), 0, "whole lines are taken");
    tap_int((int64_t)in.len, 3, "half a line waits for its end");
    tap_int(facts_number(&facts, "clock", -1), 12, "a number");
    tap_int(facts_number(&facts, "large", -1), -1, "what no number holds is none");
    tap_int(facts_number(&facts, "held", -1), -1, "nor is a word");
    tap_ok(!facts_text(&facts, "nothing") && !facts_text(&facts, ""), "a line needs key and value");
    size_t at = 0;
    tap_str(facts_next(&facts, "held", &at), "a", "a key that comes twice: its first value");
    tap_str(facts_next(&facts, "held", &at), "b c", "and its second");
    tap_ok(!facts_next(&facts, "held", &at), "and no third");
    buf_addstr(&in, "f done\nhome /a\x1f"
                    "ask me\nend\nclock 13\n");
    (void)facts_feed(&facts, &in, &err);
    tap_ok(facts.complete && facts_number(&facts, "half", -1) == -1, "the end is seen");
    tap_str(facts_text(&facts, "home"), "/a?ask me", "a host cannot write a mend of its own");
    tap_str(facts_text(&facts, "half"), "done", "half a line is joined with its rest");
    facts_free(&facts);
    buf_free(&in);
}

static void test_flood(void)
{
    struct facts facts = {0};
    struct buf in = {0};
    struct err err = {0};
    for (int i = 0; i < FACTS_MAX + 10; i++)
        buf_addstr(&in, "k v\n");
    tap_int(facts_feed(&facts, &in, &err), 0, "many lines are no error");
    tap_int((int64_t)facts.n, FACTS_MAX, "but not all are kept");
    memset(buf_room(&in, FACTS_BYTES_MAX), 'x', FACTS_BYTES_MAX);
    buf_grew(&in, FACTS_BYTES_MAX);
    tap_int(facts_feed(&facts, &in, &err), ERR_DATA, "a line without end is one");
    facts_free(&facts);
    buf_free(&in);
}

static void test_findings(void)
{
    struct doctor d = {0};
    struct err err;
    err_set(&err, ERR_IO, "db2: it is broken (why: old): mend it");
    doctor_found_err(&d, VERDICT_TROUBLE, &err);
    tap_str(d.found[0].what, "db2: it is broken (why: old)", "an error is cut at its last colon");
    tap_str(d.found[0].mend, "mend it", "where the mend begins");
    err_set(&err, ERR_IO, "it is broken");
    doctor_found_err(&d, VERDICT_TROUBLE, &err);
    tap_ok(strcmp(d.found[1].what, "it is broken") == 0 && !d.found[1].mend,
           "without one there is no mend");
    doctor_found(&d, VERDICT_HINT, "%s" MEND "do %s", "that", "this");
    tap_ok(strcmp(d.found[2].what, "that") == 0 && strcmp(d.found[2].mend, "do this") == 0,
           "a finding says both");
    doctor_free(&d);
}

static void test_logins(void)
{
    struct host_config *hosts = xcalloc(3, sizeof *hosts);
    for (int i = 0; i < 3; i++) {
        hosts[i].address = (char *)"a";
        hosts[i].port = i == 1 ? 23 : 22;
    }
    struct config config = {.hosts = hosts, .nhosts = 3};
    tap_int((int64_t)logins_hosts(&config, &hosts[0]), 2, "hosts at an address and a port");
    hosts[0].transport = TRANSPORT_LOCAL;
    tap_int((int64_t)logins_hosts(&config, &hosts[0]), 0, "of those that are logged in to");
    tap_int((int64_t)logins_at_once(3), 3, "few log in together");
    tap_int((int64_t)logins_at_once(300), 8, "of many, eight at a time");
    free(hosts);
}

int main(void)
{
    test_facts();
    test_flood();
    test_findings();
    test_logins();
    return tap_done();
}
