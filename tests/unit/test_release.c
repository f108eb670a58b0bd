#include "proto/release.h"

#include "base/mem.h"
#include "crypto/seal.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors/crypto_vectors.h"

static struct kith_cohort known_cohort(void)
{
  struct kith_cohort cohort;

  assert_int_equal(kith_cohort_read(&cohort, vector_cohort, sizeof vector_cohort, NULL), KITH_OK);
  return cohort;
}

/* The release statement that the known list belongs to. */
static struct kith_release known_release(const struct kith_cohort *cohort)
{
  struct kith_release release = {.roster = cohort->roster,
                                 .charter = cohort->charter,
                                 .policy = cohort->policy,
                                 .threshold = "0.95",
                                 .n_manifests = 3};

  for (unsigned i = 0; i < 3; i++) {
    memcpy(release.manifests[i].agency, cohort->agencies[i].agency, sizeof(kith_member_id));
    release.manifests[i].manifest = cohort->agencies[i].manifest;
  }
  memcpy(release.leaf_root.bytes, vector_cohort_root, KITH_HASH_BYTES);
  return release;
}

static void known_list(void **state)
{
  struct kith_cohort cohort = known_cohort();
  struct kith_release release = known_release(&cohort);
  struct kith_hash root;
  struct kith_buf written = {0};

  (void)state;
  assert_memory_equal(cohort.round, vector_round, 16);
  assert_memory_equal(cohort.policy.bytes, vector_policy, 32);
  assert_memory_equal(cohort.charter.bytes, vector_charter, 32);
  assert_memory_equal(cohort.roster.bytes, vector_roster, 32);
  assert_string_equal(cohort.threshold, "0.95");
  assert_int_equal(cohort.n_agencies, 3);
  assert_string_equal(cohort.agencies[1].agency, "birch_2");
  assert_int_equal(cohort.n_people, 3);
  assert_int_equal(cohort.n_records, 6);
  assert_int_equal(cohort.people[2].number, 23);
  assert_int_equal(cohort.people[2].confidence, 999998);
  assert_int_equal(cohort.people[2].weakest, 900000);
  assert_int_equal(cohort.people[1].flags, 1);
  assert_int_equal(cohort.people[2].first, 4);
  assert_int_equal(cohort.people[2].n_records, 2);
  assert_int_equal(cohort.records[5].agency, 0);
  kith_cohort_root(&root, &cohort);
  assert_memory_equal(root.bytes, vector_cohort_root, 32);
  assert_int_equal(kith_cohort_check(&cohort, vector_round, &release, NULL), KITH_OK);
  assert_int_equal(kith_cohort_write(&written, &cohort), KITH_OK);
  assert_int_equal(written.len, sizeof vector_cohort);
  assert_memory_equal(written.bytes, vector_cohort, sizeof vector_cohort);
  kith_buf_free(&written);
  kith_cohort_free(&cohort);
  kith_cohort_free(&cohort);
}

/* What is read is the only list with those bytes, and it is not the released one. */
static void altered_lists_are_refused(void **state)
{
  struct kith_cohort known = known_cohort();
  struct kith_release release = known_release(&known);
  uint8_t bytes[sizeof vector_cohort];
  struct kith_buf written = {0};

  (void)state;
  kith_cohort_free(&known);
  memcpy(bytes, vector_cohort, sizeof bytes);
  for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
    struct kith_cohort cohort;
    enum kith_err err;
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    err = kith_cohort_read(&cohort, bytes, sizeof bytes, NULL);
    if (err == KITH_OK) {
      assert_int_equal(kith_cohort_write(&written, &cohort), KITH_OK);
      assert_int_equal(written.len, sizeof bytes);
      assert_memory_equal(written.bytes, bytes, sizeof bytes);
      err = kith_cohort_check(&cohort, vector_round, &release, NULL);
      /* Confidence and flags are in the sealed list's hash, not in the leaves. */
      if (err == KITH_OK)
        assert_true(bytes[bit / 8] != vector_cohort[bit / 8]);
      else
        assert_int_equal(err, KITH_ERR_NO);
      kith_cohort_free(&cohort);
    } else {
      assert_int_equal(err, KITH_ERR_DATA);
    }
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t len = 0; len < sizeof bytes; len++) {
    struct kith_cohort cohort;
    assert_int_equal(kith_cohort_read(&cohort, bytes, len, NULL), KITH_ERR_DATA);
  }
  kith_buf_free(&written);
}

/* Each breaks one thing that a list must hold to; none may be written. */
static void broken_lists_are_refused(void **state)
{
  struct kith_buf out = {0};

  (void)state;
  for (unsigned wrong = 0; wrong <= 13; wrong++) {
    struct kith_cohort cohort = known_cohort();

    switch (wrong) {
    case 1:
      cohort.people[1].number = cohort.people[0].number;
      break;
    case 2:
      cohort.people[0].number = 1000;
      break;
    case 3:
      cohort.people[0].confidence = KITH_CONFIDENCE_ONE + 1;
      break;
    case 4:
      cohort.people[0].weakest = KITH_CONFIDENCE_ONE + 1;
      break;
    case 5:
      cohort.people[0].flags = 65536;
      break;
    case 6:
      cohort.records[3].agency = 3;
      break;
    case 7:
      cohort.records[3] = cohort.records[0];
      break;
    case 8:
      cohort.people[2].n_records = 1;
      break;
    case 9:
      cohort.people[2].n_records = 3;
      break;
    case 10:
      cohort.people[1].first = 1;
      break;
    case 11:
      memcpy(cohort.agencies[0].agency, "zebra", 6);
      break;
    case 12:
      memcpy(cohort.agencies[0].agency, "birch_2", 8);
      break;
    case 13:
      memset(cohort.threshold, '9', sizeof cohort.threshold);
      break;
    default:
      break;
    }
    assert_int_equal(kith_cohort_write(&out, &cohort), wrong ? KITH_ERR_INTERNAL : KITH_OK);
    kith_cohort_free(&cohort);
  }
  kith_buf_free(&out);
}

/* The same nonce or handle number at another agency is another record. */
static void a_record_is_an_agencys_handle(void **state)
{
  struct kith_cohort cohort = known_cohort();
  struct kith_buf out = {0};

  (void)state;
  memcpy(cohort.records[1].handle, cohort.records[0].handle, KITH_HANDLE_BYTES);
  assert_int_not_equal(cohort.records[0].agency, cohort.records[1].agency);
  assert_int_equal(kith_cohort_write(&out, &cohort), KITH_OK);
  cohort.records[1].agency = cohort.records[0].agency;
  assert_int_equal(kith_cohort_write(&out, &cohort), KITH_ERR_INTERNAL);
  kith_buf_free(&out);
  kith_cohort_free(&cohort);
}

static void is_held_against_the_release(void **state)
{
  struct kith_cohort cohort = known_cohort();
  const struct kith_release good = known_release(&cohort);

  (void)state;
  for (unsigned wrong = 1; wrong <= 8; wrong++) {
    struct kith_release release = good;
    struct kith_fault fault = {0};
    const uint8_t *round = vector_round;

    switch (wrong) {
    case 1:
      round = vector_roster;
      break;
    case 2:
      release.charter.bytes[0] ^= 1;
      break;
    case 3:
      release.policy.bytes[31] ^= 1;
      break;
    case 4:
      release.roster.bytes[5] ^= 1;
      break;
    case 5:
      memcpy(release.threshold, "0.9", 4);
      break;
    case 6:
      release.n_manifests = 2;
      break;
    case 7:
      release.manifests[2].manifest.bytes[9] ^= 1;
      break;
    default:
      release.leaf_root.bytes[0] ^= 1;
      break;
    }
    assert_int_equal(kith_cohort_check(&cohort, round, &release, &fault), KITH_ERR_NO);
    assert_non_null(strstr(fault.text, "differs"));
  }
  /* every leaf counts: its agency, handle, number and nonce */
  cohort.records[4].nonce[15] ^= 1;
  assert_int_equal(kith_cohort_check(&cohort, vector_round, &good, NULL), KITH_ERR_NO);
  cohort.records[4].nonce[15] ^= 1;
  cohort.records[4].handle[0] ^= 1;
  assert_int_equal(kith_cohort_check(&cohort, vector_round, &good, NULL), KITH_ERR_NO);
  cohort.records[4].handle[0] ^= 1;
  cohort.records[4].agency ^= 1;
  assert_int_equal(kith_cohort_check(&cohort, vector_round, &good, NULL), KITH_ERR_NO);
  cohort.records[4].agency ^= 1;
  cohort.people[0].number++;
  assert_int_equal(kith_cohort_check(&cohort, vector_round, &good, NULL), KITH_ERR_NO);
  cohort.people[0].number--;
  assert_int_equal(kith_cohort_check(&cohort, vector_round, &good, NULL), KITH_OK);
  kith_cohort_free(&cohort);
}

static void an_empty_list_is_a_list(void **state)
{
  struct kith_cohort cohort = known_cohort();
  struct kith_cohort again;
  struct kith_buf out = {0};
  struct kith_hash root;

  (void)state;
  cohort.n_people = 0;
  cohort.n_records = 0;
  assert_int_equal(kith_cohort_write(&out, &cohort), KITH_OK);
  assert_int_equal(kith_cohort_read(&again, out.bytes, out.len, NULL), KITH_OK);
  assert_int_equal(again.n_people, 0);
  kith_cohort_root(&root, &again);
  assert_memory_equal(root.bytes, vector_merkle_0, 32);
  kith_buf_free(&out);
  kith_cohort_free(&again);
  kith_cohort_free(&cohort);
}

/* A count that the bytes can't hold is refused before anything is allocated for it. */
static void claimed_counts_allocate_nothing(void **state)
{
  static const uint8_t claims[][5] = {{0xdd, 0xff, 0xff, 0xff, 0xff}, {0xdc, 0xff, 0xff}};
  static const size_t lens[] = {5, 3};
  struct kith_cohort cohort = known_cohort();
  struct kith_buf out = {0};

  (void)state;
  cohort.n_people = 0;
  cohort.n_records = 0;
  for (size_t i = 0; i < 2; i++) {
    struct kith_cohort read;
    assert_int_equal(kith_cohort_write(&out, &cohort), KITH_OK);
    out.len--; /* the empty array of people */
    kith_buf_append(&out, claims[i], lens[i]);
    for (unsigned pad = 0; pad < 0xffff * i; pad++)
      kith_buf_append(&out, "", 1); /* elements that are there, but are no people */
    kith_failpoint_arm("alloc", 1);
    assert_int_equal(kith_cohort_read(&read, out.bytes, out.len, NULL), KITH_ERR_DATA);
    assert_int_equal(kith_failpoint_reached(), 0);
    kith_failpoint_arm(NULL, 0);
  }
  kith_buf_free(&out);
  kith_cohort_free(&cohort);
}

/* ---- sealing */

static void known_seal(void **state)
{
  struct kith_secret *key;
  struct kith_hash hash;
  uint8_t *list;
  size_t len;

  (void)state;
  assert_int_equal(kith_secret_copy(&key, vector_seal_secret, 32), KITH_OK);
  kith_sealed_list_hash(&hash, vector_cohort_sealed, sizeof vector_cohort_sealed);
  assert_memory_equal(hash.bytes, vector_cohort_sealed_hash, 32);
  assert_int_equal(kith_cohort_unseal(&list, &len, key, vector_round, "team", vector_cohort_sealed,
                                      sizeof vector_cohort_sealed),
                   KITH_OK);
  assert_int_equal(len, sizeof vector_cohort);
  assert_memory_equal(list, vector_cohort, len);
  kith_free(list);
  kith_secret_free(key);
}

static void opens_for_its_recipient_and_round_only(void **state)
{
  struct kith_secret *key;
  struct kith_secret *other;
  uint8_t *sealed;
  uint8_t *list = NULL;
  size_t sealed_len;
  size_t len = 0;

  (void)state;
  assert_int_equal(kith_secret_copy(&key, vector_seal_secret, 32), KITH_OK);
  assert_int_equal(kith_secret_random(&other, 32), KITH_OK);
  assert_int_equal(
      kith_cohort_seal(&sealed, &sealed_len, vector_seal_public, vector_round, "team", "a list", 6),
      KITH_OK);
  assert_int_equal(kith_cohort_unseal(&list, &len, other, vector_round, "team", sealed, sealed_len),
                   KITH_ERR_NO);
  assert_int_equal(kith_cohort_unseal(&list, &len, key, vector_roster, "team", sealed, sealed_len),
                   KITH_ERR_NO);
  assert_int_equal(kith_cohort_unseal(&list, &len, key, vector_round, "tean", sealed, sealed_len),
                   KITH_ERR_NO);
  assert_int_equal(kith_cohort_unseal(&list, &len, key, vector_round, "Team", sealed, sealed_len),
                   KITH_ERR_NO);
  for (size_t bit = 0; bit < 8 * sealed_len; bit++) {
    sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(kith_cohort_unseal(&list, &len, key, vector_round, "team", sealed, sealed_len),
                     KITH_ERR_NO);
    sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t cut = 0; cut < sealed_len; cut++)
    assert_int_equal(kith_cohort_unseal(&list, &len, key, vector_round, "team", sealed, cut),
                     KITH_ERR_NO);
  assert_null(list);
  assert_int_equal(kith_cohort_unseal(&list, &len, key, vector_round, "team", sealed, sealed_len),
                   KITH_OK);
  assert_int_equal(len, 6);
  kith_free(list);
  kith_free(sealed);
  assert_int_equal(
      kith_cohort_seal(&sealed, &sealed_len, vector_seal_public, vector_round, "", "a list", 6),
      KITH_ERR_DATA);
  kith_secret_free(key);
  kith_secret_free(other);
}

static void survives_failing_allocations(void **state)
{
  struct kith_secret *key;

  (void)state;
  assert_int_equal(kith_secret_copy(&key, vector_seal_secret, 32), KITH_OK);
  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_cohort cohort = {0};
    struct kith_buf written = {0};
    uint8_t *sealed = NULL;
    uint8_t *list = NULL;
    size_t sealed_len = 0;
    size_t len = 0;
    enum kith_err err = kith_cohort_read(&cohort, vector_cohort, sizeof vector_cohort, NULL);

    if (err == KITH_OK)
      err = kith_cohort_write(&written, &cohort);
    if (err == KITH_OK)
      err = kith_cohort_seal(&sealed, &sealed_len, vector_seal_public, vector_round, "team",
                             written.bytes, written.len);
    if (err == KITH_OK)
      err = kith_cohort_unseal(&list, &len, key, vector_round, "team", sealed, sealed_len);
    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_int_equal(err, KITH_ERR_MEMORY);
    kith_cohort_free(&cohort);
    kith_buf_free(&written);
    kith_free(sealed);
    kith_free(list);
  }
  kith_secret_free(key);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_list),
      cmocka_unit_test(altered_lists_are_refused),
      cmocka_unit_test(broken_lists_are_refused),
      cmocka_unit_test(a_record_is_an_agencys_handle),
      cmocka_unit_test(is_held_against_the_release),
      cmocka_unit_test(an_empty_list_is_a_list),
      cmocka_unit_test(claimed_counts_allocate_nothing),
      cmocka_unit_test(known_seal),
      cmocka_unit_test(opens_for_its_recipient_and_round_only),
      cmocka_unit_test(survives_failing_allocations),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return EXIT_FAILURE;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
