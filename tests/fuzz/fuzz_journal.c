/*
 * fuzz_journal: what a worker finds in its spool at the start: journal.c, recovery.c and custody.c over generations
 * and cells that a script describes, one thing a line, numbers apart by blanks:
 *
 *   S RUN CELL LIMIT BOOT            a STARTED record; all records of a run are in one generation
 *   R RUN END TOTAL RING VALUES      a RESULT
 *   A RUN                            an ACKED
 *   K RUN KIND                       a record of that kind
 *   P OFFSET BYTE                    that byte of the next record is another, under its checksum
 *   T BYTES                          the next record is torn behind so many bytes
 *   F OFFSET                         one bit of the next record is wrong
 *   X TEXT                           bytes as they are
 *   N                                the next generation
 *   C CELL RUN SHIM BOOT LIMIT       who is in a cell
 *
 * No shim lives. So each run has an end, and it is what its RESULT says, or no success; whoever comes next finds
 * the same, and nothing when all was acknowledged.
 */
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "fuzz.h"
#include "no_tickets.h"
#include "worker/front.h"
#include "worker/handover.h"
#include "worker/shim.h"
#include "worker/tree.h"
#include "xalloc.h"

enum {
    CELLS = 64,
    RUNS = 64,
    FIELDS = 5,
    BOOT = 1,
    GENERATIONS = 3,
    PER_GENERATION = RUNS / (GENERATIONS + 1)
};

static char dir[4096];
static struct cell *slots;
static struct front front;

/* What is to be found. */
static struct expected {
    bool there, placed; /* placed: it had a cell, so that it may have begun */
    bool ended;
    uint32_t end;
} expected[RUNS];

/* ---- what stands in for the rest ---- */

int cells_open(struct cells *cells, int fd, struct err *err)
{
    (void)fd, (void)err;
    *cells = (struct cells){.slot = slots, .dir = -1, .table = -1, .made = CELLS};
    return 0;
}

void cells_close(struct cells *cells)
{
    (void)cells;
}

int cells_take(struct cells *cells, struct message_key key, int *lock, struct err *err)
{
    (void)cells, (void)key, (void)lock;
    return err_set(err, ERR_IO, "no cell");
}

void cells_keep(struct cells *cells, uint32_t n)
{
    MUST(n > 0 && n < cells->made);
}

void cells_ready(struct cells *cells)
{
    (void)cells;
}

void cells_give_back(struct cells *cells, uint32_t n)
{
    MUST(n > 0 && n < cells->made);
}

bool cells_is_locked(const struct cells *cells, uint32_t n)
{
    MUST(n > 0 && n < cells->made);
    return false;
}

bool cell_is_of(const struct cell *cell, struct message_key key)
{
    return cell->run == key.run && cell->attempt == key.attempt && cell->token == key.token;
}

int cell_open(int at, uint32_t n, int stream, int flags)
{
    (void)at, (void)stream, (void)flags;
    MUST(n > 0 && n < CELLS);
    return -1;
}

char *handover_path(const struct order *order, const char *spool)
{
    (void)order, (void)spool;
    return NULL;
}

int handover_read(int cells, uint32_t cell, struct record_result *result, struct buf *text)
{
    (void)cells, (void)cell, (void)result, (void)text;
    return -1;
}

void handover_forget(int cells, uint32_t cell)
{
    (void)cells, (void)cell;
}

void handover_drop(int cells, uint32_t cell, struct message_key key)
{
    (void)cells, (void)cell, (void)key;
}

void handover_sweep(int cells, bool (*is_live)(uint32_t cell, uint64_t token, const void *arg),
                    const void *arg)
{
    (void)cells;
    for (uint32_t n = 0; n < CELLS; n++)
        MUST(!is_live(n, n, arg));
}

void tree_kill_claimed(struct tree_claim *claims, size_t n)
{
    for (size_t i = 0; i < n; i++)
        MUST(claims[i].pidfd == -1 && !claims[i].found);
}

void shim_main(const struct shim_task *task)
{
    (void)task;
    abort();
}

/* ---- the script ---- */

struct script {
    struct buf file;
    uint64_t generation;
    size_t torn;  /* bytes of the next record that are there; 0: all */
    long flipped; /* -1: none */
    struct {
        size_t offset;
        unsigned char byte;
    } poke;
};

static struct message_key key_of(uint64_t run)
{
    return (struct message_key){run % RUNS, 1, run % RUNS + 1};
}

/* One write for a file: there are thousands of them a second. */
static void end_generation(struct script *s)
{
    char path[sizeof dir + 16];
    (void)snprintf(path, sizeof path, "%s/journal.%u", dir, (unsigned)s->generation);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(fd >= 0 && write(fd, buf_data(&s->file), s->file.len) == (ssize_t)s->file.len);
    close(fd);
    buf_free(&s->file);
}

static void next_generation(struct script *s)
{
    if (s->generation == GENERATIONS)
        return;
    end_generation(s);
    s->generation++;
}

/* Keeps the books as the head of journal.h says. */
static void expect(const struct record *record)
{
    struct expected *run = &expected[record->key.run];
    if (record->kind == RECORD_STARTED && !run->there)
        *run = (struct expected){.there = true, .placed = record->started.cell > 0};
    if (record->kind == RECORD_RESULT && !run->ended) {
        run->there = run->ended = true;
        run->end = record->result.end;
    }
    if (record->kind == RECORD_ACKED)
        *run = (struct expected){0};
}

static void put_record(struct script *s, struct record *record)
{
    size_t len = s->torn && s->torn < sizeof *record ? s->torn : sizeof *record;
    size_t spared = offsetof(struct record, at); /* the books need kind and key as they are */
    char bytes[sizeof *record];
    if (s->poke.offset)
        ((unsigned char *)record)[spared + s->poke.offset % (sizeof *record - spared)] =
            s->poke.byte;
    record_seal(record);
    memcpy(bytes, record, sizeof bytes);
    if (s->flipped >= 0)
        bytes[s->flipped % (long)sizeof bytes] ^= 4;
    else if (len == sizeof bytes)
        expect(record);
    buf_add(&s->file, bytes, len);
    s->torn = s->poke.offset = 0;
    s->flipped = -1;
}

static void put_cell(const uint64_t *n)
{
    struct cell *cell = &slots[1 + n[0] % (CELLS - 1)];
    struct message_key key = key_of(n[1]);
    *cell = (struct cell){.run = key.run, .attempt = key.attempt, .token = key.token};
    cell->shim = (int32_t)(n[2] & INT32_MAX);
    cell->started.boot = n[3];
    cell->out_limit = n[4];
}

static void take(struct script *s, char what, const uint64_t *n)
{
    struct record record;
    memset(&record, 0, sizeof record);
    record.key = key_of(s->generation * PER_GENERATION + n[0] % PER_GENERATION);
    record.kind = what == 'S'   ? RECORD_STARTED
                  : what == 'R' ? RECORD_RESULT
                  : what == 'A' ? RECORD_ACKED
                                : (uint32_t)n[1];
    if (what == 'S') {
        record.started = (struct record_started){.cell = (uint32_t)n[1], .out_limit = n[2]};
        record.at.boot = n[3];
    } else if (what == 'R') {
        record.result.end = (uint32_t)n[1];
        record.result.total[0] = n[2];
        record.result.ring[0] = n[3];
        record.result.values = (uint32_t)n[4];
    }
    put_record(s, &record);
}

static void take_line(struct script *s, const char *line, size_t len)
{
    uint64_t n[FIELDS] = {0};
    char *p = (char *)line + 1;
    if (*line == 'X') {
        buf_add(&s->file, line + 1, len - 1);
        return;
    }
    for (int i = 0; i < FIELDS && p < line + len && *p == ' '; i++)
        n[i] = strtoull(p, &p, 10);
    if (*line == 'N')
        next_generation(s);
    else if (*line == 'T')
        s->torn = n[0];
    else if (*line == 'F')
        s->flipped = (long)(n[0] % JOURNAL_RECORD);
    else if (*line == 'P')
        s->poke.offset = n[0], s->poke.byte = (unsigned char)n[1];
    else if (*line == 'C')
        put_cell(n);
    else if (strchr("SRAK", *line))
        take(s, *line, n);
}

static void play(const char *text)
{
    struct script s = {.generation = 1, .flipped = -1};
    while (*text) {
        size_t len = strcspn(text, "\n");
        if (len)
            take_line(&s, text, len);
        text += len + (text[len] == '\n');
    }
    end_generation(&s);
}

/* ---- what must hold ---- */

static bool start(void)
{
    struct err err = {0};
    front = (struct front){.spool.dir = dir, .boot = BOOT, .signals = -1, .watch = -1};
    charges_init(&front.charges);
    int rc = custody_open(&front, &err);
    MUST(rc == 0 || (rc == ERR_CONFIG && err.msg[0]));
    return rc == 0;
}

static void end(void)
{
    charges_free(&front.charges);
    journal_close(&front.journal);
    free(front.cells.free);
}

static void check(struct charge *charge, void *arg)
{
    const struct expected *run = &expected[charge->key.run];
    (void)arg;
    MUST(charge->result && charge->key.run < RUNS);
    uint32_t got = charge->result->result.end;
    MUST(charge->cell < CELLS && memchr(charge->result->result.reason, '\0', 184));
    if (run->there && run->ended)
        MUST(got == run->end);
    else /* it may have begun, so that nobody may order it again */
        MUST(got == END_LOST || (got == END_NOSTART && !run->placed));
}

/* What the next one finds: at most what is there now. */
static void note(struct charge *charge, void *arg)
{
    (void)arg;
    expected[charge->key.run] = (struct expected){true, false, true, charge->result->result.end};
}

static void acknowledge(struct charge *charge, void *arg)
{
    (void)arg;
    custody_ack(&front, charge->key);
}

static size_t count(void)
{
    size_t n = 0;
    for (int i = 0; i < RUNS; i++)
        n += expected[i].there;
    return n;
}

static void lead_three_lives(void)
{
    bool opened = start();
    MUST(!opened || front.charges.n >= count());
    if (opened) {
        charges_each(&front.charges, check, NULL);
        charges_each(&front.charges, note, NULL);
        size_t n = front.charges.n;
        end();
        MUST(start() && front.charges.n == n && count() == n);
        charges_each(&front.charges, check, NULL);
        charges_each(&front.charges, acknowledge, NULL);
        custody_acked(&front);
        memset(slots, 0, CELLS * sizeof *slots);
        end();
        MUST(start() && front.charges.n == 0 && front.journal.first == front.journal.last);
    }
    end();
}

static void clear(void)
{
    char path[sizeof dir + 16];
    for (unsigned i = 1; i <= GENERATIONS + 1; i++) {
        (void)snprintf(path, sizeof path, "%s/journal.%u", dir, i);
        (void)unlink(path);
    }
}

static void tidy(void)
{
    clear();
    (void)rmdir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    if (!dir[0]) {
        const char *tmp = getenv("TMPDIR");
        (void)snprintf(dir, sizeof dir, "%s/rota-fuzz.XXXXXX", tmp ? tmp : "/tmp");
        MUST(mkdtemp(dir) && atexit(tidy) == 0);
    }
    slots = xcalloc(CELLS, sizeof *slots);
    memset(expected, 0, sizeof expected);
    play(text);
    lead_three_lives();
    clear();
    free(slots);
    free(text);
    return 0;
}
