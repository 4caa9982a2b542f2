#include <string.h>

#include "job.h"
#include "near.h"
#include "tap.h"

static void test_states(void)
{
    /* rows: from; columns: to; in the order of the numbers */
    static const char *const may[] = {
        "-xx-----x-", /* held */
        "x-x-----x-", /* blocked */
        "x--x----x-", /* queued */
        "--x-xxxxxx", /* starting */
        "--x--xxxxx", /* running */
        "----------", "----------", "----------", "----------", "----------",
    };
    for (int from = RUN_STATE_FIRST; from <= RUN_STATE_LAST; from++) {
        bool all = true;
        for (int to = RUN_STATE_FIRST; to <= RUN_STATE_LAST; to++)
            all = all && run_state_may_become((enum run_state)from, (enum run_state)to) ==
                             (may[from - 1][to - 1] == 'x');
        (void)tap_ok(all, "from %s a run goes where the table says",
                     run_state_name((enum run_state)from));
        (void)tap_int(run_state_of(run_state_name((enum run_state)from)), from,
                      "and its name reads back");
        (void)tap_ok(run_state_is_terminal((enum run_state)from) == (from >= RUN_SUCCEEDED),
                     "and it is terminal or not");
    }
    (void)tap_str(run_state_name((enum run_state)0), "?", "0 is no state");
    (void)tap_str(run_state_name((enum run_state)11), "?", "11 is no state");
    (void)tap_int(run_state_of("nonsense"), 0, "a word that is no state");
    (void)tap_ok(!run_state_may_become((enum run_state)0, RUN_QUEUED) &&
                     !run_state_may_become(RUN_QUEUED, (enum run_state)99) &&
                     !run_state_is_terminal((enum run_state)99),
                 "numbers that are no states go nowhere");
}

static void test_names(void)
{
    static const char *const good[] = {"a", "_", "web-1.eu_x", "Last", "lasting", "db01"};
    static const char *const bad[] = {"",    "last", "1a", "-a",  ".a",    "a b",
                                      "a/b", "a\n",  "é",  "a:b", "a\x7f", "ä"};
    char name[66];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        (void)tap_ok(name_is_valid(good[i]), "'%s' is a name", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        (void)tap_ok(!name_is_valid(bad[i]), "bad name %zu is none", i);
    memset(name, 'x', 65);
    name[64] = '\0';
    (void)tap_ok(name_is_valid(name), "64 bytes are a name");
    name[64] = 'x';
    name[65] = '\0';
    (void)tap_ok(!name_is_valid(name), "65 bytes are none");
}

static void test_retry_delay(void)
{
    struct job_retry retry = {.attempts = 10, .delay_ms = 1000, .backoff = 2, .max_delay_ms = 5000};
    (void)tap_int(job_retry_delay(&retry, 1), 1000, "the first delay is as it is");
    (void)tap_int(job_retry_delay(&retry, 2), 2000, "the second is multiplied");
    (void)tap_int(job_retry_delay(&retry, 3), 4000, "the third again");
    (void)tap_int(job_retry_delay(&retry, 4), 5000, "max_delay bounds it");
    retry.max_delay_ms = 0;
    retry.backoff = 100;
    (void)tap_int(job_retry_delay(&retry, 1000), JOB_DELAY_MAX_MS,
                  "a thousand attempts at backoff 100 wait a week, not for ever");
    retry.delay_ms = 0;
    (void)tap_int(job_retry_delay(&retry, 1000), 0, "no delay stays none");
}

static void test_job(void)
{
    struct job job;
    job_init(&job);
    (void)tap_ok(job_is_success(&job, 0) && !job_is_success(&job, 1), "by default 0 is success");
    (void)tap_ok(job.slots == 1 && job.kill_after_ms == 10000 && job.output_limit == 16777216 &&
                     job.retry.attempts == 1,
                 "and the other defaults are as documented");
    job_free(&job);
    job_free(&job);
    (void)tap_ok(!job.success, "a job is freed twice without harm");
}

static void test_near(void)
{
    static const struct {
        const char *name;
        int other;
    } words[] = {{"host", 1}, {"hosts", 2}, {NULL, 3}, {"tags", 4}, {"a", 5}};
    const size_t n = sizeof words / sizeof *words, stride = sizeof *words;
    (void)tap_str(near_word("hsot", words, n, stride), "host", "swapped letters are near");
    (void)tap_str(near_word("hostss", words, n, stride), "hosts", "the nearest wins");
    (void)tap_str(near_word("tag", words, n, stride), "tags", "a missing letter");
    (void)tap_str(near_word("schedule", words, n, stride), NULL, "nothing is near");
    (void)tap_str(near_word("b", words, n, stride), NULL, "one letter is near to nothing");
    (void)tap_str(near_word("", words, n, stride), NULL, "nor is the empty word");
    char longest[200];
    memset(longest, 'h', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    (void)tap_str(near_word(longest, words, n, stride), NULL, "nor a very long one");
}

int main(void)
{
    test_states();
    test_names();
    test_retry_delay();
    test_job();
    test_near();
    return tap_done();
}
