/* rota complete: what is known of the jobs that a command line names. */
#include "complete.h"

#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "jobfile.h"
#include "xalloc.h"

enum { FILE_MAX = 1 << 20 }; /* nobody waits for the keys of a larger one */

/* The default says what it is for. */
static void offer_of(struct complete *c, const struct job *job)
{
    for (size_t i = 0; i < job->parameters.n; i++) {
        const char *parameter = job->parameters.v[i];
        size_t len = strcspn(parameter, "=");
        char *value = xasprintf("%.*s=", (int)len, parameter);
        complete_offer(c, value, parameter[len] ? parameter + len + 1 : "has to be given");
        free(value);
    }
}

static void offer_of_text(struct complete *c, const char *file, const char *text, size_t len)
{
    struct joblist jobs = {0};
    struct errlist errors = {0};
    if (jobfile_parse(file, text, len, &jobs, &errors) == 0)
        for (size_t i = 0; i < jobs.n; i++)
            offer_of(c, &jobs.v[i]);
    joblist_free(&jobs);
    errlist_free(&errors);
}

static void offer_of_registered(struct complete *c, const char *name)
{
    struct job_row row = {0};
    char *text = NULL;
    if (!complete_catalogue(c) || job_get(c->cat, name, &row, NULL) < 0)
        return;
    if (spec_get(c->cat, row.spec, &text, NULL) == 0)
        offer_of_text(c, name, text, strlen(text));
    free(text);
    job_row_free(&row);
}

static void offer_of_file(struct complete *c, const char *file)
{
    struct buf text = {0};
    if (io_read_file(file, FILE_MAX, &text, NULL) == 0)
        offer_of_text(c, file, buf_str(&text), text.len);
    buf_free(&text);
}

static bool is_job_file(const char *word)
{
    const char *dot = strrchr(word, '.');
    return dot &&
           (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0 || strcmp(dot, ".json") == 0);
}

/* With --job the words are names of jobs, without it files. */
void complete_parameters(struct complete *c)
{
    bool registered = strlist_has(&c->completion->given, "--job");
    for (size_t i = 1; i + 1 < c->n; i++) {
        const char *word = c->words[i];
        if (*word == '-' || strchr(word, '='))
            continue;
        if (registered)
            offer_of_registered(c, word);
        else if (is_job_file(word))
            offer_of_file(c, word);
    }
}
