#include "worker/executor.h"

#include <string.h>

static const struct executor *const executors[] = {
    &executor_shell, &executor_exec, &executor_script, &executor_container, &executor_http,
    &executor_slurm, NULL,
};

const struct executor *executor_find(const char *name)
{
    const struct executor *const *executor = executors;
    while (*executor && strcmp((*executor)->name, name) != 0)
        executor++;
    return *executor;
}

void executor_check(struct order *order)
{
    const char *why = order->executor->check(order);
    if (why)
        order_refuse(order, why);
}

/* What every kind has beside its name, and older builds lack. */
static const char *const abilities[] = {"secrets", "files"};

void executor_tell(struct message_writer *w)
{
    for (const struct executor *const *executor = executors; *executor; executor++)
        message_str(w, TAG_FEATURE, (*executor)->name);
    for (size_t i = 0; i < sizeof abilities / sizeof *abilities; i++)
        message_str(w, TAG_FEATURE, abilities[i]);
}
