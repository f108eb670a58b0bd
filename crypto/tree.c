#include "crypto/tree.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

static void sha256(struct kith_hash *out, uint8_t prefix, const void *a, size_t a_len,
                   const void *b, size_t b_len)
{
  crypto_hash_sha256_state state;

  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, &prefix, 1);
  crypto_hash_sha256_update(&state, a, a_len);
  if (b_len)
    crypto_hash_sha256_update(&state, b, b_len);
  crypto_hash_sha256_final(&state, out->bytes);
}

void kith_tree_leaf(struct kith_hash *out, const void *bytes, size_t len)
{
  sha256(out, 0x00, bytes, len, NULL, 0);
}

static void node(struct kith_hash *out, const struct kith_hash *left, const struct kith_hash *right)
{
  struct kith_hash result;

  sha256(&result, 0x01, left->bytes, sizeof left->bytes, right->bytes, sizeof right->bytes);
  *out = result;
}

/* As adding one to a binary number: full subtrees of equal size join and carry. */
void kith_tree_add(struct kith_tree *tree, const struct kith_hash *leaf)
{
  struct kith_hash carry = *leaf;
  unsigned level = 0;

  for (uint64_t n = tree->n; n & 1; n >>= 1)
    node(&carry, &tree->left[level++], &carry);
  tree->left[level] = carry;
  tree->n++;
}

void kith_tree_root(const struct kith_tree *tree, struct kith_hash *out)
{
  struct kith_hash root = {{0}};
  bool started = false;

  if (tree->n == 0) {
    crypto_hash_sha256(out->bytes, (const uint8_t *)"", 0);
    return;
  }
  for (unsigned level = 0; level < KITH_MERKLE_LEVELS; level++) {
    if (!(tree->n >> level & 1))
      continue;
    if (started)
      node(&root, &tree->left[level], &root);
    else
      root = tree->left[level];
    started = true;
  }
  *out = root;
}

void kith_tree_root_of(struct kith_hash *out, const struct kith_hash *leaves, uint64_t n)
{
  struct kith_tree tree = {0};

  for (uint64_t i = 0; i < n; i++)
    kith_tree_add(&tree, &leaves[i]);
  kith_tree_root(&tree, out);
}

/* The largest power of two below n; n is 2 or more. */
static uint64_t split(uint64_t n)
{
  uint64_t k = 1;

  while (k < n - k)
    k *= 2;
  return k;
}

static void push(struct kith_tree_proof *proof, const struct kith_hash *leaves, uint64_t n)
{
  assert(proof->n < KITH_TREE_PROOF_MAX);
  kith_tree_root_of(&proof->hashes[proof->n++], leaves, n);
}

/* A proof's hashes come from the deepest subtree up: the walk down notes what is beside the path.
 */
struct beside {
  const struct kith_hash *leaves;
  uint64_t n;
};

static void push_upwards(struct kith_tree_proof *proof, const struct beside *path, unsigned depth)
{
  while (depth-- > 0)
    push(proof, path[depth].leaves, path[depth].n);
}

void kith_tree_consistency(struct kith_tree_proof *out, const struct kith_hash *leaves, uint64_t n,
                           uint64_t old)
{
  struct beside path[KITH_MERKLE_LEVELS];
  unsigned depth = 0;
  bool known = true; /* the subtree that is left is the old tree itself */

  out->n = 0;
  if (old == 0 || old >= n)
    return;
  while (old != n) {
    uint64_t k = split(n);

    if (old <= k) {
      path[depth++] = (struct beside){leaves + k, n - k};
      n = k;
    } else {
      path[depth++] = (struct beside){leaves, k};
      leaves += k;
      n -= k;
      old -= k;
      known = false;
    }
  }
  if (!known)
    push(out, leaves, n);
  push_upwards(out, path, depth);
}

/* RFC 9162, section 2.1.4.2. */
enum kith_err kith_tree_consistent(const struct kith_tree_proof *proof, uint64_t old,
                                   const struct kith_hash *old_root, uint64_t n,
                                   const struct kith_hash *root)
{
  struct kith_hash from;
  struct kith_hash to;
  uint64_t fn;
  uint64_t sn;
  unsigned at = 0;

  if (old > n || proof->n > KITH_TREE_PROOF_MAX)
    return KITH_ERR_NO;
  if (old == n)
    return proof->n == 0 && kith_hash_equal(old_root, root) ? KITH_OK : KITH_ERR_NO;
  if (old == 0)
    return proof->n == 0 ? KITH_OK : KITH_ERR_NO;
  fn = old - 1;
  sn = n - 1;
  for (; fn & 1; fn >>= 1)
    sn >>= 1;
  if ((old & (old - 1)) == 0)
    from = *old_root;
  else if (at < proof->n)
    from = proof->hashes[at++];
  else
    return KITH_ERR_NO;
  to = from;
  for (; at < proof->n; at++) {
    if (sn == 0)
      return KITH_ERR_NO;
    if ((fn & 1) || fn == sn) {
      node(&from, &proof->hashes[at], &from);
      node(&to, &proof->hashes[at], &to);
      for (; fn != 0 && !(fn & 1); fn >>= 1)
        sn >>= 1;
    } else {
      node(&to, &to, &proof->hashes[at]);
    }
    fn >>= 1;
    sn >>= 1;
  }
  return sn == 0 && kith_hash_equal(&from, old_root) && kith_hash_equal(&to, root) ? KITH_OK
                                                                                   : KITH_ERR_NO;
}

void kith_tree_inclusion(struct kith_tree_proof *out, const struct kith_hash *leaves, uint64_t n,
                         uint64_t index)
{
  struct beside path[KITH_MERKLE_LEVELS];
  unsigned depth = 0;

  assert(index < n);
  out->n = 0;
  while (n > 1) {
    uint64_t k = split(n);

    if (index < k) {
      path[depth++] = (struct beside){leaves + k, n - k};
      n = k;
    } else {
      path[depth++] = (struct beside){leaves, k};
      leaves += k;
      n -= k;
      index -= k;
    }
  }
  push_upwards(out, path, depth);
}

/* RFC 9162, section 2.1.3.2. */
enum kith_err kith_tree_included(const struct kith_tree_proof *proof, uint64_t index,
                                 const struct kith_hash *leaf, uint64_t n,
                                 const struct kith_hash *root)
{
  struct kith_hash hash = *leaf;
  uint64_t fn = index;
  uint64_t sn = n - 1;

  if (index >= n || proof->n > KITH_TREE_PROOF_MAX)
    return KITH_ERR_NO;
  for (unsigned i = 0; i < proof->n; i++) {
    if (sn == 0)
      return KITH_ERR_NO;
    if ((fn & 1) || fn == sn) {
      node(&hash, &proof->hashes[i], &hash);
      for (; fn != 0 && !(fn & 1); fn >>= 1)
        sn >>= 1;
    } else {
      node(&hash, &hash, &proof->hashes[i]);
    }
    fn >>= 1;
    sn >>= 1;
  }
  return sn == 0 && kith_hash_equal(&hash, root) ? KITH_OK : KITH_ERR_NO;
}
