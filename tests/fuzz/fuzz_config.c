/*
 * fuzz_config: any bytes as rota.ini. What is accepted is within bounds and is found by its name; what is
 * refused says in which line.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "fuzz.h"
#include "hostrange.h"
#include "job.h"

/* A file without a name: only its owner may write it, or it is not read. */
static char *hold(const uint8_t *data, size_t size, int *fd)
{
    static char path[64];
    *fd = memfd_create("rota.ini", MFD_CLOEXEC);
    MUST(*fd >= 0 && fchmod(*fd, 0600) == 0);
    MUST(write(*fd, data, size) == (ssize_t)size && lseek(*fd, 0, SEEK_SET) == 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", *fd);
    return path;
}

static void check_host(const struct config *config, const struct host_config *host)
{
    MUST(name_is_valid(host->name) && host->address && host->place);
    MUST(host->slots >= 0 && host->port >= 0 && host->port <= 65535);
    MUST(host->transport >= TRANSPORT_SSH && host->transport <= TRANSPORT_EXEC);
    MUST(host->transport != TRANSPORT_EXEC || host->command);
    MUST(config_host(config, host->name) == host); /* and so no name is there twice */
    for (size_t i = 0; i < host->tags.n; i++)
        MUST(name_is_valid(host->tags.v[i]));
}

static void check_config(const struct config *config)
{
    MUST(config->nhosts > 0 && config->nhosts <= HOSTRANGE_MAX);
    for (size_t i = 0; i < config->nhosts; i++)
        check_host(config, &config->hosts[i]);
    for (size_t i = 0; i < config->npools; i++)
        MUST(config->pools[i].limit >= 0 && config->pools[i].limit <= POOL_LIMIT_MAX &&
             config_pool(config, config->pools[i].name) == &config->pools[i]);
    MUST(config->catalogue && config->catalogue[0] == '/' && config->keep_ms >= 0);
}

static void check_refusal(const struct errlist *errors, const char *path, size_t size)
{
    MUST(errors->n > 0 && errors->n <= ERRLIST_MAX);
    for (size_t i = 0; i < errors->n; i++) {
        const struct err *err = &errors->v[i];
        long line = 0;
        MUST(err->code == ERR_CONFIG && err->msg[0]);
        if (strncmp(err->place, path, strlen(path)) == 0 && err->place[strlen(path)])
            MUST(sscanf(err->place + strlen(path), ":%ld", &line) == 1 && line > 0 &&
                 line <= (long)size + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config = {0};
    struct errlist errors = {0};
    int fd;
    (void)setenv("HOME", "/home/rota", 1); /* of the catalogue's path and of ~, whoever runs this */
    const char *path = hold(data, size, &fd);
    if (config_read(path, &config, &errors) == 0)
        check_config(&config);
    else
        check_refusal(&errors, path, size);
    config_free(&config);
    errlist_free(&errors);
    close(fd);
    return 0;
}
