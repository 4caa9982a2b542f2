/* tap: the least a unit test needs: numbered "ok" lines and a plan (https://testanything.org). */
#ifndef ROTA_TAP_H
#define ROTA_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 2, 3), unused)) static bool tap_ok(bool pass, const char *fmt, ...)
{
    va_list ap;
    printf("%sok %d - ", pass ? "" : "not ", ++tap_count);
    va_start(ap, fmt);
    (void)vprintf(fmt, ap);
    va_end(ap);
    (void)putchar('\n');
    (void)fflush(stdout);
    tap_failed += !pass;
    return pass;
}

__attribute__((unused)) static bool tap_str(const char *got, const char *want, const char *what)
{
    bool same = got && want ? strcmp(got, want) == 0 : got == want;
    if (!tap_ok(same, "%s", what))
        printf("#   got: %s\n#  want: %s\n", got ? got : "(null)", want ? want : "(null)");
    return same;
}

__attribute__((unused)) static bool tap_int(long long got, long long want, const char *what)
{
    if (!tap_ok(got == want, "%s", what))
        printf("#   got: %lld\n#  want: %lld\n", got, want);
    return got == want;
}

/* The last statement of main: prints the plan, returns the exit code. */
__attribute__((unused)) static int tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed ? 1 : 0;
}

#endif
