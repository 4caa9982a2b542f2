/* The kinds that execute what the job says, as it says it: shell, exec and script. */
#include "worker/executor.h"

#include <string.h>

#include "worker/launch.h"
#include "xalloc.h"

static const char *check_text(const struct order *order)
{
    return order->text ? NULL : "the order has no text to run";
}

static const char *check_args(const struct order *order)
{
    return order->args.n && *order->args.v[0] ? NULL : "the order has no program to run";
}

static int prepare_shell(const struct order *order, struct launch *launch, struct err *err)
{
    (void)err;
    launch->argv = launch_argv(order, (char *[]){"/bin/sh", "-c", order->text}, 3);
    launch->name = "/bin/sh";
    return 0;
}

static int prepare_exec(const struct order *order, struct launch *launch, struct err *err)
{
    (void)err;
    launch->argv = launch_argv(order, NULL, 0);
    launch->name = launch->argv[0];
    return 0;
}

/* The interpreter opens the script by its name in /proc/self/fd, so its descriptor outlives the exec. */
static int prepare_script(const struct order *order, struct launch *launch, struct err *err)
{
    int fd = launch_scratch_kept(order->text, strlen(order->text), err);
    if (fd < 0)
        return fd;
    char *path = xasprintf("/proc/self/fd/%d", fd);
    bool chosen = strncmp(order->text, "#!", 2) == 0;
    launch->argv =
        chosen ? launch_argv(order, &path, 1) : launch_argv(order, (char *[]){"/bin/sh", path}, 2);
    launch->name = chosen ? xstrndup(order->text, strcspn(order->text, "\n")) : "/bin/sh";
    return 0;
}

const struct executor executor_shell = {
    .name = "shell", .check = check_text, .prepare = prepare_shell};
const struct executor executor_exec = {
    .name = "exec", .check = check_args, .prepare = prepare_exec};
const struct executor executor_script = {
    .name = "script", .check = check_text, .prepare = prepare_script};
