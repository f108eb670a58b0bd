#include "crypto/hash.h"
#include "crypto/kdf.h"

#include "base/text.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors/crypto_vectors.h"

static void known_hashes(void **state)
{
  struct kith_hasher hasher;
  struct kith_hash hash;

  (void)state;
  kith_hasher_init(&hasher, "kith test v1");
  kith_hasher_part(&hasher, NULL, 0);
  kith_hasher_part(&hasher, "abc", 3);
  kith_hasher_u64(&hasher, 5);
  kith_hasher_final(&hasher, &hash);
  assert_memory_equal(hash.bytes, vector_hash, sizeof vector_hash);
  kith_hasher_init(&hasher, "kith test v1");
  kith_hasher_final(&hasher, &hash);
  assert_memory_equal(hash.bytes, vector_hash_no_parts, sizeof vector_hash_no_parts);
}

static struct kith_hash hash_two(const char *label, const char *a, const char *b)
{
  struct kith_hasher hasher;
  struct kith_hash hash;

  kith_hasher_init(&hasher, label);
  kith_hasher_part(&hasher, a, strlen(a));
  kith_hasher_part(&hasher, b, strlen(b));
  kith_hasher_final(&hasher, &hash);
  return hash;
}

/* Where one part ends and the next begins, and the label, are part of what is hashed. */
static void frames_are_hashed(void **state)
{
  struct kith_hash hash = hash_two("kith test v1", "ab", "c");
  struct kith_hash one;
  struct kith_hash other = hash_two("kith test v1", "ab", "c");

  (void)state;
  assert_true(kith_hash_equal(&hash, &other));
  other = hash_two("kith test v1", "a", "bc");
  assert_false(kith_hash_equal(&hash, &other));
  other = hash_two("kith test v2", "ab", "c");
  assert_false(kith_hash_equal(&hash, &other));
  other = hash_two("kith test v1", "abc", "");
  assert_false(kith_hash_equal(&hash, &other));
  kith_hash_bytes(&one, "kith test v1", "abc", 3);
  assert_false(kith_hash_equal(&one, &other));
}

static void known_roots(void **state)
{
  static const struct {
    size_t n;
    const uint8_t *root;
  } known[] = {
      {0, vector_merkle_0}, {1, vector_merkle_1},   {2, vector_merkle_2}, {3, vector_merkle_3},
      {4, vector_merkle_4}, {5, vector_merkle_5},   {7, vector_merkle_7}, {8, vector_merkle_8},
      {9, vector_merkle_9}, {33, vector_merkle_33},
  };
  struct kith_hash leaves[33];
  struct kith_hash root;

  (void)state;
  for (size_t i = 0; i < 33; i++) {
    struct kith_hasher hasher;
    kith_hasher_init(&hasher, "kith leaf v1");
    kith_hasher_u64(&hasher, i);
    kith_hasher_final(&hasher, &leaves[i]);
  }
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    assert_int_equal(kith_merkle_root(&root, leaves, known[i].n), KITH_OK);
    assert_memory_equal(root.bytes, known[i].root, KITH_HASH_BYTES);
  }
}

static void roots_depend_on_every_leaf_and_on_order(void **state)
{
  struct kith_hash leaves[11];
  struct kith_hash root;
  struct kith_hash other;

  (void)state;
  for (size_t i = 0; i < 11; i++)
    kith_hash_bytes(&leaves[i], "kith leaf v1", &i, sizeof i);
  assert_int_equal(kith_merkle_root(&root, leaves, 11), KITH_OK);
  for (size_t i = 0; i < 11; i++) {
    leaves[i].bytes[i] ^= 1;
    assert_int_equal(kith_merkle_root(&other, leaves, 11), KITH_OK);
    assert_false(kith_hash_equal(&root, &other));
    leaves[i].bytes[i] ^= 1;
  }
  for (size_t i = 1; i < 11; i++) {
    struct kith_hash swapped = leaves[0];
    leaves[0] = leaves[i];
    leaves[i] = swapped;
    assert_int_equal(kith_merkle_root(&other, leaves, 11), KITH_OK);
    assert_false(kith_hash_equal(&root, &other));
    swapped = leaves[0];
    leaves[0] = leaves[i];
    leaves[i] = swapped;
  }
  assert_int_equal(kith_merkle_root(&other, leaves, 10), KITH_OK);
  assert_false(kith_hash_equal(&root, &other));
}

/* ---- RFC 5869, appendix A; RFC 4231, section 4 */

static struct kith_secret *secret_of(const char *hex)
{
  uint8_t bytes[256];
  struct kith_secret *secret;

  assert_int_equal(kith_hex_decode(bytes, strlen(hex) / 2, hex), KITH_OK);
  assert_int_equal(kith_secret_copy(&secret, bytes, strlen(hex) / 2), KITH_OK);
  return secret;
}

static void check_hkdf(const char *ikm_hex, const char *salt_hex, const char *info_hex,
                       const char *okm_hex)
{
  struct kith_secret *ikm = secret_of(ikm_hex);
  struct kith_secret *salt = secret_of(salt_hex);
  struct kith_secret *info = secret_of(info_hex);
  struct kith_secret *okm = secret_of(okm_hex);
  struct kith_secret *derived;

  assert_int_equal(kith_hkdf_info(&derived, kith_secret_len(okm), kith_secret_peek(salt),
                                  kith_secret_len(salt), ikm, kith_secret_peek(info),
                                  kith_secret_len(info)),
                   KITH_OK);
  assert_true(kith_secret_equal(derived, okm));
  kith_secret_free(derived);
  kith_secret_free(ikm);
  kith_secret_free(salt);
  kith_secret_free(info);
  kith_secret_free(okm);
}

static void hkdf_of_rfc_5869(void **state)
{
  (void)state;
  check_hkdf(
      "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
      "f0f1f2f3f4f5f6f7f8f9",
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  check_hkdf("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728"
             "292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
             "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788"
             "898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
             "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8"
             "d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
             "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271"
             "cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
  check_hkdf(
      "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
      "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

static void hkdf_refuses(void **state)
{
  static const uint8_t info[1025];
  struct kith_secret *ikm = secret_of("0b0b");
  struct kith_secret *empty = secret_of("");
  struct kith_secret *out = NULL;

  (void)state;
  assert_int_equal(kith_hkdf(&out, 0, info, 4, ikm, "x"), KITH_ERR_LIMIT);
  assert_int_equal(kith_hkdf(&out, 255 * 32 + 1, info, 4, ikm, "x"), KITH_ERR_LIMIT);
  assert_int_equal(kith_hkdf(&out, 32, info, 4, empty, "x"), KITH_ERR_LIMIT);
  assert_int_equal(kith_hkdf_info(&out, 32, info, 4, ikm, info, 1025), KITH_ERR_LIMIT);
  assert_null(out);
  assert_int_equal(kith_hkdf_info(&out, 255 * 32, info, 4, ikm, info, 1024), KITH_OK);
  kith_secret_free(out);
  kith_secret_free(ikm);
  kith_secret_free(empty);
}

static void hmac_of_rfc_4231(void **state)
{
  static const struct {
    const char *key;
    const char *message;
    const char *mac;
  } known[] = {
      {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
  };

  (void)state;
  for (size_t i = 0; i < 2; i++) {
    struct kith_secret *key = secret_of(known[i].key);
    struct kith_secret *message = secret_of(known[i].message);
    struct kith_secret *mac = secret_of(known[i].mac);
    uint8_t out[32];

    assert_int_equal(kith_hmac(out, key, kith_secret_peek(message), kith_secret_len(message)),
                     KITH_OK);
    assert_memory_equal(out, kith_secret_peek(mac), 32);
    kith_secret_free(key);
    kith_secret_free(message);
    kith_secret_free(mac);
  }
}

static void hmac_of_nothing(void **state)
{
  struct kith_secret *empty = secret_of("");
  struct kith_secret *mac =
      secret_of("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  uint8_t out[32];

  (void)state;
  assert_int_equal(kith_hmac(out, empty, NULL, 0), KITH_OK);
  assert_memory_equal(out, kith_secret_peek(mac), 32);
  kith_secret_free(empty);
  kith_secret_free(mac);
}

static void hkdf_survives_failing_allocations(void **state)
{
  struct kith_secret *ikm = secret_of("0b0b");

  (void)state;
  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_secret *out = NULL;
    enum kith_err err = kith_hkdf(&out, 32, NULL, 0, ikm, "x");

    if (err == KITH_OK) {
      unit_allocations_done();
      kith_secret_free(out);
    } else {
      assert_int_equal(err, KITH_ERR_MEMORY);
      assert_null(out);
    }
  }
  kith_secret_free(ikm);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_hashes),
      cmocka_unit_test(frames_are_hashed),
      cmocka_unit_test(known_roots),
      cmocka_unit_test(roots_depend_on_every_leaf_and_on_order),
      cmocka_unit_test(hkdf_of_rfc_5869),
      cmocka_unit_test(hkdf_refuses),
      cmocka_unit_test(hmac_of_rfc_4231),
      cmocka_unit_test(hmac_of_nothing),
      cmocka_unit_test(hkdf_survives_failing_allocations),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return EXIT_FAILURE;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
