/* crc32: the reflected CRC-32 of IEEE 802.3 (polynomial 0xEDB88320), as zlib computes it. */
#ifndef ROTA_CRC32_H
#define ROTA_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from crc (0 to begin) over len bytes. */
uint32_t crc32_update(uint32_t crc, const void *p, size_t len);

#endif
