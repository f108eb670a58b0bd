/* What bits are worth: against the formula, written plainly; and what must not matter. */
#include <math.h>

#include "tests/unit/unit.h"

#include "base/mem.h"
#include "matcher/linkage/weights.h"

enum { BITS = 72, ROWS = 400, PAIRS = ROWS }; /* a length that is no multiple of 64 */

static uint64_t seed;

static unsigned below(unsigned n)
{
  uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return (unsigned)((z ^ (z >> 31)) % n);
}

static bool bit_of(const struct kith_encodings *enc, size_t row, unsigned bit)
{
  return kith_encodings_row(enc, row)[bit / 8] >> (7 - bit % 8) & 1;
}

static void set_bit(struct kith_encodings *enc, size_t row, unsigned bit)
{
  kith_encodings_row(enc, row)[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
}

/* Row i of b is row i of a; bits below BITS / 2 are kept, of the others half are drawn anew. */
static void make(struct kith_encodings *a, struct kith_encodings *b)
{
  assert_int_equal(kith_encodings_alloc(a, ROWS, BITS, false), KITH_OK);
  assert_int_equal(kith_encodings_alloc(b, ROWS, BITS, false), KITH_OK);
  for (size_t row = 0; row < ROWS; row++)
    for (unsigned bit = 0; bit < BITS; bit++) {
      bool set = below(3) == 0;

      if (set)
        set_bit(a, row, bit);
      if (bit >= BITS / 2 && below(2))
        set = below(3) == 0;
      if (set)
        set_bit(b, row, bit);
    }
}

static bool all(const void *context, const struct kith_linkage_pair *pair)
{
  (void)context;
  (void)pair;
  return true;
}

static bool none(const void *context, const struct kith_linkage_pair *pair)
{
  return !all(context, pair);
}

static double share(double value)
{
  return value > 1e-4 ? value : 1e-4;
}

/* The header's formula, with 300 pairs that keep 85 of 100 bits beside those counted. */
static double plain(const struct kith_encodings *a, const struct kith_encodings *b, bool learnt,
                    size_t row_a, size_t row_b)
{
  double sum = 0;

  for (unsigned bit = 0; bit < BITS; bit++) {
    double set = 0, both = 0, n = learnt ? PAIRS : 0;

    for (size_t i = 0; i < ROWS; i++) {
      set += bit_of(a, i, bit) + bit_of(b, i, bit);
      both += learnt && bit_of(a, i, bit) && bit_of(b, i, bit);
    }
    double u1 = set / (2 * ROWS);
    double m11 = (both + 300 * u1 * (0.85 + 0.15 * u1)) / (n + 300);
    double m1 = ((learnt ? set / 2 : 0) + 300 * u1) / (n + 300);
    bool in_a = bit_of(a, row_a, bit);
    bool in_b = bit_of(b, row_b, bit);

    if (in_a && in_b)
      sum += log(share(m11) / share(u1 * u1));
    else if (in_a || in_b)
      sum += log(share(m1 - m11) / share(u1 * (1 - u1)));
    else
      sum += log(share(1 - 2 * m1 + m11) / share((1 - u1) * (1 - u1)));
  }
  return sum;
}

struct fixture {
  struct kith_encodings a, b;
  const struct kith_encodings *parties[2];
  struct kith_linkage_input input;
  struct kith_linkage_pair pairs[PAIRS];
};

static void fixture_make(struct fixture *at)
{
  const char *text = getenv("KITH_TEST_SEED");

  memset(at, 0, sizeof *at);
  seed = text ? strtoull(text, NULL, 10) : 20261123;
  print_message("seed %llu\n", (unsigned long long)seed);
  make(&at->a, &at->b);
  at->parties[0] = &at->a;
  at->parties[1] = &at->b;
  at->input = (struct kith_linkage_input){.n_parties = 2, .parties = at->parties};
  for (uint32_t i = 0; i < PAIRS; i++)
    at->pairs[i] = (struct kith_linkage_pair){.row_a = i, .row_b = i, .party_b = 1};
}

static void fixture_free(struct fixture *at)
{
  kith_encodings_free(&at->a);
  kith_encodings_free(&at->b);
}

static int32_t weight(const struct kith_weights *weights, const struct fixture *at, size_t row_a,
                      size_t row_b)
{
  return kith_weights_of(weights, kith_encodings_row(&at->a, row_a),
                         kith_encodings_row(&at->b, row_b));
}

static void formula(void **state)
{
  static struct fixture at;
  struct kith_weights weights = {0};

  (void)state;
  fixture_make(&at);
  for (unsigned learnt = 0; learnt < 2; learnt++) {
    assert_int_equal(
        kith_weights_learn(&weights, &at.input, at.pairs, PAIRS, learnt ? all : none, NULL),
        KITH_OK);
    for (unsigned i = 0; i < 200; i++) {
      size_t row_a = below(ROWS);
      size_t row_b = i % 2 ? row_a : below(ROWS);
      double want = plain(&at.a, &at.b, learnt, row_a, row_b);
      double got = (double)weight(&weights, &at, row_a, row_b) / KITH_WEIGHT_UNIT;

      /* Three numbers a bit are rounded to a unit. */
      assert_true(fabs(want - got) < 3.0 * BITS / KITH_WEIGHT_UNIT);
    }
  }
  kith_weights_free(&weights);
  fixture_free(&at);
}

/* A pair that differs in bits which matches keep is worth less than one that differs in as many
 * which they don't. */
static void kept_bits_say_more(void **state)
{
  static struct fixture at;
  struct kith_weights weights = {0};
  uint8_t row[BITS / 8];
  uint8_t firm[BITS / 8];
  uint8_t loose[BITS / 8];

  (void)state;
  fixture_make(&at);
  assert_int_equal(kith_weights_learn(&weights, &at.input, at.pairs, PAIRS, all, NULL), KITH_OK);
  memset(row, 0, sizeof row);
  memset(firm, 0, sizeof firm);
  memset(loose, 0, sizeof loose);
  firm[0] = 0xf0;
  loose[BITS / 8 - 1] = 0xf0;
  assert_true(kith_weights_of(&weights, row, firm) < kith_weights_of(&weights, row, loose));
  assert_true(kith_weights_of(&weights, row, loose) < kith_weights_of(&weights, row, row));
  assert_int_equal(kith_weights_of(&weights, firm, row), kith_weights_of(&weights, row, firm));
  kith_weights_free(&weights);
  fixture_free(&at);
}

/* Neither the order of pairs nor that of parties shows. */
static void no_order(void **state)
{
  static struct fixture at;
  static struct kith_linkage_pair turned[PAIRS];
  struct kith_weights weights = {0};
  struct kith_weights other = {0};

  (void)state;
  fixture_make(&at);
  assert_int_equal(kith_weights_learn(&weights, &at.input, at.pairs, PAIRS, all, NULL), KITH_OK);
  at.parties[0] = &at.b;
  at.parties[1] = &at.a;
  for (unsigned i = 0; i < PAIRS; i++)
    turned[i] = at.pairs[PAIRS - 1 - i];
  assert_int_equal(kith_weights_learn(&other, &at.input, turned, PAIRS, all, NULL), KITH_OK);
  for (unsigned i = 0; i < 100; i++) {
    size_t row_a = below(ROWS);
    size_t row_b = below(ROWS);

    assert_int_equal(weight(&weights, &at, row_a, row_b), weight(&other, &at, row_a, row_b));
  }
  kith_weights_free(&weights);
  kith_weights_free(&other);
  fixture_free(&at);
}

/* Rows without a bit are no rows: sources pad with them. */
static void empty_rows(void **state)
{
  static struct fixture at;
  struct kith_encodings nothing;
  struct kith_weights weights = {0};
  struct kith_weights other = {0};
  const struct kith_encodings *parties[3];

  (void)state;
  fixture_make(&at);
  kith_encodings_init(&nothing);
  assert_int_equal(kith_encodings_alloc(&nothing, 100, BITS, false), KITH_OK);
  parties[0] = &at.a;
  parties[1] = &at.b;
  parties[2] = &nothing;
  assert_int_equal(kith_weights_learn(&weights, &at.input, at.pairs, PAIRS, all, NULL), KITH_OK);
  at.input = (struct kith_linkage_input){.n_parties = 3, .parties = parties};
  assert_int_equal(kith_weights_learn(&other, &at.input, at.pairs, PAIRS, all, NULL), KITH_OK);
  assert_int_equal(weight(&weights, &at, 3, 5), weight(&other, &at, 3, 5));
  kith_weights_free(&weights);
  kith_weights_free(&other);
  kith_encodings_free(&nothing);
  fixture_free(&at);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(formula),
      cmocka_unit_test(kept_bits_say_more),
      cmocka_unit_test(no_order),
      cmocka_unit_test(empty_rows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
