/* The engine on data made to break it: families of rows that are equal, empty, full, one bit apart,
 * nested, disjoint, independent or all alike, at lengths that fit no word, with bounds that pairs
 * of the data meet exactly or miss by a hair. Each bound that a method drops pairs by is tested
 * alone, and each method with each kernel against the oracle. */
#include "tests/unit/oracle.h"

#include "matcher/engine/order.h"
#include "matcher/engine/pigeon.h"
#include "matcher/engine/sketch.h"

/* ---- families */

enum family {
  EQUAL,
  EMPTY,
  FULL,
  ONE_APART,   /* each row is the one before with one bit changed */
  NESTED,      /* each row has all bits of the one before and one more */
  DISJOINT,    /* no two rows share a bit */
  INDEPENDENT, /* each bit is set or not, whatever the others are */
  ALIKE,       /* at most two bits from a common row */
  EXTREMES,    /* empty, full, and rows of one bit or all bits but one */
  MIXED,
  N_FAMILIES
};

static const char *const family_names[N_FAMILIES] = {
    "equal",    "empty",       "full",  "one apart", "nested",
    "disjoint", "independent", "alike", "extremes",  "mixed",
};

static void flip(uint8_t *row, unsigned bit)
{
  set_bit(row, bit, !get_bit(row, bit));
}

static void set_all(uint8_t *row, unsigned bits, bool on)
{
  for (unsigned bit = 0; bit < bits; bit++)
    set_bit(row, bit, on);
}

/* `common`: a row of the family, the same for all parties. */
static void fill_family_row(struct kith_encodings *enc, size_t i, enum family family,
                            const uint8_t *common)
{
  uint8_t *row = kith_encodings_row(enc, i);
  const unsigned bits = enc->bits;
  switch (family) {
  case EMPTY:
    return;
  case FULL:
    set_all(row, bits, true);
    return;
  case EQUAL:
    memcpy(row, common, enc->row_bytes);
    return;
  case ONE_APART:
    memcpy(row, i ? kith_encodings_row(enc, i - 1) : common, enc->row_bytes);
    flip(row, below(bits));
    return;
  case NESTED:
    for (unsigned bit = 0; bit <= i * bits / enc->n && bit < bits; bit++)
      set_bit(row, bit, true);
    return;
  case DISJOINT:
    for (unsigned bit = (unsigned)i; bit < bits; bit += (unsigned)enc->n)
      set_bit(row, bit, true);
    return;
  case INDEPENDENT:
    for (unsigned bit = 0; bit < bits; bit++)
      set_bit(row, bit, below(2));
    return;
  case ALIKE:
    memcpy(row, common, enc->row_bytes);
    for (unsigned n = below(3); n > 0; n--)
      flip(row, below(bits));
    return;
  case EXTREMES:
    set_all(row, bits, i % 4 < 2);
    if (i % 2)
      flip(row, below(bits));
    return;
  case MIXED:
  default:
    fill_row(enc, i, enc);
  }
}

static void make_family(struct kith_encodings *parties, unsigned n_parties, size_t n, unsigned bits,
                        enum family family)
{
  uint8_t *common = test_calloc((bits + 7) / 8, 1);
  for (unsigned bit = 0; bit < bits; bit++)
    set_bit(common, bit, below(100) < 40);
  for (unsigned p = 0; p < n_parties; p++) {
    struct kith_encodings *enc = &parties[p];
    kith_encodings_init(enc);
    assert_int_equal(kith_encodings_alloc(enc, n + p, bits, true), KITH_OK);
    enc->n_fields = 3;
    for (unsigned f = 0; f < enc->n_fields; f++)
      enc->field_weights[f] = 3 + f;
    for (size_t i = 0; i < enc->n; i++) {
      fill_family_row(enc, i, family, common);
      enc->masks[i] = (uint16_t)(below(3) ? 7 : below(8));
    }
  }
  test_free(common);
}

static void free_family(struct kith_encodings *parties, unsigned n_parties)
{
  for (unsigned p = 0; p < n_parties; p++)
    kith_encodings_free(&parties[p]);
}

static struct kith_similarity similarity_of(enum kith_similarity_kind kind,
                                            const struct kith_encodings *enc)
{
  struct kith_similarity similarity = {.kind = kind, .bits = enc->bits};
  memcpy(similarity.field_weights, enc->field_weights, sizeof similarity.field_weights);
  return similarity;
}

/* A bound that a pair of the data meets exactly, or that it misses by less than any other pair
 * could; sometimes any bound. */
static struct kith_ratio hard_bound(const struct kith_encodings *a, const struct kith_encodings *b,
                                    enum kith_similarity_kind kind)
{
  const struct kith_similarity similarity = similarity_of(kind, a);
  for (unsigned attempt = 0; attempt < 20 && below(8); attempt++) {
    const size_t i = below((unsigned)a->n);
    const size_t j = below((unsigned)b->n);
    const struct oracle_pair pair = oracle_count(a, b, i, j);
    const struct kith_similarity_pattern pattern =
        kith_similarity_pattern(&similarity, a->masks[i], b->masks[j]);
    const struct kith_fraction own =
        kith_similarity_fraction(&pattern, pair.common, pair.count_a, pair.count_b);
    const uint64_t times = 1000000000 / own.denominator;
    if (own.numerator == 0 || times == 0)
      continue;
    const bool above = own.numerator < own.denominator && below(2);
    return (struct kith_ratio){(uint32_t)(own.numerator * times + above),
                               (uint32_t)(own.denominator * times)};
  }
  return random_bound();
}

/* ---- the engine, each way, against the oracle */

static void check_run(const struct kith_encodings *const *parties, unsigned n_parties,
                      const struct kith_engine_options *options, const struct oracle_pair *want,
                      size_t n)
{
  struct kith_pairs pairs = {0};
  assert_int_equal(kith_engine_run(parties, n_parties, options, kith_pairs_sink, &pairs, NULL),
                   KITH_OK);
  kith_pairs_sort(&pairs);
  compare(&pairs, want, n);
  kith_pairs_free(&pairs);
}

/* Brute force with each kernel; the other methods with each where learning is quick, else with one
 * of them in turn. */
static void check_ways(const struct kith_encodings *const *parties, unsigned n_parties,
                       struct kith_engine_options *options)
{
  static unsigned turn;
  struct oracle_pair *want = NULL;
  const size_t n = oracle_run(&want, parties, n_parties, options);
  const bool quick = parties[0]->bits <= 130;
  bool usable = false;
  turn++;
  for (size_t k = 0; (options->kernel = kith_engine_kernel_name(k, &usable)); k++) {
    if (!usable)
      continue;
    options->n_threads = 1 + below(4);
    options->method = KITH_ENGINE_BRUTE;
    check_run(parties, n_parties, options, want, n);
    if (!quick && (turn + k) % 8)
      continue;
    options->sketch_groups = below(4) ? 4 + below(60) : 0;
    options->method = KITH_ENGINE_SKETCH;
    check_run(parties, n_parties, options, want, n);
    options->method = KITH_ENGINE_PIGEONHOLE;
    check_run(parties, n_parties, options, want, n);
  }
  options->kernel = NULL;
  free(want);
}

static const unsigned lengths[] = {64, 65, 100, 127, 128, 250, 511, 512, 513, 1000, 1024, 1025};

/* With KITH_TEST_QUICK, for emulated processors, each family at a third of the lengths. */
static void test_families(void **state)
{
  (void)state;
  const size_t step = getenv("KITH_TEST_QUICK") ? 3 : 1;
  for (int family = 0; family < N_FAMILIES; family++)
    for (size_t l = (size_t)family % step; l < KITH_COUNT_OF(lengths); l += step) {
      struct kith_encodings parties[2];
      const struct kith_encodings *list[2] = {&parties[0], &parties[1]};
      make_family(parties, 2, 14 + below(40), lengths[l], (enum family)family);
      for (unsigned kind = 0; kind < 4; kind++) {
        struct kith_engine_options options;
        kith_engine_options_init(&options);
        options.similarity = (enum kith_similarity_kind)kind;
        options.bound = hard_bound(&parties[0], &parties[below(2)], options.similarity);
        options.within = below(2);
        options.across = !options.within || below(2);
        check_ways(list, 2, &options);
      }
      free_family(parties, 2);
    }
}

/* Long rows, which are compared by brute force alone. */
static void test_long_rows(void **state)
{
  (void)state;
  static const unsigned long_lengths[] = {2047, 2049, 4000, 8191, 8192};
  for (int family = 0; family < N_FAMILIES; family++) {
    struct kith_encodings parties[2];
    const struct kith_encodings *list[2] = {&parties[0], &parties[1]};
    struct kith_engine_options options;
    kith_engine_options_init(&options);
    make_family(parties, 2, 10, long_lengths[family % 5], (enum family)family);
    options.similarity = (enum kith_similarity_kind)below(4);
    options.bound = hard_bound(&parties[0], &parties[1], options.similarity);
    check_ways(list, 2, &options);
    free_family(parties, 2);
  }
}

/* Two to sixteen parties, some without rows. */
static void test_many_parties(void **state)
{
  (void)state;
  for (unsigned n_parties = 2; n_parties <= 16; n_parties++) {
    struct kith_encodings parties[KITH_ENGINE_PARTIES_MAX];
    const struct kith_encodings *list[KITH_ENGINE_PARTIES_MAX];
    struct kith_engine_options options;
    kith_engine_options_init(&options);
    make_family(parties, n_parties, below(3), 100, n_parties % 2 ? MIXED : ALIKE);
    for (unsigned p = 0; p < n_parties; p++)
      list[p] = &parties[p];
    options.similarity = (enum kith_similarity_kind)(n_parties % 4);
    options.bound = hard_bound(&parties[1], &parties[n_parties - 1], options.similarity);
    options.within = below(2);
    check_ways(list, n_parties, &options);
    free_family(parties, n_parties);
  }
}

/* ---- the bounds, alone */

/* A pair of rows as the engine packs them. */
static void pack_row(uint64_t *words, const struct kith_bit_order *order,
                     const struct kith_encodings *enc, size_t row)
{
  const uint32_t rows[1] = {(uint32_t)row};
  kith_bit_order_rows(order, words, enc, rows, 1);
}

enum { WORDS_MAX = 17 };

/* With x and y inverted as the sketch says, |x & y| is c + d_a / 2 + d_b / 2, and at most the sum
 * of the minima of the counts. */
static void check_sketch(const struct kith_sketch *sketch, const struct kith_sketch_table *table,
                         const uint64_t *x, const uint64_t *y)
{
  uint8_t of_x[KITH_SKETCH_GROUPS_MAX];
  uint8_t of_y[KITH_SKETCH_GROUPS_MAX];
  int32_t common = 0, inverted_common = 0, more = 0, least = 0;
  more += kith_sketch_table_row(table, of_x, x);
  more += kith_sketch_table_row(table, of_y, y);
  for (unsigned bit = 0; bit < sketch->n_bits; bit++) {
    const bool in_x = x[bit / 64] >> bit % 64 & 1;
    const bool in_y = y[bit / 64] >> bit % 64 & 1;
    common += in_x && in_y;
    inverted_common += in_x != sketch->inverted[bit] && in_y != sketch->inverted[bit];
    more -= in_x + in_y;
  }
  for (unsigned g = 0; g < sketch->n_groups; g++)
    least += of_x[g] < of_y[g] ? of_x[g] : of_y[g];
  assert_int_equal(2 * inverted_common, 2 * common + more);
  assert_true(inverted_common <= least);
}

static void test_sketch_bound(void **state)
{
  (void)state;
  static const unsigned bits[] = {64, 250, 1000, 1025};
  const struct kith_kernel *kernel = NULL;
  assert_int_equal(kith_kernel_choose(&kernel, NULL, NULL), KITH_OK);
  for (int family = 0; family < N_FAMILIES; family++)
    for (size_t l = 0; l < KITH_COUNT_OF(bits); l++) {
      struct kith_encodings party;
      const struct kith_encodings *list[1] = {&party};
      struct kith_bit_order order;
      struct kith_covariance covariance;
      struct kith_sketch sketch;
      struct kith_sketch_table table;
      make_family(&party, 1, 40, bits[l], (enum family)family);
      const unsigned n_bits = (bits[l] + 63) / 64 * 64;
      const unsigned fewest = n_bits / KITH_SKETCH_GROUP_BITS_MAX + 1;
      kith_bit_order_learn(&order, n_bits, list, 1, 2);
      assert_int_equal(kith_covariance_new(&covariance, list, 1, &order, kernel, 2), KITH_OK);
      assert_int_equal(kith_sketch_learn(&sketch, &covariance, fewest + below(64)), KITH_OK);
      assert_int_equal(kith_sketch_table_new(&table, &sketch), KITH_OK);
      for (size_t i = 0; i < party.n; i++)
        for (size_t j = i; j < party.n; j++) {
          uint64_t x[WORDS_MAX];
          uint64_t y[WORDS_MAX];
          pack_row(x, &order, &party, i);
          pack_row(y, &order, &party, j);
          check_sketch(&sketch, &table, x, y);
        }
      kith_sketch_table_free(&table);
      kith_covariance_free(&covariance);
      kith_encodings_free(&party);
    }
}

static uint32_t apart_in(const uint64_t *x, const uint64_t *y, struct kith_pigeon_span span)
{
  uint32_t n = 0;
  for (uint32_t bit = span.first; bit < span.end; bit++)
    n += (uint32_t)((x[bit / 64] ^ y[bit / 64]) >> bit % 64 & 1);
  return n;
}

/* Rows within the reach agree in full in a part of a group that has fewer differing bits than
 * parts. */
static void check_pigeonhole(const uint64_t *x, const uint64_t *y, uint32_t n_bits, uint32_t reach)
{
  const struct kith_pigeon_cut cut = kith_pigeon_cut(n_bits, reach);
  assert_true(cut.n_groups * cut.n_parts > reach);
  uint32_t at = 0;
  bool met = false;
  for (uint32_t g = 0; g < cut.n_groups; g++) {
    const struct kith_pigeon_span group = kith_pigeon_group(&cut, g);
    assert_int_equal(group.first, at);
    for (uint32_t p = 0; p < cut.n_parts; p++) {
      const struct kith_pigeon_span part = kith_pigeon_part(&cut, g, p);
      assert_int_equal(part.first, at);
      at = part.end;
      met |= apart_in(x, y, group) < cut.n_parts && apart_in(x, y, part) == 0;
    }
    assert_int_equal(group.end, at);
  }
  assert_int_equal(at, n_bits);
  assert_true(met);
}

/* Rows of two strata that reach the bound differ in no more bits than the strata's reach. */
static void check_reach(const struct kith_encodings *enc, enum kith_similarity_kind kind,
                        struct kith_ratio bound)
{
  const uint32_t n_bits = (enc->bits + 63) / 64 * 64;
  const struct kith_task_setting setting = {.similarity = similarity_of(kind, enc), .bound = bound};
  struct kith_bit_order order;
  kith_bit_order_none(&order, n_bits);
  for (size_t i = 0; i < enc->n; i++)
    for (size_t j = i + 1; j < enc->n; j++) {
      const struct oracle_pair pair = oracle_count(enc, enc, i, j);
      const struct kith_engine_options options = {.similarity = kind, .bound = bound};
      if (!oracle_in(&options, enc, enc, &pair))
        continue;
      const uint32_t distance = pair.count_a + pair.count_b - 2 * pair.common;
      const uint16_t mask_a = kind == KITH_SIMILARITY_MASKED ? enc->masks[i] : 0;
      const uint16_t mask_b = kind == KITH_SIMILARITY_MASKED ? enc->masks[j] : 0;
      for (uint32_t more = 0; more < 4; more++) {
        const struct kith_stratum a = {.count_max = pair.count_a + more % 2 * below(9),
                                       .mask = mask_a};
        const struct kith_stratum b = {.count_max = pair.count_b + more / 2 * below(9),
                                       .mask = mask_b};
        const uint32_t reach = kith_pigeon_reach(&setting, &a, &b);
        assert_true(distance <= reach);
        if (reach + 1 > n_bits / KITH_PIGEON_PART_BITS_MIN)
          continue; /* never joined */
        uint64_t x[WORDS_MAX];
        uint64_t y[WORDS_MAX];
        pack_row(x, &order, enc, i);
        pack_row(y, &order, enc, j);
        check_pigeonhole(x, y, n_bits, reach);
      }
    }
}

static void test_pigeonhole_bound(void **state)
{
  (void)state;
  for (int family = 0; family < N_FAMILIES; family++)
    for (size_t l = 0; l < KITH_COUNT_OF(lengths); l++)
      for (unsigned kind = 0; kind < 4; kind++) {
        struct kith_encodings party;
        make_family(&party, 1, 12, lengths[l], (enum family)family);
        check_reach(&party, (enum kith_similarity_kind)kind,
                    hard_bound(&party, &party, (enum kith_similarity_kind)kind));
        kith_encodings_free(&party);
      }
}

/* The planner may take any sketch or cut that its samples suggest: with every method, on every
 * family, the run says what it chose. */
static void note_plan(void *context, const char *plan)
{
  (void)snprintf(context, 256, "%s", plan);
}

static void test_a_plan_for_every_family(void **state)
{
  (void)state;
  static const enum kith_engine_method methods[] = {KITH_ENGINE_AUTO, KITH_ENGINE_BRUTE,
                                                    KITH_ENGINE_SKETCH, KITH_ENGINE_PIGEONHOLE};
  for (int family = 0; family < N_FAMILIES; family++)
    for (size_t m = 0; m < KITH_COUNT_OF(methods); m++) {
      struct kith_encodings parties[2];
      const struct kith_encodings *list[2] = {&parties[0], &parties[1]};
      struct kith_engine_options options;
      struct kith_pairs pairs = {0};
      char plan[256] = "";
      make_family(parties, 2, 20, 256, (enum family)family);
      kith_engine_options_init(&options);
      options.bound = (struct kith_ratio){9, 10};
      options.method = methods[m];
      options.explain = note_plan;
      options.explain_context = plan;
      assert_int_equal(kith_engine_run(list, 2, &options, kith_pairs_sink, &pairs, NULL), KITH_OK);
      if (!plan[0])
        fail_msg("no plan for the family %s", family_names[family]);
      kith_pairs_free(&pairs);
      free_family(parties, 2);
    }
}

int main(void)
{
  start_random();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_families),         cmocka_unit_test(test_long_rows),
      cmocka_unit_test(test_many_parties),     cmocka_unit_test(test_sketch_bound),
      cmocka_unit_test(test_pigeonhole_bound), cmocka_unit_test(test_a_plan_for_every_family),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
