/* What rows' neighbours, third records, and comparisons that could show nothing say. */
#include <math.h>

#include "tests/unit/unit.h"

#include "base/mem.h"
#include "matcher/linkage/coverage.h"
#include "matcher/linkage/crowd.h"
#include "matcher/linkage/further.h"

enum { ROWS = 60, UNIT = 1000, POPULAR = 5 };

static const int32_t even[KITH_CLASSES] = {0};

/* Rows below POPULAR have each other and ten others just below an even chance; the others nobody,
 * but for a match each. Rows are numbered from `first` on, around. */
static size_t make_pairs(struct kith_linkage_pair *pairs, uint32_t first)
{
  size_t n = 0;

  for (uint32_t i = 0; i < POPULAR; i++)
    for (uint32_t k = 0; k < 10; k++)
      pairs[n++] = (struct kith_linkage_pair){.row_a = (first + i) % ROWS,
                                              .row_b = (first + 10 + i * 10 + k) % ROWS,
                                              .weight = -200 - (int32_t)k};
  for (uint32_t i = 0; i < ROWS / 2; i++)
    pairs[n++] = (struct kith_linkage_pair){.row_a = (first + i) % ROWS,
                                            .row_b = (first + ROWS - 1 - i) % ROWS,
                                            .weight = 6 * UNIT,
                                            .probability = KITH_PPM};
  return n;
}

static void crowds(void **state)
{
  struct kith_encodings rows = {.n = ROWS};
  const struct kith_encodings *parties[] = {&rows};
  const struct kith_linkage_input input = {.n_parties = 1, .parties = parties};
  struct kith_linkage_pair pairs[POPULAR * 10 + ROWS];
  struct kith_crowd crowd = {0};
  int32_t less[ROWS];

  (void)state;
  assert_int_equal(kith_crowd_learn(&crowd, &input, pairs, make_pairs(pairs, 0), even, UNIT, true),
                   KITH_OK);
  for (uint32_t i = 0; i < ROWS; i++)
    less[i] = crowd.less[0][i];
  for (uint32_t i = POPULAR; i < ROWS; i++)
    assert_true(less[0] > 0 && less[0] > less[i]);
  assert_true(less[POPULAR] < 0); /* nobody near it */
  assert_int_equal(kith_crowd_of(&crowd, &(struct kith_linkage_pair){.row_a = 0, .row_b = POPULAR}),
                   less[0] + less[POPULAR]);
  /* The order of rows tells nothing. */
  assert_int_equal(kith_crowd_learn(&crowd, &input, pairs, make_pairs(pairs, 17), even, UNIT, true),
                   KITH_OK);
  for (uint32_t i = 0; i < ROWS; i++)
    assert_int_equal(crowd.less[0][(17 + i) % ROWS], less[i]);
  /* Having none is nothing to gain by where rows lack fields. */
  assert_int_equal(kith_crowd_learn(&crowd, &input, pairs, make_pairs(pairs, 0), even, UNIT, false),
                   KITH_OK);
  assert_int_equal(crowd.less[0][0], less[0]);
  assert_int_equal(crowd.less[0][POPULAR], 0);
  /* Where nobody has neighbours, nothing is taken off. */
  assert_int_equal(kith_crowd_learn(&crowd, &input, pairs, 0, even, UNIT, true), KITH_OK);
  for (uint32_t i = 0; i < ROWS; i++)
    assert_int_equal(crowd.less[0][i], 0);
  kith_crowd_free(&crowd);
  assert_int_equal(kith_crowd_of(&crowd, &pairs[0]), 0);
}

static void third_records(void **state)
{
  struct kith_encodings rows = {.n = 100};
  const struct kith_encodings *parties[] = {&rows};
  const struct kith_linkage_input input = {.n_parties = 1, .parties = parties};
  struct kith_linkage_pair pairs[30];
  double odds;
  size_t n = 0;

  (void)state;
  /* Twenty records in pairs, and a third one that is like one of two only. */
  for (uint32_t i = 0; i < 10; i++)
    pairs[n++] =
        (struct kith_linkage_pair){.row_a = 2 * i, .row_b = 2 * i + 1, .probability = KITH_PPM};
  pairs[n++] = (struct kith_linkage_pair){.row_a = 0, .row_b = 50, .probability = KITH_PPM};
  assert_int_equal(kith_further_log(&odds, &input, pairs, n, KITH_PPM * 9 / 10), KITH_OK);
  assert_true(fabs(odds - log(1 / 21.0 / 0.21)) < 1e-12);
  /* It is like both: a person of three. One such among twenty-one, three of them: seen as often. */
  pairs[n++] = (struct kith_linkage_pair){.row_a = 1, .row_b = 50, .probability = KITH_PPM};
  assert_int_equal(kith_further_log(&odds, &input, pairs, n, KITH_PPM * 9 / 10), KITH_OK);
  assert_true(fabs(odds - log(4 / 21.0 / 0.21)) < 1e-12);
  /* Where people have many records, a further one is no surprise. */
  n = 0;
  for (uint32_t i = 0; i < 6; i++)
    for (uint32_t k = i + 1; k < 6; k++)
      pairs[n++] = (struct kith_linkage_pair){.row_a = i, .row_b = k, .probability = KITH_PPM};
  assert_int_equal(kith_further_log(&odds, &input, pairs, n, KITH_PPM * 9 / 10), KITH_OK);
  assert_true(odds == 0);
  assert_int_equal(kith_further_log(&odds, &input, pairs, 0, KITH_PPM * 9 / 10), KITH_OK);
  assert_true(odds == 0);
}

/* Two parties of 10 records; a field 0 that all have, and a field 1 that half of each lack; one
 * record of each is too sparse besides. */
static void covered(void **state)
{
  uint16_t masks[11] = {3, 3, 3, 3, 3, 1, 1, 1, 1, 1, 0};
  uint8_t filters[11] = {0};
  struct kith_encodings rows = {
      .n = 11, .bits = 8, .row_bytes = 1, .stride = 1, .filters = filters, .masks = masks};
  const struct kith_encodings *parties[] = {&rows, &rows};
  const uint64_t sparse[] = {1, 1};
  struct kith_linkage_input input = {.n_parties = 2, .parties = parties, .sparse = sparse};
  struct kith_classes classes = {.input = &input, .masked = true};
  struct kith_linkage_pair pairs[5];
  struct kith_coverage coverage;

  (void)state;
  classes.shares = KITH_NEW_ARRAY(uint8_t, KITH_MASKS);
  classes.shares[3] = 1; /* both fields on both sides; less is not enough */
  for (uint32_t i = 0; i < KITH_COUNT_OF(pairs); i++)
    pairs[i] =
        (struct kith_linkage_pair){.row_a = i, .row_b = i, .party_b = 1, .probability = KITH_PPM};
  pairs[4].probability = 1; /* not plausible */
  assert_int_equal(
      kith_coverage_of(&coverage, &classes, pairs, KITH_COUNT_OF(pairs), KITH_PPM / 10), KITH_OK);
  /* 25 of 11 x 11 comparisons could show a match. */
  assert_true(fabs(coverage.eligible - 121 / 25.0) < 1e-12);
  assert_true(fabs(coverage.complete - 4 * 121 / 25.0) < 1e-12);
  /* Two classes: one field is enough, but only both are nearly all. */
  classes.shares[1] = 2;
  assert_int_equal(
      kith_coverage_of(&coverage, &classes, pairs, KITH_COUNT_OF(pairs), KITH_PPM / 10), KITH_OK);
  assert_true(fabs(coverage.eligible - 1.21) < 1e-12);
  assert_true(fabs(coverage.complete - 4 * 121 / 25.0) < 1e-12);
  /* Nothing was found: nothing is known. */
  assert_int_equal(kith_coverage_of(&coverage, &classes, pairs, 0, KITH_PPM / 10), KITH_OK);
  assert_true(coverage.eligible == 0 && coverage.complete == 0);
  kith_free(classes.shares);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(crowds),
      cmocka_unit_test(third_records),
      cmocka_unit_test(covered),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
