#include "job.h"
#include "place.h"
#include "tap.h"

static struct strlist none, web, webeu;

static struct place_host host(const char *name, const struct strlist *tags, int slots, int used)
{
    return (struct place_host){
        .name = name, .tags = tags, .state = PLACE_READY, .slots = slots, .used = used};
}

static void check_allows(void)
{
    struct job job;
    struct place_host a = host("a", &none, 2, 0), b = host("b", &webeu, 2, 0);
    job_init(&job);
    tap_ok(place_allows(&job, &a), "a job without demands may go anywhere");
    strlist_add(&job.tags, "web");
    tap_ok(!place_allows(&job, &a) && place_allows(&job, &b), "a host needs the job's tag");
    strlist_add(&job.tags, "us");
    tap_ok(!place_allows(&job, &b), "a host needs every tag of the job");
    job_free(&job);
    job_init(&job);
    strlist_add(&job.hosts, "a");
    tap_ok(place_allows(&job, &a) && !place_allows(&job, &b), "only the hosts named are allowed");
    job.slots = 3;
    tap_ok(!place_allows(&job, &a), "a job does not fit a host with fewer slots in all");
    const char *tag;
    tap_int(place_bar(&job, "a", &a, &tag), PLACE_TOO_SMALL, "also not the one it is for");
    job.slots = 1;
    tap_int(place_bar(&job, "b", &a, &tag), PLACE_NOT_PIN, "a run for one host goes to no other");
    tap_int(place_bar(&job, "b", &b, &tag), PLACE_FITS, "and what it was given is not asked again");
    strlist_add(&job.hosts, "b");
    strlist_add(&job.not_tags, "eu");
    tap_int(place_bar(&job, NULL, &b, &tag), PLACE_TAG_FORBIDDEN, "a tag may be forbidden");
    tap_str(tag, "eu", "and is named");
    job.slots = 3;
    a.slots = 0;
    tap_ok(place_allows(&job, &a), "a host whose slots are unknown is not ruled out");
    job_free(&job);
}

/* The best of three hosts, by the rule of least load. */
static struct place_host *best_of(struct place_host *const *all, enum place_state state, int slots,
                                  const struct strlist *tried)
{
    struct place_pick pick;
    size_t visits = 0;
    const struct place_wish wish = {.prefer = PREFER_LEAST_LOADED, .state = state, .slots = slots};
    place_pick_begin(&pick, &wish, all, 3, &visits);
    struct place_host *best = place_pick_best(&pick, 1, tried, NULL, NULL);
    place_pick_end(&pick);
    return best;
}

static void check_best(void)
{
    struct place_host a = host("a", &none, 4, 2), b = host("b", &none, 8, 2),
                      c = host("c", &none, 2, 2);
    struct place_host *all[] = {&a, &b, &c};
    struct strlist tried = {0};
    tap_ok(best_of(all, PLACE_READY, 1, NULL) == &b, "the smallest share of slots used wins");
    b.used = 4;
    tap_ok(best_of(all, PLACE_READY, 1, NULL) == &a, "equal shares: the first wins");
    tap_ok(best_of(all, PLACE_READY, 3, NULL) == &b, "only hosts with enough free slots count");
    tap_ok(!best_of(all, PLACE_READY, 5, NULL), "none has room: none is chosen");
    strlist_add(&tried, "a");
    tap_ok(best_of(all, PLACE_READY, 1, &tried) == &b, "a host not yet tried is preferred");
    b.state = PLACE_OUT;
    tap_ok(best_of(all, PLACE_READY, 1, &tried) == &a, "a tried host is better than none");
    b.state = PLACE_COLD;
    tap_ok(best_of(all, PLACE_COLD, 1, NULL) == &b, "only hosts in the asked state count");
    strlist_free(&tried);
}

int main(void)
{
    strlist_add(&web, "web");
    strlist_add(&webeu, "web");
    strlist_add(&webeu, "eu");
    check_allows();
    check_best();
    strlist_free(&web);
    strlist_free(&webeu);
    return tap_done();
}
