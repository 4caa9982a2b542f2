#include "command.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exitcode.h"
#include "log.h"
#include "log_target.h"
#include "near.h"
#include "xalloc.h"

int command_errors(struct errlist *errors, struct err *err)
{
    for (size_t i = 0; i + 1 < errors->n; i++)
        log_err(&errors->v[i]);
    if (!errors->n)
        return err_set(err, ERR_BUG, "it failed without saying why");
    *err = errors->v[errors->n - 1];
    return errors->v[0].code;
}

/* ---- where messages go ---- */

static int send_to_file(void *arg, const char *ident, enum log_level level, const char *text,
                        struct err *err)
{
    return log_target_file(arg, ident, (int)level, text, err);
}

static int send_to_syslog(void *arg, const char *ident, enum log_level level, const char *text,
                          struct err *err)
{
    (void)arg;
    (void)err;
    log_target_syslog(ident, (int)level, text);
    return 0;
}

static void open_log(const struct config_log *log)
{
    enum log_level level = log->level_set ? (enum log_level)log->level : LOG_INFO;
    if (log->to == LOG_TO_FILE)
        log_divert(send_to_file, log->path, level);
    else if (log->to == LOG_TO_SYSLOG)
        log_divert(send_to_syslog, NULL, level);
    else if (log->level_set)
        log_default(level);
}

int command_configure(struct command *command, struct err *err)
{
    struct errlist errors = {0};
    if (command->configured)
        return 0;
    int rc = config_load(&command->config, &errors);
    if (rc < 0)
        rc = command_errors(&errors, err);
    command->configured = rc == 0;
    if (rc == 0)
        open_log(&command->config.log);
    errlist_free(&errors);
    return rc;
}

int command_open(struct command *command, enum catalogue_mode mode, struct err *err)
{
    int rc = command_configure(command, err);
    if (rc < 0)
        return rc;
    command->writes = mode != CATALOGUE_READ;
    return catalogue_open(&command->cat, command->config.catalogue, mode, err);
}

static void close_all(struct command *command)
{
    if (command->cat && command->writes)
        catalogue_checkpoint(command->cat, CATALOGUE_WAL_BYTES);
    catalogue_close(command->cat);
    log_divert(NULL, NULL, LOG_ERROR); /* its path goes now */
    if (command->configured)
        config_free(&command->config);
}

static bool is_reader_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP));
}

/* Of a write that failed before, stdio keeps that it did, not why: a reader that has had enough is no error,
 * and whoever exits with EXITCODE_IO has told it. */
static int flush(int exitcode)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return exitcode;
    int saved = errno;
    if (saved == EPIPE || (!saved && (exitcode == EXITCODE_IO || is_reader_gone())))
        return exitcode;
    log_error("cannot write to standard output: %s", saved ? strerror(saved) : "not all was taken");
    return EXITCODE_IO;
}

int command_main(const char *program, command_fn *fn, int argc, char **argv)
{
    struct command command = {0};
    struct err err = {0};
    log_open(program, LOG_WARN);
    (void)signal(SIGPIPE, SIG_IGN);
    int rc = fn(&command, argc, argv, &err);
    if (rc < 0 && err.code)
        log_err(&err);
    close_all(&command);
    return flush(rc < 0 ? exitcode_of(rc) : rc);
}

char *command_actor(void)
{
    char host[65] = "";
    const struct passwd *user = getpwuid(getuid());
    if (gethostname(host, sizeof host - 1) < 0 || !host[0])
        (void)snprintf(host, sizeof host, "localhost");
    if (!user)
        return xasprintf("%lu@%s", (unsigned long)getuid(), host);
    return xasprintf("%s@%s", user->pw_name, host);
}

int command_no_host(const struct config *config, const char *name, struct err *err)
{
    const char *slash = config->path ? strrchr(config->path, '/') : NULL;
    const char *file = slash ? slash + 1 : config->path;
    const char *near = NULL;
    if (config->nhosts)
        near = near_word(name, &config->hosts[0].name, config->nhosts, sizeof *config->hosts);
    if (!file)
        return err_set(err, ERR_DATA, "no worker '%s': without a rota.ini there is only 'local'",
                       name);
    if (near)
        return err_set(err, ERR_DATA, "no worker '%s' in %s (did you mean '%s'?)", name, file,
                       near);
    return err_set(err, ERR_DATA, "no worker '%s' in %s (add [worker %s] there)", name, file, name);
}

int command_run_sub(struct command *command, const struct command_sub *subs, size_t n,
                    command_fn *otherwise, int argc, char **argv, struct err *err)
{
    int at = 1;
    while (at < argc && argv[at][0] == '-')
        at++;
    for (size_t i = 0; at < argc && i < n; i++)
        if (strcmp(argv[at], subs[i].name) == 0) {
            char *name = argv[at];
            memmove(argv + 2, argv + 1, (size_t)(at - 1) * sizeof *argv);
            argv[1] = name;
            return subs[i].run(command, argc - 1, argv + 1, err);
        }
    return otherwise(command, argc, argv, err);
}
