/* The kind whose runs Slurm carries: see carrier.h. What is executed on the node is the work of another kind. */
#include "worker/executor.h"

static const char *check(const struct order *order)
{
    if (!order->work || order->work->carried)
        return "the order has nothing that Slurm could run";
    return order->work->check(order);
}

const struct executor executor_slurm = {.name = "slurm", .check = check, .carried = true};
