#include "worker/facts.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "clock.h"
#include "io.h"
#include "proc.h"
#include "worker/moment.h"
#include "xalloc.h"

enum { FACT_MAX = 65536 };

/* The first line of a file; "" when there is none. */
static char *first_line(const char *path)
{
    struct buf text = {0};
    (void)io_read_file(path, FACT_MAX, &text, NULL);
    char *line = buf_str(&text);
    line[strcspn(line, "\n")] = '\0';
    return buf_detach(&text);
}

static void add_machine(struct message_writer *w, const char *hostname)
{
    static const char *const paths[] = {"/etc/machine-id", "/var/lib/dbus/machine-id"};
    const char *seam = getenv("ROTA_TEST_MACHINE_ID");
    char *id = seam ? xstrdup(seam) : xstrdup("");
    for (size_t i = 0; i < sizeof paths / sizeof *paths && !*id; i++) {
        free(id);
        id = first_line(paths[i]);
    }
    message_str(w, TAG_MACHINE, *id ? id : hostname);
    free(id);
}

/* A number of KiB in /proc/meminfo; 0 when it is not there. */
static uint64_t memory(const struct buf *text, const char *name)
{
    const char *p = memmem(buf_data(text), text->len, name, strlen(name));
    return p ? strtoull(p + strlen(name), NULL, 10) : 0;
}

static uint64_t meminfo(const char *name)
{
    struct buf text = {0};
    (void)io_read_file("/proc/meminfo", FACT_MAX, &text, NULL);
    (void)buf_str(&text);
    uint64_t kb = memory(&text, name);
    buf_free(&text);
    return kb;
}

void facts_lasting(struct message_writer *w)
{
    struct utsname name = {0};
    char boot[PROC_ID_TEXT], system[160];
    cpu_set_t cpus;
    (void)uname(&name);
    (void)snprintf(system, sizeof system, "%s %s", name.sysname, name.machine);
    add_machine(w, name.nodename);
    message_str(w, TAG_BOOT, proc_boot_id(boot));
    message_str(w, TAG_HOSTNAME, name.nodename);
    message_str(w, TAG_SYSTEM, system);
    /* those we may run on: in a container or under taskset fewer than the host has */
    int n = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 0;
    if (n < 1)
        n = (int)sysconf(_SC_NPROCESSORS_ONLN);
    message_u64(w, TAG_CPUS, n > 0 ? (uint64_t)n : 1);
    message_u64(w, TAG_MEM_TOTAL, meminfo("MemTotal:"));
}

void facts_changing(struct message_writer *w, const char *dir)
{
    struct statvfs fs;
    char *load = first_line("/proc/loadavg");
    message_u64(w, TAG_CLOCK, (uint64_t)clock_now());
    message_u64(w, TAG_STAMP, (uint64_t)moment_up());
    message_u64(w, TAG_LOAD, (uint64_t)(strtod(load, NULL) * 100 + 0.5));
    message_u64(w, TAG_MEM_FREE, meminfo("MemAvailable:"));
    if (statvfs(dir, &fs) == 0)
        message_u64(w, TAG_DISK_FREE, (uint64_t)fs.f_bavail * fs.f_frsize / 1024);
    free(load);
}
