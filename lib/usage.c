#include "usage.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

/* What the word before was, as far as the next one depends on it. */
enum before { BEFORE_NOTHING, BEFORE_OPTION, BEFORE_VALUE, BEFORE_OPERAND };

struct reader {
    struct usage_form *form;
    const char *p, *end;
    size_t depth, words; /* brackets open; words read of this form */
    size_t place;        /* of the next operand that is no alternative */
    enum before before;
    bool touches; /* nothing stands between the word before and this one: it may be its value */
    bool bar;     /* a `|` does */
};

/* ---- what is read ---- */

static void add_option(struct reader *r, const char *name, size_t len)
{
    struct usage_form *form = r->form;
    form->options = xreallocarray(form->options, form->noptions + 1, sizeof *form->options);
    form->options[form->noptions++] =
        (struct usage_option){.name = xstrndup(name, len), .must = !r->depth && !r->bar};
    r->before = BEFORE_OPTION;
}

static void add_operand(struct reader *r, char *text, bool repeats)
{
    struct usage_form *form = r->form;
    if (!r->bar || r->before != BEFORE_OPERAND)
        r->place++;
    form->operands = xreallocarray(form->operands, form->noperands + 1, sizeof *form->operands);
    form->operands[form->noperands++] =
        (struct usage_operand){.text = text, .place = r->place - 1, .repeats = repeats};
    r->before = BEFORE_OPERAND;
}

/* "--job NAME ...": a flag, and what it says is in the operands. */
static void repeat(struct reader *r)
{
    struct usage_form *form = r->form;
    if (r->before == BEFORE_VALUE) {
        struct usage_option *option = &form->options[form->noptions - 1];
        char *value = option->value;
        option->value = NULL;
        add_operand(r, value, true);
    } else if (r->before == BEFORE_OPERAND && form->noperands) {
        form->operands[form->noperands - 1].repeats = true;
    }
}

/* "-nqv" is three. */
static void add_letters(struct reader *r, const char *word, size_t len)
{
    for (size_t i = 1; i < len; i++) {
        const char letter[2] = {'-', word[i]};
        add_option(r, letter, sizeof letter);
    }
}

static bool is_dots(const char *p, size_t len)
{
    return len == 3 && memcmp(p, "...", 3) == 0;
}

static void add_value(struct reader *r, const char *word, size_t len)
{
    r->form->options[r->form->noptions - 1].value = xstrndup(word, len);
    r->before = BEFORE_VALUE;
}

static void add_word(struct reader *r, const char *word, size_t len)
{
    bool dots = len > 3 && is_dots(word + len - 3, 3); /* "ID..." */
    bool of_option = r->before == BEFORE_OPTION || r->before == BEFORE_VALUE;
    len -= dots ? 3 : 0;
    if (r->before == BEFORE_OPTION && r->touches && isupper((unsigned char)*word))
        add_value(r, word, len);
    else if (r->bar && of_option)
        return; /* "--each FILE | -": another value of it */
    else if (!r->words && islower((unsigned char)*word))
        r->form->sub = xstrndup(word, len);
    else if (len == 6 && memcmp(word, "OPTION", 6) == 0)
        r->form->inherits = true;
    else
        add_operand(r, xstrndup(word, len), false);
    if (dots)
        repeat(r);
}

static void read_word(struct reader *r, const char *word, size_t len)
{
    if (is_dots(word, len))
        repeat(r);
    else if (len == 2 && memcmp(word, "--", 2) == 0) {
        r->form->dashed = true;
        r->form->dashes = r->place;
        r->before = BEFORE_NOTHING;
    } else if (len > 2 && memcmp(word, "--", 2) == 0)
        add_option(r, word, len);
    else if (len > 1 && *word == '-')
        add_letters(r, word, len);
    else
        add_word(r, word, len);
    r->words++;
    r->touches = true;
    r->bar = false;
}

/* ---- words and signs ---- */

/* A word ends at a blank or a sign; a bracket that opens amid it belongs to it: STATE[,STATE ...]. */
static size_t word_length(const char *p, const char *end)
{
    size_t depth = 0;
    const char *at = p;
    for (; at < end && (depth || !strchr(" \n]|", *at)); at++)
        if (*at == '[')
            depth++;
        else if (*at == ']')
            depth--;
    return (size_t)(at - p);
}

static void read_bar(struct reader *r)
{
    struct usage_form *form = r->form;
    bool of_option = r->before == BEFORE_OPTION || r->before == BEFORE_VALUE;
    if (of_option && form->noptions)
        form->options[form->noptions - 1].must = false;
    r->bar = true;
}

static void read_form(struct usage_form *form, const char *p, const char *end)
{
    struct reader r = {.form = form, .p = p, .end = end};
    while (r.p < r.end) {
        const char c = *r.p;
        size_t len = 1;
        if (c == '[' || c == ']') {
            r.depth += c == '[' ? 1 : r.depth ? (size_t)-1 : 0;
            r.touches = r.bar = false;
        } else if (c == '|') {
            read_bar(&r);
        } else if (c != ' ' && c != '\n') {
            len = word_length(r.p, r.end);
            read_word(&r, r.p, len);
        }
        r.p += len;
    }
}

/* Where the form that begins at p ends: at a line that is not indented. */
static const char *form_end(const char *p)
{
    do
        p += strcspn(p, "\n") + (p[strcspn(p, "\n")] == '\n');
    while (*p == ' ');
    return p;
}

static const char *skip_words(const char *p, const char *end, int n)
{
    while (n-- > 0) {
        while (p < end && *p != ' ' && *p != '\n')
            p++;
        while (p < end && *p == ' ')
            p++;
    }
    return p;
}

void usage_read(struct usage *usage, const char *text)
{
    *usage = (struct usage){0};
    for (const char *p = text, *end; *p; p = end) {
        end = form_end(p);
        usage->forms = xreallocarray(usage->forms, usage->n + 1, sizeof *usage->forms);
        struct usage_form *form = &usage->forms[usage->n++];
        *form = (struct usage_form){0};
        read_form(form, skip_words(p, end, 2), end); /* "rota status" */
    }
}

void usage_free(struct usage *usage)
{
    for (size_t i = 0; i < usage->n; i++) {
        struct usage_form *form = &usage->forms[i];
        for (size_t k = 0; k < form->noptions; k++) {
            free(form->options[k].name);
            free(form->options[k].value);
        }
        for (size_t k = 0; k < form->noperands; k++)
            free(form->operands[k].text);
        free(form->options);
        free(form->operands);
        free(form->sub);
    }
    free(usage->forms);
    *usage = (struct usage){0};
}
