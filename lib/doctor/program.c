#include "doctor/program.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
