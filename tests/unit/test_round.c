#include "proto/round.h"

#include "tests/unit/rounds.h"

/* When each type is said in these tests, and from when on it may be. */
static const struct {
  enum stage said;
  enum stage earliest;
} times[KITH_STATEMENT_TYPES] = {
    [KITH_STATEMENT_OPEN] = {EMPTY, EMPTY},
    [KITH_STATEMENT_JOIN] = {OPENED, OPENED},
    [KITH_STATEMENT_DECLINE] = {OPENED, OPENED},
    [KITH_STATEMENT_ROSTER] = {JOINED, JOINED},
    [KITH_STATEMENT_COMMITMENT] = {ROSTERED, ROSTERED},
    [KITH_STATEMENT_OPENING] = {COMMITTED, COMMITTED},
    [KITH_STATEMENT_CONFIRMATION] = {REVEALED, REVEALED},
    [KITH_STATEMENT_COMPLAINT] = {REVEALED, ROSTERED},
    [KITH_STATEMENT_INTENT] = {CONFIRMED, CONFIRMED},
    [KITH_STATEMENT_MANIFEST] = {INTENDED, INTENDED},
    [KITH_STATEMENT_CONSENT] = {MANIFESTED, MANIFESTED},
    [KITH_STATEMENT_RELEASE] = {MANIFESTED, MANIFESTED},
    [KITH_STATEMENT_DECISION] = {MANIFESTED, MANIFESTED},
    [KITH_STATEMENT_WITHDRAW] = {MANIFESTED, MANIFESTED},
    [KITH_STATEMENT_DESTROYED] = {CONFIRMED, OPENED},
    [KITH_STATEMENT_RETRY] = {ROSTERED, OPENED},
    [KITH_STATEMENT_CLOSE] = {RELEASED, RELEASED},
    [KITH_STATEMENT_ABORT] = {REVEALED, OPENED},
};

#define EACH_TYPE(t)                                                                               \
  for (enum kith_statement_type t = KITH_STATEMENT_OPEN; t < KITH_STATEMENT_TYPES; t++)

static void assert_err(enum kith_err err, enum kith_err expected, const char *what,
                       enum kith_statement_type type, const char *author)
{
  if (err != expected)
    fail_msg("%s, %s by %s: error %d (%s), expected %d (%s)", what, kith_statement_name(type),
             author, (int)err, kith_err_name(err), (int)expected, kith_err_name(expected));
}

/* ---- the round that goes well */

static void goes_well(void **state)
{
  static const enum kith_round_step steps[] = {
      [OPENED] = KITH_STEP_GATHER,     [JOINED] = KITH_STEP_GATHER,
      [ROSTERED] = KITH_STEP_COMMIT,   [COMMITTED] = KITH_STEP_OPEN,
      [REVEALED] = KITH_STEP_CONFIRM,  [CONFIRMED] = KITH_STEP_INTEND,
      [INTENDED] = KITH_STEP_SUBMIT,   [MANIFESTED] = KITH_STEP_MATCH,
      [RELEASED] = KITH_STEP_RELEASED, [CLOSED] = KITH_STEP_CLOSED,
  };

  (void)state;
  log_renew();
  for (enum stage stage = OPENED; stage <= CLOSED; stage++) {
    enum kith_reason reason;
    kith_member_id culprit;

    play(stage);
    assert_int_equal(kith_round_step(view), steps[stage]);
    assert_int_equal(kith_round_check_joins(view, &reason, culprit), KITH_OK);
  }
  assert_int_equal(view->n_statements, 1 + 3 + 1 + 5 * 3 + 2);
  assert_int_equal(view->n_seats, 3);
  assert_int_equal(view->n_roster, 3);
  assert_string_equal(view->governance, "lead");
  assert_int_equal(view->opened_at, NOW);
  assert_int_equal(view->released_at, NOW);
  assert_int_equal(view->closed_at, NOW);
  assert_null(kith_round_seat(view, "dogwood"));
  assert_int_equal(kith_round_seat(view, "cedar")->manifest.n_records, 100 + CEDAR);
  assert_int_equal(add_new(KITH_STATEMENT_DESTROYED, ASH), KITH_OK);
  assert_int_equal(add_new(KITH_STATEMENT_DESTROYED, HUB), KITH_OK);
  assert_int_equal(view->destroyed[ASH], 1u << KITH_DESTROYED_SECRET);
  assert_int_equal(view->destroyed[BIRCH], 0);
  assert_int_equal(view->destroyed[HUB], 1u << KITH_DESTROYED_SECRET);
}

/* ---- each type, made right, but from the wrong one, at the wrong time, of another round */

static bool may_say(enum kith_statement_type type, int person)
{
  bool agency = person < N_AGENCIES; /* of this round */

  switch (type) {
  case KITH_STATEMENT_OPEN:
  case KITH_STATEMENT_CONSENT:
  case KITH_STATEMENT_DECISION:
  case KITH_STATEMENT_CLOSE:
    return person == LEAD;
  case KITH_STATEMENT_ROSTER:
  case KITH_STATEMENT_RELEASE:
  case KITH_STATEMENT_RETRY:
    return person == HUB;
  case KITH_STATEMENT_DESTROYED:
    return agency || person == HUB;
  case KITH_STATEMENT_ABORT:
    return agency || person == HUB || person == LEAD;
  default:
    return agency;
  }
}

static void wrong_authors(void **state)
{
  (void)state;
  EACH_TYPE(type)
  {
    play_to(times[type].said);
    for (int person = 0; person < N_PEOPLE; person++) {
      struct kith_statement s = statement_of(type, ASH);

      if (may_say(type, person))
        continue;
      strcpy(s.author, people[person].id);
      assert_err(add(&s), KITH_ERR_DENIED, "wrong author", type, s.author);
    }
  }
}

static void false_signatures(void **state)
{
  (void)state;
  EACH_TYPE(type)
  {
    struct kith_statement s;

    play_to(times[type].said);
    s = statement_of(type, ASH);
    for (int signer = 0; signer < N_PEOPLE; signer++)
      if (signer != person_of(s.author))
        assert_err(add_at(&s, signer, NOW, NULL), KITH_ERR_NO, "false signature", type, s.author);
  }
}

static void other_rounds_and_attempts(void **state)
{
  (void)state;
  EACH_TYPE(type)
  {
    struct kith_statement s;

    play_to(times[type].said);
    s = statement_of(type, ASH);
    s.round[15] ^= 1;
    if (type != KITH_STATEMENT_OPEN)
      assert_err(add(&s), KITH_ERR_DATA, "another round", type, s.author);
    if (type == KITH_STATEMENT_OPEN || type == KITH_STATEMENT_DECLINE ||
        type == KITH_STATEMENT_CONSENT || type == KITH_STATEMENT_RELEASE ||
        type >= KITH_STATEMENT_CLOSE || type == KITH_STATEMENT_DESTROYED)
      continue;
    s = statement_of(type, ASH);
    s.attempt = 2;
    assert_err(add(&s), KITH_ERR_NOT_FOUND, "another attempt", type, s.author);
  }
}

static void too_early(void **state)
{
  (void)state;
  EACH_TYPE(type)
  {
    for (enum stage stage = EMPTY; stage < times[type].earliest; stage++) {
      struct kith_statement s;

      play_to(stage);
      s = statement_of(type, ASH);
      assert_err(add(&s), stage == EMPTY ? KITH_ERR_DATA : KITH_ERR_NOT_FOUND, "too early", type,
                 s.author);
    }
  }
}

/* What has been said before by nobody, but at the end of the round. */
static void too_late(void **state)
{
  static const enum kith_statement_type types[] = {KITH_STATEMENT_DECLINE, KITH_STATEMENT_COMPLAINT,
                                                   KITH_STATEMENT_CONSENT, KITH_STATEMENT_RETRY,
                                                   KITH_STATEMENT_ABORT};

  (void)state;
  for (enum stage stage = RELEASED; stage <= CLOSED; stage++) {
    play_to(stage);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
      assert_err(add_new(types[i], ASH), KITH_ERR_NOT_FOUND, "too late", types[i], "its author");
  }
  for (enum stage stage = CONFIRMED; stage <= CLOSED; stage++) {
    play_to(stage);
    assert_int_equal(add_new(KITH_STATEMENT_RETRY, HUB), KITH_ERR_NOT_FOUND);
  }
  for (enum stage stage = JOINED; stage <= CLOSED; stage++) {
    play_to(stage);
    assert_int_equal(add_new(KITH_STATEMENT_DECLINE, ASH), KITH_ERR_NOT_FOUND);
  }
}

static void repetitions_and_conflicts(void **state)
{
  (void)state;
  EACH_TYPE(type)
  {
    struct kith_statement s;

    play_to(times[type].said);
    s = statement_of(type, ASH);
    assert_err(add(&s), KITH_OK, "right", type, s.author);
    if (type == KITH_STATEMENT_RETRY) /* its place is in the attempt that it ended */
      assert_int_equal(view->attempt, 2);
    assert_err(add(&s), KITH_ERR_EXISTS, "again", type, s.author);
    s.time++;
    assert_err(add(&s), KITH_ERR_FULL, "otherwise", type, s.author);
  }
}

static void clocks(void **state)
{
  (void)state;
  EACH_TYPE(type)
  {
    struct kith_statement s;
    int author;

    play_to(times[type].said);
    s = statement_of(type, ASH);
    author = person_of(s.author);
    s.time = NOW + KITH_CLOCK_SKEW_S + 1;
    assert_err(add_at(&s, author, NOW, NULL), KITH_ERR_LIMIT, "from the future", type, s.author);
    s.time = NOW + KITH_CLOCK_SKEW_S;
    assert_err(add_at(&s, author, NOW, NULL), KITH_OK, "a little ahead", type, s.author);
    play_to(times[type].said);
    s.time = NOW * 2;
    assert_err(add_at(&s, author, 0, NULL), KITH_OK, "read back", type, s.author);
  }
}

static void after_an_abort(void **state)
{
  (void)state;
  EACH_TYPE(type)
  {
    struct kith_statement s;

    if (type == KITH_STATEMENT_OPEN || type == KITH_STATEMENT_CLOSE || type == KITH_STATEMENT_ABORT)
      continue;
    play_to(times[type].said);
    assert_int_equal(add_new(KITH_STATEMENT_ABORT, LEAD), KITH_OK);
    assert_int_equal(kith_round_step(view), KITH_STEP_ABORTED);
    assert_string_equal(view->aborted_by, "lead");
    s = statement_of(type, ASH);
    assert_err(add(&s), type == KITH_STATEMENT_DESTROYED ? KITH_OK : KITH_ERR_NOT_FOUND,
               "after an abort", type, s.author);
    s = statement_of(KITH_STATEMENT_ABORT, LEAD);
    strcpy(s.author, "hub");
    assert_int_equal(add(&s), KITH_ERR_NOT_FOUND);
    assert_int_equal(add_new(KITH_STATEMENT_CLOSE, LEAD), KITH_ERR_NOT_FOUND);
  }
}

static void malformed(void **state)
{
  struct kith_fault fault = {0};
  const struct kith_statement *parsed = NULL;

  (void)state;
  play_to(OPENED);
  assert_int_equal(kith_round_log_add(log_, &charter, "\x90", 1, NOW, &parsed, &fault),
                   KITH_ERR_DATA);
  assert_null(parsed);
  assert_int_equal(view->n_statements, 1);
}

/* ---- what each type refers to */

/* Those that begin with the roster's hash, which is the first member of their bodies. */
static void another_roster(void **state)
{
  (void)state;
  EACH_TYPE(type)
  {
    struct kith_statement s;

    if (type < KITH_STATEMENT_COMMITMENT || type > KITH_STATEMENT_RELEASE)
      continue;
    play_to(times[type].said);
    s = statement_of(type, ASH);
    s.body.commitment.roster.bytes[31] ^= 1;
    assert_err(add(&s), KITH_ERR_NOT_FOUND, "another roster", type, s.author);
    s.body.commitment.roster.bytes[31] ^= 1;
    assert_err(add(&s), KITH_OK, "this roster", type, s.author);
  }
}

static void joins(void **state)
{
  struct kith_statement s;

  (void)state;
  play_to(OPENED);
  s = statement_of(KITH_STATEMENT_JOIN, ASH);
  s.body.join.open.bytes[0] ^= 1;
  REFUSED(&s);
  s = statement_of(KITH_STATEMENT_DECLINE, ASH);
  s.body.ending.open.bytes[0] ^= 1;
  REFUSED(&s);
  assert_int_equal(add_new(KITH_STATEMENT_DECLINE, ASH), KITH_OK);
  assert_true(kith_round_seat(view, "ash")->declined);
  assert_int_equal(add_new(KITH_STATEMENT_JOIN, ASH), KITH_ERR_NOT_FOUND);
  assert_int_equal(add_new(KITH_STATEMENT_JOIN, BIRCH), KITH_OK);
  assert_int_equal(add_new(KITH_STATEMENT_DECLINE, BIRCH), KITH_ERR_NOT_FOUND);
}

static void rosters(void **state)
{
  struct kith_statement s;

  (void)state;
  play_to(JOINED);
  s = statement_of(KITH_STATEMENT_ROSTER, HUB);
  s.body.roster.joins[1].bytes[0] ^= 1;
  REFUSED(&s);
  s = statement_of(KITH_STATEMENT_ROSTER, HUB); /* out of order */
  s.body.roster.joins[0] = join_hashes[1];
  s.body.roster.joins[1] = join_hashes[0];
  REFUSED(&s);
  s.body.roster.joins[0] = join_hashes[1];
  s.body.roster.joins[1] = join_hashes[1];
  REFUSED(&s);
  s = statement_of(KITH_STATEMENT_ROSTER, HUB); /* one more than there are */
  s.body.roster.joins[s.body.roster.n++] = join_hashes[2];
  REFUSED(&s);
  /* Two of three are a quorum; the third comes too late, and is not of the roster. */
  log_renew();
  play(OPENED);
  add_kept(KITH_STATEMENT_JOIN, ASH, NULL);
  s = statement_of(KITH_STATEMENT_ROSTER, HUB);
  s.body.roster.n = 2;
  s.body.roster.joins[1] = join_hashes[CEDAR];
  REFUSED(&s);
  add_kept(KITH_STATEMENT_JOIN, CEDAR, NULL);
  assert_int_equal(add(&s), KITH_OK);
  assert_int_equal(view->n_roster, 2);
  assert_false(kith_hash_equal(&view->roster_hash, &roster_hash));
  assert_int_equal(add_new(KITH_STATEMENT_JOIN, BIRCH), KITH_ERR_NOT_FOUND);
  assert_int_equal(add_new(KITH_STATEMENT_DECLINE, BIRCH), KITH_ERR_NOT_FOUND);
  s = statement_of(KITH_STATEMENT_COMMITMENT, BIRCH);
  s.body.commitment.roster = view->roster_hash;
  REFUSED(&s);
}

static void quorums(void **state)
{
  struct kith_statement s = {0};

  (void)state;
  log_renew();
  s = statement_of(KITH_STATEMENT_OPEN, LEAD);
  s.body.open.quorum = 3;
  assert_int_equal(add(&s), KITH_OK);
  for (int i = 0; i < N_AGENCIES; i++) {
    struct kith_statement join = statement_of(KITH_STATEMENT_JOIN, i);

    join.body.join.open = view->open_hash;
    assert_int_equal(add(&join), KITH_OK);
  }
  s = statement_of(KITH_STATEMENT_ROSTER, HUB);
  for (unsigned i = 0; i < N_AGENCIES; i++)
    s.body.roster.joins[i] = view->seats[i].join_hash;
  s.body.roster.n = 2;
  REFUSED(&s);
  s.body.roster.n = 3;
  assert_int_equal(add(&s), KITH_OK);
}

static void openings(void **state)
{
  struct kith_statement s;

  (void)state;
  play_to(ROSTERED);
  assert_int_equal(add_new(KITH_STATEMENT_COMMITMENT, ASH), KITH_OK);
  assert_int_equal(add_new(KITH_STATEMENT_COMMITMENT, BIRCH), KITH_OK);
  assert_int_equal(add_new(KITH_STATEMENT_OPENING, ASH), KITH_ERR_NOT_FOUND);
  assert_int_equal(add_new(KITH_STATEMENT_COMMITMENT, CEDAR), KITH_OK);
  s = statement_of(KITH_STATEMENT_OPENING, ASH);
  s.body.opening.commitment.bytes[0] ^= 1;
  REFUSED(&s);
  s = statement_of(KITH_STATEMENT_OPENING, ASH);
  s.body.opening.n = 2;
  REFUSED(&s);
  s = statement_of(KITH_STATEMENT_OPENING, ASH);
  s.body.opening.n = 4;
  strcpy(s.body.opening.copies[3].member, "dogwood");
  REFUSED(&s);
  s = statement_of(KITH_STATEMENT_OPENING, ASH);
  strcpy(s.body.opening.copies[2].member, "dogwood");
  REFUSED(&s);
  assert_int_equal(add_new(KITH_STATEMENT_OPENING, ASH), KITH_OK);
  assert_int_equal(add_new(KITH_STATEMENT_CONFIRMATION, ASH), KITH_ERR_NOT_FOUND);
}

static void manifests(void **state)
{
  struct kith_statement s;

  (void)state;
  play_to(CONFIRMED);
  assert_int_equal(add_new(KITH_STATEMENT_INTENT, ASH), KITH_OK);
  assert_int_equal(add_new(KITH_STATEMENT_MANIFEST, BIRCH), KITH_ERR_NOT_FOUND);
  s = statement_of(KITH_STATEMENT_MANIFEST, ASH);
  s.body.manifest.n_records++;
  REFUSED(&s);
  s = statement_of(KITH_STATEMENT_MANIFEST, ASH);
  s.body.manifest.n_batches--;
  REFUSED(&s);
  assert_int_equal(add_new(KITH_STATEMENT_MANIFEST, ASH), KITH_OK);
  /* An agency with nothing to submit. */
  s = statement_of(KITH_STATEMENT_INTENT, CEDAR);
  s.body.intent.n_records = s.body.intent.n_batches = 0;
  assert_int_equal(add(&s), KITH_OK);
  s = statement_of(KITH_STATEMENT_MANIFEST, CEDAR);
  s.body.manifest.n_records = s.body.manifest.n_batches = 0;
  assert_int_equal(add(&s), KITH_OK);
}

/* ---- release and consent */

static void releases(void **state)
{
  struct kith_statement s;

  (void)state;
  play_to(MANIFESTED);
  for (int i = 0; i < 6; i++) {
    s = statement_of(KITH_STATEMENT_RELEASE, HUB);
    if (i == 0)
      s.body.release.charter.bytes[0] ^= 1;
    else if (i == 1)
      s.body.release.policy.bytes[0] ^= 1;
    else if (i == 2)
      s.body.release.manifests[1].manifest = manifest_hashes[0];
    else if (i == 3)
      s.body.release.n_manifests = 2; /* without consent */
    else if (i == 4)
      strcpy(s.body.release.lists[0].recipient, "lead");
    else
      strcpy(s.body.release.lists[s.body.release.n_lists++].recipient, "zoe");
    REFUSED(&s);
  }
  s = statement_of(KITH_STATEMENT_RELEASE, HUB);
  strcpy(s.body.release.manifests[2].agency, "dogwood");
  REFUSED(&s);
  assert_int_equal(add_new(KITH_STATEMENT_RELEASE, HUB), KITH_OK);
}

static void consents(void **state)
{
  struct kith_statement s;

  (void)state;
  play_to(INTENDED);
  assert_int_equal(add_new(KITH_STATEMENT_MANIFEST, ASH), KITH_OK);
  assert_int_equal(add_new(KITH_STATEMENT_CONSENT, LEAD), KITH_ERR_NOT_FOUND); /* birch has not */
  assert_int_equal(add_new(KITH_STATEMENT_MANIFEST, BIRCH), KITH_OK);
  s = statement_of(KITH_STATEMENT_CONSENT, LEAD);
  strcpy(s.body.consent.agencies[1], "dogwood");
  REFUSED(&s);
  s = statement_of(KITH_STATEMENT_RELEASE, HUB);
  REFUSED(&s); /* cedar has not submitted */
  s.body.release.n_manifests = 2;
  REFUSED(&s);
  assert_int_equal(add_new(KITH_STATEMENT_CONSENT, LEAD), KITH_OK);
  assert_int_equal(add(&s), KITH_OK);
  assert_int_equal(add_new(KITH_STATEMENT_MANIFEST, CEDAR), KITH_ERR_NOT_FOUND);
}

/* Consent is to these agencies, not to so many. */
static void consent_to_others(void **state)
{
  struct kith_statement s;

  (void)state;
  play_to(MANIFESTED);
  assert_int_equal(add_new(KITH_STATEMENT_CONSENT, LEAD), KITH_OK);
  s = statement_of(KITH_STATEMENT_RELEASE, HUB);
  s.body.release.n_manifests = 2;
  s.body.release.manifests[1] = s.body.release.manifests[2];
  REFUSED(&s);
  s = statement_of(KITH_STATEMENT_RELEASE, HUB);
  s.body.release.n_manifests = 2;
  assert_int_equal(add(&s), KITH_OK);
}

/* ---- out of memory */

static void allocation_faults(void **state)
{
  (void)state;
  EACH_TYPE(type)
  {
    struct kith_statement s;
    struct kith_buf bytes;

    play_to(times[type].said);
    s = statement_of(type, ASH);
    kith_buf_init(&bytes, 0);
    assert_int_equal(kith_statement_write(&bytes, &s, identities[person_of(s.author)]), KITH_OK);
    UNIT_EACH_ALLOCATION(n)
    {
      static struct kith_round_view before;
      enum kith_err err;

      memcpy(&before, view, sizeof before);
      err = kith_round_log_add(log_, &charter, bytes.bytes, bytes.len, NOW, NULL, NULL);
      if (err == KITH_OK) {
        unit_allocations_done();
      } else {
        assert_int_equal(err, KITH_ERR_MEMORY);
        if (memcmp(&before, view, sizeof before) != 0)
          fail_msg("%s without memory changes the log", kith_statement_name(type));
      }
    }
    kith_buf_free(&bytes);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(goes_well),
      cmocka_unit_test(wrong_authors),
      cmocka_unit_test(false_signatures),
      cmocka_unit_test(other_rounds_and_attempts),
      cmocka_unit_test(too_early),
      cmocka_unit_test(too_late),
      cmocka_unit_test(repetitions_and_conflicts),
      cmocka_unit_test(clocks),
      cmocka_unit_test(after_an_abort),
      cmocka_unit_test(malformed),
      cmocka_unit_test(another_roster),
      cmocka_unit_test(joins),
      cmocka_unit_test(rosters),
      cmocka_unit_test(quorums),
      cmocka_unit_test(openings),
      cmocka_unit_test(manifests),
      cmocka_unit_test(releases),
      cmocka_unit_test(consents),
      cmocka_unit_test(consent_to_others),
      cmocka_unit_test(allocation_faults),
  };

  return cmocka_run_group_tests(tests, rounds_set_up, rounds_tear_down);
}
