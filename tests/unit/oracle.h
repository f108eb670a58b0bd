/* The engine's oracle: pairs counted bit by bit, and the formulas as the documents give them.
 * Randomness and rows made to be hard, for the tests that compare the engine with it. */
#ifndef KITH_TESTS_UNIT_ORACLE_H
#define KITH_TESTS_UNIT_ORACLE_H

#include "tests/unit/unit.h"

#include <stdbool.h>

#include "base/mem.h"
#include "matcher/engine/engine.h"

/* ---- randomness: splitmix64 */

static uint64_t seed;

static inline uint64_t next_random(void)
{
  uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static inline unsigned below(unsigned n)
{
  return (unsigned)(next_random() % n);
}

/* Prints the seed, and takes one from KITH_TEST_SEED. */
static inline void start_random(void)
{
  const char *given = getenv("KITH_TEST_SEED");
  seed = given ? strtoull(given, NULL, 0) : 20261123;
  printf("seed %llu\n", (unsigned long long)seed);
}

/* ---- rows */

static inline void set_bit(uint8_t *row, unsigned bit, bool on)
{
  uint8_t mask = (uint8_t)(0x80u >> bit % 8);
  row[bit / 8] = (uint8_t)(on ? row[bit / 8] | mask : row[bit / 8] & ~mask);
}

static inline bool get_bit(const uint8_t *row, unsigned bit)
{
  return row[bit / 8] >> (7 - bit % 8) & 1;
}

/* Empty and full rows, copies of rows before, copies but for some bits, and rows of many fills. */
static inline void fill_row(struct kith_encodings *enc, size_t row,
                            const struct kith_encodings *like)
{
  uint8_t *bits = kith_encodings_row(enc, row);
  unsigned kind = below(10);
  if (kind == 0)
    return;
  if (kind <= 5 && like->n > 0) {
    size_t from = below((unsigned)like->n);
    memcpy(bits, kith_encodings_row(like, from), enc->row_bytes);
    unsigned flips = kind == 1 ? 0 : kind == 2 ? 1 : below(enc->bits / 4 + 1);
    for (unsigned i = 0; i < flips; i++) {
      unsigned bit = below(enc->bits);
      set_bit(bits, bit, !get_bit(bits, bit));
    }
    return;
  }
  unsigned fill = kind == 6 ? 100 : kind == 7 ? 1 : 10 + below(60);
  for (unsigned bit = 0; bit < enc->bits; bit++)
    set_bit(bits, bit, below(100) < fill);
}

static inline void make_party(struct kith_encodings *enc, size_t n, unsigned bits, bool masks,
                              const struct kith_encodings *like)
{
  kith_encodings_init(enc);
  assert_int_equal(kith_encodings_alloc(enc, n, bits, masks), KITH_OK);
  if (masks) {
    enc->n_fields = 4;
    for (unsigned f = 0; f < 4; f++)
      enc->field_weights[f] = like && like->masks ? like->field_weights[f] : 1 + below(200);
    if (!like && below(2))
      enc->field_weights[3] = 0;
  }
  for (size_t i = 0; i < n; i++) {
    fill_row(enc, i, like ? like : enc);
    if (masks)
      enc->masks[i] = (uint16_t)(below(3) ? 15 : below(16));
  }
}

/* ---- the oracle: bit by bit, and the formulas as the documents give them */

struct oracle_pair {
  unsigned party_a, party_b;
  uint32_t row_a, row_b;
  uint32_t common, count_a, count_b;
};

static inline unsigned __int128 mask_weight(const struct kith_encodings *enc, unsigned mask)
{
  unsigned __int128 sum = 0;
  for (unsigned f = 0; f < 16; f++)
    sum += mask & 1u << f ? enc->field_weights[f] : 0;
  return sum;
}

static inline bool oracle_in(const struct kith_engine_options *options,
                             const struct kith_encodings *a, const struct kith_encodings *b,
                             const struct oracle_pair *pair)
{
  const unsigned __int128 n = options->bound.numerator;
  const unsigned __int128 d = options->bound.denominator;
  const unsigned __int128 c = pair->common;
  const unsigned __int128 sum = (unsigned __int128)pair->count_a + pair->count_b;
  if (sum == 0)
    return false;
  if (options->similarity == KITH_SIMILARITY_DICE)
    return 2 * c * d >= n * sum;
  if (options->similarity == KITH_SIMILARITY_JACCARD)
    return c * d >= n * (sum - c);
  if (options->similarity == KITH_SIMILARITY_HAMMING)
    return (a->bits - (sum - 2 * c)) * d >= n * a->bits;
  unsigned mask_a = a->masks[pair->row_a];
  unsigned mask_b = b->masks[pair->row_b];
  unsigned __int128 wa = mask_weight(a, mask_a);
  unsigned __int128 wb = mask_weight(a, mask_b);
  unsigned __int128 wm = mask_weight(a, mask_a & mask_b);
  if (wm == 0)
    return false;
  return 2 * c * d * wa * wb >= n * wm * (pair->count_a * wb + pair->count_b * wa);
}

static inline struct oracle_pair oracle_count(const struct kith_encodings *a,
                                              const struct kith_encodings *b, size_t i, size_t j)
{
  struct oracle_pair pair = {.row_a = (uint32_t)i, .row_b = (uint32_t)j};
  for (unsigned bit = 0; bit < a->bits; bit++) {
    bool x = get_bit(kith_encodings_row(a, i), bit);
    bool y = get_bit(kith_encodings_row(b, j), bit);
    pair.common += x && y;
    pair.count_a += x;
    pair.count_b += y;
  }
  return pair;
}

/* Pairs in the order of kith_pairs_sort. */
static inline size_t oracle_run(struct oracle_pair **out,
                                const struct kith_encodings *const *parties, unsigned n_parties,
                                const struct kith_engine_options *options)
{
  size_t n = 0;
  size_t cap = 1024;
  struct oracle_pair *pairs = malloc(cap * sizeof *pairs);
  for (unsigned p = 0; p < n_parties; p++)
    for (unsigned q = p; q < n_parties; q++)
      for (size_t i = 0; (p == q ? options->within : options->across) && i < parties[p]->n; i++)
        for (size_t j = p == q ? i + 1 : 0; j < parties[q]->n; j++) {
          struct oracle_pair pair = oracle_count(parties[p], parties[q], i, j);
          pair.party_a = p;
          pair.party_b = q;
          if (!oracle_in(options, parties[p], parties[q], &pair))
            continue;
          if (n == cap) {
            struct oracle_pair *more = realloc(pairs, (cap *= 2) * sizeof *pairs);
            assert_non_null(more);
            pairs = more;
          }
          pairs[n++] = pair;
        }
  *out = pairs;
  return n;
}

static inline void compare(const struct kith_pairs *got, const struct oracle_pair *want, size_t n)
{
  assert_int_equal(got->n, n);
  for (size_t i = 0; i < n; i++) {
    const struct kith_pair *pair = &got->items[i];
    assert_int_equal(pair->party_a, want[i].party_a);
    assert_int_equal(pair->party_b, want[i].party_b);
    assert_int_equal(pair->row_a, want[i].row_a);
    assert_int_equal(pair->row_b, want[i].row_b);
    assert_int_equal(pair->common, want[i].common);
    assert_int_equal(pair->count_a, want[i].count_a);
    assert_int_equal(pair->count_b, want[i].count_b);
  }
}

static inline struct kith_ratio random_bound(void)
{
  static const struct kith_ratio bounds[] = {{1, 1},      {1, 2},   {2, 3},
                                             {999, 1000}, {17, 20}, {1, 1000000000},
                                             {3, 10},     {7, 10},  {999999999, 1000000000}};
  if (below(2))
    return bounds[below(KITH_COUNT_OF(bounds))];
  unsigned d = 1 + below(1000);
  return (struct kith_ratio){1 + below(d), d};
}

#endif
