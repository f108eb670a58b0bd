#include "proto/keying.h"

#include "crypto/seal.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors/crypto_vectors.h"

enum { N = 3 };
static const char *const members[N] = {"ash", "birch_2", "cedar"};

/* A whole keying: three members, each with a round key and a contribution. */
struct keying {
  struct kith_hash roster;
  uint8_t public_keys[N][KITH_SEAL_KEY_BYTES];
  struct kith_secret *secret_keys[N];
  struct kith_secret *contributions[N];
  struct kith_hash commitments[N];
};

static void roster_of(struct kith_hash *out, uint32_t attempt, uint8_t tag)
{
  static const uint8_t round[KITH_ROUND_ID_BYTES] = {1, 2, 3};
  uint8_t join[N] = {tag, 2, 3};
  struct kith_hash charter = {{1}};
  struct kith_hash policy = {{2}};
  struct kith_hash open = {{3}};
  struct kith_roster_join joins[N];

  for (unsigned i = 0; i < N; i++)
    joins[i] = (struct kith_roster_join){members[i], &join[i], 1};
  assert_int_equal(kith_roster_hash(out, round, attempt, &charter, &policy, &open, joins, N),
                   KITH_OK);
}

static int keying_make(void **state)
{
  struct keying *keying = calloc(1, sizeof *keying);

  if (!keying)
    return -1;
  roster_of(&keying->roster, 1, 0);
  for (unsigned i = 0; i < N; i++) {
    assert_int_equal(kith_seal_keypair(keying->public_keys[i], &keying->secret_keys[i]), KITH_OK);
    assert_int_equal(kith_secret_random(&keying->contributions[i], KITH_CONTRIBUTION_BYTES),
                     KITH_OK);
    kith_commitment(&keying->commitments[i], &keying->roster, members[i], keying->contributions[i]);
  }
  *state = keying;
  return 0;
}

static int keying_free(void **state)
{
  struct keying *keying = *state;

  for (unsigned i = 0; i < N; i++) {
    kith_secret_free(keying->secret_keys[i]);
    kith_secret_free(keying->contributions[i]);
  }
  free(keying);
  return 0;
}

static void secret_of(struct kith_secret **out, const struct kith_hash *roster,
                      struct kith_secret *const contributions[N])
{
  struct kith_contribution shares[N];

  for (unsigned i = 0; i < N; i++)
    shares[i] = (struct kith_contribution){members[i], contributions[i]};
  assert_int_equal(kith_round_secret(out, roster, shares, N), KITH_OK);
}

/* ---- known answers */

static void known_answers(void **state)
{
  struct kith_secret *seal_key;
  struct kith_secret *contribution;
  struct kith_secret *secret;
  struct kith_secret *linkage;
  struct kith_secret *confirmation;
  struct kith_hash roster;
  struct kith_hash commitment;
  struct kith_contribution shares[N];
  struct kith_secret *copies[N];
  uint8_t mac[KITH_CONFIRMATION_BYTES];

  (void)state;
  memcpy(roster.bytes, vector_roster, sizeof roster.bytes);
  memcpy(commitment.bytes, vector_commitment_1, sizeof commitment.bytes);
  assert_int_equal(kith_secret_copy(&seal_key, vector_seal_secret, 32), KITH_OK);
  assert_int_equal(kith_contribution_open(&contribution, seal_key, &roster, "birch_2", "ash",
                                          vector_contribution_sealed, &commitment),
                   KITH_OK);
  assert_memory_equal(kith_secret_peek(contribution), vector_contribution_1, 32);
  for (unsigned i = 0; i < N; i++) {
    const uint8_t *const bytes[N] = {vector_contribution_0, vector_contribution_1,
                                     vector_contribution_2};
    assert_int_equal(kith_secret_copy(&copies[i], bytes[i], 32), KITH_OK);
    shares[i] = (struct kith_contribution){members[i], copies[i]};
  }
  assert_int_equal(kith_round_secret(&secret, &roster, shares, N), KITH_OK);
  assert_memory_equal(kith_secret_peek(secret), vector_round_secret, 32);
  assert_int_equal(kith_linkage_secret(&linkage, &roster, secret), KITH_OK);
  assert_memory_equal(kith_secret_peek(linkage), vector_linkage_secret, 32);
  assert_int_equal(kith_confirmation_key(&confirmation, &roster, secret), KITH_OK);
  assert_memory_equal(kith_secret_peek(confirmation), vector_confirmation_key, 32);
  assert_int_equal(kith_confirmation_mac(mac, confirmation, &roster, "cedar"), KITH_OK);
  assert_memory_equal(mac, vector_confirmation_mac, sizeof mac);
  for (unsigned i = 0; i < N; i++)
    kith_secret_free(copies[i]);
  kith_secret_free(seal_key);
  kith_secret_free(contribution);
  kith_secret_free(secret);
  kith_secret_free(linkage);
  kith_secret_free(confirmation);
}

static void known_roster(void **state)
{
  const uint8_t *const bytes[N] = {vector_join_0, vector_join_1, vector_join_2};
  struct kith_roster_join joins[N];
  struct kith_hash charter;
  struct kith_hash policy;
  struct kith_hash open;
  struct kith_hash roster;

  (void)state;
  memcpy(charter.bytes, vector_charter, 32);
  memcpy(policy.bytes, vector_policy, 32);
  memcpy(open.bytes, vector_open, 32);
  for (unsigned i = 0; i < N; i++)
    joins[i] = (struct kith_roster_join){members[i], bytes[i], sizeof vector_join_0};
  assert_int_equal(kith_roster_hash(&roster, vector_round, 2, &charter, &policy, &open, joins, N),
                   KITH_OK);
  assert_memory_equal(roster.bytes, vector_roster, 32);
  assert_int_equal(kith_roster_hash(&roster, vector_round, 1, &charter, &policy, &open, joins, N),
                   KITH_OK);
  assert_memory_not_equal(roster.bytes, vector_roster, 32);
  assert_int_equal(kith_roster_hash(&roster, vector_round, 2, &policy, &charter, &open, joins, N),
                   KITH_OK);
  assert_memory_not_equal(roster.bytes, vector_roster, 32);
}

/* ---- the roster */

static void a_roster_is_in_order_without_doubles(void **state)
{
  static const char *const bad[][N] = {
      {"birch_2", "ash", "cedar"}, {"ash", "cedar", "birch_2"}, {"ash", "ash", "cedar"},
      {"ash", "birch_2", ""},      {"Ash", "birch_2", "cedar"}, {"ash", "bir-ch", "cedar"},
  };
  static const uint8_t round[KITH_ROUND_ID_BYTES] = {1};
  const struct kith_hash zero = {{0}};
  struct kith_roster_join joins[KITH_AGENCIES_MAX + 1];
  struct kith_hash roster = {{0xee}};
  static char names[KITH_AGENCIES_MAX + 1][8];

  (void)state;
  for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
    for (unsigned i = 0; i < N; i++)
      joins[i] = (struct kith_roster_join){bad[b][i], round, 4};
    assert_int_equal(kith_roster_hash(&roster, round, 1, &zero, &zero, &zero, joins, N),
                     KITH_ERR_DATA);
  }
  for (unsigned i = 0; i <= KITH_AGENCIES_MAX; i++) {
    snprintf(names[i], sizeof names[i], "m%02u", i);
    joins[i] = (struct kith_roster_join){names[i], round, 4};
  }
  assert_int_equal(kith_roster_hash(&roster, round, 1, &zero, &zero, &zero, joins, 0),
                   KITH_ERR_DATA);
  assert_int_equal(
      kith_roster_hash(&roster, round, 1, &zero, &zero, &zero, joins, KITH_AGENCIES_MAX + 1),
      KITH_ERR_DATA);
  assert_int_equal(roster.bytes[0], 0xee);
  assert_int_equal(
      kith_roster_hash(&roster, round, 1, &zero, &zero, &zero, joins, KITH_AGENCIES_MAX), KITH_OK);
}

/* ---- contributions */

static void every_member_opens_every_copy(void **state)
{
  const struct keying *keying = *state;

  for (unsigned author = 0; author < N; author++) {
    for (unsigned member = 0; member < N; member++) {
      uint8_t sealed[KITH_SEALED_CONTRIBUTION_BYTES];
      struct kith_secret *opened;

      assert_int_equal(kith_contribution_seal(sealed, keying->public_keys[member], &keying->roster,
                                              members[author], members[member],
                                              keying->contributions[author]),
                       KITH_OK);
      assert_int_equal(kith_contribution_open(&opened, keying->secret_keys[member], &keying->roster,
                                              members[author], members[member], sealed,
                                              &keying->commitments[author]),
                       KITH_OK);
      assert_true(kith_secret_equal(opened, keying->contributions[author]));
      kith_secret_free(opened);
    }
  }
}

static void replayed_and_altered_copies_are_refused(void **state)
{
  const struct keying *keying = *state;
  const struct kith_secret *key = keying->secret_keys[1];
  const struct kith_hash *commitment = &keying->commitments[0];
  uint8_t sealed[KITH_SEALED_CONTRIBUTION_BYTES];
  struct kith_secret *opened = NULL;
  struct kith_hash other_attempt;
  struct kith_hash other_join;

  roster_of(&other_attempt, 2, 0);
  roster_of(&other_join, 1, 9);
  assert_int_equal(kith_contribution_seal(sealed, keying->public_keys[1], &keying->roster, "ash",
                                          "birch_2", keying->contributions[0]),
                   KITH_OK);
  /* another roster: another attempt, other joins */
  assert_int_equal(
      kith_contribution_open(&opened, key, &other_attempt, "ash", "birch_2", sealed, commitment),
      KITH_ERR_NO);
  assert_int_equal(
      kith_contribution_open(&opened, key, &other_join, "ash", "birch_2", sealed, commitment),
      KITH_ERR_NO);
  /* another author, another member, another key */
  assert_int_equal(
      kith_contribution_open(&opened, key, &keying->roster, "cedar", "birch_2", sealed, commitment),
      KITH_ERR_NO);
  assert_int_equal(
      kith_contribution_open(&opened, key, &keying->roster, "ash", "cedar", sealed, commitment),
      KITH_ERR_NO);
  assert_int_equal(kith_contribution_open(&opened, keying->secret_keys[2], &keying->roster, "ash",
                                          "birch_2", sealed, commitment),
                   KITH_ERR_NO);
  /* the same letters, divided otherwise */
  assert_int_equal(
      kith_contribution_open(&opened, key, &keying->roster, "ashb", "irch_2", sealed, commitment),
      KITH_ERR_NO);
  /* another commitment: what was committed to is not what was sent */
  assert_int_equal(kith_contribution_open(&opened, key, &keying->roster, "ash", "birch_2", sealed,
                                          &keying->commitments[1]),
                   KITH_ERR_NO);
  for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
    sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(
        kith_contribution_open(&opened, key, &keying->roster, "ash", "birch_2", sealed, commitment),
        KITH_ERR_NO);
    sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  assert_null(opened);
  assert_int_equal(kith_contribution_seal(sealed, keying->public_keys[1], &keying->roster, "Ash",
                                          "birch_2", keying->contributions[0]),
                   KITH_ERR_DATA);
}

/* A commitment holds for one contribution of one member in one roster. */
static void commitments_bind(void **state)
{
  const struct keying *keying = *state;
  struct kith_hash other_roster;
  struct kith_hash commitment;

  roster_of(&other_roster, 2, 0);
  kith_commitment(&commitment, &keying->roster, members[0], keying->contributions[0]);
  assert_true(kith_hash_equal(&commitment, &keying->commitments[0]));
  kith_commitment(&commitment, &keying->roster, members[0], keying->contributions[1]);
  assert_false(kith_hash_equal(&commitment, &keying->commitments[0]));
  kith_commitment(&commitment, &keying->roster, members[1], keying->contributions[0]);
  assert_false(kith_hash_equal(&commitment, &keying->commitments[0]));
  kith_commitment(&commitment, &other_roster, members[0], keying->contributions[0]);
  assert_false(kith_hash_equal(&commitment, &keying->commitments[0]));
}

/* ---- the secret */

static void the_secret_depends_on_everything(void **state)
{
  const struct keying *keying = *state;
  struct kith_secret *shares[N];
  struct kith_secret *secret;
  struct kith_secret *other;
  struct kith_hash other_roster;

  secret_of(&secret, &keying->roster, keying->contributions);
  secret_of(&other, &keying->roster, keying->contributions);
  assert_true(kith_secret_equal(secret, other));
  kith_secret_free(other);

  roster_of(&other_roster, 2, 0);
  secret_of(&other, &other_roster, keying->contributions);
  assert_false(kith_secret_equal(secret, other));
  kith_secret_free(other);

  /* the same contributions, but of other members */
  for (unsigned i = 0; i < N; i++)
    shares[i] = keying->contributions[(i + 1) % N];
  secret_of(&other, &keying->roster, shares);
  assert_false(kith_secret_equal(secret, other));
  kith_secret_free(other);

  /* one bit of any contribution */
  for (unsigned i = 0; i < N; i++) {
    kith_secret_bytes(keying->contributions[i])[31] ^= 0x80;
    secret_of(&other, &keying->roster, keying->contributions);
    kith_secret_bytes(keying->contributions[i])[31] ^= 0x80;
    assert_false(kith_secret_equal(secret, other));
    kith_secret_free(other);
  }
  kith_secret_free(secret);
}

static void reordered_or_doubled_members_are_refused(void **state)
{
  const struct keying *keying = *state;
  struct kith_contribution shares[N] = {{members[1], keying->contributions[1]},
                                        {members[0], keying->contributions[0]},
                                        {members[2], keying->contributions[2]}};
  struct kith_secret *secret = NULL;
  struct kith_secret *shorter;

  assert_int_equal(kith_round_secret(&secret, &keying->roster, shares, N), KITH_ERR_DATA);
  shares[0] = shares[1];
  assert_int_equal(kith_round_secret(&secret, &keying->roster, shares, N), KITH_ERR_DATA);
  assert_int_equal(kith_round_secret(&secret, &keying->roster, shares, 0), KITH_ERR_DATA);
  assert_int_equal(kith_secret_new(&shorter, KITH_CONTRIBUTION_BYTES - 1), KITH_OK);
  shares[0].bytes = shorter;
  assert_int_equal(kith_round_secret(&secret, &keying->roster, shares, 1), KITH_ERR_DATA);
  assert_null(secret);
  kith_secret_free(shorter);
}

/* Fewer members, or a member whose id continues another's: lengths are framed. */
static void frames_keep_members_apart(void **state)
{
  const struct keying *keying = *state;
  struct kith_contribution one[1] = {{"ash", keying->contributions[0]}};
  struct kith_contribution longer[1] = {{"ash_", keying->contributions[0]}};
  struct kith_secret *a;
  struct kith_secret *b;

  assert_int_equal(kith_round_secret(&a, &keying->roster, one, 1), KITH_OK);
  assert_int_equal(kith_round_secret(&b, &keying->roster, longer, 1), KITH_OK);
  assert_false(kith_secret_equal(a, b));
  kith_secret_free(a);
  kith_secret_free(b);
}

/* ---- confirmations */

static void confirmations_are_of_one_member_roster_and_key(void **state)
{
  const struct keying *keying = *state;
  struct kith_secret *secret;
  struct kith_secret *key;
  struct kith_secret *other_key;
  struct kith_secret *linkage;
  struct kith_hash other_roster;
  uint8_t mac[KITH_CONFIRMATION_BYTES];

  roster_of(&other_roster, 2, 0);
  secret_of(&secret, &keying->roster, keying->contributions);
  assert_int_equal(kith_confirmation_key(&key, &keying->roster, secret), KITH_OK);
  assert_int_equal(kith_confirmation_key(&other_key, &other_roster, secret), KITH_OK);
  assert_int_equal(kith_linkage_secret(&linkage, &keying->roster, secret), KITH_OK);
  assert_false(kith_secret_equal(key, secret));
  assert_false(kith_secret_equal(key, linkage));
  assert_false(kith_secret_equal(key, other_key));

  assert_int_equal(kith_confirmation_mac(mac, key, &keying->roster, "ash"), KITH_OK);
  assert_int_equal(kith_confirmation_check(mac, key, &keying->roster, "ash"), KITH_OK);
  assert_int_equal(kith_confirmation_check(mac, key, &keying->roster, "cedar"), KITH_ERR_NO);
  assert_int_equal(kith_confirmation_check(mac, key, &keying->roster, "as"), KITH_ERR_NO);
  assert_int_equal(kith_confirmation_check(mac, key, &keying->roster, "ASH"), KITH_ERR_NO);
  assert_int_equal(kith_confirmation_check(mac, key, &other_roster, "ash"), KITH_ERR_NO);
  assert_int_equal(kith_confirmation_check(mac, other_key, &keying->roster, "ash"), KITH_ERR_NO);
  for (size_t bit = 0; bit < 8 * sizeof mac; bit++) {
    mac[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(kith_confirmation_check(mac, key, &keying->roster, "ash"), KITH_ERR_NO);
    mac[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  kith_secret_free(secret);
  kith_secret_free(key);
  kith_secret_free(other_key);
  kith_secret_free(linkage);
}

static void survives_failing_allocations(void **state)
{
  const struct keying *keying = *state;
  const struct kith_contribution shares[1] = {{"ash", keying->contributions[0]}};

  UNIT_EACH_ALLOCATION(n)
  {
    uint8_t sealed[KITH_SEALED_CONTRIBUTION_BYTES];
    struct kith_secret *opened = NULL;
    struct kith_secret *secret = NULL;
    struct kith_secret *key = NULL;
    enum kith_err err = kith_contribution_seal(sealed, keying->public_keys[1], &keying->roster,
                                               "ash", "birch_2", keying->contributions[0]);

    if (err == KITH_OK)
      err = kith_contribution_open(&opened, keying->secret_keys[1], &keying->roster, "ash",
                                   "birch_2", sealed, &keying->commitments[0]);
    if (err == KITH_OK)
      err = kith_round_secret(&secret, &keying->roster, shares, 1);
    if (err == KITH_OK)
      err = kith_confirmation_key(&key, &keying->roster, secret);
    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_int_equal(err, KITH_ERR_MEMORY);
    kith_secret_free(opened);
    kith_secret_free(secret);
    kith_secret_free(key);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_answers),
      cmocka_unit_test(known_roster),
      cmocka_unit_test(a_roster_is_in_order_without_doubles),
      cmocka_unit_test(every_member_opens_every_copy),
      cmocka_unit_test(replayed_and_altered_copies_are_refused),
      cmocka_unit_test(commitments_bind),
      cmocka_unit_test(the_secret_depends_on_everything),
      cmocka_unit_test(reordered_or_doubled_members_are_refused),
      cmocka_unit_test(frames_keep_members_apart),
      cmocka_unit_test(confirmations_are_of_one_member_roster_and_key),
      cmocka_unit_test(survives_failing_allocations),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return EXIT_FAILURE;
  return cmocka_run_group_tests(tests, keying_make, keying_free);
}
