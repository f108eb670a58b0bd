/* kith policy tune: shares from likeness, with known answers; filter sizes; too little to learn. */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "cli/policy/tune.h"

enum { PAIRS = 400 };

static const char agencies[][KITH_MEMBER_ID_BYTES] = {"police", "health"};

/* Likeness of n_fields fields in as many pairs of each kind; set by the tests. */
static struct kith_tune *tune_new(unsigned n_fields)
{
  struct kith_tune *tune = KITH_NEW(struct kith_tune);

  kith_policy_default(&tune->policy, agencies, 2);
  tune->policy.n_fields = n_fields;
  for (unsigned kind = 0; kind < KITH_TUNE_KINDS; kind++) {
    tune->n_pairs[kind] = PAIRS;
    tune->likeness[kind] = KITH_NEW_ARRAY(float, PAIRS *n_fields);
  }
  for (unsigned i = 0; i < n_fields; i++)
    tune->fields[i].tokens = 8;
  return tune;
}

static void tune_free(struct kith_tune *tune)
{
  for (unsigned kind = 0; kind < KITH_TUNE_KINDS; kind++)
    kith_free(tune->likeness[kind]);
  kith_free(tune);
}

/* mean + spread or mean - spread; `pattern` says which bit of the pair's number decides, so that
 * fields of other bits are independent of it. */
static void field_set(struct kith_tune *tune, unsigned field, enum kith_tune_kind kind, double mean,
                      double spread, unsigned pattern)
{
  tune->fields[field].mean[kind] = mean;
  for (unsigned i = 0; i < PAIRS; i++)
    tune->likeness[kind][i * tune->policy.n_fields + field] =
        (float)(mean + ((i >> pattern & 1) ? spread : -spread));
}

static void propose(struct kith_tune *tune)
{
  struct kith_fault fault = {0};

  if (kith_tune_propose(tune, &fault) != KITH_OK)
    fail_msg("%s", fault.text);
}

static void near(double value, double expected)
{
  if (value < expected - 0.005 || value > expected + 0.005)
    fail_msg("%g is not %g", value, expected);
}

/* Shares go by difference over variance: 0.7 / (2 x 0.01 + 0.002) to 0.6 / (2 x 0.04 + 0.002). */
static void independent_fields(void **state)
{
  struct kith_tune *tune = tune_new(2);

  (void)state;
  field_set(tune, 0, KITH_TUNE_LIKELY, 0.9, 0.1, 0);
  field_set(tune, 0, KITH_TUNE_RIVAL, 0.2, 0.1, 0);
  field_set(tune, 1, KITH_TUNE_LIKELY, 0.8, 0.2, 1);
  field_set(tune, 1, KITH_TUNE_RIVAL, 0.2, 0.2, 1);
  propose(tune);
  near(tune->fields[0].share, 0.813);
  near(tune->fields[1].share, 0.187);
  tune_free(tune);
}

/* Two fields that always say the same have between them what one alone would have. */
static void fields_that_say_the_same(void **state)
{
  struct kith_tune *tune = tune_new(3);

  (void)state;
  for (unsigned i = 0; i < 3; i++) {
    field_set(tune, i, KITH_TUNE_LIKELY, 0.9, 0.2, i == 2);
    field_set(tune, i, KITH_TUNE_RIVAL, 0.2, 0.2, i == 2);
  }
  propose(tune);
  near(tune->fields[0].share, tune->fields[1].share);
  near(tune->fields[0].share + tune->fields[1].share, 0.506);
  tune_free(tune);
}

/* What parts nothing, or speaks against matches, gets the least there is; the others decide the
 * size. */
static void a_field_of_no_worth(void **state)
{
  struct kith_tune *tune = tune_new(2);

  (void)state;
  field_set(tune, 0, KITH_TUNE_LIKELY, 0.9, 0.1, 0);
  field_set(tune, 0, KITH_TUNE_RIVAL, 0.2, 0.1, 0);
  field_set(tune, 1, KITH_TUNE_LIKELY, 0.5, 0.1, 1);
  field_set(tune, 1, KITH_TUNE_RIVAL, 0.6, 0.1, 1);
  propose(tune);
  near(tune->fields[0].share, 1);
  near(tune->fields[1].share, 0);
  assert_int_equal(tune->fields[1].bits_per_token, 1);
  assert_int_equal(tune->proposed.bits, 256);
  assert_int_equal(tune->fields[0].bits_per_token, 11); /* 256 x ln(1 / 0.7) / 8 tokens */
  tune_free(tune);
}

/* A filter is as long as its least field that counts needs. */
static void little_shares_need_long_filters(void **state)
{
  struct kith_tune *tune = tune_new(2);

  (void)state;
  field_set(tune, 0, KITH_TUNE_LIKELY, 0.9, 0.05, 0);
  field_set(tune, 0, KITH_TUNE_RIVAL, 0.2, 0.05, 0);
  field_set(tune, 1, KITH_TUNE_LIKELY, 0.6, 0.2, 1);
  field_set(tune, 1, KITH_TUNE_RIVAL, 0.3, 0.2, 1);
  propose(tune);
  assert_true(tune->fields[1].share > 0.02 && tune->fields[1].share < 0.05);
  assert_int_equal(tune->proposed.bits, 2048);
  assert_true(tune->fields[1].bits_per_token >= 2);
  tune_free(tune);
}

/* Where a side lacks a field, it counts neither way. */
static void missing_values(void **state)
{
  struct kith_tune *tune = tune_new(2);

  (void)state;
  for (unsigned i = 0; i < 2; i++) {
    field_set(tune, i, KITH_TUNE_LIKELY, 0.9, 0.1, i);
    field_set(tune, i, KITH_TUNE_RIVAL, 0.2, 0.1, i);
  }
  for (unsigned i = 0; i < PAIRS; i += 4)
    tune->likeness[KITH_TUNE_RIVAL][2 * i] = -1;
  propose(tune);
  assert_true(tune->fields[0].share > 0.5 && tune->fields[0].share < 0.6);
  tune_free(tune);
}

static void too_few(void **state)
{
  struct kith_tune *tune = tune_new(2);
  struct kith_fault fault = {0};

  (void)state;
  tune->n_pairs[KITH_TUNE_RIVAL] = 99;
  assert_int_equal(kith_tune_propose(tune, &fault), KITH_ERR_NO);
  assert_non_null(strstr(fault.text, "99 rivals"));
  tune->n_pairs[KITH_TUNE_RIVAL] = PAIRS;
  tune->n_pairs[KITH_TUNE_LIKELY] = 0;
  assert_int_equal(kith_tune_propose(tune, &fault), KITH_ERR_NO);
  tune_free(tune);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(independent_fields),  cmocka_unit_test(fields_that_say_the_same),
      cmocka_unit_test(a_field_of_no_worth), cmocka_unit_test(little_shares_need_long_filters),
      cmocka_unit_test(missing_values),      cmocka_unit_test(too_few)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
