#include "dispatch/element.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expansion.h"
#include "placeholder.h"
#include "xalloc.h"

static void env_take(struct message_writer *w, char *entry)
{
    message_str(w, TAG_ENV, entry);
    free(entry);
}

void element_env(struct message_writer *w, const struct work *work)
{
    const struct job *job = &work->spec->job;
    const struct job_array *array = &job->array;
    if (job_array_any(array) && work->array) {
        env_take(w, xasprintf("ROTA_ARRAY=%lld", (long long)work->array));
        env_take(w, xasprintf("ROTA_ARRAY_SIZE=%lld", (long long)expansion_count(array)));
    }
    for (size_t i = 0; i < array->naxes && work->index >= 0; i++)
        env_take(w, xasprintf("ROTA_MATRIX_%s=%s", array->axes[i].key,
                              expansion_value(array, i, work->index)));
    for (size_t i = 0; i < job->parameters.n; i++)
        if (strchr(job->parameters.v[i], '='))
            env_take(w, xasprintf("ROTA_PARAM_%s", job->parameters.v[i]));
}

static const char *element_of(const struct work *work, char index[24])
{
    (void)snprintf(index, 24, "%lld", (long long)work->index);
    return work->item ? work->item : index;
}

size_t element_size(const struct work *work)
{
    char index[24];
    return expansion_command(&work->spec->job, strlen(element_of(work, index)), NULL);
}

static void put_filled(struct message_writer *w, enum message_tag tag, char *filled)
{
    message_str(w, tag, filled);
    free(filled);
}

/* With the element in place of the mark, but in its first `name` bytes: those are an option's own. */
static void put_word(struct message_writer *w, enum message_tag tag, const struct work *work,
                     const char *word, size_t name)
{
    const struct job *job = &work->spec->job;
    char index[24];
    if (!job->placeholder || !work->array) {
        message_str(w, tag, word);
        return;
    }
    char *filled = placeholder_word(word + name, job->placeholder, element_of(work, index));
    put_filled(w, tag, xasprintf("%.*s%s", (int)name, word, filled));
    free(filled);
}

void element_command(struct message_writer *w, const struct work *work)
{
    const struct job *job = &work->spec->job;
    bool filled = job->placeholder && work->array;
    if (filled && job->executor == EXECUTOR_SHELL)
        put_filled(
            w, TAG_TEXT,
            placeholder_line(job->text, job->placeholder, work->item ? "ROTA_ITEM" : "ROTA_INDEX"));
    else if (job->text && job->executor == EXECUTOR_HTTP)
        put_word(w, TAG_TEXT, work, job->text, 0);
    else
        message_str(w, TAG_TEXT, job->text);
    for (size_t i = 0; i < job->argv.n; i++)
        put_word(w, TAG_ARG, work, job->argv.v[i], 0);
    for (size_t i = 0; i < job->options.n; i++)
        put_word(w, TAG_OPTION, work, job->options.v[i], strcspn(job->options.v[i], "="));
}
