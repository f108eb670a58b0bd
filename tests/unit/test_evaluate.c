/* Counting of pairs and clusters against cases worked out by hand, and strings to numbers. */
#include "tests/unit/unit.h"

#include "cli/evaluate/evaluation.h"
#include "cli/evaluate/evaluation_cohort.h"
#include "cli/intern.h"

enum { NONE = -1 };

#define RECORD(party, entity, group, cluster)                                                      \
  {                                                                                                \
    party, entity, (uint32_t)(group), (uint32_t)(cluster)                                          \
  }

static void expect(const struct kith_tally *tally, uint64_t n_true, uint64_t n_linked,
                   uint64_t n_correct)
{
  assert_int_equal(tally->n[KITH_TALLY_TRUE], n_true);
  assert_int_equal(tally->n[KITH_TALLY_LINKED], n_linked);
  assert_int_equal(tally->n[KITH_TALLY_CORRECT], n_correct);
}

static void expect_near(double value, double wanted)
{
  assert_true(value > wanted - 1e-12 && value < wanted + 1e-12);
}

/* Three parties; person 0 has records 0, 1 (the same party), 2, 3; person 1 has 4, 5; person 2
 * has 6. Found: {0, 2}, {1}, {3, 4, 5}; record 6 is not in the linkage. */
static const struct kith_evaluation_record people[] = {
    RECORD(0, 0, 0, 0), RECORD(0, 0, 0, 1), RECORD(1, 0, 1, 0),    RECORD(2, 0, 0, 2),
    RECORD(0, 1, 1, 2), RECORD(1, 1, 1, 2), RECORD(2, 2, 2, NONE),
};

static void test_by_hand(void **state)
{
  (void)state;
  struct kith_evaluation_pair linked[] = {{2, 0}, {3, 4}, {3, 5}, {5, 4}, {0, 2}, {4, 4}};
  const struct kith_evaluation_input input = {people, 7, 3, 3, 3, linked, 6};
  struct kith_evaluation got;

  assert_int_equal(kith_evaluation_run(&got, &input), KITH_OK);
  /* True across: 0-2, 0-3, 1-2, 1-3, 2-3, 4-5. Linked: 0-2, 3-4, 3-5, 4-5, each once. */
  expect(&got.pairs, 6, 4, 2);
  expect(&got.within, 1, 0, 0); /* 0-1 */
  expect(&got.party_pairs[0 * 3 + 1], 3, 2, 2);
  expect(&got.party_pairs[0 * 3 + 2], 2, 1, 0);
  expect(&got.party_pairs[1 * 3 + 2], 1, 1, 0);
  /* Group 0: records 0, 1, 3. Group 1: 2, 4, 5. A pair of both counts in both, of one once. */
  expect(&got.groups[0], 5, 3, 1);
  expect(&got.groups[1], 4, 4, 2);
  expect(&got.groups[2], 0, 0, 0);
  expect(&got.exact, 3, 3, 0);
  expect(&got.exact_several, 2, 2, 0);
  assert_int_equal(got.n_found, 6);
  /* Precision: {0,2} 1 each, {1} 1, {3,4,5} 1/3 + 2/3 + 2/3. Recall: 2/4 twice, 1/4, 1/4, 1, 1. */
  expect_near(got.bcubed_precision, 2 + 1 + 5.0 / 3);
  expect_near(got.bcubed_recall, 1 + 0.25 + 0.25 + 2);
  kith_evaluation_free(&got);
}

static void test_one_party(void **state)
{
  (void)state;
  static const struct kith_evaluation_record records[] = {
      RECORD(0, 0, NONE, 0), RECORD(0, 0, NONE, 0), RECORD(0, 1, NONE, 1), RECORD(0, 1, NONE, 2)};
  struct kith_evaluation_pair linked[] = {{0, 1}};
  const struct kith_evaluation_input input = {records, 4, 1, 2, 0, linked, 1};
  struct kith_evaluation got;

  assert_int_equal(kith_evaluation_run(&got, &input), KITH_OK);
  expect(&got.pairs, 2, 1, 1);
  expect(&got.within, 2, 1, 1);
  expect(&got.exact, 2, 3, 1);
  expect(&got.exact_several, 2, 1, 1);
  kith_evaluation_free(&got);
}

static void test_nothing(void **state)
{
  (void)state;
  const struct kith_evaluation_input input = {0};
  struct kith_evaluation got;

  assert_int_equal(kith_evaluation_run(&got, &input), KITH_OK);
  expect(&got.pairs, 0, 0, 0);
  expect(&got.exact, 0, 0, 0);
  kith_evaluation_free(&got);
  assert_true(kith_evaluation_share(0, 0) < 0);
  assert_true(kith_evaluation_f1(-1, 1) < 0);
  assert_true(kith_evaluation_f1(0, 0) < 0);
  expect_near(kith_evaluation_f1(1, 0.5), 2.0 / 3);
}

/* Every pair counted one by one, on small random partitions. */
static void test_against_counting(void **state)
{
  (void)state;
  const char *text = getenv("KITH_TEST_SEED");
  unsigned seed = text ? (unsigned)strtoul(text, NULL, 10) : 20261123;

  print_message("seed %u\n", seed);
  for (int round = 0; round < 200; round++) {
    struct kith_evaluation_record records[30];
    struct kith_evaluation_pair linked[435];
    uint64_t n_true = 0;
    uint64_t n_correct = 0;
    size_t n = 0;
    struct kith_evaluation got;

    for (int i = 0; i < 30; i++)
      records[i] = (struct kith_evaluation_record){
          (uint32_t)rand_r(&seed) % 4, (uint32_t)rand_r(&seed) % 9, (uint32_t)rand_r(&seed) % 2,
          (uint32_t)rand_r(&seed) % 12};
    for (uint32_t i = 0; i < 30; i++)
      for (uint32_t k = i + 1; k < 30; k++) {
        bool together = records[i].cluster == records[k].cluster;
        bool across = records[i].party != records[k].party;

        n_true += across && records[i].entity == records[k].entity;
        n_correct += across && together && records[i].entity == records[k].entity;
        if (together && across)
          linked[n++] = (struct kith_evaluation_pair){k, i};
      }
    const struct kith_evaluation_input input = {records, 30, 4, 9, 2, linked, n};
    assert_int_equal(kith_evaluation_run(&got, &input), KITH_OK);
    expect(&got.pairs, n_true, n, n_correct);
    kith_evaluation_free(&got);
  }
}

static void test_no_memory(void **state)
{
  (void)state;
  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_evaluation_pair linked[] = {{0, 2}};
    const struct kith_evaluation_input input = {people, 7, 3, 3, 3, linked, 1};
    struct kith_evaluation got;

    if (kith_evaluation_run(&got, &input) == KITH_OK) {
      kith_evaluation_free(&got);
      unit_allocations_done();
    } else {
      assert_null(got.party_pairs);
    }
  }
}

static void test_intern(void **state)
{
  (void)state;
  struct kith_intern intern = {0};
  char text[16];
  uint32_t number = 0;

  assert_int_equal(kith_intern_find(&intern, "a"), KITH_INTERN_NONE);
  for (uint32_t round = 0; round < 2; round++)
    for (uint32_t i = 0; i < 5000; i++) {
      snprintf(text, sizeof text, "%u", i * 7);
      assert_int_equal(kith_intern_add(&intern, &number, text), KITH_OK);
      assert_int_equal(number, i);
    }
  assert_int_equal(intern.n, 5000);
  assert_string_equal(kith_intern_at(&intern, 3), "21");
  assert_int_equal(kith_intern_find(&intern, "35"), 5);
  assert_int_equal(kith_intern_find(&intern, "36"), KITH_INTERN_NONE);
  assert_int_equal(kith_intern_add(&intern, &number, ""), KITH_OK);
  assert_int_equal(number, 5000);
  kith_intern_free(&intern);
}

/* Two of three parties. Person 0: parties 0, 1; person 1: 0, 1, 2; person 2: 0; person 3: 1, 2, on
 * the list twice; person 4: 0, 2, with no entry. */
static void test_list_by_hand(void **state)
{
  static const struct kith_evaluation_record records[] = {
      RECORD(0, 0, 0, NONE), RECORD(1, 0, 0, NONE), RECORD(0, 1, 1, NONE), RECORD(1, 1, 1, NONE),
      RECORD(2, 1, 1, NONE), RECORD(0, 2, 0, NONE), RECORD(1, 3, 0, NONE), RECORD(2, 3, 0, NONE),
      RECORD(0, 4, 1, NONE), RECORD(2, 4, 1, NONE), RECORD(1, 5, 1, NONE)};
  /* 0: person 0; 1: person 1 with the record of person 2; 2 and 3: person 3; 4: person 5. */
  static const uint32_t entries[] = {
      0, 0, 1, 1, 1, 1, 2, 3, KITH_EVALUATION_NONE, KITH_EVALUATION_NONE, 4};
  static const uint8_t at_least_two[8] = {0, 0, 0, 1, 0, 1, 1, 1};
  const struct kith_evaluation_cohort_input input = {records, entries, 11, 3,
                                                     6,       2,       5,  at_least_two};
  struct kith_evaluation_cohort got;

  (void)state;
  assert_int_equal(kith_evaluation_cohort_run(&got, &input), KITH_OK);
  assert_int_equal(got.all.listed, 5);
  assert_int_equal(got.all.wrong, 2); /* the second of person 3, and person 5 */
  assert_int_equal(got.all.repeated, 1);
  assert_int_equal(got.all.mixed, 1);
  assert_int_equal(got.all.belong, 4);
  assert_int_equal(got.all.missed, 1);
  assert_int_equal(got.services[2].listed, 1);
  assert_int_equal(got.services[2].missed, 1);
  assert_int_equal(got.services[3].belong, 1);
  assert_int_equal(got.services[1].listed, 3);
  assert_int_equal(got.pairs[0 * 3 + 2].missed, 1);
  assert_int_equal(got.pairs[0 * 3 + 1].listed, 2);
  /* Group 0: person 0, the mixed entry (person 2's record), both of person 3. */
  assert_int_equal(got.groups[0].listed, 4);
  assert_int_equal(got.groups[0].belong, 2);
  assert_int_equal(got.groups[0].wrong, 1);
  assert_int_equal(got.groups[1].listed, 2);
  assert_int_equal(got.groups[1].wrong, 1);
  assert_int_equal(got.groups[1].missed, 1);
  kith_evaluation_cohort_free(&got);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_by_hand),          cmocka_unit_test(test_list_by_hand),
      cmocka_unit_test(test_one_party),        cmocka_unit_test(test_nothing),
      cmocka_unit_test(test_against_counting), cmocka_unit_test(test_no_memory),
      cmocka_unit_test(test_intern),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
