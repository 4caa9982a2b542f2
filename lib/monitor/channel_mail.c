#include "monitor/channel.h"
#include "monitor/mail.h"

static void prepare(const struct config *config, const struct strlist *to,
                    const struct notice *notice, struct sender *sender)
{
    struct buf subject = {0}, body = {0};
    strlist_copy(&sender->argv, &config->monitor.sendmail);
    strlist_add(&sender->argv, "-t");
    strlist_add(&sender->argv, "-i");
    buf_addstr(&subject, "[rota] ");
    notice_subject(notice, &subject);
    notice_text(notice, &body);
    mail_write(&sender->input, to, config->monitor.from, buf_str(&subject), buf_str(&body));
    buf_free(&subject);
    buf_free(&body);
}

const struct channel channel_mail = {"by mail to", prepare, NULL};
