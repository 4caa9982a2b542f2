#include "sshkey.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base64.h"
#include "io.h"
#include "xalloc.h"

enum { KEY_FILE_MAX = 65536 };

/* ---- the wire form: strings with a length before them ---- */

struct cursor {
    const unsigned char *p;
    size_t len;
};

static bool take_u32(struct cursor *c, uint32_t *v)
{
    if (c->len < 4)
        return false;
    *v = (uint32_t)c->p[0] << 24 | (uint32_t)c->p[1] << 16 | (uint32_t)c->p[2] << 8 | c->p[3];
    c->p += 4;
    c->len -= 4;
    return true;
}

static bool take_string(struct cursor *c, struct cursor *s)
{
    uint32_t len;
    if (!take_u32(c, &len) || len > c->len)
        return false;
    *s = (struct cursor){c->p, len};
    c->p += len;
    c->len -= len;
    return true;
}

char *sshkey_type(const void *blob, size_t len)
{
    struct cursor c = {blob, len}, s;
    if (!take_string(&c, &s) || s.len > 63)
        return xstrdup("");
    return xstrndup((const char *)s.p, s.len);
}

enum sshkey_kind sshkey_kind_of(const void *blob, size_t len)
{
    char *type = sshkey_type(blob, len);
    enum sshkey_kind kind = strstr(type, "-cert-v0")       ? SSHKEY_CERTIFICATE
                            : strcmp(type, "ssh-rsa") == 0 ? SSHKEY_RSA
                            : strcmp(type, "ssh-dss") == 0 ? SSHKEY_DSA
                            : strncmp(type, "sk-", 3) == 0 ? SSHKEY_HARDWARE
                                                           : SSHKEY_USABLE;
    free(type);
    return kind;
}

/* ---- files ---- */

/* The form of PROTOCOL.key of OpenSSH: the public half and the cipher stand in the clear. */
static bool look_openssh(const char *text, size_t len, struct sshkey *key)
{
    static const char magic[] = "openssh-key-v1"; /* its NUL counts */
    struct buf raw = {0};
    struct cursor c, cipher, kdf, options, blob;
    uint32_t keys;
    (void)base64_decode(&raw, text, len);
    bool good = raw.len > sizeof magic && memcmp(buf_data(&raw), magic, sizeof magic) == 0;
    if (good) {
        c = (struct cursor){(unsigned char *)buf_data(&raw) + sizeof magic, raw.len - sizeof magic};
        good = take_string(&c, &cipher) && take_string(&c, &kdf) && take_string(&c, &options) &&
               take_u32(&c, &keys) && keys == 1 && take_string(&c, &blob);
    }
    if (good) {
        key->encrypted = cipher.len != 4 || memcmp(cipher.p, "none", 4) != 0;
        buf_add(&key->blob, blob.p, blob.len);
    }
    buf_free(&raw);
    return good;
}

/* The older forms say less: the first line names the algorithm, a header the encryption. */
static bool look_pem(const char *begin, const char *name, struct sshkey *key)
{
    static const struct {
        const char *name;
        enum sshkey_kind kind;
        bool encrypted;
    } forms[] = {
        {"RSA PRIVATE KEY-----", SSHKEY_RSA, false},
        {"DSA PRIVATE KEY-----", SSHKEY_DSA, false},
        {"EC PRIVATE KEY-----", SSHKEY_USABLE, false},
        {"PRIVATE KEY-----", SSHKEY_USABLE, false},
        {"ENCRYPTED PRIVATE KEY-----", SSHKEY_USABLE, true},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strncmp(name, forms[i].name, strlen(forms[i].name)) != 0)
            continue;
        key->kind = forms[i].kind;
        key->encrypted = forms[i].encrypted || strstr(begin, "Proc-Type: 4,ENCRYPTED");
        return true;
    }
    return false;
}

/* "ssh-rsa AAAA… comment" beside the private key; nothing when there is none. */
static void look_public(const char *path, struct buf *blob)
{
    struct buf text = {0};
    char *pub = xasprintf("%s.pub", path);
    if (io_read_file(pub, KEY_FILE_MAX, &text, NULL) == 0) {
        const char *p = strchr(buf_str(&text), ' ');
        if (p)
            (void)base64_decode(blob, p + 1, strcspn(p + 1, " \n"));
    }
    free(pub);
    buf_free(&text);
}

int sshkey_look(const char *path, struct sshkey *key, struct err *err)
{
    static const char begin[] = "-----BEGIN ", openssh[] = "OPENSSH PRIVATE KEY-----";
    struct buf text = {0};
    *key = (struct sshkey){0};
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return err_set(err, ERR_ANSWER, "there is no file %s", path);
    int rc = io_read_file(path, KEY_FILE_MAX, &text, err);
    const char *at = rc == 0 ? strstr(buf_str(&text), begin) : NULL;
    const char *name = at ? at + strlen(begin) : NULL;
    bool good = false;
    if (name && strncmp(name, openssh, strlen(openssh)) == 0) {
        name += strlen(openssh);
        good = look_openssh(name, strlen(name), key);
    } else if (name) {
        good = look_pem(at, name, key);
    }
    if (rc == 0 && !good)
        rc = err_set(err, ERR_DATA, "%s is not a private key", path);
    if (rc == 0 && !key->blob.len)
        look_public(path, &key->blob);
    if (rc == 0 && key->blob.len)
        key->kind = sshkey_kind_of(buf_data(&key->blob), key->blob.len);
    /* it held a secret */
    if (text.base)
        explicit_bzero(text.base, text.cap);
    buf_free(&text);
    return rc;
}

void sshkey_free(struct sshkey *key)
{
    buf_free(&key->blob);
}
