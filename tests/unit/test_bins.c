/* Probabilities from binned counts: pooling, and the tail of non-matches of one party. */
#include <math.h>

#include "tests/unit/unit.h"

#include "matcher/linkage/bins.h"

static void pooling(void **state)
{
  double parts[KITH_BINS] = {0};
  double totals[KITH_BINS] = {0};
  double out[KITH_BINS];

  (void)state;
  parts[10] = 8, totals[10] = 10;
  parts[11] = 2, totals[11] = 10; /* less than the one before: together 0.5 */
  parts[12] = 9, totals[12] = 10;
  parts[150] = 30, totals[150] = 20; /* more than there are */
  kith_bins_make_monotone(out, parts, totals);
  for (unsigned bin = 1; bin < KITH_BINS; bin++)
    assert_true(out[bin] >= out[bin - 1] && out[bin] >= 0 && out[bin] <= 1);
  assert_true(fabs(out[10] - 0.5) < 1e-3 && out[11] == out[10]);
  assert_true(fabs(out[12] - 0.9) < 1e-3);
  assert_true(out[150] == 1 && out[KITH_BINS - 1] == 1);
}

/* False pairs that are expected where none is count against the neighbours: as many pairs as are
 * expected, spread thinly, are no matches. */
static void sparse_pairs(void **state)
{
  uint64_t counts[KITH_BINS] = {0};
  double expected[KITH_BINS];
  double out[KITH_BINS];

  (void)state;
  for (unsigned bin = 0; bin < KITH_BINS; bin++) {
    counts[bin] = bin % 5 == 2;
    expected[bin] = 0.2;
  }
  kith_bins_probabilities(out, counts, expected);
  for (unsigned bin = 0; bin < KITH_BINS - 5; bin++)
    assert_true(out[bin] < 0.5);
}

/* Exponential non-matches up to bin 60, and matches from 80 on. */
static void tail(void **state)
{
  uint64_t counts[KITH_BINS] = {0};
  uint64_t near_bound[KITH_BINS] = {0};
  double expected[KITH_BINS];
  double out[KITH_BINS];

  (void)state;
  for (unsigned bin = 0; bin < KITH_BINS; bin++)
    counts[bin] = (uint64_t)lrint(10000 * exp(-0.12 * bin)) + (bin >= 80 ? 40 : 0);
  kith_bins_extrapolate(expected, counts, near_bound);
  kith_bins_probabilities(out, counts, expected);
  assert_true(out[30] < 0.1 && out[50] < 0.2);
  assert_true(out[82] > 0.8 && out[120] > 0.97);
}

/* A bound that cuts the lower half of each bin off makes pairs rise first. */
static void tail_above_a_bound(void **state)
{
  uint64_t counts[KITH_BINS] = {0};
  uint64_t near_bound[KITH_BINS] = {0};
  double expected[KITH_BINS];
  double out[KITH_BINS];

  (void)state;
  for (unsigned bin = 0; bin < KITH_BINS; bin++) {
    double there = bin < 20 ? exp(-0.3 * (20 - bin)) : 1;

    counts[bin] = (uint64_t)lrint(10000 * exp(-0.12 * bin) * there) + (bin >= 90 ? 40 : 0);
    near_bound[bin] = bin < 22 ? counts[bin] / 2 : 0;
  }
  kith_bins_extrapolate(expected, counts, near_bound);
  kith_bins_probabilities(out, counts, expected);
  for (unsigned bin = 0; bin < 40; bin++)
    assert_true(out[bin] < 0.1);
  assert_true(out[95] > 0.8);
}

/* A long shoulder of false pairs (a name or a date in common), then hardly a pair, then matches:
 * the shoulder is false to its end. */
static void valley(void **state)
{
  uint64_t counts[KITH_BINS] = {0};
  uint64_t near_bound[KITH_BINS] = {0};
  double expected[KITH_BINS];
  double out[KITH_BINS];

  (void)state;
  for (unsigned bin = 0; bin < KITH_BINS; bin++)
    counts[bin] = (uint64_t)lrint(500 * exp(-0.2 * bin)) + (bin < 70 ? 2 : 0) +
                  (bin >= 110 && bin < 190 ? 3 : 0);
  kith_bins_extrapolate(expected, counts, near_bound);
  kith_bins_probabilities(out, counts, expected);
  for (unsigned bin = 0; bin < 60; bin++)
    assert_true(out[bin] < 0.3);
  assert_true(out[120] > 0.9 && out[150] > 0.9);
}

/* Below the first valley there may be as many matches as in it; another valley, between matches of
 * two kinds of errors, says nothing. */
static void valley_among_matches(void **state)
{
  uint64_t counts[KITH_BINS] = {0};
  uint64_t near_bound[KITH_BINS] = {0};
  double expected[KITH_BINS];
  double out[KITH_BINS];

  (void)state;
  for (unsigned bin = 0; bin < KITH_BINS; bin++)
    counts[bin] = (uint64_t)lrint(20000 * exp(-0.15 * bin)) + (bin < 60    ? 5
                                                               : bin < 120 ? 30
                                                               : bin < 135 ? 1
                                                                           : 60);
  kith_bins_extrapolate(expected, counts, near_bound);
  kith_bins_probabilities(out, counts, expected);
  assert_true(out[40] < 0.2);
  for (unsigned bin = 75; bin < KITH_BINS; bin++)
    assert_true(out[bin] > 0.8);
}

/* Matches that are expected far below where they are sure are no more than those just above. */
static void all_matches(void **state)
{
  uint64_t counts[KITH_BINS] = {0};
  uint64_t matches[KITH_BINS] = {0};

  (void)state;
  assert_true(kith_bins_matches(counts, matches) == 0);
  for (unsigned bin = 0; bin < KITH_BINS; bin++) {
    counts[bin] = bin < 100 ? 1000 : 10;
    matches[bin] = bin < 50 ? 100000000 : bin < 100 ? 1000000 : 10000000;
  }
  assert_true(fabs(kith_bins_matches(counts, matches) / 1e6 - (100 * 10 + 100)) < 1e-6);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pooling),     cmocka_unit_test(sparse_pairs),
      cmocka_unit_test(tail),        cmocka_unit_test(tail_above_a_bound),
      cmocka_unit_test(valley),      cmocka_unit_test(valley_among_matches),
      cmocka_unit_test(all_matches),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
