#include "worker/order.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "worker/executor.h"
#include "worker/files.h"
#include "worker/limits.h"
#include "worker/secret.h"
#include "xalloc.h"

enum { ENV_MAX = 4096 };

/* The first problem is the one told. */
__attribute__((format(printf, 2, 3))) static void refuse(struct order *order, const char *fmt, ...)
{
    if (order->problem)
        return;
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    order->problem = xstrdup(line);
}

/* ---- fields ---- */

static char *take_text(struct order *order, const struct message_field *f, const char *what)
{
    if (f->len && memchr(f->p, '\0', f->len)) {
        refuse(order, "%s holds a NUL byte", what);
        return NULL;
    }
    return xstrndup((const char *)f->p, f->len);
}

static void replace(char **to, char *text)
{
    free(*to);
    *to = text;
}

static int64_t take_ms(const struct message_field *f)
{
    uint64_t ms = message_field_u64(f);
    return ms > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)ms;
}

/* What is beyond it is refused where it is used. */
static uint64_t take_small(const struct message_field *f)
{
    uint64_t number = message_field_u64(f);
    return number > INT32_MAX ? INT32_MAX : number;
}

static void take_executor(struct order *order, const struct executor **to,
                          const struct message_field *f)
{
    char *name = take_text(order, f, "the executor");
    *to = name ? executor_find(name) : NULL;
    if (name && !*to)
        refuse(order, "the worker on this host has no executor '%s'", name);
    free(name);
}

static void take_list(struct order *order, struct strlist *list, const struct message_field *f,
                      const char *what)
{
    char *text = take_text(order, f, what);
    if (text)
        strlist_take(list, text);
}

static void take_env(struct order *order, const struct message_field *f)
{
    take_list(order, &order->env, f, "the environment");
    if (order->env.n > ENV_MAX)
        refuse(order, "the environment has over %d entries", ENV_MAX);
    const char *last = order->env.n ? order->env.v[order->env.n - 1] : "A=";
    if (*last == '=' || !strchr(last, '='))
        refuse(order, "an entry of the environment is not NAME=value: '%s'", last);
}

static void take_secret(struct order *order, const struct message_field *f)
{
    take_list(order, &order->secrets, f, "a secret");
    const char *last = order->secrets.n ? order->secrets.v[order->secrets.n - 1] : "A=";
    if (*last == '=' || !strchr(last, '=') || order->secrets.n > ENV_MAX)
        refuse(order, "a secret is not NAME=value, or they are over %d", ENV_MAX);
}

static void take_input(struct order *order, const struct message_field *f)
{
    replace(&order->input, xmemdup(f->p, f->len ? f->len : 1));
    order->input_len = f->len;
}

static void take_field(struct order *order, const struct message_field *f)
{
    switch ((int)f->tag) {
    case TAG_CREDIT:
        order->credit = message_field_u64(f);
        break;
    case TAG_EXECUTOR:
        take_executor(order, &order->executor, f);
        break;
    case TAG_WORK:
        take_executor(order, &order->work, f);
        break;
    case TAG_TEXT:
        replace(&order->text, take_text(order, f, "the job's text"));
        break;
    case TAG_ARG:
        take_list(order, &order->args, f, "an argument");
        break;
    case TAG_OPTION:
        take_list(order, &order->options, f, "an option of the executor");
        break;
    case TAG_ENV:
        take_env(order, f);
        break;
    case TAG_SECRET:
        take_secret(order, f);
        break;
    case TAG_STDIN:
        take_input(order, f);
        break;
    case TAG_WORKDIR:
        replace(&order->workdir, take_text(order, f, "workdir"));
        break;
    case TAG_USER:
        replace(&order->user, take_text(order, f, "user"));
        break;
    case TAG_TIMEOUT:
        order->timeout_ms = take_ms(f);
        break;
    case TAG_KILL_AFTER:
        order->kill_after_ms = take_ms(f);
        break;
    case TAG_LEASH:
        order->leash_ms = take_ms(f);
        break;
    case TAG_OUT_LIMIT:
        order->out_limit = message_field_u64(f);
        if (order->out_limit > INT64_MAX / 4)
            order->out_limit = INT64_MAX / 4;
        break;
    case TAG_MEMORY:
        order->memory = message_field_u64(f);
        break;
    case TAG_CPU:
        order->cpu = (uint32_t)take_small(f);
        break;
    case TAG_NICE:
        order->nice = (int)take_small(f);
        break;
    case TAG_LEFTOVERS:
        order->leave = message_field_u64(f) == 1;
        break;
    default: /* a newer head may say more */
        files_take_field(order, f);
        break;
    }
}

struct order *order_read(const struct message *m)
{
    struct order *order = xcalloc(1, sizeof *order);
    struct message_field f;
    order->key = message_get_key(m);
    order->kill_after_ms = 10000;
    order->out_limit = 16 << 20;
    order->lock = -1;
    for (size_t pos = 0; message_field(m, &pos, &f);)
        take_field(order, &f);
    if (!order->executor)
        refuse(order, "the order names no executor");
    if (!order->problem)
        executor_check(order);
    files_check(order);
    const char *beyond = limits_check(order);
    if (beyond)
        order_refuse(order, beyond);
    if (order->executor && order->executor->carried) {
        order->start = xmemdup(m->p, m->len ? m->len : 1);
        order->start_len = m->len;
    }
    return order;
}

const char *order_option(const struct order *order, const char *key)
{
    return strlist_value(&order->options, key);
}

void order_refuse(struct order *order, const char *why)
{
    refuse(order, "%s", why);
}

/* ---- who ---- */

void order_find_account(struct order *order, const struct account *own, struct accounts *cache)
{
    const struct account *account;
    struct err err;
    order->own = own;
    if (!order->user || strcmp(order->user, own->name) == 0 || order->problem)
        return;
    if (!*order->user || *order->user == '-' || strpbrk(order->user, ":\n")) {
        refuse(order, "'%s' is no user name", order->user);
    } else if (geteuid() != 0) {
        refuse(order, "cannot run as '%s': the worker on this host runs as '%s', not root",
               order->user, own->name);
    } else if (account_get(cache, order->user, &account, &err) < 0) {
        refuse(order, "%s", err.msg);
    } else {
        order->as = account_copy(account);
    }
}

/* ---- environment and directory ---- */

static void set(char **env, size_t *n, char *entry)
{
    size_t name = strcspn(entry, "=") + 1;
    for (size_t i = 0; i < *n; i++)
        if (strncmp(env[i], entry, name) == 0) {
            free(env[i]);
            env[i] = entry;
            return;
        }
    env[(*n)++] = entry;
    env[*n] = NULL;
}

char **order_environment(const struct order *order)
{
    const struct account *who = order->as ? order->as : order->own;
    char **env = xcalloc(order->env.n + order->secrets.n + 16, sizeof *env);
    size_t n = 0;
    set(env, &n, xasprintf("HOME=%s", who->home));
    set(env, &n, xasprintf("USER=%s", who->name));
    set(env, &n, xasprintf("LOGNAME=%s", who->name));
    set(env, &n, xasprintf("SHELL=%s", who->shell));
    set(env, &n, xstrdup("PATH=" ORDER_PATH));
    set(env, &n, xstrdup("LANG=C.UTF-8"));
    for (size_t i = 0; i < order->env.n; i++)
        set(env, &n, xstrdup(order->env.v[i]));
    for (size_t i = 0; i < order->secrets.n; i++)
        set(env, &n, xstrdup(order->secrets.v[i]));
    set(env, &n, xasprintf("ROTA_RUN=%" PRIu64, order->key.run));
    set(env, &n, xasprintf("ROTA_ATTEMPT=%" PRIu32, order->key.attempt));
    set(env, &n, xasprintf("ROTA_TOKEN=%016" PRIx64, order->key.token));
    if (order->output)
        set(env, &n, xasprintf("ROTA_OUTPUT=%s", order->output));
    return env;
}

char *order_directory(const struct order *order, bool *is_home)
{
    const char *home = order->as ? order->as->home : order->own->home;
    const char *dir = order->workdir;
    *is_home = !dir || !*dir;
    if (*is_home || strcmp(dir, "~") == 0)
        return xstrdup(home);
    if (*dir == '/')
        return xstrdup(dir);
    return xasprintf("%s/%s", home, strncmp(dir, "~/", 2) == 0 ? dir + 2 : dir);
}

void order_free(struct order *order)
{
    if (!order)
        return;
    free(order->start);
    free(order->text);
    strlist_free(&order->args);
    strlist_free(&order->env);
    strlist_free(&order->options);
    secrets_free(&order->secrets);
    free(order->input);
    free(order->workdir);
    free(order->user);
    account_free(order->as);
    free(order->problem);
    free(order->output);
    files_free(order);
    if (order->lock >= 0)
        close(order->lock);
    free(order);
}
