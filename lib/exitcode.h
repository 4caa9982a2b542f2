/*
 * exitcode: the exit codes of every command, one table for all (rota(7)).
 * Values follow sysexits(3) where it has one.
 */
#ifndef ROTA_EXITCODE_H
#define ROTA_EXITCODE_H

enum {
    EXITCODE_DONE = 0,
    EXITCODE_NO = 1, /* a run failed, nothing matched, a host is down */
    EXITCODE_USAGE = 64,
    EXITCODE_DATA = 65,
    EXITCODE_UNREACHABLE = 69,
    EXITCODE_BUG = 70,
    EXITCODE_OS = 71,
    EXITCODE_IO = 74,
    EXITCODE_BUSY = 75,
    EXITCODE_CONFIG = 78,
    /* --wait for one run: */
    EXITCODE_TIMEOUT = 124,     /* the run ended in state timeout */
    EXITCODE_LOST = 125,        /* the run was lost or cancelled */
    EXITCODE_SIGNAL_BASE = 128, /* plus the signal's number */
};

/* The exit code of a command that failed with an ERR_* (see err.h); 0 for 0
 * and ERR_ANSWERED. */
int exitcode_of(int err_code);

#endif
