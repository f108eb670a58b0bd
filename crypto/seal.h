/* Sealing: to a public key (docs/protocol.md, section 8), and under a symmetric key for what is
 * kept at rest (XChaCha20-Poly1305 with a random nonce; the storage key is bound as
 * associated data so that a value can't be moved to another place). */
#ifndef KITH_CRYPTO_SEAL_H
#define KITH_CRYPTO_SEAL_H

#include "base/err.h"
#include "crypto/secret.h"

enum {
  KITH_SEAL_KEY_BYTES = 32,
  KITH_SEAL_OVERHEAD = 48, /* sealed to a public key */
  KITH_BOX_OVERHEAD = 40,  /* under a symmetric key */
};

/* A fresh X25519 pair. */
KITH_MUST_USE enum kith_err kith_seal_keypair(uint8_t public_key[KITH_SEAL_KEY_BYTES],
                                              struct kith_secret **secret_key);
/* The public key of a secret one. */
KITH_MUST_USE enum kith_err kith_seal_public(uint8_t public_key[KITH_SEAL_KEY_BYTES],
                                             const struct kith_secret *secret_key);

/* The X25519 product of the two, 32 bytes, to derive keys from: both owners get the same.
 * KITH_ERR_NO: a public key of small order. */
KITH_MUST_USE enum kith_err kith_seal_agree(struct kith_secret **out,
                                            const struct kith_secret *secret_key,
                                            const uint8_t public_key[KITH_SEAL_KEY_BYTES]);

/* out: len + KITH_SEAL_OVERHEAD bytes. KITH_ERR_NO: a public key of small order. The context has at
 * most 1024 bytes (KITH_ERR_LIMIT). */
KITH_MUST_USE enum kith_err kith_seal(uint8_t *out, const uint8_t public_key[KITH_SEAL_KEY_BYTES],
                                      const void *context, size_t context_len, const void *bytes,
                                      size_t len);
/* out: len - KITH_SEAL_OVERHEAD bytes. KITH_ERR_NO: not for this key or context, or altered. */
KITH_MUST_USE enum kith_err kith_seal_open(uint8_t *out, const struct kith_secret *secret_key,
                                           const void *context, size_t context_len,
                                           const void *bytes, size_t len);

/* out: len + KITH_BOX_OVERHEAD. The key is a secret of 32 bytes. open: KITH_ERR_NO. */
KITH_MUST_USE enum kith_err kith_box(uint8_t *out, const struct kith_secret *key, const void *place,
                                     size_t place_len, const void *bytes, size_t len);
KITH_MUST_USE enum kith_err kith_box_open(uint8_t *out, const struct kith_secret *key,
                                          const void *place, size_t place_len, const void *bytes,
                                          size_t len);

#endif
