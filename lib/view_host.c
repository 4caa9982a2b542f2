#include "view_host.h"

#include <string.h>

#define FIELD(name, made)                                                                          \
    static struct view_value name(const void *record)                                              \
    {                                                                                              \
        const struct host_record *host = record;                                                   \
        return made;                                                                               \
    }

static struct view_value unless_zero(int64_t number)
{
    return number ? view_int(number) : view_text(NULL);
}

static const char *const transports[] = {
    [TRANSPORT_SSH] = "ssh",
    [TRANSPORT_LOCAL] = "local",
    [TRANSPORT_OPENSSH] = "openssh",
    [TRANSPORT_EXEC] = "exec",
};

VIEW_WORDS(transport_word, transports)

static const char *const states[] = {
    [HOST_UNKNOWN] = "unknown", [HOST_UP] = "up", [HOST_DOWN] = "down"};
VIEW_WORDS(state_word, states)

FIELD(name, view_text(host->config->name))
FIELD(slots, unless_zero(host->config->slots ? host->config->slots : host->known.cpus))
FIELD(used, view_int(host->used))
FIELD(runs, view_int(host->runs))
FIELD(mem_total, unless_zero(host->known.mem_total_kb))
FIELD(mem_free, unless_zero(host->known.mem_free_kb))
FIELD(disk_free, unless_zero(host->known.disk_free_kb))
FIELD(cpus, unless_zero(host->known.cpus))
FIELD(tags, view_list(host->tags))
FIELD(transport, view_text(transports[host->config->transport]))
FIELD(address, view_text(host->config->address))
FIELD(seen_at, view_time(host->known.seen_at))
FIELD(state_at, view_time(host->known.state_at))
FIELD(drained, view_text(host->known.drained))
FIELD(reason, view_text(host->known.reason))
FIELD(hostname, view_text(host->known.hostname))
FIELD(machine, view_text(host->known.machine))
FIELD(boot, view_text(host->known.boot))
FIELD(system_name, view_text(host->known.system))
FIELD(build, view_text(host->known.build))
FIELD(note, view_text(host->known.drained ? host->known.drained : host->known.reason))

static struct view_value state(const void *record)
{
    const struct host_record *host = record;
    struct view_value value = view_text(states[host->known.state]);
    value.mood = host->known.state == HOST_UP     ? VIEW_GOOD
                 : host->known.state == HOST_DOWN ? VIEW_BAD
                                                  : VIEW_DIM;
    return value;
}

/* For people: being out of service is what matters first. */
static struct view_value shown_state(const void *record)
{
    const struct host_record *host = record;
    struct view_value value = state(record);
    if (host->known.drained) {
        value.text = host->known.state == HOST_DOWN ? "drained, down" : "drained";
        value.mood = VIEW_BUSY;
    }
    return value;
}

/* The load average has no meaning for a host that was never heard of. */
static bool is_known(const struct host_record *host)
{
    return host->known.name && host->known.seen_at;
}

FIELD(load_percent, is_known(host) ? view_int(host->known.load_percent) : view_text(NULL))
FIELD(skew, is_known(host) ? view_seconds(host->known.skew_ms) : view_text(NULL))

static const struct view_column host_columns[] = {
    {"name", "HOST", true, true, false, false, name, VIEW_IS(TEXT)},
    {"state", "STATE", false, false, false, false, state, VIEW_WORD(state_word)},
    {"shown_state", "STATE", true, true, false, true, shown_state, VIEW_IS(TEXT)},
    {"slots", "SLOTS", true, true, true, false, slots, VIEW_MAYBE(INT)},
    {"used", "USED", true, true, true, false, used, VIEW_IS(INT)},
    {"runs", "RUNS", false, true, true, false, runs, VIEW_IS(INT)},
    {"load_percent", "LOAD%", true, true, true, false, load_percent, VIEW_MAYBE(INT)},
    {"cpus", "CPUS", false, true, true, false, cpus, VIEW_MAYBE(INT)},
    {"mem_total_kb", "MEM KB", false, true, true, false, mem_total, VIEW_MAYBE(INT)},
    {"mem_free_kb", "FREE KB", true, true, true, false, mem_free, VIEW_MAYBE(INT)},
    {"disk_free_kb", "DISK KB", false, true, true, false, disk_free, VIEW_MAYBE(INT)},
    {"tags", "TAGS", true, true, false, false, tags, VIEW_IS(LIST)},
    {"transport", "TRANSPORT", false, true, false, false, transport, VIEW_WORD(transport_word)},
    {"address", "ADDRESS", false, true, false, false, address, VIEW_MAYBE(TEXT)},
    {"seen_at", "SEEN", true, true, false, false, seen_at, VIEW_MAYBE(TIME)},
    {"state_at", "SINCE", false, true, false, false, state_at, VIEW_MAYBE(TIME)},
    {"skew", "SKEW", false, false, true, false, skew, VIEW_MAYBE(SECONDS)},
    {"hostname", "HOSTNAME", false, true, false, false, hostname, VIEW_MAYBE(TEXT)},
    {"machine", "MACHINE", false, false, false, false, machine, VIEW_MAYBE(TEXT)},
    {"boot", "BOOT", false, false, false, false, boot, VIEW_MAYBE(TEXT)},
    {"system", "SYSTEM", false, true, false, false, system_name, VIEW_MAYBE(TEXT)},
    {"build", "WORKER", false, true, false, false, build, VIEW_MAYBE(TEXT)},
    {"drained", "DRAINED", false, false, false, false, drained, VIEW_MAYBE(TEXT)},
    {"reason", "REASON", false, false, false, false, reason, VIEW_MAYBE(TEXT)},
    {"note", "NOTE", true, true, false, true, note, VIEW_MAYBE(TEXT)},
};
const struct view_record view_host_record = VIEW_RECORD("host", 1, host_columns);
