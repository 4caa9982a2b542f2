/* host: who it is, its clock, and what keeps jobs from running there or ends them. */
#include "doctor/doctor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/logins.h"

enum {
    SKEW_MS = 5000,
    SKEW_HINT_MS = 1000,
    BERLIN_S = 7200,
    FEW_PROCESSES = 64,
    SOME_PROCESSES = 256,
    FEW_FILES = 256,
    FILE_BYTES = 16 << 20, /* what a run's output may take by default */
};

void host_identity(struct doctor *d, const struct visit *visit)
{
    const char *machine = facts_text(&visit->facts, "machine");
    const char *hostname = facts_text(&visit->facts, "hostname");
    for (size_t i = 0; machine && i < d->nhosts; i++) {
        const struct host *known = &d->hosts[i];
        if (strcmp(known->name, visit->config->name) != 0 || !known->machine ||
            strcmp(known->machine, machine) == 0)
            continue;
        doctor_found(d, VERDICT_TROUBLE,
                     "another machine answers under this name than before (it calls itself "
                     "'%s')" MEND
                     "mend the address; if the host was replaced, rota cancel --lost its old runs",
                     hostname ? hostname : "?");
    }
}

void host_clock(struct doctor *d, const struct visit *visit)
{
    int64_t skew = visit->skew_ms, doubt = visit->round_ms / 2 + 1;
    int64_t sure = doctor_abs(skew) - doubt;
    if (sure < SKEW_HINT_MS)
        return;
    doctor_found(d, sure >= SKEW_MS ? VERDICT_TROUBLE : VERDICT_HINT,
                 "the clock is %" PRId64 " s %s" MEND "run chronyd or ntpd there",
                 doctor_abs(skew) / 1000, skew > 0 ? "ahead" : "behind");
}

/* Schedules are made on the head; only a job that asks for a zone itself is told UTC. */
void host_zones(struct doctor *d, const struct visit *visit)
{
    if (facts_number(&visit->facts, "berlin", BERLIN_S) != BERLIN_S)
        doctor_found(d, VERDICT_HINT,
                     "there is no time zone data: a job that asks for a zone gets UTC" MEND
                     "install it there (Debian's package tzdata)");
}

void host_logins(struct doctor *d, const struct visit *visit)
{
    int64_t begin = facts_number(&visit->facts, "sshd_startups", 0);
    size_t hosts = logins_hosts(d->config, visit->config);
    size_t wanted = logins_at_once(hosts);
    if (begin > 0 && (size_t)begin < wanted)
        doctor_found(d, VERDICT_TROUBLE,
                     "sshd drops logins when %" PRId64 " are under way (MaxStartups), and %zu "
                     "hosts of rota.ini share its address: rota logs in %zu at a time" MEND
                     "set MaxStartups %zu in its sshd_config",
                     begin, hosts, wanted, wanted + 10);
}

void host_logind(struct doctor *d, const struct visit *visit)
{
    const char *user = facts_text(&visit->facts, "user");
    if (facts_number(&visit->facts, "logind_kills", 0) &&
        !facts_number(&visit->facts, "lingers", 0))
        doctor_found(d, VERDICT_TROUBLE,
                     "systemd-logind kills what runs when the connection ends (KillUserProcesses), "
                     "so no run survives it" MEND "say there: loginctl enable-linger %s",
                     user ? user : "USER");
}

void host_proc(struct doctor *d, const struct visit *visit)
{
    if (!facts_number(&visit->facts, "proc", 1))
        doctor_found(d, VERDICT_TROUBLE,
                     "/proc cannot be read, so what a job starts cannot be followed or ended" MEND
                     "mount it there");
    else if (facts_number(&visit->facts, "hidepid", 0) && facts_number(&visit->facts, "uid", 0))
        doctor_found(d, VERDICT_HINT,
                     "/proc hides other users' processes (hidepid): what a job starts as another "
                     "user (sudo) cannot be followed" MEND
                     "put the account into the group that gid= of the mount names");
}

void host_limits(struct doctor *d, const struct visit *visit)
{
    const struct facts *facts = &visit->facts;
    int64_t processes = facts_number(facts, "limit_processes", INT64_MAX);
    int64_t files = facts_number(facts, "limit_files", INT64_MAX);
    int64_t bytes = facts_number(facts, "limit_file_bytes", INT64_MAX);
    char size[DOCTOR_SIZE_TEXT];
    if (facts_number(facts, "uid", 0) && processes < SOME_PROCESSES)
        doctor_found(d, processes < FEW_PROCESSES ? VERDICT_TROUBLE : VERDICT_HINT,
                     "the account may have %" PRId64 " processes (ulimit -u), and each run takes "
                     "two or more" MEND "raise nproc in its limits.conf",
                     processes);
    if (files < FEW_FILES)
        doctor_found(d, VERDICT_TROUBLE,
                     "a process may open %" PRId64 " files (ulimit -Hn), and each run takes "
                     "some" MEND "raise nofile in its limits.conf",
                     files);
    if (bytes < FILE_BYTES)
        doctor_found(d, VERDICT_TROUBLE,
                     "a file may be no longer than %s (ulimit -f), and output may be longer" MEND
                     "raise fsize in its limits.conf",
                     doctor_size(bytes, size));
    if (!facts_number(facts, "shell", 1))
        doctor_found(d, VERDICT_TROUBLE,
                     "there is no /bin/sh, which jobs with 'shell:' need" MEND
                     "install a shell there, or use 'exec:'");
}
