#include <stdio.h>

#include "monitor/channel.h"
#include "xalloc.h"

enum { FIELD_MAX = 4096 };

static void put_env(struct sender *sender, const char *name, const char *value)
{
    strlist_take(&sender->env,
                 xasprintf("ROTA_ALERT_%s=%.*s", name, FIELD_MAX, value ? value : ""));
}

/* The fields of the first alert, which mostly is the only one; all of them on standard input. */
static void prepare(const struct config *config, const struct strlist *to,
                    const struct notice *notice, struct sender *sender)
{
    const struct notice_item *first = &notice->v[0];
    struct buf text = {0};
    char number[32];
    (void)config;
    strlist_add(&sender->argv, to->v[0]);
    put_env(sender, "SECTION", notice->section->name);
    put_env(sender, "RULE", first->alert.rule);
    put_env(sender, "STATE", notice_state(first));
    put_env(sender, "SUBJECT", first->alert.subject);
    put_env(sender, "HOST", first->alert.host);
    put_env(sender, "DETAIL", first->alert.detail);
    (void)snprintf(number, sizeof number, "%lld", (long long)first->alert.run);
    put_env(sender, "RUN", first->alert.run ? number : NULL);
    (void)snprintf(number, sizeof number, "%zu", notice->n);
    put_env(sender, "COUNT", number);
    notice_subject(notice, &text);
    put_env(sender, "TEXT", buf_str(&text));
    notice_json(notice, &sender->input);
    buf_addch(&sender->input, '\n');
    buf_free(&text);
}

const struct channel channel_command = {"through", prepare, NULL};
