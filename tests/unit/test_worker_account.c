/* Accounts that a directory service knows, or does not: a false getent stands for it. */
#include "worker_client.h"

#include "worker/account.h"

static char *calls; /* a line for each time that getent was asked */

static void make_getent(void)
{
    char *path = client_path("getent");
    char *text =
        xasprintf("#!/bin/sh\necho \"$2\" >>%s\n[ \"$2\" != slow ] || exec tail -f /dev/null\n"
                  "exit 2\n",
                  calls);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        exit(1);
    close(fd);
    char *search = xasprintf("%s:%s", client_dir, getenv("PATH"));
    (void)setenv("PATH", search, 1);
    free(search);
    free(text);
    free(path);
}

/* The worker stands still while it asks: it must not do so for each run of a user that nobody knows. */
static void test_failure(const char *name, int code, const char *reason)
{
    struct accounts cache = {0};
    const struct account *account;
    for (int i = 0; i < 3; i++) {
        struct err err = {0};
        int rc = account_get(&cache, name, &account, &err);
        tap_ok(rc == code && !account && strstr(err.msg, reason), "%s: %s", name, reason);
    }
    char *asked = client_file(calls), *want = xasprintf("%s\n", name);
    tap_str(asked, want, "getent was asked once");
    free(want);
    free(asked);
    (void)unlink(calls);
    accounts_free(&cache);
}

int main(void)
{
    client_init();
    calls = client_path("calls");
    make_getent();
    test_failure("no-such-user", ERR_CONFIG, "no such user on this host: no-such-user");
    test_failure("slow", ERR_OS, "getent gave no answer within 3 s");
    while (waitpid(-1, NULL, 0) > 0) /* the slow one was killed and left to us */
        ;
    free(calls);
    return tap_done();
}
