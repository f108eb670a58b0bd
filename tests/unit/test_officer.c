#include "proto/officer.h"

#include "base/mem.h"
#include "crypto/secret.h"
#include "tests/unit/document.h"
#include "tests/unit/unit.h"

enum { PEOPLE = 5, NOW = 1800000000, BY_POLICE = 4 };
static struct kith_identity *people[PEOPLE]; /* 0 to 3 are officers or not, 4 is the agency */
static const kith_round_id round_one = {1, 2, 3};
static const kith_round_id round_two = {9};
static const char text[] = "what would leave\n";

static int set_up(void **state)
{
  bool locked;

  (void)state;
  if (kith_crypto_init(&locked) != KITH_OK)
    return -1;
  for (int i = 0; i < PEOPLE; i++)
    if (kith_identity_new(&people[i]) != KITH_OK)
      return -1;
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  for (int i = 0; i < PEOPLE; i++)
    kith_identity_free(people[i]);
  return 0;
}

/* Officers 0 to n - 1 of the police. */
static struct kith_officers list_of(unsigned n)
{
  struct kith_officers list = {.member = "police", .version = 3, .n = n};

  for (unsigned i = 0; i < n; i++) {
    struct kith_officer *officer = &list.officers[i];

    snprintf(officer->id, sizeof officer->id, "officer_%u", i);
    strcpy(officer->role, "data officer");
    memcpy(officer->key, people[i]->public_keys.sign, KITH_PUBLIC_BYTES);
    officer->valid_from = NOW - 1000;
    officer->expires = NOW + 1000;
  }
  return list;
}

static struct kith_officer_question question_of(enum kith_officer_kind kind)
{
  struct kith_officer_question question = {.member = "police", .kind = kind};

  memcpy(question.round, round_one, sizeof round_one);
  kith_officer_subject(&question.subject, text, sizeof text - 1);
  return question;
}

static struct kith_officer_decision decide(const struct kith_officer_question *question, int person,
                                           int64_t time)
{
  struct kith_officer_decision decision;

  assert_int_equal(kith_officer_decide(&decision, question, time, 7, people[person]), KITH_OK);
  return decision;
}

/* ---- the list */

static enum kith_err list_reader(const char *json, size_t len, struct kith_fault *fault)
{
  struct kith_officers list;

  return kith_officers_parse(&list, json, len, "t.json", fault);
}

static enum kith_err card_reader(const char *json, size_t len, struct kith_fault *fault)
{
  struct kith_officer officer;

  return kith_officer_card_parse(&officer, json, len, "t.json", fault);
}

static json_t *list_json(unsigned n)
{
  struct kith_officers list = list_of(n);
  struct kith_buf buf = {0};
  json_t *json;

  assert_int_equal(kith_officers_print(&buf, &list), KITH_OK);
  json = json_loadb((const char *)buf.bytes, buf.len, 0, NULL);
  assert_non_null(json);
  kith_buf_free(&buf);
  return json;
}

static void list_reads_back(void **state)
{
  struct kith_officers list = list_of(3);
  struct kith_officers back;
  struct kith_buf buf = {0};
  struct kith_buf again = {0};

  (void)state;
  assert_int_equal(kith_officers_print(&buf, &list), KITH_OK);
  assert_int_equal(kith_officers_parse(&back, buf.bytes, buf.len, "t", NULL), KITH_OK);
  assert_memory_equal(&back, &list, sizeof list);
  assert_int_equal(kith_officers_print(&again, &back), KITH_OK);
  assert_int_equal(buf.len, again.len);
  assert_memory_equal(buf.bytes, again.bytes, buf.len);
  assert_string_equal(kith_officer_by_id(&back, "officer_2")->role, "data officer");
  assert_null(kith_officer_by_id(&back, "officer_3"));
  assert_ptr_equal(kith_officer_by_key(&back, people[1]->public_keys.sign), &back.officers[1]);
  assert_null(kith_officer_by_key(&back, people[3]->public_keys.sign));
  kith_buf_free(&buf);
  kith_buf_free(&again);
}

static void list_refusals(void **state)
{
  static const struct document_change changes[] = {
      {"kith", "\"charter\"", "another document"},
      {"version", "0", "version"},
      {"member", "\"The Police\"", "a member's id"},
      {"officers.1.id", "\"officer_0\"", "officers[0] has the same"},
      {"officers.1.id", "\"Jane Doe\"", "a member's id"},
      {"officers.0.role", "\"one\\ntwo\"", "line break"},
      {"officers.0.key", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"", "weak key"},
      {"officers.0.key", "\"AAAA\"", "32 bytes in base64"},
      {"officers.0.expires", "\"2020-01-01T00:00:00Z\"", "not after valid_from"},
      {"officers.0.expires", "\"tomorrow\"", "a time in UTC"},
      {"officers", "[]", NULL},
  };
  json_t *json = list_json(2);
  json_t *same = json_deep_copy(json);
  struct kith_fault fault = {0};
  char *dump;

  (void)state;
  document_mutate(list_reader, json, json, "");
  document_changes(list_reader, json, changes, KITH_COUNT_OF(changes));
  json_object_set(json_array_get(json_object_get(same, "officers"), 1), "key",
                  json_object_get(json_array_get(json_object_get(json, "officers"), 0), "key"));
  dump = json_dumps(same, 0);
  assert_int_equal(list_reader(dump, strlen(dump), &fault), KITH_ERR_DATA);
  assert_non_null(strstr(fault.text, "officers[0] has the same"));
  free(dump);
  json_decref(same);
  json_decref(json);
}

static void card_reads_back(void **state)
{
  struct kith_officers list = list_of(1);
  struct kith_officer card = list.officers[0];
  struct kith_officer back;
  struct kith_buf buf = {0};
  json_t *json;

  (void)state;
  card.valid_from = 0;
  card.expires = 0;
  assert_int_equal(kith_officer_card_print(&buf, &card), KITH_OK);
  assert_int_equal(kith_officer_card_parse(&back, buf.bytes, buf.len, "t", NULL), KITH_OK);
  assert_memory_equal(&back, &card, sizeof card);
  json = json_loadb((const char *)buf.bytes, buf.len, 0, NULL);
  document_mutate(card_reader, json, json, "");
  json_decref(json);
  kith_buf_free(&buf);
}

static enum kith_err accept(const struct kith_signed *document, const struct kith_officers *current,
                            struct kith_fault *fault)
{
  struct kith_officers out = {0};
  enum kith_err err = kith_officers_accept(
      &out, document, "police", people[BY_POLICE]->public_keys.sign, current, NULL, fault);

  assert_int_equal(out.version != 0, err == KITH_OK);
  return err;
}

static void list_is_accepted_only_from_the_member(void **state)
{
  struct kith_officers list = list_of(2);
  struct kith_officers older = list;
  struct kith_officers out;
  struct kith_signed document;
  struct kith_signed other;
  struct kith_hash hash;
  struct kith_fault fault = {0};

  (void)state;
  assert_int_equal(kith_officers_sign(&document, &list, people[BY_POLICE]), KITH_OK);
  assert_int_equal(accept(&document, NULL, &fault), KITH_OK);
  older.version = 2;
  assert_int_equal(accept(&document, &older, &fault), KITH_OK);

  /* The same again, and another of the same or a lower version. */
  kith_signed_hash(&hash, &document);
  assert_int_equal(kith_officers_accept(&out, &document, "police",
                                        people[BY_POLICE]->public_keys.sign, &list, &hash, &fault),
                   KITH_ERR_EXISTS);
  assert_int_equal(accept(&document, &list, &fault), KITH_ERR_DENIED);
  assert_non_null(strstr(fault.text, "version 3 is held"));
  assert_int_equal(kith_officers_sign(&other, &older, people[BY_POLICE]), KITH_OK);
  assert_int_equal(accept(&other, &list, &fault), KITH_ERR_DENIED);
  kith_signed_free(&other);

  /* Signed by an officer, by nobody, changed after it was signed. */
  assert_int_equal(kith_officers_sign(&other, &list, people[0]), KITH_OK);
  assert_int_equal(accept(&other, NULL, &fault), KITH_ERR_NO);
  assert_non_null(strstr(fault.text, "not signed by the member's own key"));
  other.n_signatures = 0;
  assert_int_equal(accept(&other, NULL, &fault), KITH_ERR_NO);
  kith_signed_free(&other);
  document.bytes[document.len - 3] ^= 1;
  assert_int_equal(accept(&document, NULL, &fault), KITH_ERR_NO);
  assert_non_null(strstr(fault.text, "the member's signature is false"));
  kith_signed_free(&document);

  /* Of another member, and with the member's own key as an officer's. */
  strcpy(list.member, "health");
  assert_int_equal(kith_officers_sign(&document, &list, people[BY_POLICE]), KITH_OK);
  assert_int_equal(accept(&document, NULL, &fault), KITH_ERR_DENIED);
  assert_non_null(strstr(fault.text, "another member"));
  kith_signed_free(&document);
  list = list_of(2);
  memcpy(list.officers[1].key, people[BY_POLICE]->public_keys.sign, KITH_PUBLIC_BYTES);
  assert_int_equal(kith_officers_sign(&document, &list, people[BY_POLICE]), KITH_OK);
  assert_int_equal(accept(&document, NULL, &fault), KITH_ERR_DENIED);
  assert_non_null(strstr(fault.text, "own key"));
  document.kind = KITH_DOCUMENT_POLICY;
  assert_int_equal(accept(&document, NULL, &fault), KITH_ERR_DATA);
  kith_signed_free(&document);
}

/* ---- decisions */

static void decision_reads_back(void **state)
{
  struct kith_officers list = list_of(2);
  struct kith_officer_question question = question_of(KITH_OFFICER_REFUSE);
  struct kith_officer_decision decision = decide(&question, 1, NOW);
  struct kith_officer_decision back;
  const struct kith_officer *officer;
  struct kith_buf buf = {0};

  (void)state;
  kith_officer_decision_write(&buf, &decision);
  assert_int_equal(kith_buf_err(&buf), KITH_OK);
  assert_true(buf.len <= KITH_OFFICER_DECISION_BYTES_MAX);
  assert_int_equal(kith_officer_decision_read(&back, buf.bytes, buf.len), KITH_OK);
  assert_int_equal(back.kind, KITH_OFFICER_REFUSE);
  assert_string_equal(back.member, "police");
  assert_int_equal(back.time, NOW);
  assert_int_equal(back.reason, 7);
  assert_int_equal(kith_officer_decision_verify(&officer, &back, &list, &question, NULL), KITH_OK);
  assert_string_equal(officer->id, "officer_1");
  /* Every byte is needed, and no bit may differ. */
  for (size_t i = 0; i < buf.len; i++)
    assert_int_equal(kith_officer_decision_read(&back, buf.bytes, i), KITH_ERR_DATA);
  for (size_t i = 0; i < 8 * buf.len; i++) {
    buf.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    if (kith_officer_decision_read(&back, buf.bytes, buf.len) == KITH_OK)
      assert_int_equal(kith_officer_decision_verify(NULL, &back, &list, &question, NULL),
                       KITH_ERR_DENIED);
    buf.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
  }
  kith_buf_append(&buf, "", 1);
  assert_int_equal(kith_officer_decision_read(&back, buf.bytes, buf.len), KITH_ERR_DATA);
  kith_buf_free(&buf);
}

static void refused(const struct kith_officer_decision *decision, const struct kith_officers *list,
                    const struct kith_officer_question *question, const char *words)
{
  struct kith_fault fault = {0};

  assert_int_equal(kith_officer_decision_verify(NULL, decision, list, question, &fault),
                   KITH_ERR_DENIED);
  if (!strstr(fault.text, words))
    fail_msg("expected '%s' in: %s", words, fault.text);
  assert_false(kith_officer_decisions_satisfy(list, question, decision, 1, 1));
}

static void decision_refusals(void **state)
{
  struct kith_officers list = list_of(2);
  struct kith_officer_question question = question_of(KITH_OFFICER_JOIN);
  struct kith_officer_question other = question;
  struct kith_officer_decision good = decide(&question, 0, NOW);
  struct kith_officer_decision decision = good;

  (void)state;
  assert_true(kith_officer_decisions_satisfy(&list, &question, &good, 1, 1));
  /* An officer of none, or of another agency's list. */
  decision = decide(&question, 2, NOW);
  refused(&decision, &list, &question, "no officer on this member's list");
  other.member = "health";
  decision = decide(&other, 0, NOW);
  refused(&decision, &list, &question, "another member");
  refused(&decision, &list, &other, "another member");
  /* Another round, another kind, other words than are shown now. */
  other = question;
  memcpy(other.round, round_two, sizeof round_two);
  refused(&good, &list, &other, "another round");
  other = question;
  other.kind = KITH_OFFICER_DECLINE;
  refused(&good, &list, &other, "is to join, not to decline");
  other = question;
  kith_officer_subject(&other.subject, text, sizeof text - 2);
  refused(&good, &list, &other, "look at it again");
  /* Not yet and no longer valid. */
  decision = decide(&question, 0, NOW - 1001);
  refused(&decision, &list, &question, "not valid");
  decision = decide(&question, 0, NOW + 1000);
  refused(&decision, &list, &question, "not valid");
  /* Fields that are changed after they were signed; a signature under another's key. */
  decision = good;
  decision.reason = 8;
  refused(&decision, &list, &question, "signature is false");
  decision = good;
  decision.time++;
  refused(&decision, &list, &question, "signature is false");
  decision = good;
  memcpy(decision.key, people[1]->public_keys.sign, KITH_PUBLIC_BYTES);
  refused(&decision, &list, &question, "signature is false");
  /* What a statement or a list is signed with is no decision. */
  other = question;
  other.member = "Police";
  assert_int_equal(kith_officer_decide(&decision, &other, NOW, 0, people[0]), KITH_ERR_DATA);
  assert_int_equal(
      kith_officer_decide(&decision, &question, NOW, KITH_OFFICER_REASON_MAX + 1, people[0]),
      KITH_ERR_DATA);
}

static void two_officers_are_two_keys(void **state)
{
  struct kith_officers list = list_of(3);
  struct kith_officer_question question = question_of(KITH_OFFICER_APPROVE);
  struct kith_officer_question other = question_of(KITH_OFFICER_REFUSE);
  struct kith_officer_decision decisions[] = {decide(&question, 0, NOW), decide(&question, 0, NOW),
                                              decide(&question, 0, NOW + 1), decide(&other, 1, NOW),
                                              decide(&question, 3, NOW)};

  (void)state;
  assert_int_equal(kith_officer_decisions_count(&list, &question, decisions, 5), 1);
  assert_true(kith_officer_decisions_satisfy(&list, &question, decisions, 5, 1));
  assert_false(kith_officer_decisions_satisfy(&list, &question, decisions, 5, 2));
  decisions[1] = decide(&question, 2, NOW);
  assert_true(kith_officer_decisions_satisfy(&list, &question, decisions, 5, 2));
  assert_false(kith_officer_decisions_satisfy(&list, &question, decisions, 5, 3));
  /* None is needed: one is, still. */
  assert_true(kith_officer_decisions_satisfy(&list, &question, decisions, 1, 0));
  assert_false(kith_officer_decisions_satisfy(&list, &question, decisions, 0, 0));
  /* Struck off the list, a decision counts no more, though the officer has the same id again. */
  list.n = 2;
  assert_false(kith_officer_decisions_satisfy(&list, &question, decisions, 5, 2));
  strcpy(list.officers[1].id, "officer_2");
  assert_int_equal(kith_officer_decisions_count(&list, &question, decisions, 5), 1);
}

static void old_and_future_decisions(void **state)
{
  struct kith_officer_question question = question_of(KITH_OFFICER_JOIN);
  struct kith_officer_decision decision = decide(&question, 0, NOW);
  struct kith_fault fault = {0};

  (void)state;
  assert_int_equal(kith_officer_decision_fresh(&decision, NOW, &fault), KITH_OK);
  assert_int_equal(kith_officer_decision_fresh(&decision, NOW + KITH_OFFICER_AGE_MAX_S, &fault),
                   KITH_OK);
  assert_int_equal(kith_officer_decision_fresh(&decision, NOW + KITH_OFFICER_AGE_MAX_S + 1, &fault),
                   KITH_ERR_DENIED);
  assert_int_equal(kith_officer_decision_fresh(&decision, NOW - KITH_CLOCK_SKEW_S, &fault),
                   KITH_OK);
  assert_int_equal(kith_officer_decision_fresh(&decision, NOW - KITH_CLOCK_SKEW_S - 1, &fault),
                   KITH_ERR_DENIED);
}

static void fingerprints(void **state)
{
  char one[KITH_FINGERPRINT_BYTES];
  char two[KITH_FINGERPRINT_BYTES];

  (void)state;
  kith_officer_fingerprint(one, people[0]->public_keys.sign);
  kith_officer_fingerprint(two, people[1]->public_keys.sign);
  assert_int_equal(strlen(one), KITH_FINGERPRINT_BYTES - 1);
  assert_string_not_equal(one, two);
  assert_string_equal(kith_officer_kind_name(KITH_OFFICER_WITHDRAW), "withdraw");
  assert_string_equal(kith_officer_kind_name(KITH_OFFICER_KINDS), "unknown");
}

static void no_memory(void **state)
{
  struct kith_officers list = list_of(2);
  struct kith_officer_question question = question_of(KITH_OFFICER_JOIN);

  (void)state;
  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_signed document = {0};
    struct kith_officers out;
    struct kith_officer_decision decision;
    enum kith_err err = kith_officers_sign(&document, &list, people[BY_POLICE]);

    if (err == KITH_OK)
      err = kith_officers_accept(&out, &document, "police", people[BY_POLICE]->public_keys.sign,
                                 NULL, NULL, NULL);
    if (err == KITH_OK)
      err = kith_officer_decide(&decision, &question, NOW, 0, people[0]);
    if (err == KITH_OK)
      err = kith_officer_decision_verify(NULL, &decision, &out, &question, NULL);
    kith_signed_free(&document);
    assert_true(err == KITH_OK || err == KITH_ERR_MEMORY);
    if (err == KITH_OK)
      unit_allocations_done();
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(list_reads_back),
      cmocka_unit_test(list_refusals),
      cmocka_unit_test(card_reads_back),
      cmocka_unit_test(list_is_accepted_only_from_the_member),
      cmocka_unit_test(decision_reads_back),
      cmocka_unit_test(decision_refusals),
      cmocka_unit_test(two_officers_are_two_keys),
      cmocka_unit_test(old_and_future_decisions),
      cmocka_unit_test(fingerprints),
      cmocka_unit_test(no_memory),
  };

  return cmocka_run_group_tests(tests, set_up, tear_down);
}
