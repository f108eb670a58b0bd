/* Keys of one round: each a small file of its own, DIR/<round hex>.<name>, wrapped under the node's
 * storage key, and destroyed by itself: never in LMDB, where a deleted value stays in a free page.
 * Failpoints: roundkey.save.before/.after, roundkey.destroy.before/.after. */
#ifndef KITH_CRYPTO_ROUNDKEY_H
#define KITH_CRYPTO_ROUNDKEY_H

#include "base/err.h"
#include "crypto/secret.h"

enum { KITH_ROUND_ID_BYTES = 16 };

struct kith_roundkeys; /* where they are and what wraps them */
KITH_MUST_USE enum kith_err kith_roundkeys_open(struct kith_roundkeys **out, const char *dir,
                                                const struct kith_secret *storage_key,
                                                struct kith_fault *fault);
void kith_roundkeys_free(struct kith_roundkeys *keys);

/* Names are [a-z0-9_]{1,32}. KITH_ERR_EXISTS where there is one. */
KITH_MUST_USE enum kith_err kith_roundkey_save(struct kith_roundkeys *keys,
                                               const uint8_t round[KITH_ROUND_ID_BYTES],
                                               const char *name, const struct kith_secret *secret,
                                               struct kith_fault *fault);
/* KITH_ERR_NOT_FOUND where it was never there or is destroyed. */
KITH_MUST_USE enum kith_err kith_roundkey_load(struct kith_roundkeys *keys,
                                               struct kith_secret **out,
                                               const uint8_t round[KITH_ROUND_ID_BYTES],
                                               const char *name, struct kith_fault *fault);
/* Loads it, or makes a random one of 32 bytes. */
KITH_MUST_USE enum kith_err kith_roundkey_ensure(struct kith_roundkeys *keys,
                                                 struct kith_secret **out,
                                                 const uint8_t round[KITH_ROUND_ID_BYTES],
                                                 const char *name, struct kith_fault *fault);
KITH_MUST_USE enum kith_err kith_roundkey_destroy(struct kith_roundkeys *keys,
                                                  const uint8_t round[KITH_ROUND_ID_BYTES],
                                                  const char *name, struct kith_fault *fault);
/* All keys of the round, whatever their names. */
KITH_MUST_USE enum kith_err kith_roundkey_destroy_all(struct kith_roundkeys *keys,
                                                      const uint8_t round[KITH_ROUND_ID_BYTES],
                                                      struct kith_fault *fault);

#endif
