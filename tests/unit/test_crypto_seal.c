#include "crypto/seal.h"

#include "tests/unit/unit.h"
#include "tests/unit/vectors/crypto_vectors.h"

static struct kith_secret *secret_of(const uint8_t bytes[32])
{
  struct kith_secret *secret;

  assert_int_equal(kith_secret_copy(&secret, bytes, 32), KITH_OK);
  return secret;
}

static void known_answers(void **state)
{
  struct kith_secret *seal_key = secret_of(vector_seal_secret);
  struct kith_secret *box_key = secret_of(vector_box_key);
  uint8_t public_key[KITH_SEAL_KEY_BYTES];
  uint8_t plain[64];

  (void)state;
  assert_int_equal(kith_seal_public(public_key, seal_key), KITH_OK);
  assert_memory_equal(public_key, vector_seal_public, 32);
  assert_int_equal(
      kith_seal_open(plain, seal_key, "context", 7, vector_sealed, sizeof vector_sealed), KITH_OK);
  assert_memory_equal(plain, "sealed message", sizeof vector_sealed - KITH_SEAL_OVERHEAD);
  assert_int_equal(kith_box_open(plain, box_key, "place", 5, vector_boxed, sizeof vector_boxed),
                   KITH_OK);
  assert_memory_equal(plain, "boxed message", sizeof vector_boxed - KITH_BOX_OVERHEAD);
  kith_secret_free(seal_key);
  kith_secret_free(box_key);
}

static void any_bit_flipped_is_refused(void **state)
{
  struct kith_secret *seal_key = secret_of(vector_seal_secret);
  struct kith_secret *box_key = secret_of(vector_box_key);
  uint8_t sealed[sizeof vector_sealed];
  uint8_t boxed[sizeof vector_boxed];
  uint8_t plain[64];

  (void)state;
  memcpy(sealed, vector_sealed, sizeof sealed);
  for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
    /* X25519 ignores the ephemeral key's top bit, but the salt has it. */
    sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(kith_seal_open(plain, seal_key, "context", 7, sealed, sizeof sealed),
                     KITH_ERR_NO);
    sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  memcpy(boxed, vector_boxed, sizeof boxed);
  for (size_t bit = 0; bit < 8 * sizeof boxed; bit++) {
    boxed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(kith_box_open(plain, box_key, "place", 5, boxed, sizeof boxed), KITH_ERR_NO);
    boxed[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t len = 0; len < sizeof sealed; len++)
    assert_int_equal(kith_seal_open(plain, seal_key, "context", 7, sealed, len), KITH_ERR_NO);
  for (size_t len = 0; len < sizeof boxed; len++)
    assert_int_equal(kith_box_open(plain, box_key, "place", 5, boxed, len), KITH_ERR_NO);
  kith_secret_free(seal_key);
  kith_secret_free(box_key);
}

static void other_keys_and_contexts_are_refused(void **state)
{
  struct kith_secret *seal_key = secret_of(vector_seal_secret);
  struct kith_secret *box_key = secret_of(vector_box_key);
  uint8_t plain[64];

  (void)state;
  assert_int_equal(
      kith_seal_open(plain, box_key, "context", 7, vector_sealed, sizeof vector_sealed),
      KITH_ERR_NO);
  assert_int_equal(
      kith_seal_open(plain, seal_key, "context", 6, vector_sealed, sizeof vector_sealed),
      KITH_ERR_NO);
  assert_int_equal(
      kith_seal_open(plain, seal_key, "kontext", 7, vector_sealed, sizeof vector_sealed),
      KITH_ERR_NO);
  assert_int_equal(kith_seal_open(plain, seal_key, NULL, 0, vector_sealed, sizeof vector_sealed),
                   KITH_ERR_NO);
  assert_int_equal(kith_box_open(plain, seal_key, "place", 5, vector_boxed, sizeof vector_boxed),
                   KITH_ERR_NO);
  assert_int_equal(kith_box_open(plain, box_key, "plaza", 5, vector_boxed, sizeof vector_boxed),
                   KITH_ERR_NO);
  kith_secret_free(seal_key);
  kith_secret_free(box_key);
}

/* A public key of small order would make a key that everybody knows. */
static void small_order_is_refused(void **state)
{
  static const uint8_t zero[32];
  static const uint8_t one[32] = {1};
  static const uint8_t order_8[32] = {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae,
                                      0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
                                      0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd,
                                      0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00};
  const uint8_t *const keys[] = {zero, one, order_8};
  struct kith_secret *seal_key = secret_of(vector_seal_secret);
  uint8_t sealed[KITH_SEAL_OVERHEAD + 4];
  uint8_t plain[4];

  (void)state;
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(kith_seal(sealed, keys[i], "c", 1, "text", 4), KITH_ERR_NO);
    memcpy(sealed, keys[i], 32);
    assert_int_equal(kith_seal_open(plain, seal_key, "c", 1, sealed, sizeof sealed), KITH_ERR_NO);
  }
  kith_secret_free(seal_key);
}

static void goes_there_and_back_at_every_length(void **state)
{
  uint8_t text[300];
  uint8_t sealed[300 + KITH_SEAL_OVERHEAD];
  uint8_t again[300 + KITH_SEAL_OVERHEAD];
  uint8_t plain[300];
  uint8_t public_key[KITH_SEAL_KEY_BYTES];
  struct kith_secret *secret_key;

  (void)state;
  kith_random_bytes(text, sizeof text);
  assert_int_equal(kith_seal_keypair(public_key, &secret_key), KITH_OK);
  for (size_t len = 0; len <= sizeof text; len++) {
    assert_int_equal(kith_seal(sealed, public_key, text, len % 7, text, len), KITH_OK);
    assert_int_equal(
        kith_seal_open(plain, secret_key, text, len % 7, sealed, len + KITH_SEAL_OVERHEAD),
        KITH_OK);
    assert_memory_equal(plain, text, len);
    assert_int_equal(kith_seal(again, public_key, text, len % 7, text, len), KITH_OK);
    assert_memory_not_equal(again, sealed, len + KITH_SEAL_OVERHEAD);
    assert_int_equal(kith_box(sealed, secret_key, text, len % 7, text, len), KITH_OK);
    assert_int_equal(
        kith_box_open(plain, secret_key, text, len % 7, sealed, len + KITH_BOX_OVERHEAD), KITH_OK);
    assert_memory_equal(plain, text, len);
    assert_int_equal(kith_box(again, secret_key, text, len % 7, text, len), KITH_OK);
    assert_memory_not_equal(again, sealed, len + KITH_BOX_OVERHEAD);
  }
  kith_secret_free(secret_key);
}

static void refuses_a_context_that_is_too_long(void **state)
{
  static const uint8_t context[1025];
  uint8_t sealed[KITH_SEAL_OVERHEAD];

  (void)state;
  assert_int_equal(kith_seal(sealed, vector_seal_public, context, 1025, NULL, 0), KITH_ERR_LIMIT);
  assert_int_equal(kith_seal(sealed, vector_seal_public, context, 1024, NULL, 0), KITH_OK);
}

static void survives_failing_allocations(void **state)
{
  struct kith_secret *seal_key = secret_of(vector_seal_secret);

  (void)state;
  UNIT_EACH_ALLOCATION(n)
  {
    uint8_t sealed[KITH_SEAL_OVERHEAD + 4];
    uint8_t plain[4];
    enum kith_err err = kith_seal(sealed, vector_seal_public, "c", 1, "text", 4);

    if (err == KITH_OK)
      err = kith_seal_open(plain, seal_key, "c", 1, sealed, sizeof sealed);
    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_int_equal(err, KITH_ERR_MEMORY);
  }
  kith_secret_free(seal_key);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_answers),
      cmocka_unit_test(any_bit_flipped_is_refused),
      cmocka_unit_test(other_keys_and_contexts_are_refused),
      cmocka_unit_test(small_order_is_refused),
      cmocka_unit_test(goes_there_and_back_at_every_length),
      cmocka_unit_test(refuses_a_context_that_is_too_long),
      cmocka_unit_test(survives_failing_allocations),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return EXIT_FAILURE;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
