/* The Merkle tree of RFC 6962 (section 2.1) with SHA-256, as transparency logs have it: leaves are
 * H(0x00 || bytes), nodes H(0x01 || left || right). Any tool for such logs can check what kith
 * makes with it. Proofs are made from the leaves' hashes, and verified from two roots alone. */
#ifndef KITH_CRYPTO_TREE_H
#define KITH_CRYPTO_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/hash.h"

void kith_tree_leaf(struct kith_hash *out, const void *bytes, size_t len);

/* The root as leaves come, in constant memory; zero bytes are the empty tree. */
struct kith_tree {
  uint64_t n;
  struct kith_hash left[KITH_MERKLE_LEVELS]; /* the full subtree of each set bit of n */
};
void kith_tree_add(struct kith_tree *tree, const struct kith_hash *leaf);
/* Of the empty tree: SHA-256 of nothing. */
void kith_tree_root(const struct kith_tree *tree, struct kith_hash *out);
void kith_tree_root_of(struct kith_hash *out, const struct kith_hash *leaves, uint64_t n);

enum { KITH_TREE_PROOF_MAX = 2 * KITH_MERKLE_LEVELS };
struct kith_tree_proof {
  unsigned n;
  struct kith_hash hashes[KITH_TREE_PROOF_MAX];
};

/* That the first `old` of the `n` leaves are the tree that had root old (2.1.2). old = 0 and old =
 * n: empty. */
void kith_tree_consistency(struct kith_tree_proof *out, const struct kith_hash *leaves, uint64_t n,
                           uint64_t old);
/* KITH_ERR_NO where the tree of `n` leaves is not shown to begin with that of `old`. */
KITH_MUST_USE enum kith_err kith_tree_consistent(const struct kith_tree_proof *proof, uint64_t old,
                                                 const struct kith_hash *old_root, uint64_t n,
                                                 const struct kith_hash *root);

/* That leaf `index` is in the tree (2.1.1). */
void kith_tree_inclusion(struct kith_tree_proof *out, const struct kith_hash *leaves, uint64_t n,
                         uint64_t index);
KITH_MUST_USE enum kith_err kith_tree_included(const struct kith_tree_proof *proof, uint64_t index,
                                               const struct kith_hash *leaf, uint64_t n,
                                               const struct kith_hash *root);

#endif
