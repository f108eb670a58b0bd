/* Withdrawn records: which statements a round takes, what they do to a list, indices. */
#include "proto/withdrawal.h"

#include "tests/unit/rounds.h"

static const uint8_t handles[2][KITH_HANDLE_BYTES] = {{1, 2, 3}, {1, 2, 4}};

static struct kith_statement of_handle(int author, uint32_t number, const uint8_t *handle)
{
  struct kith_statement s = withdraw_of(author, number, 0);

  kith_withdrawal_index(&s.body.withdraw.index, view->round, people[author].id, handle);
  return s;
}

/* Everything that the index is made of changes it. */
static void an_index_is_of_one_record(void **state)
{
  kith_round_id round = {1};
  kith_round_id other = {2};
  struct kith_hash index;
  struct kith_hash changed;

  (void)state;
  kith_withdrawal_index(&index, round, "ash", handles[0]);
  kith_withdrawal_index(&changed, round, "ash", handles[1]);
  assert_false(kith_hash_equal(&index, &changed));
  kith_withdrawal_index(&changed, round, "birch", handles[0]);
  assert_false(kith_hash_equal(&index, &changed));
  kith_withdrawal_index(&changed, other, "ash", handles[0]);
  assert_false(kith_hash_equal(&index, &changed));
  kith_withdrawal_index(&changed, round, "ash", handles[0]);
  assert_true(kith_hash_equal(&index, &changed));
}

static void numbers_follow_each_other(void **state)
{
  struct kith_statement s;

  (void)state;
  play_to(MANIFESTED);
  s = withdraw_of(ASH, 2, 1);
  assert_int_equal(add(&s), KITH_ERR_NOT_FOUND); /* there is no first */
  s = withdraw_of(ASH, 1, 1);
  assert_int_equal(add(&s), KITH_OK);
  assert_int_equal(add(&s), KITH_ERR_EXISTS);
  s = withdraw_of(ASH, 1, 2);
  assert_int_equal(add(&s), KITH_ERR_FULL); /* another record under a number that is taken */
  s = withdraw_of(ASH, 2, 1);
  assert_int_equal(add(&s), KITH_ERR_NOT_FOUND); /* the same record twice */
  s = withdraw_of(ASH, 2, 2);
  assert_int_equal(add(&s), KITH_OK);
  s = withdraw_of(BIRCH, 1, 3);
  assert_int_equal(add(&s), KITH_OK);
  assert_int_equal(view->n_withdrawals, 3);
  assert_int_equal(kith_withdrawals_by(view, "ash"), 2);
  assert_int_equal(kith_withdrawals_by(view, "birch"), 1);
  assert_int_equal(kith_withdrawals_by(view, "cedar"), 0);
  for (uint32_t number = 3; number <= KITH_WITHDRAWALS_MAX; number++) {
    s = withdraw_of(ASH, number, (uint8_t)(number + 10));
    assert_int_equal(add(&s), KITH_OK);
  }
  s = withdraw_of(ASH, KITH_WITHDRAWALS_MAX, 5);
  assert_int_equal(add(&s), KITH_ERR_FULL);
}

static void until_the_round_is_closed(void **state)
{
  struct kith_statement s;

  (void)state;
  play_to(RELEASED);
  s = withdraw_of(ASH, 1, 1);
  assert_int_equal(add(&s), KITH_OK);
  assert_true(view->withdrawals[0].after_release);
  play_to(CLOSED);
  s = withdraw_of(ASH, 1, 1);
  assert_int_equal(add(&s), KITH_ERR_NOT_FOUND);
}

/* Another agency that copies an index, or makes one of a handle that it has seen, marks nothing,
 * and does not keep the record's own agency from withdrawing it. */
static void another_agency_marks_nothing(void **state)
{
  struct kith_statement copied;
  struct kith_statement s;

  (void)state;
  play_to(RELEASED);
  copied = of_handle(ASH, 1, handles[0]);
  strcpy(copied.author, people[BIRCH].id);
  assert_int_equal(add(&copied), KITH_OK);
  s = of_handle(BIRCH, 2, handles[0]);
  assert_int_equal(add(&s), KITH_OK);
  assert_null(kith_withdrawal_of(view, "ash", handles[0]));
  s = of_handle(ASH, 1, handles[0]);
  assert_int_equal(add(&s), KITH_OK);
  assert_non_null(kith_withdrawal_of(view, "ash", handles[0]));
  assert_null(kith_withdrawal_of(view, "ash", handles[1]));
}

/* What a matching works with while the log grows. */
static void a_copy_has_those_of_its_time(void **state)
{
  struct kith_withdrawal item;
  struct kith_withdrawals copy = {NULL, 0, NULL};
  struct kith_statement s;

  (void)state;
  play_to(MANIFESTED);
  assert_false(kith_withdrawals_any(&copy, "ash"));
  assert_null(kith_withdrawals_of(&copy, "ash", handles[0]));
  s = of_handle(ASH, 1, handles[0]);
  assert_int_equal(add(&s), KITH_OK);
  item = view->withdrawals[0];
  copy = (struct kith_withdrawals){view->round, 1, &item};
  s = of_handle(ASH, 2, handles[1]);
  assert_int_equal(add(&s), KITH_OK);
  assert_true(kith_withdrawals_any(&copy, "ash"));
  assert_false(kith_withdrawals_any(&copy, "birch"));
  assert_ptr_equal(kith_withdrawals_of(&copy, "ash", handles[0]), &item);
  assert_null(kith_withdrawals_of(&copy, "ash", handles[1]));
  assert_null(kith_withdrawals_of(&copy, "birch", handles[0]));
  assert_non_null(kith_withdrawal_of(view, "ash", handles[1]));
}

/* A list with one record of each of two agencies. */
static void list_of(struct kith_cohort *cohort, struct kith_cohort_record records[2])
{
  memset(cohort, 0, sizeof *cohort);
  cohort->n_agencies = 2;
  strcpy(cohort->agencies[0].agency, people[ASH].id);
  strcpy(cohort->agencies[1].agency, people[BIRCH].id);
  for (uint32_t i = 0; i < 2; i++) {
    records[i] = (struct kith_cohort_record){.agency = i};
    memcpy(records[i].handle, handles[i], KITH_HANDLE_BYTES);
  }
  cohort->records = records;
  cohort->n_records = 2;
}

static void a_list_is_marked(void **state)
{
  struct kith_cohort_record records[2];
  struct kith_cohort cohort;
  struct kith_fault fault;
  struct kith_statement s;

  (void)state;
  play_to(RELEASED);
  list_of(&cohort, records);
  assert_int_equal(kith_withdrawals_mark(&cohort, view, &fault), KITH_OK);
  assert_false(records[0].withdrawn || records[1].withdrawn);
  s = of_handle(BIRCH, 1, handles[1]);
  assert_int_equal(add(&s), KITH_OK);
  assert_int_equal(kith_withdrawals_mark(&cohort, view, &fault), KITH_OK);
  assert_false(records[0].withdrawn);
  assert_true(records[1].withdrawn);
}

/* The release came after the withdrawal: the matcher should have left the record out. */
static void a_list_with_a_record_withdrawn_before_is_refused(void **state)
{
  struct kith_cohort_record records[2];
  struct kith_cohort cohort;
  struct kith_fault fault;
  struct kith_statement s;

  (void)state;
  play_to(MANIFESTED);
  s = of_handle(ASH, 1, handles[0]);
  assert_int_equal(add(&s), KITH_OK);
  assert_int_equal(add_new(KITH_STATEMENT_RELEASE, HUB), KITH_OK);
  list_of(&cohort, records);
  assert_int_equal(kith_withdrawals_mark(&cohort, view, &fault), KITH_ERR_NO);
  assert_non_null(strstr(fault.text, "ash"));
  cohort.records = records + 1;
  cohort.n_records = 1;
  assert_int_equal(kith_withdrawals_mark(&cohort, view, &fault), KITH_OK);
}

static void reasons_have_names(void **state)
{
  enum kith_withdraw_reason reason;

  (void)state;
  for (enum kith_withdraw_reason i = KITH_WITHDRAW_OBJECTION; i < KITH_WITHDRAW_REASONS; i++) {
    assert_int_equal(kith_withdraw_reason_parse(&reason, kith_withdraw_reason_name(i)), KITH_OK);
    assert_int_equal(reason, i);
  }
  assert_int_equal(kith_withdraw_reason_parse(&reason, "unknown"), KITH_ERR_NOT_FOUND);
  assert_string_equal(kith_withdraw_reason_name(KITH_WITHDRAW_REASONS), "unknown");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_index_is_of_one_record),
      cmocka_unit_test(numbers_follow_each_other),
      cmocka_unit_test(until_the_round_is_closed),
      cmocka_unit_test(another_agency_marks_nothing),
      cmocka_unit_test(a_copy_has_those_of_its_time),
      cmocka_unit_test(a_list_is_marked),
      cmocka_unit_test(a_list_with_a_record_withdrawn_before_is_refused),
      cmocka_unit_test(reasons_have_names),
  };

  return cmocka_run_group_tests(tests, rounds_set_up, rounds_tear_down);
}
