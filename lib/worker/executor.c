#include "worker/executor.h"

#include <string.h>

static const struct executor *const executors[] = {
    &executor_shell,     &executor_exec, &executor_script,
    &executor_container, &executor_http, &executor_slurm,
};

enum { EXECUTORS = sizeof executors / sizeof *executors };

const struct executor *executor_find(const char *name)
{
    for (size_t i = 0; i < EXECUTORS; i++)
        if (strcmp(executors[i]->name, name) == 0)
            return executors[i];
    return NULL;
}

void executor_check(struct order *order)
{
    const char *why = order->executor->check(order);
    if (why)
        order_refuse(order, why);
}

/* What every kind has beside its name, and older builds lack. */
static const char *const abilities[] = {"secrets"};

void executor_tell(struct message_writer *w)
{
    for (size_t i = 0; i < EXECUTORS; i++)
        message_str(w, TAG_FEATURE, executors[i]->name);
    for (size_t i = 0; i < sizeof abilities / sizeof *abilities; i++)
        message_str(w, TAG_FEATURE, abilities[i]);
}
