#!/usr/bin/env bats
# A hundred thousand ids on standard input: what each command then does grows with them and no faster.
# Counted in steps of SQLite's machine: a clock would measure this one.

load lib

# Loaded before SQLite: counts what its statements do, in thousands of steps, into $STEPS at the end.
counter()
{
    cat >counter.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
static long steps;
static int tick(void *arg)
{
    (void)arg;
    steps++;
    return 0;
}
int sqlite3_open_v2(const char *path, void **db, int flags, const char *vfs)
{
    int (*open)(const char *, void **, int, const char *) = dlsym(RTLD_NEXT, "sqlite3_open_v2");
    void (*progress)(void *, int, int (*)(void *), void *) = dlsym(RTLD_NEXT, "sqlite3_progress_handler");
    int rc = open(path, db, flags, vfs);
    progress(*db, 1000, tick, NULL);
    return rc;
}
__attribute__((destructor)) static void tell(void)
{
    FILE *out = getenv("STEPS") ? fopen(getenv("STEPS"), "a") : NULL;
    if (out) {
        fprintf(out, "%ld\n", steps);
        fclose(out);
    }
}
END
    cc -shared -fPIC -O1 -o counter.so counter.c -ldl
}

# counted N COMMAND…: its exit code is as `want` says; sets steps.
counted()
{
    local n=$1 rc=0
    shift
    rm -f steps
    seq "$n" | STEPS=$PWD/steps LD_PRELOAD=$PWD/counter.so \
        ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0" rota "$@" >out 2>err || rc=$?
    [ "$rc" -eq "$want" ] || { echo "rota $*: $rc: $(head -3 err)"; return 1; }
    steps=$(awk '{ n += $1 } END { print n + 0 }' steps)
}

@test "a hundred thousand ids are ten times the work of ten thousand, not a hundred times" {
    local want few
    counter
    yes $'{name: j, exec: ["true"]}\n---' | head -n 199999 | rota submit - >/dev/null
    sqlite3 "$ROTA_CATALOGUE" "PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null
    while read -r want command; do
        read -ra words <<<"$command"
        counted 10000 "${words[@]}" -
        few=$steps
        counted 100000 "${words[@]}" -
        echo "rota $command: $few and $steps thousand steps"
        [ "$few" -gt 0 ]
        [ "$steps" -le $((few * 14 + 50)) ]
        case $command in
        # the first ten thousand were held, or released, before
        cancel*) [ "$(wc -l <out)" -eq 90000 ] ;;
        *json | *' id' | submit*) [ "$(wc -l <out)" -eq 100000 ] ;;
        esac
    done <<'END'
0 status -o id
0 status -o json
0 status --events -o json
0 logs
0 cancel --hold
0 cancel --release
0 submit --hold --rerun
END
    # ids that are not there are told, once
    few=$(rota status -o id --limit 1 --sort -id)
    run -1 bash -c "seq $((few - 9)) $((few + 10)) | rota status -o id - 2>err"
    [ "${#lines[@]}" -eq 10 ]
    [ "$(wc -l <err)" -eq 1 ]
    run -0 bash -c 'seq 100000 | rota cancel - | wc -l'
    [ "$output" -eq 100000 ]
    run -1 bash -c 'seq 100000 | rota cancel - 2>err'
    [ -z "$output" ]
    [ "$(wc -l <err)" -le 12 ]
}
