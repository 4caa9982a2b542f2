/* host: the checks of a host that was reached, in the order in which they are told. */
#include "doctor/doctor.h"

void doctor_hosts(struct doctor *d)
{
    static const struct check checks[] = {
        {"key", host_way, "it is reached, and lets us in"},
        {"machine", host_identity, "it is the machine it was"},
        {"clock", host_clock, "its clock agrees with ours"},
        {"home", host_home, "the home has room and can be written"},
        {"spool", host_spool, "the spool is on a local disk, has room and can be written"},
        {"leftovers", host_leftovers, "no stale spool lies there"},
        {"worker", host_worker, "the worker is of this build"},
        {"sshd-logins", host_logins, "sshd takes as many logins at a time as we make"},
        {"logind", host_logind, "runs survive the end of the connection"},
        {"proc", host_proc, "processes can be followed"},
        {"limits", host_limits, "processes, files and a shell are there to be had"},
        {"time-zones", host_zones, "the time zone data knows Europe/Berlin"},
    };
    for (size_t i = 0; i < d->nvisits; i++)
        if (!host_failed(d, &d->visits[i]))
            doctor_check(d, checks, sizeof checks / sizeof *checks, &d->visits[i]);
}
