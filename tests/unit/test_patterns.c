/* Rare patterns of missing fields: none is left, nothing is gained, and only counts decide. */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "daemon/pipeline/patterns.h"

enum { RECORDS_MAX = 2000 };

static const char agencies[][KITH_MEMBER_ID_BYTES] = {"police", "health"};

static struct kith_policy policy;
static uint64_t seed;

static unsigned chance(unsigned n)
{
  seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
  return (unsigned)(seed >> 33) % n;
}

/* What each of n records goes with. */
static void coarsen(uint16_t *out, const uint16_t *masks, unsigned n)
{
  static bool kept[RECORDS_MAX];
  struct kith_patterns *patterns = NULL;
  uint64_t coarsened = 0;
  uint64_t lost = 0;

  assert_int_equal(kith_patterns_new(&patterns, &policy), KITH_OK);
  for (unsigned i = 0; i < n; i++)
    kept[i] = kith_patterns_add(patterns, masks[i]);
  kith_patterns_plan(patterns);
  for (unsigned i = 0; i < n; i++) {
    out[i] = kept[i] ? kith_patterns_take(patterns, masks[i]) : masks[i];
    assert_int_equal(out[i] & ~masks[i], 0);
    coarsened += out[i] != masks[i] && out[i] != 0;
    lost += out[i] == 0 && masks[i] != 0;
  }
  assert_int_equal(kith_patterns_coarsened(patterns), coarsened);
  assert_int_equal(kith_patterns_lost(patterns), lost);
  kith_patterns_free(patterns);
}

static unsigned count(const uint16_t *masks, unsigned n, uint16_t mask)
{
  unsigned found = 0;

  for (unsigned i = 0; i < n; i++)
    found += masks[i] == mask;
  return found;
}

static int default_policy(void **state)
{
  (void)state;
  kith_policy_default(&policy, agencies, 2);
  return 0;
}

/* Fields: given_name, surname, names, name_forms, date_of_birth, sex, postcode. */
enum { ALL = 0x7f, NO_SEX = 0x5f, NO_POSTCODE = 0x3f, NO_BOTH = 0x1f, NO_BIRTH = 0x6f };

static void company(void **state)
{
  uint16_t masks[30];
  uint16_t out[30];

  (void)state;
  for (unsigned i = 0; i < 30; i++)
    masks[i] = i < 18 ? ALL : NO_POSTCODE;
  masks[20] = masks[21] = NO_BOTH;
  coarsen(out, masks, 30);
  /* Three that have no postcode lose the sex: less than what others would lose. */
  assert_int_equal(count(out, 30, ALL), 18);
  assert_int_equal(count(out, 30, NO_POSTCODE), 7);
  assert_int_equal(count(out, 30, NO_BOTH), 5);
  for (unsigned i = 18; i < 30; i++)
    assert_int_equal(out[i], i < 23 ? NO_BOTH : NO_POSTCODE);
}

/* A pattern of one record goes to a common one that has a field less. */
static void meets_a_common_one(void **state)
{
  uint16_t masks[20];
  uint16_t out[20];

  (void)state;
  for (unsigned i = 0; i < 20; i++)
    masks[i] = NO_POSTCODE;
  masks[7] = ALL;
  coarsen(out, masks, 20);
  assert_int_equal(count(out, 20, NO_POSTCODE), 20);
}

/* Without a date and a postcode nobody is told apart: dropped, rather than made so. */
static void keeps_the_evidence(void **state)
{
  uint16_t masks[8] = {ALL, ALL, ALL, ALL, ALL, ALL, NO_BIRTH, NO_POSTCODE};
  uint16_t out[8];

  (void)state;
  coarsen(out, masks, 8);
  assert_int_equal(count(out, 8, ALL), 6);
  assert_int_equal(out[6], 0);
  assert_int_equal(out[7], 0);
}

static void too_few_stay(void **state)
{
  uint16_t masks[4] = {ALL, NO_SEX, NO_BIRTH, NO_POSTCODE};
  uint16_t out[4];

  (void)state;
  coarsen(out, masks, 4);
  assert_memory_equal(out, masks, sizeof out);
  policy.mask_minimum = 1;
  coarsen(out, masks, 4);
  assert_memory_equal(out, masks, sizeof out);
}

static void any_counts(void **state)
{
  static uint16_t masks[RECORDS_MAX];
  static uint16_t out[RECORDS_MAX];
  static uint16_t other[RECORDS_MAX];
  static uint16_t again[RECORDS_MAX];

  (void)state;
  for (unsigned round = 0; round < 60; round++) {
    unsigned n = 20 + chance(RECORDS_MAX - 20);
    unsigned fields = 7;

    seed = round;
    kith_policy_default(&policy, agencies, 2);
    if (round % 3 == 2) {
      kith_policy_add_address_filter(&policy);
      fields = 9;
    }
    policy.mask_minimum = 2 + chance(19);
    for (unsigned i = 0; i < n; i++) {
      masks[i] = (uint16_t)((1u << fields) - 1);
      for (unsigned f = 0; f < fields; f++)
        if (chance(4 + round % 20) == 0)
          masks[i] = (uint16_t)(masks[i] & ~(1u << f));
    }
    coarsen(out, masks, n);
    for (unsigned i = 0; i < n; i++)
      if (out[i] && count(out, n, out[i]) < policy.mask_minimum)
        fail_msg("round %u: %u records have the pattern %x", round, count(out, n, out[i]), out[i]);
    /* In another order each pattern comes to the same. */
    for (unsigned i = 0; i < n; i++)
      other[i] = masks[n - 1 - i];
    coarsen(again, other, n);
    for (unsigned mask = 0; mask < 1u << fields; mask++)
      assert_int_equal(count(out, n, (uint16_t)mask), count(again, n, (uint16_t)mask));
  }
}

static void memory_runs_out(void **state)
{
  (void)state;
  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_patterns *patterns = NULL;
    enum kith_err err = kith_patterns_new(&patterns, &policy);

    kith_patterns_free(patterns);
    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_int_equal(err, KITH_ERR_MEMORY);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup(company, default_policy),
                                     cmocka_unit_test_setup(meets_a_common_one, default_policy),
                                     cmocka_unit_test_setup(keeps_the_evidence, default_policy),
                                     cmocka_unit_test_setup(too_few_stay, default_policy),
                                     cmocka_unit_test_setup(any_counts, default_policy),
                                     cmocka_unit_test_setup(memory_runs_out, default_policy)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
