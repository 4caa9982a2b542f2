/* rota catalogue check: whether the catalogue is whole, and so are the files of output beside it. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "catalogue/upkeep.h"
#include "catalogue_commands.h"
#include "exitcode.h"
#include "log.h"
#include "opt.h"
#include "output.h"
#include "view.h"
#include "xalloc.h"

enum { BATCH = 1000 };

static struct view_value fault_place(const void *record)
{
    return view_text(((const struct fault *)record)->place);
}

static struct view_value fault_what(const void *record)
{
    struct view_value value = view_text(((const struct fault *)record)->what);
    value.mood = VIEW_BAD;
    return value;
}

static struct view_value fault_mend(const void *record)
{
    return view_text(((const struct fault *)record)->mend);
}

static const struct view_column columns[] = {
    {"place", "PLACE", true, true, false, false, fault_place, VIEW_MAYBE(TEXT)},
    {"fault", "FAULT", true, true, false, false, fault_what, VIEW_IS(TEXT)},
    {"mend", "MEND", true, true, false, false, fault_mend, VIEW_MAYBE(TEXT)},
};
static const struct view_record fault_record = VIEW_RECORD("fault", 1, columns);

struct checking {
    struct catalogue *cat;
    struct view *view;
    int64_t faults, runs, files;
    int64_t last; /* run whose output was looked at */
    struct err *err;
};

static int show(const struct fault *fault, void *arg)
{
    (void)view_add(((struct checking *)arg)->view, fault);
    return 0;
}

static int tell(struct checking *c, const char *what, const char *mend, const char *place)
{
    const struct fault fault = {place, what, mend};
    c->faults++;
    return show(&fault, c);
}

/* ---- what the catalogue names ---- */

/* Its run may have been pruned since it was read: then all is well. */
static int tell_short(struct checking *c, const struct kept_output *kept, enum output_stream stream,
                      int64_t want, int64_t size)
{
    bool owned = false;
    int rc = kept_output_owned(c->cat, kept->run, kept->attempt, &owned, c->err);
    if (rc < 0 || !owned ||
        output_size(catalogue_path(c->cat), kept->run, kept->attempt, stream) >= want)
        return rc;
    char *path = output_path(catalogue_path(c->cat), kept->run, kept->attempt, stream);
    struct stat st;
    if (!size && lstat(path, &st) < 0 && errno != ENOENT && errno != ENOTDIR) {
        rc = err_sys(c->err, ERR_IO, "cannot look at %s", path);
        free(path);
        return rc;
    }
    char *what =
        size ? xasprintf("has %" PRId64 " bytes of the %" PRId64 " that run %" PRId64 " left there",
                         size, want, kept->run)
             : xasprintf("is missing: run %" PRId64 " left %" PRId64 " bytes there", kept->run,
                         want);
    rc = tell(c, what, "restore it from a backup of the directory output", path);
    free(what);
    free(path);
    return rc;
}

static int look_at_kept(const struct kept_output *kept, void *arg)
{
    struct checking *c = arg;
    const int64_t want[] = {[OUTPUT_OUT] = kept->out, [OUTPUT_ERR] = kept->err};
    int rc = 0;
    c->runs++;
    c->last = kept->run;
    for (int stream = OUTPUT_OUT; rc == 0 && stream <= OUTPUT_ERR; stream++) {
        if (want[stream] <= 0)
            continue;
        int64_t size = output_size(catalogue_path(c->cat), kept->run, kept->attempt,
                                   (enum output_stream)stream);
        if (size < want[stream])
            rc = tell_short(c, kept, (enum output_stream)stream, want[stream], size);
    }
    return rc;
}

static int check_kept(struct checking *c)
{
    int64_t before = -1;
    int rc = 0;
    while (rc == 0 && c->last != before) {
        before = c->last;
        rc = kept_output_list(c->cat, c->last, BATCH, look_at_kept, c, c->err);
    }
    return rc;
}

/* ---- files that nobody owns ---- */

/* "17.1.out" in a directory of its runs. */
static bool read_name(const char *name, int64_t *run, int64_t *attempt)
{
    char *end;
    errno = 0;
    *run = strtoll(name, &end, 10);
    if (end == name || *end != '.')
        return false;
    const char *second = end + 1;
    *attempt = strtoll(second, &end, 10);
    return end != second && errno == 0 &&
           (strcmp(end, ".out") == 0 || strcmp(end, ".err") == 0 || strcmp(end, ".files") == 0);
}

/* The name was read before the catalogue is asked, so its run was there by then. */
static int look_at_file(struct checking *c, const char *dir, const char *name)
{
    struct stat st;
    int64_t run = 0, attempt = 0;
    bool owned = false;
    int rc = 0;
    c->files++;
    if (read_name(name, &run, &attempt))
        rc = kept_output_owned(c->cat, run, attempt, &owned, c->err);
    char *path = xasprintf("%s/%s", dir, name);
    if (rc == 0 && !owned && lstat(path, &st) == 0)
        rc = tell(c, "belongs to no run of this catalogue",
                  "remove it, unless the catalogue was restored and you miss that run", path);
    free(path);
    return rc;
}

static int each_name(struct checking *c, const char *dir,
                     int (*look)(struct checking *c, const char *dir, const char *name))
{
    DIR *d = opendir(dir);
    int rc = 0;
    if (!d)
        return errno == ENOENT ? 0 : err_sys(c->err, ERR_IO, "cannot read directory %s", dir);
    for (const struct dirent *entry; rc == 0 && (entry = readdir(d));)
        if (entry->d_name[0] != '.')
            rc = look(c, dir, entry->d_name);
    (void)closedir(d);
    return rc;
}

static int look_at_dir(struct checking *c, const char *dir, const char *name)
{
    struct stat st;
    char *path = xasprintf("%s/%s", dir, name);
    int rc = lstat(path, &st) == 0 && S_ISDIR(st.st_mode) ? each_name(c, path, look_at_file)
                                                          : look_at_file(c, dir, name);
    free(path);
    return rc;
}

static int check_files(struct checking *c)
{
    char *dir = output_dir(catalogue_path(c->cat));
    int rc = each_name(c, dir, look_at_dir);
    free(dir);
    return rc;
}

/* ---- all of it ---- */

/* A file of which SQLite cannot read all is not asked more. */
static int check(struct checking *c)
{
    int rc = integrity_check(c->cat, show, c, &c->faults, c->err);
    if (rc < 0 || c->faults)
        return rc;
    rc = integrity_anatomy(c->cat, show, c, &c->faults, c->err);
    if (rc < 0 || c->faults)
        return rc;
    rc = integrity_invariants(c->cat, show, c, &c->faults, c->err);
    if (rc == 0)
        rc = check_kept(c);
    return rc < 0 ? rc : check_files(c);
}

int catalogue_check(struct command *command, int argc, char **argv, struct err *err)
{
    const char *form = NULL, *format = NULL;
    struct checking c = {.err = err};
    const struct option_row options[] = {
        {'o', "output", OPT_STRING, &form}, {0, "format", OPT_STRING, &format}, {0}};
    int first = opt_parse(argc, argv, options, catalogue_usage, NULL, err);
    if (first < 0)
        return first;
    if (first < argc)
        return err_set(err, ERR_USAGE, "'%s' is one argument too many", argv[first]);
    int rc = view_new(&c.view, &fault_record, form, VIEW_TABLE, format, stdout, err);
    if (rc == 0 && view_form(c.view) == VIEW_ID)
        rc = err_set(err, ERR_USAGE, "a fault has no id: choose table, tsv or json");
    if (rc == 0)
        rc = command_open(command, CATALOGUE_READ, err);
    c.cat = command->cat;
    if (rc == 0)
        rc = check(&c);
    bool well = rc == 0 && !c.faults;
    if (well && view_is_for_people(c.view) && log_level() >= LOG_WARN)
        printf("ok: %" PRId64 " runs that ran and are over, %" PRId64 " files of output\n", c.runs,
               c.files);
    if (c.faults && view_end(c.view, rc < 0 ? NULL : err) < 0 && rc == 0)
        return ERR_IO;
    if (!c.faults)
        view_drop(c.view);
    return rc < 0 ? rc : well ? EXITCODE_DONE : EXITCODE_NO;
}
