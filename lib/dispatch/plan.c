/* plan: --dry-run: a pass over what the catalogue has, by the rules of a dispatcher (scene.h). */
#include "dispatch/dispatch.h"

#include <stdlib.h>

#include "scene.h"
#include "xalloc.h"

static int before(const void *a, const void *b)
{
    const struct place_run *x = &(*(struct scene_run *const *)a)->place,
                           *y = &(*(struct scene_run *const *)b)->place;
    return placement_is_before(x, y) ? -1 : placement_is_before(y, x);
}

int dispatch_plan(const struct config *config, struct catalogue *cat,
                  void (*each)(int64_t id, const char *job, const char *host, const char *why,
                               void *arg),
                  void *arg, struct err *err)
{
    struct scene scene;
    int rc = scene_read(&scene, config, cat, err);
    if (rc == 0)
        scene_place(&scene);
    if (scene.nruns)
        qsort(scene.runs, scene.nruns, sizeof(struct scene_run *), before);
    for (size_t i = 0; rc == 0 && i < scene.nruns; i++) {
        const struct scene_run *run = scene.runs[i];
        if (run->state != RUN_QUEUED)
            continue;
        char *why = scene_say(&scene, run);
        each(run->place.id, run->job, why ? NULL : run->place.host->name, why, arg);
        free(why);
    }
    scene_free(&scene);
    return rc;
}
