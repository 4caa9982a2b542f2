#include "cron.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cron_field.h"
#include "cron_quartz.h"
#include "near.h"

/* Cuts the text at blanks into at most `most` + 1 fields; how many there are, or one more than that. */
static int split(const char *text, struct cron_span *spans, int most)
{
    int n = 0;
    for (;;) {
        text += strspn(text, " \t");
        if (!*text)
            return n;
        if (n == most)
            return n + 1;
        spans[n] = (struct cron_span){text, strcspn(text, " \t")};
        text += spans[n++].len;
    }
}

/* Whether a field begins with a step of *, which takes days away although it counts as unrestricted. */
static bool is_star_step(struct cron_span span)
{
    bool all = span.len > 2 && span.p[2] == '1' && (span.len == 3 || span.p[3] == ',');
    return span.len > 2 && span.p[0] == '*' && span.p[1] == '/' && !all;
}

static int read_fields(struct cron_reader *r, const struct cron_span spans[CRON_FIELDS])
{
    uint64_t bits[CRON_FIELDS] = {0};
    struct cron *cron = r->cron;
    for (int i = 0; i < CRON_FIELDS; i++)
        if (cron_read_field(r, i, spans[i], &bits[i]))
            return ERR_DATA;
    cron->seconds = bits[CRON_SECOND];
    cron->minutes = bits[CRON_MINUTE];
    cron->hours = (uint32_t)bits[CRON_HOUR];
    cron->days = (uint32_t)bits[CRON_DAY];
    cron->months = (uint32_t)bits[CRON_MONTH];
    cron->weekdays =
        (uint8_t)((bits[CRON_WEEKDAY] | bits[CRON_WEEKDAY] >> 7) & 0x7f); /* 7 is Sunday too */
    cron->real_time = *spans[CRON_HOUR].p == '*';
    cron->any_day = *spans[CRON_DAY].p == '*';
    cron->any_weekday = *spans[CRON_WEEKDAY].p == '*';
    cron->star_step_day = (is_star_step(spans[CRON_DAY]) && !cron->any_weekday) ||
                          (is_star_step(spans[CRON_WEEKDAY]) && !cron->any_day);
    return 0;
}

/* ---- expressions ---- */

struct word {
    const char *text, *means;
};

static const struct word words[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
};

static bool is_word(struct cron_span span, const char *word)
{
    return strlen(word) == span.len && strncasecmp(span.p, word, span.len) == 0;
}

static int read_word(struct cron_reader *r, struct cron_span span, int n)
{
    const struct word *word = words, *end = words + sizeof words / sizeof *words;
    if (is_word(span, "@reboot"))
        return cron_refuse(r, span.p, "is no time: start it from the host's own crontab");
    if (is_word(span, "@every"))
        return cron_refuse(r, span.p, "is not cron's (write every:%s instead of cron:)",
                           n > 1 ? span.p + span.len : " 15m");
    while (word < end && !is_word(span, word->text))
        word++;
    if (word < end && n == 1)
        return cron_parse(word->means, r->name, r->cron, r->err);
    if (word < end)
        return cron_refuse(r, span.p + span.len, "has something after %s", word->text);
    char text[16];
    (void)snprintf(text, sizeof text, "%.*s", (int)span.len, span.p);
    const char *near = near_word(text, words, sizeof words / sizeof *words, sizeof *words);
    if (near)
        return cron_refuse(r, span.p, "is not known (did you mean %s?)", near);
    return cron_refuse(r, span.p,
                       "is not known (@hourly, @daily, @weekly, @monthly and @yearly are)");
}

/* Neither five fields nor six. */
static int refuse_count(const struct cron_reader *r, const struct cron_span *spans, int n)
{
    static const char wanted[] = "an expression has 5, or 6 with seconds first";
    if (n == 0)
        return cron_refuse(r, r->end, "is empty (%s)", wanted);
    if (n < CRON_FIELDS - 1)
        return cron_refuse(r, r->end, "has %d field%s (%s)", n, n > 1 ? "s" : "", wanted);
    const char *more = spans[CRON_FIELDS].p;
    if (n > CRON_FIELDS + 1 || more[strspn(more, "0123456789*?,-/")])
        return cron_refuse(r, more,
                           "has more than 6 fields (a command is written shell:, not here)");
    return cron_refuse(r, more, "has 7 fields (%s; for years there is from: and until:)", wanted);
}

/* Quartz and AWS write ? for a day field that says nothing. */
static int refuse_quartz(const struct cron_reader *r, const char *at)
{
    char mend[CRON_QUARTZ_TEXT];
    if (cron_from_quartz(r->text, mend) && cron_parse(mend, r->name, &(struct cron){0}, NULL) == 0)
        return cron_refuse(r, at, "has a ?, which is * here; and Sunday is 0 (write %s)", mend);
    return cron_refuse(r, at, "has a ?, which is * here");
}

int cron_parse(const char *text, const char *name, struct cron *cron, struct err *err)
{
    struct cron_span spans[1 + CRON_FIELDS + 1] = {
        {"0", 1}}; /* the second of those that do not say it */
    size_t len = strnlen(text, CRON_TEXT_MAX + 1);
    int rc;
    *cron = (struct cron){0};
    if (len > CRON_TEXT_MAX)
        return err_set(err, ERR_DATA, "column %d: a cron expression has at most %d bytes",
                       CRON_TEXT_MAX + 1, CRON_TEXT_MAX);
    struct cron_reader r = {
        .text = text, .item = text, .end = text + len, .name = name, .cron = cron, .err = err};
    int n = split(text, spans + 1, CRON_FIELDS + 1);
    if (n > 0 && *spans[1].p == '@')
        rc = read_word(&r, spans[1], n);
    else if (memchr(text, '?', len))
        rc = refuse_quartz(&r, strchr(text, '?'));
    else if (n == CRON_FIELDS - 1 || n == CRON_FIELDS)
        rc = read_fields(&r, n == CRON_FIELDS ? spans + 1 : spans);
    else
        rc = refuse_count(&r, spans + 1, n);
    if (rc)
        *cron = (struct cron){0};
    return rc;
}
