#include "doctor/program.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
