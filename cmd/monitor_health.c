/* rota monitor: one screen of health. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "duration.h"
#include "escape.h"
#include "exitcode.h"
#include "log.h"
#include "monitor/health.h"
#include "monitor_commands.h"
#include "monitor_health.h"
#include "near.h"
#include "opt.h"
#include "view_health.h"

/* One screen: what is more than this is counted, unless -o wide asks for all of it. Of more hosts the table
 * shows only those that are worth a look. */
enum { FEW = 25 };

static bool paint; /* colours go out */
static bool wide;

static void put_text(const char *text)
{
    struct buf out = {0};
    escape_terminal(&out, text, strlen(text), false);
    (void)fputs(buf_str(&out), stdout);
    buf_free(&out);
}

static void put_more(size_t all, size_t shown)
{
    if (shown < all)
        printf("(%zu more; -o wide shows all)\n", all - shown);
}

static size_t few(size_t n)
{
    return n <= FEW || wide ? n : FEW;
}

static bool has_colours(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no && no[0]) && !(term && strcmp(term, "dumb") == 0);
}

static void put_coloured(const char *code, const char *text)
{
    if (paint)
        printf("\033[%sm%s\033[0m", code, text);
    else
        (void)fputs(text, stdout);
}

/* ---- the verdict ---- */

static void put_verdict(const struct health *h)
{
    if (h->nbad) {
        put_coloured("1;31", "unhealthy");
        printf(": %zu thing%s to mend\n", h->nbad, h->nbad == 1 ? "" : "s");
    } else {
        put_coloured("1;32", "healthy");
        printf(": %zu host%s, %" PRId64 " job%s, %" PRId64 " queued, %" PRId64 " running\n",
               h->roster.n, h->roster.n == 1 ? "" : "s", h->schedules.jobs,
               h->schedules.jobs == 1 ? "" : "s", h->queue.runs[RUN_QUEUED],
               h->queue.runs[RUN_STARTING] + h->queue.runs[RUN_RUNNING]);
    }
    size_t shown = few(h->ntroubles);
    for (size_t i = 0; i < shown; i++) {
        const struct trouble *t = &h->troubles[i];
        (void)fputs("  ", stdout);
        put_coloured(t->bad ? "31" : "33", t->bad ? "!" : "-");
        (void)putchar(' ');
        put_text(t->what);
        if (t->mend) {
            (void)fputs("  -> ", stdout);
            put_text(t->mend);
        }
        (void)putchar('\n');
    }
    put_more(h->ntroubles, shown);
}

/* ---- the lines ---- */

static const char *ago(const struct health *h, int64_t at, char text[DURATION_TEXT])
{
    int64_t ms = h->now > at ? h->now - at : 0;
    return duration_text(ms < 1000 ? ms : ms / 1000 * 1000, text);
}

static void put_dispatcher(const struct health *h)
{
    const struct holder *holder = &h->dispatcher.holder;
    char since[DURATION_TEXT], turn[DURATION_TEXT];
    (void)fputs("dispatcher  ", stdout);
    if (h->dispatcher.alive) {
        printf("alive: process %d on ", (int)holder->pid);
        put_text(holder->host);
        printf(" for %s", ago(h, holder->since, since));
    } else if (h->dispatcher.died) {
        printf("dead: process %d on ", (int)holder->pid);
        put_text(holder->host);
    } else if (holder->seen_at) {
        printf("none now; the last one left %s ago", ago(h, holder->seen_at, since));
    } else {
        (void)fputs("none yet", stdout);
    }
    if (holder->longest_us)
        printf("; longest loop turn %s", duration_text((holder->longest_us + 999) / 1000, turn));
    (void)putchar('\n');
}

static void put_queue(const struct health *h)
{
    char text[DURATION_TEXT];
    (void)fputs("queue       ", stdout);
    for (int state = RUN_STATE_FIRST; state < RUN_SUCCEEDED; state++)
        if (h->queue.runs[state] || state == RUN_QUEUED || state == RUN_RUNNING)
            printf("%" PRId64 " %s, ", h->queue.runs[state], run_state_name((enum run_state)state));
    if (h->queue.oldest)
        printf("oldest %" PRId64 " waits for %s, ", h->queue.oldest,
               ago(h, h->queue.oldest_at, text));
    printf("%.1f ended a minute\n", (double)h->queue.ended * 60000 / HEALTH_RECENT_MS);
}

static void put_schedules(const struct health *h)
{
    const struct schedule_counts *c = &h->schedules;
    printf("schedules   %" PRId64 " of %" PRId64 " job%s: %" PRId64 " overdue, %" PRId64
           " missed in the last day, %" PRId64 " paused, %" PRId64 " set aside\n",
           c->scheduled, c->jobs, c->jobs == 1 ? "" : "s", c->overdue, c->missed, c->paused,
           c->aside);
}

static void put_rest(const struct health *h)
{
    char size[DURATION_TEXT], wal[DURATION_TEXT], room[DURATION_TEXT], check[DURATION_TEXT];
    if (h->checked_at)
        printf("alerts      %zu open, checked %s ago\n", h->nalerts, ago(h, h->checked_at, check));
    else
        printf("alerts      %zu open, never checked\n", h->nalerts);
    printf("catalogue   %s, WAL %s, %s free\n", size_text(h->catalogue.bytes, size),
           size_text(h->catalogue.wal_bytes, wal),
           h->catalogue.free_kb < 0 ? "?" : size_text(h->catalogue.free_kb * 1024, room));
    printf("hosts       %zu: %zu up, %zu down, %zu drained, %zu not heard of yet\n", h->roster.n,
           h->up, h->down, h->drained, h->unknown);
}

/* ---- the tables ---- */

/* n records of `size` bytes each, of `all` that there are; nothing when there are none. */
static int put_table(const char *form, const struct view_record *record, const void *records,
                     size_t n, size_t all, size_t size, struct err *err)
{
    struct view *view;
    n = few(n);
    if (!n) {
        put_more(all, n);
        return 0;
    }
    (void)putchar('\n');
    (void)fflush(stdout);
    int rc = view_new(&view, record, form, VIEW_TABLE, NULL, stdout, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        (void)view_add(view, (const char *)records + i * size);
    if (rc == 0)
        rc = view_end(view, err);
    if (rc == 0)
        put_more(all, n);
    return rc;
}

static bool is_worth_a_look(const struct host_record *r)
{
    return r->known.drained || r->known.state == HOST_DOWN || r->runs;
}

static int put_hosts(const struct health *h, const char *form, struct err *err)
{
    bool all = few(h->roster.n) == h->roster.n;
    struct host_record *shown = calloc(h->roster.n + 1, sizeof *shown);
    size_t n = 0;
    for (size_t i = 0; shown && i < h->roster.n; i++)
        if (all || is_worth_a_look(&h->roster.v[i]))
            shown[n++] = h->roster.v[i];
    int rc = put_table(form, &view_vitals_record, shown, n, h->roster.n, sizeof *shown, err);
    free(shown);
    return rc;
}

static int put_screen(const struct health *h, const char *form, struct err *err)
{
    paint = has_colours();
    wide = form && strcmp(form, "wide") == 0;
    put_verdict(h);
    (void)putchar('\n');
    put_dispatcher(h);
    put_queue(h);
    put_schedules(h);
    put_rest(h);
    int rc = put_hosts(h, form, err);
    if (rc == 0)
        rc = put_table(form, &view_failing_record, h->failing, h->nfailing, h->nfailing,
                       sizeof *h->failing, err);
    if (rc == 0)
        rc = put_table(form, &view_missing_record, h->missing, h->nmissing, h->nmissing,
                       sizeof *h->missing, err);
    if (rc == 0)
        rc = put_table(form, &view_alert_record, h->alerts, h->nalerts, h->nalerts,
                       sizeof *h->alerts, err);
    if (rc == 0)
        rc = put_table(form, &view_undelivered_record, h->undelivered, h->nundelivered,
                       h->nundelivered, sizeof *h->undelivered, err);
    return rc;
}

/* ---- the command ---- */

/* It shows several lists at once: in no form that is one list of one kind. */
static int check_form(const char *form, struct err *err)
{
    static const char *const forms[] = {"table", "wide", "json", "schema"};
    enum { N = sizeof forms / sizeof *forms };
    for (size_t i = 0; form && i < N; i++)
        if (strcmp(form, forms[i]) == 0)
            return form[0] == 's' ? monitor_health_schema(stdout, err) : 0;
    const char *near = form ? near_word(form, forms, N, sizeof *forms) : NULL;
    if (near)
        return err_set(err, ERR_USAGE, "unknown form '%s' (did you mean '%s'?)", form, near);
    return form ? err_set(err, ERR_USAGE, "unknown form '%s' (write table, wide, json or schema)",
                          form)
                : 0;
}

static int show(struct command *command, const char *form, struct err *err)
{
    struct health health = {0};
    int rc = command_open(command, CATALOGUE_READ, err);
    if (rc == 0)
        rc = health_read(&health, &command->config, command->cat, clock_now(), err);
    bool quiet = log_level() < LOG_WARN, healthy = !health.nbad;
    if (rc == 0 && form && strcmp(form, "json") == 0)
        monitor_health_json(&health, stdout);
    else if (rc == 0 && !quiet)
        rc = put_screen(&health, form, err);
    health_free(&health);
    return rc < 0 ? rc : healthy ? EXITCODE_DONE : EXITCODE_NO;
}

static int no_verb(const char *word, struct err *err)
{
    const char *near = monitor_verb_near(word);
    return near ? err_set(err, ERR_USAGE, "no subcommand '%s' (did you mean '%s'?)", word, near)
                : err_set(err, ERR_USAGE,
                          "no subcommand '%s' (there are doctor, check, metrics, board)", word);
}

int monitor_health(struct command *command, int argc, char **argv, struct err *err)
{
    const char *form = NULL;
    const struct option_row options[] = {{'o', "output", OPT_STRING, &form}, {0}};
    int first = opt_parse(argc, argv, options, monitor_usage, NULL, err);
    int rc = first < 0 ? first : check_form(form, err);
    if (rc == 0 && first < argc)
        rc = no_verb(argv[first], err);
    return rc < 0 ? rc : show(command, form, err);
}
