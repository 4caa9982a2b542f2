/*
 * survey: what `rota monitor doctor` asks a host: `rota-worker facts NONCE`. It holds no spool and
 * disturbs no front end, and changes nothing but for probe files that are gone at once.
 *
 *   survey.c         the conversation, and what a front end would say of the host too
 *   survey_place.c   the home, the spools, the workers that were pushed
 *   survey_system.c  what may keep jobs from running, or end them: limits, /proc, logind, sshd
 *
 * It greets as a front end does, reads lines "key value" up to an empty one (`spool PATH`: where the
 * configuration says that spools are; what it does not know is skipped), answers with lines
 * "key value", of which a key may come more than once, and ends with the line "end".
 */
#ifndef ROTA_WORKER_SURVEY_H
#define ROTA_WORKER_SURVEY_H

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "worker/account.h"

enum {
    SURVEY_VALUE_MAX = 512, /* bytes of a value */
    SURVEY_LIST_MAX = 300,  /* lines of one key */
};

struct survey {
    struct buf out;
    struct account *own;
    char *spool; /* as the configuration says; NULL: the default */
};

/* Does it on standard input and output. 0, or ERR_IO when nobody listens. */
int survey_run(const char *nonce, const char *build, struct err *err);

/* A line. Control characters become '?', a value over SURVEY_VALUE_MAX is cut; NULL: no line. */
void survey_text(struct survey *survey, const char *key, const char *value);
void survey_number(struct survey *survey, const char *key, int64_t value);

void survey_home(struct survey *survey);
void survey_spool(struct survey *survey);
void survey_pushed(struct survey *survey);
void survey_limits(struct survey *survey);
void survey_zone(struct survey *survey);
void survey_proc(struct survey *survey);
void survey_logind(struct survey *survey);
void survey_sshd(struct survey *survey);

#endif
