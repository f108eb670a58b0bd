/* Whose records may be encoded: ages, places, period, evidence; and what is not known. */
#include "daemon/pipeline/scope.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

static const struct kith_scope teens = {
    .present = true, .on = {2026, 6, 15}, .age_min = 13, .age_max = 19};
static const struct kith_scope young = {
    .present = true, .on = {2026, 6, 15}, .age_min = 0, .age_max = 24};

static void ages(void **state)
{
  enum { IN = KITH_SCOPE_IN, OUT = KITH_SCOPE_AGE, OPEN = KITH_SCOPE_BIRTH_UNKNOWN };
  static const struct {
    struct kith_date birth;
    int teen;
    int is_young;
  } cases[] = {
      {{2013, 6, 15}, IN, IN},   /* 13 today */
      {{2013, 6, 16}, OUT, IN},  /* tomorrow */
      {{2006, 6, 16}, IN, IN},   /* 20 tomorrow */
      {{2006, 6, 15}, OUT, IN},  /* 20 today */
      {{2010, 0, 0}, IN, IN},    /* 15 or 16 */
      {{2013, 0, 0}, OPEN, IN},  /* 12 or 13 */
      {{2013, 6, 0}, OPEN, IN},  /* the same */
      {{2013, 5, 0}, IN, IN},    /* 13 */
      {{2013, 7, 0}, OUT, IN},   /* 12 */
      {{2014, 0, 0}, OUT, IN},   /* 11 or 12 */
      {{2026, 0, 0}, OUT, IN},   /* 0, or not born */
      {{2026, 6, 15}, OUT, IN},  /* today */
      {{2026, 6, 16}, OUT, OUT}, /* not born */
      {{2027, 0, 0}, OUT, OUT},  {{0, 6, 16}, OPEN, OPEN},
      {{0, 0, 0}, OPEN, OPEN},   {{2010, 0, 5}, OPEN, OPEN},
      {{1990, 1, 1}, OUT, OUT},  {{2001, 0, 0}, OUT, OPEN}, /* 24 or 25 */
      {{2001, 6, 15}, OUT, OUT},                            /* 25 today */
  };
  const struct kith_scope leap = {.present = true, .on = {2025, 2, 28}, .age_min = 1, .age_max = 1};

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(cases); i++) {
    assert_int_equal(kith_scope_age(&teens, cases[i].birth), cases[i].teen);
    assert_int_equal(kith_scope_age(&young, cases[i].birth), cases[i].is_young);
  }
  assert_int_equal(kith_scope_age(&(struct kith_scope){0}, (struct kith_date){0}), IN);
  assert_int_equal(kith_scope_age(&(struct kith_scope){.present = true}, (struct kith_date){0}),
                   IN);
  /* Born on a leap day: a year old on the 1 March. */
  assert_int_equal(kith_scope_age(&leap, (struct kith_date){2024, 2, 29}), OUT);
  assert_int_equal(kith_scope_age(&leap, (struct kith_date){2024, 2, 28}), IN);
}

enum { HERE = KITH_SCOPE_IN, ELSEWHERE = KITH_SCOPE_PLACE, SOMEWHERE = KITH_SCOPE_PLACE_UNKNOWN };
static const struct {
  const char *places[3];
  const char *postcode;
  int expected;
} place_cases[] = {
    {{"cv1"}, "cv12ab", HERE},
    {{"cv1"}, "cv102ab", ELSEWHERE},
    {{"cv1"}, "cv10", ELSEWHERE},
    {{"cv1"}, "cv1", HERE},
    {{"cv10"}, "cv12ab", ELSEWHERE},
    {{"cv10"}, "cv1", ELSEWHERE},
    {{"cv"}, "cv12ab", HERE},
    {{"cv"}, "cv102ab", HERE},
    {{"cv"}, "c12ab", ELSEWHERE},
    {{"cv"}, "b12ab", ELSEWHERE},
    {{"b"}, "b12ab", HERE},
    {{"b"}, "b1", HERE},
    {{"b"}, "b992ab", HERE},
    {{"b"}, "bs12ab", ELSEWHERE},
    {{"bs"}, "b12ab", ELSEWHERE},
    {{"b1"}, "b12ab", HERE},
    {{"b1"}, "b112ab", ELSEWHERE},
    {{"b1"}, "bs12ab", ELSEWHERE},
    {{"ec1"}, "ec1a1bb", HERE},
    {{"ec1"}, "ec1a", HERE},
    {{"ec1"}, "ec11bb", HERE},
    {{"ec1"}, "ec101bb", ELSEWHERE},
    {{"ec1a"}, "ec1a1bb", HERE},
    {{"ec1a"}, "ec1v1bb", ELSEWHERE},
    {{"ec1a"}, "ec1", SOMEWHERE},
    {{"ec1a"}, "ec2", ELSEWHERE},
    {{"w1"}, "w1a1aa", HERE},
    {{"w1a"}, "w11aa", SOMEWHERE},
    {{"cv1", "cv2", "b"}, "b77aa", HERE},
    {{"cv1", "cv2", "b"}, "cv27aa", HERE},
    {{"cv1", "cv2", "b"}, "cv37aa", ELSEWHERE},
    {{"cv1"}, "75001", ELSEWHERE},   /* of another country */
    {{"cv1"}, "d02x285", SOMEWHERE}, /* the same, or with a slip: nobody can tell */
    {{"cv1"}, "cv1q2ab", HERE},
    {{"cv1"}, "1", ELSEWHERE},
    {{"cv1"}, "cv", SOMEWHERE},
    {{"cv1"}, "cvv1", SOMEWHERE},
    {{"cv1"}, "", ELSEWHERE},
};

static void places(void **state)
{
  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(place_cases); i++) {
    struct kith_scope scope = {.present = true};
    struct kith_values values = {.n = place_cases[i].postcode[0] != '\0'};
    int expected = values.n ? place_cases[i].expected : SOMEWHERE;
    int got;

    for (unsigned p = 0; p < 3 && place_cases[i].places[p]; p++) {
      assert_true(kith_policy_place_valid(place_cases[i].places[p]));
      strcpy(scope.places[scope.n_places++], place_cases[i].places[p]);
    }
    strcpy(values.text[0], place_cases[i].postcode);
    got = (int)kith_scope_place(&scope, &values);
    if (got != expected)
      fail_msg("%s in %s: %d", place_cases[i].postcode, place_cases[i].places[0], got);
    scope.n_places = 0;
    assert_int_equal(kith_scope_place(&scope, &values), HERE);
  }
}

/* A person with two addresses is in the place where one of them is. */
static void two_postcodes(void **state)
{
  struct kith_scope scope = {.present = true, .n_places = 1, .places = {"cv1"}};
  struct kith_values values = {.n = 2, .text = {"b12ab", "cv12ab"}};

  (void)state;
  assert_int_equal(kith_scope_place(&scope, &values), KITH_SCOPE_IN);
  strcpy(values.text[1], "cvv1");
  assert_int_equal(kith_scope_place(&scope, &values), KITH_SCOPE_PLACE_UNKNOWN);
  strcpy(values.text[1], "cv2");
  assert_int_equal(kith_scope_place(&scope, &values), KITH_SCOPE_PLACE);
}

static void periods(void **state)
{
  enum { IN = KITH_SCOPE_IN, OUT = KITH_SCOPE_PERIOD, OPEN = KITH_SCOPE_PERIOD_UNKNOWN };
  const struct kith_scope scope = {.present = true, .from = {2024, 3, 10}, .to = {2026, 11, 1}};
  static const struct {
    struct kith_date date;
    int expected;
  } cases[] = {
      {{2024, 3, 10}, IN},   {{2024, 3, 9}, OUT},   {{2026, 11, 1}, IN},  {{2026, 11, 2}, OUT},
      {{2025, 0, 0}, IN},    {{2024, 0, 0}, OPEN},  {{2024, 3, 0}, OPEN}, {{2024, 2, 0}, OUT},
      {{2024, 4, 0}, IN},    {{2026, 11, 0}, OPEN}, {{2026, 12, 0}, OUT}, {{2026, 0, 0}, OPEN},
      {{2027, 0, 0}, OUT},   {{0, 0, 0}, OPEN},     {{0, 5, 5}, OPEN},    {{2025, 0, 5}, OPEN},
      {{2023, 12, 31}, OUT},
  };

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(cases); i++)
    assert_int_equal(kith_scope_period(&scope, cases[i].date), cases[i].expected);
  assert_int_equal(kith_scope_period(&teens, (struct kith_date){0}), IN);
}

static struct kith_record record_of(const char *given, const char *surname, const char *birth,
                                    const char *postcode, const char *record_date)
{
  const char *fields[KITH_FIELD_COUNT] = {0};
  enum kith_outcome outcomes[KITH_FIELD_COUNT];
  struct kith_record record;

  fields[KITH_FIELD_GIVEN_NAME] = given;
  fields[KITH_FIELD_SURNAME] = surname;
  fields[KITH_FIELD_DATE_OF_BIRTH] = birth;
  fields[KITH_FIELD_POSTCODE] = postcode;
  fields[KITH_FIELD_RECORD_DATE] = record_date;
  kith_standardise(&record, outcomes, fields, NULL);
  return record;
}

static struct kith_policy policy_of(const struct kith_scope *scope)
{
  static const char agencies[2][KITH_MEMBER_ID_BYTES] = {"a", "b"};
  struct kith_policy policy;

  kith_policy_default(&policy, agencies, 2);
  if (scope)
    policy.scope = *scope;
  return policy;
}

static enum kith_scope_reason judge(const struct kith_policy *policy, struct kith_record record)
{
  struct kith_scope_rules rules;

  assert_int_equal(kith_scope_rules_make(&rules, policy, NULL), KITH_OK);
  return kith_scope_judge(&rules, &record, false);
}

static void evidence(void **state)
{
  static const struct {
    const char *given;
    const char *surname;
    const char *birth;
    const char *postcode;
    enum kith_scope_reason expected;
  } cases[] = {
      {"Ann", "Lee", "2010-02-03", "CV1 2AB", KITH_SCOPE_IN},
      {"Ann", "", "2010-02-03", "", KITH_SCOPE_IN},
      {"", "Lee", "", "CV1 2AB", KITH_SCOPE_IN},
      {"Ann", "Lee", "", "", KITH_SCOPE_SPARSE},
      {"Ann", "Lee", "unknown", "no fixed abode", KITH_SCOPE_SPARSE},
      {"", "", "2010-02-03", "CV1 2AB", KITH_SCOPE_SPARSE},
      {"unknown", "", "2010-02-03", "CV1 2AB", KITH_SCOPE_SPARSE},
      {"", "", "", "", KITH_SCOPE_SPARSE},
      {"Ann", "", "2010", "", KITH_SCOPE_IN},
  };
  struct kith_policy policy = policy_of(NULL);
  struct kith_policy none = policy_of(NULL);

  (void)state;
  none.evidence = (struct kith_evidence){0};
  for (size_t i = 0; i < KITH_COUNT_OF(cases); i++) {
    struct kith_record record =
        record_of(cases[i].given, cases[i].surname, cases[i].birth, cases[i].postcode, NULL);

    if (judge(&policy, record) != cases[i].expected)
      fail_msg("case %zu: %d", i, (int)judge(&policy, record));
    assert_int_equal(judge(&none, record), KITH_SCOPE_IN);
  }
  policy.evidence = (struct kith_evidence){2, {{1, {"sex"}}, {2, {"names", "upn"}}}};
  assert_int_equal(judge(&policy, record_of("Ann", "Lee", "", "", NULL)), KITH_SCOPE_SPARSE);
}

/* A street, which tells namesakes apart only where it is encoded. */
static void evidence_that_is_encoded(void **state)
{
  const char *fields[KITH_FIELD_COUNT] = {0};
  enum kith_outcome outcomes[KITH_FIELD_COUNT];
  struct kith_policy policy = policy_of(NULL);
  static struct kith_record record;

  (void)state;
  fields[KITH_FIELD_GIVEN_NAME] = "Ann";
  fields[KITH_FIELD_STREET] = "12 High Street";
  kith_standardise(&record, outcomes, fields, NULL);
  assert_int_equal(judge(&policy, record), KITH_SCOPE_SPARSE);
  strcpy(policy.fields[policy.n_fields++].field, "street");
  assert_int_equal(judge(&policy, record), KITH_SCOPE_IN);
  policy.evidence = (struct kith_evidence){1, {{1, {"upn"}}}}; /* none of the group is encoded */
  assert_int_equal(judge(&policy, record), KITH_SCOPE_SPARSE);
}

static void evidence_of_no_field(void **state)
{
  static const char *const names[] = {"shoe_size", "record_date", "id", "Surname"};
  struct kith_policy policy = policy_of(NULL);

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(names); i++) {
    struct kith_scope_rules rules;
    struct kith_scope_rules before;
    struct kith_fault fault = {0};

    memset(&rules, 0x5a, sizeof rules);
    before = rules;
    strcpy(policy.evidence.groups[1].fields[0], names[i]);
    assert_int_equal(kith_scope_rules_make(&rules, &policy, &fault), KITH_ERR_CONFIG);
    assert_non_null(strstr(fault.text, names[i]));
    assert_memory_equal(&rules, &before, sizeof rules);
  }
}

/* The first bound that says no is the reason; "in" passes what is not known, and only that. */
static void unknowns(void **state)
{
  struct kith_scope scope = {.present = true,
                             .on = {2026, 6, 15},
                             .age_min = 10,
                             .age_max = 19,
                             .n_places = 1,
                             .places = {"cv"},
                             .from = {2024, 1, 1},
                             .to = {2026, 6, 15}};
  struct kith_policy policy;

  (void)state;
  for (unsigned bits = 0; bits < 8; bits++) {
    scope.unknown_birth_in = bits & 1;
    scope.unknown_place_in = bits & 2;
    scope.unknown_period_in = bits & 4;
    policy = policy_of(&scope);
#define JUDGED(birth, postcode, date) judge(&policy, record_of("Ann", "Lee", birth, postcode, date))
    assert_int_equal(JUDGED("2012-01-01", "CV1 2AB", "2025-01-02"), KITH_SCOPE_IN);
    assert_int_equal(JUDGED("1980-02-03", "B1 2AB", "2020-01-02"), KITH_SCOPE_AGE);
    assert_int_equal(JUDGED("2012-02-03", "B1 2AB", "2020-01-02"), KITH_SCOPE_PLACE);
    assert_int_equal(JUDGED("2012-02-03", "CV1 2AB", "2020-01-02"), KITH_SCOPE_PERIOD);
    assert_int_equal(JUDGED("", "CV1 2AB", "2025-01-02"),
                     bits & 1 ? KITH_SCOPE_IN : KITH_SCOPE_BIRTH_UNKNOWN);
    assert_int_equal(JUDGED("2012-02-03", "", "2025-01-02"),
                     bits & 2 ? KITH_SCOPE_IN : KITH_SCOPE_PLACE_UNKNOWN);
    assert_int_equal(JUDGED("2012-02-03", "CV1 2AB", ""),
                     bits & 4 ? KITH_SCOPE_IN : KITH_SCOPE_PERIOD_UNKNOWN);
    /* Not known here, no there. */
    assert_int_equal(JUDGED("", "B1 2AB", "2025-01-02"),
                     bits & 1 ? KITH_SCOPE_PLACE : KITH_SCOPE_BIRTH_UNKNOWN);
#undef JUDGED
  }
}

static void conflicts(void **state)
{
  struct kith_policy policy = policy_of(&teens);
  struct kith_record record = record_of("Ann", "Lee", "2010-02-03", "", NULL);
  struct kith_scope_rules rules;

  (void)state;
  assert_int_equal(kith_scope_rules_make(&rules, &policy, NULL), KITH_OK);
  assert_int_equal(kith_scope_judge(&rules, &record, true), KITH_SCOPE_BIRTH_CONFLICT);
  rules.scope.unknown_birth_in = true;
  assert_int_equal(kith_scope_judge(&rules, &record, true), KITH_SCOPE_IN);
  rules.scope = (struct kith_scope){0}; /* ages don't matter */
  assert_int_equal(kith_scope_judge(&rules, &record, true), KITH_SCOPE_IN);
}

static void two_births(void **state)
{
  static const struct {
    struct kith_date birth;
    const char *other;
    bool differ;
  } cases[] = {
      {{2010, 2, 3}, "03/02/2010", false}, {{2010, 2, 3}, "2010-02-04", true},
      {{2010, 2, 3}, "2010-03-02", true},  {{2010, 2, 3}, "2011-02-03", true},
      {{2010, 2, 3}, "2010", false},       {{2010, 0, 0}, "2010-02-04", false},
      {{2010, 0, 0}, "2011", true},        {{0, 0, 0}, "2010-02-04", false},
      {{2010, 2, 3}, "unknown", false},    {{2010, 2, 3}, "", false},
      {{2010, 2, 3}, NULL, false},         {{2010, 2, 3}, "not a date", false},
  };
  struct kith_standardise_options options = {.year_min = 1900, .year_max = 2026};

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(cases); i++)
    if (kith_scope_births_differ(cases[i].birth, cases[i].other, &options) != cases[i].differ)
      fail_msg("case %zu", i);
  options.date_order = KITH_DATE_MDY;
  assert_false(kith_scope_births_differ((struct kith_date){2010, 2, 3}, "02/03/2010", &options));
}

static void dates_outside(void **state)
{
  struct kith_policy policy = policy_of(NULL);
  struct kith_record record = record_of("Ann", "Lee", "1852-02-03", "", NULL);
  struct kith_record kept = record;
  struct kith_standardise_options options = {0};

  (void)state;
  kith_scope_dates(&options, &policy);
  assert_int_equal(options.year_min, 1900);
  assert_int_equal(options.year_max, 2026);
  kith_scope_drop_date(&record, &policy);
  assert_memory_equal(&record, &kept, sizeof record);
  assert_int_equal(judge(&policy, record), KITH_SCOPE_IN);
  policy.dates.drop_outside = true;
  kith_scope_drop_date(&record, &policy);
  assert_int_equal(record.birth.year, 0);
  assert_int_equal(record.values[KITH_FIELD_DATE_OF_BIRTH].n, 0);
  assert_int_equal(record.values[KITH_FIELD_SURNAME].n, 1);
  assert_int_equal(judge(&policy, record), KITH_SCOPE_SPARSE);
  record = record_of("Ann", "Lee", "1900-02-03", "", NULL);
  kith_scope_drop_date(&record, &policy);
  assert_int_equal(record.birth.year, 1900);
}

static void counts(void **state)
{
  struct kith_scope_counts a = {0};
  struct kith_scope_counts b = {0};

  (void)state;
  for (unsigned i = 0; i < KITH_SCOPE_REASON_COUNT; i++) {
    a.n[i] = i + 1;
    b.n[i] = 100;
    assert_true(kith_scope_reason_name((enum kith_scope_reason)i)[0] != '\0');
    for (unsigned j = 0; j < i; j++)
      assert_string_not_equal(kith_scope_reason_key((enum kith_scope_reason)i),
                              kith_scope_reason_key((enum kith_scope_reason)j));
  }
  assert_int_equal(kith_scope_counts_out(&a), 3 + 4 + 5 + 6 + 7 + 8 + 9);
  kith_scope_counts_add(&a, &b);
  assert_int_equal(a.n[KITH_SCOPE_IN], 101);
  assert_int_equal(a.n[KITH_SCOPE_SPARSE], 110);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(ages),
                                     cmocka_unit_test(places),
                                     cmocka_unit_test(two_postcodes),
                                     cmocka_unit_test(periods),
                                     cmocka_unit_test(evidence),
                                     cmocka_unit_test(evidence_that_is_encoded),
                                     cmocka_unit_test(evidence_of_no_field),
                                     cmocka_unit_test(unknowns),
                                     cmocka_unit_test(conflicts),
                                     cmocka_unit_test(two_births),
                                     cmocka_unit_test(dates_outside),
                                     cmocka_unit_test(counts)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
