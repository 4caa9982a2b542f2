/* rota monitor metrics: what Prometheus reads. */
#include <stdio.h>

#include "buf.h"
#include "clock.h"
#include "monitor/health.h"
#include "monitor/metrics.h"
#include "monitor_commands.h"
#include "opt.h"
#include "replace.h"

static int gather(struct command *command, struct buf *text, struct err *err)
{
    struct health health = {0};
    int rc = command_open(command, CATALOGUE_READ, err);
    if (rc == 0)
        rc = health_read(&health, &command->config, command->cat, clock_now(), err);
    if (rc == 0)
        rc = metrics_write(text, &health, command->cat, err);
    health_free(&health);
    return rc;
}

/* The node exporter runs as another user. */
enum { MODE = 0644 };

int monitor_metrics(struct command *command, int argc, char **argv, struct err *err)
{
    const char *path = NULL;
    struct buf text = {0};
    const struct option_row options[] = {{0, "output", OPT_STRING, &path}, {0}};
    int first = opt_parse(argc, argv, options, monitor_usage, NULL, err);
    if (first < 0)
        return first;
    if (first < argc)
        return err_set(err, ERR_USAGE, "'%s' is one argument too many (did you mean --output %s?)",
                       argv[first], argv[first]);
    int rc = gather(command, &text, err);
    if (rc == 0 && path)
        rc = replace_file(path, buf_data(&text), text.len, MODE, err);
    else if (rc == 0)
        (void)fwrite(buf_data(&text), 1, text.len, stdout); /* command_main looks at the stream */
    buf_free(&text);
    return rc;
}
