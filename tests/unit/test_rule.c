#include "proto/rule.h"

#include <inttypes.h>
#include <time.h>

#include "base/buf.h"
#include "tests/unit/unit.h"

enum { N = 4, ALL = 0xffff };

static const char services[N][KITH_MEMBER_ID_BYTES] = {"a", "b", "c", "d_2"};

/* Truth tables over the 16 sets of services: bit s is the truth where the set is s. */
static const uint16_t table_of[N] = {0xaaaa, 0xcccc, 0xf0f0, 0xff00};

static uint16_t at_least(unsigned least, unsigned among)
{
  uint16_t table = 0;

  for (unsigned set = 0; set < 16; set++) {
    if ((unsigned)__builtin_popcount(set & among) >= least)
      table |= (uint16_t)(1u << set);
  }
  return table;
}

static uint16_t table_of_rule(const char *text)
{
  struct kith_rule *rule = NULL;
  struct kith_fault fault = {0};
  uint16_t table = 0;

  if (kith_rule_parse(&rule, text, services, N, &fault) != KITH_OK)
    fail_msg("%s: %s", text, fault.text);
  for (unsigned set = 0; set < 16; set++) {
    if (kith_rule_holds(rule, set))
      table |= (uint16_t)(1u << set);
  }
  kith_rule_free(rule);
  return table;
}

static void known_rules(void **state)
{
  const uint16_t a = table_of[0];
  const uint16_t b = table_of[1];
  const uint16_t c = table_of[2];
  const uint16_t d = table_of[3];
  const struct {
    const char *text;
    unsigned table;
  } rules[] = {
      {"a", a},
      {"d_2", d},
      {"not a", ALL & ~a},
      {"not not a", a},
      {"a or b and c", a | (b & c)},
      {"a and b or c", (a & b) | c},
      {"(a or b) and c", (a | b) & c},
      {"not a and b", ~a & b},
      {"not (a and b)", ALL & ~(a & b)},
      {"not a or b", ALL & (~a | b)},
      {"a and (b or c) and not d_2", a & (b | c) & ~d},
      {"at least 1 service", at_least(1, 15)},
      {"at least 3 services", at_least(3, 15)},
      {"at least 2 of {a, b, d_2}", at_least(2, 11)},
      {"at least 1 of{c}", c},
      {"not at least 2 of {a,b,c} and d_2", ~at_least(2, 7) & d},
      {"at least 4 of {a,b,c,d_2} or not (at least 1 services)",
       at_least(4, 15) | (ALL & ~at_least(1, 15))},
      {"  a\tor\nb ", a | b},
      {"not not not not not not not a", ALL & ~a},
      {"(((((((a)))))))", a},
  };

  (void)state;
  for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
    assert_int_equal(table_of_rule(rules[i].text), rules[i].table & ALL);
}

static void refused_rules(void **state)
{
  static const struct {
    const char *text;
    const char *problem;
  } rules[] = {
      {"", "column 1: expected a service"},
      {"   ", "column 4: expected a service"},
      {"a or", "column 5: expected a service"},
      {"a b", "column 3: expected \"and\", \"or\" or the end"},
      {"a and and b", "column 7: expected a service"},
      {"or a", "column 1: expected a service"},
      {"not", "column 4: expected a service"},
      {"(a", "column 3: expected \")\""},
      {"a)", "column 2: expected \"and\""},
      {"()", "column 2: expected a service"},
      {"police", "column 1: \"police\" is not one of"},
      {"a or nobody", "column 6: \"nobody\" is not one of"},
      {"A", "column 1: this character"},
      {"a & b", "column 3: this character"},
      {"a or \xc3\xa9", "column 6: this character"},
      {"a or b;", "column 7: this character"},
      {"abcdefghijklmnopqrstuvwxyz01234567", "column 1: this word is too long"},
      {"at 2 services", "column 4: expected \"least\""},
      {"at least services", "column 10: expected a number"},
      {"at least two services", "column 10: expected a number"},
      {"at least 0 services", "column 10: \"at least 0\""},
      {"at least 5 services", "column 10: there are not so many"},
      {"at least 4294967297 services", "column 10: expected a number"},
      {"at least 1000 services", "column 10: expected a number"},
      {"at least 999 services", "column 10: there are not so many"},
      {"at least -1 services", "column 10: this character"},
      {"at least 2", "column 11: expected \"services\" or"},
      {"at least 2 a", "column 12: expected \"services\" or"},
      {"at least 2 of a", "column 15: expected \"{\""},
      {"at least 1 of {}", "column 16: expected a service"},
      {"at least 1 of {a,}", "column 18: expected a service"},
      {"at least 1 of {a b}", "column 18: expected \",\" or \"}\""},
      {"at least 1 of {a", "column 17: expected \",\" or \"}\""},
      {"at least 1 of {a, a}", "column 19: this service is in the list"},
      {"at least 1 of {a, (b)}", "column 19: expected a service"},
      {"at least 3 of {a, b}", "column 10: there are not so many"},
      {"not not not not not not not not a", "column 33: nested too deep"},
      {"((((((((a))))))))", "column 9: nested too deep"},
      {"services", "column 1: expected a service"},
  };

  (void)state;
  for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
    struct kith_rule *rule = NULL;
    struct kith_fault fault = {0};

    assert_int_equal(kith_rule_parse(&rule, rules[i].text, services, N, &fault), KITH_ERR_CONFIG);
    assert_null(rule);
    if (!strstr(fault.text, rules[i].problem))
      fail_msg("\"%s\": %s", rules[i].text, fault.text);
  }
}

/* 32 services and 32 conditions with 31 connectives fit in 64 nodes, one more does not. */
static void bounded(void **state)
{
  char many[KITH_MEMBERS_MAX][KITH_MEMBER_ID_BYTES];
  struct kith_rule *rule = NULL;
  struct kith_fault fault = {0};
  struct kith_buf text;

  (void)state;
  kith_buf_init(&text, 0);
  for (int i = 0; i < KITH_MEMBERS_MAX; i++) {
    snprintf(many[i], sizeof many[i], "s%d", i);
    kith_buf_printf(&text, "%ss%d", i ? " or " : "", i);
  }
  kith_buf_append(&text, "", 1);
  assert_int_equal(kith_rule_parse(&rule, (char *)text.bytes,
                                   (const char(*)[KITH_MEMBER_ID_BYTES])many, KITH_MEMBERS_MAX,
                                   &fault),
                   KITH_OK);
  assert_false(kith_rule_holds(rule, 0));
  for (int i = 0; i < KITH_MEMBERS_MAX; i++)
    assert_true(kith_rule_holds(rule, (uint32_t)1 << i));
  kith_rule_free(rule);
  assert_int_equal(kith_rule_parse(&rule, "at least 32 services",
                                   (const char(*)[KITH_MEMBER_ID_BYTES])many, KITH_MEMBERS_MAX,
                                   &fault),
                   KITH_OK);
  assert_true(kith_rule_holds(rule, UINT32_MAX));
  assert_false(kith_rule_holds(rule, UINT32_MAX - 1));
  kith_rule_free(rule);

  text.len--;
  kith_buf_append_string(&text, " or not s1");
  kith_buf_append(&text, "", 1);
  assert_int_equal(kith_rule_parse(&rule, (char *)text.bytes,
                                   (const char(*)[KITH_MEMBER_ID_BYTES])many, KITH_MEMBERS_MAX,
                                   &fault),
                   KITH_ERR_CONFIG);
  assert_non_null(strstr(fault.text, "too long"));
  kith_buf_free(&text);
}

/* ---- random rules against truth tables */

static unsigned draw(unsigned n)
{
  return (unsigned)rand() % n;
}

static uint16_t random_or(struct kith_buf *text, unsigned levels);

static uint16_t random_factor(struct kith_buf *text, unsigned levels)
{
  unsigned kind = levels == 0 ? draw(2) : draw(4);
  uint16_t table = 0;

  if (kind == 0) {
    unsigned service = draw(N);

    kith_buf_append_string(text, services[service]);
    return table_of[service];
  }
  if (kind == 1) {
    unsigned least = 1 + draw(N);

    kith_buf_printf(text, "at least %u services", least);
    return at_least(least, 15);
  }
  kith_buf_append_string(text, kind == 2 ? "not " : "(");
  table = kind == 2 ? (uint16_t)~random_factor(text, levels - 1) : random_or(text, levels - 1);
  if (kind == 3)
    kith_buf_append_string(text, ")");
  return table;
}

static uint16_t random_and(struct kith_buf *text, unsigned levels)
{
  uint16_t table = random_factor(text, levels);

  for (unsigned n = draw(2); n > 0; n--) {
    kith_buf_append_string(text, " and ");
    table &= random_factor(text, levels);
  }
  return table;
}

static uint16_t random_or(struct kith_buf *text, unsigned levels)
{
  uint16_t table = random_and(text, levels);

  for (unsigned n = draw(2); n > 0; n--) {
    kith_buf_append_string(text, " or ");
    table |= random_and(text, levels);
  }
  return table;
}

static void random_rules(void **state)
{
  const char *given = getenv("KITH_TEST_SEED");
  unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

  (void)state;
  print_message("KITH_TEST_SEED=%u\n", seed);
  srand(seed);
  for (int i = 0; i < 20000; i++) {
    struct kith_buf text;
    uint16_t table;

    kith_buf_init(&text, 0);
    table = random_or(&text, 2);
    kith_buf_append(&text, "", 1);
    if (table_of_rule((char *)text.bytes) != table)
      fail_msg("%s", (char *)text.bytes);
    kith_buf_free(&text);
  }
}

static void out_of_memory(void **state)
{
  struct kith_rule *rule = NULL;

  (void)state;
  kith_failpoint_arm("alloc", 1);
  assert_int_equal(kith_rule_parse(&rule, "a", services, N, NULL), KITH_ERR_MEMORY);
  kith_failpoint_arm(NULL, 0);
  assert_null(rule);
  kith_rule_free(NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(known_rules), cmocka_unit_test(refused_rules),
                                     cmocka_unit_test(bounded), cmocka_unit_test(random_rules),
                                     cmocka_unit_test(out_of_memory)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
