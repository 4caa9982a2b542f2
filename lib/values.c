#include "values.h"

#include <string.h>

static bool may_be_in_key(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

bool value_is_valid(const char *line, size_t len)
{
    size_t key = 0;
    while (key < len && may_be_in_key(line[key], key == 0))
        key++;
    return key > 0 && key <= VALUE_KEY_MAX && key < len && line[key] == '=' &&
           len - key - 1 <= VALUE_MAX && !memchr(line + key, '\0', len - key);
}
