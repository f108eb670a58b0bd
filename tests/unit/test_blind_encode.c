/* crypto/encode: what blind comparison sends. */
#include <math.h>

#include "base/bytes.h"
#include "crypto/encode/mask.h"
#include "crypto/encode/permutation.h"
#include "crypto/encode/signature.h"
#include "crypto/encode/token.h"
#include "tests/unit/unit.h"

static const unsigned all_bits[] = {8, 16, 32, 64, 128};
enum { N_BITS = sizeof all_bits / sizeof all_bits[0] };

static struct kith_secret *secret_of(const char *text)
{
  struct kith_secret *secret = NULL;

  assert_int_equal(kith_secret_copy(&secret, text, strlen(text)), KITH_OK);
  return secret;
}

static struct kith_blind_key key_of(const char *text, const char *a, const char *b)
{
  struct kith_secret *ikm = secret_of(text);
  struct kith_secret *pair = NULL;
  struct kith_blind_key key = {0};

  assert_int_equal(kith_blind_pair_key(&pair, ikm, NULL, 0, a, b), KITH_OK);
  assert_int_equal(kith_blind_key_init(&key, pair), KITH_OK);
  kith_secret_free(pair);
  kith_secret_free(ikm);
  return key;
}

static bool same_keys(const struct kith_blind_key *a, const struct kith_blind_key *b)
{
  return kith_secret_equal(a->token, b->token) || kith_secret_equal(a->mask, b->mask) ||
         kith_secret_equal(a->signature, b->signature);
}

/* One key for each pair, whichever side asks; another for other pairs, other secrets, and no
 * confusion of ids that join to one text. */
static void test_pair_keys(void **state)
{
  struct kith_blind_key ab = key_of("secret", "police", "health");
  struct kith_blind_key ba = key_of("secret", "health", "police");
  struct kith_blind_key ac = key_of("secret", "police", "healt");
  struct kith_blind_key other = key_of("secret2", "police", "health");
  struct kith_blind_key join = key_of("secret", "healthp", "olice");
  struct kith_secret *ikm = secret_of("secret");
  struct kith_secret *out = NULL;

  (void)state;
  assert_true(kith_secret_equal(ab.token, ba.token) && kith_secret_equal(ab.mask, ba.mask) &&
              kith_secret_equal(ab.signature, ba.signature));
  assert_false(same_keys(&ab, &ac) || same_keys(&ab, &other) || same_keys(&ab, &join));
  assert_false(kith_secret_equal(ab.token, ab.mask));
  assert_int_equal(kith_blind_pair_key(&out, ikm, NULL, 0, "police", "police"), KITH_ERR_USAGE);
  assert_int_equal(
      kith_blind_pair_key(&out, ikm, NULL, 0, "police", "an_id_that_is_longer_than_all_others"),
      KITH_ERR_LIMIT);
  assert_null(out);
  kith_secret_free(ikm);
  kith_blind_key_free(&ab);
  kith_blind_key_free(&ba);
  kith_blind_key_free(&ac);
  kith_blind_key_free(&other);
  kith_blind_key_free(&join);
}

static void test_digests(void **state)
{
  struct kith_match_digest a;
  struct kith_match_digest b;

  (void)state;
  assert_true(kith_match_digest(&a, (const char *[]){"ab", "c"}, 2));
  assert_true(kith_match_digest(&b, (const char *[]){"a", "bc"}, 2));
  assert_memory_not_equal(&a, &b, sizeof a);
  assert_true(kith_match_digest(&b, (const char *[]){"ab", "c"}, 2));
  assert_memory_equal(&a, &b, sizeof a);
  assert_false(kith_match_digest(&b, (const char *[]){"ab", ""}, 2));
  assert_false(kith_match_digest(&b, (const char *[]){NULL, "c"}, 2));
}

static void test_tokens(void **state)
{
  struct kith_blind_key key = key_of("secret", "a", "b");
  struct kith_blind_key third = key_of("secret", "a", "c");
  struct kith_match_digest digest;
  uint8_t tokens[6][KITH_TOKEN_BYTES];

  (void)state;
  assert_true(kith_match_digest(&digest, (const char *[]){"x"}, 1));
  kith_token(tokens[0], &key, 0, &digest, 0, 0);
  kith_token(tokens[1], &key, 1, &digest, 0, 0);
  kith_token(tokens[2], &key, 0, &digest, 1, 0);
  kith_token(tokens[3], &key, 0, &digest, 0, 1);
  kith_token(tokens[4], &third, 0, &digest, 0, 0);
  digest.bytes[15] ^= 1;
  kith_token(tokens[5], &key, 0, &digest, 0, 0);
  for (unsigned i = 0; i < 6; i++)
    for (unsigned k = 0; k < i; k++)
      assert_memory_not_equal(tokens[i], tokens[k], KITH_TOKEN_BYTES);
  kith_blind_key_free(&key);
  kith_blind_key_free(&third);
}

/* ---- permutation */

static unsigned weight_of(const uint8_t *bytes, size_t n)
{
  unsigned weight = 0;

  for (size_t i = 0; i < n; i++)
    weight += (unsigned)__builtin_popcount(bytes[i]);
  return weight;
}

/* Element by element: what each riffle does to the order, and that it all is one stable sort by the
 * label bits that each element met on its way. */
static void sort_by_labels(uint8_t *string, unsigned bits, const uint8_t *labels)
{
  uint64_t label[128] = {0};
  unsigned order[128];
  unsigned next[128];
  uint8_t out[16] = {0};

  for (unsigned b = 0; b < bits; b++)
    order[b] = b;
  for (unsigned t = 0; t < KITH_RIFFLES; t++) {
    unsigned n = 0;

    for (unsigned value = 0; value < 2; value++)
      for (unsigned b = 0; b < bits; b++)
        if ((labels[t * (bits / 8) + b / 8] >> b % 8 & 1) == value) {
          label[order[b]] |= (uint64_t)value << t;
          next[n++] = order[b];
        }
    memcpy(order, next, sizeof order);
  }
  for (unsigned i = 1; i < bits; i++)
    assert_true(label[order[i - 1]] < label[order[i]] ||
                (label[order[i - 1]] == label[order[i]] && order[i - 1] < order[i]));
  for (unsigned i = 0; i < bits; i++)
    out[i / 8] |= (uint8_t)((string[order[i] / 8] >> order[i] % 8 & 1) << i % 8);
  memcpy(string, out, bits / 8);
}

static void test_permutation_variants(void **state)
{
  uint8_t labels[KITH_RIFFLES * 16];

  (void)state;
  for (unsigned i = 0; i < N_BITS; i++)
    for (unsigned run = 0; run < 400; run++) {
      unsigned bytes = all_bits[i] / 8;
      uint8_t in[16] = {0};
      uint8_t sorted[16];
      uint8_t plain[16];
      uint8_t quick[16];

      kith_random_bytes(in, bytes);
      kith_random_bytes(labels, sizeof labels);
      if (run < 2) /* all labels equal: nothing moves */
        memset(labels, run ? 0xff : 0, sizeof labels);
      memcpy(sorted, in, 16);
      memcpy(plain, in, 16);
      memcpy(quick, in, 16);
      sort_by_labels(sorted, all_bits[i], labels);
      kith_permute_plain(plain, all_bits[i], labels);
      assert_memory_equal(plain, sorted, 16);
      assert_int_equal(weight_of(plain, 16), weight_of(in, 16));
      if (run < 2)
        assert_memory_equal(plain, in, 16);
      if (kith_permute_extract(quick, all_bits[i], labels))
        assert_memory_equal(quick, plain, 16);
      else if (run == 0 && i == 0)
        print_message("parallel bit extract: skipped, this processor lacks it\n");
    }
}

/* Chi-square of where the strings of 8 bits with 3 set go: 56 of them, from one string. 99.9999%
 * of fair permutations are below 55 + 4.75 * sqrt(110) + 15. */
static void test_permutation_is_uniform(void **state)
{
  enum { RUNS = 56000 };
  unsigned seen[256] = {0};
  double chi = 0;

  (void)state;
  for (unsigned run = 0; run < RUNS; run++) {
    uint8_t labels[KITH_RIFFLES];
    uint8_t string = 0x07;

    kith_random_bytes(labels, sizeof labels);
    kith_permute(&string, 8, labels);
    seen[string]++;
  }
  for (unsigned s = 0; s < 256; s++) {
    if (__builtin_popcount(s) == 3)
      chi += (seen[s] - RUNS / 56.0) * (seen[s] - RUNS / 56.0) / (RUNS / 56.0);
    else
      assert_int_equal(seen[s], 0);
  }
  assert_true(chi < 55 + 4.75 * sqrt(110) + 15);
  assert_true(chi > 10);
}

/* Of 128 bits: each position, and each pair of neighbours, set as often as chance says. */
static void test_permutation_of_long_strings(void **state)
{
  enum { RUNS = 20000, WEIGHT = 32 };
  unsigned one[128] = {0};
  unsigned two[128] = {0};
  double expected_one = RUNS * (double)WEIGHT / 128;
  double expected_two = RUNS * (double)WEIGHT * (WEIGHT - 1) / (128 * 127.0);
  double chi_one = 0;
  double chi_two = 0;

  (void)state;
  for (unsigned run = 0; run < RUNS; run++) {
    uint8_t labels[KITH_RIFFLES * 16];
    uint8_t s[16] = {0xff, 0xff, 0xff, 0xff};

    kith_random_bytes(labels, sizeof labels);
    kith_permute(s, 128, labels);
    for (unsigned b = 0; b < 128; b++) {
      unsigned next = (b + 1) % 128;
      unsigned set = s[b / 8] >> b % 8 & 1;

      one[b] += set;
      two[b] += set & (s[next / 8] >> next % 8);
    }
  }
  for (unsigned b = 0; b < 128; b++) {
    chi_one += (one[b] - expected_one) * (one[b] - expected_one) / expected_one;
    chi_two += (two[b] - expected_two) * (two[b] - expected_two) / expected_two;
  }
  assert_true(chi_one < 127 + 5 * sqrt(254) + 20);
  assert_true(chi_two < 127 + 6 * sqrt(254) + 20);
}

/* ---- signatures */

static unsigned grams_of(uint32_t *seeds, const struct kith_blind_key *key, const char *value,
                         unsigned q)
{
  struct kith_gram grams[KITH_GRAMS_MAX];
  char room[128];
  unsigned n = kith_grams_add(grams, 0, room, value, q);

  for (unsigned i = 0; i < n; i++)
    seeds[i] = kith_gram_seed(key, 1, &grams[i]);
  return n;
}

static void test_grams(void **state)
{
  struct kith_gram grams[KITH_GRAMS_MAX];
  char room[600];

  (void)state;
  assert_int_equal(kith_grams_add(grams, 0, room, "", 2), 0);
  assert_int_equal(kith_grams_add(grams, 0, room, "a", 2), 2);
  assert_memory_equal(grams[0].bytes, " a", 2);
  assert_memory_equal(grams[1].bytes, "a ", 2);
  assert_int_equal(kith_grams_add(grams, 0, room, "a", 1), 1);
  assert_int_equal(kith_grams_add(grams, 0, room, "abc", 0), 1);
  assert_int_equal(grams[0].len, 3);
  /* code points, not bytes: two letters of Greek, one of Chinese */
  assert_int_equal(kith_grams_add(grams, 0, room, "\xce\xb1\xce\xb2", 2), 3);
  assert_int_equal(grams[1].len, 4);
  assert_int_equal(kith_grams_add(grams, 0, room, "\xe7\x8e\x8b", 2), 2);
  assert_int_equal(grams[0].len, 4);
}

/* The definition, said plainly (docs/blind.md, 3). */
static uint32_t plain_mix(uint32_t x)
{
  x = (x ^ x >> 16) * 0x7feb352du;
  x = (x ^ x >> 15) * 0x846ca68bu;
  return x ^ x >> 16;
}

static void test_signatures_as_defined(void **state)
{
  (void)state;
  for (unsigned run = 0; run < 200; run++) {
    unsigned bits = all_bits[run % N_BITS];
    unsigned n = 1 + run % 9;
    uint32_t seeds[9];
    uint8_t out[16] = {0};
    uint8_t quick[16];

    kith_random_bytes(seeds, sizeof seeds);
    kith_signature_plain(out, bits, seeds, n);
    memcpy(quick, out, sizeof quick);
    if (kith_signature_lanes(quick, bits, seeds, n))
      assert_memory_equal(quick, out, sizeof quick);
    else if (run == 0)
      print_message("signatures in lanes: skipped, this processor lacks AVX2\n");
    for (unsigned b = 0; b < 128; b++) {
      uint32_t least = UINT32_MAX;

      for (unsigned g = 0; g < n; g++) {
        uint32_t value = plain_mix(seeds[g] ^ plain_mix(b + 1));

        least = value < least ? value : least;
      }
      assert_int_equal(out[b / 8] >> b % 8 & 1, b < bits ? least & 1 : 0);
    }
  }
}

static void test_signatures_estimate_jaccard(void **state)
{
  struct kith_blind_key key = key_of("secret", "a", "b");
  unsigned differ = 0;
  unsigned disjoint = 0;
  enum { RUNS = 200 };

  (void)state;
  for (unsigned run = 0; run < RUNS; run++) {
    char a[32];
    char b[32];
    char c[32];
    uint32_t seeds[3][KITH_GRAMS_MAX];
    uint8_t s[4][16];
    unsigned n[3];

    /* 4 of 10 grams in common: J = 0.4 */
    for (unsigned i = 0; i < 7; i++) {
      snprintf(a, sizeof a, "a%u.%u", run, i);
      snprintf(b, sizeof b, "%c%u.%u", i < 4 ? 'a' : 'b', run, i);
      snprintf(c, sizeof c, "c%u.%u", run, i);
      n[0] = grams_of(&seeds[0][i], &key, a, 0);
      n[1] = grams_of(&seeds[1][i], &key, b, 0);
      n[2] = grams_of(&seeds[2][i], &key, c, 0);
      assert_true(n[0] == 1 && n[1] == 1 && n[2] == 1);
    }
    for (unsigned i = 0; i < 3; i++)
      kith_signature(s[i], 128, seeds[i], 7);
    kith_signature(s[3], 128, seeds[0], 7);
    assert_memory_equal(s[0], s[3], 16);
    for (unsigned i = 0; i < 16; i++) {
      differ += (unsigned)__builtin_popcount(s[0][i] ^ s[1][i]);
      disjoint += (unsigned)__builtin_popcount(s[0][i] ^ s[2][i]);
    }
  }
  /* 25,600 bits, 0.3 and 0.5 of them */
  assert_true(fabs(differ / (RUNS * 128.0) - 0.3) < 0.02);
  assert_true(fabs(disjoint / (RUNS * 128.0) - 0.5) < 0.02);
  kith_blind_key_free(&key);
}

/* ---- rows */

static struct kith_blind_layout layout_of(void)
{
  struct kith_blind_layout layout = {
      .n_fields = 6, .bits = {64, 64, 128, 8, 32, 16}, .n_keys = 8, .occurrences = 1};

  assert_true(kith_blind_layout_make(&layout));
  assert_int_equal(layout.row_bytes, 12 + 39 + 2 + 16);
  return layout;
}

static void test_layouts(void **state)
{
  struct kith_blind_layout layout = layout_of();

  (void)state;
  layout.bits[2] = 24;
  assert_false(kith_blind_layout_make(&layout));
  layout.bits[2] = 64;
  layout.occurrences = 5;
  assert_false(kith_blind_layout_make(&layout));
  layout.occurrences = 1;
  layout.n_keys = 0;
  assert_false(kith_blind_layout_make(&layout));
  layout.n_keys = 17;
  assert_false(kith_blind_layout_make(&layout));
  layout.n_keys = 1;
  layout.n_fields = 0;
  assert_false(kith_blind_layout_make(&layout));
}

struct side {
  uint8_t signatures[64];
  struct kith_mask_record record;
  uint8_t row[KITH_BLIND_ROW_BYTES_MAX];
};

static void side_make(struct side *side, struct kith_masker *masker, const uint8_t *token,
                      bool high)
{
  memcpy(side->row, token, KITH_TOKEN_BYTES);
  side->record.signatures = side->signatures;
  assert_int_equal(kith_mask_row(masker, side->row, &side->record, high), KITH_OK);
}

static unsigned digit_of(const uint8_t *digits, unsigned f)
{
  unsigned value = digits[f / 5];

  for (unsigned i = 0; i < f % 5; i++)
    value /= 3;
  return value % 3;
}

/* Two rows of one token give the distances of the unmasked signatures, how many lack a field, and
 * both handles; another token, or another key, gives nothing of it. */
static void test_rows_open(void **state)
{
  struct kith_blind_layout layout = layout_of();
  struct kith_blind_key key = key_of("secret", "a", "b");
  struct kith_blind_key third = key_of("secret", "a", "c");
  struct kith_masker *masker = NULL;
  struct kith_masker *stranger = NULL;

  (void)state;
  assert_int_equal(kith_masker_new(&masker, &key, &layout), KITH_OK);
  assert_int_equal(kith_masker_new(&stranger, &third, &layout), KITH_OK);
  for (unsigned run = 0; run < 500; run++) {
    struct side lo;
    struct side hi;
    struct side other;
    uint8_t token[KITH_TOKEN_BYTES];
    size_t at = 0;

    kith_random_bytes(token, sizeof token);
    kith_random_bytes(lo.signatures, sizeof lo.signatures);
    kith_random_bytes(hi.signatures, sizeof hi.signatures);
    lo.record = (struct kith_mask_record){NULL, (uint16_t)(run & 63), 7, run + 1};
    hi.record =
        (struct kith_mask_record){NULL, (uint16_t)(run >> 3 & 63), 7, 0xfedcba98765432 - run};
    side_make(&lo, masker, token, false);
    side_make(&hi, masker, token, true);
    for (unsigned f = 0; f < layout.n_fields; f++) {
      unsigned plain = 0;
      unsigned masked = 0;

      for (size_t i = at; i < at + layout.bits[f] / 8; i++) {
        plain += (unsigned)__builtin_popcount(lo.signatures[i] ^ hi.signatures[i]);
        masked +=
            (unsigned)__builtin_popcount(lo.row[layout.blocks + i] ^ hi.row[layout.blocks + i]);
      }
      at += layout.bits[f] / 8;
      assert_int_equal(plain, masked);
      assert_int_equal((digit_of(lo.row + layout.digits, f) + digit_of(hi.row + layout.digits, f)) %
                           3,
                       (lo.record.missing >> f & 1) + (hi.record.missing >> f & 1));
    }
    for (unsigned i = 0; i < 16; i++)
      lo.row[layout.openings + i] ^= hi.row[layout.openings + i];
    assert_int_equal(lo.row[layout.openings], 7);
    assert_int_equal(kith_get_le(lo.row + layout.openings + 1, 7), run + 1);
    assert_int_equal(kith_get_le(lo.row + layout.openings + 9, 7), 0xfedcba98765432 - run);
    other = hi;
    side_make(&other, stranger, token, true);
    assert_memory_not_equal(other.row + layout.blocks, hi.row + layout.blocks, layout.block_bytes);
    assert_memory_not_equal(other.row + layout.openings, hi.row + layout.openings, 16);
  }
  kith_masker_free(masker);
  kith_masker_free(stranger);
  kith_blind_key_free(&key);
  kith_blind_key_free(&third);
}

/* Rows of one record under many tokens: each bit of block and openings set in half of them, digits
 * in thirds, though the record is all zeros. */
static void test_rows_are_noise(void **state)
{
  enum { RUNS = 20000 };
  struct kith_blind_layout layout = layout_of();
  struct kith_blind_key key = key_of("secret", "a", "b");
  struct kith_masker *masker = NULL;
  unsigned set[KITH_BLIND_ROW_BYTES_MAX * 8] = {0};
  unsigned digits[8][3] = {{0}};

  (void)state;
  assert_int_equal(kith_masker_new(&masker, &key, &layout), KITH_OK);
  for (unsigned run = 0; run < RUNS; run++) {
    struct side side = {.record = {.handle = 0}};
    uint8_t token[KITH_TOKEN_BYTES] = {0};

    memcpy(token, &run, sizeof run);
    side_make(&side, masker, token, run % 2);
    for (size_t b = 0; b < layout.row_bytes * 8; b++)
      set[b] += side.row[b / 8] >> b % 8 & 1;
    for (unsigned f = 0; f < layout.n_fields; f++)
      digits[f][digit_of(side.row + layout.digits, f)]++;
  }
  for (size_t b = layout.blocks * 8; b < layout.row_bytes * 8; b++)
    if (b / 8 < layout.digits || b / 8 >= layout.openings)
      assert_true(fabs(set[b] - RUNS / 2.0) < 6 * sqrt(RUNS / 4.0));
  for (unsigned f = 0; f < layout.n_fields; f++)
    for (unsigned d = 0; d < 3; d++)
      assert_true(fabs(digits[f][d] - RUNS / 3.0) < 6 * sqrt(RUNS * 2 / 9.0));
  kith_masker_free(masker);
  kith_blind_key_free(&key);
}

static void test_out_of_memory(void **state)
{
  struct kith_blind_layout layout = layout_of();
  struct kith_blind_key key = key_of("secret", "a", "b");

  (void)state;
  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_masker *masker = NULL;
    enum kith_err err = kith_masker_new(&masker, &key, &layout);

    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_null(masker);
    kith_masker_free(masker);
  }
  kith_blind_key_free(&key);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pair_keys),
      cmocka_unit_test(test_digests),
      cmocka_unit_test(test_tokens),
      cmocka_unit_test(test_permutation_variants),
      cmocka_unit_test(test_permutation_is_uniform),
      cmocka_unit_test(test_permutation_of_long_strings),
      cmocka_unit_test(test_grams),
      cmocka_unit_test(test_signatures_as_defined),
      cmocka_unit_test(test_signatures_estimate_jaccard),
      cmocka_unit_test(test_layouts),
      cmocka_unit_test(test_rows_open),
      cmocka_unit_test(test_rows_are_noise),
      cmocka_unit_test(test_out_of_memory),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
