/* SHA-256 against the examples of FIPS 180-4 and of RFC 6234, in pieces of every size. */
#include "tap.h"

#include "sha256.h"

static const char *hex_of(const char *text, size_t times, size_t piece)
{
    static char hex[2 * SHA256_SIZE + 1];
    unsigned char hash[SHA256_SIZE];
    struct sha256 sha;
    sha256_begin(&sha);
    for (size_t i = 0; i < times; i++)
        for (size_t at = 0, len = strlen(text); at < len; at += piece)
            sha256_add(&sha, text + at, len - at < piece ? len - at : piece);
    sha256_end(&sha, hash);
    for (size_t i = 0; i < sizeof hash; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    return hex;
}

static const struct {
    const char *text;
    size_t times;
    const char *hash;
} vectors[] = {
    {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    {"0123456701234567012345670123456701234567012345670123456701234567", 10,
     "594847328451bdfa85056225462cc1d867d877fb388df0ce35f25ab5562bfbb5"},
};

int main(void)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        tap_str(hex_of(vectors[i].text, vectors[i].times, 1 << 20), vectors[i].hash, "a vector");
    bool same = true;
    for (size_t piece = 1; piece < 130; piece++)
        same = same && strcmp(hex_of(vectors[4].text, 10, piece), vectors[4].hash) == 0;
    tap_ok(same, "the size of the pieces does not matter");
    return tap_done();
}
