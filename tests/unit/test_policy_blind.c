#include "proto/policy_blind.h"

#include "tests/unit/document.h"
#include "tests/unit/unit.h"

static const char agencies[3][KITH_MEMBER_ID_BYTES] = {"police", "education", "health"};

static void default_policy(struct kith_policy *policy)
{
  kith_policy_default(policy, agencies, 3);
  kith_policy_default_blind(policy);
}

static char *print(const struct kith_policy *policy)
{
  struct kith_buf buf;

  kith_buf_init(&buf, KITH_DOCUMENT_BYTES_MAX);
  assert_int_equal(kith_policy_print(&buf, policy), KITH_OK);
  kith_buf_append(&buf, "", 1);
  return (char *)buf.bytes;
}

static enum kith_err read_policy(const char *text, size_t len, struct kith_fault *fault)
{
  static struct kith_policy out;
  static struct kith_policy before;
  enum kith_err err;

  memset(&out, 0x5a, sizeof out);
  before = out;
  err = kith_policy_parse(&out, text, len, "t.json", fault);
  if (err != KITH_OK)
    assert_memory_equal(&out, &before, sizeof out);
  return err;
}

static json_t *print_json(const struct kith_policy *policy)
{
  char *text = print(policy);
  json_t *json = json_loads(text, 0, NULL);

  assert_non_null(json);
  free(text);
  return json;
}

static void test_round_trip(void **state)
{
  struct kith_policy policy;
  struct kith_policy back;
  struct kith_blind_layout layout;
  char *text;
  char *again;

  (void)state;
  default_policy(&policy);
  policy.blind.occurrences = 3;
  text = print(&policy);
  assert_int_equal(kith_policy_parse(&back, text, strlen(text), "t.json", NULL), KITH_OK);
  assert_int_equal(back.protection, KITH_PROTECTION_BLIND);
  assert_memory_equal(&back.blind, &policy.blind, sizeof back.blind);
  assert_memory_equal(back.fields, policy.fields, sizeof back.fields);
  again = print(&back);
  assert_string_equal(text, again);
  kith_policy_blind_layout(&layout, &back);
  assert_int_equal(layout.n_keys, back.blind.n_keys);
  assert_int_equal(kith_blind_rows(&layout, 7), 7 * 3 * (uint64_t)layout.n_keys);
  free(text);
  free(again);
}

/* What filters have is nothing to a blind policy, and the other way about. */
static void test_keys(void **state)
{
  static const char *const foreign[] = {"bits", "mask", "similarity", "candidate_bound", "filters"};
  struct kith_policy policy;
  json_t *root;

  (void)state;
  default_policy(&policy);
  root = print_json(&policy);
  document_mutate(read_policy, root, root,
                  " evidence dates year_min year_max outside source minimum_linkable "
                  "maximum_set_aside ");
  for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
    json_t *linkage = json_object_get(root, "linkage");

    json_object_set_new(linkage, foreign[i], json_integer(1024));
    document_refused(read_policy, root, foreign[i], "a key of filters");
    json_object_del(linkage, foreign[i]);
  }
  json_decref(root);
}

static const struct document_change changes[] = {
    {"linkage.blind.occurrences", "0", "linkage.blind.occurrences: expected"},
    {"linkage.blind.occurrences", "5", "linkage.blind.occurrences: expected"},
    {"linkage.blind.occurrences", "4", NULL},
    {"linkage.blind.match_keys", "[]", "linkage.blind.match_keys: expected an array"},
    {"linkage.blind.match_keys.0", "[\"birth\"]", "match_keys[0]: expected 2 to 6 parts"},
    {"linkage.blind.match_keys.0", "[\"birth\", \"names\"]", "match_keys[0]: part 1 is none"},
    {"linkage.blind.match_keys.0", "[\"birth\", 7]", "match_keys[0]: part 1 is none"},
    {"linkage.blind.match_keys.0", "[\"sex\", \"sex\"]", "match_keys[0]: has one part twice"},
    {"linkage.blind.match_keys.1", "[\"birth\", \"given_form\"]",
     "match_keys[1]: match_keys[0] is the same"},
    {"linkage.blind.match_keys.1", "\"birth\"", "match_keys[1]: expected 2 to 6 parts"},
    {"linkage.blind.match_keys.1", "[\"initials\", \"birth_month_day\", \"district\"]", NULL},
    {"linkage.blind.fields", "[]", "linkage.blind.fields: expected an array"},
    {"linkage.blind.fields.1.field", "\"given_name\"",
     "linkage.blind.fields[1].field: fields[0] is the same"},
    {"linkage.blind.fields.0.q", "5", "linkage.blind.fields[0].q: expected"},
    {"linkage.blind.fields.0.bits", "24", "linkage.blind.fields[0].bits: expected 8, 16"},
    {"linkage.blind.fields.0.bits", "7", "linkage.blind.fields[0].bits: expected"},
    {"linkage.blind.fields.0.bits", "256", "linkage.blind.fields[0].bits: expected"},
    {"linkage.blind.fields.0.bits", "128", NULL},
    {"linkage.blind.fields.0.weight", "0", "linkage.blind.fields[0].weight: expected"},
    {"linkage.blind.fields.0.weight", "1001", "linkage.blind.fields[0].weight: expected"},
    {"linkage.protection", "\"clk\"", "linkage.bits: is missing"},
};

static void test_values(void **state)
{
  struct kith_policy policy;
  json_t *good;

  (void)state;
  default_policy(&policy);
  good = print_json(&policy);
  document_changes(read_policy, good, changes, sizeof changes / sizeof changes[0]);
  json_decref(good);
}

/* Sides under different terms never meet; what is not of the linkage may differ. */
static void test_terms(void **state)
{
  struct kith_policy policy;
  struct kith_hash first;
  struct kith_hash other;

  (void)state;
  default_policy(&policy);
  assert_int_equal(kith_policy_blind_hash(&first, &policy), KITH_OK);
  strcpy(policy.purpose, "another");
  assert_int_equal(kith_policy_blind_hash(&other, &policy), KITH_OK);
  assert_true(kith_hash_equal(&first, &other));
  policy.blind.keys[0].parts[1] = KITH_PART_SEX;
  assert_int_equal(kith_policy_blind_hash(&other, &policy), KITH_OK);
  assert_false(kith_hash_equal(&first, &other));
  default_policy(&policy);
  policy.blind.fields[0].q = 3;
  assert_int_equal(kith_policy_blind_hash(&other, &policy), KITH_OK);
  assert_false(kith_hash_equal(&first, &other));
}

static void test_parts(void **state)
{
  (void)state;
  for (unsigned i = 0; i < KITH_PART_COUNT; i++)
    assert_non_null(kith_blind_part_name(i));
  assert_null(kith_blind_part_name(KITH_PART_COUNT));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_keys),
                                     cmocka_unit_test(test_values), cmocka_unit_test(test_terms),
                                     cmocka_unit_test(test_parts)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
