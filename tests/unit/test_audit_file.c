#include "proto/audit.h"

#include "tests/unit/unit.h"
#include "tests/unit/vectors/crypto_vectors.h"

enum { LOG, OTHER };
static const char *const tables[] = {"audit", "other"};
static const struct kith_store_options options = {tables, 2, 4 << 20};
static const kith_round_id some_round = {7, 7, 7};
static struct kith_identity *identity;

static struct kith_store *open_store(void **state, const char *name)
{
  struct kith_store *store;

  assert_int_equal(kith_store_open(&store, unit_path(state, name), &options, NULL), KITH_OK);
  return store;
}

static struct kith_txn *begin(struct kith_store *store)
{
  struct kith_txn *txn;

  assert_int_equal(kith_txn_begin(&txn, store, true), KITH_OK);
  return txn;
}

static void append_some(struct kith_txn *txn, unsigned n)
{
  for (unsigned i = 0; i < n; i++) {
    const struct kith_hash hash = {{(uint8_t)i, 9}};
    const struct kith_audit_value values[] = {
        kith_audit_round("round", some_round), kith_audit_id("member", "ash"),
        kith_audit_hash("hash", &hash), kith_audit_number("number", UINT64_MAX - i)};
    assert_int_equal(
        kith_audit_append(txn, LOG, 1000 + i, KITH_AUDIT_STATEMENT, values, i % 5, NULL), KITH_OK);
  }
}

/* ---- exported files */

static void known_export(void **state)
{
  struct kith_audit_report report;
  struct kith_audit_evidence evidence = {.sign_key = vector_sign_public};

  (void)state;
  assert_int_equal(kith_audit_export_check(&report, vector_audit_export_7,
                                           sizeof vector_audit_export_7, &evidence, NULL),
                   KITH_OK);
  assert_int_equal(report.n_entries, 7);
  assert_int_equal(report.broken_at, 0);
  assert_memory_equal(report.head.bytes, vector_audit_head_7, 32);
  assert_string_equal(report.member, "ash");
  assert_int_equal(report.first_time, 1700000001);
  assert_int_equal(report.last_time, 1700000007);
  evidence.sign_key = vector_seal_public;
  assert_int_equal(kith_audit_export_check(&report, vector_audit_export_7,
                                           sizeof vector_audit_export_7, &evidence, NULL),
                   KITH_ERR_NO);
}

static void altered_exports_are_refused(void **state)
{
  uint8_t bytes[sizeof vector_audit_export_7 + 1] = {0};
  const size_t len = sizeof vector_audit_export_7;
  const struct kith_audit_evidence evidence = {.sign_key = vector_sign_public};
  struct kith_audit_report report;

  (void)state;
  memcpy(bytes, vector_audit_export_7, len);
  for (size_t bit = 0; bit < 8 * len; bit++) {
    enum kith_err err;
    /* The member's name in the trailer is told by the key, not by the signature. */
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    err = kith_audit_export_check(&report, bytes, len, &evidence, NULL);
    if (err == KITH_OK)
      assert_string_not_equal(report.member, "ash");
    else
      assert_true(err == KITH_ERR_NO || err == KITH_ERR_DATA);
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t cut = 0; cut < len; cut++)
    assert_int_equal(kith_audit_export_check(&report, bytes, cut, &evidence, NULL), KITH_ERR_DATA);
  assert_int_equal(kith_audit_export_check(&report, bytes, len + 1, &evidence, NULL),
                   KITH_ERR_DATA);
}

static void exports_and_verifies(void **state)
{
  struct kith_store *store = open_store(state, "export");
  struct kith_txn *txn = begin(store);
  struct kith_audit_report report;
  struct kith_checkpoint held[2];
  struct kith_audit_evidence evidence = {
      .sign_key = identity->public_keys.sign, .held = held, .n_held = 1};
  struct kith_fault fault;
  const char *path = unit_path(state, "log.kith-audit");

  assert_int_equal(kith_audit_export(txn, LOG, path, "ash", identity, NULL, NULL, NULL), KITH_OK);
  assert_int_equal(kith_audit_export_check_file(&report, path, NULL, NULL), KITH_OK);
  assert_int_equal(report.n_entries, 0);

  append_some(txn, 20);
  assert_int_equal(kith_audit_checkpoint(txn, LOG, &held[0], "ash", identity), KITH_OK);
  append_some(txn, 20);
  assert_int_equal(kith_audit_export(txn, LOG, path, "ash", identity, NULL, NULL, NULL), KITH_OK);
  assert_int_equal(kith_audit_export_check_file(&report, path, &evidence, &fault), KITH_OK);
  assert_int_equal(report.n_entries, 40);
  assert_string_equal(report.member, "ash");

  append_some(txn, 2);
  assert_int_equal(kith_audit_checkpoint(txn, LOG, &held[1], "ash", identity), KITH_OK);
  evidence.n_held = 2; /* a node that hides its last two entries */
  assert_int_equal(kith_audit_export_check_file(&report, path, &evidence, &fault), KITH_ERR_NO);
  assert_int_equal(report.broken_at, 41);
  evidence.n_held = 1; /* evidence that somebody made up accuses nobody */
  held[0].root.bytes[0] ^= 1;
  assert_int_equal(kith_audit_export_check_file(&report, path, &evidence, &fault), KITH_ERR_NO);
  assert_int_equal(report.broken_at, 0);
  kith_txn_abort(txn);

  txn = begin(store); /* the past made anew, the chain is whole again */
  append_some(txn, 3);
  for (unsigned i = 3; i < 20; i++)
    assert_int_equal(kith_audit_append(txn, LOG, 2000, KITH_AUDIT_CONFIGURED, NULL, 0, NULL),
                     KITH_OK);
  held[0].root.bytes[0] ^= 1;
  assert_int_equal(kith_audit_export(txn, LOG, path, "ash", identity, NULL, NULL, NULL), KITH_OK);
  assert_int_equal(kith_audit_export_check_file(&report, path, NULL, &fault), KITH_OK);
  assert_int_equal(kith_audit_export_check_file(&report, path, &evidence, &fault), KITH_ERR_NO);
  assert_int_equal(report.broken_at, 20);
  assert_non_null(strstr(fault.text, "log.kith-audit"));
  assert_non_null(strstr(fault.text, "entry 20"));
  kith_txn_abort(txn);

  assert_int_equal(kith_audit_export_check_file(&report, unit_path(state, "no"), NULL, NULL),
                   KITH_ERR_NO_INPUT);
  kith_store_close(store);
}

static void a_failed_export_leaves_nothing(void **state)
{
  static const char *const places[] = {"file.write", "file.sync", "file.rename.before"};
  struct kith_store *store = open_store(state, "failed");
  struct kith_txn *txn = begin(store);
  const char *path = unit_path(state, "failed.kith-audit");

  append_some(txn, 2);
  for (size_t i = 0; i < 3; i++) {
    kith_failpoint_arm(places[i], 1);
    assert_int_equal(kith_audit_export(txn, LOG, path, "ash", identity, NULL, NULL, NULL),
                     KITH_ERR_IO);
    kith_failpoint_arm(NULL, 0);
    assert_int_not_equal(access(path, F_OK), 0);
  }
  kith_txn_abort(txn);
  kith_store_close(store);
}

static int set_up(void **state)
{
  return unit_folder_make(state) == 0 && kith_identity_new(&identity) == KITH_OK ? 0 : -1;
}

static int tear_down(void **state)
{
  kith_identity_free(identity);
  return unit_folder_remove(state);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_export),
      cmocka_unit_test(altered_exports_are_refused),
      cmocka_unit_test(exports_and_verifies),
      cmocka_unit_test(a_failed_export_leaves_nothing),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return EXIT_FAILURE;
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
