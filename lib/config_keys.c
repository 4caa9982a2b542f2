#include "config_keys.h"

#include <ctype.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_alert.h"
#include "config_channel.h"
#include "config_hosts.h"
#include "config_item.h"
#include "config_pool.h"
#include "duration.h"
#include "inifile.h"
#include "io.h"
#include "job.h"
#include "near.h"
#include "xalloc.h"
#include "zone.h"

struct parse {
    const char *file;
    struct config *config;
    struct errlist *errors;
    int line;
    const struct section *section; /* NULL: an unknown one, whose keys are passed over */
    void *base;                    /* what its keys fill */
    unsigned *seen;                /* bit i: the section's key i was there */
    unsigned rota_seen, log_seen, monitor_seen, other_seen;
    struct config_worker ssh;
    struct config_worker *workers;
    size_t n;
};

static void complain(struct parse *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void complain(struct parse *p, const char *fmt, ...)
{
    char place[256], msg[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    (void)snprintf(place, sizeof place, "%s:%d", p->file, p->line);
    errlist_add(p->errors, ERR_CONFIG, place, "%s", msg);
}

/* ---- values ---- */

struct key {
    const char *name; /* first: near_word walks the table */
    void (*set)(struct parse *p, const struct key *key, void *to, const char *value);
    size_t offset; /* in the section's base */
    int min, max;
    config_reader *read; /* instead of set: what it says is complained about */
};

/* A path here: "~/" is our home. */
static void set_path(struct parse *p, const struct key *key, void *to, const char *value)
{
    char *path = io_expand_home(value);
    if (path[0] == '/') {
        *(char **)to = path;
        return;
    }
    complain(p, "'%s' is to be a path from / or ~/, not '%s'%s", key->name, value,
             path[0] == '~' && path[1] == '/' ? " (HOME is not set)" : "");
    free(path);
}

/* A path on the worker, whose home we do not know. */
static void set_remote_path(struct parse *p, const struct key *key, void *to, const char *value)
{
    if (value[0] == '/')
        *(char **)to = xstrdup(value);
    else
        complain(p, "'%s' is to be a path on the worker from /, not '%s'", key->name, value);
}

static void set_int(struct parse *p, const struct key *key, void *to, const char *value)
{
    long number = 0;
    const char *c = value;
    for (; isdigit((unsigned char)*c) && number <= key->max; c++)
        number = number * 10 + (*c - '0');
    if (*c || number < key->min || number > key->max)
        complain(p, "'%s' is to be a number from %d to %d, not '%s'", key->name, key->min, key->max,
                 value);
    else
        *(int *)to = (int)number;
}

static void set_keep(struct parse *p, const struct key *key, void *to, const char *value)
{
    struct err err;
    if (duration_parse_keep(value, to, &err) < 0)
        complain(p, "'%s': %s", key->name, err.msg);
}

static void set_timezone(struct parse *p, const struct key *key, void *to, const char *value)
{
    if (zone_exists(value))
        *(char **)to = xstrdup(value);
    else
        complain(p, "'%s': there is no time zone '%s' (write it as Europe/Berlin)", key->name,
                 value);
}

/* What goes into ssh's command line or a lookup: no blanks, and nothing that looks like an option. */
static void set_word(struct parse *p, const struct key *key, void *to, const char *value)
{
    const char *c = value;
    while (isgraph((unsigned char)*c))
        c++;
    if (*c || value[0] == '-')
        complain(p, "'%s' is to be one word that does not begin with '-', not '%s'", key->name,
                 value);
    else
        *(char **)to = xstrdup(value);
}

static void set_strict(struct parse *p, const struct key *key, void *to, const char *value)
{
    struct config_worker *worker = (struct config_worker *)((char *)to - key->offset);
    worker->strict_set = true;
    if (strcmp(value, "accept-new") == 0)
        *(bool *)to = true;
    else if (strcmp(value, "yes") != 0)
        complain(p, "'strict' is to be yes or accept-new, not '%s'%s", value,
                 strcmp(value, "no") == 0 ? " (a changed host key is always refused)" : "");
}

static void set_transport(struct parse *p, const struct key *key, void *to, const char *value)
{
    static const char *const names[] = {[TRANSPORT_SSH] = "ssh",
                                        [TRANSPORT_LOCAL] = "local",
                                        [TRANSPORT_OPENSSH] = "openssh",
                                        [TRANSPORT_EXEC] = "exec"};
    struct host_config *host = (struct host_config *)((char *)to - key->offset);
    host->transport_set = true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(value, names[i]) == 0) {
            host->transport = (enum transport_kind)i;
            return;
        }
    const char *near = near_word(value, names, sizeof names / sizeof *names, sizeof *names);
    complain(p, "'transport' is to be ssh, openssh, exec or local, not '%s'%s%s%s", value,
             near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

/* Words between commas or blanks. */
static void set_tags(struct parse *p, const struct key *key, void *to, const char *value)
{
    static const char between[] = ", \t";
    struct strlist *tags = to;
    for (value += strspn(value, between); *value; value += strspn(value, between)) {
        size_t len = strcspn(value, between);
        char *tag = xstrndup(value, len);
        value += len;
        if (!name_is_valid(tag))
            complain(p, "'%s': '%s' is no name of a tag (letters, digits, . _ -)", key->name, tag);
        if (name_is_valid(tag) && !strlist_has(tags, tag))
            strlist_add(tags, tag);
        free(tag);
    }
}

/* A command line for the shell; %h and %n stand for address and name. */
static void set_command(struct parse *p, const struct key *key, void *to, const char *value)
{
    for (const char *c = value; (c = strchr(c, '%')); c += 2)
        if (!c[1] || !strchr("hn%", c[1])) {
            complain(p, "'%s': there is no '%.2s' (%%h is the address, %%n the name, %%%% a %%)",
                     key->name, c);
            return;
        }
    *(char **)to = xstrdup(value);
}

static void set_log_to(struct parse *p, const struct key *key, void *to, const char *value)
{
    struct err err;
    if (config_log_to(to, value, &err) < 0)
        complain(p, "'%s' %s", key->name, err.msg);
}

static void set_log_level(struct parse *p, const struct key *key, void *to, const char *value)
{
    struct err err;
    if (config_log_level(to, value, &err) < 0)
        complain(p, "'%s' %s", key->name, err.msg);
}

static void set_read(struct parse *p, const struct key *key, void *to, const char *value)
{
    struct err err;
    if (key->read(to, value, &err) < 0)
        complain(p, "'%s': %s", key->name, err.msg);
}

/* ---- the tables ---- */

#define HOST(field)    offsetof(struct config_worker, base.field)
#define MONITOR(field) offsetof(struct monitor_config, field)
#define ALERT(name, field, read)                                                                   \
    {                                                                                              \
        name, set_read, offsetof(struct alert_config, field), 0, 0, read                           \
    }
#define CHANNEL_KEY(constant, key, read) , ALERT(#key, to[constant], read)

static const struct key rota_keys[] = {
    {"catalogue", set_path, offsetof(struct config, catalogue), 0, 0, NULL},
    {"timezone", set_timezone, offsetof(struct config, timezone), 0, 0, NULL},
    {"keep", set_keep, offsetof(struct config, keep_ms), 0, 0, NULL},
    {"keep_failed", set_keep, offsetof(struct config, keep_failed_ms), 0, 0, NULL},
    {0},
};
static const struct key ssh_keys[] = {
    {"identity", set_path, HOST(identity), 0, 0, NULL},
    {"strict", set_strict, HOST(accept_new), 0, 0, NULL},
    {"user", set_word, HOST(user), 0, 0, NULL},
    {"port", set_int, HOST(port), 1, 65535, NULL},
    {"transport", set_transport, HOST(transport), 0, 0, NULL},
    {"worker", set_remote_path, HOST(worker), 0, 0, NULL},
    {"spool", set_remote_path, HOST(spool), 0, 0, NULL},
    {0},
};
static const struct key worker_keys[] = {
    {"address", set_word, HOST(address), 0, 0, NULL},
    {"slots", set_int, HOST(slots), 1, 10000, NULL},
    {"tags", set_tags, HOST(tags), 0, 0, NULL},
    {"worker", set_remote_path, HOST(worker), 0, 0, NULL},
    {"transport", set_transport, HOST(transport), 0, 0, NULL},
    {"spool", set_remote_path, HOST(spool), 0, 0, NULL},
    {"user", set_word, HOST(user), 0, 0, NULL},
    {"port", set_int, HOST(port), 1, 65535, NULL},
    {"identity", set_path, HOST(identity), 0, 0, NULL},
    {"strict", set_strict, HOST(accept_new), 0, 0, NULL},
    {"command", set_command, HOST(command), 0, 0, NULL},
    {0},
};
static const struct key log_keys[] = {
    {"to", set_log_to, offsetof(struct config, log), 0, 0, NULL},
    {"level", set_log_level, offsetof(struct config, log), 0, 0, NULL},
    {0},
};
static const struct key pool_keys[] = {
    {"limit", set_int, offsetof(struct pool_config, limit), 0, POOL_LIMIT_MAX, NULL},
    {0},
};
static const struct key alert_keys[] = {
    {"on", set_read, 0, 0, 0, alert_read_on} /* fills several */ ALERT_CHANNELS(CHANNEL_KEY),
    ALERT("template", slack, alert_read_template),
    ALERT("remind", remind_ms, alert_read_duration),
    ALERT("jobs", jobs, alert_read_jobs),
    {0},
};
static const struct key monitor_keys[] = {
    {"heartbeat", set_read, MONITOR(heartbeat), 0, 0, config_read_url},
    {"queue_age", set_read, MONITOR(queue_age_ms), 0, 0, alert_read_duration},
    {"down_after", set_read, MONITOR(down_after_ms), 0, 0, alert_read_duration},
    {"silent_after", set_read, MONITOR(silent_after_ms), 0, 0, alert_read_duration},
    {"late_factor", set_read, MONITOR(late_factor), 0, 0, alert_read_factor},
    {"disk", set_read, MONITOR(disk_bytes), 0, 0, alert_read_size},
    {"sendmail", set_read, MONITOR(sendmail), 0, 0, alert_read_program},
    {"from", set_read, MONITOR(from), 0, 0, config_read_address},
    {0},
};

enum section_kind {
    SECTION_ROTA,
    SECTION_LOG,
    SECTION_SSH,
    SECTION_WORKER,
    SECTION_ALERT,
    SECTION_MONITOR,
    SECTION_POOL
};

static const struct section {
    const char *name; /* first: near_word walks the table */
    enum section_kind kind;
    bool named; /* "[worker NAME]" */
    const struct key *keys;
} sections[] = {
    {"rota", SECTION_ROTA, false, rota_keys},
    {"log", SECTION_LOG, false, log_keys},
    {"ssh", SECTION_SSH, false, ssh_keys},
    {"worker", SECTION_WORKER, true, worker_keys},
    {"pool", SECTION_POOL, true, pool_keys},
    {"alert", SECTION_ALERT, true, alert_keys},
    {"monitor", SECTION_MONITOR, false, monitor_keys},
};
enum { SECTIONS = sizeof sections / sizeof *sections };

/* ---- lines ---- */

static struct config_worker *add_worker(struct parse *p, const char *names)
{
    p->workers = xreallocarray(p->workers, p->n + 1, sizeof *p->workers);
    struct config_worker *worker = &p->workers[p->n++];
    *worker = (struct config_worker){.names = xstrdup(names), .line = p->line};
    return worker;
}

/* A section of its own for each name. */
static void *add_named(struct parse *p, const char *name)
{
    char *place = xasprintf("%s:%d", p->file, p->line);
    void *base = p->section->kind == SECTION_POOL
                     ? (void *)config_add_pool(p->config, name, place)
                     : (void *)config_add_alert(p->config, name, place);
    free(place);
    return base;
}

static const struct section *find_section(struct parse *p, const char *word, size_t len)
{
    char *name = xstrndup(word, len);
    const struct section *found = NULL;
    for (size_t i = 0; i < SECTIONS; i++)
        if (strcmp(sections[i].name, name) == 0)
            found = &sections[i];
    if (!found) {
        const char *near = near_word(name, sections, SECTIONS, sizeof *sections);
        if (near)
            complain(p, "unknown section [%s] (did you mean [%s]?)", name, near);
        else
            complain(p,
                     "unknown section [%s] (there are rota, log, ssh, worker NAME, alert NAME, "
                     "pool NAME, monitor)",
                     name);
    }
    free(name);
    return found;
}

/* What the keys of the section fill. */
static void fill_from(struct parse *p, const char *name)
{
    p->other_seen = 0;
    p->seen = &p->other_seen;
    p->base = NULL;
    switch (p->section->kind) {
    case SECTION_ROTA:
        p->base = p->config;
        p->seen = &p->rota_seen;
        break;
    case SECTION_LOG:
        p->base = p->config;
        p->seen = &p->log_seen;
        break;
    case SECTION_MONITOR:
        p->base = &p->config->monitor;
        p->seen = &p->monitor_seen;
        break;
    case SECTION_ALERT:
    case SECTION_POOL:
        p->base = add_named(p, name);
        break;
    default: {
        struct config_worker *worker =
            p->section->kind == SECTION_SSH ? &p->ssh : add_worker(p, name);
        p->base = worker;
        p->seen = &worker->seen;
    }
    }
}

static void begin_section(void *arg, int line, const char *text)
{
    struct parse *p = arg;
    size_t len = strcspn(text, " \t");
    const char *name = text + len + strspn(text + len, " \t");
    p->line = line;
    p->section = find_section(p, text, len);
    if (!p->section)
        return;
    if (p->section->named != (*name != '\0'))
        complain(p, p->section->named ? "[%s] needs a name: [%s NAME]" : "[%s] takes no name: [%s]",
                 p->section->name, p->section->name);
    fill_from(p, name);
}

/* Its index in the section's table; -1 after saying that there is none. */
static int find_key(struct parse *p, const char *name)
{
    const struct key *keys = p->section->keys;
    int n = 0;
    for (; keys[n].name; n++)
        if (strcmp(keys[n].name, name) == 0)
            return n;
    const char *near = near_word(name, keys, (size_t)n, sizeof *keys);
    complain(p, "unknown key '%s' in [%s]%s%s%s", name, p->section->name,
             near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    return -1;
}

static void read_entry(void *arg, int line, const char *name, const char *value)
{
    struct parse *p = arg;
    p->line = line;
    int i = p->section ? find_key(p, name) : -1;
    if (i < 0)
        return;
    const struct key *key = &p->section->keys[i];
    if (*p->seen & 1U << i)
        complain(p, "'%s' stands twice in [%s]", name, p->section->name);
    else if (!*value)
        complain(p, "'%s' has no value", name);
    else if (key->set)
        key->set(p, key, (char *)p->base + key->offset, value);
    *p->seen |= 1U << i;
}

void config_parse(const char *file, const char *text, size_t len, struct config *config,
                  struct errlist *errors)
{
    static const struct inifile_handler handler = {begin_section, read_entry};
    struct parse p = {.file = file, .config = config, .errors = errors};
    inifile_parse(file, text, len, &handler, &p, errors);
    for (size_t i = 0; i < p.n; i++) {
        config_add_hosts(config, file, &p.workers[i], &p.ssh, errors);
        config_worker_free(&p.workers[i]);
    }
    free(p.workers);
    config_worker_free(&p.ssh);
    config_check_alerts(config, errors);
    config_check_pools(config, errors);
}
