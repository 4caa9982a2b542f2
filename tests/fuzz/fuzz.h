/* fuzz: what the fuzz targets have in common. A target defines LLVMFuzzerTestOneInput. */
#ifndef ROTA_FUZZ_H
#define ROTA_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the process with the place and the words when a promise does not hold. */
#define MUST(condition)                                                                            \
    ((condition) ? (void)0                                                                         \
                 : ((void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition),  \
                    abort()))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input as a C string of just its length, so that a byte too far is seen; free. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    MUST(text);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

#endif
