#include "expansion_hosts.h"

#include "place.h"

bool expansion_matches(const struct job *job, const struct host_config *host)
{
    const struct place_host place = {.name = host->name, .tags = &host->tags, .slots = host->slots};
    return place_allows(job, &place);
}

/* In the order of the configuration: so a shard is told from its neighbours by where they stand there. */
int expansion_hosts(const struct job *job, const struct config *config, struct strlist *pins,
                    int *shards, struct err *err)
{
    int n = 0;
    for (size_t i = 0; i < config->nhosts; i++) {
        if (!expansion_matches(job, &config->hosts[i]))
            continue;
        n++;
        if (job->each)
            strlist_add(pins, config->hosts[i].name);
    }
    *shards = job->each ? n : job->count;
    if (n == 0)
        return err_set(err, ERR_DATA, "job %s wants a run on each host that matches, and none does",
                       job->name);
    if (n < *shards)
        return err_set(err, ERR_DATA, "job %s wants %d different hosts, and %d match%s", job->name,
                       job->count, n, n == 1 ? "es" : "");
    return 0;
}
