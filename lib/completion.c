#include "completion.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "xalloc.h"

/* What every command has, whether its usage writes the letter or not (rota(7)). The usage writes the short
 * one where there are both. */
static const struct {
    const char *letter, *name;
    bool takes_value, always;
    const char *does;
} both[] = {
    {"-o", "--output", true, false, NULL},
    {"-n", "--dry-run", false, false, "change nothing, show what would be"},
    {"-n", "--number", true, false, NULL},
    {"-f", "--follow", false, false, NULL},
    {"-q", "--quiet", false, false, "no warnings"},
    {"-v", "--verbose", false, false, "say more"},
    {"-h", "--help", false, true, "the synopsis"},
};
enum { NBOTH = sizeof both / sizeof *both };

/* A command line that is being read. */
struct reader {
    const struct usage *usage;
    struct completion *completion;
    char *const *words;
    size_t n, operands;               /* words; operands before the last one */
    size_t dashes;                    /* index of "--"; 0: there is none */
    bool dashed;                      /* some form has a "--" */
    const struct usage_option *owner; /* whose value the last word is; NULL: nobody's */
};

/* ---- which forms it can be ---- */

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static const struct usage_option *form_option(const struct usage_form *form, const char *name,
                                              size_t len)
{
    for (size_t i = 0; i < form->noptions; i++)
        if (strncmp(form->options[i].name, name, len) == 0 && !form->options[i].name[len])
            return &form->options[i];
    return NULL;
}

/* The option of this name that a form takes, by itself or from the first form. */
static const struct usage_option *option_of(const struct reader *r, const struct usage_form *form,
                                            const char *name, size_t len)
{
    const struct usage_option *option = form_option(form, name, len);
    if (!option && form->inherits)
        option = form_option(&r->usage->forms[0], name, len);
    return option;
}

/* It has the subcommand, and takes all options that were given. */
static bool form_fits(const struct reader *r, const struct usage_form *form)
{
    const struct strlist *given = &r->completion->given;
    if (!is_same(form->sub, r->completion->sub) || (r->dashes && r->dashed && !form->dashed))
        return false;
    for (size_t i = 0; i < given->n; i++)
        if (!option_of(r, form, given->v[i], strlen(given->v[i])))
            return false;
    return true;
}

/* All that make it this form and no other were given. */
static bool form_is_meant(const struct reader *r, const struct usage_form *form)
{
    for (size_t i = 0; i < form->noptions; i++)
        if (form->options[i].must && !strlist_has(&r->completion->given, form->options[i].name))
            return false;
    return form_fits(r, form);
}

/* ---- the words before the last ---- */

/* The option that a long name, or the beginning of one, means; its letter where the usage has that. */
static const struct usage_option *find_long(const struct reader *r, const char *name, size_t len)
{
    const struct usage_option *near = NULL;
    for (size_t i = 0; i < r->usage->n; i++) {
        const struct usage_form *form = &r->usage->forms[i];
        if (!is_same(form->sub, r->completion->sub))
            continue;
        const struct usage_option *option = option_of(r, form, name, len);
        if (option)
            return option;
        for (size_t k = 0; k < form->noptions && len > 2 && !near; k++)
            if (strncmp(form->options[k].name, name, len) == 0)
                near = &form->options[k];
        for (size_t k = 0; k < NBOTH && len > 2 && !near; k++)
            if (strncmp(both[k].name, name, len) == 0) {
                option = option_of(r, form, both[k].letter, 2);
                near = option && !option->value == !both[k].takes_value ? option : NULL;
            }
    }
    return near;
}

static const struct usage_option *find_letter(const struct reader *r, char letter)
{
    const char name[] = {'-', letter, '\0'};
    return find_long(r, name, 2);
}

static const struct usage_option *give(struct reader *r, const struct usage_option *option)
{
    if (option)
        strlist_add(&r->completion->given, option->name);
    return option && option->value ? option : NULL;
}

/* "-qo", "-ojson": where its value begins; NULL: it has none. *owner: the letter that takes one. */
static const char *read_letters(struct reader *r, const char *word,
                                const struct usage_option **owner)
{
    *owner = NULL;
    for (const char *p = word + 1; *p; p++) {
        *owner = give(r, find_letter(r, *p));
        if (*owner)
            return p + 1;
    }
    return NULL;
}

/* The option whose value is the next word; NULL: none wants it. */
static const struct usage_option *read_option(struct reader *r, const char *word)
{
    const struct usage_option *owner;
    if (word[1] == '-') {
        size_t len = strcspn(word, "=");
        owner = give(r, find_long(r, word, len));
        return word[len] ? NULL : owner;
    }
    const char *value = read_letters(r, word, &owner);
    return value && !*value ? owner : NULL;
}

static void read_operand(struct reader *r, const char *word)
{
    const struct usage *usage = r->usage;
    for (size_t i = 0; i < usage->n && !r->operands && !r->completion->sub; i++)
        if (usage->forms[i].sub && strcmp(usage->forms[i].sub, word) == 0) {
            r->completion->sub = usage->forms[i].sub;
            return;
        }
    r->operands++;
}

static void read_words(struct reader *r)
{
    for (size_t i = 1; i + 1 < r->n; i++) {
        const char *word = r->words[i];
        if (r->owner)
            r->owner = NULL;
        else if (r->dashes || word[0] != '-' || !word[1])
            read_operand(r, word);
        else if (strcmp(word, "--") == 0)
            r->dashes = i;
        else
            r->owner = read_option(r, word);
    }
}

/* ---- what may stand there ---- */

static void want(struct completion *completion, const char *option, const char *what)
{
    for (size_t i = 0; i < completion->nwants; i++)
        if (strcmp(completion->wants[i].what, what) == 0)
            return;
    completion->wants =
        xreallocarray(completion->wants, completion->nwants + 1, sizeof *completion->wants);
    completion->wants[completion->nwants++] = (struct completion_want){option, what};
}

static void want_operands_of(struct reader *r, const struct usage_form *form)
{
    size_t last = form->noperands ? form->operands[form->noperands - 1].place : 0;
    size_t place = r->operands;
    bool dashed = form->dashed && r->dashes;
    if (dashed) {
        r->completion->line = r->dashes + 1;
        return;
    }
    for (size_t i = 0; i < form->noperands; i++) {
        const struct usage_operand *operand = &form->operands[i];
        bool here =
            operand->place == place || (operand->place == last && place > last && operand->repeats);
        if (here && !(form->dashed && operand->place >= form->dashes))
            want(r->completion, NULL, operand->text);
    }
}

/* Of the forms that it can only be; before that is clear, of all that it may become. */
static void want_operands(struct reader *r)
{
    bool meant = false;
    for (size_t i = 0; i < r->usage->n; i++)
        meant = meant || form_is_meant(r, &r->usage->forms[i]);
    for (size_t i = 0; i < r->usage->n; i++) {
        const struct usage_form *form = &r->usage->forms[i];
        if (meant ? form_is_meant(r, form) : form_fits(r, form))
            want_operands_of(r, form);
        if (form->sub && !r->completion->sub && !r->operands && !r->dashes &&
            !strlist_has(&r->completion->subs, form->sub))
            strlist_add(&r->completion->subs, form->sub);
    }
}

static void add_option(struct completion *completion, const char *name, const char *does)
{
    struct strlist *options = &completion->options;
    size_t len = strlen(name);
    for (size_t i = 0; i < options->n; i++)
        if (strncmp(options->v[i], name, len) == 0 && options->v[i][len] == '\t')
            return;
    strlist_take(options, xasprintf("%s\t%s", name, does ? does : ""));
}

/* An option, and its long name where it has one that the usage does not write. */
static void want_option(struct completion *completion, const struct usage_option *option)
{
    const char *does = option->value;
    for (size_t i = 0; i < NBOTH; i++)
        if (strcmp(both[i].letter, option->name) == 0 && both[i].takes_value == !!option->value)
            does = option->value ? option->value : both[i].does;
    add_option(completion, option->name, does);
    for (size_t i = 0; i < NBOTH; i++)
        if (strcmp(both[i].letter, option->name) == 0 && both[i].takes_value == !!option->value)
            add_option(completion, both[i].name, does);
}

static void want_options(struct reader *r)
{
    for (size_t i = 0; i < r->usage->n; i++) {
        const struct usage_form *form = &r->usage->forms[i];
        const struct usage_form *more = &r->usage->forms[0];
        if (!form_fits(r, form))
            continue;
        for (size_t k = 0; k < form->noptions; k++)
            want_option(r->completion, &form->options[k]);
        for (size_t k = 0; form->inherits && k < more->noptions; k++)
            want_option(r->completion, &more->options[k]);
        if (form->dashed)
            add_option(r->completion, "--", form->noperands ? form->operands[0].text : NULL);
    }
    for (size_t i = 0; i < NBOTH; i++)
        if (both[i].always) {
            add_option(r->completion, both[i].letter, both[i].does);
            add_option(r->completion, both[i].name, both[i].does);
        }
}

/* The value of an option, of which `at` is what was typed so far. */
static void want_value(struct reader *r, const struct usage_option *owner, const char *at)
{
    const char *word = r->words[r->n - 1];
    free(r->completion->head);
    r->completion->head = xstrndup(word, (size_t)(at - word));
    r->completion->rest = at;
    want(r->completion, owner->name, owner->value);
}

static void read_last(struct reader *r)
{
    const struct usage_option *owner = r->owner;
    const char *word = r->words[r->n - 1], *equals = strchr(word, '=');
    if (owner) {
        want_value(r, owner, word);
    } else if (r->dashes || word[0] != '-') {
        want_operands(r);
        if (!*word && !r->dashes && !r->completion->nwants && !r->completion->subs.n)
            want_options(r);
    } else if (word[1] == '-' && equals) {
        owner = find_long(r, word, (size_t)(equals - word));
        if (owner && owner->value)
            want_value(r, owner, equals + 1);
    } else if (word[1] && word[1] != '-' && word[2]) {
        const char *value = read_letters(r, word, &owner);
        if (value)
            want_value(r, owner, value);
    } else {
        want_options(r);
    }
}

void completion_read(struct completion *completion, const struct usage *usage, char *const words[],
                     size_t n)
{
    struct reader r = {.usage = usage, .completion = completion, .words = words, .n = n};
    *completion =
        (struct completion){.command = words[0], .head = xstrdup(""), .rest = words[n - 1]};
    for (size_t i = 0; i < usage->n; i++)
        r.dashed = r.dashed || usage->forms[i].dashed;
    read_words(&r);
    read_last(&r);
}

void completion_free(struct completion *completion)
{
    strlist_free(&completion->given);
    strlist_free(&completion->subs);
    strlist_free(&completion->options);
    free(completion->wants);
    free(completion->head);
    *completion = (struct completion){0};
}
