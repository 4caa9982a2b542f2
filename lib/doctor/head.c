/* head: the checks of this machine, in the order in which they are told. */
#include "doctor/doctor.h"

#include <stdlib.h>
#include <unistd.h>

#include "doctor/program.h"

static void head_config(struct doctor *d, const struct visit *none)
{
    (void)none;
    for (size_t i = 0; i < d->errors->n; i++)
        doctor_found_err(d, VERDICT_TROUBLE, &d->errors->v[i]);
}

static void head_catalogue(struct doctor *d, const struct visit *none)
{
    (void)none;
    if (!d->config)
        return;
    if (d->cat_err.code)
        doctor_found_err(d, VERDICT_TROUBLE, &d->cat_err);
    else if (!d->cat)
        doctor_found(d, VERDICT_HINT, "there is no catalogue %s yet" MEND "rota submit makes it",
                     d->config->catalogue);
    else if (catalogue_owner(d->cat) != geteuid())
        doctor_found(d, VERDICT_HINT,
                     "the catalogue %s belongs to user %u: only its owner dispatches it" MEND
                     "run rota dispatch as that user",
                     catalogue_path(d->cat), (unsigned)catalogue_owner(d->cat));
}

/* The ssh transport asks these of known_hosts, ~/.ssh/config and names. */
static void head_programs(struct doctor *d, const struct visit *none)
{
    static const struct {
        const char *name, *package;
    } needed[] = {
        {"ssh", "openssh-client"}, {"ssh-keygen", "openssh-client"}, {"getent", "libc-bin"}};
    bool ssh = false;
    (void)none;
    for (size_t i = 0; d->config && i < d->config->nhosts; i++)
        ssh |= d->config->hosts[i].transport == TRANSPORT_SSH ||
               d->config->hosts[i].transport == TRANSPORT_OPENSSH;
    for (size_t i = 0; ssh && i < sizeof needed / sizeof *needed; i++) {
        char *path = program_find(getenv("PATH"), needed[i].name);
        if (!path)
            doctor_found(d, VERDICT_TROUBLE,
                         "the program %s is not in PATH, and the ssh transport needs it" MEND
                         "install it (Debian's package %s)",
                         needed[i].name, needed[i].package);
        free(path);
    }
}

void doctor_head(struct doctor *d)
{
    static const struct check checks[] = {
        {"configuration", head_config, "rota.ini can be read"},
        {"programs", head_programs, "ssh, ssh-keygen and getent are there where they are needed"},
        {"catalogue", head_catalogue, "the catalogue is on a local disk and can be written"},
        {"wal", head_wal, "the write-ahead log of the catalogue can be checkpointed"},
        {"disk", head_disk, "there is room where the catalogue is"},
        {"output", head_output, "what runs write can be stored"},
        {"backup", head_backup, NULL},
        {"prune", head_prune, "nothing is kept for long beyond its time"},
        {"dispatch", head_dispatch, NULL},
        {"clock", head_clock, "the clock of this machine is plausible"},
        {"time-zones", head_zones, "the time zone data knows Europe/Berlin"},
    };
    doctor_check(d, checks, sizeof checks / sizeof *checks, NULL);
}
