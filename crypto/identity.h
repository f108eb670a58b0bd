/* A member's identity: Ed25519 for signing, X25519 for sealing, CURVE for the transport, and a
 * storage key for what its node keeps; on disk in one key file, wrapped under a passphrase with
 * Argon2id (64 MiB, 3 passes) and XChaCha20-Poly1305.
 *
 * Life: new or load, use, free (wipes). */
#ifndef KITH_CRYPTO_IDENTITY_H
#define KITH_CRYPTO_IDENTITY_H

#include "base/err.h"
#include "crypto/secret.h"

enum { KITH_SIGN_BYTES = 64, KITH_PUBLIC_BYTES = 32, KITH_FINGERPRINT_BYTES = 40 };

struct kith_public {
  uint8_t sign[KITH_PUBLIC_BYTES];
  uint8_t seal[KITH_PUBLIC_BYTES];
  uint8_t curve[KITH_PUBLIC_BYTES];
};

struct kith_identity {
  struct kith_public public_keys;
  struct kith_secret *sign;    /* Ed25519 secret key, 64 bytes */
  struct kith_secret *seal;    /* X25519, 32 bytes */
  struct kith_secret *curve;   /* CURVE, 32 bytes */
  struct kith_secret *storage; /* 32 bytes: wraps the node's round key files */
};

KITH_MUST_USE enum kith_err kith_identity_new(struct kith_identity **out);
void kith_identity_free(struct kith_identity *identity);

/* The key file appears whole, mode 0600; KITH_ERR_EXISTS where there is one. */
KITH_MUST_USE enum kith_err kith_identity_save(const struct kith_identity *identity,
                                               const char *path,
                                               const struct kith_secret *passphrase,
                                               struct kith_fault *fault);
/* KITH_ERR_DENIED: wrong passphrase (or an altered file). */
KITH_MUST_USE enum kith_err kith_identity_load(struct kith_identity **out, const char *path,
                                               const struct kith_secret *passphrase,
                                               struct kith_fault *fault);
/* Reads a passphrase file: its first line without the line end. */
KITH_MUST_USE enum kith_err kith_passphrase_read(struct kith_secret **out, const char *path,
                                                 struct kith_fault *fault);

/* Ed25519 over label || 0x00 || bytes. */
KITH_MUST_USE enum kith_err kith_sign(uint8_t out[KITH_SIGN_BYTES],
                                      const struct kith_identity *identity, const char *label,
                                      const void *bytes, size_t len);
/* KITH_ERR_NO where it is not that key's. */
KITH_MUST_USE enum kith_err kith_verify(const uint8_t signature[KITH_SIGN_BYTES],
                                        const uint8_t public_key[KITH_PUBLIC_BYTES],
                                        const char *label, const void *bytes, size_t len);

/* The same over text that says itself what it is: formats that others have laid down. */
KITH_MUST_USE enum kith_err kith_sign_text(uint8_t out[KITH_SIGN_BYTES],
                                           const struct kith_identity *identity, const char *text,
                                           size_t len);
KITH_MUST_USE enum kith_err kith_verify_text(const uint8_t signature[KITH_SIGN_BYTES],
                                             const uint8_t public_key[KITH_PUBLIC_BYTES],
                                             const char *text, size_t len);

/* Eight groups of four letters and digits, for reading over the telephone: H of all public keys. */
void kith_fingerprint(char out[KITH_FINGERPRINT_BYTES], const struct kith_public *keys);
/* The same form of the first 20 bytes of a hash. */
void kith_fingerprint_text(char out[KITH_FINGERPRINT_BYTES], const uint8_t *bytes);

#endif
