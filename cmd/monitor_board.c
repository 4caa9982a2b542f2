/* rota monitor board: a page for a browser. */
#include "exitcode.h"
#include "log.h"
#include "monitor/board.h"
#include "monitor_commands.h"
#include "opt.h"

int monitor_board(struct command *command, int argc, char **argv, struct err *err)
{
    const char *directory = NULL;
    struct board_report report = {0};
    const struct option_row options[] = {{0, "output", OPT_STRING, &directory}, {0}};
    int first = opt_parse(argc, argv, options, monitor_usage, NULL, err);
    if (first < 0)
        return first;
    if (first < argc)
        return err_set(err, ERR_USAGE, "board takes no argument '%s' (--output DIRECTORY)",
                       argv[first]);
    if (!directory || !*directory)
        return err_set(err, ERR_USAGE, "board wants --output DIRECTORY, where the page is to be");
    int rc = command_open(command, CATALOGUE_READ, err);
    if (rc == 0)
        rc = board_write(command->cat, &command->config, directory, &report, err);
    if (rc < 0)
        return rc;
    log_info("%s/index.html: %zu runs, %zu bytes, %zu files of output beside it", directory,
             report.runs, report.bytes, report.copies);
    return EXITCODE_DONE;
}
