#include "test_config.h"

static void test_alerts(void)
{
    struct config c;
    if (!accepts("[alert ops]\n"
                 "on = failed: 3 in a row, recovered , missed,late, lost, host-down, host-up\n"
                 "mail = a@example.com, b@example.com\n"
                 "jobs = backup-*, web\n"
                 "remind = 2h\n"
                 "[alert chat]\n"
                 "on = failed\n"
                 "webhook = https://chat.example.com/hook?key=1\n"
                 "template = slack\n"
                 "remind = never\n"
                 "[monitor]\n"
                 "late_factor = 2.5\n"
                 "disk = 2G\n"
                 "sendmail = /usr/bin/msmtp -C /etc/x\n",
                 &c, "alerts"))
        return;
    const struct alert_config *ops = config_alert(&c, "ops"), *chat = config_alert(&c, "chat");
    (void)tap_int((long long)c.nalerts, 2, "both sections are there");
    (void)tap_ok(ops && chat && !config_alert(&c, "op"), "and are found");
    if (!ops || !chat)
        return;
    (void)tap_ok(ops->streak == 3 && chat->streak == 1, "failures in a row");
    (void)tap_ok(ops->on & 1U << ALERT_RECOVERED && ops->on & 1U << ALERT_HOST_UP &&
                     !(ops->on & 1U << ALERT_DISK),
                 "rules are those that stand there");
    (void)tap_ok(ops->to[CHANNEL_MAIL].n == 2 &&
                     strcmp(ops->to[CHANNEL_MAIL].v[1], "b@example.com") == 0,
                 "addresses");
    (void)tap_ok(ops->jobs.n == 2 && ops->remind_ms == 7200000 && chat->remind_ms == 0,
                 "patterns and reminders");
    (void)tap_ok(chat->slack && strstr(chat->to[CHANNEL_WEBHOOK].v[0], "key=1") != NULL,
                 "a webhook");
    (void)tap_ok(c.monitor.late_factor > 2.49 && c.monitor.late_factor < 2.51, "a factor");
    (void)tap_int(c.monitor.disk_bytes, INT64_C(2) << 30, "a size");
    (void)tap_int(c.monitor.queue_age_ms, 3600000, "a default");
    (void)tap_int((long long)c.monitor.sendmail.n, 3, "the mail program has arguments");
    config_free(&c);
}

static const struct {
    const char *text, *errors, *what;
} refusals[] = {
    {"[alert ops]\non = failed\nmial = ops\n",
     "rota.ini:3: unknown key 'mial' in [alert] (did you mean 'mail'?)\n"
     "rota.ini:1: [alert ops] tells nobody: give it mail =, webhook = or command =",
     "an alert that tells nobody"},
    {"[alert ops]\non = failed: 3 in a row, lots, recovered\ncommand = x\n",
     "rota.ini:2: 'on': there is no rule 'lots' (did you mean 'lost'?)\n"
     "rota.ini:3: 'command': is to be the path of a program from / or ~/, not 'x'\n"
     "rota.ini:1: [alert ops] tells nobody: give it mail =, webhook = or command =",
     "a rule that is none"},
    {"[alert a]\non = late: 3 in a row\nmail = ops\n"
     "[alert c]\non = failed: often\nmail = a@b, c@d\nwebhook = ftp://x\n"
     "[alert b]\ncommand = /bin/x\nwebhook = https://x/y\ntemplate = teams\n",
     "rota.ini:2: 'on': 'late' takes no number: only 'failed: 3 in a row' does\n"
     "rota.ini:3: 'mail': 'ops' is no address (write ops@example.com)\n"
     "rota.ini:5: 'on': write it as failed: 3 in a row\n"
     "rota.ini:7: 'webhook': 'ftp://x' is no address of the web (write https://…)\n"
     "rota.ini:11: 'template': there is no template 'teams': there is slack; without one it is "
     "JSON\n"
     "rota.ini:1: [alert a] tells nobody: give it mail =, webhook = or command =\n"
     "rota.ini:1: [alert a] is for nothing: give it on = failed, recovered, host-down …\n"
     "rota.ini:4: [alert c] is for nothing: give it on = failed, recovered, host-down …\n"
     "rota.ini:8: [alert b] has more than one of mail, webhook and command: make a section of "
     "each\n"
     "rota.ini:8: [alert b] is for nothing: give it on = failed, recovered, host-down …",
     "alerts full of errors"},
    {"[monitor]\nheartbeat = x\ndisk = 1Q\nlate_factor = 0.5\nsendmail = mail\nfrom = a@b@c\n"
     "queue_age = 5\nqueue_ages = 1h\n",
     "rota.ini:2: 'heartbeat': 'x' is no address of the web (write https://…)\n"
     "rota.ini:3: 'disk': '1Q' is no size (write 512, 64K, 16M or 2G)\n"
     "rota.ini:4: 'late_factor': is to be a factor from 1 to 1000, or never, not '0.5'\n"
     "rota.ini:5: 'sendmail': is to be the path of a program from /, perhaps with arguments, not "
     "'mail'\n"
     "rota.ini:6: 'from': 'a@b@c' is no address (write ops@example.com)\n"
     "rota.ini:7: 'queue_age': '5' is no duration (write 90s, 15m, 2h, 1d or 1h30m)\n"
     "rota.ini:8: unknown key 'queue_ages' in [monitor] (did you mean 'queue_age'?)",
     "a monitor full of errors"},
};

static void test_refusals(void)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        refuses(refusals[i].text, refusals[i].errors, refusals[i].what);
}

int main(void)
{
    char template[] = "/tmp/rota-test-config.XXXXXX";
    dir = mkdtemp(template);
    file = xasprintf("%s/rota.ini", dir);
    (void)setenv("HOME", dir, 1);
    test_alerts();
    test_refusals();
    (void)unlink(file);
    (void)tap_ok(rmdir(dir) == 0, "nothing is left");
    free(file);
    return tap_done();
}
