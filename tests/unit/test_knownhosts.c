#include "knownhosts.h"

#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"
#include "tap.h"

static void begin(struct knownhosts *known, int port, const char *alias)
{
    struct strlist none = {0};
    knownhosts_begin(known, "web1", port, alias, &none, &none);
}

static void test_names(void)
{
    struct knownhosts known;
    struct err err = {0};
    begin(&known, 22, NULL);
    tap_str(knownhosts_name(&known), "web1", "the usual port does not show in the name");
    tap_int(knownhosts_step(&known, &err), 1, "without a file the answer is there at once");
    tap_int(knownhosts_check(&known, "ssh-ed25519", "AAAA", NULL), KNOWNHOSTS_UNKNOWN,
            "and it is: unknown");
    knownhosts_end(&known);
    begin(&known, 2222, NULL);
    tap_str(knownhosts_name(&known), "[web1]:2222", "another port does");
    knownhosts_end(&known);
    begin(&known, 2222, "db");
    tap_str(knownhosts_name(&known), "db", "an alias stands for both");
    knownhosts_end(&known);
    knownhosts_end(&known);
}

static void test_files_without_anybody(void)
{
    char empty[] = "/tmp/rota-test-XXXXXX";
    struct knownhosts known;
    struct strlist files = {0}, none = {0};
    close(mkstemp(empty));
    strlist_add(&files, empty);
    strlist_add(&files, "/dev/null");
    strlist_add(&files, "/nonexistent/known_hosts");
    knownhosts_begin(&known, "web1", 22, NULL, &files, &none);
    tap_int((long long)known.files.n, 0, "no process asks of a file that holds nobody");
    knownhosts_end(&known);
    strlist_free(&files);
    (void)unlink(empty);
}

static void test_verdicts(void)
{
    struct knownhosts known;
    const struct knownhost *entry;
    begin(&known, 22, NULL);
    knownhosts_parse(&known,
                     "# Host web1 found: line 3\nweb1,192.0.2.7 ssh-ed25519 AAAA web1 comment\n"
                     "# Host web1 found: line 4\r\n|1|salt=|hash= ecdsa-sha2-nistp256 BBBB\r\n"
                     "# Host web1 found: line 9 REVOKED\n@revoked *\tssh-ed25519 CCCC\n"
                     "truncated ssh-rsa\n\n",
                     "/etc/known");
    tap_int((long long)known.n, 3, "entries are read, comments and half lines are not");
    tap_ok(knownhosts_has_type(&known, "ssh-ed25519") &&
               knownhosts_has_type(&known, "ecdsa-sha2-nistp256") &&
               !knownhosts_has_type(&known, "ssh-rsa"),
           "the types held are known");
    tap_int(knownhosts_check(&known, "ssh-ed25519", "AAAA", &entry), KNOWNHOSTS_MATCH, "a match");
    tap_str(entry->file, "/etc/known", "and where it stands");
    tap_int(knownhosts_check(&known, "ecdsa-sha2-nistp256", "AAAA", NULL), KNOWNHOSTS_CHANGED,
            "the same bytes under another type are no match");
    tap_int(knownhosts_check(&known, "ssh-ed25519", "CCCC", NULL), KNOWNHOSTS_REVOKED,
            "a revoked key");
    knownhosts_parse(&known, "web1 ssh-ed25519 CCCC\n", "/etc/known2");
    tap_int(knownhosts_check(&known, "ssh-ed25519", "CCCC", NULL), KNOWNHOSTS_REVOKED,
            "stays revoked where another entry holds it");
    knownhosts_end(&known);
    begin(&known, 22, NULL);
    knownhosts_parse(&known, "@revoked web1 ssh-ed25519 CCCC\n", "f");
    tap_ok(knownhosts_check(&known, "ssh-ed25519", "AAAA", NULL) == KNOWNHOSTS_AUTHORITY &&
               !knownhosts_has_type(&known, "ssh-ed25519"),
           "a host with a revoked key only is not new: accept-new does not apply");
    knownhosts_end(&known);
}

static void test_add(void)
{
    char path[] = "/tmp/rota-test-XXXXXX";
    struct err err = {0};
    struct buf text = {0};
    int fd = mkstemp(path);
    bool ready = fd >= 0 && write(fd, "a ssh-ed25519 AAAA", 18) == 18;
    close(fd);
    tap_ok(ready && knownhosts_add(path, "[a]:2", "ssh-ed25519", "BBBB", &err) == 0 &&
               knownhosts_add(path, "[a]:2", "ssh-ed25519", "BBBB", &err) == 0,
           "the same entry may be added twice");
    (void)io_read_file(path, 4096, &text, &err);
    tap_str(buf_str(&text), "a ssh-ed25519 AAAA\n[a]:2 ssh-ed25519 BBBB\n", "and is there once");
    tap_int(knownhosts_add(path, "[a]:2", "ssh-ed25519", "CCCC", &err), ERR_UNREACHABLE,
            "another key that came in between is not joined");
    tap_int(knownhosts_add(path, "[a]:22", "ssh-ed25519", "CCCC", &err), 0,
            "a name that begins alike is another one");
    buf_free(&text);
    (void)unlink(path);
}

int main(void)
{
    test_names();
    test_files_without_anybody();
    test_verdicts();
    test_add();
    return tap_done();
}
