/* rota-init: what `rota init` becomes: a first configuration, or more hosts for the one that is there; each
 * is tested by the way that dispatch goes. */
#include "init.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "exitcode.h"
#include "io.h"
#include "log.h"
#include "opt.h"
#include "replace.h"
#include "xalloc.h"

enum { FILE_MAX = 1 << 20, OWN_MODE = 0600, SYSTEM_MODE = 0644 };

static const char usage[] = "rota init [-nqv] [HOST ...]\n";

/* ---- the text ---- */

/* Of the workers that are to be added, and around them where the file is new. */
static void write_text(struct init *init, const char *catalogue)
{
    size_t on = 0;
    buf_reset(&init->text);
    if (init->there) {
        buf_add(&init->text, buf_data(&init->old), init->old.len);
        if (init->n && init->old.len && buf_data(&init->old)[init->old.len - 1] != '\n')
            buf_addch(&init->text, '\n');
    } else {
        draft_begin(&init->text, catalogue);
    }
    for (size_t i = 0; i < init->n; i++) {
        const struct init_worker *worker = &init->workers[i];
        struct draft_worker draft = {.spec = &worker->spec,
                                     .from = worker->found ? "from ~/.ssh/config" : NULL,
                                     .off = worker->off};
        draft_worker(&init->text, &draft);
        on += !worker->off;
    }
    if (!init->there)
        draft_end(&init->text, on == 0);
}

static int read_text(struct init *init, struct config *config, struct err *err)
{
    struct errlist errors = {0};
    int rc = config_read_text(init->path, &init->text, config, &errors);
    if (rc < 0)
        rc = command_errors(&errors, err);
    errlist_free(&errors);
    return rc;
}

/* ---- the tests ---- */

static void show_progress(size_t over, size_t all)
{
    (void)fprintf(stderr, over < all ? "\r%zu of %zu hosts" : "\r\033[K", over, all);
}

static int test(struct init *init, struct err *err)
{
    struct doctor *d = &init->doctor;
    bool shown = isatty(STDERR_FILENO) && log_level() >= LOG_WARN;
    d->config = &init->config;
    d->visits = xcalloc(d->config->nhosts + 1, sizeof *d->visits);
    for (size_t i = 0; i < d->config->nhosts; i++)
        if (!init->asked.n || strlist_has(&init->asked, d->config->hosts[i].name))
            d->visits[d->nvisits++].config = &d->config->hosts[i];
    int rc = visit_all(d->visits, d->nvisits, shown ? show_progress : NULL, err);
    if (rc == 0)
        doctor_hosts(d);
    return rc;
}

/* A host that nobody named and that does not work is no worker yet; the reason stands beside it. */
static void switch_off(struct init *init)
{
    for (size_t i = 0; i < init->n; i++) {
        struct init_worker *worker = &init->workers[i];
        for (size_t k = 0; worker->found && k < init->doctor.nvisits; k++) {
            const struct visit *visit = &init->doctor.visits[k];
            if (visit->rc < 0 && strcmp(visit->config->name, worker->spec.names.v[0]) == 0)
                worker->off = xstrdup(visit->err.msg);
        }
    }
}

/* ---- the file ---- */

static int make_file(const struct init *init, struct err *err)
{
    char *dir = xstrdup(init->path), *slash = strrchr(dir, '/');
    mode_t mode = strncmp(init->path, "/etc/", 5) == 0 ? SYSTEM_MODE : OWN_MODE;
    int rc = 0;
    if (slash && slash != dir) {
        *slash = '\0';
        rc = io_mkdirs(dir, mode == OWN_MODE ? 0700 : 0755, err);
    }
    free(dir);
    return rc < 0 ? rc
                  : replace_nothing(init->path, buf_data(&init->text), init->text.len, mode, err);
}

/* The file itself, not a link that leads to it, and its mode stays. */
static int add_to_file(const struct init *init, struct err *err)
{
    struct stat st = {0};
    struct buf now = {0};
    char *file = realpath(init->path, NULL);
    int rc = 0;
    if (!file || stat(file, &st) < 0)
        rc = err_sys(err, ERR_IO, "cannot find %s again", init->path);
    if (rc == 0)
        rc = io_read_file(file, FILE_MAX, &now, err);
    if (rc == 0 && strcmp(buf_str(&now), buf_data(&init->old)) != 0)
        rc = err_set(err, ERR_BUSY, "%s was changed in the meantime: run rota init again", file);
    if (rc == 0)
        rc = replace_file(file, buf_data(&init->text), init->text.len, st.st_mode & 07777, err);
    buf_free(&now);
    free(file);
    return rc;
}

static int write_file(struct init *init, const char *catalogue, struct err *err)
{
    struct config config;
    if (!init->n && init->there)
        return 0;
    switch_off(init);
    write_text(init, catalogue);
    int rc = read_text(init, &config, err);
    if (rc < 0)
        return rc;
    config_free(&config);
    return init->there ? add_to_file(init, err) : make_file(init, err);
}

/* ---- all of it ---- */

/* It is known before the tests whether there is a use in them. A file of root's works for others. */
static int check_owner(const struct init *init, struct err *err)
{
    struct stat st;
    if (!init->there || !init->n || stat(init->path, &st) < 0 || st.st_uid == geteuid())
        return 0;
    return err_set(err, ERR_CONFIG, "%s belongs to user %u: run rota init as that one", init->path,
                   (unsigned)st.st_uid);
}

/* What is there already, and where the rest goes. */
static int look(struct init *init, struct command *command, struct err *err)
{
    init->path = config_find(&init->there);
    if (!init->path)
        return err_set(err, ERR_CONFIG, "there is no place for rota.ini: set HOME, or ROTA_CONFIG");
    if (!init->there)
        return 0;
    int rc = command_configure(command, err);
    if (rc == 0)
        rc = io_read_file(init->path, FILE_MAX, &init->old, err);
    (void)buf_str(&init->old);
    return rc;
}

/* The whole of a new file, the new end of one that is there. */
static int show_text(const struct init *init)
{
    size_t from = init->there ? init->old.len : 0;
    if (init->there && !init->n)
        log_warn("%s stays as it is: it has all of these hosts", init->path);
    (void)fwrite(buf_data(&init->text) + from, 1, init->text.len - from, stdout);
    return EXITCODE_DONE;
}

static int run_init(struct init *init, struct command *command, int argc, char **argv,
                    struct err *err)
{
    const struct option_row options[] = {{'n', "dry-run", OPT_FLAG, &init->dry_run}, {0}};
    int first = opt_parse(argc, argv, options, usage, NULL, err);
    int rc = first < 0 ? first : look(init, command, err);
    if (rc == 0)
        rc = init_gather(init, init->there ? &command->config : NULL, argv + first, argc - first,
                         err);
    if (rc < 0)
        return rc;
    write_text(init, "");
    rc = read_text(init, &init->config, err);
    if (rc < 0)
        return rc;
    init->configured = true;
    write_text(init, init->config.catalogue);
    if (init->dry_run)
        return show_text(init);
    rc = check_owner(init, err);
    if (rc == 0)
        rc = test(init, err);
    if (rc == 0)
        rc = write_file(init, init->config.catalogue, err);
    if (rc < 0)
        return rc;
    size_t failed = init_report(init);
    if (log_level() > LOG_ERROR)
        init_next(init);
    return failed ? EXITCODE_UNREACHABLE : EXITCODE_DONE;
}

static void init_free(struct init *init)
{
    doctor_free(&init->doctor);
    if (init->configured)
        config_free(&init->config);
    for (size_t i = 0; i < init->n; i++) {
        hostspec_free(&init->workers[i].spec);
        free(init->workers[i].off);
    }
    free(init->workers);
    strlist_free(&init->asked);
    strlist_free(&init->others);
    buf_free(&init->old);
    buf_free(&init->text);
    free(init->path);
}

static int init_main(struct command *command, int argc, char **argv, struct err *err)
{
    struct init init = {0};
    int rc = run_init(&init, command, argc, argv, err);
    init_free(&init);
    return rc;
}

int main(int argc, char **argv)
{
    return command_main("rota init", init_main, argc, argv);
}
