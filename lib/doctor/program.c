#include "doctor/program.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "escape.h"
#include "proc.h"
#include "xalloc.h"

char *program_find(const char *path, const char *name)
{
    for (const char *p = path ? path : "/usr/bin:/bin"; *p;) {
        size_t len = strcspn(p, ":");
        char *file = xasprintf("%.*s/%s", (int)len, p, name);
        if (access(file, X_OK) == 0)
            return file;
        free(file);
        p += len + (p[len] == ':');
    }
    return NULL;
}

/* Installed it is in bin beside libexec/rota, where we are; built, beside us. */
char *program_rota(void)
{
    static const char *const places[] = {"rota", "../../bin/rota"};
    char *dir = proc_self_dir(), *found = NULL;
    for (size_t i = 0; dir && i < sizeof places / sizeof *places && !found; i++) {
        char *file = xasprintf("%s/%s", dir, places[i]);
        if (access(file, X_OK) == 0)
            found = realpath(file, NULL);
        free(file);
    }
    free(dir);
    return found ? found : program_find(getenv("PATH"), "rota");
}

/* A setting before a command, in a crontab, where a % ends the line. */
static void add_setting(struct buf *line, const char *name, const char *value)
{
    struct buf word = {0};
    escape_shell(&word, value);
    buf_addf(line, "%s=", name);
    for (const char *p = buf_str(&word); *p; p++)
        buf_addf(line, *p == '%' ? "\\%c" : "%c", *p);
    buf_addch(line, ' ');
    buf_free(&word);
}

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* cron knows HOME, and nothing else that was set here. */
char *program_cron_line(const struct config *config)
{
    struct buf line = {0};
    char *rota = program_rota();
    buf_addstr(&line, "* * * * * ");
    if (config && config->path && setting("ROTA_CONFIG")) {
        char *path = realpath(config->path, NULL);
        add_setting(&line, "ROTA_CONFIG", path ? path : config->path);
        free(path);
    }
    if (config &&
        (setting("ROTA_CATALOGUE") || (setting("XDG_STATE_HOME") && !config->catalogue_set)))
        add_setting(&line, "ROTA_CATALOGUE", config->catalogue);
    if (setting("ROTA_SSH_CONFIG"))
        add_setting(&line, "ROTA_SSH_CONFIG", setting("ROTA_SSH_CONFIG"));
    escape_shell(&line, rota ? rota : "rota");
    buf_addstr(&line, " dispatch -q");
    free(rota);
    return buf_detach(&line);
}
