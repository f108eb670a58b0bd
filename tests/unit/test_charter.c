#include "proto/charter.h"

#include "base/text.h"
#include "crypto/secret.h"
#include "tests/unit/document.h"
#include "tests/unit/unit.h"

enum { PEOPLE = 8, NOW = 1800000000 };
static struct kith_identity *people[PEOPLE]; /* 0 to 3 govern, 4 matches, 5 to 7 are members */

static int set_up(void **state)
{
  bool locked;

  (void)state;
  if (kith_crypto_init(&locked) != KITH_OK)
    return -1;
  for (int i = 0; i < PEOPLE; i++) {
    if (kith_identity_new(&people[i]) != KITH_OK)
      return -1;
  }
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  for (int i = 0; i < PEOPLE; i++)
    kith_identity_free(people[i]);
  return 0;
}

static void add(struct kith_charter *charter, const char *id, enum kith_role role,
                enum kith_agency_kind kind, int person)
{
  struct kith_member *member = &charter->members[charter->n_members++];

  *member = (struct kith_member){.role = role, .kind = kind, .keys = people[person]->public_keys};
  strcpy(member->id, id);
  snprintf(member->name, sizeof member->name, "The %s", id);
}

static struct kith_signers signers_of(unsigned threshold, int first, int n)
{
  struct kith_signers signers = {.threshold = threshold, .n_keys = (unsigned)n};

  for (int i = 0; i < n; i++)
    memcpy(signers.keys[i], people[first + i]->public_keys.sign, KITH_PUBLIC_BYTES);
  return signers;
}

static struct kith_charter good_charter(void)
{
  struct kith_charter charter = {.name = "City",
                                 .version = 1,
                                 .valid_from = NOW - 1000,
                                 .expires = NOW + 1000,
                                 .governance = signers_of(2, 0, 3),
                                 .matcher_address = "tcp://192.0.2.1:7420"};

  add(&charter, "matcher", KITH_ROLE_MATCHER, KITH_KIND_NONE, 4);
  add(&charter, "police", KITH_ROLE_AGENCY, KITH_KIND_POLICE, 5);
  add(&charter, "horizon", KITH_ROLE_RECIPIENT, KITH_KIND_NONE, 6);
  add(&charter, "lead", KITH_ROLE_GOVERNANCE, KITH_KIND_NONE, 0);
  return charter;
}

static char *print(const struct kith_charter *charter)
{
  struct kith_buf buf;

  kith_buf_init(&buf, KITH_DOCUMENT_BYTES_MAX);
  assert_int_equal(kith_charter_print(&buf, charter), KITH_OK);
  kith_buf_append(&buf, "", 1);
  return (char *)buf.bytes;
}

static json_t *print_json(const struct kith_charter *charter)
{
  char *text = print(charter);
  json_t *json = json_loads(text, 0, NULL);

  assert_non_null(json);
  free(text);
  return json;
}

static enum kith_err read_charter(const char *text, size_t len, struct kith_fault *fault)
{
  static struct kith_charter out;
  static struct kith_charter before;
  enum kith_err err;

  memset(&out, 0x5a, sizeof out);
  before = out;
  err = kith_charter_parse(&out, text, len, "t.json", fault);
  if (err != KITH_OK)
    assert_memory_equal(&out, &before, sizeof out);
  return err;
}

static enum kith_err read_draft(const char *text, size_t len, struct kith_fault *fault)
{
  static struct kith_charter out;

  return kith_charter_parse_draft(&out, text, len, "t.json", fault);
}

static enum kith_err read_member(const char *text, size_t len, struct kith_fault *fault)
{
  struct kith_member out;

  return kith_member_parse(&out, text, len, "t.json", fault);
}

static void round_trips(void **state)
{
  struct kith_charter charter = good_charter();
  struct kith_charter back;
  struct kith_member member;
  struct kith_buf buf;
  char *text = print(&charter);
  char *again;

  (void)state;
  assert_int_equal(kith_charter_parse(&back, text, strlen(text), "t", NULL), KITH_OK);
  again = print(&back);
  assert_string_equal(text, again);
  assert_memory_equal(&back.governance, &charter.governance, sizeof back.governance);
  assert_memory_equal(&back.members[1].keys, &charter.members[1].keys, sizeof back.members[1].keys);
  assert_int_equal(back.members[1].kind, KITH_KIND_POLICE);
  free(text);
  free(again);

  kith_buf_init(&buf, 0);
  assert_int_equal(kith_member_print(&buf, &charter.members[1]), KITH_OK);
  assert_int_equal(kith_member_parse(&member, buf.bytes, buf.len, "t", NULL), KITH_OK);
  assert_string_equal(member.id, "police");
  assert_memory_equal(&member.keys, &charter.members[1].keys, sizeof member.keys);
  kith_buf_free(&buf);
}

static void every_key(void **state)
{
  struct kith_charter charter = good_charter();
  json_t *root = print_json(&charter);
  struct kith_buf buf;

  (void)state;
  document_mutate(read_charter, root, root, " ");
  json_decref(root);

  kith_buf_init(&buf, 0);
  assert_int_equal(kith_member_print(&buf, &charter.members[1]), KITH_OK);
  root = json_loadb((const char *)buf.bytes, buf.len, 0, NULL);
  document_mutate(read_member, root, root, " ");
  json_decref(root);
  kith_buf_free(&buf);
}

/* Points of small order: the neutral element, one of order 2, zero on the Montgomery curve. */
static const char neutral[] = "\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"";
static const char zero[] = "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"";
static const char order_two[] = "\"7P///////////////////////////////////////38=\"";
static const struct document_change changes[] = {
    {"kith", "\"policy\"", "kith: expected \"charter\""},
    {"format", "2", "format: expected"},
    {"version", "0", "version: expected"},
    {"expires", "\"2020-01-01T00:00:00Z\"", "expires: is not after valid_from"},
    {"governance.threshold", "0", "governance.threshold: expected a whole number from 1 to 3"},
    {"governance.threshold", "4", "governance.threshold: expected a whole number from 1 to 3"},
    {"governance.keys", "[]", "governance.keys: expected an array of 1"},
    {"governance.keys.1", "\"abc\"", "governance.keys[1]: expected a key of 32 bytes"},
    {"governance.keys.1", "5", "governance.keys[1]: expected a key of 32 bytes"},
    {"governance.keys.1", neutral, "governance.keys[1]: is a weak key"},
    {"governance.keys.1", order_two, "governance.keys[1]: is a weak key"},
    {"matcher_address", "\"udp://192.0.2.1:7420\"", "matcher_address: expected tcp"},
    {"matcher_address", "\"tcp://192.0.2.1\"", "matcher_address: expected tcp"},
    {"matcher_address", "\"tcp://192.0.2.1:0\"", "matcher_address: expected tcp"},
    {"matcher_address", "\"tcp://192.0.2.1:65536\"", "matcher_address: expected tcp"},
    {"matcher_address", "\"tcp://192.0.2.1:74 20\"", "matcher_address: expected tcp"},
    {"matcher_address", "\"tcp://*:7420\"", "matcher_address: expected tcp"},
    {"matcher_address", "\"tcp://:7420\"", "matcher_address: expected tcp"},
    {"matcher_address", "\"tcp://[]:7420\"", "matcher_address: expected tcp"},
    {"matcher_address", "\"tcp://[::1:7420\"", "matcher_address: expected tcp"},
    {"matcher_address", "\"tcp://eth0;192.0.2.1:7420\"", "matcher_address: expected tcp"},
    {"matcher_address", "\"tcp://[2001:db8::1]:7420\"", NULL},
    {"matcher_address", "\"tcp://matcher.example.org:1\"", NULL},
    {"members", "[]", "members: has 0 matchers"},
    {"members.1.role", "\"matcher\"", "members[1].kind: is for agencies only"},
    {"members.2.role", "\"matcher\"", "members: has 2 matchers"},
    {"members.2.role", "\"agency\"", "members[2].kind: is missing"},
    {"members.2.kind", "\"police\"", "members[2].kind: is for agencies only"},
    {"members.1.role", "\"auditor\"", "members[1].role: expected agency"},
    {"members.1.kind", "\"none\"", "members[1].kind: expected police"},
    {"members.1.kind", "\"army\"", "members[1].kind: expected police"},
    {"members.1.id", "\"matcher\"", "members[1].id: members[0] has the same"},
    {"members.1.sign", zero, "members[1].sign: is a weak key"},
    {"members.1.sign", neutral, "members[1].sign: is a weak key"},
    {"members.1.seal", zero, "members[1].seal: is a weak key"},
    {"members.1.seal", neutral, "members[1].seal: is a weak key"},
    {"members.1.curve", zero, "members[1].curve: is a weak key"},
    {"members.1.curve", "\"\"", "members[1].curve: expected a key of 32 bytes"},
};

static void values(void **state)
{
  static const char *const keys[] = {"sign", "seal", "curve"};
  struct kith_charter charter = good_charter();
  json_t *good = print_json(&charter);

  (void)state;
  document_changes(read_charter, good, changes, sizeof changes / sizeof changes[0]);
  for (int i = 0; i < 3; i++) {
    json_t *root = json_deep_copy(good);
    json_t *members = json_object_get(root, "members");
    char problem[64];

    snprintf(problem, sizeof problem, "members[2].%s", keys[i]);
    json_object_set(json_array_get(members, 2), keys[i],
                    json_object_get(json_array_get(members, 1), keys[i]));
    document_refused(read_charter, root, problem, "one key of two members");
    json_decref(root);
  }
  json_array_set(json_object_get(json_object_get(good, "governance"), "keys"), 1,
                 json_array_get(json_object_get(json_object_get(good, "governance"), "keys"), 0));
  document_refused(read_charter, good, "governance.keys[1]", "a governance key twice");
  json_decref(good);
}

static void drafts(void **state)
{
  struct kith_charter charter = good_charter();
  struct kith_fault fault = {0};
  char *text;

  (void)state;
  memmove(charter.members, charter.members + 1, sizeof charter.members - sizeof charter.members[0]);
  charter.n_members--;
  text = print(&charter);
  assert_int_equal(read_draft(text, strlen(text), &fault), KITH_OK);
  assert_int_equal(read_charter(text, strlen(text), &fault), KITH_ERR_DATA);
  free(text);
  charter.n_members = 0;
  text = print(&charter);
  assert_int_equal(read_draft(text, strlen(text), &fault), KITH_OK);
  free(text);
}

static void looks_up(void **state)
{
  struct kith_charter charter = good_charter();

  (void)state;
  assert_ptr_equal(kith_charter_member(&charter, "police"), &charter.members[1]);
  assert_null(kith_charter_member(&charter, "pol"));
  assert_null(kith_charter_member(&charter, ""));
  assert_ptr_equal(kith_charter_by_curve(&charter, people[6]->public_keys.curve),
                   &charter.members[2]);
  assert_null(kith_charter_by_curve(&charter, people[7]->public_keys.curve));
  assert_ptr_equal(kith_charter_matcher(&charter), &charter.members[0]);
  charter.n_members = 0;
  assert_null(kith_charter_matcher(&charter));
}

static void names(void **state)
{
  enum kith_role role = KITH_ROLE_AGENCY;
  enum kith_agency_kind kind = KITH_KIND_NONE;

  (void)state;
  for (int i = KITH_ROLE_AGENCY; i <= KITH_ROLE_GOVERNANCE; i++) {
    assert_int_equal(kith_role_parse(&role, kith_role_name((enum kith_role)i)), KITH_OK);
    assert_int_equal(role, i);
  }
  for (int i = KITH_KIND_POLICE; i <= KITH_KIND_OTHER; i++) {
    assert_int_equal(kith_agency_kind_parse(&kind, kith_agency_kind_name((enum kith_agency_kind)i)),
                     KITH_OK);
    assert_int_equal(kind, i);
  }
  assert_int_equal(kith_role_parse(&role, "none"), KITH_ERR_DATA);
  assert_int_equal(kith_agency_kind_parse(&kind, "none"), KITH_ERR_DATA);
  assert_string_equal(kith_role_name((enum kith_role)0), "unknown");
  assert_string_equal(kith_agency_kind_name((enum kith_agency_kind)99), "unknown");
}

/* ---- accepting: `signers` is a bit for each person */

static enum kith_err accept_text(const char *text, unsigned signers,
                                 const struct kith_charter *current, int64_t now,
                                 struct kith_fault *fault)
{
  struct kith_signers pinned = signers_of(2, 0, 3);
  struct kith_signed document;
  struct kith_charter out;
  enum kith_err err;

  assert_int_equal(kith_signed_from_bytes(&document, KITH_DOCUMENT_CHARTER, text, strlen(text)),
                   KITH_OK);
  for (int i = 0; i < PEOPLE; i++) {
    if (signers >> i & 1)
      assert_int_equal(kith_signed_sign(&document, people[i]), KITH_OK);
  }
  err = kith_charter_accept(&out, &document, &pinned, current, now, fault);
  kith_signed_free(&document);
  return err;
}

static enum kith_err accept(const struct kith_charter *charter, unsigned signers,
                            const struct kith_charter *current, struct kith_fault *fault)
{
  char *text = print(charter);
  enum kith_err err = accept_text(text, signers, current, NOW, fault);

  free(text);
  return err;
}

static void accepts_pinned(void **state)
{
  struct kith_charter charter = good_charter();
  struct kith_fault fault = {0};
  char *text = print(&charter);

  (void)state;
  assert_int_equal(accept_text(text, 0x3, NULL, NOW, &fault), KITH_OK);
  assert_int_equal(accept_text(text, 0x1, NULL, NOW, &fault), KITH_ERR_NO);
  assert_int_equal(accept_text(text, 0x39, NULL, NOW, &fault), KITH_ERR_NO);
  assert_int_equal(accept_text(text, 0x3, NULL, NOW + 1000, &fault), KITH_ERR_DENIED);
  assert_non_null(strstr(fault.text, "expired at "));
  assert_int_equal(accept_text(text, 0x3, NULL, NOW + 999, &fault), KITH_OK);
  assert_int_equal(accept_text(text, 0x3, NULL, NOW - 1000 - KITH_CLOCK_SKEW_S, &fault), KITH_OK);
  assert_int_equal(accept_text(text, 0x3, NULL, NOW - 1001 - KITH_CLOCK_SKEW_S, &fault),
                   KITH_ERR_DENIED);
  assert_non_null(strstr(fault.text, "not valid before"));
  assert_int_equal(accept_text("{}", 0x3, NULL, NOW, &fault), KITH_ERR_DATA);
  /* Signatures come first: what is not signed is not parsed. */
  assert_int_equal(accept_text("{}", 0x1, NULL, NOW, &fault), KITH_ERR_NO);
  free(text);
}

static void accepts_versions(void **state)
{
  struct kith_charter current = good_charter();
  struct kith_charter next = current;
  struct kith_fault fault = {0};

  (void)state;
  current.version = 5;
  next.version = 4;
  assert_int_equal(accept(&next, 0x3, &current, &fault), KITH_ERR_DENIED);
  assert_non_null(strstr(fault.text, "version 4 is older than version 5"));
  next = current;
  assert_int_equal(accept(&next, 0x3, &current, &fault), KITH_OK);
  strcpy(next.name, "Town");
  assert_int_equal(accept(&next, 0x3, &current, &fault), KITH_ERR_DENIED);
  assert_non_null(strstr(fault.text, "other bytes"));
  next.version = 6;
  assert_int_equal(accept(&next, 0x3, &current, &fault), KITH_OK);
  assert_int_equal(accept(&next, 0x1, &current, &fault), KITH_ERR_NO);
}

/* m of the old keys and m of the new ones. */
static void replaces_governance(void **state)
{
  struct kith_charter current = good_charter();
  struct kith_charter next = current;
  struct kith_charter later;
  struct kith_fault fault = {0};

  (void)state;
  next.version = 2;
  next.governance = signers_of(2, 2, 2); /* of 0, 1 and 2 to 2 and 3 */
  assert_int_equal(accept(&next, 0x3, &current, &fault), KITH_ERR_NO);
  assert_non_null(strstr(fault.text, "by its own governance keys"));
  assert_int_equal(accept(&next, 0xc, &current, &fault), KITH_ERR_NO);
  assert_int_equal(accept(&next, 0x7, &current, &fault), KITH_ERR_NO);
  assert_int_equal(accept(&next, 0xd, &current, &fault), KITH_OK);
  assert_int_equal(accept(&next, 0xf, &current, &fault), KITH_OK);
  /* The pinned keys, too, can't bring in keys that do not agree. */
  assert_int_equal(accept(&next, 0x3, NULL, &fault), KITH_ERR_NO);
  assert_int_equal(accept(&next, 0xd, NULL, &fault), KITH_OK);
  /* After that the old ones have no say, pinned or not. */
  later = next;
  later.version = 3;
  assert_int_equal(accept(&later, 0x3, &next, &fault), KITH_ERR_NO);
  assert_int_equal(accept(&later, 0xc, &next, &fault), KITH_OK);
}

static void out_of_memory(void **state)
{
  struct kith_charter charter = good_charter();
  char *text = print(&charter);

  (void)state;
  UNIT_EACH_ALLOCATION(n)
  {
    enum kith_err err = read_charter(text, strlen(text), NULL);

    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_int_equal(err, KITH_ERR_MEMORY);
  }
  free(text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(round_trips),
                                     cmocka_unit_test(every_key),
                                     cmocka_unit_test(values),
                                     cmocka_unit_test(drafts),
                                     cmocka_unit_test(looks_up),
                                     cmocka_unit_test(names),
                                     cmocka_unit_test(accepts_pinned),
                                     cmocka_unit_test(accepts_versions),
                                     cmocka_unit_test(replaces_governance),
                                     cmocka_unit_test(out_of_memory)};

  return cmocka_run_group_tests(tests, set_up, tear_down);
}
