#include "proto/policy.h"

#include "proto/gateway.h"

#include "crypto/secret.h"
#include "tests/unit/document.h"
#include "tests/unit/unit.h"

static const char agencies[3][KITH_MEMBER_ID_BYTES] = {"police", "education", "health"};

static struct kith_policy full_policy(void)
{
  struct kith_policy policy;

  kith_policy_default(&policy, agencies, 3);
  policy.scope = (struct kith_scope){.present = true,
                                     .on = {2026, 11, 23},
                                     .age_min = 0,
                                     .age_max = 25,
                                     .unknown_birth_in = true,
                                     .n_places = 3,
                                     .places = {"cv1", "cv2", "b"},
                                     .from = {2024, 1, 1},
                                     .to = {2026, 11, 1},
                                     .unknown_period_in = true};
  policy.n_recipients = 2;
  strcpy(policy.recipients[0], "horizon");
  strcpy(policy.recipients[1], "second");
  policy.disclosure = (struct kith_policy_disclosure){
      .present = true,
      .n_fields = 2,
      .fields = {"surname", "contact"},
      .n_reasons = 2,
      .reasons = {"early_help", "safeguarding"},
      .n_recipients = 1,
      .recipients = {{"horizon", "a law, section 1"}},
      .n_agencies = 2,
      .agencies = {{"police", "a law, section 2"}, {"health", "a law, section 3"}},
      .officers = 2,
      .answer_days = 14,
      .requests_per_round = 200,
      .requests_per_day = 20};
  policy.n_context = 2;
  policy.context[0] = (struct kith_policy_context){
      .id = "police", .n_attributes = 2, .attributes = {"age_band", "ward"}};
  policy.context[1] =
      (struct kith_policy_context){.id = "health", .n_attributes = 1, .attributes = {"family_hub"}};
  return policy;
}

static char *print(const struct kith_policy *policy)
{
  struct kith_buf buf;

  kith_buf_init(&buf, KITH_DOCUMENT_BYTES_MAX);
  assert_int_equal(kith_policy_print(&buf, policy), KITH_OK);
  kith_buf_append(&buf, "", 1);
  return (char *)buf.bytes;
}

static json_t *print_json(const struct kith_policy *policy)
{
  char *text = print(policy);
  json_t *json = json_loads(text, 0, NULL);

  assert_non_null(json);
  free(text);
  return json;
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

static void assert_same_telling(const struct kith_policy *a, const struct kith_policy *b)
{
  assert_int_equal(a->disclosure.present, b->disclosure.present);
  assert_memory_equal(a->disclosure.agencies, b->disclosure.agencies,
                      sizeof a->disclosure.agencies);
  assert_int_equal(a->n_context, b->n_context);
  for (unsigned i = 0; i < a->n_context; i++)
    assert_memory_equal(&a->context[i], &b->context[i], sizeof a->context[i]);
}

/* Of a policy without ages. */
static void set_school(struct kith_policy *policy)
{
  memset(policy->context, 0, sizeof policy->context);
  policy->n_context = 1;
  policy->context[0] =
      (struct kith_policy_context){.id = "police", .n_attributes = 1, .attributes = {"school"}};
}

static void round_trips(void **state)
{
  struct kith_policy policies[9];

  (void)state;
  kith_policy_default(&policies[0], agencies, 3);
  kith_policy_default(&policies[1], agencies, 1);
  policies[2] = full_policy();
  policies[3] = full_policy();
  policies[3].threshold =
      (struct kith_threshold){false, {17, 20}, {1, 3}, {1000000000, 1000000000}, true};
  policies[3].mask = policies[3].masked_dice = false;
  policies[3].mask_minimum = 1;
  policies[3].trial = true;
  policies[3].candidate_bound = policies[3].candidate_floor = (struct kith_ratio){5, 1000};
  policies[3].candidates_max = 0;
  policies[4] = full_policy();
  policies[4].masked_dice = false;
  strcpy(policies[4].purpose, "pr\xc3\xa9vention \"quoted\" \\ / \xe2\x82\xac");
  policies[5] = full_policy();
  policies[5].scope = (struct kith_scope){.present = true, .n_places = 1, .places = {"ec1a"}};
  set_school(&policies[5]);
  policies[5].evidence = (struct kith_evidence){0};
  policies[6] = full_policy();
  policies[6].scope = (struct kith_scope){.present = true, .on = {2026, 1, 1}, .age_max = 17};
  policies[6].dates = (struct kith_plausible_dates){1910, 2030, true};
  policies[7] = full_policy();
  policies[7].scope =
      (struct kith_scope){.present = true, .from = {2026, 1, 1}, .to = {2026, 1, 1}};
  policies[7].n_context = 0;
  policies[7].source = (struct kith_source_minima){{0, 1}, {1, 1}};
  policies[8] = full_policy();
  kith_policy_add_address_filter(&policies[8]);
  policies[8].mask_minimum = 17;
  for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
    char *text = print(&policies[i]);
    struct kith_fault fault = {0};
    struct kith_policy back;
    char *again;

    if (kith_policy_parse(&back, text, strlen(text), "t.json", &fault) != KITH_OK)
      fail_msg("%s", fault.text);
    again = print(&back);
    assert_string_equal(text, again);
    assert_int_equal(back.n_agencies, policies[i].n_agencies);
    assert_int_equal(back.threshold.auto_default, policies[i].threshold.auto_default);
    assert_int_equal(back.mask, policies[i].mask);
    assert_int_equal(back.mask_minimum, policies[i].mask_minimum);
    assert_int_equal(back.accepted_leaks, policies[i].accepted_leaks);
    assert_int_equal(back.n_filters, policies[i].n_filters);
    assert_memory_equal(&back.scope, &policies[i].scope, sizeof back.scope);
    assert_memory_equal(&back.evidence, &policies[i].evidence, sizeof back.evidence);
    assert_memory_equal(&back.dates, &policies[i].dates, sizeof back.dates);
    assert_memory_equal(&back.source, &policies[i].source, sizeof back.source);
    assert_memory_equal(back.fields, policies[i].fields, sizeof back.fields);
    assert_memory_equal(back.recipients, policies[i].recipients, sizeof back.recipients);
    assert_same_telling(&back, &policies[i]);
    free(text);
    free(again);
  }
}

/* The default differs between two sets of agencies by their names only. */
static void default_is_fixed(void **state)
{
  struct kith_policy policy;
  struct kith_policy other;
  struct kith_buf printed = {0};
  struct kith_buf again = {0};

  (void)state;
  kith_policy_default(&policy, agencies, 3);
  kith_policy_default(&other, agencies, 3);
  assert_int_equal(kith_policy_print(&printed, &policy), KITH_OK);
  assert_int_equal(kith_policy_print(&again, &other), KITH_OK);
  assert_int_equal(printed.len, again.len);
  assert_memory_equal(printed.bytes, again.bytes, again.len);
  kith_buf_free(&printed);
  kith_buf_free(&again);
  assert_string_equal(policy.rule, "at least 3 services");
  kith_policy_default(&other, agencies, 1);
  assert_string_equal(other.rule, "at least 1 service");
  assert_memory_equal(other.fields, policy.fields, sizeof policy.fields);
  for (unsigned i = 0; i < policy.n_agencies; i++)
    assert_false(kith_gateway_is_stated(&policy.agencies[i]));
  strcpy(policy.agencies[0].gateway, "PCSC Act 2022 s.9");
  assert_true(kith_gateway_is_stated(&policy.agencies[0]));
  policy.agencies[0].gateway[0] = '\0';
  assert_false(kith_gateway_is_stated(&policy.agencies[0]));
}

static void every_key(void **state)
{
  struct kith_policy policy = full_policy();
  json_t *root = print_json(&policy);

  (void)state;
  document_mutate(read_policy, root, root,
                  " scope age_min age_max unknown_birth unknown_place unknown_period period "
                  "evidence dates year_min year_max outside source minimum_linkable "
                  "maximum_set_aside mask_minimum disclosure context ");
  json_decref(root);
}

static const struct document_change changes[] = {
    {"kith", "\"charter\"", "kith: expected \"policy\""},
    {"format", "2", "format: expected"},
    {"name", "\"\"", "name: is empty"},
    {"name", "\"a\\nb\"", "name: has a line break"},
    {"name", "\"a\\u001bb\"", "name: has a line break or a control character"},
    {"name", "\"a\\u009bb\"", "name: has a line break or a control character"},
    {"name", "\"a\\u202eb\"", "name: has a line break or a control character"},
    {"name", "\"a\\u2066b\"", "name: has a line break or a control character"},
    {"name", "\"a\\u2013\\u00e9b\"", NULL},
    {"version", "0", "version: expected"},
    {"version", "1000000001", "version: expected"},
    {"expires", "\"2026-02-30T00:00:00Z\"", "expires: expected a time"},
    {"expires", "\"2026-01-01\"", "expires: expected a time"},
    {"expires", "\"2026-01-01T00:00:00+01:00\"", "expires: expected a time"},
    {"agencies", "[]", "agencies: expected an array"},
    {"agencies.0", "7", "agencies[0]: expected an object"},
    {"agencies.1.id", "\"police\"", "agencies[1].id: agencies[0] has the same"},
    {"agencies.1.id", "\"\"", "agencies[1].id: expected a member's id"},
    {"agencies.1.id", "\"Police\"", "agencies[1].id: expected a member's id"},
    {"agencies.1.id", "\"abcdefghijklmnopqrstuvwxyz0123456\"", "agencies[1].id: expected"},
    {"agencies.1.gateway", "\"\"", NULL},
    {"scope.on", "\"2026-2-3\"", "scope.on: expected a date"},
    {"scope.on", "\"2026-02-30\"", "scope.on: expected a date"},
    {"scope.on", "\"2026-11-23T\"", "scope.on: expected a date"},
    {"scope.on", "\"2024-02-29\"", NULL},
    {"scope", "{}", "scope: is empty"},
    {"scope", "{\"on\": \"2026-11-23\"}", NULL},
    {"scope", "{\"age_max\": 25}", "scope.on: is missing"},
    {"scope", "{\"unknown_birth\": \"in\"}", "scope.unknown_birth: has nothing to be about"},
    {"scope", "{\"places\": [\"cv\"], \"unknown_period\": \"in\"}",
     "scope.unknown_period: has nothing to be about"},
    {"scope", "{\"on\": \"2026-11-23\", \"unknown_place\": \"out\"}",
     "scope.unknown_place: has nothing to be about"},
    {"scope.on", "\"0000-01-01\"", "scope.on: expected a date"},
    {"scope.unknown_birth", "\"IN\"", "scope.unknown_birth: expected \"out\" or \"in\""},
    {"scope.unknown_place", "true", "scope.unknown_place: expected"},
    {"scope.unknown_period", "\"keep\"", "scope.unknown_period: expected \"out\" or \"in\""},
    {"scope.places", "[]", "scope.places: expected an array"},
    {"scope.places", "\"cv1\"", "scope.places: expected an array"},
    {"scope.places.0", "7", "scope.places[0]: expected a postcode area"},
    {"scope.places.0", "\"\"", "scope.places[0]: expected a postcode area"},
    {"scope.places.0", "\"CV1\"", "scope.places[0]: expected a postcode area"},
    {"scope.places.0", "\"cva\"", "scope.places[0]: expected a postcode area"},
    {"scope.places.0", "\"cv123\"", "scope.places[0]: expected a postcode area"},
    {"scope.places.0", "\"cv1 2\"", "scope.places[0]: expected a postcode area"},
    {"scope.places.0", "\"cv1*\"", "scope.places[0]: expected a postcode area"},
    {"scope.places.0", "\"1cv\"", "scope.places[0]: expected a postcode area"},
    {"scope.places.0", "\"ec1aa\"", "scope.places[0]: expected a postcode area"},
    {"scope.places.0", "\"cv2\"", "scope.places[1]: is the same as places[0]"},
    {"scope.places.0", "\"ec1a\"", NULL},
    {"scope.places.0", "\"w1\"", NULL},
    {"scope.places.0", "\"cv10\"", NULL},
    {"scope.period", "{}", "scope.period: is empty"},
    {"scope.period", "{\"from\": \"2024-01-01\"}", "scope.period.to: is missing"},
    {"scope.period.from", "\"2024-1-1\"", "scope.period.from: expected a date"},
    {"scope.period.from", "\"2026-11-02\"", "scope.period.to: is before \"from\""},
    {"scope.period.from", "\"2026-11-01\"", NULL},
    {"scope.period.since", "\"2026-11-01\"", "scope.period.since: is not known here"},
    {"evidence", "[]", NULL},
    {"evidence", "[[\"surname\"]]", NULL},
    {"evidence", "[\"surname\"]", "evidence[0]: expected an array"},
    {"evidence", "[[]]", "evidence[0]: expected an array"},
    {"evidence.1", "[\"surname\", \"surname\"]", "evidence[1][1]: is the same as evidence[1][0]"},
    {"evidence.1", "[\"Surname\"]", "evidence[1][0]: expected a name"},
    {"evidence.1", "[null]", "evidence[1][0]: expected a name"},
    {"evidence", "[[\"a\"],[\"a\"],[\"a\"],[\"a\"],[\"a\"],[\"a\"],[\"a\"],[\"a\"],[\"a\"]]",
     "evidence: expected an array"},
    {"dates.year_min", "1799", "dates.year_min: expected"},
    {"dates.year_min", "2027", "dates.year_max: 2026 is before year_min"},
    {"dates.year_max", "2201", "dates.year_max: expected"},
    {"dates.year_max", "1900", NULL},
    {"dates.outside", "\"ignore\"", "dates.outside: expected \"keep\" or \"drop\""},
    {"source.minimum_linkable", "0.5", "source.minimum_linkable: expected"},
    {"source.minimum_linkable", "\"1.5\"", "source.minimum_linkable: expected a number"},
    {"source.maximum_set_aside", "\"\"", "source.maximum_set_aside: expected a number"},
    {"source.maximum_set_aside", "\"0\"", NULL},
    {"scope.age_min", "151", "scope.age_min: expected"},
    {"scope.age_min", "26", "scope.age_max: expected a whole number from 26"},
    {"scope.age_max", "151", "scope.age_max: expected"},
    {"standardiser", "\"\"", "standardiser: expected a name"},
    {"standardiser", "\"kith 1\"", "standardiser: expected a name"},
    {"standardiser", "\"abcdefghijklmnopqrstuvwxyz012345\"", "standardiser: expected a name"},
    {"linkage.protection", "\"none\"", "linkage.protection: expected \"clk\" or \"blind\""},
    {"linkage.protection", "\"blind\"", "linkage.blind: is missing"},
    {"linkage.bits", "63", "linkage.bits: expected"},
    {"linkage.bits", "8193", "linkage.bits: expected"},
    {"linkage.bits", "8192", NULL},
    {"linkage.mask", "false", "linkage.similarity: masked_dice needs"},
    {"linkage.mask_minimum", "0", "linkage.mask_minimum: expected"},
    {"linkage.mask_minimum", "101", "linkage.mask_minimum: expected"},
    {"linkage.mask_minimum", "20", NULL},
    {"linkage.mask_minimum", "21", "round.minimum_batch: is below linkage.mask_minimum"},
    {"linkage.accepted_leaks", "[]", "linkage.accepted_leaks: expected an array"},
    {"linkage.accepted_leaks", "\"households\"", "linkage.accepted_leaks: expected an array"},
    {"linkage.accepted_leaks", "[\"names\"]", "linkage.accepted_leaks: expected \"households\""},
    {"linkage.accepted_leaks", "[1]", "linkage.accepted_leaks: expected \"households\""},
    {"linkage.accepted_leaks", "[\"households\"]", NULL},
    {"linkage.similarity", "\"jaccard\"", "linkage.similarity: expected"},
    {"linkage.similarity", "\"dice\"", NULL},
    {"linkage.fields", "[]", "linkage.fields: expected an array"},
    {"linkage.fields.1.field", "\"given_name\"", "linkage.fields[1].field: fields[0] is the same"},
    {"linkage.fields.1.field", "\"Name\"", "linkage.fields[1].field: expected a name"},
    {"linkage.fields.0.q", "5", "linkage.fields[0].q: expected"},
    {"linkage.fields.0.bits_per_token", "0", "linkage.fields[0].bits_per_token: expected"},
    {"linkage.fields.0.bits_per_token", "65", "linkage.fields[0].bits_per_token: expected"},
    {"linkage.fields.0.weight", "0", "linkage.fields[0].weight: expected"},
    {"linkage.fields.0.weight", "65536", "linkage.fields[0].weight: expected"},
    {"linkage.candidate_bound", "\"0\"", "linkage.candidate_bound: is 0"},
    {"linkage.candidate_bound", "\"1.1\"", "linkage.candidate_bound: expected a number"},
    {"linkage.candidate_bound", "\"1e-1\"", "linkage.candidate_bound: expected a number"},
    {"linkage.candidate_bound", "\"2/3\"", NULL},
    {"linkage.candidate_bound", "\"0.5\"", "linkage.candidate_floor: is not below"},
    {"linkage.candidate_floor", "\"0\"", "linkage.candidate_floor: is 0"},
    {"linkage.candidate_floor", "\"0.7\"", "linkage.candidate_floor: is not below"},
    {"linkage.candidate_floor", "\"0.64\"", NULL},
    {"linkage.candidates_max", "0", "linkage.candidates_max: expected"},
    {"linkage.threshold.default", "\"Auto\"", "linkage.threshold.default: expected \"auto\""},
    {"linkage.threshold.default", "\"0.4999\"", "default: is not between"},
    {"linkage.threshold.default", "\"0.991\"", "default: is not between"},
    {"linkage.threshold.default", "\"0.99\"", NULL},
    {"linkage.threshold.max", "\"0.4\"", "linkage.threshold.max: is below min"},
    {"cohort.rule", "\"\"", "cohort.rule: is empty"},
    {"cohort.rule", "\"police and probation\"", "cohort.rule: rule: column 12: \"probation\""},
    {"cohort.rule", "\"at least 4 services\"", "cohort.rule: rule: column 10: there are not"},
    {"cohort.rule", "\"police and not (education or health)\"", NULL},
    {"cohort.minimum_count", "0", "cohort.minimum_count: expected"},
    {"cohort.minimum_count", "1001", "cohort.minimum_count: expected"},
    {"round.quorum", "1", "round.quorum: expected a whole number from 2 to 3"},
    {"round.quorum", "4", "round.quorum: expected a whole number from 2 to 3"},
    {"round.minimum_batch", "0", "round.minimum_batch: expected"},
    {"round.rounds_max", "0", "round.rounds_max: expected"},
    {"round.rounds_max", "1001", "round.rounds_max: expected"},
    {"round.rounds_days", "0", "round.rounds_days: expected"},
    {"round.rounds_days", "367", "round.rounds_days: expected"},
    {"round.officers", "0", "round.officers: expected"},
    {"round.officers", "5", "round.officers: expected"},
    {"round.officers", "\"2\"", "round.officers: expected"},
    {"round.officers", "2", NULL},
    {"round.gather_s", "0", "round.gather_s: expected"},
    {"round.gather_s", "31622401", "round.gather_s: expected"},
    {"round.keying_s", "0", "round.keying_s: expected"},
    {"round.submit_s", "0", "round.submit_s: expected"},
    {"release.recipients", "[]", "disclosure.recipients: horizon is not one of"},
    {"release.recipients.0", "7", "release.recipients[0]: expected a member's id"},
    {"release.recipients.1", "\"horizon\"", "release.recipients[1]: is the same"},
    {"release.recipients", "[\"a\",\"b\",\"c\",\"d\",\"e\"]", "release.recipients: expected"},
    {"release.review_days", "366", "release.review_days: expected"},
    {"privacy_bound", "\"1.5\"", "privacy_bound"},
    {"privacy_bound", "0.1", "privacy_bound"},
    {"release.retention_days", "6", "release.retention_days: expected a whole number from 7"},
    {"release.retention_days", "3651", "release.retention_days: expected"},
    {"disclosure", "{}", "disclosure.fields: is missing"},
    {"disclosure.fields", "[]", "disclosure.fields: expected an array"},
    {"disclosure.fields.0", "\"Surname\"", "disclosure.fields: expected a name"},
    {"disclosure.fields.0", "\"contact\"", "disclosure.fields: has \"contact\" twice"},
    {"disclosure.reasons", "[]", "disclosure.reasons: expected an array"},
    {"disclosure.reasons.0", "\"early help\"", "disclosure.reasons: expected"},
    {"disclosure.reasons.0", "\"safeguarding\"", "disclosure.reasons: has \"safeguarding\" twice"},
    {"disclosure.recipients.0.id", "\"third\"", "third is not one of release.recipients"},
    {"disclosure.recipients.0.gateway", "\"\"", "recipients[0].gateway: is empty"},
    {"disclosure.agencies.0.id", "\"probation\"", "probation is not one of the policy's agencies"},
    {"disclosure.agencies.1.id", "\"police\"", "agencies[1].id: agencies[0] has the same"},
    {"disclosure.agencies.0.gateway", "\"\"", "agencies[0].gateway: is empty"},
    {"disclosure.officers", "0", "disclosure.officers: expected"},
    {"disclosure.officers", "5", "disclosure.officers: expected"},
    {"disclosure.answer_days", "0", "disclosure.answer_days: expected"},
    {"disclosure.answer_days", "366", "disclosure.answer_days: expected"},
    {"disclosure.requests_per_round", "4097", "disclosure.requests_per_round: expected"},
    {"disclosure.requests_per_round", "19", "disclosure.requests_per_day: expected"},
    {"disclosure.requests_per_day", "0", "disclosure.requests_per_day: expected"},
    {"disclosure.requests_per_day", "200", NULL},
    {"context", "{}", "context.agencies: is missing"},
    {"context.agencies", "[]", "context.agencies: expected an array"},
    {"context.agencies.0.id", "\"probation\"", "probation is not one of the policy's agencies"},
    {"context.agencies.1.id", "\"police\"", "agencies[1].id: agencies[0] has the same"},
    {"context.agencies.0.attributes", "[]", "attributes: expected an array"},
    {"context.agencies.0.attributes", "[\"a\",\"b\",\"c\",\"d\",\"e\"]", "attributes: expected"},
    {"context.agencies.0.attributes", "[\"a\",\"b\",\"c\",\"d\"]", NULL},
    {"context.agencies.0.attributes.1", "\"Ward\"", "attributes: expected a name"},
    {"context.agencies.0.attributes.1", "\"age_band\"", "attributes: has \"age_band\" twice"},
    {"context.agencies.0.gateway", "\"a law\"", "gateway: is not known here"},
    {"context.everybody", "true", "context.everybody: is not known here"},
    {"scope", "{\"places\": [\"cv\"]}", "and scope.on does not say on which day"},
    {"disclosure.everybody", "true", "disclosure.everybody: is not known here"},
};

/* Without the section, or a name in it, nobody may ask. */
static void who_may_ask(void **state)
{
  struct kith_policy policy = full_policy();

  (void)state;
  assert_string_equal(kith_policy_asks(&policy, "horizon"), "a law, section 1");
  assert_null(kith_policy_asks(&policy, "second"));
  assert_string_equal(kith_policy_answers(&policy, "health"), "a law, section 3");
  assert_null(kith_policy_answers(&policy, "education"));
  assert_true(kith_policy_disclosable(&policy, "contact"));
  assert_false(kith_policy_disclosable(&policy, "postcode"));
  assert_true(kith_policy_reason_allowed(&policy, "safeguarding"));
  assert_false(kith_policy_reason_allowed(&policy, "curiosity"));
  strcpy(policy.disclosure.agencies[1].gateway,
         "state the lawful gateway of health before signing");
  assert_null(kith_policy_answers(&policy, "health"));
  kith_policy_default(&policy, agencies, 3);
  assert_null(kith_policy_asks(&policy, "horizon"));
  assert_null(kith_policy_answers(&policy, "police"));
}

static void values(void **state)
{
  struct kith_policy policy = full_policy();
  json_t *good = print_json(&policy);

  (void)state;
  document_changes(read_policy, good, changes, sizeof changes / sizeof changes[0]);
  json_decref(good);
}

/* What older policies do not say, and what it then means. */
static void left_out(void **state)
{
  struct kith_policy policy = full_policy();
  struct kith_policy back;
  struct kith_policy defaults;
  json_t *root = print_json(&policy);
  char *text;

  (void)state;
  json_object_del(root, "scope");
  json_object_del(root, "evidence");
  json_object_del(root, "dates");
  json_object_del(root, "source");
  text = json_dumps(root, 0); /* ages are told of, on no day */
  assert_int_equal(kith_policy_parse(&back, text, strlen(text), "t.json", NULL), KITH_ERR_DATA);
  free(text);
  json_object_del(root, "context");
  text = json_dumps(root, 0);
  assert_int_equal(kith_policy_parse(&back, text, strlen(text), "t.json", NULL), KITH_OK);
  kith_policy_default(&defaults, agencies, 3);
  assert_false(back.scope.present);
  assert_memory_equal(&back.evidence, &defaults.evidence, sizeof back.evidence);
  assert_int_equal(back.evidence.n_groups, 2);
  assert_string_equal(back.evidence.groups[0].fields[2], "names");
  assert_string_equal(back.evidence.groups[1].fields[1], "postcode");
  assert_int_equal(back.dates.year_min, 1900);
  assert_int_equal(back.dates.year_max, 2026);
  assert_false(back.dates.drop_outside);
  assert_int_equal(back.source.minimum_linkable.numerator * 2,
                   back.source.minimum_linkable.denominator);
  assert_int_equal(back.source.maximum_set_aside.numerator * 5,
                   back.source.maximum_set_aside.denominator);
  json_decref(root);
  free(text);
}

static void too_many(void **state)
{
  struct kith_policy policy = full_policy();
  json_t *root = print_json(&policy);
  json_t *list = json_object_get(root, "agencies");
  char value[64];

  (void)state;
  for (int i = 3; i <= KITH_AGENCIES_MAX; i++) {
    snprintf(value, sizeof value, "{\"id\": \"a%d\", \"gateway\": \"g\"}", i);
    json_array_append_new(list, json_loads(value, 0, NULL));
  }
  document_refused(read_policy, root, "agencies", "one agency too many");
  json_array_remove(list, KITH_AGENCIES_MAX);
  list = json_object_get(json_object_get(root, "linkage"), "fields");
  while (json_array_size(list) <= KITH_FIELDS_MAX)
    json_array_append(list, json_array_get(list, 0));
  document_refused(read_policy, root, "fields", "one field too many");
  json_decref(root);
}

static void ratios(void **state)
{
  static const struct {
    struct kith_ratio ratio;
    const char *text;
  } known[] = {{{55, 100}, "0.55"},
               {{5, 1000}, "0.005"},
               {{0, 1}, "0"},
               {{1, 1}, "1"},
               {{10, 10}, "1.0"},
               {{1, 3}, "1/3"},
               {{1000000000, 1000000000}, "1.000000000"},
               {{1, 1000000000}, "0.000000001"},
               {{999999999, 1000000000}, "0.999999999"},
               {{7, 999999999}, "7/999999999"}};

  (void)state;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    char text[KITH_RATIO_TEXT_BYTES];
    struct kith_ratio back;

    kith_policy_ratio_text(text, known[i].ratio);
    assert_string_equal(text, known[i].text);
    assert_int_equal(kith_ratio_parse(&back, text, NULL), KITH_OK);
    assert_int_equal(back.numerator, known[i].ratio.numerator);
    assert_int_equal(back.denominator, known[i].ratio.denominator);
  }
}

static void accepts(void **state)
{
  struct kith_policy policy = full_policy();
  struct kith_policy out;
  struct kith_identity *lead = NULL;
  struct kith_signers signers = {.threshold = 1, .n_keys = 1};
  struct kith_signed document;
  struct kith_fault fault = {0};
  char *text = print(&policy);
  bool locked;

  (void)state;
  assert_int_equal(kith_crypto_init(&locked), KITH_OK);
  assert_int_equal(kith_identity_new(&lead), KITH_OK);
  memcpy(signers.keys[0], lead->public_keys.sign, KITH_PUBLIC_BYTES);
  assert_int_equal(kith_signed_from_bytes(&document, KITH_DOCUMENT_POLICY, text, strlen(text)),
                   KITH_OK);
  assert_int_equal(kith_policy_accept(&out, &document, &signers, 0, &fault), KITH_ERR_NO);
  assert_int_equal(kith_signed_sign(&document, lead), KITH_OK);
  assert_int_equal(kith_policy_accept(&out, &document, &signers, policy.expires - 1, &fault),
                   KITH_OK);
  assert_string_equal(out.rule, policy.rule);
  assert_int_equal(kith_policy_accept(&out, &document, &signers, policy.expires, &fault),
                   KITH_ERR_DENIED);
  assert_non_null(strstr(fault.text, "2036-01-01T00:00:00Z"));
  kith_signed_free(&document);

  /* Signed, but no policy. */
  assert_int_equal(kith_signed_from_bytes(&document, KITH_DOCUMENT_POLICY, "{}", 2), KITH_OK);
  assert_int_equal(kith_signed_sign(&document, lead), KITH_OK);
  assert_int_equal(kith_policy_accept(&out, &document, &signers, 0, &fault), KITH_ERR_DATA);
  kith_signed_free(&document);
  kith_identity_free(lead);
  free(text);
}

static void out_of_memory(void **state)
{
  struct kith_policy policy = full_policy();
  char *text = print(&policy);

  (void)state;
  UNIT_EACH_ALLOCATION(n)
  {
    enum kith_err err = read_policy(text, strlen(text), NULL);

    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_int_equal(err, KITH_ERR_MEMORY);
  }
  free(text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(round_trips),   cmocka_unit_test(default_is_fixed),
      cmocka_unit_test(every_key),     cmocka_unit_test(values),
      cmocka_unit_test(left_out),      cmocka_unit_test(too_many),
      cmocka_unit_test(ratios),        cmocka_unit_test(accepts),
      cmocka_unit_test(out_of_memory), cmocka_unit_test(who_may_ask)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
