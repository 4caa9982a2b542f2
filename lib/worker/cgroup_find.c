/* cgroup_find: where on this host groups for runs can be made. */
#include "worker/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

/* ---- controllers ---- */

static const struct {
    unsigned controller;
    const char *name;
} names[] = {{CGROUP_MEMORY, "memory"}, {CGROUP_CPU, "cpu"}};

enum { NAMES = sizeof names / sizeof *names };

/* Those named in a list with blanks or commas between. */
static unsigned controllers_in(const char *list)
{
    unsigned found = 0;
    while (*list) {
        size_t len = strcspn(list, " ,\n");
        for (size_t i = 0; i < NAMES; i++)
            if (strlen(names[i].name) == len && strncmp(list, names[i].name, len) == 0)
                found |= names[i].controller;
        list += len + (list[len] != '\0');
    }
    return found;
}

/* "memory", "memory, cpu". */
static const char *controllers_text(unsigned controllers)
{
    return controllers == CGROUP_MEMORY ? "memory"
           : controllers == CGROUP_CPU  ? "cpu"
                                        : "memory, cpu";
}

/* ---- the hierarchies ---- */

/* One that is mounted. */
struct hierarchy {
    char *root, *point; /* the group at the mount point, and that */
    int version;
    unsigned controllers; /* of version 1 */
};

/* A line of mountinfo (proc(5)); false: it is of something else. */
static bool read_mount(const char *line, struct hierarchy *h)
{
    char root[4096], point[4096], type[16], options[1024];
    const char *rest = strstr(line, " - ");
    if (sscanf(line, "%*s %*s %*s %4095s %4095s", root, point) != 2 || !rest ||
        sscanf(rest, " - %15s %*s %1023s", type, options) != 2)
        return false;
    h->version = strcmp(type, "cgroup2") == 0 ? 2 : strcmp(type, "cgroup") == 0 ? 1 : 0;
    if (!h->version)
        return false;
    h->controllers = h->version == 1 ? controllers_in(options) : 0;
    h->root = xstrdup(root);
    h->point = xstrdup(point);
    return true;
}

static void forget(struct hierarchy *h)
{
    free(h->root);
    free(h->point);
    memset(h, 0, sizeof *h);
}

/* The last that is mounted of version 2 (`controller` 0), or of version 1 with that one: it may cover others. */
static bool find_hierarchy(unsigned controller, struct hierarchy *found)
{
    char *line = NULL;
    size_t size = 0;
    memset(found, 0, sizeof *found);
    FILE *f = fopen("/proc/self/mountinfo", "re");
    while (f && getline(&line, &size, f) > 0) {
        struct hierarchy h = {0};
        if (!read_mount(line, &h))
            continue;
        bool fits = controller ? (h.controllers & controller) != 0 : h.version == 2;
        if (fits) {
            forget(found);
            *found = h;
        } else {
            forget(&h);
        }
    }
    free(line);
    if (f)
        (void)fclose(f);
    return found->point != NULL;
}

/* Our own group in it, free; NULL. */
static char *own_group(unsigned controller)
{
    char *line = NULL, *group = NULL;
    size_t size = 0;
    FILE *f = fopen("/proc/self/cgroup", "re");
    while (f && !group && getline(&line, &size, f) > 0) {
        char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        path[strcspn(path, "\n")] = '\0';
        if (controller ? (controllers_in(list + 1) & controller) != 0
                       : strncmp(line, "0:", 2) == 0 && !list[1])
            group = xstrdup(path);
    }
    free(line);
    if (f)
        (void)fclose(f);
    return group;
}

/* The directory of our own group; NULL: it is not below the mount point. */
static char *own_directory(const struct hierarchy *h, unsigned controller)
{
    char *group = own_group(controller), *dir = NULL;
    size_t root = strcmp(h->root, "/") == 0 ? 0 : strlen(h->root);
    if (group && strncmp(group, h->root, root) == 0 && (!group[root] || group[root] == '/') &&
        !strstr(group, "/.."))
        dir = xasprintf("%s%s", h->point, strcmp(group + root, "/") == 0 ? "" : group + root);
    free(group);
    return dir;
}

/* ---- version 1 ---- */

static int find_v1(unsigned controller, struct cgroup_homes *homes, struct err *err)
{
    struct hierarchy h;
    if (!find_hierarchy(controller, &h))
        return 0;
    char *dir = own_directory(&h, controller);
    forget(&h);
    if (!dir)
        return err_set(err, ERR_ANSWER, "the worker's own group is outside of what is mounted");
    if (faccessat(AT_FDCWD, dir, W_OK, AT_EACCESS) < 0) {
        (void)err_set(err, ERR_ANSWER, "%s is not writable", dir);
        free(dir);
        return ERR_ANSWER;
    }
    if (homes->n && strcmp(homes->v[0].path, dir) == 0) { /* both in one hierarchy */
        homes->v[0].controllers |= controller;
        free(dir);
    } else {
        homes->v[homes->n++] = (struct cgroup_home){dir, 1, controller};
    }
    return 0;
}

/* ---- version 2 ---- */

/* The begin of a file of a group; "" when there is none. */
static void look(const char *dir, const char *name, char *text, size_t size)
{
    char *path = xasprintf("%s/%s", dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    free(path);
}

static bool may_write(const char *dir, const char *name)
{
    char *path = xasprintf("%s/%s", dir, name);
    bool yes = faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
    free(path);
    return yes;
}

/* Gives the children of a group these controllers. EBUSY: it has processes of its own. */
static int enable(const char *dir, unsigned controllers)
{
    char *path = xasprintf("%s/cgroup.subtree_control", dir);
    int fd = open(path, O_WRONLY | O_CLOEXEC), rc = fd < 0 ? -1 : 0;
    for (size_t i = 0; rc == 0 && i < NAMES; i++)
        if (controllers & names[i].controller && dprintf(fd, "+%s", names[i].name) < 0)
            rc = -1;
    int saved = errno;
    if (fd >= 0)
        close(fd);
    free(path);
    errno = saved;
    return rc;
}

/* Why no group with these controllers can be made in it; "": one can. */
static void try_home(const char *dir, unsigned wanted, char *why, size_t size)
{
    char text[1024];
    *why = '\0';
    look(dir, "cgroup.controllers", text, sizeof text);
    unsigned lacking = wanted & ~controllers_in(text);
    if (lacking) {
        (void)snprintf(why, size, "%s has no controller %s", dir, controllers_text(lacking));
        return;
    }
    if (!may_write(dir, "") || !may_write(dir, "cgroup.procs")) {
        (void)snprintf(why, size, "%s is not writable", dir);
        return;
    }
    look(dir, "cgroup.subtree_control", text, sizeof text);
    lacking = wanted & ~controllers_in(text);
    if (lacking && enable(dir, lacking) < 0)
        (void)snprintf(why, size, "%s cannot have children with %s: %s", dir,
                       controllers_text(lacking), strerror(errno));
}

static bool is_bounded(const char *dir)
{
    char memory[64], cpu[64];
    look(dir, "memory.max", memory, sizeof memory);
    look(dir, "cpu.max", cpu, sizeof cpu);
    return (*memory && strncmp(memory, "max", 3) != 0) || (*cpu && strncmp(cpu, "max", 3) != 0);
}

/* From our own group upwards. */
static int climb(char *dir, size_t point, unsigned wanted, struct err *err)
{
    char why[512];
    for (;;) {
        try_home(dir, wanted, why, sizeof why);
        if (!*why)
            return 0;
        if (is_bounded(dir))
            return err_set(err, ERR_ANSWER, "the run would leave the limits of %s", dir);
        char *slash = strrchr(dir, '/');
        if (strlen(dir) <= point || !slash)
            return err_set(err, ERR_ANSWER, "%s", why);
        *slash = '\0';
    }
}

static int find_v2(unsigned wanted, struct cgroup_homes *homes, struct err *err)
{
    struct hierarchy h;
    if (!find_hierarchy(0, &h))
        return err_set(err, ERR_ANSWER, "no control groups of the kernel are mounted");
    char *dir = own_directory(&h, 0);
    int rc = dir ? climb(dir, strlen(h.point), wanted, err)
                 : err_set(err, ERR_ANSWER,
                           "the worker's own group is outside of what is mounted at %s", h.point);
    forget(&h);
    if (rc < 0)
        free(dir);
    else
        homes->v[homes->n++] = (struct cgroup_home){dir, 2, wanted};
    return rc;
}

int cgroup_find(unsigned wanted, struct cgroup_homes *homes, struct err *err)
{
    memset(homes, 0, sizeof *homes);
    for (size_t i = 0; i < NAMES; i++)
        if (wanted & names[i].controller && find_v1(names[i].controller, homes, err) < 0)
            return ERR_ANSWER;
    for (size_t i = 0; i < homes->n; i++)
        wanted &= ~homes->v[i].controllers;
    return wanted ? find_v2(wanted, homes, err) : 0;
}
