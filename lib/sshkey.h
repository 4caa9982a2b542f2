/*
 * sshkey: what kind of key a private key file holds, found without using it, and base64.
 */
#ifndef ROTA_SSHKEY_H
#define ROTA_SSHKEY_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"

enum sshkey_kind {
    SSHKEY_USABLE = 0, /* ed25519, ecdsa, or a form that only the library can read */
    SSHKEY_RSA,
    SSHKEY_DSA,
    SSHKEY_HARDWARE,    /* FIDO: sk-… */
    SSHKEY_CERTIFICATE, /* a public key that an authority signed */
};

struct sshkey {
    enum sshkey_kind kind;
    bool encrypted;
    struct buf blob; /* the public key as SSH writes it; empty when the file does not show it */
};

/* Looks at a private key file, and at the .pub file beside it when it does not show its public half.
 * ERR_ANSWER: there is no such file; ERR_IO: cannot be read; ERR_DATA: no private key.
 * sshkey_free. */
int sshkey_look(const char *path, struct sshkey *key, struct err *err);
void sshkey_free(struct sshkey *key);

/* The kind of a public key blob, by the name it begins with; names longer than 63 bytes: USABLE. */
enum sshkey_kind sshkey_kind_of(const void *blob, size_t len);
/* That name, as "ssh-ed25519", free; "" when the blob is damaged. */
char *sshkey_type(const void *blob, size_t len);

#endif
