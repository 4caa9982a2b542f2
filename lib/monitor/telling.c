/*
 * telling: which sections are told of an alert, and when. Made of what is there: the alert, the
 * configuration as it is now, and what each section was told before.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/check.h"

#define BIT(rule) (1U << (rule))

enum { OF_JOBS = BIT(ALERT_FAILED) | BIT(ALERT_MISSED) | BIT(ALERT_LATE) | BIT(ALERT_LOST) };

/* Whether a name stands in a list with commas. */
static bool is_listed(const char *list, const char *name)
{
    size_t len = strlen(name);
    for (const char *p = list; p; p = strchr(p, ','), p = p ? p + 1 : NULL)
        if (strncmp(p, name, len) == 0 && (!p[len] || p[len] == ','))
            return true;
    return false;
}

/* A job whose sections are all gone from the configuration is told to everybody. */
static bool is_notified(const struct config *config, const struct alert_config *section,
                        const char *notify)
{
    if (is_listed(notify, section->name))
        return true;
    for (size_t i = 0; i < config->nalerts; i++)
        if (is_listed(notify, config->alerts[i].name))
            return false;
    return true;
}

/* Whether the job, if it is one, is the section's business. */
static bool is_audience(const struct check *check, const struct alert_config *section,
                        const struct alert *alert)
{
    if (!alert_rule_is_of_job(alert_rule_of(alert->rule)))
        return true;
    if (alert->notify)
        return is_notified(check->config, section, alert->notify);
    for (size_t i = 0; i < section->jobs.n; i++)
        if (fnmatch(section->jobs.v[i], alert->subject, 0) == 0)
            return true;
    return section->jobs.n == 0;
}

static bool wants(const struct check *check, const struct alert_config *section,
                  const struct alert *alert)
{
    enum alert_rule rule = alert_rule_of(alert->rule);
    return section->on & BIT(rule) && (rule != ALERT_FAILED || alert->count >= section->streak) &&
           is_audience(check, section, alert);
}

/* What belongs to a dead host is told with it: with its end too, where that is told. */
static bool is_told_with_parent(const struct alert_config *section, const struct alert *alert)
{
    return alert->parent && section->on & BIT(ALERT_HOST_DOWN) &&
           (!alert->parent_closed_at || section->on & BIT(ALERT_HOST_UP));
}

static int tell_section(struct check *check, const struct alert_config *section,
                        const struct alert *alert, struct err *err)
{
    int64_t last;
    if (!wants(check, section, alert))
        return 0;
    int rc = delivery_last(check->cat, section->name, alert->id, &last, err);
    bool with_parent = !last && is_told_with_parent(section, alert);
    if (rc < 0 || (with_parent && !alert->parent_closed_at))
        return rc;
    if (with_parent)
        last = alert->parent_closed_at;
    if (last && (!section->remind_ms || check->now - last < section->remind_ms))
        return 0;
    rc = delivery_put(check->cat, section->name, last ? DELIVERY_REMINDER : DELIVERY_OPENED,
                      alert->id, check->now, check->now, err);
    if (rc == 0 && last)
        rc = alert_remind(check->cat, alert->id, check->now, err);
    return rc;
}

static int tell_part_section(struct check *check, const struct alert_config *section,
                             const struct alert *old, const struct alert *alert, int64_t due,
                             struct err *err)
{
    int64_t own = 0, whole = 0;
    bool known = old && old->parent == alert->parent && wants(check, section, old);
    if (known || !wants(check, section, alert) || !is_told_with_parent(section, alert))
        return 0;
    int rc = delivery_last(check->cat, section->name, alert->id, &own, err);
    if (rc == 0)
        rc = delivery_last(check->cat, section->name, alert->parent, &whole, err);
    /* what is told of the whole in this check tells this part, too: it is read when it is sent */
    if (rc < 0 || own || !whole || whole == check->now)
        return rc;
    rc = delivery_put(check->cat, section->name, DELIVERY_REMINDER, alert->parent, check->now, due,
                      err);
    return rc < 0 ? rc : alert_remind(check->cat, alert->parent, check->now, err);
}

int telling_part(struct check *check, const struct alert *old, const struct alert *alert,
                 int64_t due, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < check->config->nalerts; i++)
        rc = tell_part_section(check, &check->config->alerts[i], old, alert, due, err);
    return rc;
}

int telling_open(struct check *check, const struct alert *alert, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < check->config->nalerts; i++)
        rc = tell_section(check, &check->config->alerts[i], alert, err);
    return rc;
}

/* The word of `on` that stands for the end of a rule's trouble. */
static enum alert_rule word_of_end(enum alert_rule rule)
{
    return alert_rule_is_of_job(rule) ? ALERT_RECOVERED
           : rule == ALERT_HOST_DOWN  ? ALERT_HOST_UP
                                      : rule;
}

/* Those that were told of the beginning, and those that asked for ends only. */
static int close_section(struct check *check, const struct alert_config *section,
                         const struct alert *alert, struct err *err)
{
    enum alert_rule rule = alert_rule_of(alert->rule), word = word_of_end(rule);
    unsigned beginnings = word == ALERT_RECOVERED ? OF_JOBS : BIT(rule);
    int64_t last;
    if (!(section->on & BIT(word)))
        return 0;
    int rc = delivery_last(check->cat, section->name, alert->id, &last, err);
    if (rc < 0)
        return rc;
    if (!last && (section->on & beginnings || alert->parent || !is_audience(check, section, alert)))
        return 0;
    return delivery_put(check->cat, section->name, DELIVERY_CLOSED, alert->id, check->now,
                        check->now, err);
}

int telling_close(struct check *check, const struct alert *alert, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < check->config->nalerts; i++)
        rc = close_section(check, &check->config->alerts[i], alert, err);
    return rc;
}
