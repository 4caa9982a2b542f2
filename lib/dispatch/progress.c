#include "dispatch/internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "duration.h"
#include "io.h"
#include "log.h"

enum { DRAW_MS = 200, FIRST_MS = 500 }; /* a short command shows no line at all */

/* The one dispatcher of this process: a message has to clear its line and draw it again. */
static struct dispatch *shown;

static void put(const char *text)
{
    (void)io_write_all(STDERR_FILENO, text, strlen(text), NULL);
}

static void clear(void)
{
    if (shown && shown->count.drawn)
        put("\r\033[K");
}

static void draw(void)
{
    struct dispatch *d = shown;
    char line[160], left[DURATION_TEXT] = "?";
    if (!d || !d->count.drawn)
        return;
    int64_t ms = clock_mono() - d->count.since;
    double rate = ms > 0 ? (double)d->count.done * 1000 / (double)ms : 0;
    if (rate > 0)
        duration_text((int64_t)((double)(d->count.total - d->count.done) / rate * 1000), left);
    (void)snprintf(line, sizeof line, "\r\033[K%zu/%zu done, %zu failed, %.1f/s, %s left",
                   d->count.done, d->count.total, d->count.failed, rate, left);
    put(line);
}

void progress_init(struct dispatch *d)
{
    shown = d;
    d->count.since = clock_mono();
    log_progress(clear, draw);
}

void progress_draw_now(struct dispatch *d)
{
    int64_t now = clock_mono();
    int64_t last = d->count.drawn ? d->count.drawn + DRAW_MS : d->count.since + FIRST_MS;
    if (now < last)
        return;
    d->count.drawn = now;
    draw();
}

void progress_end(struct dispatch *d)
{
    log_progress(NULL, NULL);
    if (shown == d)
        clear();
    shown = NULL;
}
