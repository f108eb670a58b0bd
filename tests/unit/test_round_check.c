#include "proto/round.h"

#include "tests/unit/rounds.h"

/* ---- retry */

static void retries(void **state)
{
  struct kith_statement s;

  (void)state;
  play_to(REVEALED);
  assert_int_equal(add_new(KITH_STATEMENT_COMPLAINT, ASH), KITH_OK);
  s = statement_of(KITH_STATEMENT_RETRY, HUB);
  s.body.retry.attempt = 3;
  REFUSED(&s);
  s = statement_of(KITH_STATEMENT_RETRY, HUB);
  s.body.retry.n_excluded = 1;
  strcpy(s.body.retry.excluded[0], "dogwood");
  REFUSED(&s);
  strcpy(s.body.retry.excluded[0], "birch");
  assert_int_equal(add(&s), KITH_OK);
  assert_int_equal(view->attempt, 2);
  assert_int_equal(kith_round_step(view), KITH_STEP_GATHER);
  assert_int_equal(view->n_complaints, 0);
  assert_int_equal(view->n_roster, 0);
  for (unsigned i = 0; i < N_AGENCIES; i++) {
    const struct kith_seat *seat = &view->seats[i];

    assert_int_equal(seat->invited, i != BIRCH);
    assert_false(seat->joined || seat->committed || seat->opened || seat->in_roster);
    assert_null(seat->join_bytes);
  }
  s = statement_of(KITH_STATEMENT_JOIN, ASH);
  s.attempt = 1;
  assert_int_equal(add(&s), KITH_ERR_EXISTS);
  s.time++;
  assert_int_equal(add(&s), KITH_ERR_FULL);
  assert_int_equal(add_new(KITH_STATEMENT_JOIN, BIRCH), KITH_ERR_NOT_FOUND);
  assert_int_equal(add_new(KITH_STATEMENT_COMMITMENT, ASH), KITH_ERR_NOT_FOUND);
  assert_int_equal(add_new(KITH_STATEMENT_JOIN, ASH), KITH_OK);
  assert_int_equal(add_new(KITH_STATEMENT_JOIN, CEDAR), KITH_OK);
  s = statement_of(KITH_STATEMENT_ROSTER, HUB);
  REFUSED(&s); /* the first attempt's joins */
  s.body.roster.n = 2;
  s.body.roster.joins[0] = kith_round_seat(view, "ash")->join_hash;
  s.body.roster.joins[1] = kith_round_seat(view, "cedar")->join_hash;
  assert_int_equal(add(&s), KITH_OK);
  assert_false(kith_hash_equal(&view->roster_hash, &roster_hash));
  assert_int_equal(add_new(KITH_STATEMENT_COMMITMENT, ASH), KITH_ERR_NOT_FOUND);
}

static void many_retries(void **state)
{
  struct kith_statement s;

  (void)state;
  play_to(OPENED);
  assert_int_equal(add_new(KITH_STATEMENT_DECLINE, ASH), KITH_OK);
  for (unsigned i = 2; i <= KITH_ATTEMPTS_MAX; i++) {
    assert_int_equal(add_new(KITH_STATEMENT_RETRY, HUB), KITH_OK);
    assert_int_equal(view->attempt, i);
    assert_true(kith_round_seat(view, "ash")->declined);
  }
  s = statement_of(KITH_STATEMENT_RETRY, HUB);
  assert_int_equal(add(&s), KITH_ERR_DATA);
  assert_int_equal(add_new(KITH_STATEMENT_JOIN, ASH), KITH_ERR_NOT_FOUND);
}

/* ---- who is to blame */

/* The joins of ash, birch and cedar with these documents and standardisers; `n` of them. */
static enum kith_err joins_of(const uint8_t policies[3], const uint8_t standardisers[3], int n,
                              enum kith_reason *reason, kith_member_id culprit)
{
  play_to(OPENED);
  for (int i = 0; i < n; i++) {
    struct kith_statement s = statement_of(KITH_STATEMENT_JOIN, i);

    s.body.join.policy = hash_of(policies[i]);
    s.body.join.standardiser = hash_of(standardisers[i]);
    assert_int_equal(add(&s), KITH_OK);
  }
  return kith_round_check_joins(view, reason, culprit);
}

static void culprits_of_joins(void **state)
{
  static const struct {
    uint8_t policies[3];
    uint8_t standardisers[3];
    int n;
    enum kith_reason reason;
    const char *culprit;
  } cases[] = {
      {{2, 2, 2}, {3, 3, 3}, 3, 0, ""},
      {{2, 9, 2}, {3, 3, 3}, 3, KITH_REASON_DOCUMENTS_DIFFER, "birch"},
      {{2, 9, 9}, {3, 3, 3}, 3, KITH_REASON_DOCUMENTS_DIFFER, "birch"},
      {{2, 2, 9}, {3, 4, 5}, 3, KITH_REASON_DOCUMENTS_DIFFER, "cedar"},
      {{2, 2, 2}, {4, 3, 3}, 3, KITH_REASON_STANDARDISERS_DIFFER, "ash"},
      {{2, 2, 2}, {3, 3, 4}, 3, KITH_REASON_STANDARDISERS_DIFFER, "cedar"},
      {{2, 2, 2}, {3, 4, 5}, 3, KITH_REASON_STANDARDISERS_DIFFER, ""},
      {{2, 2, 2}, {3, 4, 0}, 2, KITH_REASON_STANDARDISERS_DIFFER, ""},
      {{2, 9, 2}, {3, 3, 3}, 1, 0, ""},
      {{2, 2, 2}, {3, 3, 3}, 0, 0, ""},
  };

  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    enum kith_reason reason = 0;
    kith_member_id culprit = "x";
    enum kith_err err =
        joins_of(cases[i].policies, cases[i].standardisers, cases[i].n, &reason, culprit);

    assert_int_equal(err, cases[i].reason ? KITH_ERR_NO : KITH_OK);
    if (reason != cases[i].reason || strcmp(culprit, cases[i].culprit) != 0)
      fail_msg("case %zu: reason %d, culprit '%s'", i, (int)reason, culprit);
  }
}

/* Once there is a roster those outside it don't count. */
static void joins_outside_the_roster(void **state)
{
  static const uint8_t policies[] = {2, 2, 9};
  static const uint8_t standardisers[] = {3, 3, 4};
  struct kith_statement s;
  enum kith_reason reason;
  kith_member_id culprit;

  (void)state;
  assert_int_equal(joins_of(policies, standardisers, 3, &reason, culprit), KITH_ERR_NO);
  s = statement_of(KITH_STATEMENT_ROSTER, HUB);
  s.body.roster.n = 2;
  assert_int_equal(add(&s), KITH_OK);
  assert_int_equal(kith_round_check_joins(view, &reason, culprit), KITH_OK);
}

static void judged(const struct kith_complaint *complaint, enum kith_reason expected,
                   const char *guilty)
{
  enum kith_reason reason = 0;
  kith_member_id culprit = "";

  assert_int_equal(kith_round_judge(view, "ash", complaint, &reason, culprit), KITH_OK);
  assert_int_equal(reason, expected);
  assert_string_equal(culprit, guilty);
}

static void judgements(void **state)
{
  struct kith_complaint complaint;
  struct kith_complaint other;
  struct kith_statement s;

  (void)state;
  play_to(REVEALED);
  complaint = statement_of(KITH_STATEMENT_COMPLAINT, ASH).body.complaint; /* of birch */
  judged(&complaint, KITH_REASON_FALSE_COMPLAINT, "ash");
  /* A key that is not the complainer's: whoever's it is, the complainer lies. */
  other = complaint;
  memcpy(other.round_secret_key, kith_secret_peek(round_secret_keys[CEDAR]), KITH_SEAL_KEY_BYTES);
  judged(&other, KITH_REASON_FALSE_COMPLAINT, "ash");
  memset(other.round_secret_key, 0, sizeof other.round_secret_key);
  judged(&other, KITH_REASON_FALSE_COMPLAINT, "ash");
  /* Copies that don't open, or hold something else than what was committed to. */
  for (int i = 0; i < 3; i++) {
    play_to(COMMITTED);
    s = statement_of(KITH_STATEMENT_OPENING, BIRCH);
    if (i == 0)
      s.body.opening.copies[ASH].sealed[60] ^= 1;
    else
      assert_int_equal(kith_contribution_seal(s.body.opening.copies[ASH].sealed, round_keys[ASH],
                                              &roster_hash, i == 1 ? "birch" : "cedar", "ash",
                                              contributions[i == 1 ? CEDAR : BIRCH]),
                       KITH_OK);
    assert_int_equal(add(&s), KITH_OK);
    judged(&complaint, KITH_REASON_BAD_OPENING, "birch");
    judged(&other, KITH_REASON_FALSE_COMPLAINT, "ash");
  }
}

static void judgements_of_nobody(void **state)
{
  struct kith_complaint complaint;
  enum kith_reason reason = KITH_REASON_GOVERNANCE;
  kith_member_id culprit = "nobody";

  (void)state;
  play_to(COMMITTED);
  complaint = statement_of(KITH_STATEMENT_COMPLAINT, ASH).body.complaint;
  assert_int_equal(kith_round_judge(view, "ash", &complaint, &reason, culprit), KITH_ERR_DATA);
  play(REVEALED);
  assert_int_equal(kith_round_judge(view, "dogwood", &complaint, &reason, culprit), KITH_ERR_DATA);
  strcpy(complaint.accused, "dogwood");
  assert_int_equal(kith_round_judge(view, "ash", &complaint, &reason, culprit), KITH_ERR_DATA);
  assert_int_equal(reason, KITH_REASON_GOVERNANCE);
  assert_string_equal(culprit, "nobody");
}

static void judge_without_memory(void **state)
{
  struct kith_complaint complaint;

  (void)state;
  play_to(REVEALED);
  complaint = statement_of(KITH_STATEMENT_COMPLAINT, ASH).body.complaint;
  UNIT_EACH_ALLOCATION(n)
  {
    enum kith_reason reason = KITH_REASON_GOVERNANCE;
    kith_member_id culprit = "nobody";
    enum kith_err err = kith_round_judge(view, "ash", &complaint, &reason, culprit);

    if (err == KITH_OK) {
      unit_allocations_done();
    } else {
      assert_int_equal(err, KITH_ERR_MEMORY);
      assert_int_equal(reason, KITH_REASON_GOVERNANCE);
      assert_string_equal(culprit, "nobody");
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(retries),
      cmocka_unit_test(many_retries),
      cmocka_unit_test(culprits_of_joins),
      cmocka_unit_test(joins_outside_the_roster),
      cmocka_unit_test(judgements),
      cmocka_unit_test(judgements_of_nobody),
      cmocka_unit_test(judge_without_memory),
  };

  return cmocka_run_group_tests(tests, rounds_set_up, rounds_tear_down);
}
