/* test_config: texts of rota.ini read, and what is said of them. For unit tests of the configuration. */
#ifndef ROTA_TEST_CONFIG_H
#define ROTA_TEST_CONFIG_H

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "config.h"
#include "io.h"
#include "tap.h"
#include "xalloc.h"

static char *dir, *file;

static void put_file(const char *path, const char *text, size_t len)
{
    FILE *f = fopen(path, "w");
    if (!f || fwrite(text, 1, len, f) != len || fclose(f) != 0)
        (void)tap_ok(false, "the test writes %s", path);
    (void)chmod(path, 0644);
}

/* All errors in lines, the directory of the test taken off their places. */
static char *lines(const struct errlist *errors)
{
    struct buf out = {0};
    for (size_t i = 0; i < errors->n; i++) {
        const char *place = errors->v[i].place;
        if (strncmp(place, dir, strlen(dir)) == 0)
            place += strlen(dir) + 1;
        buf_addf(&out, "%s%s: %s", i ? "\n" : "", place, errors->v[i].msg);
    }
    return buf_detach(&out);
}

static int read_text(const char *text, struct config *config, struct errlist *errors)
{
    put_file(file, text, strlen(text));
    return config_read(file, config, errors);
}

static bool accepts(const char *text, struct config *config, const char *what)
{
    struct errlist errors = {0};
    int rc = read_text(text, config, &errors);
    if (!tap_ok(rc == 0 && !errors.n, "%s is accepted", what)) {
        char *got = lines(&errors);
        printf("#   %s\n", got);
        free(got);
    }
    errlist_free(&errors);
    return rc == 0;
}

/* `want` is the whole of the errors, "rota.ini:LINE: …" each. */
static void refuses(const char *text, const char *want, const char *what)
{
    struct config config;
    struct errlist errors = {0};
    (void)tap_int(read_text(text, &config, &errors), ERR_CONFIG, what);
    char *got = lines(&errors);
    (void)tap_str(got, want, what);
    free(got);
    errlist_free(&errors);
    (void)tap_ok(!config.nhosts && !config.catalogue, "and nothing of it is left");
}

#endif
