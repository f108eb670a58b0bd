/* The bytes of a key file: an identity wrapped under a passphrase. Used by identity.c, and by tests
 * that want a cheap one. 240 bytes, numbers little-endian:
 *
 *     0  8   magic "KITHKEY\0"
 *     8  4   version 1
 *    12  4   Argon2id memory in KiB
 *    16  4   Argon2id passes
 *    20  4   zero
 *    24  16  Argon2id salt
 *    40  24  nonce
 *    64  160 Ed25519 secret key (seed, public key), X25519, CURVE and storage key, encrypted
 *   224  16  tag; bytes 0 to 39 are bound as associated data
 *
 * A reader refuses another length, magic or version, and costs out of the bounds below: a file must
 * not make a program take all memory. */
#ifndef KITH_CRYPTO_KEYFILE_H
#define KITH_CRYPTO_KEYFILE_H

#include "base/err.h"
#include "crypto/identity.h"
#include "crypto/secret.h"

enum {
  KITH_KEYFILE_BYTES = 240,
  KITH_KEYFILE_MEMORY_KIB = 64 * 1024,
  KITH_KEYFILE_MEMORY_KIB_MIN = 8,
  KITH_KEYFILE_MEMORY_KIB_MAX = 256 * 1024,
  KITH_KEYFILE_PASSES = 3,
  KITH_KEYFILE_PASSES_MAX = 16,
  KITH_KEYFILE_SALT_BYTES = 16
};

struct kith_keyfile_cost {
  uint32_t memory_kib;
  uint32_t passes;
};

/* The cost that a key file states. KITH_ERR_DATA with *fault where it is no key file. */
KITH_MUST_USE enum kith_err kith_keyfile_parse(struct kith_keyfile_cost *out, const uint8_t *bytes,
                                               size_t len, struct kith_fault *fault);
KITH_MUST_USE enum kith_err kith_keyfile_wrap(uint8_t out[KITH_KEYFILE_BYTES],
                                              const struct kith_identity *identity,
                                              const struct kith_secret *passphrase,
                                              struct kith_keyfile_cost cost);
/* KITH_ERR_DENIED: wrong passphrase, or altered. */
KITH_MUST_USE enum kith_err kith_keyfile_unwrap(struct kith_identity **out, const uint8_t *bytes,
                                                size_t len, const struct kith_secret *passphrase,
                                                struct kith_fault *fault);

/* The 160 bytes of keys, and an identity of them. */
enum { KITH_KEYFILE_BODY_BYTES = 160 };
KITH_MUST_USE enum kith_err kith_keyfile_body(struct kith_secret **out,
                                              const struct kith_identity *identity);
KITH_MUST_USE enum kith_err kith_keyfile_identity(struct kith_identity **out,
                                                  const struct kith_secret *body);

#endif
