/*
 * inifile: INI text, through inih. The only file that includes it.
 *
 * inih as Debian builds it splits lines over about 200 bytes and takes the rest for a new key,
 * truncates section names and ends them at the first ']', and does not say where it is. So lines are
 * fed to it through a reader of ours that refuses long ones and reads section lines itself.
 */
#ifndef ROTA_INIFILE_H
#define ROTA_INIFILE_H

#include <stddef.h>

#include "err.h"

struct inifile_handler {
    /* "[section]": the text between the brackets without blanks around it. */
    void (*section)(void *arg, int line, const char *section);
    /* "key = value" after a section line; both without blanks around them, without the comment. */
    void (*entry)(void *arg, int line, const char *key, const char *value);
};

/* Walks the text, adding what is wrong with it to *errors (ERR_CONFIG, place "file:line") and going
 * on. A line that begins with ; or # is a comment; a ; after a blank begins one on any line. */
void inifile_parse(const char *file, const char *text, size_t len,
                   const struct inifile_handler *handler, void *arg, struct errlist *errors);

#endif
