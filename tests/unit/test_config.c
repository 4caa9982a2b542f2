#include "test_config.h"

static void test_example(void)
{
    struct config c;
    if (!accepts("[worker web1]\n"
                 "slots = 4                        ; default: the host's processors\n"
                 "tags  = web, eu\n"
                 "[worker db[1-4]]                 ; a host range makes four workers\n"
                 "worker = /usr/local/libexec/rota/rota-worker    ; never push\n"
                 "user = backup\n"
                 "strict = yes\n"
                 "[worker here]\n"
                 "transport = local\n"
                 "[rota]\n"
                 "catalogue = /var/lib/rota/catalogue.db\n"
                 "timezone  = Europe/Berlin\n"
                 "keep      = 12h                  ; finished runs\n"
                 "[ssh]                            ; defaults for all workers\n"
                 "identity  = ~/.ssh/id_ed25519\n"
                 "strict    = accept-new\n"
                 "user = rota\n"
                 "port = 2222\n"
                 "[pool licence]\n"
                 "limit = 2\n",
                 &c, "the example of the manual"))
        return;
    (void)tap_str(c.catalogue, "/var/lib/rota/catalogue.db", "its catalogue");
    (void)tap_ok(c.catalogue_set, "is one that somebody named");
    (void)tap_str(c.timezone, "Europe/Berlin", "its time zone");
    (void)tap_int(c.keep_ms, 43200000, "keep");
    (void)tap_int((long long)c.nhosts, 6, "its workers");
    (void)tap_ok(config_pool(&c, "licence") && config_pool(&c, "licence")->limit == 2, "its pool");
    (void)tap_ok(!config_pool(&c, "license"), "and no other");
    const struct host_config *web = config_host(&c, "web1"), *db = config_host(&c, "db3");
    const struct host_config *here = config_host(&c, "here");
    (void)tap_ok(web && db && here, "each is found");
    if (!web || !db || !here)
        return;
    (void)tap_ok(web->slots == 4 && web->tags.n == 2 && strlist_has(&web->tags, "eu"),
                 "slots and tags");
    (void)tap_str(web->address, "web1", "the address defaults to the name");
    (void)tap_str(web->user, "rota", "[ssh] gives defaults wherever it stands");
    (void)tap_ok(web->accept_new && web->port == 2222, "to every key");
    char *identity = xasprintf("%s/.ssh/id_ed25519", dir);
    (void)tap_str(web->identity, identity, "~ is expanded in an identity");
    free(identity);
    (void)tap_str(db->worker, "/usr/local/libexec/rota/rota-worker", "a comment ends a value");
    (void)tap_ok(strcmp(db->user, "backup") == 0 && !db->accept_new, "a worker's own keys win");
    (void)tap_ok(strstr(db->place, "rota.ini:4") != NULL, "a host knows its place");
    (void)tap_ok(here->transport == TRANSPORT_LOCAL && here->transport_set && !here->user,
                 "a local worker takes nothing of [ssh]");
    (void)tap_ok(!config_host(&c, "db5") && !config_host(&c, ""), "other hosts are not there");
    config_free(&c);
}

static void test_ranges(void)
{
    struct config c;
    if (accepts("[worker db[1-3],x[01-02]y[1-2]]\naddress=10.0.0.[1-7]\n"
                "[worker a,b]\naddress = gate\n",
                &c, "a range of addresses")) {
        (void)tap_int((long long)c.nhosts, 9, "brackets multiply");
        (void)tap_str(config_host(&c, "db3")->address, "10.0.0.3", "addresses go with names");
        (void)tap_str(config_host(&c, "x02y2")->address, "10.0.0.7", "to the last");
        (void)tap_str(config_host(&c, "b")->address, "gate", "one address serves several workers");
        (void)tap_str(c.hosts[8].name, "b", "hosts stand in the order of the file");
        config_free(&c);
    }
    if (accepts("\xEF\xBB\xBF# nothing but a comment\r\n; another\r\n\r\n[rota]\r\n  keep = 1d\r\n",
                &c, "a file without workers, indented, from Windows")) {
        (void)tap_int((long long)c.nhosts, 1, "it has one worker");
        (void)tap_str(c.hosts[0].name, "local", "named local");
        (void)tap_ok(c.hosts[0].transport == TRANSPORT_LOCAL, "that is this machine");
        (void)tap_int(c.keep_ms, 86400000, "and the indented key was read as a key");
        config_free(&c);
    }
}

static void test_many(void)
{
    struct buf text = {0};
    struct config c;
    for (int i = 0; i < 1000; i++)
        buf_addf(&text, "[worker w%d]\ntags = t%d\n", i, i);
    if (accepts(buf_str(&text), &c, "a thousand sections")) {
        bool all = c.nhosts == 1000;
        for (int i = 0; all && i < 1000; i++) {
            char name[16];
            (void)snprintf(name, sizeof name, "w%d", i);
            const struct host_config *host = config_host(&c, name);
            all = host && strcmp(host->name, name) == 0 && host->tags.v[0][0] == 't' &&
                  strcmp(host->tags.v[0] + 1, name + 1) == 0;
        }
        (void)tap_ok(all, "each is found by its name");
        config_free(&c);
    }
    buf_free(&text);
}

static const struct {
    const char *text, *errors, *what;
} refusals[] = {
    {"[wroker web1]\n", "rota.ini:1: unknown section [wroker] (did you mean [worker]?)",
     "a misspelt section"},
    {"[nonsense]\nkeys = pass\n",
     "rota.ini:1: unknown section [nonsense] (there are rota, log, ssh, worker NAME, alert NAME, "
     "pool NAME, monitor)",
     "an unknown section"},
    {"[worker web1]\nslotz = 3\n",
     "rota.ini:2: unknown key 'slotz' in [worker] (did you mean 'slots'?)", "a misspelt key"},
    {"[rota]\nslots = 3\n", "rota.ini:2: unknown key 'slots' in [rota]",
     "a key of another section"},
    {"keep = 3d\n",
     "rota.ini:1: stands before any section: begin with a line [rota] or [worker NAME]",
     "a key before any section"},
    {"[rota]\nkeep\n", "rota.ini:2: is no section, 'key = value' or comment", "a line without ="},
    {"[rota]\n= 3d\n", "rota.ini:2: has no key before the =", "a line without a key"},
    {"[rota]\nkeep =\n", "rota.ini:2: 'keep' has no value", "a key without value"},
    {"[rota]\nkeep = ; 30d\n", "rota.ini:2: 'keep' has no value", "a value that is a comment"},
    {"[rota]\nkeep = 3d\nkeep = 4d\n", "rota.ini:3: 'keep' stands twice in [rota]", "a key twice"},
    {"[rota]\nkeep = 30\n",
     "rota.ini:2: 'keep': '30' is no duration (write 90s, 15m, 2h, 1d or 1h30m)", "a bare number"},
    {"[rota]\nkeep = 0\n", "rota.ini:2: 'keep': '0' keeps nothing", "keep = 0"},
    {"[rota]\ntimezone = Europe/Berln\n",
     "rota.ini:2: 'timezone': there is no time zone 'Europe/Berln' (write it as Europe/Berlin)",
     "an unknown time zone"},
    {"[rota]\ntimezone = ../../etc/passwd\n",
     "rota.ini:2: 'timezone': there is no time zone '../../etc/passwd' (write it as "
     "Europe/Berlin)",
     "a path for a time zone"},
    {"[rota]\ncatalogue = here.db\n",
     "rota.ini:2: 'catalogue' is to be a path from / or ~/, not 'here.db'", "a relative catalogue"},
    {"[rota x]\n", "rota.ini:1: [rota] takes no name: [rota]", "a name for [rota]"},
    {"[worker]\nslots = 1\n", "rota.ini:1: [worker] needs a name: [worker NAME]",
     "a worker without a name"},
    {"[worker web1\nslots = 1\n", "rota.ini:1: a section ends with ]: [worker web1]",
     "a section without ]"},
    {"[worker db[1-4]\nslots = 1\n", "rota.ini:1: [worker db[1-4]: a [ has no ]",
     "a range without its second ]"},
    {"[worker db[4-1]]\n", "rota.ini:1: [worker db[4-1]]: the range 4-1 runs backwards",
     "a backward range"},
    {"[worker 10.0.0.1]\n",
     "rota.ini:1: '10.0.0.1' is no name of a worker: it begins with a letter, goes on with "
     "letters, digits, . _ - and is not 'last' (an address goes to address =)",
     "an address for a name"},
    {"[worker last]\n",
     "rota.ini:1: 'last' is no name of a worker: it begins with a letter, goes on with "
     "letters, "
     "digits, . _ - and is not 'last' (an address goes to address =)",
     "the reserved name"},
    {"[worker a]\nslots = 0\n", "rota.ini:2: 'slots' is to be a number from 1 to 10000, not '0'",
     "no slots"},
    {"[worker a]\nslots = 4x\n", "rota.ini:2: 'slots' is to be a number from 1 to 10000, not '4x'",
     "slots that are no number"},
    {"[worker a]\nport = 99999999999999999999\n",
     "rota.ini:2: 'port' is to be a number from 1 to 65535, not '99999999999999999999'",
     "a port beyond any number"},
    {"[worker a]\nstrict = no\n",
     "rota.ini:2: 'strict' is to be yes or accept-new, not 'no' (a changed host key is always "
     "refused)",
     "strict = no"},
    {"[worker a]\ntransport = shs\n",
     "rota.ini:2: 'transport' is to be ssh, openssh, exec or local, not 'shs' (did you mean "
     "'ssh'?)",
     "a misspelt transport"},
    {"[worker a]\ntransport = exec\n",
     "rota.ini:1: transport = exec needs 'command = …', which leads to a worker (docker exec -i "
     "%h)",
     "exec without a command"},
    {"[worker a]\ntransport = exec\ncommand = sudo -u %u\n",
     "rota.ini:3: 'command': there is no '%u' (%h is the address, %n the name, %% a %)\n"
     "rota.ini:1: transport = exec needs 'command = …', which leads to a worker (docker exec -i "
     "%h)",
     "a token that is none"},
    {"[worker a]\ntransport = exec\ncommand = docker exec -i %h\naddress = $(id)\n",
     "rota.ini:1: 'address = $(id)' cannot stand in a command: use letters, digits and ._:/@%+,-",
     "an address that is shell syntax"},
    {"[worker a]\ntransport = exec\ncommand = sudo\nport = 22\n",
     "rota.ini:1: 'port' means nothing with transport = exec: take it out", "exec with a port"},
    {"[worker a]\ncommand = sudo\n",
     "rota.ini:1: 'command' means something with transport = exec only", "a command for ssh"},
    {"[worker a]\nworker = libexec/rota-worker\n",
     "rota.ini:2: 'worker' is to be a path on the worker from /, not 'libexec/rota-worker'",
     "a relative worker"},
    {"[worker a]\nspool = ~/spool\n",
     "rota.ini:2: 'spool' is to be a path on the worker from /, not '~/spool'", "a relative spool"},
    {"[worker a]\naddress = -oProxyCommand=x\n",
     "rota.ini:2: 'address' is to be one word that does not begin with '-', not "
     "'-oProxyCommand=x'",
     "an address that is an option"},
    {"[worker a]\nuser = two words\n",
     "rota.ini:2: 'user' is to be one word that does not begin with '-', not 'two words'",
     "a user of two words"},
    {"[worker a]\ntags = web, 1st\n",
     "rota.ini:2: 'tags': '1st' is no name of a tag (letters, digits, . _ -)", "a bad tag"},
    {"[worker a[1-3]]\naddress = 10.0.0.[1-2]\n",
     "rota.ini:1: 2 addresses for 3 workers: give one for each, or one for all",
     "too few addresses"},
    {"[worker a]\ntransport = local\nport = 22\n",
     "rota.ini:1: 'port' means nothing with transport = local: take it out",
     "a port for a local worker"},
    {"[pool licence]\n",
     "rota.ini:1: [pool licence] needs 'limit = N': how many runs of it go on at once",
     "a pool without a limit"},
    {"[pool licence]\nlimit = many\n",
     "rota.ini:2: 'limit' is to be a number from 0 to 1000000, not 'many'", "a limit of many"},
    {"[pool 1st]\nlimit = 1\n",
     "rota.ini:1: '1st' is no name of a pool: it begins with a letter, goes on with letters, "
     "digits, . _ - and is not 'last'",
     "a bad name of a pool"},
    {"[worker a]\nslots = x\n[rota]\nkeep = y\n[bad]\n",
     "rota.ini:2: 'slots' is to be a number from 1 to 10000, not 'x'\n"
     "rota.ini:4: 'keep': 'y' is no duration (write 90s, 15m, 2h, 1d or 1h30m)\n"
     "rota.ini:5: unknown section [bad] (there are rota, log, ssh, worker NAME, alert NAME, "
     "pool NAME, monitor)",
     "all errors at once"},
};

static void test_refusals(void)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        refuses(refusals[i].text, refusals[i].errors, refusals[i].what);
}

static void test_duplicates(void)
{
    char *want = xasprintf("rota.ini:3: worker 'db2' is there twice, first at %s:1", file);
    refuses("[worker db[1-2]]\n[worker x]\n[worker db2]\n", want, "a worker twice");
    free(want);
    want = xasprintf("rota.ini:3: [pool a] is there twice, first at %s:1", file);
    refuses("[pool a]\nlimit = 1\n[pool a]\nlimit = 2\n", want, "a pool twice");
    free(want);
}

static void test_lines(void)
{
    struct buf text = {0};
    struct config c;
    buf_addstr(&text, "[worker a]\ntags = ");
    for (int i = 0; i < 192; i++)
        buf_addch(&text, i % 20 == 19 ? ' ' : 'x');
    buf_addstr(&text, "\nslots = 2\n");
    if (accepts(buf_str(&text), &c, "a line of 199 bytes")) {
        (void)tap_int((long long)c.hosts[0].tags.n, 2, "its tags are there");
        (void)tap_int(c.hosts[0].slots, 2, "and so is the next line");
        config_free(&c);
    }
    buf_reset(&text);
    buf_addstr(&text, "[worker a]\ntags = ");
    for (int i = 0; i < 193; i++)
        buf_addch(&text, 'x');
    buf_addstr(&text, "\nslots = 2\n");
    refuses(buf_str(&text), "rota.ini:2: the line is longer than 199 bytes: shorten it",
            "a line that inih would split");
    buf_free(&text);
}

static void refuses_file(const char *want, const char *what)
{
    struct config c;
    struct errlist errors = {0};
    (void)tap_int(config_read(file, &c, &errors), ERR_CONFIG, what);
    char *got = lines(&errors);
    (void)tap_ok(strstr(got, want) != NULL, "and says why: %s", got);
    free(got);
    errlist_free(&errors);
}

static void test_files(void)
{
    static const char nul[] = "[rota]\nkeep\0 = 3d\n";
    put_file(file, "[rota]\n", 7);
    (void)chmod(file, 0664);
    refuses_file("chmod go-w", "a file that the group can write is refused");
    (void)chmod(file, 0646);
    refuses_file("chmod go-w", "a file that all can write is refused");
    (void)chmod(file, 0644);
    if (geteuid() == 0) {
        (void)!chown(file, 12345, 0);
        refuses_file("belongs to user 12345", "another user's file is refused");
        (void)!chown(file, 0, 0);
    }
    put_file(file, nul, sizeof nul - 1);
    refuses_file("rota.ini:2: holds a NUL byte", "a NUL byte is refused");
    char *large = xcalloc((1 << 20) + 1, 1);
    memset(large, '\n', (1 << 20) + 1);
    put_file(file, large, (1 << 20) + 1);
    refuses_file("over the limit", "a file over 1 MiB is refused");
    free(large);
    (void)unlink(file);
    refuses_file("cannot open", "a file that is not there is refused");
    (void)mkfifo(file, 0600);
    refuses_file("no regular file", "a FIFO is refused without waiting for a writer");
    (void)unlink(file);
    (void)mkdir(file, 0700);
    refuses_file("no regular file", "a directory is refused");
    (void)rmdir(file);
}

static void loads(const char *catalogue, bool set, const char *what)
{
    struct config c;
    struct errlist errors = {0};
    if (tap_int(config_load(&c, &errors), 0, what) && tap_str(c.catalogue, catalogue, what)) {
        (void)tap_ok(c.catalogue_set == set, "it was %snamed", set ? "" : "not ");
        (void)tap_ok(c.nhosts == 1 && config_host(&c, "local"), "and the one worker is local");
    }
    config_free(&c);
    errlist_free(&errors);
}

static void fails(const char *want, const char *what)
{
    struct config c;
    struct errlist errors = {0};
    (void)tap_int(config_load(&c, &errors), ERR_CONFIG, what);
    char *got = lines(&errors);
    (void)tap_ok(strstr(got, want) != NULL, "and says why: %s", got);
    free(got);
    errlist_free(&errors);
}

/* No /etc/rota/rota.ini may be on the machine of the test. */
static void test_environment(void)
{
    char *state = xasprintf("%s/.local/state/rota/catalogue.db", dir);
    char *config = xasprintf("%s/.config/rota", dir), *own = xasprintf("%s/rota.ini", config);
    loads(state, false, "without a file the catalogue is in the home");
    (void)setenv("XDG_STATE_HOME", "/state", 1);
    loads("/state/rota/catalogue.db", false, "or in XDG_STATE_HOME");
    (void)setenv("XDG_STATE_HOME", "state", 1);
    loads(state, false, "which is ignored when it is relative");
    (void)unsetenv("XDG_STATE_HOME");
    (void)setenv("ROTA_CATALOGUE", "/named.db", 1);
    loads("/named.db", true, "ROTA_CATALOGUE names it");
    (void)io_mkdirs(config, 0755, NULL);
    put_file(own, "[rota]\ncatalogue = /file.db\n", 28);
    loads("/named.db", true, "ROTA_CATALOGUE wins over the file");
    (void)setenv("ROTA_CATALOGUE", "here.db", 1);
    (void)!chdir("/tmp");
    loads("/tmp/here.db", true, "a relative ROTA_CATALOGUE becomes absolute");
    (void)!chdir("/");
    loads("/here.db", true, "in the root as well");
    (void)setenv("ROTA_CATALOGUE", "", 1);
    loads("/file.db", true, "an empty ROTA_CATALOGUE is none, the file in the home is read");
    (void)setenv("ROTA_CONFIG", "/nonexistent/rota.ini", 1);
    fails("/nonexistent/rota.ini: cannot open", "a ROTA_CONFIG that does not exist is an error");
    put_file(file, "[rota]\ncatalogue = ~/x.db\n", 26);
    (void)setenv("ROTA_CONFIG", file, 1);
    char *expanded = xasprintf("%s/x.db", dir);
    loads(expanded, true, "ROTA_CONFIG wins over the home, ~ is expanded");
    (void)unsetenv("HOME");
    fails("(HOME is not set)", "~ without HOME is an error");
    put_file(file, "", 0);
    fails("set HOME", "no place for the catalogue is an error");
    (void)setenv("HOME", dir, 1);
    loads(state, false, "an empty file is a configuration");
    (void)unsetenv("ROTA_CONFIG");
    (void)chmod(own, 0666);
    fails("chmod go-w", "a bad file in the home is not passed over");
    (void)unlink(own);
    free(expanded);
    free(state);
    free(config);
    free(own);
}

int main(void)
{
    char template[] = "/tmp/rota-test-config.XXXXXX";
    dir = mkdtemp(template);
    file = xasprintf("%s/rota.ini", dir);
    (void)setenv("HOME", dir, 1);
    (void)unsetenv("XDG_STATE_HOME");
    (void)unsetenv("ROTA_CONFIG");
    (void)unsetenv("ROTA_CATALOGUE");
    test_example();
    test_ranges();
    test_many();
    test_refusals();
    test_duplicates();
    test_lines();
    test_files();
    test_environment();
    (void)unlink(file);
    static const char *const left[] = {"/.config/rota", "/.config", ""};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        char *path = xasprintf("%s%s", dir, left[i]);
        (void)tap_ok(rmdir(path) == 0, "nothing is left in DIR%s", left[i]);
        free(path);
    }
    free(file);
    return tap_done();
}
