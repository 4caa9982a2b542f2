#include "worker/survey.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "io.h"
#include "message.h"
#include "worker/facts.h"
#include "xalloc.h"

/* A filesystem that hangs would keep us for ever; the head has stopped listening by then. */
enum { ALARM_S = 60, QUESTION_MS = 20000, QUESTION_MAX = 8192 };

/* ---- lines ---- */

void survey_text(struct survey *survey, const char *key, const char *value)
{
    if (!value)
        return;
    buf_addf(&survey->out, "%s ", key);
    for (size_t i = 0; value[i] && i < SURVEY_VALUE_MAX; i++) {
        bool control = (unsigned char)value[i] < ' ' || value[i] == 127;
        buf_add(&survey->out, control ? "?" : &value[i], 1);
    }
    buf_addch(&survey->out, '\n');
}

void survey_number(struct survey *survey, const char *key, int64_t value)
{
    buf_addf(&survey->out, "%s %lld\n", key, (long long)value);
}

/* ---- what a front end says in WELCOME ---- */

static void same_as_welcome(struct survey *survey)
{
    static const struct {
        const char *key;
        enum message_tag tag;
        bool text;
    } rows[] = {
        {"machine", TAG_MACHINE, true},
        {"boot", TAG_BOOT, true},
        {"hostname", TAG_HOSTNAME, true},
        {"system", TAG_SYSTEM, true},
        {"cpus", TAG_CPUS, false},
        {"mem_total_kb", TAG_MEM_TOTAL, false},
        {"load_percent", TAG_LOAD, false},
        {"mem_free_kb", TAG_MEM_FREE, false},
        {"disk_free_kb", TAG_DISK_FREE, false},
    };
    struct buf bytes = {0};
    struct message_reader reader = {0};
    struct message m;
    struct message_writer w = message_begin(&bytes, MSG_WELCOME);
    facts_lasting(&w);
    facts_changing(&w, survey->own->home);
    message_end(&w);
    if (message_next(&reader, &bytes, &m, NULL) > 0)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            char *text = rows[i].text ? message_get_str(&m, rows[i].tag) : NULL;
            if (rows[i].text)
                survey_text(survey, rows[i].key, text);
            else
                survey_number(survey, rows[i].key, (int64_t)message_get_u64(&m, rows[i].tag, 0));
            free(text);
        }
    message_reader_free(&reader);
    buf_free(&bytes);
}

/* ---- the conversation ---- */

static void take_line(struct survey *survey, const char *line)
{
    static const char spool[] = "spool ";
    if (strncmp(line, spool, sizeof spool - 1) != 0)
        return;
    free(survey->spool);
    survey->spool = xstrdup(line + sizeof spool - 1);
}

/* A head that says nothing, or too much, gets the facts of the default places. */
static void read_question(struct survey *survey)
{
    struct buf in = {0};
    int64_t until = clock_mono() + QUESTION_MS;
    while (in.len < QUESTION_MAX) {
        char *newline = in.len ? memchr(buf_data(&in), '\n', in.len) : NULL;
        if (newline) {
            char *line = buf_data(&in);
            *newline = '\0';
            if (!*line)
                break;
            take_line(survey, line);
            buf_consume(&in, (size_t)(newline - line) + 1);
            continue;
        }
        struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
        int64_t left = until - clock_mono();
        if (left <= 0 || poll(&p, 1, (int)left) <= 0)
            break;
        ssize_t n = read(STDIN_FILENO, buf_room(&in, 1024), 1024);
        if (n <= 0)
            break;
        buf_grew(&in, (size_t)n);
    }
    buf_free(&in);
}

int survey_run(const char *nonce, const char *build, struct err *err)
{
    static void (*const parts[])(struct survey *) = {
        same_as_welcome, survey_home, survey_spool,  survey_pushed, survey_limits,
        survey_zone,     survey_proc, survey_logind, survey_sshd,
    };
    struct survey survey = {0};
    (void)alarm(ALARM_S);
    buf_addf(&survey.out, "rota-worker %s\n", nonce);
    int rc = io_write_all(STDOUT_FILENO, buf_data(&survey.out), survey.out.len, err);
    buf_reset(&survey.out);
    if (rc == 0) {
        read_question(&survey);
        /* first, and alone: it is to be measured, not the time that the others take */
        survey_number(&survey, "clock", clock_now());
        rc = io_write_all(STDOUT_FILENO, buf_data(&survey.out), survey.out.len, err);
        buf_reset(&survey.out);
    }
    if (rc == 0) {
        survey.own = account_own();
        survey_text(&survey, "build", build);
        survey_text(&survey, "user", survey.own->name);
        survey_number(&survey, "uid", survey.own->uid);
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            parts[i](&survey);
        buf_addstr(&survey.out, "end\n");
        rc = io_write_all(STDOUT_FILENO, buf_data(&survey.out), survey.out.len, err);
        account_free(survey.own);
    }
    free(survey.spool);
    buf_free(&survey.out);
    return rc;
}
