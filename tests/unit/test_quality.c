/* Data quality: counts, estimates, people in samples, the gate's edges, memory that runs out. */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "daemon/pipeline/quality.h"
#include "daemon/pipeline/quality_sketch.h"

static const char agencies[][KITH_MEMBER_ID_BYTES] = {"police", "health"};

static struct kith_policy policy;

static struct kith_quality *quality_new(void)
{
  struct kith_quality_options options = {.policy = &policy, .today = {2026, 11, 23}};
  struct kith_quality *quality = NULL;
  struct kith_fault fault = {0};

  kith_policy_default(&policy, agencies, 2);
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++)
    options.columns[i] = true;
  memcpy(options.key, "0123456789abcdef", sizeof options.key);
  assert_int_equal(kith_quality_new(&quality, &options, &fault), KITH_OK);
  return quality;
}

static enum kith_err add(struct kith_quality *quality, uint64_t row, const char *given,
                         const char *surname, const char *born, const char *postcode)
{
  const char *fields[KITH_FIELD_COUNT] = {[KITH_FIELD_GIVEN_NAME] = given,
                                          [KITH_FIELD_SURNAME] = surname,
                                          [KITH_FIELD_DATE_OF_BIRTH] = born,
                                          [KITH_FIELD_POSTCODE] = postcode};
  enum kith_outcome outcomes[KITH_FIELD_COUNT];
  struct kith_scope_rules rules;
  struct kith_record record;

  assert_int_equal(kith_scope_rules_make(&rules, &policy, NULL), KITH_OK);
  kith_standardise(&record, outcomes, fields, NULL);
  return kith_quality_add(quality, row, &record, outcomes,
                          kith_scope_judge(&rules, &record, false));
}

static void counts(void **state)
{
  struct kith_quality *quality = quality_new();
  const struct kith_quality_report *report;

  (void)state;
  assert_int_equal(add(quality, 2, "Anna", "Roe", "1985-04-20", "QX1 1AB"), KITH_OK);
  assert_int_equal(add(quality, 3, "ANNA", "ROE", "20/04/1985", "qx11ab"), KITH_OK);
  assert_int_equal(add(quality, 4, "Roe", "Anna", "1985-04-20", ""), KITH_OK);
  assert_int_equal(add(quality, 5, "Anna", "Roe", "1986-04-20", "QX1 1AB"), KITH_OK);
  assert_int_equal(add(quality, 6, "", "", "soon", ""), KITH_OK);
  kith_quality_set_aside(quality);
  kith_quality_objected(quality);
  report = kith_quality_finish(quality);
  assert_int_equal(report->summary.rows, 7);
  assert_int_equal(report->summary.set_aside, 1);
  assert_int_equal(report->summary.objected, 1);
  assert_int_equal(report->summary.linkable, 4);
  assert_int_equal(report->scope.n[KITH_SCOPE_OBJECTED], 1);
  assert_int_equal(report->n_leaving, 4);
  assert_int_equal(report->bytes, 4 * report->row_bytes);
  assert_int_equal(report->same.rows, 1);
  assert_int_equal(report->same.first.rows[0], 3);
  assert_int_equal(report->alike.rows, 1);
  assert_int_equal(report->alike.first.rows[0], 4);
  assert_int_equal(report->name_dates.people, 1);
  assert_int_equal(report->name_dates.rows, 3);
  assert_int_equal(report->number_dates.people, 0);
  assert_int_equal(report->sparse.n, 1);
  assert_int_equal(report->sparse.rows[0], 6);
  assert_int_equal(report->ages[KITH_AGE_UNDER_65], 4);
  assert_int_equal(report->ages[KITH_AGE_UNKNOWN], 1);
  assert_int_equal(report->fields[KITH_FIELD_DATE_OF_BIRTH].n[KITH_VALUE_UNUSABLE], 1);
  assert_int_equal(report->fields[KITH_FIELD_DATE_OF_BIRTH].n_distinct, 2);
  assert_int_equal(report->fields[KITH_FIELD_DATE_OF_BIRTH].n_commonest, 3);
  assert_int_equal(report->verdict, KITH_VERDICT_REMARKS);
  kith_quality_free(quality);
}

static void nothing(void **state)
{
  struct kith_quality *quality = quality_new();
  const struct kith_quality_report *report = kith_quality_finish(quality);

  (void)state;
  assert_int_equal(report->verdict, KITH_VERDICT_NOT_READY);
  assert_int_equal(report->findings[0].severity, KITH_SEVERITY_STOP);
  kith_quality_free(quality);
  kith_quality_free(NULL);
}

/* More rows of one kind than are remembered. */
static void many_rows(void **state)
{
  struct kith_quality *quality = quality_new();
  const struct kith_quality_report *report;

  (void)state;
  for (uint64_t row = 2; row < 2 + 1500; row++)
    assert_int_equal(add(quality, row, "", "Roe", "soon", ""), KITH_OK);
  report = kith_quality_finish(quality);
  assert_int_equal(report->fields[KITH_FIELD_DATE_OF_BIRTH].n[KITH_VALUE_UNUSABLE], 1500);
  assert_int_equal(report->fields[KITH_FIELD_DATE_OF_BIRTH].rows[KITH_VALUE_UNUSABLE].n,
                   KITH_QUALITY_ROWS_MAX);
  assert_int_equal(report->fields[KITH_FIELD_DATE_OF_BIRTH].rows[KITH_VALUE_UNUSABLE].rows[999],
                   1001);
  assert_int_equal(report->verdict, KITH_VERDICT_NOT_READY);
  kith_quality_free(quality);
}

/* ---- the gate: each minimum at its edge, and exactly one row past it */

static void gate(void **state)
{
  static const struct {
    struct kith_quality_summary summary;
    struct kith_ratio linkable;
    struct kith_ratio aside;
    enum kith_err err;
    const char *words;
  } cases[] = {
      {{0, 0, 0, 0}, {1, 2}, {1, 5}, KITH_ERR_NO, "no rows"},
      {{10, 0, 0, 5}, {1, 2}, {1, 5}, KITH_OK, ""},
      {{10, 0, 0, 4}, {1, 2}, {1, 5}, KITH_ERR_NO, "only 4 of 10 rows (40.0%)"},
      {{10, 2, 0, 8}, {1, 2}, {1, 5}, KITH_OK, ""},
      {{10, 3, 0, 7}, {1, 2}, {1, 5}, KITH_ERR_NO, "3 of 10 rows (30.0%)"},
      {{10, 0, 2, 4}, {1, 2}, {1, 5}, KITH_OK, ""}, /* who objected does not count against */
      {{10, 0, 1, 4}, {1, 2}, {1, 5}, KITH_ERR_NO, "only 4 of 9"},
      {{3, 0, 0, 1}, {1, 3}, {0, 1}, KITH_OK, ""}, /* exact, not in floating point */
      {{3, 1, 0, 2}, {0, 1}, {333333333, 1000000000}, KITH_ERR_NO, "1 of 3"},
      {{10, 10, 0, 0}, {1, 1}, {1, 1}, KITH_OK, ""}, /* the policy allows it */
      {{4000000000, 1, 0, 3999999999}, {1000000000, 1000000000}, {1, 1000000000}, KITH_OK, ""},
      {{4000000000, 5, 0, 3999999995}, {1, 1}, {1, 1000000000}, KITH_ERR_NO, "5 of 4000000000"},
  };
  char text[KITH_QUALITY_TEXT_BYTES];

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(cases); i++) {
    const struct kith_source_minima minima = {cases[i].linkable, cases[i].aside};

    assert_int_equal(kith_quality_gate(&cases[i].summary, &minima, text), cases[i].err);
    assert_non_null(strstr(text, cases[i].words));
    assert_int_equal(text[0] == '\0', cases[i].err == KITH_OK);
    assert_true(strlen(text) < KITH_QUALITY_TEXT_BYTES - 1);
  }
}

/* ---- estimates */

static uint64_t mixed(uint64_t x)
{
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

static void estimates(void **state)
{
  struct kith_distinct *distinct = KITH_NEW(struct kith_distinct);
  struct kith_commonest *commonest = KITH_NEW(struct kith_commonest);
  uint64_t n = 0;

  (void)state;
  assert_non_null(distinct);
  assert_non_null(commonest);
  assert_int_equal(kith_distinct_estimate(distinct), 0);
  for (uint64_t goal = 1; goal <= 1000000; goal *= 10) {
    for (; n < goal; n++) {
      kith_distinct_add(distinct, mixed(n + 1));
      kith_distinct_add(distinct, mixed(n + 1)); /* again: nothing new */
      kith_commonest_add(commonest, mixed(n + 1));
      if (n % 20 == 0)
        kith_commonest_add(commonest, mixed(7));
    }
    assert_true(kith_distinct_estimate(distinct) * 100 >= goal * 95);
    assert_true(kith_distinct_estimate(distinct) * 100 <= goal * 105);
  }
  /* 50,001 of 1,050,000, and 0.07% of all at most above. */
  assert_true(commonest->most >= 50001 && commonest->most <= 50001 + 735);
  kith_free(distinct);
  kith_free(commonest);
}

/* A pile that holds 1000 of 16000 people, each with two rows. */
static void samples(void **state)
{
  struct kith_pile pile = {.max = 1000};
  uint64_t groups = 0;
  size_t end;

  (void)state;
  for (uint64_t row = 0; row < 32000; row++)
    assert_int_equal(kith_pile_add(&pile, mixed(row % 16000 + 1), 0, row), KITH_OK);
  assert_true(pile.n <= 1000 && pile.level >= 5);
  kith_pile_sort(&pile);
  for (size_t at = 0; at < pile.n; at = end) {
    end = kith_pile_group_end(&pile, at);
    assert_int_equal(end - at, 2); /* whole */
    assert_true(pile.entries[at].row < pile.entries[at + 1].row);
    groups++;
  }
  groups <<= pile.level;
  assert_true(groups > 12000 && groups < 20000);
  kith_pile_free(&pile);
  /* One person for ever: bounded too. */
  pile = (struct kith_pile){.max = 10};
  for (uint64_t row = 0; row < 100; row++)
    assert_int_equal(kith_pile_add(&pile, 1, 0, row), KITH_OK);
  assert_true(pile.n <= 10);
  kith_pile_free(&pile);
}

/* ---- without memory */

static void no_memory(void **state)
{
  (void)state;
  kith_policy_default(&policy, agencies, 2);
  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_quality_options options = {.policy = &policy, .columns = {true, true, true}};
    struct kith_quality *quality = NULL;
    struct kith_fault fault = {0};
    enum kith_err err = kith_quality_new(&quality, &options, &fault);

    for (uint64_t row = 2; err == KITH_OK && row < 2000; row++)
      err = add(quality, row, "Anna", row % 2 ? "Roe" : "", "1985-04-20", "QX1 1AB");
    if (err == KITH_OK) {
      assert_int_equal(kith_quality_finish(quality)->summary.rows, 1998);
      unit_allocations_done();
    } else {
      assert_int_equal(err, KITH_ERR_MEMORY);
    }
    kith_quality_free(quality);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts),    cmocka_unit_test(nothing),   cmocka_unit_test(many_rows),
      cmocka_unit_test(gate),      cmocka_unit_test(estimates), cmocka_unit_test(samples),
      cmocka_unit_test(no_memory),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
