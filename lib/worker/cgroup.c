#include "worker/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "worker/tree.h"
#include "xalloc.h"

enum { PERIOD = 100000 }; /* µs: of which a run has its share of processors */

/* ---- files of a group ---- */

/* A group's directory, and nothing else that is called so; -1. */
static int open_group(const char *path)
{
    struct statfs fs;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (fstatfs(fd, &fs) == 0 &&
        (fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC))
        return fd;
    close(fd);
    errno = ENOTDIR;
    return -1;
}

/* The begin of it, "" when it cannot be read. */
static bool read_file(int group, const char *name, char *text, size_t size)
{
    int fd = openat(group, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[n < 0 ? 0 : n] = '\0';
    return n >= 0;
}

static int write_file(int group, const char *name, const char *text)
{
    int fd = openat(group, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, text, strlen(text));
    int saved = errno;
    close(fd);
    errno = saved;
    return n < 0 ? -1 : 0;
}

static int write_number(int group, const char *name, uint64_t number)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    return write_file(group, name, text);
}

/* ---- making one ---- */

/* Where there is swap, a bound on memory alone would move the run there. */
static int bound_memory(int group, int version, uint64_t memory)
{
    if (version == 2) {
        (void)write_file(group, "memory.swap.max", "0");
        (void)write_file(group, "memory.oom.group", "1"); /* half a run is worth nothing */
        return write_number(group, "memory.max", memory);
    }
    (void)write_file(group, "memory.swappiness", "0");
    if (write_number(group, "memory.limit_in_bytes", memory) < 0)
        return -1;
    (void)write_number(group, "memory.memsw.limit_in_bytes", memory);
    return 0;
}

static int bound_cpu(int group, int version, uint32_t cpu)
{
    char text[48];
    uint64_t quota = (uint64_t)cpu * PERIOD / 1000;
    (void)snprintf(text, sizeof text, "%" PRIu64 " %d", quota, PERIOD);
    if (version == 2)
        return write_file(group, "cpu.max", text);
    if (write_number(group, "cpu.cfs_period_us", PERIOD) < 0)
        return -1;
    return write_number(group, "cpu.cfs_quota_us", quota);
}

static int set_up(int group, const struct cgroup_home *home, uint64_t memory, uint32_t cpu,
                  const char *name, struct err *err)
{
    if (home->controllers & CGROUP_MEMORY && bound_memory(group, home->version, memory) < 0)
        return err_set(err, ERR_ANSWER, "memory: cannot bound %s/%s: %s", home->path, name,
                       strerror(errno));
    if (home->controllers & CGROUP_CPU && bound_cpu(group, home->version, cpu) < 0)
        return err_set(err, ERR_ANSWER, "cpu: cannot bound %s/%s: %s", home->path, name,
                       strerror(errno));
    int procs = openat(group, "cgroup.procs", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (procs < 0)
        return err_set(err, ERR_ANSWER, "cannot put the run into %s/%s: %s", home->path, name,
                       strerror(errno));
    return procs;
}

int cgroup_make(const struct cgroup_home *home, const char *name, uint64_t memory, uint32_t cpu,
                struct err *err)
{
    int parent = open_group(home->path);
    bool made = parent >= 0 && mkdirat(parent, name, 0755) == 0;
    int group = made ? openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    int rc = group >= 0 ? set_up(group, home, memory, cpu, name, err)
                        : err_set(err, ERR_ANSWER, "cannot make the group %s/%s: %s", home->path,
                                  name, strerror(errno));
    if (rc < 0 && made)
        (void)unlinkat(parent, name, AT_REMOVEDIR);
    if (group >= 0)
        close(group);
    if (parent >= 0)
        close(parent);
    return rc;
}

/* ---- what became of it ---- */

uint64_t cgroup_killed(const char *path)
{
    static const char key[] = "oom_kill ";
    char text[1024];
    int group = open_group(path);
    if (group < 0)
        return 0;
    if (!read_file(group, "memory.events", text, sizeof text))
        (void)read_file(group, "memory.oom_control", text, sizeof text);
    close(group);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, sizeof key - 1) == 0)
            return strtoull(line + sizeof key - 1, NULL, 10);
    }
    return 0;
}

/* Whether a process is in the group of that name, or below it, still: as good as being the one that was listed. */
static bool is_in(pid_t pid, const void *name)
{
    char path[64], line[4096], part[64];
    bool found = false;
    (void)snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
    (void)snprintf(part, sizeof part, "/%s", (const char *)name);
    FILE *f = fopen(path, "re");
    while (f && !found && fgets(line, sizeof line, f)) {
        const char *at = strstr(line, part);
        found = at && (at[strlen(part)] == '\n' || at[strlen(part)] == '/');
    }
    if (f)
        (void)fclose(f);
    return found;
}

static void kill_in(const char *group, const char *name)
{
    char word[32], *path = xasprintf("%s/cgroup.procs", group);
    FILE *f = fopen(path, "re");
    while (f && fscanf(f, "%31s", word) == 1) {
        pid_t pid = tree_pid_of_name(word);
        if (pid > 1)
            (void)tree_kill_checked(pid, SIGKILL, 0, is_in, name);
    }
    if (f)
        (void)fclose(f);
    free(path);
}

static const char *walked; /* the name of the group that is walked; there is one thread */

static int kill_each(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)at;
    if (kind == FTW_DP)
        kill_in(path, walked);
    return 0;
}

static int remove_each(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)at;
    return kind == FTW_DP ? rmdir(path) : 0;
}

/* A run may have made groups in its own; a kernel before 5.14, and version 1, kills one by one. */
static int walk(const char *path, __nftw_func_t each)
{
    enum { OPEN_MAX_DIRS = 8 };
    walked = strrchr(path, '/') + 1;
    return nftw(path, each, OPEN_MAX_DIRS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void cgroup_kill(const char *path)
{
    int group = open_group(path);
    if (group < 0)
        return;
    if (write_file(group, "cgroup.kill", "1") < 0)
        (void)walk(path, kill_each);
    close(group);
}

bool cgroup_remove(const char *path)
{
    int group = open_group(path);
    if (group < 0)
        return true;
    close(group);
    return walk(path, remove_each) == 0 || errno != EBUSY;
}
