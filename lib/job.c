#include "job.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

/* ---- states of a run ---- */

#define BIT(state) (1U << (state))

enum {
    TERMINAL =
        BIT(RUN_SUCCEEDED) | BIT(RUN_FAILED) | BIT(RUN_TIMEOUT) | BIT(RUN_CANCELLED) | BIT(RUN_LOST)
};

/* A state's name and the states that may follow it. Terminal states have none: a rerun is a new
 * run. From starting and running a run goes back to queued for its next attempt. */
static const struct {
    const char *name;
    unsigned next;
} states[RUN_STATE_LAST + 1] = {
    [RUN_HELD] = {"held", BIT(RUN_BLOCKED) | BIT(RUN_QUEUED) | BIT(RUN_CANCELLED)},
    [RUN_BLOCKED] = {"blocked", BIT(RUN_QUEUED) | BIT(RUN_HELD) | BIT(RUN_CANCELLED)},
    [RUN_QUEUED] = {"queued", BIT(RUN_STARTING) | BIT(RUN_HELD) | BIT(RUN_CANCELLED)},
    [RUN_STARTING] = {"starting", BIT(RUN_RUNNING) | BIT(RUN_QUEUED) | TERMINAL},
    [RUN_RUNNING] = {"running", BIT(RUN_QUEUED) | TERMINAL},
    [RUN_SUCCEEDED] = {"succeeded", 0},
    [RUN_FAILED] = {"failed", 0},
    [RUN_TIMEOUT] = {"timeout", 0},
    [RUN_CANCELLED] = {"cancelled", 0},
    [RUN_LOST] = {"lost", 0},
};

static bool is_state(enum run_state state)
{
    return state >= RUN_HELD && state <= RUN_LOST;
}

const char *run_state_name(enum run_state state)
{
    return is_state(state) ? states[state].name : "?";
}

enum run_state run_state_of(const char *name)
{
    for (int state = RUN_STATE_FIRST; state <= RUN_STATE_LAST; state++)
        if (strcmp(states[state].name, name) == 0)
            return (enum run_state)state;
    return (enum run_state)0;
}

static const char *const executors[] = {
    [EXECUTOR_SHELL] = "shell",         [EXECUTOR_EXEC] = "exec", [EXECUTOR_SCRIPT] = "script",
    [EXECUTOR_CONTAINER] = "container", [EXECUTOR_HTTP] = "http",
};

const char *job_executor_name(enum job_executor executor)
{
    return executors[executor];
}

enum job_executor job_executor_of(const char *name)
{
    for (int executor = 1; executor <= EXECUTOR_LAST; executor++)
        if (strcmp(executors[executor], name) == 0)
            return (enum job_executor)executor;
    return (enum job_executor)0;
}

bool run_state_is_terminal(enum run_state state)
{
    return is_state(state) && (TERMINAL & BIT(state));
}

bool run_state_may_become(enum run_state from, enum run_state to)
{
    return is_state(from) && is_state(to) && (states[from].next & BIT(to));
}

/* ---- what runs wait for ---- */

static const char *const conditions[] = {[NEED_SUCCEEDED] = "succeeded",
                                         [NEED_FAILED] = "failed",
                                         [NEED_FINISHED] = "finished",
                                         [NEED_STARTED] = "started"};

const char *need_is_name(enum need_is is)
{
    return is >= NEED_SUCCEEDED && is <= NEED_STARTED ? conditions[is] : "?";
}

enum need_is need_is_of(const char *name)
{
    for (int is = NEED_SUCCEEDED; is <= NEED_STARTED; is++)
        if (strcmp(conditions[is], name) == 0)
            return (enum need_is)is;
    return (enum need_is)0;
}

/* ---- names ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool name_is_valid(const char *name)
{
    size_t len = 0;
    if (!is_letter(name[0]))
        return false;
    for (; name[len]; len++)
        if (len >= NAME_MAX_LEN ||
            !(is_letter(name[len]) || (name[len] >= '0' && name[len] <= '9') || name[len] == '.' ||
              name[len] == '-'))
            return false;
    return strcmp(name, "last") != 0;
}

/* ---- a job ---- */

void job_init(struct job *job)
{
    *job = (struct job){
        .slots = 1,
        .kill_after_ms = JOB_KILL_AFTER_MS,
        .retry = {.attempts = 1, .backoff = 1, .on = JOB_RETRY_FAILED | JOB_RETRY_TIMEOUT},
        .success = xcalloc(1, sizeof *job->success), /* {0} */
        .nsuccess = 1,
        .output_limit = JOB_OUTPUT_LIMIT,
        .lost_after_ms = JOB_LOST_AFTER_MS,
    };
}

const char *job_file_name(const struct job_file *file)
{
    const char *slash = strrchr(file->from, '/');
    return slash ? slash + 1 : file->from;
}

static void free_files(struct job_files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        free(files->v[i].from);
        free(files->v[i].to);
    }
    free(files->v);
}

void job_free(struct job *job)
{
    free(job->name);
    free(job->text);
    strlist_free(&job->argv);
    strlist_free(&job->options);
    strlist_free(&job->slurm);
    free(job->stdin_text);
    strlist_free(&job->env);
    for (size_t i = 0; i < job->nsecrets; i++) {
        free(job->secrets[i].name);
        strlist_free(&job->secrets[i].source);
    }
    free(job->secrets);
    free_files(&job->put);
    free_files(&job->get);
    free(job->workdir);
    free(job->user);
    strlist_free(&job->tags);
    strlist_free(&job->not_tags);
    strlist_free(&job->hosts);
    strlist_free(&job->pools);
    free(job->success);
    strlist_free(&job->schedule.rules);
    free(job->schedule.timezone);
    free(job->schedule.from);
    free(job->schedule.until);
    strlist_free(&job->schedule.except);
    strlist_free(&job->notify);
    job_array_free(&job->array);
    free(job->placeholder);
    strlist_free(&job->parameters);
    for (size_t i = 0; i < job->nafter; i++)
        free(job->after[i].job);
    free(job->after);
    *job = (struct job){0};
}

bool job_is_scheduled(const struct job *job)
{
    return job->schedule.rules.n > 0;
}

bool job_array_any(const struct job_array *array)
{
    return array->nranges || array->items.n || array->naxes;
}

void job_array_free(struct job_array *array)
{
    free(array->ranges);
    strlist_free(&array->items);
    for (size_t i = 0; i < array->naxes; i++) {
        free(array->axes[i].key);
        strlist_free(&array->axes[i].values);
    }
    free(array->axes);
    *array = (struct job_array){0};
}

bool job_expands(const struct job *job)
{
    return job_array_any(&job->array) || job->each || job->count || job->nafter > 0;
}

bool job_is_success(const struct job *job, int exit_code)
{
    for (size_t i = 0; i < job->nsuccess; i++)
        if (job->success[i] == exit_code)
            return true;
    return false;
}

int64_t job_retry_delay(const struct job_retry *retry, int attempts_made)
{
    double most = (double)(retry->max_delay_ms ? retry->max_delay_ms : JOB_DELAY_MAX_MS);
    double delay = (double)retry->delay_ms;
    /* stops at the bound: 1000 attempts of backoff 100 would overflow any number */
    for (int i = 1; i < attempts_made && delay < most; i++)
        delay *= retry->backoff;
    return (int64_t)(delay < most ? delay : most);
}
