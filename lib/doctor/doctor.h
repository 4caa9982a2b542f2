/*
 * doctor: what is wrong with the head and the hosts, and how it is mended.
 *
 * Two tables of checks, one row a check: doctor_head (head*.c) and doctor_host (host*.c). A check
 * adds what it finds with doctor_found; of one that adds nothing the row's words say that all is well.
 * A hint is for somebody to know; a trouble is for somebody to mend.
 */
#ifndef ROTA_DOCTOR_H
#define ROTA_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalogue.h"
#include "config.h"
#include "doctor/visit.h"
#include "err.h"

enum verdict { VERDICT_OK = 0, VERDICT_HINT, VERDICT_TROUBLE };
const char *verdict_name(enum verdict verdict);

struct finding {
    const char *host;  /* NULL: the head; borrowed from the configuration */
    const char *check; /* static */
    enum verdict verdict;
    char *what; /* owned, as mend; may hold text of hosts: to be escaped */
    char *mend; /* NULL: nothing to be done */
};

/* Appends "trouble web1: what: mend", as a terminal may get it. */
void finding_line(struct buf *line, const struct finding *finding);

struct doctor {
    const struct config
        *config; /* NULL: it could not be read, errors say why; borrowed, as below */
    const struct errlist *errors;
    struct catalogue *cat; /* NULL: cat_err says why, or (code 0) there is none yet */
    struct err cat_err;
    struct host *hosts; /* as the catalogue has them */
    size_t nhosts;
    struct visit *visits; /* the hosts that were looked at */
    size_t nvisits;
    struct finding *found; /* doctor_free */
    size_t nfound;
    /* of the check in hand */
    const char *host, *check;
};

/* Between what is wrong and how it is mended, in a text for doctor_found. */
#define MEND "\x1f"

void doctor_found(struct doctor *doctor, enum verdict verdict, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same from an error, whose mend stands after its last ": ". */
void doctor_found_err(struct doctor *doctor, enum verdict verdict, const struct err *err);

/* Runs the checks of the head, and of each host that was visited. */
void doctor_head(struct doctor *doctor);
void doctor_hosts(struct doctor *doctor);
/* Writes what was learned of the hosts to the catalogue, unless a dispatcher lives: it knows more.
 * *n: hosts written. ERR_BUSY, ERR_IO. */
int doctor_learn(struct doctor *doctor, size_t *n, struct err *err);
void doctor_free(struct doctor *doctor);

/* ---- for the tables ---- */

struct check {
    const char *name;
    void (*look)(struct doctor *doctor, const struct visit *visit); /* visit NULL: of the head */
    const char *well; /* what is said when nothing was found; NULL: nothing */
};
void doctor_check(struct doctor *doctor, const struct check *checks, size_t n,
                  const struct visit *visit);

/* head_disk.c */
void head_disk(struct doctor *doctor, const struct visit *none);
void head_output(struct doctor *doctor, const struct visit *none);
/* head_wal.c */
void head_wal(struct doctor *doctor, const struct visit *none);
/* head_cron.c */
void head_dispatch(struct doctor *doctor, const struct visit *none);
void head_backup(struct doctor *doctor, const struct visit *none);
void head_prune(struct doctor *doctor, const struct visit *none);
/* head_time.c */
void head_clock(struct doctor *doctor, const struct visit *none);
void head_zones(struct doctor *doctor, const struct visit *none);

/* host_reach.c: says why a visit failed; true: it did. And what it went by. */
bool host_failed(struct doctor *doctor, const struct visit *visit);
void host_way(struct doctor *doctor, const struct visit *visit);
/* host_place.c */
void host_home(struct doctor *doctor, const struct visit *visit);
void host_spool(struct doctor *doctor, const struct visit *visit);
void host_leftovers(struct doctor *doctor, const struct visit *visit);
void host_worker(struct doctor *doctor, const struct visit *visit);
/* host_system.c */
void host_identity(struct doctor *doctor, const struct visit *visit);
void host_clock(struct doctor *doctor, const struct visit *visit);
void host_zones(struct doctor *doctor, const struct visit *visit);
void host_logins(struct doctor *doctor, const struct visit *visit);
void host_logind(struct doctor *doctor, const struct visit *visit);
void host_proc(struct doctor *doctor, const struct visit *visit);
void host_limits(struct doctor *doctor, const struct visit *visit);

static inline int64_t doctor_abs(int64_t n)
{
    return n < 0 ? -n : n;
}
/* "3.1 MB"; in text. */
enum { DOCTOR_SIZE_TEXT = 32 };
const char *doctor_size(int64_t bytes, char text[DOCTOR_SIZE_TEXT]);

#endif
