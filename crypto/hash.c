#include "crypto/hash.h"

#include <assert.h>
#include <string.h>

#include "crypto/secret.h"

static void u64_le(uint8_t out[8], uint64_t number)
{
  for (unsigned i = 0; i < 8; i++)
    out[i] = (uint8_t)(number >> (8 * i));
}

static void absorb(struct kith_hasher *hasher, const void *bytes, size_t len)
{
  /* Fails only where its state is broken. */
  int result = crypto_generichash_update(&hasher->state, bytes, len);

  assert(result == 0);
  (void)result;
}

void kith_hasher_init(struct kith_hasher *hasher, const char *label)
{
  size_t len = strlen(label);
  uint8_t len_byte = (uint8_t)len;
  int result = crypto_generichash_init(&hasher->state, NULL, 0, KITH_HASH_BYTES);

  assert(result == 0 && len >= 1 && len <= UINT8_MAX);
  (void)result;
  absorb(hasher, &len_byte, 1);
  absorb(hasher, label, len);
}

void kith_hasher_part(struct kith_hasher *hasher, const void *bytes, size_t len)
{
  uint8_t frame[8];

  u64_le(frame, len);
  absorb(hasher, frame, sizeof frame);
  if (len)
    absorb(hasher, bytes, len);
}

void kith_hasher_u64(struct kith_hasher *hasher, uint64_t number)
{
  uint8_t bytes[8];

  u64_le(bytes, number);
  kith_hasher_part(hasher, bytes, sizeof bytes);
}

void kith_hasher_final(struct kith_hasher *hasher, struct kith_hash *out)
{
  int result = crypto_generichash_final(&hasher->state, out->bytes, sizeof out->bytes);

  assert(result == 0);
  (void)result;
  kith_wipe(hasher, sizeof *hasher);
}

void kith_hash_bytes(struct kith_hash *out, const char *label, const void *bytes, size_t len)
{
  struct kith_hasher hasher;

  kith_hasher_init(&hasher, label);
  kith_hasher_part(&hasher, bytes, len);
  kith_hasher_final(&hasher, out);
}

bool kith_hash_equal(const struct kith_hash *a, const struct kith_hash *b)
{
  return kith_equal(a->bytes, b->bytes, sizeof a->bytes);
}

static void node_hash(struct kith_hash *out, const struct kith_hash *left,
                      const struct kith_hash *right)
{
  struct kith_hasher hasher;

  kith_hasher_init(&hasher, "kith node v1");
  kith_hasher_part(&hasher, left->bytes, sizeof left->bytes);
  kith_hasher_part(&hasher, right->bytes, sizeof right->bytes);
  kith_hasher_final(&hasher, out);
}

void kith_merkle_init(struct kith_merkle *tree)
{
  memset(tree, 0, sizeof *tree);
}

/* As adding one to a binary number: full subtrees of equal size join and carry. */
void kith_merkle_add(struct kith_merkle *tree, const struct kith_hash *leaf)
{
  struct kith_hash carry = *leaf;
  unsigned level = 0;

  for (uint64_t n = tree->n; n & 1; n >>= 1)
    node_hash(&carry, &tree->left[level++], &carry);
  tree->left[level] = carry;
  tree->n++;
}

/* RFC 6962 splits at the largest power of two below n: the smaller subtrees hang to the right. */
void kith_merkle_final(const struct kith_merkle *tree, struct kith_hash *out)
{
  struct kith_hash root;
  bool started = false;

  if (tree->n == 0) {
    struct kith_hasher hasher;
    kith_hasher_init(&hasher, "kith node v1");
    kith_hasher_final(&hasher, out);
    return;
  }
  memset(&root, 0, sizeof root);
  for (unsigned level = 0; level < KITH_MERKLE_LEVELS; level++) {
    if (!(tree->n >> level & 1))
      continue;
    if (started)
      node_hash(&root, &tree->left[level], &root);
    else
      root = tree->left[level];
    started = true;
  }
  *out = root;
}

enum kith_err kith_merkle_root(struct kith_hash *out, const struct kith_hash *leaves, size_t n)
{
  struct kith_merkle tree;

  kith_merkle_init(&tree);
  for (size_t i = 0; i < n; i++)
    kith_merkle_add(&tree, &leaves[i]);
  kith_merkle_final(&tree, out);
  return KITH_OK;
}

/* From the root down, each time to the half that has the leaf; the other half's root stands beside
 * the way. */
enum kith_err kith_merkle_prove(struct kith_merkle_path *out, const struct kith_hash *leaves,
                                size_t n, size_t index)
{
  struct kith_merkle_path down = {0};

  if (index >= n || n > UINT32_MAX)
    return KITH_ERR_LIMIT;
  while (n > 1) {
    size_t half = 1;
    enum kith_err err;

    while (half * 2 < n)
      half *= 2;
    if (index < half) {
      err = kith_merkle_root(&down.hashes[down.n], leaves + half, n - half);
      n = half;
    } else {
      err = kith_merkle_root(&down.hashes[down.n], leaves, half);
      down.sides |= 1u << down.n;
      leaves += half;
      index -= half;
      n -= half;
    }
    if (err != KITH_OK)
      return err;
    down.n++;
  }
  *out = (struct kith_merkle_path){.n = down.n};
  for (unsigned i = 0; i < down.n; i++) {
    out->hashes[i] = down.hashes[down.n - 1 - i];
    out->sides |= (down.sides >> (down.n - 1 - i) & 1u) << i;
  }
  return KITH_OK;
}

void kith_merkle_follow(struct kith_hash *root, const struct kith_merkle_path *path,
                        const struct kith_hash *leaf)
{
  struct kith_hash at = *leaf;

  for (unsigned i = 0; i < path->n; i++) {
    if (path->sides >> i & 1u)
      node_hash(&at, &path->hashes[i], &at);
    else
      node_hash(&at, &at, &path->hashes[i]);
  }
  *root = at;
}
