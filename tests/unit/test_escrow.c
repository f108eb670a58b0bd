#include "crypto/escrow.h"

#include "crypto/seal.h"
#include "crypto/shamir.h"
#include "tests/unit/unit.h"

/* Products of FIPS 197, section 4.2, and what must hold of any field. */
static void field(void **state)
{
  (void)state;
  assert_int_equal(kith_gf256_multiply(0x57, 0x83), 0xc1);
  assert_int_equal(kith_gf256_multiply(0x57, 0x13), 0xfe);
  assert_int_equal(kith_gf256_multiply(0x57, 0x02), 0xae);
  assert_int_equal(kith_gf256_multiply(0xae, 0x02), 0x47);
  for (unsigned a = 0; a < 256; a++) {
    bool seen[256] = {false};

    for (unsigned b = 0; b < 256; b++) {
      uint8_t product = kith_gf256_multiply((uint8_t)a, (uint8_t)b);

      assert_int_equal(product, kith_gf256_multiply((uint8_t)b, (uint8_t)a));
      assert_true(a == 0 || !seen[product]); /* so all but 0 have an inverse */
      seen[product] = true;
    }
    assert_int_equal(kith_gf256_multiply((uint8_t)a, 1), a);
  }
}

static struct kith_secret *secret_of(const void *bytes, size_t len)
{
  struct kith_secret *secret;

  assert_int_equal(kith_secret_copy(&secret, bytes, len), KITH_OK);
  return secret;
}

/* 0x42 + 0x57 x at 0x83 and 0x13, by the products above. */
static void join_known_answer(void **state)
{
  static const uint8_t at[] = {0x83, 0x13};
  struct kith_secret *shares[] = {secret_of("\x83", 1), secret_of("\xbc", 1)};
  struct kith_secret *joined;

  (void)state;
  assert_int_equal(kith_shamir_join(&joined, (const struct kith_secret *const *)shares, at, 2),
                   KITH_OK);
  assert_int_equal(kith_secret_peek(joined)[0], 0x42);
  kith_secret_free(joined);
  kith_secret_free(shares[0]);
  kith_secret_free(shares[1]);
}

/* Every set of shares, of every m and n up to 6: m or more give the secret, and fewer, joined as if
 * they were enough, give something else. */
static void any_m_of_n(void **state)
{
  (void)state;
  for (unsigned n = 1; n <= 6; n++) {
    for (unsigned m = 1; m <= n; m++) {
      struct kith_secret *shares[6];
      struct kith_secret *secret;

      assert_int_equal(kith_secret_random(&secret, 32), KITH_OK);
      assert_int_equal(kith_shamir_split(shares, n, m, secret), KITH_OK);
      for (unsigned set = 1; set < 1U << n; set++) {
        const struct kith_secret *some[6];
        struct kith_secret *joined;
        uint8_t at[6];
        unsigned k = 0;

        for (unsigned i = 0; i < n; i++) {
          if (set >> i & 1) {
            some[k] = shares[i];
            at[k++] = (uint8_t)(i + 1);
          }
        }
        assert_int_equal(kith_shamir_join(&joined, some, at, k), KITH_OK);
        assert_int_equal(kith_secret_equal(joined, secret), k >= m);
        kith_secret_free(joined);
      }
      for (unsigned i = 0; i < n; i++)
        kith_secret_free(shares[i]);
      kith_secret_free(secret);
    }
  }
}

/* One of two shares says nothing: with it, each value of the other gives another secret. */
static void fewer_say_nothing(void **state)
{
  static const uint8_t at[] = {1, 2};

  (void)state;
  for (unsigned first = 0; first < 256; first += 51) {
    bool seen[256] = {false};

    for (unsigned other = 0; other < 256; other++) {
      uint8_t bytes[] = {(uint8_t)first, (uint8_t)other};
      struct kith_secret *shares[] = {secret_of(bytes, 1), secret_of(bytes + 1, 1)};
      struct kith_secret *joined;

      assert_int_equal(kith_shamir_join(&joined, (const struct kith_secret *const *)shares, at, 2),
                       KITH_OK);
      assert_false(seen[kith_secret_peek(joined)[0]]);
      seen[kith_secret_peek(joined)[0]] = true;
      kith_secret_free(joined);
      kith_secret_free(shares[0]);
      kith_secret_free(shares[1]);
    }
  }
}

static void shamir_refusals(void **state)
{
  struct kith_secret *secret = secret_of("secret", 6);
  struct kith_secret *shorter = secret_of("secre", 5);
  const struct kith_secret *shares[] = {secret, secret};
  const struct kith_secret *unequal[] = {secret, shorter};
  struct kith_secret *out[KITH_SHARES_MAX + 1];

  (void)state;
  assert_int_equal(kith_shamir_split(out, 2, 0, secret), KITH_ERR_LIMIT);
  assert_int_equal(kith_shamir_split(out, 2, 3, secret), KITH_ERR_LIMIT);
  assert_int_equal(kith_shamir_split(out, KITH_SHARES_MAX + 1, 2, secret), KITH_ERR_LIMIT);
  assert_int_equal(kith_shamir_join(out, shares, (const uint8_t[]){3, 3}, 2), KITH_ERR_DATA);
  assert_int_equal(kith_shamir_join(out, shares, (const uint8_t[]){0, 3}, 2), KITH_ERR_DATA);
  assert_int_equal(kith_shamir_join(out, unequal, (const uint8_t[]){1, 2}, 2), KITH_ERR_DATA);
  assert_int_equal(kith_shamir_join(out, shares, (const uint8_t[]){1, 2}, 0), KITH_ERR_LIMIT);
  kith_secret_free(secret);
  kith_secret_free(shorter);
}

/* ---- escrow: 2 of 3, of which the reader holds all */

enum { N = 3 };
static const char *const names[] = {"first", "second", "third", "fourth"};

struct escrow {
  struct kith_identity *owner;
  struct kith_identity *holders[N];
  struct kith_identity *reader;
  uint8_t given[N][KITH_SHARE_BYTES];
  uint8_t files[N][KITH_SHARE_BYTES]; /* sealed anew to the reader */
};

static int escrow_make(void **state)
{
  struct escrow *e = calloc(1, sizeof *e);
  uint8_t keys[N][KITH_PUBLIC_BYTES];

  *state = e;
  assert_int_equal(kith_identity_new(&e->owner), KITH_OK);
  assert_int_equal(kith_identity_new(&e->reader), KITH_OK);
  for (unsigned i = 0; i < N; i++) {
    assert_int_equal(kith_identity_new(&e->holders[i]), KITH_OK);
    memcpy(keys[i], e->holders[i]->public_keys.seal, sizeof keys[i]);
  }
  assert_int_equal(kith_escrow_make(e->given, e->owner, 2, keys, N), KITH_OK);
  for (unsigned i = 0; i < N; i++)
    assert_int_equal(kith_escrow_reseal(e->files[i], e->given[i], e->holders[i],
                                        e->reader->public_keys.seal, NULL),
                     KITH_OK);
  return 0;
}

static int escrow_free(void **state)
{
  struct escrow *e = *state;

  kith_identity_free(e->owner);
  kith_identity_free(e->reader);
  for (unsigned i = 0; i < N; i++)
    kith_identity_free(e->holders[i]);
  free(e);
  return 0;
}

static void two_of_three_recover(void **state)
{
  const struct escrow *e = *state;
  struct kith_escrow said;
  struct kith_identity *found;

  for (unsigned skip = 0; skip <= N; skip++) {
    uint8_t some[N][KITH_SHARE_BYTES];
    unsigned n = 0;

    for (unsigned i = 0; i < N; i++)
      if (i != skip)
        memcpy(some[n++], e->files[i], KITH_SHARE_BYTES);
    assert_int_equal(kith_escrow_recover(&found, some, names, n, e->reader, NULL), KITH_OK);
    assert_true(kith_secret_equal(found->sign, e->owner->sign));
    assert_true(kith_secret_equal(found->seal, e->owner->seal));
    assert_true(kith_secret_equal(found->curve, e->owner->curve));
    assert_true(kith_secret_equal(found->storage, e->owner->storage));
    kith_identity_free(found);
  }
  assert_int_equal(kith_escrow_parse(&said, e->given[1], KITH_SHARE_BYTES, NULL), KITH_OK);
  assert_int_equal(said.threshold, 2);
  assert_int_equal(said.n, N);
  assert_int_equal(said.number, 2);
  assert_memory_equal(&said.owner, &e->owner->public_keys, sizeof said.owner);
}

static void too_few_and_mixed_are_refused(void **state)
{
  const struct escrow *e = *state;
  struct kith_fault fault = {0};
  struct kith_identity *found;
  uint8_t twice[2][KITH_SHARE_BYTES];
  uint8_t other[2][KITH_SHARE_BYTES];

  assert_int_equal(kith_escrow_recover(&found, e->files, names, 0, e->reader, &fault),
                   KITH_ERR_DATA);
  assert_int_equal(kith_escrow_recover(&found, e->files, names, 1, e->reader, &fault),
                   KITH_ERR_DATA);
  assert_non_null(strstr(fault.text, "1 given"));
  memcpy(twice[0], e->files[0], KITH_SHARE_BYTES);
  memcpy(twice[1], e->files[0], KITH_SHARE_BYTES);
  assert_int_equal(kith_escrow_recover(&found, twice, names, 2, e->reader, &fault), KITH_ERR_DATA);
  /* Of another escrow of the same owner and the same holders. */
  assert_int_equal(
      kith_escrow_make(other, e->owner, 2, (const uint8_t[2][KITH_PUBLIC_BYTES]){{9}, {9}}, 2),
      KITH_OK);
  memcpy(twice[1], other[1], KITH_SHARE_BYTES);
  assert_int_equal(kith_escrow_recover(&found, twice, names, 2, e->reader, &fault), KITH_ERR_DATA);
  assert_non_null(strstr(fault.text, "another escrow"));
  /* Sealed to the holders, not to the reader. */
  assert_int_equal(kith_escrow_recover(&found, e->given, names, N, e->reader, &fault),
                   KITH_ERR_DENIED);
  assert_int_equal(
      kith_escrow_make(other, e->owner, 2, (const uint8_t[2][KITH_PUBLIC_BYTES]){{0}, {0}}, 2),
      KITH_ERR_NO);
}

/* A holder who seals something else, under the right key and context, is named. */
static void a_wrong_share_is_named(void **state)
{
  const struct escrow *e = *state;
  uint8_t files[N][KITH_SHARE_BYTES];
  uint8_t context[sizeof "kith escrow share v1" + KITH_ESCROW_ID_BYTES + 1] =
      "kith escrow share v1";
  uint8_t made_up[64] = {1};
  struct kith_identity *found;
  struct kith_fault fault = {0};

  memcpy(files, e->files, sizeof files);
  memcpy(context + sizeof "kith escrow share v1", files[1] + 16, KITH_ESCROW_ID_BYTES);
  context[sizeof context - 1] = 2;
  assert_int_equal(kith_seal(files[1] + 904, e->reader->public_keys.seal, context, sizeof context,
                             made_up, sizeof made_up),
                   KITH_OK);
  assert_int_equal(kith_escrow_recover(&found, files, names, 3, e->reader, &fault), KITH_ERR_NO);
  assert_non_null(strstr(fault.text, "second"));
  assert_non_null(strstr(fault.text, "share 2 is not the one"));
}

static void any_changed_byte_is_refused(void **state)
{
  const struct escrow *e = *state;
  uint8_t files[2][KITH_SHARE_BYTES];
  struct kith_identity *found;
  struct kith_escrow said;

  memcpy(files, e->files, sizeof files);
  for (size_t at = 0; at < KITH_SHARE_BYTES; at++) {
    files[1][at] ^= (uint8_t)(1 << at % 8);
    assert_int_not_equal(kith_escrow_recover(&found, files, names, 2, e->reader, NULL), KITH_OK);
    files[1][at] ^= (uint8_t)(1 << at % 8);
  }
  for (size_t len = 0; len < KITH_SHARE_BYTES; len++)
    assert_int_equal(kith_escrow_parse(&said, files[0], len, NULL), KITH_ERR_DATA);
}

static void out_of_memory(void **state)
{
  const struct escrow *e = *state;
  struct kith_identity *found = NULL;

  UNIT_EACH_ALLOCATION(n)
  {
    enum kith_err err = kith_escrow_recover(&found, e->files, names, 2, e->reader, NULL);

    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_int_equal(err, KITH_ERR_MEMORY);
  }
  kith_identity_free(found);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(field),
      cmocka_unit_test(join_known_answer),
      cmocka_unit_test(any_m_of_n),
      cmocka_unit_test(fewer_say_nothing),
      cmocka_unit_test(shamir_refusals),
      cmocka_unit_test_setup_teardown(two_of_three_recover, escrow_make, escrow_free),
      cmocka_unit_test_setup_teardown(too_few_and_mixed_are_refused, escrow_make, escrow_free),
      cmocka_unit_test_setup_teardown(a_wrong_share_is_named, escrow_make, escrow_free),
      cmocka_unit_test_setup_teardown(any_changed_byte_is_refused, escrow_make, escrow_free),
      cmocka_unit_test_setup_teardown(out_of_memory, escrow_make, escrow_free),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
