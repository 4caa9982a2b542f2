#include "test_jobfile.h"

/* `want` is the whole of the errors, a line each. */
static void refuses(const char *text, const char *want, const char *what)
{
    struct joblist jobs;
    struct errlist errors = {0};
    int rc = jobfile_parse("t", text, strlen(text), &jobs, &errors);
    char *got = lines(&errors);
    (void)tap_ok(rc == ERR_DATA && !jobs.n, "%s is refused", what);
    (void)tap_str(got, want, what);
    free(got);
    joblist_free(&jobs);
    errlist_free(&errors);
}

struct refusal {
    const char *text, *errors, *what;
};

static void refuse_all(const struct refusal *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        refuses(cases[i].text, cases[i].errors, cases[i].what);
}

static void test_syntax(void)
{
    static const struct refusal cases[] = {
        {"", "t: holds no job", "an empty file"},
        {"# nothing\n---\n---\n", "t: holds no job", "a file of empty documents"},
        {"- shell: x\n",
         "t:1:1: a job is a map of keys (name:, shell: …), not a list (begin every further job "
         "with "
         "a line ---)",
         "a list"},
        {"echo hi\n", "t:1:1: a job is a map of keys (name:, shell: …), not a text", "a text"},
        {"name: [a\nshell: x\n",
         "t:2:6: YAML: did not find expected ',' or ']', while parsing a flow sequence that begins "
         "at line 1 (quote a value that holds [ ] { } , or : )",
         "a bracket that is not closed"},
        {"shell: x\n\tname: a\n",
         "t:2:1: YAML: found a tab character that violates indentation, while scanning a plain "
         "scalar "
         "that begins at line 1 (indent with blanks, not with tabs)",
         "a tab"},
        {"shell: echo: x\n",
         "t:1:12: YAML: mapping values are not allowed in this context (quote a value that holds "
         "': ')",
         "a colon in a value"},
        {"{\"shell\": \"x\"}\n{\"shell\": \"y\"}\n",
         "t:2:1: YAML: did not find expected <document start> (begin every further job with a line "
         "---)",
         "JSON lines"},
        {"shell: \"\\ud83d\\ude00\"\n",
         "t:1:11: YAML: found invalid Unicode character escape code, while parsing a quoted scalar "
         "that begins at line 1 (write the character itself, not as two \\u escapes)",
         "a surrogate"},
        {"shell: a\x01", "t:1:9: is no text in UTF-8: control characters are not allowed",
         "a control character"},
        {"a: b\nshell: ä\xff", "t:2:9: is no text in UTF-8: invalid leading UTF-8 octet",
         "bytes that are not UTF-8"},
        {"shell: &a x\nname: b\n", "t:1:8: anchors (&a) are not allowed: write the value out",
         "an anchor"},
        {"shell: *a\nname: b\n", "t:1:8: aliases (*a) are not allowed: write the value out",
         "an alias"},
        {"shell: x\nenv: {<<: {A: b}}\n",
         "t:2:7: merge keys (<<) are not allowed: write the keys out", "a merge key"},
        {"shell: !!python/object x\n",
         "t:1:8: tag 'tag:yaml.org,2002:python/object' is not allowed here", "a tag"},
        {"shell: !mine x\n", "t:1:8: tag '!mine' is not allowed here", "a tag of one's own"},
        {"shell: !!seq x\n", "t:1:8: tag 'tag:yaml.org,2002:seq' is not allowed here",
         "a tag of another kind"},
        {"shell: x\nname: a\nshell: y\n", "t:3:1: key 'shell' is there twice, first at line 1",
         "a key twice"},
        {"shell: x\nenv: {A: 1, B: 2, A: 3}\n", "t:2:19: key 'A' is there twice, first at line 2",
         "a variable twice"},
        {"shell: x\n? [a, b]\n: c\n", "t:2:3: a key is one word, not a list or a map",
         "a list as a key"},
        {"%TAG !a! b\nshell: x\n", "t:1:1: %TAG is not allowed: there are no tags of one's own",
         "a directive for tags"},
        {"shell: x\n...\n%TAG !a! b\n",
         "t:3:1: %TAG is not allowed: there are no tags of one's own", "a later one"},
        {"shell: \"a\\0b\"\n", "t:1:8: a NUL byte cannot stand in a text", "an escaped NUL"},
    };
    refuse_all(cases, sizeof cases / sizeof *cases);
}

static void test_kinds(void)
{
    static const struct refusal cases[] = {
        {"container: {argv: [a]}\n", "t:1:12: 'image' is missing", "a container without image"},
        {"container: {image: x, mounts: [a]}\n",
         "t:1:32: 'mounts' is to be /SOURCE:/TARGET or VOLUME:/TARGET, with or without :OPTIONS, "
         "not "
         "'a'",
         "a mount without target"},
        {"http: {url: ftp://x}\n",
         "t:1:13: 'url' is to be a URL that begins with http:// or https://, not 'ftp://x'",
         "another protocol"},
        {"http: {url: http://x}\nstdin: y\n",
         "t:2:8: 'http' and 'stdin' exclude each other: what is sent is its body",
         "a request with standard input"},
    };
    refuse_all(cases, sizeof cases / sizeof *cases);
}

static void test_keys(void)
{
    static const struct refusal cases[] = {
        {"shell: x\nsolts: 2\n", "t:2:1: unknown key 'solts' (did you mean 'slots'?)",
         "a misspelt key"},
        {"shell: x\nwhere: {hsots: a}\n", "t:2:9: unknown key 'hsots' (did you mean 'hosts'?)",
         "a misspelt key inside"},
        {"shell: x\nnonsense: 2\n", "t:2:1: unknown key 'nonsense'", "an unknown key"},
        {"shell: x\nhosts: a\n", "t:2:1: unknown key 'hosts' here (it belongs under 'where')",
         "a key on the wrong level"},
        {"shell: x\ndeadline: 1h\n",
         "t:2:1: unknown key 'deadline' here (it belongs under 'schedule')", "a key of a schedule"},
        {"name: a\n",
         "t:1:1: there is nothing to run: give shell:, exec:, script:, container: or http:",
         "a job without work"},
        {"shell: x\nexec: [y]\n", "t:2:7: 'shell' and 'exec' exclude each other: keep one",
         "two kinds of work"},
        {"shell:\n", "t:1:7: 'shell' has no value", "a key without value"},
        {"shell: ~\n", "t:1:8: 'shell' has no value", "null"},
        {"shell: '  '\n", "t:1:8: 'shell' is empty", "a blank command"},
        {"shell: [a, b]\n",
         "t:1:8: 'shell' is a text; a list of arguments is exec:", "a list for shell"},
        {"shell: {a: b}\n", "t:1:8: 'shell' is to be a text, not a map", "a map for shell"},
        {"exec: ls -l\n",
         "t:1:7: 'exec' is a list of arguments: [program, argument]; a command line is shell:",
         "a text for exec"},
        {"exec: []\n", "t:1:7: 'exec' is an empty list: take it out", "an empty exec"},
        {"exec: ['', a]\n", "t:1:8: 'exec' begins with the program: it is empty",
         "an empty program"},
        {"exec: [a, [b]]\n", "t:1:11: 'exec' is to be a list of texts, not a list",
         "a list in exec"},
        {"exec: [a, ~]\n", "t:1:11: 'exec' has an empty item", "null in exec"},
        {"name: last\nshell: x\n", "t:1:7: 'name': the name 'last' is reserved",
         "the reserved name"},
        {"name: a b\nshell: x\n",
         "t:1:7: 'name' is to be a name: a letter or _, then letters, digits, . _ -, at most 64, "
         "not "
         "'a b'",
         "a bad name"},
        {"shell: x\n---\nname: b\nshell: y\n---\nshell: z\n",
         "t:6:1: a second job without a name: give it a name:", "two jobs without a name"},
        {"shell: x\nenv: {1A: b}\n", "t:2:7: '1A' is no name of a variable: letters, digits and _",
         "a bad variable"},
        {"shell: x\nenv: {ROTA_RUN: 1}\n",
         "t:2:7: 'ROTA_RUN': variables that begin with ROTA_ are rota's own", "a variable of ours"},
        {"shell: x\nenv: {A: , B: [c]}\n",
         "t:2:10: 'A' has no value: write \"\" for an empty one\n"
         "t:2:15: the value of 'B' is to be a text",
         "variables without a text"},
        {"shell: x\nenv: [A=b]\n", "t:2:6: 'env' is to be a map of names and values, not a list",
         "a list for env"},
        {"shell: x\nworkdir: here\n", "t:2:10: 'workdir' is to be a path from /, not 'here'",
         "a relative workdir"},
        {"shell: x\nuser: a b\n", "t:2:7: 'user' is to be the name of an account, not 'a b'",
         "a bad user"},
        {"shell: x\nwhere: {tags: [1a]}\n",
         "t:2:16: 'tags' is to be a name: a letter or _, then letters, digits, . _ -, at most 64, "
         "not "
         "'1a'",
         "a bad tag"},
        {"shell: x\nwhere: db1\n", "t:2:8: 'where' is to be a map of keys, not 'db1'",
         "a text for where"},
        {"shell: x\nwhere: {hosts: \"db[1-\"}\n",
         "t:2:16: 'hosts': between [ and ] stand numbers and ranges, as in [1-4,7]", "a bad range"},
        {"shell: x\nwhere: {hosts: 10.0.0.1}\n",
         "t:2:16: 'hosts': '10.0.0.1' is no name of a worker", "an address for a host"},
        {"shell: x\nwhere: {hosts: ['a[1-99999]', 'b[1-99999]', 'c[1-99999]']}\n",
         "t:2:16: 'hosts': makes over 100000 names", "too many hosts"},
        {"shell: x\nwhere: {prefer: sprad}\n",
         "t:2:17: 'prefer' is to be least-loaded, spread, pack, random or order, not 'sprad' (did "
         "you "
         "mean 'spread'?)",
         "a misspelt prefer"},
    };
    refuse_all(cases, sizeof cases / sizeof *cases);
}

static void test_values(void)
{
    static const struct refusal cases[] = {
        {"shell: x\nslots: 0\n", "t:2:8: 'slots' is to be a whole number from 1 to 10000, not '0'",
         "no slots"},
        {"shell: x\nslots: '3'\n",
         "t:2:8: 'slots' is to be a whole number from 1 to 10000, not the quoted text '3'",
         "a quoted number"},
        {"shell: x\nslots: 010\n",
         "t:2:8: 'slots' is to be a whole number from 1 to 10000, not '010'", "an octal number"},
        {"shell: x\nslots: 0x10\n",
         "t:2:8: 'slots' is to be a whole number from 1 to 10000, not '0x10'",
         "a hexadecimal number"},
        {"shell: x\nslots: 1_000\n",
         "t:2:8: 'slots' is to be a whole number from 1 to 10000, not '1_000'", "a number with _"},
        {"shell: x\npriority: 99999999999999999999\n",
         "t:2:11: 'priority' is to be a whole number from -1000000 to 1000000, not "
         "'99999999999999999999'",
         "a number beyond any"},
        {"shell: x\ntimeout: 30\n",
         "t:2:10: 'timeout': '30' is no duration (write 90s, 15m, 2h, 1d or 1h30m)",
         "a bare number"},
        {"shell: x\ntimeout: [1h]\n", "t:2:10: 'timeout' is to be a duration, not a list",
         "a list for a duration"},
        {"shell: x\nretry: 3\n", "t:2:8: 'retry' is to be a map of keys, not '3'",
         "a number for retry"},
        {"shell: x\nretry: {delay: 3s}\n", "t:2:8: 'attempts' is missing",
         "retry without attempts"},
        {"shell: x\nretry: {attempts: 1001}\n",
         "t:2:19: 'attempts' is to be a whole number from 1 to 1000, not '1001'",
         "too many attempts"},
        {"shell: x\non_lost: retry\nlost_after: 100ms\n",
         "t:3:13: 'lost_after': '100ms' is too little", "a lost_after that no PING can meet"},
        {"shell: x\nretry: {attempts: 2, on: faild}\n",
         "t:2:26: 'on' is to be failed, timeout or lost, not 'faild' (did you mean 'failed'?)",
         "retry on a misspelt word"},
        {"shell: x\nretry: {attempts: 2, delay: 1s, backoff: 0.5}\n",
         "t:2:42: 'backoff' is to be a number from 1 to 100, as 2 or 1.5, not '0.5'",
         "a backoff below 1"},
        {"shell: x\nretry: {attempts: 2, backoff: 2}\n",
         "t:2:31: 'backoff' multiplies 'delay', which is missing", "backoff without delay"},
        {"shell: x\nretry: {attempts: 2, delay: 1m, max_delay: 1s}\n",
         "t:2:44: 'max_delay' is less than 'delay'", "a max_delay below delay"},
        {"shell: x\nretry: {attempts: 2, delay: 8d}\n", "t:2:29: 'delay': '8d' is too much",
         "a delay over a week"},
        {"shell: x\nretry: {attempts: 2, elsewhere: 1}\n",
         "t:2:33: 'elsewhere' is to be true or false, not '1'", "1 for a boolean"},
        {"shell: x\nretry: {attempts: 2, elsewhere: 'true'}\n",
         "t:2:33: 'elsewhere' is to be true or false, not the quoted text 'true'",
         "a quoted boolean"},
        {"shell: x\nsuccess: []\n", "t:2:10: 'success' is an empty list: take it out",
         "success that is never"},
        {"shell: x\nsuccess: [0, 256]\n",
         "t:2:14: 'success' is to be a whole number from 0 to 255, not '256'", "a code over 255"},
        {"shell: x\noutput: {}\n", "t:2:9: 'limit' is missing", "output without limit"},
        {"shell: x\noutput: {limit: 2G}\n", "t:2:17: 'limit': '2G' is too much", "a limit over 1G"},
        {"shell: x\noutput: {limit: 2MB}\n",
         "t:2:17: 'limit': '2MB' is no size (write 512, 64K, 16M or 2G)", "a limit that is none"},
        {"shell: x\nleftovers: keep\n", "t:2:12: 'leftovers' is to be kill or leave, not 'keep'",
         "a wrong word"},
        {"shell: x\nlost_after: 10m\n",
         "t:2:13: 'lost_after' means something with 'on_lost: retry' only", "lost_after by itself"},
        {"shell: x\nslots: a\ntimeout: b\n---\nname: last\nshell: y\nbad: z\n",
         "t:2:8: 'slots' is to be a whole number from 1 to 10000, not 'a'\n"
         "t:3:10: 'timeout': 'b' is no duration (write 90s, 15m, 2h, 1d or 1h30m)\n"
         "t:5:7: 'name': the name 'last' is reserved\n"
         "t:7:1: unknown key 'bad'",
         "a file with many errors"},
        {"shell: x\nslots: a\n---\nshell: [\n",
         "t:5:1: YAML: did not find expected node content, while parsing a flow node that begins "
         "at "
         "line 5\n"
         "t:2:8: 'slots' is to be a whole number from 1 to 10000, not 'a'",
         "a file that also breaks off"},
    };
    refuse_all(cases, sizeof cases / sizeof *cases);
}

static void test_placement(void)
{
    static const struct refusal cases[] = {
        {"shell: x\nwhere: {each: true, count: 2}\n",
         "t:2:28: 'each' and 'count' exclude each other: keep one", "each and count"},
        {"shell: x\nwhere: {count: 0}\n",
         "t:2:16: 'count' is to be a whole number from 1 to 100000, not '0'", "a count of none"},
        {"shell: x\nwhere: {tags: [a, b], not: [c, b]}\n",
         "t:2:28: no host has the tag 'b' and has it not: it stands in 'tags' too",
         "a tag that is wanted and forbidden"},
        {"shell: x\nmax_running: 0\n",
         "t:2:14: 'max_running' is to be a whole number from 1 to 1000000, not '0'",
         "a job that may never run"},
    };
    refuse_all(cases, sizeof cases / sizeof *cases);
}

static void test_limits(void)
{
    static const struct refusal cases[] = {
        {"shell: x\nmemory: 1000K\n", "t:2:9: 'memory': '1000K' is too little", "no memory"},
        {"shell: x\nmemory: much\n",
         "t:2:9: 'memory': 'much' is no size (write 512, 64K, 16M or 2G)",
         "memory that is no size"},
        {"shell: x\ncpu: 0.0\n", "t:2:6: 'cpu': '0.0' is too little: at least 0.01 of a processor",
         "no processor"},
        {"shell: x\ncpu: 1.2345\n",
         "t:2:6: 'cpu' is to be a number from 0 to 10000, as 2 or 1.5, not '1.2345'",
         "a finer part of a processor"},
        {"shell: x\nnice: -5\n", "t:2:7: 'nice' is to be a whole number from 0 to 19, not '-5'",
         "a run before others"},
        {"shell: x\nslurm: {}\nmemory: 1G\ncpu: 1\nnice: 3\n",
         "t:3:9: 'slurm' and 'memory' exclude each other: give mem under slurm:\n"
         "t:4:6: 'slurm' and 'cpu' exclude each other: give cpus_per_task under slurm:\n"
         "t:5:7: 'slurm' and 'nice' exclude each other: give extra: [\"--nice=N\"] under slurm:",
         "limits of what Slurm carries"},
        {"shell: x\nslurm: {extra: [--exclusive, run.sh, --comm=a, -a0-3, -HQa1, --help, -A, me, "
         "--wait-all-nodes=1, -sA, hw, b]}\n",
         "t:2:8: 'run.sh' in 'extra' is no option: a value stands behind its option (--qos=high), "
         "what the run executes in shell:, exec: or script:\n"
         "t:2:8: 'extra' cannot have '--comm=a': it is rota's to say\n"
         "t:2:8: 'extra' cannot have '-a0-3': it is rota's to say\n"
         "t:2:8: 'extra' cannot have '-HQa1': it is rota's to say\n"
         "t:2:8: 'extra' cannot have '--help': it is rota's to say\n"
         "t:2:8: 'b' in 'extra' is no option: a value stands behind its option (--qos=high), what "
         "the "
         "run executes in shell:, exec: or script:",
         "words for sbatch that would have it lose the run"},
        {"container: {image: a}\nnice: 3\nmemory: 1G\n",
         "t:2:7: 'container' and 'nice' exclude each other: a container may be the child of a "
         "service; give 'cpu'",
         "a nice container"},
    };
    refuse_all(cases, sizeof cases / sizeof *cases);
}

/* The keys whose behaviour comes later: right values are refused once, wrong ones say why as well. */
static void test_later(void)
{
    static const struct refusal cases[] = {
        {"shell: x\nschedule: {jitter: 5m}\n",
         "t:2:11: 'schedule' needs one of 'cron', 'every' and 'at'", "a schedule that is never"},
        {"shell: x\nschedule:\n  cron: 30 2 * *\n  timezone: Mars/Olympus\n  overlap: forbit\n"
         "  from: now\n  until: 2026-02-30\n  except: 2026-02-02..2026-02-01\n  every: 1ms\n  "
         "crom: x\n",
         "t:3:9: 'cron': column 9: '30 2 * *' has 4 fields (an expression has 5, or 6 with "
         "seconds first)\n"
         "t:4:13: 'timezone' is to be a time zone, as Europe/Berlin, not 'Mars/Olympus'\n"
         "t:5:12: 'overlap' is to be allow, forbid, queue or replace, not 'forbit' (did you mean "
         "'forbid'?)\n"
         "t:6:9: 'from' is to be a time, as 2026-12-01 or 2026-12-01 10:00, not 'now'\n"
         "t:7:10: 'until' is to be a time, as 2026-12-01 or 2026-12-01 10:00, not '2026-02-30'\n"
         "t:8:11: 'except' is to be days, as 2026-12-25 or 2026-12-31..2027-01-02, not "
         "'2026-02-02..2026-02-01'\n"
         "t:9:10: 'every': '1ms' is too little\n"
         "t:10:3: unknown key 'crom' (did you mean 'cron'?)",
         "a schedule full of errors"},
        {"shell: x\nschedule: {at: 2026-01-01, from: 2026-02-01, until: 2026-01-01}\n",
         "t:2:53: 'until' is not after 'from'", "a schedule that ends before it begins"},
        {"shell: x\nafter: [{is: done}]\n",
         "t:2:14: 'is' is to be succeeded, failed, finished or started, not 'done'\n"
         "t:2:9: 'job' is missing",
         "a wrong after"},
        {"shell: x\nafter: []\n", "t:2:8: 'after' is an empty list: take it out", "after nothing"},
        {"shell: x\nafter: {all: [a]}\n", "t:2:9: unknown key 'all'\nt:2:8: 'job' is missing",
         "after all of something"},
        {"shell: x\nafter: [a, {job: a}]\n", "t:2:12: 'after' names a twice", "a need twice"},
        {"shell: x\nafter: {any: [a], job: b}\n", "t:2:19: unknown key 'job'", "any and one"},
    };
    refuse_all(cases, sizeof cases / sizeof *cases);
}

#define SOURCES "one of {file: PATH}, {env: VARIABLE} and {command: [PROGRAM, ARGUMENT]}"

static void test_secrets(void)
{
    static const struct refusal cases[] = {
        {"shell: x\nsecrets: [A]\n",
         "t:2:10: 'secrets' is to be a map of variables and where their values are, not a list",
         "secrets in a list"},
        {"shell: x\nsecrets:\n  A: hunter2\n  B: {}\n  C: {file: /a, env: B}\n",
         "t:3:6: 'A' says where its value is: " SOURCES "\n"
         "t:4:6: 'B' says where its value is: " SOURCES "\n"
         "t:5:6: 'C' says where its value is: " SOURCES,
         "secrets without a source, or with two"},
        {"shell: x\nsecrets:\n  A: {file: b}\n  B: {env: 'a b'}\n  C: {command: pass show}\n"
         "  D: {command: ['']}\n  E: {flie: /a}\n  F: {command: []}\n",
         "t:3:13: 'file' is to be a path from /, not 'b'\n"
         "t:4:12: 'a b' is no name of a variable: letters, digits and _\n"
         "t:5:16: 'command' is a list: [program, argument]; no shell reads it\n"
         "t:6:17: 'command' begins with the program: it is empty\n"
         "t:7:7: unknown key 'flie' (did you mean 'file'?)\n"
         "t:8:16: 'command' is an empty list: take it out",
         "secrets with bad sources"},
        {"shell: x\nsecrets:\n  ROTA_RUN: {env: B}\n  1A: {env: B}\n",
         "t:3:3: 'ROTA_RUN': variables that begin with ROTA_ are rota's own\n"
         "t:4:3: '1A' is no name of a variable: letters, digits and _",
         "secrets with bad names"},
        {"shell: x\nenv: {A: b}\nsecrets: {A: {env: B}}\n",
         "t:3:10: 'A' stands in 'env' too: keep one", "a secret that is no secret"},
        {"shell: x\nslurm: {}\nsecrets: {A: {env: B}}\n",
         "t:3:10: 'slurm' and 'secrets' exclude each other: secrets would be stored by Slurm",
         "secrets for Slurm"},
    };
    refuse_all(cases, sizeof cases / sizeof *cases);
}

int main(void)
{
    test_syntax();
    test_keys();
    test_kinds();
    test_values();
    test_placement();
    test_limits();
    test_later();
    test_secrets();
    return tap_done();
}
