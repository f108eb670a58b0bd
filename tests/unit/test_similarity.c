/* The similarity formulas: rounding, and the line that the engine compares with. */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "matcher/engine/similarity.h"

static uint64_t seed;

static unsigned below(unsigned n)
{
  uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return (unsigned)((z ^ (z >> 31)) % n);
}

static struct kith_ratio random_bound(void)
{
  static const struct kith_ratio bounds[] = {{1, 1},      {1, 2},   {2, 3},
                                             {999, 1000}, {17, 20}, {1, 1000000000},
                                             {3, 10},     {7, 10},  {999999999, 1000000000}};
  if (below(2))
    return bounds[below(KITH_COUNT_OF(bounds))];
  unsigned d = 1 + below(1000);
  return (struct kith_ratio){1 + below(d), d};
}

static void test_millionths(void **state)
{
  (void)state;
  static const struct {
    struct kith_fraction fraction;
    uint32_t want;
  } cases[] = {
      {{0, 1}, 0},       {{1, 1}, 1000000},
      {{1, 3}, 333333},  {{2, 3}, 666667},
      {{1, 2000000}, 0}, {{3, 2000000}, 2},
      {{5, 2000000}, 2}, {{1999999, 2000000}, 1000000},
      {{7, 2000000}, 4}, {{UINT64_C(1) << 56, (UINT64_C(1) << 57) + 1}, 500000},
  };
  for (size_t i = 0; i < KITH_COUNT_OF(cases); i++)
    assert_int_equal(kith_fraction_millionths(cases[i].fraction), cases[i].want);
}

/* The line that the scan compares with is never above the least c that reaches the bound, and
 * so close below it that the scan loses nothing. */
static void test_line(void **state)
{
  (void)state;
  for (unsigned round = 0; round < 20000; round++) {
    struct kith_similarity similarity = {.kind = (enum kith_similarity_kind)below(4), .bits = 300};
    unsigned weight_max = below(2) ? 100 : 262000;
    for (unsigned f = 0; f < 4; f++)
      similarity.field_weights[f] = below(weight_max);
    struct kith_similarity_pattern pattern =
        kith_similarity_pattern(&similarity, (uint16_t)below(16), (uint16_t)below(16));
    struct kith_ratio bound = random_bound();
    struct kith_similarity_line line = kith_similarity_line(&pattern, bound);
    uint32_t a = 1 + below(300);
    uint32_t b = 1 + below(300);
    uint32_t most = a < b ? a : b;
    uint32_t fewest = a + b > 300 ? a + b - 300 : 0; /* so many must meet */
    uint32_t least = fewest;
    while (least <= most &&
           !kith_fraction_reaches(kith_similarity_fraction(&pattern, least, a, b), bound))
      least++;
    uint32_t got = kith_similarity_line_at(&line, a, b);
    if (least > most) {
      assert_true(line.never || got + 1 > most);
      continue;
    }
    assert_false(line.never);
    assert_true(got <= least);
    assert_true(got + 1 >= least || least == fewest);
  }
}

static void test_names(void **state)
{
  (void)state;
  enum kith_similarity_kind kind;
  for (unsigned k = 0; k < 4; k++) {
    const char *name = kith_similarity_name((enum kith_similarity_kind)k);
    assert_int_equal(kith_similarity_parse(&kind, name, NULL), KITH_OK);
    assert_int_equal(kind, k);
  }
  static const char *const bad[] = {"", "Dice", "dice ", "cosine", "unknown"};
  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++)
    assert_int_equal(kith_similarity_parse(&kind, bad[i], NULL), KITH_ERR_USAGE);
}

int main(void)
{
  const char *given = getenv("KITH_TEST_SEED");
  seed = given ? strtoull(given, NULL, 0) : 20261123;
  printf("seed %llu\n", (unsigned long long)seed);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_millionths),
      cmocka_unit_test(test_line),
      cmocka_unit_test(test_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
