/* start: what a worker is told of a run that it is to start. */
#include "dispatch/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "dispatch/element.h"
#include "log.h"
#include "xalloc.h"

static void env(struct message_writer *w, const char *name, const char *value)
{
    char *text = xasprintf("%s=%s", name, value);
    message_str(w, TAG_ENV, text);
    free(text);
}

static void env_number(struct message_writer *w, const char *name, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    env(w, name, text);
}

/* Its place in its group: a shard, or the element of an array. */
static void env_group(struct message_writer *w, const struct work *work)
{
    env_number(w, work->shards ? "ROTA_SHARD_INDEX" : "ROTA_INDEX", work->index);
    if (work->shards)
        env_number(w, "ROTA_SHARD_COUNT", work->shards);
    if (work->item)
        env(w, "ROTA_ITEM", work->item);
}

static void env_of(struct message_writer *w, const struct peer *peer, const struct work *work)
{
    char text[CLOCK_TEXT];
    const struct job *job = &work->spec->job;
    for (size_t i = 0; i < job->env.n; i++)
        message_str(w, TAG_ENV, job->env.v[i]);
    env(w, "ROTA_JOB", work->job);
    env(w, "ROTA_HOST", peer->config->name);
    if (work->array)
        env_group(w, work);
    element_env(w, work);
    if (work->due_at)
        env(w, "ROTA_DUE_AT", clock_rfc3339(work->due_at, text));
    giving_env(w, work);
}

static void say_command(struct message_writer *w, const struct work *work)
{
    const struct job *job = &work->spec->job;
    message_str(w, TAG_EXECUTOR, job->by_slurm ? "slurm" : job_executor_name(job->executor));
    if (job->by_slurm)
        message_str(w, TAG_WORK, job_executor_name(job->executor));
    for (size_t i = 0; i < job->slurm.n; i++)
        message_str(w, TAG_OPTION, job->slurm.v[i]);
    element_command(w, work);
    message_str(w, TAG_STDIN, job->stdin_text);
}

static void say_limits(struct message_writer *w, const struct job *job)
{
    if (job->memory)
        message_u64(w, TAG_MEMORY, (uint64_t)job->memory);
    if (job->cpu)
        message_u64(w, TAG_CPU, (uint64_t)job->cpu);
    if (job->nice)
        message_u64(w, TAG_NICE, (uint64_t)job->nice);
}

static void give_up(struct peer *peer, struct work *work, const char *reason)
{
    log_warn("run %lld: %s", (long long)work->id, reason);
    work_give_up(peer->d, work, END_NOSTART, reason);
}

/* A worker ends the conversation over a message that is too long: sent again and again, it would keep all
 * other runs from that host. */
static void refuse_size(struct peer *peer, struct work *work, size_t size)
{
    char reason[128];
    (void)snprintf(reason, sizeof reason,
                   "its command and variables are %zu bytes with its element, at most %d can be "
                   "sent",
                   size, MESSAGE_MAX);
    give_up(peer, work, reason);
}

/* It would pass over what it does not know, and do something else than was asked for. */
static void refuse_feature(struct peer *peer, struct work *work, const char *lacking)
{
    char *reason =
        xasprintf("the worker on %s (build %s) is older than this rota and has no '%s': install "
                  "this build's there",
                  peer->config->name, peer->host.build ? peer->host.build : "?", lacking);
    give_up(peer, work, reason);
    free(reason);
}

/* Whether it may be told now; if not, it is later, or ends here. */
static bool may_start(struct peer *peer, struct work *work)
{
    char *why;
    size_t size = element_size(work);
    const char *lacking = feature_lacking(peer, &work->spec->job);
    if (size > MESSAGE_MAX) { /* before it is made: it may be more than there is memory */
        refuse_size(peer, work, size);
        return false;
    }
    if (lacking) {
        refuse_feature(peer, work, lacking);
        return false;
    }
    int there = sending_look(peer, work, &why);
    if (there > 0) /* secrets last: they are fresh then */
        there = fetching_look(peer, work, &why);
    if (there < 0)
        give_up(peer, work, why);
    free(why);
    return there > 0;
}

void talk_start(struct peer *peer, struct work *work)
{
    const struct job *job = &work->spec->job;
    if (!may_start(peer, work))
        return;
    struct message_writer w = message_begin(&peer->queued, MSG_START);
    message_key(&w, work_key(work));
    message_u64(&w, TAG_CREDIT, TALK_CREDIT);
    say_command(&w, work);
    env_of(&w, peer, work);
    fetching_say(&w, peer, work);
    message_str(&w, TAG_WORKDIR, job->workdir);
    message_str(&w, TAG_USER, job->user);
    say_limits(&w, job);
    message_u64(&w, TAG_TIMEOUT, (uint64_t)job->timeout_ms);
    message_u64(&w, TAG_KILL_AFTER, (uint64_t)job->kill_after_ms);
    message_u64(&w, TAG_OUT_LIMIT, (uint64_t)job->output_limit);
    message_u64(&w, TAG_LEFTOVERS, job->leftovers);
    message_u64(&w, TAG_LEASH, job->on_lost == ON_LOST_RETRY ? (uint64_t)job->lost_after_ms : 0);
    talk_stamp(peer, &w);
    sending_say(&w, peer, work);
    size_t size = message_size(&w);
    if (size > MESSAGE_MAX) {
        message_drop(&w);
        refuse_size(peer, work, size);
        return;
    }
    message_end(&w);
    work->known = true;
    sending_drop(peer->d, work);
    lost_keep(peer, work);
    if (work->cancel)
        talk_kill(peer, work_key(work), 0);
}
