/*
 * replay FILE…: a fuzz target without libFuzzer: hands it each file once. The suite replays every corpus
 * like this, so that what was found once stays mended where there is no clang.
 */
#include "fuzz.h"

enum { INPUT_MAX = 1 << 20 };

int main(int argc, char **argv)
{
    static uint8_t input[INPUT_MAX];
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rbe");
        if (!file) {
            perror(argv[i]);
            return 1;
        }
        size_t size = fread(input, 1, sizeof input, file);
        (void)fclose(file);
        (void)fprintf(stderr, "%s\n", argv[i]); /* the last one named is the one that fails */
        (void)LLVMFuzzerTestOneInput(input, size);
    }
    printf("%d inputs\n", argc - 1);
    return 0;
}
