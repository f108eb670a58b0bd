/* H(label, parts...) of docs/protocol.md: BLAKE2b-256 (RFC 7693) over a label and length-framed
 * parts, and the Merkle root (the shape of RFC 6962) over leaves made with it. */
#ifndef KITH_CRYPTO_HASH_H
#define KITH_CRYPTO_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include <sodium.h>

#include "base/err.h"

enum { KITH_HASH_BYTES = 32 };

struct kith_hash {
  uint8_t bytes[KITH_HASH_BYTES];
};

struct kith_hasher {
  crypto_generichash_state state;
};
void kith_hasher_init(struct kith_hasher *hasher, const char *label);
void kith_hasher_part(struct kith_hasher *hasher, const void *bytes, size_t len);
void kith_hasher_u64(struct kith_hasher *hasher, uint64_t number); /* a part of 8 bytes LE */
void kith_hasher_final(struct kith_hasher *hasher, struct kith_hash *out);

/* One part. */
void kith_hash_bytes(struct kith_hash *out, const char *label, const void *bytes, size_t len);
bool kith_hash_equal(const struct kith_hash *a, const struct kith_hash *b);

/* Root over n leaves in order; n = 0 gives H("kith node v1") of nothing. */
KITH_MUST_USE enum kith_err kith_merkle_root(struct kith_hash *out, const struct kith_hash *leaves,
                                             size_t n);

#endif
