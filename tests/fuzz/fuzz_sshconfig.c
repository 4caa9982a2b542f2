/*
 * fuzz_sshconfig: any text as what `ssh -G` and `ssh-keygen -F` print. Input: the first byte says which, the
 * rest is the text.
 */
#include "fuzz.h"
#include "knownhosts.h"
#include "sshconfig.h"

static void check_config(const char *text)
{
    struct sshconfig config;
    struct err err = {0};
    if (sshconfig_parse(text, "db1", &config, &err) < 0) {
        MUST(err.code == ERR_CONFIG && err.msg[0]);
        return;
    }
    MUST(config.hostname && config.user && config.port > 0 && config.port <= 65535);
    MUST(config.connect_ms >= 0);
    sshconfig_free(&config);
}

static void check_known(const char *text)
{
    struct knownhosts known = {0};
    const struct knownhost *entry = NULL;
    knownhosts_parse(&known, text, "known_hosts");
    for (size_t i = 0; i < known.n; i++)
        MUST(known.v[i].type && known.v[i].key && known.v[i].file);
    for (size_t i = 0; i < known.n; i++) {
        enum knownhosts_verdict verdict =
            knownhosts_check(&known, known.v[i].type, known.v[i].key, &entry);
        MUST(verdict != KNOWNHOSTS_UNKNOWN);
        MUST(known.v[i].mark != KNOWNHOST_REVOKED || verdict == KNOWNHOSTS_REVOKED);
        MUST(known.v[i].mark != KNOWNHOST_HELD || knownhosts_has_type(&known, known.v[i].type));
    }
    MUST(known.n || knownhosts_check(&known, "ssh-rsa", "AAAA", &entry) == KNOWNHOSTS_UNKNOWN);
    knownhosts_end(&known);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *text = fuzz_text(data + 1, size - 1);
    if (data[0] & 1)
        check_config(text);
    else
        check_known(text);
    free(text);
    return 0;
}
