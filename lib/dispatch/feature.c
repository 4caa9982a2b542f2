/*
 * feature: what a job needs of its worker that an older build lacks. A worker passes over fields that it does
 * not know, so that it would run such a job without what it asks for: it is asked before (FEATURE of
 * WELCOME). Builds that say none have shell, exec and script.
 */
#include "dispatch/internal.h"

#include "xalloc.h"

static bool has_options(const struct job *job)
{
    return job->executor > EXECUTOR_SCRIPT;
}

static bool is_by_slurm(const struct job *job)
{
    return job->by_slurm;
}

static bool has_limits(const struct job *job)
{
    return job->memory || job->cpu || job->nice;
}

static bool has_secrets(const struct job *job)
{
    return job->nsecrets > 0;
}

static bool has_files(const struct job *job)
{
    return job->put.n || job->get.n;
}

/* What a job may need; a row without name is called as its executor is. */
static const struct {
    const char *name;
    bool (*is_needed)(const struct job *job);
} features[] = {
    {NULL, has_options},      {"slurm", is_by_slurm}, {"limits", has_limits},
    {"secrets", has_secrets}, {"files", has_files},
};

void feature_take(struct peer *peer, const struct message *m)
{
    struct message_field f;
    strlist_free(&peer->features);
    for (size_t pos = 0; message_field(m, &pos, &f);)
        if (f.tag == TAG_FEATURE && f.len <= NAME_MAX_LEN)
            strlist_take(&peer->features, xstrndup((const char *)f.p, f.len));
}

const char *feature_lacking(const struct peer *peer, const struct job *job)
{
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        const char *name = features[i].name ? features[i].name : job_executor_name(job->executor);
        if (features[i].is_needed(job) && !strlist_has(&peer->features, name))
            return name;
    }
    return NULL;
}
