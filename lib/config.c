#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "config_alert.h"
#include "config_hosts.h"
#include "config_keys.h"
#include "config_pool.h"
#include "io.h"
#include "xalloc.h"

enum { CONFIG_MAX = 1 << 20 };
#define KEEP_MS INT64_C(2592000000) /* 30 days */

static void free_host(struct host_config *host)
{
    free(host->name);
    free(host->address);
    strlist_free(&host->tags);
    free(host->worker);
    free(host->spool);
    free(host->user);
    free(host->identity);
    free(host->command);
    free(host->place);
}

void config_free(struct config *config)
{
    for (size_t i = 0; i < config->nhosts; i++)
        free_host(&config->hosts[i]);
    free(config->hosts);
    for (size_t i = 0; i < config->nalerts; i++)
        alert_config_free(&config->alerts[i]);
    free(config->alerts);
    for (size_t i = 0; i < config->npools; i++)
        pool_config_free(&config->pools[i]);
    free(config->pools);
    monitor_config_free(&config->monitor);
    free(config->by_name);
    free(config->path);
    free(config->catalogue);
    free(config->timezone);
    config_log_free(&config->log);
    *config = (struct config){0};
}

void config_tags(const struct config *config, struct strlist *tags)
{
    for (size_t i = 0; i < config->nhosts; i++)
        for (size_t k = 0; k < config->hosts[i].tags.n; k++)
            if (!strlist_has(tags, config->hosts[i].tags.v[k]))
                strlist_add(tags, config->hosts[i].tags.v[k]);
}

const struct host_config *config_host(const struct config *config, const char *name)
{
    size_t low = 0, high = config->nhosts;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct host_config *host = &config->hosts[config->by_name[mid]];
        int order = strcmp(name, host->name);
        if (order == 0)
            return host;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

/* An environment variable; NULL when it is empty or not set. */
static const char *setting(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

/* ---- the file ---- */

/* Whoever can write the configuration can run anything as us. */
static int check_trust(const char *path, const struct stat *st, struct err *err)
{
    if (!S_ISREG(st->st_mode))
        return err_set(err, ERR_CONFIG, "is no regular file");
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return err_set(
            err, ERR_CONFIG,
            "belongs to user %u, who could run anything as you: chown it to yourself or root",
            (unsigned)st->st_uid);
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        return err_set(
            err, ERR_CONFIG,
            "others than its owner can write it, and so run anything as you: chmod go-w %s", path);
    return 0;
}

/* The trust check is made on the open file: the name may be another file's by then. */
static int read_trusted(const char *path, struct buf *text, struct err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us */
    if (fd < 0)
        return err_set(err, ERR_CONFIG, "cannot open the configuration: %s", strerror(errno));
    int rc = fstat(fd, &st) < 0 ? err_sys(err, ERR_CONFIG, "cannot look at it")
                                : check_trust(path, &st, err);
    if (rc == 0)
        rc = io_read_all(fd, CONFIG_MAX, text, err);
    close(fd);
    return rc;
}

/* The line of a NUL byte; 0 when there is none. */
static int line_of_nul(const char *text, size_t len)
{
    const char *nul = len ? memchr(text, '\0', len) : NULL;
    int line = 1;
    for (const char *p = text; nul && p < nul; p++)
        line += *p == '\n';
    return nul ? line : 0;
}

static void read_file(const char *path, struct config *config, struct errlist *errors)
{
    struct buf text = {0};
    struct err err = {0};
    if (read_trusted(path, &text, &err) < 0) {
        errlist_add(errors, ERR_CONFIG, path, "%s", err.msg);
    } else if (line_of_nul(buf_data(&text), text.len)) {
        char *place = xasprintf("%s:%d", path, line_of_nul(buf_data(&text), text.len));
        errlist_add(errors, ERR_CONFIG, place, "holds a NUL byte: save it as plain UTF-8 text");
        free(place);
    } else {
        config->path = xstrdup(path);
        config_parse(path, buf_str(&text), text.len, config, errors);
    }
    buf_free(&text);
}

/* ---- the catalogue's path ---- */

/* A path from the environment may be relative to where we are; the catalogue's must not be, because
 * it names the catalogue to other processes. */
static char *make_absolute(const char *path, struct errlist *errors)
{
    if (path[0] == '/')
        return xstrdup(path);
    char *here = getcwd(NULL, 0);
    if (!here) {
        errlist_add(errors, ERR_CONFIG, "ROTA_CATALOGUE",
                    "'%s' is relative and the working directory has no name: write it from /",
                    path);
        return NULL;
    }
    char *absolute = xasprintf("%s/%s", strcmp(here, "/") == 0 ? "" : here, path);
    free(here);
    return absolute;
}

static void find_catalogue(struct config *config, struct errlist *errors)
{
    const char *named = setting("ROTA_CATALOGUE");
    if (named) {
        free(config->catalogue);
        config->catalogue = make_absolute(named, errors);
    }
    config->catalogue_set = config->catalogue != NULL;
    if (config->catalogue || named)
        return;
    const char *state = setting("XDG_STATE_HOME"), *home = setting("HOME");
    if (state && state[0] == '/') /* the XDG specification: a relative one is ignored */
        config->catalogue = xasprintf("%s/rota/catalogue.db", state);
    else if (home && home[0] == '/')
        config->catalogue = xasprintf("%s/.local/state/rota/catalogue.db", home);
    else
        errlist_add(errors, ERR_CONFIG, NULL,
                    "there is no place for the catalogue: set HOME, or name it in ROTA_CATALOGUE");
}

/* ---- all of it ---- */

/* Of the file at path, or (text is not NULL) of what that file may become. */
static int load(const char *path, const struct buf *text, struct config *config,
                struct errlist *errors)
{
    size_t before = errors->n;
    *config = (struct config){.keep_ms = KEEP_MS};
    monitor_config_init(&config->monitor);
    if (text) {
        config->path = xstrdup(path);
        config_parse(path, buf_data(text), text->len, config, errors);
    } else if (path) {
        read_file(path, config, errors);
    }
    if (!config->keep_failed_ms)
        config->keep_failed_ms = config->keep_ms;
    if (!config->nhosts)
        config_add_host(config, "local", path ? path : "the built-in default")->transport =
            TRANSPORT_LOCAL;
    config_index(config, errors);
    find_catalogue(config, errors);
    if (errors->n == before)
        return 0;
    config_free(config);
    return ERR_CONFIG;
}

int config_read(const char *path, struct config *config, struct errlist *errors)
{
    return load(path, NULL, config, errors);
}

int config_read_text(const char *path, const struct buf *text, struct config *config,
                     struct errlist *errors)
{
    return load(path, text, config, errors);
}

/* Whether there is something of that name. What is there but cannot be read must not be passed over
 * in silence, so only its absence counts as no. */
static bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

char *config_find(bool *there)
{
    static const char everybodys[] = "/etc/rota/rota.ini";
    const char *named = setting("ROTA_CONFIG"), *home = setting("HOME");
    char *path = named ? xstrdup(named) : home ? xasprintf("%s/.config/rota/rota.ini", home) : NULL;
    *there = path && exists(path);
    if (*there || named || !exists(everybodys))
        return path;
    free(path);
    *there = true;
    return xstrdup(everybodys);
}

int config_load(struct config *config, struct errlist *errors)
{
    bool there;
    char *path = config_find(&there);
    /* a named one that is not there is an error */
    int rc = load(there || setting("ROTA_CONFIG") ? path : NULL, NULL, config, errors);
    free(path);
    return rc;
}
