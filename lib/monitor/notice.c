#include "monitor/notice.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"
#include "xalloc.h"

enum { TAIL_BYTES = 8192 };

/* ---- the end of a run's output ---- */

/* Where the last lines begin. */
static size_t last_lines(const char *text, size_t len)
{
    size_t at = len;
    int lines = 0;
    if (at && text[at - 1] == '\n')
        at--;
    while (at && (text[at - 1] != '\n' || ++lines < NOTICE_LINES))
        at--;
    return at;
}

static char *read_tail(const char *catalogue, const struct run *run, enum output_stream stream)
{
    char text[TAIL_BYTES], *tail = NULL;
    struct stat st;
    char *path = output_path(catalogue, run->id, run->attempt, stream);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    free(path);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        off_t from = st.st_size > TAIL_BYTES ? st.st_size - TAIL_BYTES : 0;
        ssize_t n = pread(fd, text, sizeof text, from);
        size_t at = n > 0 ? last_lines(text, (size_t)n) : 0;
        for (ssize_t i = (ssize_t)at; i < n; i++)
            if (!text[i])
                text[i] = '?'; /* it becomes a C string */
        if (n > (ssize_t)at)
            tail = xstrndup(text + at, (size_t)n - at);
    }
    close(fd);
    return tail;
}

/* A run that was pruned has no output to show. */
static void load_output(struct notice *notice, struct notice_item *item, struct catalogue *cat)
{
    struct run run;
    if (!item->alert.run || run_get(cat, item->alert.run, &run, NULL) < 0)
        return;
    for (int i = 0; i < 2 && notice->output_bytes < NOTICE_OUTPUT_BYTES; i++) {
        item->output[i] = read_tail(catalogue_path(cat), &run, i ? OUTPUT_ERR : OUTPUT_OUT);
        notice->output_bytes += item->output[i] ? strlen(item->output[i]) : 0;
    }
    run_free(&run);
}

/* ---- items ---- */

static struct notice_item *find(struct notice *notice, int64_t alert)
{
    for (size_t i = notice->n; i; i--)
        if (notice->v[i - 1].alert.id == alert)
            return &notice->v[i - 1];
    return NULL;
}

static char *copy(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

static int add_child(const struct alert *alert, void *arg)
{
    struct notice_item *item = arg;
    item->children = xreallocarray(item->children, item->nchildren + 1, sizeof *item->children);
    struct alert *child = &item->children[item->nchildren++];
    *child = *alert;
    child->rule = xstrdup(alert->rule);
    child->subject = xstrdup(alert->subject);
    child->detail = copy(alert->detail);
    child->host = copy(alert->host);
    child->notify = NULL;
    return 0;
}

static int add(struct notice *notice, struct catalogue *cat, const struct delivery *delivery,
               struct err *err)
{
    struct notice_item *known = find(notice, delivery->alert);
    struct alert alert;
    if (known) { /* what it came to is what counts */
        known->kind = delivery->kind;
        return 0;
    }
    int rc = alert_get(cat, delivery->alert, &alert, err);
    if (rc < 0)
        return rc == ERR_ANSWER ? 0 : rc;
    if (alert.closed_at && delivery->kind == DELIVERY_REMINDER) { /* of what is over by now */
        alert_free(&alert);
        return 0;
    }
    notice->v = xreallocarray(notice->v, notice->n + 1, sizeof *notice->v);
    struct notice_item *item = &notice->v[notice->n++];
    *item = (struct notice_item){.alert = alert, .kind = delivery->kind};
    if (notice->n <= NOTICE_OUTPUTS && alert_rule_is_of_job(alert_rule_of(alert.rule)))
        load_output(notice, item, cat);
    return alert_children(cat, alert.id, add_child, item, err);
}

int notice_load(struct notice *notice, struct catalogue *cat, const struct delivery *list, size_t n,
                struct err *err)
{
    int rc = 0;
    if (gethostname(notice->head, sizeof notice->head - 1) < 0)
        notice->head[0] = '\0';
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = add(notice, cat, &list[i], err);
    return rc;
}

void notice_free(struct notice *notice)
{
    for (size_t i = 0; i < notice->n; i++) {
        struct notice_item *item = &notice->v[i];
        for (size_t k = 0; k < item->nchildren; k++)
            alert_free(&item->children[k]);
        free(item->children);
        free(item->output[0]);
        free(item->output[1]);
        alert_free(&item->alert);
    }
    free(notice->v);
    notice->v = NULL;
    notice->n = 0;
}
