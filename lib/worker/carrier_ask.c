/* What sbatch is asked for, from what the job says of Slurm. A new key is one row. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/carrier_internal.h"
#include "xalloc.h"

static char *as_it_is(const char *value)
{
    return xstrdup(value);
}

/* Slurm counts whole minutes. */
static char *as_minutes(const char *ms)
{
    long long n = strtoll(ms, NULL, 10);
    return xasprintf("%lld", n / 60000 + (n % 60000 > 0));
}

static char *as_kilobytes(const char *bytes)
{
    long long n = strtoll(bytes, NULL, 10);
    return xasprintf("%lldK", n / 1024 + (n % 1024 > 0));
}

static const struct {
    const char *key, *option;
    char *(*say)(const char *value);
} asks[] = {
    {"partition", "--partition", as_it_is},
    {"time", "--time", as_minutes},
    {"nodes", "--nodes", as_it_is},
    {"ntasks", "--ntasks", as_it_is},
    {"cpus_per_task", "--cpus-per-task", as_it_is},
    {"mem", "--mem", as_kilobytes},
    {"account", "--account", as_it_is},
    {"qos", "--qos", as_it_is},
};

static void ask(struct load *load, const char *option, const char *value,
                char *(*say)(const char *))
{
    char *said = say(value);
    strlist_take(&load->ask, xasprintf("%s=%s", option, said));
    free(said);
}

/* The run's own timeout is kept on the node, to the millisecond; Slurm gets a limit that is a little longer. */
static void ask_time(struct load *load, const struct order *order)
{
    enum { SPARE_MS = 60000 };
    char ms[24];
    if (!order->timeout_ms || order_option(order, "time"))
        return;
    (void)snprintf(ms, sizeof ms, "%" PRId64, order->timeout_ms + order->kill_after_ms + SPARE_MS);
    ask(load, "--time", ms, as_minutes);
}

void submit_ask(struct load *load, const struct order *order)
{
    const char *job = strlist_value(&order->env, "ROTA_JOB");
    ask(load, "--job-name", job ? job : "rota", as_it_is);
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        const char *value = order_option(order, asks[i].key);
        if (value)
            ask(load, asks[i].option, value, asks[i].say);
    }
    ask_time(load, order);
    for (size_t i = 0; i < order->options.n; i++) {
        const char *word = pair_value(order->options.v[i], "extra", strlen("extra"));
        if (word)
            strlist_add(&load->ask, word);
    }
}
