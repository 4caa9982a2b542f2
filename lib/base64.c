#include "base64.h"

#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, const void *p, size_t len)
{
    const unsigned char *b = p;
    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)b[i] << 16;
        v |= i + 1 < len ? (uint32_t)b[i + 1] << 8 : 0;
        v |= i + 2 < len ? (uint32_t)b[i + 2] : 0;
        buf_addch(out, digits[v >> 18]);
        buf_addch(out, digits[v >> 12 & 63]);
        buf_add(out, i + 1 < len ? &digits[v >> 6 & 63] : "=", 1);
        buf_add(out, i + 2 < len ? &digits[v & 63] : "=", 1);
    }
}

size_t base64_decode(struct buf *out, const char *text, size_t len)
{
    uint32_t bits = 0;
    int have = 0;
    size_t i = 0;
    for (; i < len; i++) {
        if (strchr(" \t\r\n", text[i]) && text[i])
            continue;
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
        if (!digit)
            break;
        bits = bits << 6 | (uint32_t)(digit - digits);
        have += 6;
        if (have >= 8) {
            have -= 8;
            buf_addch(out, (char)(bits >> have & 255));
        }
    }
    return i;
}
