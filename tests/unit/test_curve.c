/* What a threshold does to people: cases worked out by hand, and intervals against made-up truths.
 */
#include "tests/unit/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "matcher/linkage/curve.h"

enum { PARTIES = 3, GROUPS_MAX = 600 };

static const char ids[][KITH_MEMBER_ID_BYTES] = {"police", "health", "education"};
static const char *const names[] = {"police", "health", "education"};
static struct kith_policy policy;

/* ---- clusters: whatever pairs at or above the threshold connect */

struct world {
  size_t rows; /* of each party */
  const struct kith_linkage_pair *pairs;
  size_t n_pairs;
};

static uint32_t root_of(const uint32_t *root, uint32_t node)
{
  while (root[node] != node)
    node = root[node];
  return node;
}

static enum kith_err connect(void *context, struct kith_linkage_result *result, uint32_t threshold)
{
  const struct world *world = context;
  uint32_t root[PARTIES * GROUPS_MAX];
  size_t n = PARTIES * world->rows;

  for (uint32_t i = 0; i < n; i++)
    root[i] = i;
  for (size_t i = 0; i < world->n_pairs; i++) {
    const struct kith_linkage_pair *pair = &world->pairs[i];
    uint32_t a = root_of(root, (uint32_t)(pair->party_a * world->rows) + pair->row_a);
    uint32_t b = root_of(root, (uint32_t)(pair->party_b * world->rows) + pair->row_b);

    if (pair->probability >= threshold)
      root[a > b ? a : b] = a > b ? b : a;
  }
  result->clusters = KITH_NEW_ARRAY(struct kith_cluster, n);
  result->n_clusters = n; /* some are empty: the rule selects none of them */
  for (unsigned p = 0; p < PARTIES; p++) {
    result->cluster_of[p] = KITH_NEW_ARRAY(uint32_t, world->rows);
    for (uint32_t row = 0; row < world->rows; row++) {
      uint32_t cluster = root_of(root, (uint32_t)(p * world->rows) + row);

      result->cluster_of[p][row] = cluster;
      result->clusters[cluster].parties |= 1u << p;
      result->clusters[cluster].n_records++;
    }
  }
  return KITH_OK;
}

static double true_pairs; /* that make() is told of */

static struct kith_people_curve *make(const struct world *world, const char *rule)
{
  struct kith_encodings encodings = {0};
  const struct kith_encodings *parties[] = {&encodings, &encodings, &encodings};
  struct kith_linkage_input input = {
      .n_parties = PARTIES, .parties = parties, .policy = &policy, .names = names};
  struct kith_people_curve *curve = NULL;
  struct kith_fault fault = {0};

  encodings.n = world->rows;
  (void)snprintf(policy.rule, sizeof policy.rule, "%s", rule);
  assert_int_equal(kith_people_curve_make(&curve, &input, world->pairs, world->n_pairs, true_pairs,
                                          connect, (void *)world, &fault),
                   KITH_OK);
  return curve;
}

static void expect_near(double value, double wanted, double within)
{
  if (fabs(value - wanted) > within)
    print_message("%.6f, not %.6f\n", value, wanted);
  assert_true(fabs(value - wanted) <= within);
}

static void expect(const struct kith_people_count *count, uint64_t listed, double wrong,
                   double missed)
{
  assert_int_equal(count->listed, listed);
  expect_near(count->wrong.expected, wrong, 1e-6);
  expect_near(count->missed.expected, missed, 1e-6);
  assert_true(count->wrong.low <= wrong && count->wrong.high >= wrong);
  assert_true(count->missed.low <= missed && count->missed.high >= missed);
}

static int set_up(void **state)
{
  (void)state;
  kith_policy_default(&policy, ids, PARTIES);
  return 0;
}

#define PAIR(p, a, q, b, ppm)                                                                      \
  {                                                                                                \
    .party_a = p, .row_a = a, .party_b = q, .row_b = b, .probability = ppm                         \
  }

/* One person for sure in two services; the third's record is theirs with 0.81. */
static void test_by_hand(void **state)
{
  static const struct kith_linkage_pair pairs[] = {PAIR(0, 0, 1, 0, KITH_PPM),
                                                   PAIR(1, 0, 2, 0, 810000)};
  const struct world world = {1, pairs, 2};
  struct kith_people_curve *curve = make(&world, "at least 3 services");

  (void)state;
  assert_int_equal(curve->points[0].threshold, 500000);
  assert_int_equal(curve->points[KITH_PEOPLE_STEPS - 1].threshold, 990000);
  for (unsigned i = 0; i < KITH_PEOPLE_STEPS; i++) {
    const struct kith_people_point *point = &curve->points[i];
    bool linked = point->threshold <= 810000;

    expect(&point->all, linked, linked ? 0.19 : 0, linked ? 0 : 0.81);
    expect(&point->services[3], linked, linked ? 0.19 : 0, linked ? 0 : 0.81);
    expect(&point->services[2], 0, 0, 0);
    expect(&point->pairs[0][2], linked, linked ? 0.19 : 0, linked ? 0 : 0.81);
  }
  kith_free(curve);
  /* With two services the person belongs either way: a stranger's record is no reason to strike. */
  curve = make(&world, "at least 2 services");
  expect(&curve->points[0].all, 1, 0, 0);
  expect(&curve->points[KITH_PEOPLE_STEPS - 1].all, 1, 0, 0);
  kith_free(curve);
}

/* Four true pairs are expected, and two in sight: for each of the two people that are found there
 * is one that no pair tells of. */
static void test_unseen(void **state)
{
  static const struct kith_linkage_pair pairs[] = {PAIR(0, 0, 1, 0, KITH_PPM),
                                                   PAIR(1, 1, 2, 1, KITH_PPM)};
  const struct world world = {2, pairs, 2};
  struct kith_people_curve *curve;

  (void)state;
  true_pairs = 4;
  curve = make(&world, "at least 2 services");
  true_pairs = 0;
  expect(&curve->points[0].all, 2, 0, 2);
  expect(&curve->points[0].services[2], 2, 0, 2);
  expect(&curve->points[0].pairs[0][1], 1, 0, 1);
  kith_free(curve);
}

/* A pair too unlikely to link at any threshold may yet be a missed person; one even less likely is
 * not counted; nor is one that would put two records of a party together. */
static void test_missed(void **state)
{
  static const struct kith_linkage_pair pairs[] = {
      PAIR(0, 0, 1, 0, 300000), PAIR(0, 1, 1, 1, 90000), PAIR(0, 2, 0, 3, 400000)};
  const struct world world = {4, pairs, 3};
  struct kith_people_curve *curve = make(&world, "at least 2 services");

  (void)state;
  for (unsigned i = 0; i < KITH_PEOPLE_STEPS; i++)
    expect(&curve->points[i].all, 0, 0, 0.3);
  kith_free(curve);
}

/* Two people under one entry: one of them is missed. Two entries of one person: one is too many. */
static void test_one_entry_each(void **state)
{
  static const struct kith_linkage_pair pairs[] = {
      PAIR(0, 0, 1, 0, KITH_PPM), PAIR(0, 1, 1, 1, KITH_PPM), PAIR(1, 0, 0, 1, 600000)};
  const struct world world = {2, pairs, 3};
  struct kith_people_curve *curve = make(&world, "police and health");

  (void)state;
  expect(&curve->points[0].all, 1, 0, 0.4);
  expect(&curve->points[KITH_PEOPLE_STEPS - 1].all, 2, 0.6, 0);
  kith_free(curve);
}

/* Gamma quantiles as any table has them. */
static void test_intervals(void **state)
{
  struct kith_estimate estimate = kith_estimate_of(10, 10);

  (void)state;
  expect_near(estimate.low, 5.425, 0.05);
  expect_near(estimate.high, 15.705, 0.05);
  estimate = kith_estimate_of(100, 25);
  expect_near(estimate.low, 91.9, 0.3);
  expect_near(estimate.high, 108.4, 0.3);
  estimate = kith_estimate_of(0, 0);
  expect_near(estimate.high, 0, 0);
  estimate = kith_estimate_of(0, 4);
  assert_true(estimate.low == 0 && estimate.high > 3);
}

/* Worlds whose truth is drawn from the probabilities themselves: the expected numbers are right on
 * average, and at least nine truths of ten lie within. */
static void test_coverage(void **state)
{
  enum { TRUTHS = 300 };
  static struct kith_linkage_pair pairs[2 * GROUPS_MAX];
  const char *text = getenv("KITH_TEST_SEED");
  unsigned seed = text ? (unsigned)strtoul(text, NULL, 10) : 20261123;
  const struct world world = {GROUPS_MAX, pairs, KITH_COUNT_OF(pairs)};
  struct kith_people_curve *curve;
  const struct kith_people_count *count;
  double sum_wrong = 0;
  unsigned covered = 0;

  (void)state;
  print_message("seed %u\n", seed);
  for (uint32_t i = 0; i < GROUPS_MAX; i++) {
    pairs[2 * i] = (struct kith_linkage_pair)PAIR(0, i, 1, i, KITH_PPM);
    pairs[2 * i + 1] =
        (struct kith_linkage_pair)PAIR(1, i, 2, i, 200000 + (uint32_t)rand_r(&seed) % 800000);
  }
  curve = make(&world, "at least 3 services");
  count = &curve->points[10].all; /* 0.70 */
  for (unsigned truth = 0; truth < TRUTHS; truth++) {
    unsigned wrong = 0;
    unsigned missed = 0;

    for (uint32_t i = 0; i < GROUPS_MAX; i++) {
      uint32_t p = pairs[2 * i + 1].probability;
      bool same = (uint32_t)rand_r(&seed) % KITH_PPM < p;

      wrong += p >= 700000 && !same;
      missed += p < 700000 && same;
    }
    sum_wrong += wrong;
    covered += wrong >= count->wrong.low && wrong <= count->wrong.high &&
               missed >= count->missed.low && missed <= count->missed.high;
  }
  expect_near(sum_wrong / TRUTHS, count->wrong.expected, 2);
  assert_true(covered >= TRUTHS * 9 / 10);
  kith_free(curve);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_by_hand),   cmocka_unit_test(test_unseen),
      cmocka_unit_test(test_missed),    cmocka_unit_test(test_one_entry_each),
      cmocka_unit_test(test_intervals), cmocka_unit_test(test_coverage),
  };

  return cmocka_run_group_tests(tests, set_up, NULL);
}
