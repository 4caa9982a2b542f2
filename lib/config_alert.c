#include "config_alert.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "duration.h"
#include "job.h"
#include "near.h"
#include "xalloc.h"

enum { STREAK_MAX = 1000, FACTOR_MAX = 1000 };

#define REMIND_MS       INT64_C(86400000)
#define QUEUE_AGE_MS    INT64_C(3600000)
#define DOWN_AFTER_MS   INT64_C(60000)
#define SILENT_AFTER_MS INT64_C(180000)
#define DISK_BYTES      (INT64_C(1) << 30)

static const struct word {
    const char *name; /* first: near_word walks the table */
    bool of_job;
} words[ALERT_WORDS] = {
    [ALERT_FAILED] = {"failed", true},
    [ALERT_MISSED] = {"missed", true},
    [ALERT_LATE] = {"late", true},
    [ALERT_LOST] = {"lost", true},
    [ALERT_HOST_DOWN] = {"host-down", false},
    [ALERT_QUEUE_AGE] = {"queue-age", false},
    [ALERT_SILENT] = {"dispatcher-silent", false},
    [ALERT_DISK] = {"disk", false},
    [ALERT_RECOVERED] = {"recovered", false},
    [ALERT_HOST_UP] = {"host-up", false},
};

const char *alert_rule_name(enum alert_rule rule)
{
    return rule < ALERT_WORDS ? words[rule].name : "?";
}

enum alert_rule alert_rule_of(const char *name)
{
    int rule = 0;
    while (rule < ALERT_WORDS && strcmp(words[rule].name, name) != 0)
        rule++;
    return (enum alert_rule)rule;
}

bool alert_rule_is_of_job(enum alert_rule rule)
{
    return rule < ALERT_RULES && words[rule].of_job;
}

enum alert_channel alert_channel(const struct alert_config *alert)
{
    int channel = 0;
    while (channel < CHANNELS && !alert->to[channel].n)
        channel++;
    return (enum alert_channel)channel;
}

/* ---- values ---- */

/* "3 in a row" */
static int read_streak(const char *text, int *streak, struct err *err)
{
    int number = 0;
    for (; isdigit((unsigned char)*text) && number <= STREAK_MAX; text++)
        number = number * 10 + (*text - '0');
    if (number < 1 || number > STREAK_MAX || strcmp(text, " in a row") != 0)
        return err_set(err, ERR_CONFIG, "write it as failed: 3 in a row");
    *streak = number;
    return 0;
}

static int unknown_word(const char *word, struct err *err)
{
    const char *near = near_word(word, words, ALERT_WORDS, sizeof *words);
    if (near)
        return err_set(err, ERR_CONFIG, "there is no rule '%s' (did you mean '%s'?)", word, near);
    return err_set(err, ERR_CONFIG,
                   "there is no rule '%s' (there are failed, missed, late, lost, recovered, "
                   "host-down, host-up, queue-age, dispatcher-silent, disk)",
                   word);
}

static int read_rule(void *to, const char *item, struct err *err)
{
    struct alert_config *alert = to;
    size_t len = strcspn(item, ":");
    char *word = xstrndup(item, len);
    enum alert_rule rule = alert_rule_of(word);
    int rc = 0;
    if (rule == ALERT_WORDS)
        rc = unknown_word(word, err);
    else if (alert->on & 1U << rule)
        rc = err_set(err, ERR_CONFIG, "'%s' stands twice", word);
    else if (item[len] && rule != ALERT_FAILED)
        rc = err_set(err, ERR_CONFIG, "'%s' takes no number: only 'failed: 3 in a row' does", word);
    else if (item[len])
        rc = read_streak(item + len + 1 + strspn(item + len + 1, " \t"), &alert->streak, err);
    if (rc == 0)
        alert->on |= 1U << rule;
    free(word);
    return rc;
}

int alert_read_on(void *to, const char *value, struct err *err)
{
    return config_each_item(value, to, read_rule, err);
}

int alert_read_template(void *to, const char *value, struct err *err)
{
    if (strcmp(value, "slack") != 0)
        return err_set(err, ERR_CONFIG,
                       "there is no template '%s': there is slack; without one it is JSON", value);
    *(bool *)to = true;
    return 0;
}

int alert_read_duration(void *to, const char *value, struct err *err)
{
    *(int64_t *)to = 0;
    return strcmp(value, "never") == 0 ? 0 : duration_parse(value, to, err);
}

/* Characters of names, and * ? [a-z]. */
static int add_pattern(void *to, const char *item, struct err *err)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "._-*?[]!^";
    if (item[strspn(item, allowed)])
        return err_set(err, ERR_CONFIG, "'%s' is no name of a job or pattern (write backup-*)",
                       item);
    strlist_add(to, item);
    return 0;
}

int alert_read_jobs(void *to, const char *value, struct err *err)
{
    return config_each_item(value, to, add_pattern, err);
}

int alert_read_size(void *to, const char *value, struct err *err)
{
    return size_parse(value, to, err);
}

/* "3" or "2.5", without the locale's point. */
int alert_read_factor(void *to, const char *value, struct err *err)
{
    const char *c = value;
    double factor = 0, unit = 1;
    if (strcmp(value, "never") == 0) {
        *(double *)to = 0;
        return 0;
    }
    for (; isdigit((unsigned char)*c); c++)
        factor = factor * 10 + (*c - '0');
    if (*c == '.')
        for (c++; isdigit((unsigned char)*c); c++)
            factor += (*c - '0') * (unit /= 10);
    if (*c || !isdigit((unsigned char)*value) || factor < 1 || factor > FACTOR_MAX)
        return err_set(err, ERR_CONFIG, "is to be a factor from 1 to %d, or never, not '%s'",
                       FACTOR_MAX, value);
    *(double *)to = factor;
    return 0;
}

/* Words between blanks; no shell reads them. */
int alert_read_program(void *to, const char *value, struct err *err)
{
    struct strlist *argv = to;
    if (value[0] != '/')
        return err_set(err, ERR_CONFIG,
                       "is to be the path of a program from /, perhaps with arguments, not '%s'",
                       value);
    strlist_free(argv);
    for (value += strspn(value, " \t"); *value; value += strspn(value, " \t")) {
        size_t len = strcspn(value, " \t");
        strlist_take(argv, xstrndup(value, len));
        value += len;
    }
    return 0;
}

/* ---- the sections ---- */

void monitor_config_init(struct monitor_config *monitor)
{
    *monitor = (struct monitor_config){
        .queue_age_ms = QUEUE_AGE_MS,
        .down_after_ms = DOWN_AFTER_MS,
        .silent_after_ms = SILENT_AFTER_MS,
        .disk_bytes = DISK_BYTES,
        .late_factor = 3,
    };
    strlist_add(&monitor->sendmail, "/usr/sbin/sendmail");
}

void monitor_config_free(struct monitor_config *monitor)
{
    free(monitor->heartbeat);
    free(monitor->from);
    strlist_free(&monitor->sendmail);
    *monitor = (struct monitor_config){0};
}

struct alert_config *config_add_alert(struct config *config, const char *name, const char *place)
{
    config->alerts = xreallocarray(config->alerts, config->nalerts + 1, sizeof *config->alerts);
    struct alert_config *alert = &config->alerts[config->nalerts++];
    *alert = (struct alert_config){
        .name = xstrdup(name), .place = xstrdup(place), .streak = 1, .remind_ms = REMIND_MS};
    return alert;
}

void alert_config_free(struct alert_config *alert)
{
    free(alert->name);
    free(alert->place);
    for (int i = 0; i < CHANNELS; i++)
        strlist_free(&alert->to[i]);
    strlist_free(&alert->jobs);
}

const struct alert_config *config_alert(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->nalerts; i++)
        if (strcmp(config->alerts[i].name, name) == 0)
            return &config->alerts[i];
    return NULL;
}

static void check_channel(const struct alert_config *alert, struct errlist *errors)
{
    int n = 0;
    for (int i = 0; i < CHANNELS; i++)
        n += alert->to[i].n > 0;
    char *needed = channel_list(" =", " or "), *excluded = channel_list("", " and ");
    if (n == 0)
        errlist_add(errors, ERR_CONFIG, alert->place, "[alert %s] tells nobody: give it %s",
                    alert->name, needed);
    if (n > 1)
        errlist_add(errors, ERR_CONFIG, alert->place,
                    "[alert %s] has more than one of %s: make a section of each", alert->name,
                    excluded);
    free(needed);
    free(excluded);
}

static void check_alert(const struct config *config, const struct alert_config *alert,
                        struct errlist *errors)
{
    if (!name_is_valid(alert->name))
        errlist_add(errors, ERR_CONFIG, alert->place,
                    "'%s' is no name of an [alert] (letters, digits, . _ -)", alert->name);
    else if (config_alert(config, alert->name) != alert)
        errlist_add(errors, ERR_CONFIG, alert->place, "[alert %s] is there twice, first at %s",
                    alert->name, config_alert(config, alert->name)->place);
    check_channel(alert, errors);
    if (!alert->on)
        errlist_add(errors, ERR_CONFIG, alert->place,
                    "[alert %s] is for nothing: give it on = failed, recovered, host-down …",
                    alert->name);
    if (alert->slack && !alert->to[CHANNEL_WEBHOOK].n)
        errlist_add(errors, ERR_CONFIG, alert->place,
                    "[alert %s]: 'template' means something with webhook = only", alert->name);
}

void config_check_alerts(const struct config *config, struct errlist *errors)
{
    for (size_t i = 0; i < config->nalerts; i++)
        if (config->alerts[i].name[0]) /* else its line was complained about */
            check_alert(config, &config->alerts[i], errors);
}

bool config_is_monitored(const struct config *config)
{
    return config->nalerts || config->monitor.heartbeat;
}
