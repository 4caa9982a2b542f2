#include "monitor/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/exposition.h"
#include "xalloc.h"

/* ---- the system ---- */

static void put_dispatcher(struct buf *out, const struct health *h)
{
    const struct holder *holder = &h->dispatcher.holder;
    exposition_family(out, "rota_build_info", "gauge", "The version of rota that wrote this.");
    exposition_sample(out, "rota_build_info", 1, "version", ROTA_VERSION, NULL);
    exposition_family(out, "rota_healthy", "gauge", "1 when rota monitor finds nothing to mend.");
    exposition_sample(out, "rota_healthy", h->nbad == 0, NULL);
    exposition_family(out, "rota_troubles", "gauge", "Things to mend that rota monitor names.");
    exposition_sample(out, "rota_troubles", (double)h->nbad, NULL);
    exposition_family(out, "rota_dispatcher_up", "gauge",
                      "1 while a dispatcher holds the catalogue.");
    exposition_sample(out, "rota_dispatcher_up", h->dispatcher.alive, NULL);
    exposition_family(out, "rota_dispatcher_seen_timestamp_seconds", "gauge",
                      "When a dispatcher last wrote its lease.");
    exposition_sample(out, "rota_dispatcher_seen_timestamp_seconds", (double)holder->seen_at / 1000,
                      NULL);
    exposition_family(out, "rota_dispatcher_longest_turn_seconds", "gauge",
                      "Longest turn of the loop of this dispatcher, or of the last one.");
    exposition_sample(out, "rota_dispatcher_longest_turn_seconds", (double)holder->longest_us / 1e6,
                      NULL);
    exposition_family(out, "rota_tick_lag_seconds", "gauge",
                      "How overdue the most overdue schedule is; 0 when none is.");
    exposition_sample(
        out, "rota_tick_lag_seconds",
        h->schedules.overdue_at ? (double)(h->now - h->schedules.overdue_at) / 1000 : 0, NULL);
}

static void put_queue(struct buf *out, const struct health *h)
{
    exposition_family(out, "rota_queue_runs", "gauge", "Runs that are not over, by state.");
    for (int state = RUN_STATE_FIRST; state < RUN_SUCCEEDED; state++)
        exposition_sample(out, "rota_queue_runs", (double)h->queue.runs[state], "state",
                          run_state_name((enum run_state)state), NULL);
    exposition_family(out, "rota_queue_oldest_seconds", "gauge",
                      "How long the oldest queued run could have started; 0 when none waits.");
    exposition_sample(out, "rota_queue_oldest_seconds",
                      h->queue.oldest ? (double)(h->now - h->queue.oldest_at) / 1000 : 0, NULL);
    exposition_family(out, "rota_jobs", "gauge", "Registered jobs; a job may be of several kinds.");
    exposition_sample(out, "rota_jobs", (double)h->schedules.jobs, "kind", "registered", NULL);
    exposition_sample(out, "rota_jobs", (double)h->schedules.scheduled, "kind", "scheduled", NULL);
    exposition_sample(out, "rota_jobs", (double)h->schedules.paused, "kind", "paused", NULL);
    exposition_sample(out, "rota_jobs", (double)h->schedules.aside, "kind", "aside", NULL);
    exposition_sample(out, "rota_jobs", (double)h->schedules.overdue, "kind", "overdue", NULL);
    exposition_family(out, "rota_occurrences_missed", "gauge",
                      "Occurrences missed in the last day.");
    exposition_sample(out, "rota_occurrences_missed", (double)h->schedules.missed, NULL);
    exposition_family(out, "rota_occurrence_missed_timestamp_seconds", "gauge",
                      "When the latest missed occurrence was due; 0: none was missed.");
    exposition_sample(out, "rota_occurrence_missed_timestamp_seconds",
                      (double)h->schedules.missed_at / 1000, NULL);
}

static void put_files(struct buf *out, const struct health *h)
{
    exposition_family(out, "rota_catalogue_bytes", "gauge",
                      "Size of the catalogue, without its WAL.");
    exposition_sample(out, "rota_catalogue_bytes", (double)h->catalogue.bytes, NULL);
    exposition_family(out, "rota_catalogue_wal_bytes", "gauge", "Size of the catalogue's WAL.");
    exposition_sample(out, "rota_catalogue_wal_bytes", (double)h->catalogue.wal_bytes, NULL);
    if (h->catalogue.free_kb < 0)
        return;
    exposition_family(out, "rota_catalogue_free_bytes", "gauge",
                      "Free bytes where the catalogue is.");
    exposition_sample(out, "rota_catalogue_free_bytes", (double)h->catalogue.free_kb * 1024, NULL);
}

static void put_alerts(struct buf *out, const struct health *h)
{
    exposition_family(out, "rota_alert_open", "gauge", "1 for each alert that is open.");
    for (size_t i = 0; i < h->nalerts; i++)
        exposition_sample(out, "rota_alert_open", 1, "rule", h->alerts[i].rule, "subject",
                          h->alerts[i].subject, NULL);
    exposition_family(out, "rota_alerts_open", "gauge", "Alerts that are open.");
    exposition_sample(out, "rota_alerts_open", (double)h->nalerts, NULL);
    exposition_family(out, "rota_alerts_checked_timestamp_seconds", "gauge",
                      "When rota monitor check last looked; 0: never.");
    exposition_sample(out, "rota_alerts_checked_timestamp_seconds", (double)h->checked_at / 1000,
                      NULL);
    exposition_family(out, "rota_alert_messages_undelivered", "gauge",
                      "Messages that could not be sent, by channel.");
    for (size_t i = 0; i < h->nundelivered; i++)
        exposition_sample(out, "rota_alert_messages_undelivered",
                          (double)(h->undelivered[i].waiting + h->undelivered[i].given_up),
                          "channel", h->undelivered[i].channel, NULL);
}

/* ---- hosts: one family after the other, each with a sample a host ---- */

static bool is_heard(const struct host_record *r)
{
    return r->known.seen_at != 0;
}

static bool is_told(const struct host_record *r)
{
    return r->known.state != HOST_UNKNOWN;
}

static bool is_any(const struct host_record *r)
{
    (void)r;
    return true;
}

static double up(const struct host_record *r)
{
    return r->known.state == HOST_UP;
}

static double drained(const struct host_record *r)
{
    return r->known.drained != NULL;
}

static double slots(const struct host_record *r)
{
    return r->config->slots ? r->config->slots : r->known.cpus;
}

static double slots_used(const struct host_record *r)
{
    return r->used;
}

static double load(const struct host_record *r)
{
    return (double)r->known.load_percent / 100;
}

static double memory(const struct host_record *r)
{
    return (double)r->known.mem_total_kb * 1024;
}

static double memory_free(const struct host_record *r)
{
    return (double)r->known.mem_free_kb * 1024;
}

static double disk_free(const struct host_record *r)
{
    return (double)r->known.disk_free_kb * 1024;
}

static double skew(const struct host_record *r)
{
    return (double)r->known.skew_ms / 1000;
}

static double seen(const struct host_record *r)
{
    return (double)r->known.seen_at / 1000;
}

static const struct host_family {
    const char *name, *help;
    bool (*applies)(const struct host_record *); /* else the host has no sample */
    double (*value)(const struct host_record *);
} host_families[] = {
    {"rota_host_up", "1 when the host could last be reached, 0 when not.", is_told, up},
    {"rota_host_drained", "1 when somebody took the host out of service.", is_any, drained},
    {"rota_host_slots", "Slots of the host; 0 when not known yet.", is_any, slots},
    {"rota_host_slots_used", "Slots taken by runs that are there.", is_any, slots_used},
    {"rota_host_load", "Load average of one minute when last heard of.", is_heard, load},
    {"rota_host_memory_bytes", "Memory of the host.", is_heard, memory},
    {"rota_host_memory_free_bytes", "Free memory when last heard of.", is_heard, memory_free},
    {"rota_host_disk_free_bytes", "Free bytes where its spool is, when last heard of.", is_heard,
     disk_free},
    {"rota_host_clock_skew_seconds", "How far its clock is ahead of the head's.", is_heard, skew},
    {"rota_host_seen_timestamp_seconds", "When the host was last heard of.", is_heard, seen},
};

static void put_hosts(struct buf *out, const struct health *h)
{
    for (size_t f = 0; f < sizeof host_families / sizeof *host_families; f++) {
        const struct host_family *row = &host_families[f];
        exposition_family(out, row->name, "gauge", row->help);
        for (size_t i = 0; i < h->roster.n; i++)
            if (row->applies(&h->roster.v[i]))
                exposition_sample(out, row->name, row->value(&h->roster.v[i]), "host",
                                  h->roster.v[i].config->name, NULL);
    }
    exposition_family(out, "rota_host_info", "gauge", "What the host said of itself.");
    for (size_t i = 0; i < h->roster.n; i++)
        if (h->roster.v[i].known.build)
            exposition_sample(out, "rota_host_info", 1, "host", h->roster.v[i].config->name,
                              "worker", h->roster.v[i].known.build, "system",
                              h->roster.v[i].known.system ? h->roster.v[i].known.system : "", NULL);
}

/* ---- jobs: several families in one walk over the tallies, put together afterwards ---- */

struct jobs {
    struct buf runs, durations, bytes, successes;
    char *job; /* whose durations are being added; NULL: none yet */
    int64_t within[TALLY_BOUNDS], count, sum_ms, written;
};

/* Buckets are cumulative here; in the catalogue they are not. */
static void put_durations(struct jobs *j)
{
    int64_t below = 0;
    char bound[16];
    for (int i = 0; i < TALLY_BOUNDS; i++) {
        below += j->within[i];
        (void)snprintf(bound, sizeof bound, "%d", tally_bounds[i]);
        exposition_sample(&j->durations, "rota_run_duration_seconds_bucket", (double)below, "job",
                          j->job, "le", bound, NULL);
    }
    exposition_sample(&j->durations, "rota_run_duration_seconds_bucket", (double)j->count, "job",
                      j->job, "le", "+Inf", NULL);
    exposition_sample(&j->durations, "rota_run_duration_seconds_sum", (double)j->sum_ms / 1000,
                      "job", j->job, NULL);
    exposition_sample(&j->durations, "rota_run_duration_seconds_count", (double)j->count, "job",
                      j->job, NULL);
}

static void end_job(struct jobs *j)
{
    if (!j->job)
        return;
    if (j->count)
        put_durations(j);
    exposition_sample(&j->bytes, "rota_output_bytes_total", (double)j->written, "job", j->job,
                      NULL);
    free(j->job);
    j->job = NULL;
    memset(j->within, 0, sizeof j->within);
    j->count = j->sum_ms = j->written = 0;
}

/* How long a cancelled or a lost run took says nothing of the job. */
static bool has_duration(enum run_state state)
{
    return state == RUN_SUCCEEDED || state == RUN_FAILED || state == RUN_TIMEOUT;
}

static int add_tally(const struct tally *t, void *arg)
{
    struct jobs *j = arg;
    if (j->job && strcmp(j->job, t->job) != 0)
        end_job(j);
    if (!j->job)
        j->job = xstrdup(t->job);
    exposition_sample(&j->runs, "rota_runs_total", (double)t->runs, "job", t->job, "state",
                      run_state_name(t->state), NULL);
    if (t->state == RUN_SUCCEEDED && t->last_at)
        exposition_sample(&j->successes, "rota_job_last_success_timestamp_seconds",
                          (double)t->last_at / 1000, "job", t->job, NULL);
    j->written += t->bytes;
    for (int i = 0; has_duration(t->state) && i < TALLY_BOUNDS; i++)
        j->within[i] += t->within[i];
    if (has_duration(t->state)) {
        j->count += t->runs;
        j->sum_ms += t->duration_ms;
    }
    return 0;
}

static void put_family(struct buf *out, const char *name, const char *type, const char *help,
                       struct buf *samples)
{
    exposition_family(out, name, type, help);
    buf_addstr(out, buf_str(samples));
    buf_free(samples);
}

static int put_jobs(struct buf *out, const struct health *h, struct catalogue *cat, struct err *err)
{
    struct jobs j = {0};
    int rc = tally_select(cat, add_tally, &j, err);
    end_job(&j);
    put_family(out, "rota_runs_total", "counter", "Runs that ended, by job and state.", &j.runs);
    put_family(out, "rota_run_duration_seconds", "histogram",
               "How long runs took that succeeded, failed or timed out.", &j.durations);
    put_family(out, "rota_output_bytes_total", "counter",
               "Bytes that runs wrote to standard output and standard error.", &j.bytes);
    put_family(out, "rota_job_last_success_timestamp_seconds", "gauge",
               "When a run of the job last succeeded.", &j.successes);
    exposition_family(out, "rota_job_failing_streak", "gauge",
                      "Bad ends in a row of a job whose last end was bad.");
    for (size_t i = 0; i < h->nfailing; i++)
        exposition_sample(out, "rota_job_failing_streak", (double)h->failing[i].streak, "job",
                          h->failing[i].job, NULL);
    return rc;
}

int metrics_write(struct buf *out, const struct health *h, struct catalogue *cat, struct err *err)
{
    put_dispatcher(out, h);
    put_queue(out, h);
    put_files(out, h);
    put_alerts(out, h);
    put_hosts(out, h);
    return put_jobs(out, h, cat, err);
}
