/* rota-worker: runs what a head asks for, on this host. `rota dispatch` starts it; people need not. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "build_id.h"
#include "exitcode.h"
#include "worker/batch.h"
#include "worker/front.h"
#include "worker/survey.h"

enum { NONCE_MAX = 64 };

static const char usage[] = "usage: rota-worker serve NONCE\n"
                            "       rota-worker facts NONCE\n"
                            "       rota-worker batch GROUP\n"
                            "       rota-worker --version\n";

/* The nonce comes back at the head of the answer: digits and letters only, so that it is one line. */
static bool is_nonce(const char *s)
{
    size_t len = strspn(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return len > 0 && len <= NONCE_MAX && !s[len];
}

static int serve(const char *nonce)
{
    struct err err = {0};
    (void)umask(022); /* the same for jobs on every transport */
    int rc = front_serve(nonce, ROTA_BUILD, &err);
    if (rc < 0)
        (void)fprintf(stderr, "rota-worker: %s\n", err.msg);
    return exitcode_of(rc);
}

static int facts(const char *nonce)
{
    struct err err = {0};
    int rc = survey_run(nonce, ROTA_BUILD, &err);
    if (rc < 0)
        (void)fprintf(stderr, "rota-worker: %s\n", err.msg);
    return exitcode_of(rc);
}

static int batch(const char *group)
{
    struct err err = {0};
    int rc = batch_run(group, &err);
    if (rc < 0)
        (void)fprintf(stderr, "rota-worker: %s\n", err.msg);
    return exitcode_of(rc);
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (argc == 3 && strcmp(verb, "serve") == 0 && is_nonce(argv[2]))
        return serve(argv[2]);
    if (argc == 3 && strcmp(verb, "facts") == 0 && is_nonce(argv[2]))
        return facts(argv[2]);
    if (argc == 3 && strcmp(verb, "batch") == 0)
        return batch(argv[2]);
    if (argc == 2 && (strcmp(verb, "version") == 0 || strcmp(verb, "--version") == 0))
        return puts(ROTA_BUILD) < 0 || fflush(stdout) == EOF ? EXITCODE_IO : EXITCODE_DONE;
    if (argc == 2 && (strcmp(verb, "-h") == 0 || strcmp(verb, "--help") == 0))
        return fputs(usage, stdout) < 0 ? EXITCODE_IO : EXITCODE_DONE;
    (void)fputs(usage, stderr);
    return EXITCODE_USAGE;
}
