/*
 * fuzz_head: what a worker says, as the head takes it: peer.c, talk.c and what they call, over a transport
 * that reads a script (script.h). Catalogue, queue, output files and loop are stood in for below.
 *
 * Runs 1 to 5 are this peer's: started; running; running and to be cancelled; running with on_lost: retry;
 * running with an output limit of 100 bytes. Run 6 waits. A connection that fails is made again, twice.
 */
#include <limits.h>
#include <stdarg.h>

#include "catalogue/need.h"
#include "clock.h"
#include "dispatch/element.h"
#include "dispatch/internal.h"
#include "log.h"
#include "output.h"
#include "script.h"
#include "values.h"
#include "xalloc.h"

enum { WORKS = 6, CONNECTIONS = 3, OUTPUT_LIMIT = 1000, SMALL_LIMIT = 100 };

static struct {
    struct dispatch d;
    struct peer *peer, *peers[1];
    struct work work[WORKS];
    struct spec spec[WORKS];
    const char *script; /* what the worker has yet to say */
    struct buf line;    /* of that, what was not read to its end */
    struct buf heard;   /* what the head said */
    loop_fn *on_event;
    int opened;
    bool linked;
} world;

/* ---- the transport ---- */

static struct link *script_open(const struct host_config *host, const char *mode, struct err *err)
{
    (void)host;
    if (world.opened++ == CONNECTIONS) {
        (void)err_set(err, ERR_UNREACHABLE, "no more");
        return NULL;
    }
    struct link *link = xcalloc(1, sizeof *link);
    *link = (struct link){.transport = transport_of(TRANSPORT_LOCAL), .mode = mode, .fd = 3};
    world.linked = true;
    return link;
}

static int script_step(struct link *link, struct err *err)
{
    (void)link;
    (void)err;
    return 1;
}

static ssize_t script_read(struct link *link, void *p, size_t len, struct err *err)
{
    (void)link;
    while (!world.line.len && *world.script)
        script_next(&world.line, &world.script);
    size_t n = world.line.len < len ? world.line.len : len;
    if (!n)
        return err_set(err, ERR_UNREACHABLE, "the worker ended");
    memcpy(p, buf_data(&world.line), n);
    buf_consume(&world.line, n);
    return (ssize_t)n;
}

static ssize_t script_take(struct link *link, const void *p, size_t len, struct err *err)
{
    (void)link;
    (void)err;
    buf_add(&world.heard, p, len);
    return (ssize_t)len;
}

static void script_close(struct link *link)
{
    world.linked = false;
    buf_reset(&world.heard);
    buf_reset(&world.line);
    free(link);
}

const struct transport *transport_of(enum transport_kind kind)
{
    static const struct transport transport = {.name = "script",
                                               .open = script_open,
                                               .step = script_step,
                                               .read = script_read,
                                               .write = script_take,
                                               .close = script_close};
    (void)kind;
    return &transport;
}

/* ---- what stands in for the rest ---- */

int64_t link_step_ms(void)
{
    return 10000;
}

struct loop_watch *loop_watch(struct loop *loop, loop_fn *fn, void *arg)
{
    (void)loop;
    (void)arg;
    world.on_event = fn;
    return NULL;
}

int loop_set(struct loop_watch *watch, int fd, uint32_t events, int64_t deadline, struct err *err)
{
    (void)watch, (void)fd, (void)events, (void)deadline, (void)err;
    return 0;
}

void loop_unwatch(struct loop_watch *watch)
{
    (void)watch;
}

void log_at(enum log_level level, const char *fmt, ...)
{
    char line[4096];
    va_list ap;
    (void)level;
    va_start(ap, fmt);
    MUST(vsnprintf(line, sizeof line, fmt, ap) >= 0);
    va_end(ap);
}

void log_err(const struct err *err)
{
    (void)err;
}

void round_soon(struct dispatch *d, int64_t ms)
{
    (void)d, (void)ms;
}

struct work *work_find(struct dispatch *d, int64_t id)
{
    (void)d;
    return id >= 1 && id <= WORKS ? &world.work[id - 1] : NULL;
}

void work_occupy(struct work *work)
{
    work->occupies = true;
}

void work_vacate(struct work *work)
{
    work->occupies = false;
}

int attempt_standing(struct catalogue *cat, int64_t run, int attempt, uint64_t token,
                     struct err *err)
{
    (void)cat, (void)attempt, (void)token, (void)err;
    return run % 3 == 0 ? ATTEMPT_OPEN : run % 3 == 1 ? ATTEMPT_OVER : ATTEMPT_UNKNOWN;
}

const char *catalogue_uuid(const struct catalogue *cat)
{
    (void)cat;
    return "00112233445566778899aabbccddeeff";
}

int64_t catalogue_epoch(const struct catalogue *cat)
{
    (void)cat;
    return 1;
}

void host_free(struct host *host)
{
    free(host->name);
    free(host->hostname);
    free(host->system);
    free(host->build);
    free(host->machine);
    free(host->boot);
    free(host->spool);
    free(host->reason);
}

int event_add(struct catalogue *cat, int64_t at, int64_t run, const char *kind, const char *who,
              const char *detail, struct err *err)
{
    (void)cat, (void)at, (void)run, (void)kind, (void)who, (void)detail, (void)err;
    return 0;
}

int value_given(struct catalogue *cat, int64_t run, struct strlist *given, bool *cut,
                struct err *err)
{
    (void)cat, (void)run, (void)given, (void)cut, (void)err;
    return 0;
}

void element_env(struct message_writer *w, const struct work *work)
{
    (void)w, (void)work;
}

void element_command(struct message_writer *w, const struct work *work)
{
    message_str(w, TAG_TEXT, work->spec->job.text);
}

size_t element_size(const struct work *work)
{
    (void)work;
    return 10;
}

int fetching_look(struct peer *peer, const struct work *work, char **why)
{
    (void)peer, (void)work;
    *why = NULL;
    return 1;
}

void fetching_say(struct message_writer *w, const struct peer *peer, const struct work *work)
{
    (void)w, (void)peer, (void)work;
}

int sending_look(struct peer *peer, const struct work *work, char **why)
{
    return fetching_look(peer, work, why);
}

void sending_say(struct message_writer *w, const struct peer *peer, const struct work *work)
{
    (void)w, (void)peer, (void)work;
}

void sending_taken(struct peer *peer, const struct message *m)
{
    (void)peer, (void)m;
}

void sending_drop(struct dispatch *d, const struct work *work)
{
    (void)d, (void)work;
}

void sending_cut(struct peer *peer)
{
    (void)peer;
}

size_t output_keep(struct output *o, size_t files)
{
    (void)o;
    return files;
}

int output_sync(struct output *o, int64_t run, int attempt, enum output_stream stream,
                struct err *err)
{
    (void)o, (void)run, (void)attempt, (void)stream, (void)err;
    return 0;
}

/* Nothing is written but of the peer's own runs, within their limits. */
int output_write(struct output *o, int64_t run, int attempt, enum output_stream stream,
                 int64_t offset, const void *p, size_t len, struct err *err)
{
    const struct work *work = work_find(&world.d, run);
    (void)o, (void)p, (void)err;
    MUST(work && work->peer == world.peer && attempt == work->attempt);
    MUST(stream == OUTPUT_OUT || stream == OUTPUT_ERR);
    MUST(offset >= 0 && len > 0 && len <= MESSAGE_MAX);
    MUST(offset + (int64_t)len <= work->spec->job.output_limit);
    MUST(world.peer->state == PEER_LISTING || world.peer->state == PEER_READY);
    return 0;
}

const char *catalogue_path(const struct catalogue *cat)
{
    (void)cat;
    return "catalogue.db";
}

/* Nor of files but those that the run is to give, within their bound. */
int output_files_write(const char *catalogue, int64_t run, int attempt, const char *name,
                       uint64_t offset, const void *p, size_t len, struct err *err)
{
    const struct work *work = work_find(&world.d, run);
    (void)catalogue, (void)p, (void)err;
    MUST(work && work->peer == world.peer && attempt == work->attempt);
    MUST(offset <= JOB_FILE_MAX && len <= JOB_FILE_MAX - offset);
    bool known = false;
    for (size_t i = 0; i < work->spec->job.get.n; i++)
        known = known || strcmp(name, job_file_name(&work->spec->job.get.v[i])) == 0;
    MUST(known);
    return 0;
}

int output_files_sync(const char *catalogue, int64_t run, int attempt, const char *name,
                      struct err *err)
{
    (void)catalogue, (void)run, (void)attempt, (void)name, (void)err;
    return 0;
}

int output_files_place(const char *catalogue, int64_t run, int attempt, const char *name,
                       const char *to, struct err *err)
{
    (void)catalogue, (void)run, (void)attempt, (void)name, (void)to, (void)err;
    return 0;
}

/* ---- what must hold ---- */

static void check_ending(const struct work *work)
{
    const struct ending *e = work->ending;
    struct run_end end;
    char text[1024];
    size_t bytes = 0;
    MUST(e->end >= END_EXIT && e->end <= END_NOSTART);
    MUST(e->code >= 0 && e->code <= UCHAR_MAX && e->signal >= 0 && e->signal <= SCHAR_MAX);
    MUST(e->duration_ms >= 0 && e->utime_us >= 0 && e->stime_us >= 0 && e->maxrss_kb >= 0);
    for (int s = 0; s < 2; s++)
        MUST(e->total[s] >= 0 && e->dropped[s] >= 0 && e->dropped[s] <= e->total[s]);
    MUST(e->at <= clock_now() && e->missing >= 0 && e->ignored >= 0);
    for (size_t i = 0; i < e->values.n; i++) {
        MUST(value_is_valid(e->values.v[i], strlen(e->values.v[i])));
        bytes += strlen(e->values.v[i]) + 1;
    }
    MUST(bytes <= VALUES_MAX);
    ending_judge(work, clock_now(), &end, text, sizeof text);
    MUST(end.state == RUN_QUEUED || run_state_is_terminal(end.state));
    MUST(end.state != RUN_SUCCEEDED || (e->told && e->end == END_EXIT && e->code == 0));
}

/* The head says whole frames of its own messages only. */
static void check_heard(void)
{
    struct message_reader reader = {0};
    struct message m;
    struct buf said = {0};
    int rc;
    buf_add(&said, buf_data(&world.heard), world.heard.len);
    while ((rc = message_next(&reader, &said, &m, NULL)) > 0)
        MUST(m.type == MSG_HELLO || m.type == MSG_ADOPT || m.type == MSG_START ||
             m.type == MSG_CREDIT || m.type == MSG_ACK || m.type == MSG_KILL || m.type == MSG_PING);
    MUST(rc == 0 && said.len == 0);
    message_reader_free(&reader);
    buf_free(&said);
}

static void check_world(void)
{
    size_t ended = 0;
    for (struct work *work = world.d.ended; work; work = work->next_ended, ended++)
        MUST(work->ending && work->peer == world.peer);
    MUST(ended == world.d.nended);
    for (int i = 0; i < WORKS; i++) {
        struct work *work = &world.work[i];
        if (work->ending)
            check_ending(work);
        for (int s = 0; s < 2; s++)
            MUST(work->have[s] >= 0 && work->have[s] <= work->spec->job.output_limit);
    }
    MUST(world.peer->host.cpus >= 0 && world.peer->host.load_percent >= 0);
    MUST(world.peer->host.mem_total_kb >= 0 && world.peer->host.disk_free_kb >= 0);
    check_heard();
}

/* ---- a conversation ---- */

static void want_files(struct job *job)
{
    job->get.v = xcalloc(2, sizeof *job->get.v);
    job->get.v[job->get.n++] = (struct job_file){.from = xstrdup("a/one"), .to = xstrdup("%run/")};
    job->get.v[job->get.n++] = (struct job_file){.from = xstrdup("two"), .optional = true};
}

static void begin(struct host_config *config)
{
    memset(&world, 0, sizeof world);
    world.d.ended_tail = &world.d.ended;
    world.peer = world.peers[0] = peer_new(&world.d, config);
    world.d.peers = world.peers;
    world.d.npeers = 1;
    for (int i = 0; i < WORKS; i++) {
        struct work *work = &world.work[i];
        struct spec *spec = &world.spec[i];
        job_init(&spec->job);
        spec->job.executor = EXECUTOR_SHELL;
        spec->job.text = xstrdup("true");
        spec->job.output_limit = i == 4 ? SMALL_LIMIT : OUTPUT_LIMIT;
        if (i == 1 || i == 4)
            want_files(&spec->job);
        spec->job.on_lost = i == 3 ? ON_LOST_RETRY : ON_LOST_FAIL;
        *work = (struct work){.id = i + 1,
                              .spec = spec,
                              .job = spec->job.text,
                              .state = i == 0 ? RUN_STARTING : RUN_RUNNING,
                              .attempt = 1,
                              .token = (uint64_t)i + 1,
                              .cancel = i == 2};
        if (i == WORKS - 1)
            continue;
        work->peer = world.peer;
        work->next = world.peer->works;
        world.peer->works = work;
        world.peer->nworks++;
    }
}

static void end(void)
{
    peer_free(world.peer);
    for (int i = 0; i < WORKS; i++) {
        ending_free(world.work[i].ending);
        getting_free(&world.work[i]);
        job_free(&world.spec[i].job);
    }
    free(world.d.told);
    buf_free(&world.line);
    buf_free(&world.heard);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct host_config config = {.name = (char *)"w1"};
    char *text = fuzz_text(data, size);
    begin(&config);
    world.script = text;
    peer_want(world.peer);
    while ((*world.script || world.linked) && world.opened <= CONNECTIONS) {
        world.on_event(world.peer, 0);
        check_world();
    }
    end();
    free(text);
    return 0;
}
