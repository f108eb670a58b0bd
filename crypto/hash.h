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

/* The root as leaves come, in constant memory. */
enum { KITH_MERKLE_LEVELS = 64 };
struct kith_merkle {
  uint64_t n;                                /* leaves so far */
  struct kith_hash left[KITH_MERKLE_LEVELS]; /* the full subtree of each set bit of n */
};
void kith_merkle_init(struct kith_merkle *tree);
void kith_merkle_add(struct kith_merkle *tree, const struct kith_hash *leaf);
void kith_merkle_final(const struct kith_merkle *tree, struct kith_hash *out);

/* Root over n leaves in order; n = 0 gives H("kith node v1") of nothing. */
KITH_MUST_USE enum kith_err kith_merkle_root(struct kith_hash *out, const struct kith_hash *leaves,
                                             size_t n);

/* That a leaf is in the tree of a root: the hashes beside the way up, lowest first; bit i of sides
 * is set where hash i stands on the left. */
enum { KITH_MERKLE_PATH_MAX = 32 };
struct kith_merkle_path {
  unsigned n;
  uint32_t sides;
  struct kith_hash hashes[KITH_MERKLE_PATH_MAX];
};
/* KITH_ERR_LIMIT: no such leaf, or more than 2^32 of them. */
KITH_MUST_USE enum kith_err kith_merkle_prove(struct kith_merkle_path *out,
                                              const struct kith_hash *leaves, size_t n,
                                              size_t index);
/* The root to which the path leads from the leaf. */
void kith_merkle_follow(struct kith_hash *root, const struct kith_merkle_path *path,
                        const struct kith_hash *leaf);

#endif
