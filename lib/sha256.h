/* sha256: the hash of FIPS 180-4, for checksums of files on their way. */
#ifndef ROTA_SHA256_H
#define ROTA_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_BLOCK = 64 };

struct sha256 {
    uint32_t state[8];
    uint64_t len; /* bytes so far */
    unsigned char block[SHA256_BLOCK];
};

void sha256_begin(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *p, size_t len);
/* Writes the hash of all that was added; begin again before adding more. */
void sha256_end(struct sha256 *sha, unsigned char hash[SHA256_SIZE]);

#endif
