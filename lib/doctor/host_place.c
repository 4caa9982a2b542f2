/* host: the home, the spools, the worker. */
#include "doctor/doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build_id.h"
#include "duration.h"
#include "xalloc.h"

enum {
    LITTLE_KB = 16 << 10, /* a worker is one MB; jobs write more */
    FEW_INODES = 200,
    STALE_DAYS = 30,
    DAY_S = 86400,
    PUSHED_MANY = 5,
};

/* ---- room ---- */

/* What is wrong with a place whose facts begin with a prefix. */
static void judge_place(struct doctor *d, const struct visit *visit, const char *prefix,
                        const char *place)
{
    char key[64], size[DOCTOR_SIZE_TEXT];
#define KEY(name) ((void)snprintf(key, sizeof key, "%s_%s", prefix, name), key)
    const char *error = facts_text(&visit->facts, KEY("error"));
    int64_t kb = facts_number(&visit->facts, KEY("free_kb"), -1);
    int64_t inodes = facts_number(&visit->facts, KEY("free_inodes"), -1);
#undef KEY
    if (error)
        doctor_found(d, VERDICT_TROUBLE,
                     "no file can be written in %s (%s)" MEND
                     "make room there, or give it to the account",
                     place, error);
    if (kb >= 0 && kb < LITTLE_KB)
        doctor_found(d, VERDICT_TROUBLE, "only %s are free in %s" MEND "make room there",
                     doctor_size(kb * 1024, size), place);
    if (inodes >= 0 && inodes < FEW_INODES)
        doctor_found(d, VERDICT_TROUBLE,
                     "only %" PRId64 " more files can be made in %s" MEND
                     "remove small files there",
                     inodes, place);
}

void host_home(struct doctor *d, const struct visit *visit)
{
    const char *home = facts_text(&visit->facts, "home");
    if (!home)
        home = "the home";
    judge_place(d, visit, "home", home);
    if (facts_number(&visit->facts, "home_noexec", 0) && !visit->config->worker &&
        visit->config->transport != TRANSPORT_LOCAL)
        doctor_found(
            d, VERDICT_TROUBLE,
            "%s is mounted noexec, where no pushed worker can start" MEND
            "install rota-worker elsewhere on the host and set 'worker = PATH' in rota.ini",
            home);
}

void host_spool(struct doctor *d, const struct visit *visit)
{
    const char *spool = facts_text(&visit->facts, "spool");
    const char *network = facts_text(&visit->facts, "spool_network");
    if (!spool)
        spool = "the spool";
    if (network)
        doctor_found(d, VERDICT_TROUBLE,
                     "the spool %s is on a network filesystem (%s), where its locks cannot be "
                     "trusted" MEND "set 'spool' of this worker to a local directory",
                     spool, network);
    judge_place(d, visit, "spool", spool);
}

/* ---- what lies there ---- */

struct held {
    char uuid[65], worker[65];
    long long age, bytes;
    int live;
};

/* "UUID WORKER AGE_S LIVE BYTES" */
static bool read_held(const char *text, struct held *held)
{
    return sscanf(text, "%64s %64s %lld %d %lld", held->uuid, held->worker, &held->age, &held->live,
                  &held->bytes) == 5 &&
           held->age >= 0 && held->bytes >= 0;
}

static void judge_held(struct doctor *d, const struct visit *visit, const struct held *held)
{
    bool ours = d->cat && strcmp(held->uuid, catalogue_uuid(d->cat)) == 0;
    const char *base = facts_text(&visit->facts, "spool");
    char size[DOCTOR_SIZE_TEXT];
    long long days = held->age / DAY_S;
    if (ours ? config_host(d->config, held->worker) != NULL : held->live || days < STALE_DAYS)
        return;
    if (ours && held->live)
        doctor_found(d, VERDICT_TROUBLE,
                     "runs of the worker '%s', which rota.ini does not name any more, are still "
                     "there" MEND "name it again until they have ended, or say rota cancel --lost",
                     held->worker);
    else
        doctor_found(d, VERDICT_HINT,
                     "a stale spool of %s '%s' lies there (%s, last used %lld days ago)" MEND
                     "when nobody wants its results: rm -r %s/%s/%s",
                     ours ? "the removed worker" : "another catalogue's worker", held->worker,
                     doctor_size(held->bytes, size), days, base ? base : "SPOOL", held->uuid,
                     held->worker);
}

void host_leftovers(struct doctor *d, const struct visit *visit)
{
    const char *text;
    struct held held;
    for (size_t at = 0; d->cat && (text = facts_next(&visit->facts, "held", &at));)
        if (read_held(text, &held))
            judge_held(d, visit, &held);
}

/* ---- the worker ---- */

void host_worker(struct doctor *d, const struct visit *visit)
{
    const char *build = facts_text(&visit->facts, "build");
    const char *text;
    size_t others = 0;
    if (!build || strcmp(build, ROTA_BUILD) != 0)
        doctor_found(d, VERDICT_TROUBLE,
                     "the worker %s is of another build (%s) than this program (%s)" MEND
                     "install the rota-worker of this build there",
                     visit->config->worker ? visit->config->worker : "there",
                     build ? build : "it does not say which", ROTA_BUILD);
    for (size_t at = 0; (text = facts_next(&visit->facts, "pushed", &at));)
        others += strncmp(text, ROTA_BUILD " ", sizeof ROTA_BUILD) != 0;
    if (others > PUSHED_MANY)
        doctor_found(d, VERDICT_HINT,
                     "%zu workers of other builds lie in ~/.cache/rota" MEND
                     "they go by themselves after a month, or with: rm ~/.cache/rota/worker-*",
                     others);
}
