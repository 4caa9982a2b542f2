/*
 * sending: what is due is taken, told, and recorded as told or to be tried again.
 *
 * No transaction is open while a program runs. Taking moves the time of a delivery beyond the
 * longest that sending can last: who dies in between leaves it to be told again after that.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "duration.h"
#include "monitor/channel.h"
#include "monitor/check.h"
#include "monitor/curl.h"
#include "monitor/notice.h"
#include "monitor/sender.h"
#include "xalloc.h"

#define MINUTE_MS  INT64_C(60000)
#define LEASE_MS   (5 * MINUTE_MS)
#define GIVE_UP_MS INT64_C(86400000)

/* Until the next try, by how many were made; the last one from then on. */
static const int64_t pauses[] = {MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, 60 * MINUTE_MS};
enum { PAUSES = sizeof pauses / sizeof *pauses };

/* What is told to one section. */
struct batch {
    struct delivery *list;
    size_t n;
    struct notice notice;
};

static void batch_free(struct batch *batch)
{
    free(batch->list);
    notice_free(&batch->notice);
}

/* ---- taking ---- */

/* A section that is not in the configuration any more is told nothing. */
static int give_up_gone(struct check *check, const struct batch *batch, const char *name,
                        struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < batch->n; i++)
        rc = delivery_failed(check->cat, batch->list[i].id, 0, "its [alert] section is gone", err);
    check_say(check, "dropped", "what was to be told to %s: there is no [alert %s] any more", name,
              name);
    return rc;
}

static int take(struct check *check, const char *name, struct batch *batch, struct err *err)
{
    const struct alert_config *section = config_alert(check->config, name);
    int rc = delivery_lease(check->cat, name, check->now, clock_now() + LEASE_MS, &batch->list,
                            &batch->n, err);
    if (rc == 0 && !section && batch->n)
        rc = give_up_gone(check, batch, name, err);
    batch->notice = (struct notice){.section = section, .now = check->now};
    if (rc == 0 && section)
        rc = notice_load(&batch->notice, check->cat, batch->list, batch->n, err);
    return rc;
}

/* In one transaction, which with dry_run is that of check_evaluate. */
static int take_all(struct check *check, struct batch **batches, size_t *n, struct err *err)
{
    struct strlist names = {0};
    int rc = delivery_channels(check->cat, check->now, &names, err);
    if (rc == 0 && names.n && !check->dry_run)
        rc = catalogue_begin(check->cat, err);
    *batches = xcalloc(names.n + 1, sizeof **batches);
    for (*n = 0; rc == 0 && *n < names.n; ++*n)
        rc = take(check, names.v[*n], &(*batches)[*n], err);
    if (rc == 0 && names.n && !check->dry_run)
        rc = catalogue_commit(check->cat, err);
    if (rc < 0)
        catalogue_rollback(check->cat);
    strlist_free(&names);
    return rc;
}

/* ---- recording ---- */

static int record_failure(struct check *check, const struct batch *batch, const char *trouble,
                          struct err *err)
{
    int rc = 0, tries = 0;
    char pause[DURATION_TEXT];
    size_t lost = 0;
    for (size_t i = 0; i < batch->n; i++)
        tries = batch->list[i].tries > tries ? batch->list[i].tries : tries;
    int64_t wait = pauses[tries > PAUSES ? PAUSES - 1 : tries > 0 ? tries - 1 : 0];
    for (size_t i = 0; rc == 0 && i < batch->n; i++) {
        bool over = check->now - batch->list[i].made_at > GIVE_UP_MS;
        lost += over;
        rc = delivery_failed(check->cat, batch->list[i].id, over ? 0 : check->now + wait, trouble,
                             err);
    }
    check->untold++;
    /* the first time, and when something will never be told: not at each try in between */
    if (lost)
        check_say(check, "given up", "%s: %zu alerts were not told within a day: %s",
                  batch->notice.section->name, lost, trouble);
    else if (tries == 1)
        check_say(check, "not sent", "%s: %s; again in %s", batch->notice.section->name, trouble,
                  duration_text(wait, pause));
    return rc;
}

static int record_success(struct check *check, const struct batch *batch, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < batch->n; i++)
        rc = delivery_sent(check->cat, batch->list[i].id, check->now, err);
    if (!batch->notice.n) /* nothing was left to tell */
        return rc;
    char *how = channel_describe(batch->notice.section);
    check->told++;
    check_say(check, "sent", "%s: %zu %s %s", batch->notice.section->name, batch->notice.n,
              batch->notice.n == 1 ? "alert" : "alerts", how);
    free(how);
    return rc;
}

static int record_heartbeat(struct check *check, const char *trouble, struct err *err)
{
    bool changed;
    int rc = monitor_heartbeat(check->cat, trouble, &changed, err);
    if (rc == 0 && changed && trouble)
        check_say(check, "not sent", "the heartbeat: %s", trouble);
    else if (rc == 0 && changed)
        check_say(check, "sent", "the heartbeat again");
    return rc;
}

/* ---- all of it ---- */

static void show(struct check *check, const struct batch *batches, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct buf text = {0};
        if (!batches[i].notice.section || !batches[i].notice.n)
            continue;
        notice_subject(&batches[i].notice, &text);
        check_say(check, "would send", "%s: %s", batches[i].notice.section->name, buf_str(&text));
        buf_free(&text);
    }
}

static bool is_sent(const struct batch *batch)
{
    return batch->notice.section && batch->n;
}

/* Alerts that were forgotten, and reminders of what is over, leave deliveries of nothing; they count as
 * told. */
static void prepare(struct check *check, const struct batch *batches, size_t n,
                    struct sender *senders, size_t *nsenders)
{
    for (size_t i = 0; i < n; i++)
        if (is_sent(&batches[i]) && batches[i].notice.n)
            channel_prepare(check->config, &batches[i].notice, &senders[(*nsenders)++]);
    if (check->config->monitor.heartbeat && !check->silent)
        curl_prepare(check->config->monitor.heartbeat, &senders[(*nsenders)++]);
}

static int record(struct check *check, const struct batch *batches, size_t n,
                  const struct sender *senders, size_t nsenders, struct err *err)
{
    size_t at = 0;
    int rc = catalogue_begin(check->cat, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (!is_sent(&batches[i]))
            continue;
        const char *trouble = batches[i].notice.n ? senders[at++].trouble : NULL;
        rc = trouble ? record_failure(check, &batches[i], trouble, err)
                     : record_success(check, &batches[i], err);
    }
    if (rc == 0 && at < nsenders)
        rc = record_heartbeat(check, senders[at].trouble, err);
    if (rc == 0)
        rc = catalogue_commit(check->cat, err);
    if (rc < 0)
        catalogue_rollback(check->cat);
    return rc;
}

int check_send(struct check *check, struct err *err)
{
    struct batch *batches = NULL;
    size_t n = 0, nsenders = 0;
    int rc = take_all(check, &batches, &n, err);
    struct sender *senders = xcalloc(n + 1, sizeof *senders);
    if (rc == 0 && check->dry_run)
        show(check, batches, n);
    if (rc == 0 && !check->dry_run)
        prepare(check, batches, n, senders, &nsenders);
    sender_run(senders, nsenders);
    if (rc == 0 && !check->dry_run && (n || nsenders))
        rc = record(check, batches, n, senders, nsenders, err);
    if (check->dry_run)
        catalogue_rollback(check->cat);
    for (size_t i = 0; i < nsenders; i++)
        sender_free(&senders[i]);
    for (size_t i = 0; i < n; i++)
        batch_free(&batches[i]);
    free(senders);
    free(batches);
    return rc;
}

int check_sample(const struct config *config, const struct alert_config *section, int64_t now,
                 struct err *err)
{
    struct notice notice = {.section = section, .now = now};
    struct sender sender = {0};
    struct err none;
    char sample[] = "sample", failed[] = "failed";
    char detail[] = "a test of this channel: nothing is wrong";
    struct notice_item item = {.alert = {.rule = failed,
                                         .subject = sample,
                                         .detail = detail,
                                         .count = 1,
                                         .opened_at = now},
                               .kind = DELIVERY_OPENED};
    int rc = 0;
    (void)notice_load(&notice, NULL, NULL, 0, &none); /* the name of this machine */
    notice.v = &item;
    notice.n = 1;
    channel_prepare(config, &notice, &sender);
    sender_run(&sender, 1);
    if (sender.trouble)
        rc = err_set(err, ERR_ANSWER, "[alert %s]: %s", section->name, sender.trouble);
    sender_free(&sender);
    return rc;
}
