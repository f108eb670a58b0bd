#include "proto/gateway.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

static const char *const alone[] = {
    "PCSC Act 2022 s.16",
    "PCSC Act 2022, s16(1)",
    "Police, Crime, Sentencing and Courts Act 2022, section 16",
    "s 16 of the POLICE, CRIME, SENTENCING AND COURTS ACT 2022",
    "PCSCA 2022 sections 16 and UK GDPR article 6(1)(e)",
    "section 16, PCSC Act 2022; Data Protection Act 2018 schedules aside",
    "Section  16\nPCSC Act",
    "Police, Crime, Sentencing & Courts Act 2022, section 16",
    "section\xc2\xa0"
    "16 of the PCSC Act 2022",
    "PCSC Act 2022 \xc2\xa7"
    "16",
    "PCSC Act 2022 \xc2\xa7\xc2\xa0"
    "16",
    "PCSC Act 2022 s.16, in order to reduce serious violence",
};
static const char *const not_alone[] = {
    "",
    "consent",
    "PCSC Act 2022",
    "PCSC Act 2022 s.9",
    "PCSC Act 2022 s.16A",
    "PCSC Act 2022 ss.16 and s.9",
    "PCSC Act 2022 s.116",
    "Children Act 1989 s.16",
    "PCSC Act 2022 s.16 and Children Act 1989 s.47",
    "PCSC Act 2022 s.16; Health and Social Care Act 2012 s.251B",
    "PCSC Act 2022 s.16 with regulation 3 of the Control of Patient Information Regulations 2002",
    "PCSC Act 2022 s.16, and the parents' consent",
    "s.16 PCSC Act 2022 and the common law duty",
    "PCSC Act 2022 \xc2\xa7"
    "9 and \xc2\xa7"
    "16",
    "PCSC Act 2022 s.16, and an order of the court",
};

static void citations(void **state)
{
  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(alone); i++)
    if (!kith_gateway_is_section_16_alone(alone[i]))
      fail_msg("alone: %s", alone[i]);
  for (size_t i = 0; i < KITH_COUNT_OF(not_alone); i++)
    if (kith_gateway_is_section_16_alone(not_alone[i]))
      fail_msg("not alone: %s", not_alone[i]);
}

/* Any text up to the longest: read within its bounds. */
static void any_text(void **state)
{
  char text[KITH_TEXT_BYTES];

  (void)state;
  for (unsigned char c = 1; c; c++) {
    memset(text, c, sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_false(kith_gateway_is_section_16_alone(text));
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
      text[i] = 's';
    assert_false(kith_gateway_is_section_16_alone(text));
  }
}

static void policies(void **state)
{
  static const char agencies[][KITH_MEMBER_ID_BYTES] = {"force", "trust"};
  struct kith_charter charter = {.n_members = 2};
  struct kith_policy policy;
  struct kith_fault fault = {0};
  char culprit[KITH_MEMBER_ID_BYTES];

  (void)state;
  for (int i = 0; i < 2; i++) {
    strcpy(charter.members[i].id, agencies[i]);
    charter.members[i].role = KITH_ROLE_AGENCY;
    charter.members[i].kind = i ? KITH_KIND_HEALTH : KITH_KIND_POLICE;
  }
  kith_policy_default(&policy, agencies, 2);
  assert_int_equal(kith_gateways_check(&policy, &charter, culprit, &fault), KITH_ERR_DENIED);
  assert_string_equal(culprit, "force");
  for (int i = 0; i < 2; i++)
    strcpy(policy.agencies[i].gateway, alone[0]);
  assert_int_equal(kith_gateways_check(&policy, &charter, culprit, &fault), KITH_ERR_DENIED);
  assert_string_equal(culprit, "trust");
  assert_non_null(strstr(fault.text, "section 16 alone"));
  charter.members[1].kind = KITH_KIND_CHILDRENS_SERVICES;
  assert_int_equal(kith_gateways_check(&policy, &charter, culprit, NULL), KITH_ERR_DENIED);
  charter.members[1].kind = KITH_KIND_PRISON;
  assert_int_equal(kith_gateways_check(&policy, &charter, culprit, NULL), KITH_OK);
  charter.members[1].kind = KITH_KIND_HEALTH;
  policy.trial = true;
  assert_int_equal(kith_gateways_check(&policy, &charter, culprit, NULL), KITH_OK);
  policy.trial = false;
  strcpy(policy.agencies[1].gateway, not_alone[11]);
  assert_int_equal(kith_gateways_check(&policy, &charter, culprit, NULL), KITH_OK);
  assert_string_equal(culprit, "");
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(citations), cmocka_unit_test(any_text),
                                     cmocka_unit_test(policies)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
