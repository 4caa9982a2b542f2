#include "crc32.h"

/* Slicing by four: four tables, one word a step, about 1 GB/s without special instructions. */
static uint32_t table[4][256];

static void fill_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0xEDB88320U : c >> 1;
        table[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int t = 1; t < 4; t++)
            table[t][i] = table[t - 1][i] >> 8 ^ table[0][table[t - 1][i] & 0xff];
}

uint32_t crc32_update(uint32_t crc, const void *p, size_t len)
{
    const unsigned char *s = p;
    if (!table[0][1])
        fill_table();
    crc = ~crc;
    for (; len >= 4; len -= 4, s += 4) {
        crc ^= (uint32_t)s[0] | (uint32_t)s[1] << 8 | (uint32_t)s[2] << 16 | (uint32_t)s[3] << 24;
        crc = table[3][crc & 0xff] ^ table[2][crc >> 8 & 0xff] ^ table[1][crc >> 16 & 0xff] ^
              table[0][crc >> 24];
    }
    while (len--)
        crc = crc >> 8 ^ table[0][(crc ^ *s++) & 0xff];
    return ~crc;
}
