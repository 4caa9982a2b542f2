/*
 * A year with a clock of its own: nobody ticks for hours, the clock jumps forward and back, runs take
 * their time. What each due instant must come to is said again here, by a model that knows nothing of
 * cron or SQL: it walks through the year minute by minute and reads the local clock.
 */
#include "catalogue_run.h"

#include <time.h>

#include "cron.h"
#include "job.h"
#include "schedule.h"
#include "timetable.h"
#include "zone.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
enum { JOBS = 8, DUES_MAX = 40000 };

static const int64_t year_begin = INT64_C(1767225600000); /* 2026-01-01T00:00:00Z */
static const int64_t year_end = INT64_C(1798761600000);   /* 2027-01-01T00:00:00Z */

/* ---- the jobs, and when they are due, said twice ---- */

static bool at_2_30(const struct tm *tm)
{
    return tm->tm_hour == 2 && tm->tm_min == 30;
}

static bool each_quarter(const struct tm *tm)
{
    return tm->tm_min % 15 == 0;
}

static bool each_hour(const struct tm *tm)
{
    return tm->tm_min == 17;
}

static bool on_weekdays(const struct tm *tm)
{
    return tm->tm_hour == 9 && tm->tm_min == 0 && tm->tm_wday >= 1 && tm->tm_wday <= 5;
}

struct due {
    int64_t at;
    enum outcome want; /* 0: not seen yet */
};

static struct model {
    const char *name, *timetable;
    const char *zone;
    bool (*is_due)(const struct tm *tm);
    long wall_clock; /* gaps move it, overlaps count once */
    int catch_up, overlap;
    int64_t deadline, takes; /* ms */
    long except_month;       /* 0: none; January is 1 */
    struct due *dues;
    size_t n, seen;
    int64_t open_until; /* a run of it is there until then */
    int64_t open_run;
} models[JOBS] = {
    {"nightly", "zone Europe/Berlin\ncron 30 2 * * *\n", "Europe/Berlin", at_2_30, 1, CATCH_UP_LAST,
     OVERLAP_FORBID, 0, 20 * MINUTE, 0, NULL, 0, 0, 0, 0},
    {"strict", "zone America/New_York\ncron 30 2 * * *\n", "America/New_York", at_2_30, 1,
     CATCH_UP_LAST, OVERLAP_FORBID, HOUR, 3 * HOUR, 0, NULL, 0, 0, 0, 0},
    {"quarter", "zone UTC\nevery 15m\n", "UTC", each_quarter, false, CATCH_UP_LAST, OVERLAP_ALLOW,
     0, 40 * MINUTE, 0, NULL, 0, 0, 0, 0},
    {"slow", "zone Europe/Dublin\ncron 17 * * * *\n", "Europe/Dublin", each_hour, 0, CATCH_UP_LAST,
     OVERLAP_FORBID, 0, 150 * MINUTE, 0, NULL, 0, 0, 0, 0},
    {"all", "zone Australia/Lord_Howe\ncron 17 * * * *\n", "Australia/Lord_Howe", each_hour, 0,
     CATCH_UP_ALL, OVERLAP_ALLOW, 0, MINUTE, 0, NULL, 0, 0, 0, 0},
    {"soon", "zone UTC\ncron 17 * * * *\n", "UTC", each_hour, false, CATCH_UP_ALL, OVERLAP_ALLOW,
     30 * MINUTE, MINUTE, 0, NULL, 0, 0, 0, 0},
    {"work", "zone Europe/Berlin\ncron 0 9 * * MON-FRI\nexcept 2026-12-01..2026-12-31\n",
     "Europe/Berlin", on_weekdays, true, CATCH_UP_LAST, OVERLAP_FORBID, 0, HOUR, 12, NULL, 0, 0, 0,
     0},
    {"half", "zone UTC\ncron 17 * * * *\nfrom 2026-07-01\n", "UTC", each_hour, false, CATCH_UP_LAST,
     OVERLAP_FORBID, 0, MINUTE, 0, NULL, 0, 0, 0, 0},
};

static struct tm local_at(int64_t at)
{
    time_t second = (time_t)(at / 1000);
    struct tm tm;
    (void)localtime_r(&second, &tm);
    return tm;
}

static void add_due(struct model *m, int64_t at)
{
    if (m->n && m->dues[m->n - 1].at == at)
        return;
    m->dues[m->n++] = (struct due){.at = at};
}

/* Minute by minute. A wall-clock job whose minute the clock skips is due at the skip; one whose minute it
 * shows twice, the first time. */
static void find_dues(struct model *m)
{
    char shown[24 * 60] = ""; /* minutes of the day that the clock showed already */
    int64_t from = strcmp(m->name, "half") == 0 ? INT64_C(1782864000000) : year_begin;
    m->dues = xcalloc(DUES_MAX, sizeof *m->dues);
    zone_use(m->zone);
    struct tm before = local_at(from - MINUTE);
    for (int64_t at = from; at < year_end; at += MINUTE) {
        struct tm now = local_at(at);
        if (now.tm_yday != before.tm_yday)
            memset(shown, 0, sizeof shown);
        if (m->wall_clock &&
            now.tm_gmtoff > before.tm_gmtoff) /* skipped: local minutes in between */
            for (int64_t skipped = before.tm_gmtoff; skipped < now.tm_gmtoff; skipped += 60) {
                time_t wall = (time_t)(at / 1000 + skipped);
                struct tm tm;
                (void)gmtime_r(&wall, &tm);
                if (m->is_due(&tm))
                    add_due(m, at);
            }
        int minute = now.tm_hour * 60 + now.tm_min;
        if (m->is_due(&now) && !(m->wall_clock && shown[minute]))
            add_due(m, at);
        shown[minute] = 1;
        before = now;
    }
    zone_restore();
}

/* ---- what must come of them ---- */

static bool is_excepted(const struct model *m, int64_t at)
{
    return m->except_month && local_at(at).tm_mon + 1 == m->except_month;
}

/* The time of the latest tick is `now`: everything due until then gets its outcome, in order. */
static void expect(struct model *m, int64_t now)
{
    size_t end = m->seen;
    zone_use(m->zone);
    while (end < m->n && m->dues[end].at <= now)
        end++;
    for (; m->seen < end; m->seen++) {
        struct due *due = &m->dues[m->seen];
        bool later = false;
        for (size_t i = m->seen + 1; i < end; i++)
            later |= !is_excepted(m, m->dues[i].at);
        bool late = m->deadline && now > due->at + m->deadline;
        bool overtaken = m->catch_up == CATCH_UP_LAST && later;
        bool forbidden = m->overlap == OVERLAP_FORBID && m->open_run;
        due->want = is_excepted(m, due->at) ? OUTCOME_SKIPPED
                    : late                  ? OUTCOME_MISSED
                    : overtaken             ? OUTCOME_COALESCED
                    : forbidden             ? OUTCOME_SKIPPED
                                            : OUTCOME_RAN;
        if (due->want == OUTCOME_RAN) {
            m->open_run = -1; /* its id is not known yet */
            m->open_until = now + m->takes;
        }
    }
    zone_restore();
}

/* ---- the world ---- */

static int64_t made[2000];
static size_t nmade;
static size_t total_runs;

static void note_run(int64_t run, void *arg)
{
    (void)arg;
    if (nmade < sizeof made / sizeof *made)
        made[nmade++] = run;
    total_runs++;
}

static struct model *model_of(const char *job)
{
    for (size_t i = 0; i < JOBS; i++)
        if (strcmp(models[i].name, job) == 0)
            return &models[i];
    return NULL;
}

/* Runs whose time is over end; those of jobs that allow overlap matter to nobody. */
static void end_runs(int64_t now)
{
    for (size_t i = 0; i < JOBS; i++) {
        struct model *m = &models[i];
        if (m->open_run <= 0 || now < m->open_until)
            continue;
        struct run_end end = {.id = m->open_run,
                              .attempt = 1,
                              .state = RUN_SUCCEEDED,
                              .attempt_state = RUN_SUCCEEDED,
                              .has_exit = true,
                              .finished_at = now};
        must(run_finish(cat, &end, &err), &err);
        m->open_run = 0;
    }
}

/* New runs start at once, so that no deadline ends them, and occupy those jobs that forbid overlap. */
static void take_runs(int64_t now)
{
    for (size_t i = 0; i < nmade; i++) {
        struct run run = get(made[i]);
        struct model *m = model_of(run.job);
        int attempt;
        must(run_claim(cat, run.id, "w", 1, now, &attempt, &err), &err);
        if (m->overlap == OVERLAP_FORBID)
            m->open_run = run.id;
        run_free(&run);
    }
    nmade = 0;
}

static void tick(int64_t now)
{
    struct schedule_tick t = {.now = now, .limit = 37, .made = note_run};
    begin();
    end_runs(now);
    do
        must(schedule_tick(cat, &t, &err), &err);
    while (t.more);
    for (size_t i = 0; i < JOBS; i++)
        expect(&models[i], now);
    take_runs(now);
    commit();
}

static uint64_t seed = 88172645463325252ULL;

static int64_t random_below(int64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (int64_t)(seed % (uint64_t)n);
}

/* Mostly a tick every few minutes; now and then nobody for hours, or the clock is wrong for a while. */
static size_t live(void)
{
    size_t ticks = 0;
    for (int64_t now = year_begin; now < year_end; ticks++) {
        tick(now);
        int64_t dice = random_below(400);
        if (dice == 0)
            now += HOUR + random_below(30 * HOUR); /* absent */
        else if (dice == 1 && now + 3 * HOUR < year_end)
            tick(now + random_below(3 * HOUR)); /* forward, and back again with the next tick */
        else if (dice == 2)
            tick(now - random_below(30 * HOUR)); /* back, and forward again */
        now += MINUTE + random_below(9) * MINUTE + random_below(MINUTE);
    }
    tick(year_end - 1);
    return ticks;
}

/* ---- the judgement ---- */

struct judging {
    const struct model *m;
    size_t at, wrong;
};

static int judge(const struct occurrence *o, void *arg)
{
    struct judging *j = arg;
    const struct due *want = j->at < j->m->n ? &j->m->dues[j->at] : NULL;
    char text[CLOCK_TEXT];
    if (!want || o->due_at != want->at || o->outcome != want->want ||
        (o->outcome == OUTCOME_RAN) != (o->runs != NULL) || (o->runs && strchr(o->runs, ','))) {
        if (j->wrong++ < 5)
            printf("#   %s %s: %s%s%s, not %s\n", o->job, clock_rfc3339(o->due_at, text),
                   outcome_name(o->outcome), o->reason ? ": " : "", o->reason ? o->reason : "",
                   want ? outcome_name(want->want) : "there at all");
    }
    j->at++;
    return 0;
}

static void add_job(const struct model *m)
{
    struct job_row row = {.name = (char *)m->name,
                          .timetable = (char *)m->timetable,
                          .catch_up = m->catch_up,
                          .overlap = m->overlap,
                          .deadline_ms = m->deadline,
                          .added_at = year_begin};
    must(spec_put(cat, "{}", 2, &row.spec, &err), &err);
    must(schedule_first(&row, year_begin - 1, &row.next_at, &err), &err);
    must(job_put(cat, &row, &err), &err);
}

int main(void)
{
    size_t ran = 0;
    /* nothing is to survive a power cut here, and every tick of a year syncs */
    if (access("/dev/shm", W_OK) == 0)
        test_begin_in("/dev/shm");
    else
        test_begin();
    cat = must_open(in_dir("c.db"), CATALOGUE_CREATE);
    begin();
    for (size_t i = 0; i < JOBS; i++) {
        find_dues(&models[i]);
        add_job(&models[i]);
    }
    commit();
    tap_ok(live() > 50000, "a year passes");
    for (size_t i = 0; i < JOBS; i++) {
        struct judging j = {.m = &models[i]};
        must(occurrence_select(cat, models[i].name, 0, INT64_MAX, judge, &j, &err), &err);
        tap_ok(j.wrong == 0 && j.at == models[i].n,
               "%s: each of %zu due instants has one occurrence with the right outcome (%zu wrong, "
               "%zu there)",
               models[i].name, models[i].n, j.wrong, j.at);
        for (size_t d = 0; d < models[i].n; d++)
            ran += models[i].dues[d].want == OUTCOME_RAN;
        free(models[i].dues);
    }
    tap_int((long long)total_runs, (long long)ran, "and there are as many runs as ran");
    catalogue_close(cat);
    return tap_done();
}
