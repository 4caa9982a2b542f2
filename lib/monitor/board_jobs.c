/*
 * The jobs on the board: how each day went, how long the last runs took, when it is due.
 *
 * A day is one of the head's zone, whose nights the schedules mean. Registered jobs come first; what only
 * ran lately fills the rest.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "board_internal.h"
#include "catalogue/board.h"
#include "timetable.h"
#include "xalloc.h"
#include "zone.h"

enum {
    DAYS = 119, /* 17 weeks */
    JOBS = 200,
    DURATIONS = 40,
    INSTANTS = 96, /* of the next day; more are "and so on" */
    DAY_MS = 86400000,
};

/* What is counted of a day, in the order of the page. */
enum { OK, FAILED, TIMEOUT, LOST, CANCELLED, MISSED, KINDS };

struct job_days {
    char *name;
    bool registered;
    struct job_row row; /* when registered */
    int recent;         /* its last day with a run */
    uint32_t count[DAYS][KINDS];
};

/* Sorted in place of the large one. */
struct job_entry {
    struct job_days *days;
};

struct jobs {
    struct board *board;
    int64_t first; /* the first day, since 1970-01-01, in the zone */
    struct job_entry *v;
    size_t n, cap;
};

/* ---- who they are ---- */

static int by_name(const void *a, const void *b)
{
    const struct job_entry *x = a, *y = b;
    return strcmp(x->days->name, y->days->name);
}

static struct job_days *find(const struct jobs *jobs, size_t n, const char *name)
{
    struct job_days key = {.name = (char *)name};
    struct job_entry at = {&key}, *found = NULL;
    if (n)
        found = bsearch(&at, jobs->v, n, sizeof *jobs->v, by_name);
    return found ? found->days : NULL;
}

static struct job_days *add(struct jobs *jobs, const char *name)
{
    if (jobs->n == jobs->cap) {
        jobs->cap = jobs->cap ? 2 * jobs->cap : 64;
        jobs->v = xreallocarray(jobs->v, jobs->cap, sizeof *jobs->v);
    }
    struct job_days *job = xcalloc(1, sizeof *job);
    job->name = xstrdup(name);
    jobs->v[jobs->n++].days = job;
    return job;
}

static int add_registered(const struct job_row *row, void *arg)
{
    struct job_days *job = add(arg, row->name);
    job->registered = true;
    job->row = job_row_copy(row);
    return 0;
}

/* ---- their days ---- */

static int64_t day_start(int64_t day)
{
    return zone_instant(day * 86400, NULL, NULL) * 1000;
}

static int64_t day_of(int64_t ms)
{
    int64_t second = ms / 1000;
    return (second + zone_offset(second)) / 86400;
}

static int kind_of(enum run_state state)
{
    static const int kinds[] = {OK, FAILED, TIMEOUT, CANCELLED, LOST};
    return kinds[state - RUN_SUCCEEDED];
}

/* A name that is new on this day is appended behind the `known` sorted ones and sorted in after it. */
static void add_tally(struct jobs *jobs, size_t known, const struct board_tally *tally, int day)
{
    struct job_days *job = find(jobs, known, tally->job);
    /* rows come by job: several states of a new one follow each other */
    if (!job && jobs->n > known && strcmp(jobs->v[jobs->n - 1].days->name, tally->job) == 0)
        job = jobs->v[jobs->n - 1].days;
    if (!job)
        job = add(jobs, tally->job);
    job->count[day][kind_of(tally->state)] += (uint32_t)tally->runs;
    job->recent = day + 1;
}

static int add_days(struct jobs *jobs, struct err *err)
{
    int rc = 0;
    for (int day = 0; rc == 0 && day < DAYS; day++) {
        struct board_tallies tallies;
        size_t known = jobs->n;
        rc = board_tally(jobs->board->cat, day_start(jobs->first + day),
                         day_start(jobs->first + day + 1), &tallies, err);
        for (size_t i = 0; i < tallies.n; i++)
            add_tally(jobs, known, &tallies.v[i], day);
        board_tallies_free(&tallies);
        if (jobs->n > known)
            qsort(jobs->v, jobs->n, sizeof *jobs->v, by_name);
    }
    return rc;
}

static int add_missed(struct jobs *jobs, struct job_days *job, struct err *err)
{
    struct board_pairs missed;
    int rc = board_missed(jobs->board->cat, job->name, day_start(jobs->first), &missed, err);
    for (size_t i = 0; i < missed.n; i++) {
        int64_t day = day_of(missed.v[i].a) - jobs->first;
        if (day >= 0 && day < DAYS)
            job->count[day][MISSED] += (uint32_t)missed.v[i].b;
    }
    free(missed.v);
    return rc;
}

/* ---- what is said of one ---- */

static void put_days(struct buf *out, const struct job_days *job)
{
    bool more = false;
    buf_addstr(out, ",\"days\":[");
    for (int day = 0; day < DAYS; day++) {
        int last = KINDS - 1;
        while (last >= 0 && !job->count[day][last])
            last--;
        if (last < 0)
            continue;
        buf_addf(out, "%s[%d", more ? "," : "", day);
        for (int kind = 0; kind <= last; kind++)
            buf_addf(out, ",%u", job->count[day][kind]);
        buf_addch(out, ']');
        more = true;
    }
    buf_addch(out, ']');
}

static int put_durations(struct board *board, const struct job_days *job, struct err *err)
{
    struct board_pairs durations;
    int rc = board_durations(board->cat, job->name, DURATIONS, &durations, err);
    buf_addstr(&board->json, ",\"last\":[");
    for (size_t i = 0; i < durations.n; i++)
        buf_addf(&board->json, "%s[%" PRId64 ",%" PRId64 "]", i ? "," : "", durations.v[i].a,
                 durations.v[i].b);
    buf_addch(&board->json, ']');
    free(durations.v);
    return rc;
}

/* The first instant to come, when somebody asked for it to be skipped; 0: it is not, or goes to an overdue
 * one. */
static int64_t skipped_at(const struct board *board, const struct job_row *row,
                          const struct timetable *table)
{
    struct timetable_due due;
    bool skips = row->skip && row->next_at > board->now;
    return skips && timetable_next_kept(table, board->now, &due) ? due.at : 0;
}

/* Seconds after the page was made, of the starts to come (due and the job's own jitter): whole ones,
 * rounded up, or what is due at 02:30 would be told as 02:29. */
static int put_instants(struct board *board, const struct job_days *job,
                        const struct timetable *table, bool *more)
{
    struct timetable_due due = {.at = board->now};
    int64_t jitter = timetable_jitter(job->name, job->row.jitter_ms);
    int64_t skipped = skipped_at(board, &job->row, table);
    int n = 0;
    *more = false;
    while (!*more && timetable_next_kept(table, due.at, &due) && due.at < board->now + DAY_MS)
        if (due.at != skipped && !(*more = n == INSTANTS))
            buf_addf(&board->json, "%s%" PRId64, n++ ? "," : "",
                     (due.at + jitter - board->now + 999) / 1000);
    return n;
}

/* When a job is due that is not within the next day; 0: never again. */
static int64_t first_later(const struct board *board, const struct job_row *row,
                           const struct timetable *table)
{
    struct timetable_due due;
    int64_t skipped = skipped_at(board, row, table);
    if (row->next_at <= board->now)
        return row->next_at; /* overdue, or over */
    return timetable_next_kept(table, skipped ? skipped : board->now, &due) ? due.at : 0;
}

static void put_next(struct board *board, const struct job_days *job)
{
    struct timetable table = {0};
    bool more;
    if (timetable_read(&table, job->row.timetable, job->name, NULL) == 0) {
        buf_addstr(&board->json, ",\"next\":[");
        int n = put_instants(board, job, &table, &more);
        buf_addch(&board->json, ']');
        board_number(&board->json, "more", more);
        board_time(&board->json, "after", n ? 0 : first_later(board, &job->row, &table));
        board_string(&board->json, "rule", table.nrules ? table.rules[0].text : NULL);
        board_string(&board->json, "zone", table.zone);
    }
    timetable_free(&table);
}

static int put_job(struct board *board, const struct job_days *job, struct err *err)
{
    struct buf *out = &board->json;
    buf_addstr(out, "{\"name\":");
    board_text(out, job->name);
    board_number(out, "registered", job->registered);
    if (job->row.paused_at)
        board_string(out, "paused", job->row.paused ? job->row.paused : "");
    if (job->row.aside)
        board_string(out, "aside", job->row.aside);
    put_days(out, job);
    int rc = put_durations(board, job, err);
    if (rc == 0 && job->row.timetable)
        put_next(board, job);
    buf_addch(out, '}');
    return rc;
}

/* ---- all ---- */

/* Registered ones first, then those that ran last. */
static int by_importance(const void *a, const void *b)
{
    const struct job_entry *p = a, *q = b;
    const struct job_days *x = p->days, *y = q->days;
    if (x->registered != y->registered)
        return x->registered ? -1 : 1;
    if (!x->registered && x->recent != y->recent)
        return x->recent > y->recent ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void jobs_free(struct jobs *jobs)
{
    for (size_t i = 0; i < jobs->n; i++) {
        free(jobs->v[i].days->name);
        job_row_free(&jobs->v[i].days->row);
        free(jobs->v[i].days);
    }
    free(jobs->v);
}

static int put_all(struct jobs *jobs, struct err *err)
{
    struct buf *out = &jobs->board->json;
    int rc = 0;
    buf_addf(out, ",\"days\":%d,\"today\":%" PRId64, DAYS, jobs->first + DAYS - 1);
    board_number(out, "jobs_all", (int64_t)jobs->n);
    buf_addstr(out, ",\"jobs\":[");
    for (size_t i = 0; rc == 0 && i < jobs->n && i < JOBS; i++) {
        if (i)
            buf_addstr(out, ",\n");
        zone_use(jobs->board->zone); /* put_next leaves the job's own in force */
        rc = add_missed(jobs, jobs->v[i].days, err);
        if (rc == 0)
            rc = put_job(jobs->board, jobs->v[i].days, err);
    }
    buf_addch(out, ']');
    return rc;
}

int board_put_jobs(struct board *board, struct err *err)
{
    struct jobs jobs = {.board = board};
    zone_use(board->zone);
    jobs.first = day_of(board->now) - DAYS + 1;
    int rc = job_select(board->cat, add_registered, &jobs, err);
    if (jobs.n)
        qsort(jobs.v, jobs.n, sizeof *jobs.v, by_name);
    if (rc == 0)
        rc = add_days(&jobs, err);
    if (jobs.n)
        qsort(jobs.v, jobs.n, sizeof *jobs.v, by_importance);
    if (rc == 0)
        rc = put_all(&jobs, err);
    jobs_free(&jobs);
    zone_restore();
    return rc;
}
