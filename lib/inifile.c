#include "inifile.h"

#include <ctype.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

/*
 * inih pulls: it calls next_line for each line, then handle_entry if the line was an entry. Both
 * therefore know the same line number, and a line that was neither blank nor handled is an error.
 */
struct ini {
    const char *file;
    const char *p, *end; /* what is left of the text */
    int line;
    bool in_section;
    bool waiting; /* the last line given out should become an entry */
    const struct inifile_handler *handler;
    void *arg;
    struct errlist *errors;
};

static void complain(struct ini *ini, const char *msg)
{
    char place[sizeof ini->errors->v->place];
    (void)snprintf(place, sizeof place, "%s:%d", ini->file, ini->line);
    errlist_add(ini->errors, ERR_CONFIG, place, "%s", msg);
}

static bool is_blank(char c)
{
    return isspace((unsigned char)c);
}

/* The length of a line without its comment and the blanks at its end. */
static size_t content_length(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] == ';' && (i == 0 || is_blank(p[i - 1])))
            len = i;
    while (len && is_blank(p[len - 1]))
        len--;
    return len;
}

/* "[section]", with its ranges: the last ']' of the line ends it. */
static void read_section(struct ini *ini, const char *p, size_t len)
{
    len = content_length(p, len);
    ini->in_section = true;
    if (p[len - 1] != ']') {
        complain(ini, "a section ends with ]: [worker web1]");
        len++; /* so that its keys are not complained about as well */
    }
    for (p++, len -= 2; len && is_blank(*p); p++)
        len--;
    while (len && is_blank(p[len - 1]))
        len--;
    char *section = xstrndup(p, len);
    ini->handler->section(ini->arg, ini->line, section);
    free(section);
}

static void check_handled(struct ini *ini)
{
    if (ini->waiting)
        complain(ini, "is no section, 'key = value' or comment");
    ini->waiting = false;
}

/* What inih shall see of the line: nothing for what was dealt with here. */
static size_t filter_line(struct ini *ini, const char **line, size_t len, size_t max)
{
    const char *p = *line;
    while (len && is_blank(*p)) {
        p++;
        len--;
    }
    *line = p; /* unindented: no line goes on with another */
    if (!len || *p == ';' || *p == '#')
        return 0;
    if (*p == '[') {
        read_section(ini, p, len);
        return 0;
    }
    if (!ini->in_section) {
        complain(ini, "stands before any section: begin with a line [rota] or [worker NAME]");
        return 0;
    }
    if (len > max) {
        char msg[80];
        (void)snprintf(msg, sizeof msg, "the line is longer than %zu bytes: shorten it", max);
        complain(ini, msg);
        return 0;
    }
    ini->waiting = true;
    return len;
}

/* As fgets: the next line into str, which has room for num bytes. */
static char *next_line(char *str, int num, void *stream)
{
    struct ini *ini = stream;
    check_handled(ini);
    if (ini->p == ini->end)
        return NULL;
    ini->line++;
    const char *line = ini->p, *newline = memchr(line, '\n', (size_t)(ini->end - line));
    size_t len = (size_t)((newline ? newline : ini->end) - line);
    ini->p = newline ? newline + 1 : ini->end;
    len = filter_line(ini, &line, len, (size_t)num - 1);
    memcpy(str, line, len);
    str[len] = '\0';
    return str;
}

static int handle_entry(void *user, const char *section, const char *name, const char *value)
{
    struct ini *ini = user;
    (void)section; /* it may be cut: read_section has the whole */
    ini->waiting = false;
    if (!*name)
        complain(ini, "has no key before the =");
    else
        ini->handler->entry(ini->arg, ini->line, name, value);
    return 1;
}

void inifile_parse(const char *file, const char *text, size_t len,
                   const struct inifile_handler *handler, void *arg, struct errlist *errors)
{
    static const char bom[] = "\xEF\xBB\xBF";
    struct ini ini = {.file = file,
                      .p = text,
                      .end = text + len,
                      .handler = handler,
                      .arg = arg,
                      .errors = errors};
    if (len >= sizeof bom - 1 && memcmp(text, bom, sizeof bom - 1) == 0)
        ini.p += sizeof bom - 1;
    if (ini_parse_stream(next_line, &ini, handle_entry, &ini) < 0)
        complain(&ini, "cannot be read: out of memory");
    check_handled(&ini);
}
