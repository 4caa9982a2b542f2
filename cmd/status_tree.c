/* rota status --tree: runs below those that they come after. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "exitcode.h"
#include "log.h"
#include "status_commands.h"
#include "tree.h"

enum { NEWEST = 50 }; /* runs whose trees are drawn when nothing narrows */

static int add(const struct run *run, void *selection)
{
    selection_add(selection, run->id);
    return 0;
}

/* As setlocale(3) would find it, of which nothing else here depends. */
static bool draws_boxes(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *locale = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && (!locale || !*locale); i++)
        locale = getenv(names[i]);
    const char *code = locale ? locale : "";
    while (*code && *code != '.')
        code++;
    return isatty(STDOUT_FILENO) &&
           (strncasecmp(code, ".UTF-8", 6) == 0 || strncasecmp(code, ".utf8", 5) == 0);
}

static int choose(struct command *command, const struct status_words *words, struct selection *runs,
                  size_t *absent, struct err *err)
{
    struct run_query query = {0};
    struct selection named = {0};
    int rc = status_choose(command, words, &query, &named, err);
    query.limit = words->limit >= 0                             ? words->limit
                  : named.n || narrowing_any(&words->narrowing) ? 0
                                                                : NEWEST;
    if (rc == 0 && !(named.from_stdin && !named.n))
        rc = run_select(command->cat, &query, add, runs, err);
    if (rc >= 0)
        rc = status_absent(command->cat, &named, absent, err);
    selection_free(&named);
    free(query.hosts);
    return rc;
}

int status_tree(struct command *command, const struct status_words *words, struct err *err)
{
    struct selection runs = {0};
    struct buf out = {0};
    size_t absent = 0;
    if (words->form || words->format)
        return err_set(err, ERR_USAGE, "--tree is for people: it has no other form");
    int rc = choose(command, words, &runs, &absent, err);
    bool any = runs.n > 0;
    if (rc == 0)
        rc = tree_draw(command->cat, &runs, draws_boxes(), &out, err);
    if (rc == 0)
        (void)fputs(buf_str(&out), stdout);
    if (rc == 0 && !any && !absent)
        log_warn("no run matches");
    selection_free(&runs);
    buf_free(&out);
    return rc < 0 ? rc : any && !absent ? EXITCODE_DONE : EXITCODE_NO;
}
