#include "proto/audit.h"

#include "base/buf.h"
#include "base/mem.h"
#include "proto/wire.h"
#include "tests/unit/unit.h"

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

static struct kith_bytes entry_key(uint8_t key[9], uint8_t seq)
{
  memset(key, 0, 9);
  key[0] = 'e';
  key[8] = seq;
  return (struct kith_bytes){key, 9};
}

/* ---- the log */

static void an_empty_log_holds(void **state)
{
  struct kith_store *store = open_store(state, "empty");
  struct kith_txn *txn = begin(store);
  struct kith_audit_report report;
  struct kith_checkpoint checkpoint;
  struct kith_audit_head head;

  assert_int_equal(kith_audit_head(txn, LOG, &head), KITH_OK);
  assert_int_equal(head.seq, 0);
  assert_int_equal(kith_audit_verify(txn, LOG, &report, NULL), KITH_OK);
  assert_int_equal(report.n_entries, 0);
  assert_int_equal(kith_audit_checkpoint(txn, LOG, &checkpoint, "ash", identity), KITH_OK);
  assert_int_equal(checkpoint.seq, 0);
  kith_txn_abort(txn);
  kith_store_close(store);
}

static enum kith_err see_entry(void *context, const struct kith_audit_entry *entry)
{
  uint64_t *seen = context;

  (*seen)++;
  assert_int_equal(entry->event, KITH_AUDIT_STATEMENT);
  assert_int_equal(entry->n_values, (entry->seq - 1) % 5);
  assert_int_equal(entry->time, 999 + (int64_t)entry->seq);
  if (entry->n_values == 4) {
    assert_string_equal(entry->values[0].name, "round");
    assert_int_equal(entry->values[0].kind, KITH_AUDIT_ROUND);
    assert_memory_equal(entry->values[0].as.round, some_round, 16);
    assert_int_equal(entry->values[1].kind, KITH_AUDIT_ID);
    assert_string_equal(entry->values[1].as.id, "ash");
    assert_int_equal(entry->values[2].kind, KITH_AUDIT_HASH);
    assert_int_equal(entry->values[2].as.hash.bytes[0], (uint8_t)(entry->seq - 1));
    assert_int_equal(entry->values[3].kind, KITH_AUDIT_NUMBER);
    assert_true(entry->values[3].as.number == UINT64_MAX - (entry->seq - 1));
  }
  return entry->seq == 299 ? KITH_ERR_CANCELLED : KITH_OK;
}

static void keeps_entries_in_order(void **state)
{
  struct kith_store *store = open_store(state, "order");
  struct kith_txn *txn = begin(store);
  struct kith_audit_report report;
  uint64_t seen = 0;

  append_some(txn, 300);
  assert_int_equal(kith_txn_commit(txn), KITH_OK);
  txn = begin(store);
  assert_int_equal(kith_audit_each(txn, LOG, 291, see_entry, &seen), KITH_OK);
  assert_int_equal(seen, 9);
  assert_int_equal(kith_audit_verify(txn, LOG, &report, NULL), KITH_OK);
  assert_int_equal(report.n_entries, 300);
  assert_int_equal(report.first_time, 1000);
  assert_int_equal(report.last_time, 1299);
  kith_txn_abort(txn);
  kith_store_close(store);
}

/* An entry is there with what it tells of, or neither is. */
static void belongs_to_the_callers_transaction(void **state)
{
  struct kith_store *store = open_store(state, "txn");
  struct kith_txn *txn = begin(store);
  struct kith_audit_head head;

  append_some(txn, 3);
  kith_txn_abort(txn);
  txn = begin(store);
  assert_int_equal(kith_audit_head(txn, LOG, &head), KITH_OK);
  assert_int_equal(head.seq, 0);
  kith_txn_abort(txn);
  kith_store_close(store);
}

static void time_never_runs_back(void **state)
{
  struct kith_store *store = open_store(state, "time");
  struct kith_txn *txn = begin(store);
  struct kith_audit_report report;
  struct kith_audit_head head;

  assert_int_equal(kith_audit_append(txn, LOG, 500, KITH_AUDIT_STARTED, NULL, 0, &head), KITH_OK);
  assert_int_equal(kith_audit_append(txn, LOG, 400, KITH_AUDIT_STOPPED, NULL, 0, &head), KITH_OK);
  assert_int_equal(head.time, 500);
  assert_int_equal(head.seq, 2);
  assert_int_equal(kith_audit_verify(txn, LOG, &report, NULL), KITH_OK);
  kith_txn_abort(txn);
  kith_store_close(store);
}

static void refuses_what_is_no_id(void **state)
{
  static const char *const bad[] = {"", "Ash", "a b", "Anna M\xc3\xbcller",
                                    "a23456789012345678901234567890123"};
  struct kith_store *store = open_store(state, "ids");
  struct kith_txn *txn = begin(store);
  struct kith_audit_value values[KITH_AUDIT_VALUES_MAX + 1];
  struct kith_audit_head head;

  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    values[0] = kith_audit_id("member", bad[i]);
    assert_int_equal(kith_audit_append(txn, LOG, 1, KITH_AUDIT_STARTED, values, 1, NULL),
                     KITH_ERR_DATA);
    values[0] = kith_audit_number(bad[i], 1);
    assert_int_equal(kith_audit_append(txn, LOG, 1, KITH_AUDIT_STARTED, values, 1, NULL),
                     KITH_ERR_DATA);
  }
  for (size_t i = 0; i <= KITH_AUDIT_VALUES_MAX; i++)
    values[i] = kith_audit_number("n", i);
  assert_int_equal(
      kith_audit_append(txn, LOG, 1, KITH_AUDIT_STARTED, values, KITH_AUDIT_VALUES_MAX + 1, NULL),
      KITH_ERR_DATA);
  assert_int_equal(kith_audit_head(txn, LOG, &head), KITH_OK);
  assert_int_equal(head.seq, 0);
  assert_int_equal(
      kith_audit_append(txn, LOG, 1, KITH_AUDIT_STARTED, values, KITH_AUDIT_VALUES_MAX, NULL),
      KITH_OK);
  kith_txn_abort(txn);
  kith_store_close(store);
}

static void every_event_has_a_name(void **state)
{
  (void)state;
  for (unsigned i = 1; i < KITH_AUDIT_EVENTS; i++) {
    assert_true(kith_member_id_valid(kith_audit_event_name(i)));
    for (unsigned j = 1; j < i; j++)
      assert_string_not_equal(kith_audit_event_name(i), kith_audit_event_name(j));
  }
  assert_string_equal(kith_audit_event_name(0), "unknown");
  assert_string_equal(kith_audit_event_name(KITH_AUDIT_EVENTS), "unknown");
}

/* ---- tampering with the store */

static void expect_break(struct kith_txn *txn, uint64_t at)
{
  struct kith_audit_report report;
  struct kith_fault fault = {0};
  char named[32];

  assert_int_equal(kith_audit_verify(txn, LOG, &report, &fault), KITH_ERR_NO);
  assert_int_equal(report.broken_at, at);
  snprintf(named, sizeof named, "entry %u:", (unsigned)at);
  assert_non_null(strstr(fault.text, named));
}

static void tampering_is_found_where_it_is(void **state)
{
  struct kith_store *store = open_store(state, "tamper");
  struct kith_txn *txn = begin(store);
  uint8_t key[9];
  uint8_t *entry;
  size_t len;

  append_some(txn, 6);
  assert_int_equal(kith_store_get(txn, LOG, entry_key(key, 3), &entry, &len), KITH_OK);
  assert_int_equal(kith_txn_commit(txn), KITH_OK);
  for (size_t i = 0; i < len; i++) {
    struct kith_audit_report report;
    txn = begin(store);
    entry[i] ^= 1;
    assert_int_equal(kith_store_put(txn, LOG, entry_key(key, 3), (struct kith_bytes){entry, len}),
                     KITH_OK);
    entry[i] ^= 1;
    assert_int_equal(kith_audit_verify(txn, LOG, &report, NULL), KITH_ERR_NO);
    assert_in_range(report.broken_at, 3, 4);
    kith_txn_abort(txn);
  }
  txn = begin(store); /* removed inside */
  assert_int_equal(kith_store_delete(txn, LOG, entry_key(key, 3)), KITH_OK);
  expect_break(txn, 3);
  kith_txn_abort(txn);
  txn = begin(store); /* cut at the end */
  assert_int_equal(kith_store_delete(txn, LOG, entry_key(key, 6)), KITH_OK);
  expect_break(txn, 6);
  kith_txn_abort(txn);
  txn = begin(store); /* one entry in the place of another */
  assert_int_equal(kith_store_put(txn, LOG, entry_key(key, 5), (struct kith_bytes){entry, len}),
                   KITH_OK);
  expect_break(txn, 5);
  kith_txn_abort(txn);
  txn = begin(store); /* the head turned back */
  assert_int_equal(kith_store_delete(txn, LOG, (struct kith_bytes){"h", 1}), KITH_OK);
  expect_break(txn, 6);
  assert_int_equal(kith_audit_append(txn, LOG, 1, KITH_AUDIT_STARTED, NULL, 0, NULL),
                   KITH_ERR_DATA);
  kith_txn_abort(txn);
  kith_free(entry);
  kith_store_close(store);
}

/* ---- reading entries */

static void malformed_entries_are_refused(void **state)
{
  struct kith_audit_entry entry;
  struct kith_buf buf = {0};
  uint8_t zeros[KITH_HASH_BYTES] = {0};

  (void)state;
  /* seq 0, event 0, a time before 1970 is no number, nine values, a value of 20 bytes, a short hash
   */
  for (unsigned wrong = 0; wrong < 8; wrong++) {
    kith_buf_clear(&buf);
    kith_write_array(&buf, wrong == 7 ? 6 : 5);
    kith_write_u64(&buf, wrong != 1);
    kith_write_u64(&buf, wrong == 2 ? (uint64_t)INT64_MAX + 1 : 5);
    kith_write_u64(&buf, wrong == 3 ? 0 : wrong == 4 ? 65536 : 1);
    kith_write_array(&buf, 1);
    kith_write_array(&buf, 2);
    kith_write_string(&buf, "name");
    kith_write_bin(&buf, zeros, wrong == 5 ? 20 : 16);
    kith_write_bin(&buf, zeros, wrong == 6 ? 31 : 32);
    if (wrong == 7)
      kith_write_u64(&buf, 1);
    assert_int_equal(kith_audit_entry_read(&entry, buf.bytes, buf.len),
                     wrong ? KITH_ERR_DATA : KITH_OK);
    for (size_t len = 0; len < buf.len; len++)
      assert_int_equal(kith_audit_entry_read(&entry, buf.bytes, len), KITH_ERR_DATA);
  }
  kith_buf_free(&buf);
}

/* ---- checkpoints of peers */

static struct kith_checkpoint peer_checkpoint(const struct kith_identity *peer, void **state,
                                              const char *store_name, unsigned n)
{
  struct kith_store *store = open_store(state, store_name);
  struct kith_txn *txn = begin(store);
  struct kith_checkpoint checkpoint;

  append_some(txn, n);
  assert_int_equal(kith_audit_checkpoint(txn, LOG, &checkpoint, "ash", peer), KITH_OK);
  kith_txn_abort(txn);
  kith_store_close(store);
  return checkpoint;
}

static uint64_t log_len(struct kith_txn *txn)
{
  struct kith_audit_head head;

  assert_int_equal(kith_audit_head(txn, LOG, &head), KITH_OK);
  return head.seq;
}

static void a_peer_that_rewrites_its_past_is_caught(void **state)
{
  const uint8_t *key = identity->public_keys.sign;
  struct kith_checkpoint at_3 = peer_checkpoint(identity, state, "peer3", 3);
  struct kith_checkpoint at_5 = peer_checkpoint(identity, state, "peer5", 5);
  struct kith_checkpoint rewritten = {0};
  struct kith_checkpoint of_another;
  struct kith_checkpoint none = {0};
  struct kith_store *store = open_store(state, "peers");
  struct kith_txn *txn = begin(store);
  struct kith_store *peer = open_store(state, "rewritten");
  struct kith_txn *peer_txn = begin(peer);
  struct kith_audit_report report;

  for (unsigned i = 0; i < 3; i++)
    assert_int_equal(kith_audit_append(peer_txn, LOG, 77, KITH_AUDIT_CONFLICT, NULL, 0, NULL),
                     KITH_OK);
  assert_int_equal(kith_audit_checkpoint(peer_txn, LOG, &rewritten, "ash", identity), KITH_OK);
  of_another = rewritten;
  kith_txn_abort(peer_txn);
  kith_store_close(peer);

  assert_int_equal(kith_audit_record_peer(txn, LOG, 1, "ash", &none, key), KITH_OK);
  assert_int_equal(log_len(txn), 0);
  assert_int_equal(kith_audit_record_peer(txn, LOG, 1, "ash", &at_5, key), KITH_OK);
  assert_int_equal(kith_audit_record_peer(txn, LOG, 1, "ash", &at_5, key), KITH_OK);
  assert_int_equal(log_len(txn), 1);
  /* late, of a repeated request */
  assert_int_equal(kith_audit_record_peer(txn, LOG, 1, "ash", &at_3, key), KITH_OK);
  assert_int_equal(log_len(txn), 2);
  /* another member may be at the same seq, but not with what this one signed */
  assert_int_equal(kith_audit_record_peer(txn, LOG, 1, "as", &rewritten, key), KITH_ERR_NO);
  assert_int_equal(kith_checkpoint_sign(&of_another, "as", identity), KITH_OK);
  assert_int_equal(kith_audit_record_peer(txn, LOG, 1, "as", &of_another, key), KITH_OK);
  assert_int_equal(log_len(txn), 3);
  assert_int_equal(kith_audit_record_peer(txn, LOG, 1, "ash", &rewritten, key), KITH_ERR_FULL);
  assert_int_equal(kith_audit_record_peer(txn, LOG, 1, "ash", &rewritten, key), KITH_ERR_FULL);
  assert_int_equal(log_len(txn), 4);
  /* what was held first still counts */
  assert_int_equal(kith_audit_record_peer(txn, LOG, 1, "ash", &at_3, key), KITH_OK);
  assert_int_equal(log_len(txn), 4);
  assert_int_equal(kith_audit_verify(txn, LOG, &report, NULL), KITH_OK);
  kith_txn_abort(txn);
  kith_store_close(store);
}

static void false_checkpoints_are_not_recorded(void **state)
{
  struct kith_checkpoint good = peer_checkpoint(identity, state, "false-peer", 2);
  struct kith_checkpoint bad = good;
  struct kith_identity *other;
  struct kith_store *store = open_store(state, "false");
  struct kith_txn *txn = begin(store);
  const uint8_t *key = identity->public_keys.sign;

  assert_int_equal(kith_identity_new(&other), KITH_OK);
  assert_int_equal(kith_audit_record_peer(txn, LOG, 1, "ash", &good, other->public_keys.sign),
                   KITH_ERR_NO);
  bad.seq++;
  assert_int_equal(kith_audit_record_peer(txn, LOG, 1, "ash", &bad, key), KITH_ERR_NO);
  bad = good;
  bad.root.bytes[31] ^= 1;
  assert_int_equal(kith_audit_record_peer(txn, LOG, 1, "ash", &bad, key), KITH_ERR_NO);
  bad = good;
  bad.signature[0] ^= 1;
  assert_int_equal(kith_audit_record_peer(txn, LOG, 1, "ash", &bad, key), KITH_ERR_NO);
  assert_int_equal(kith_audit_record_peer(txn, LOG, 1, "a/b", &good, key), KITH_ERR_DATA);
  assert_int_equal(log_len(txn), 0);
  kith_txn_abort(txn);
  kith_store_close(store);
  kith_identity_free(other);
}

/* A store without room accuses nobody. */
static void a_full_store_is_no_contradiction(void **state)
{
  static const struct kith_store_options small = {tables, 2, 128 << 10};
  struct kith_checkpoint good = peer_checkpoint(identity, state, "full-peer", 2);
  struct kith_store *store;
  struct kith_txn *txn;
  enum kith_err err = KITH_OK;

  assert_int_equal(kith_store_open(&store, unit_path(state, "full"), &small, NULL), KITH_OK);
  txn = begin(store);
  for (unsigned i = 0; err == KITH_OK; i++) {
    char member[16];
    snprintf(member, sizeof member, "m%u", i);
    assert_int_equal(kith_checkpoint_sign(&good, member, identity), KITH_OK);
    err = kith_audit_record_peer(txn, LOG, 1, member, &good, identity->public_keys.sign);
    assert_true(i < 10000);
  }
  kith_txn_abort(txn);
  assert_int_equal(err, KITH_ERR_IO);
  kith_store_close(store);
}

/* ---- faults */

static void survives_failing_allocations(void **state)
{
  struct kith_store *store = open_store(state, "faults");
  struct kith_checkpoint peer = peer_checkpoint(identity, state, "faults-peer", 1);
  const char *path = unit_path(state, "faults.kith-audit");

  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_audit_report report;
    struct kith_checkpoint checkpoint;
    struct kith_audit_value value = kith_audit_id("member", "ash");
    struct kith_txn *txn = NULL;
    enum kith_err err = kith_txn_begin(&txn, store, true);

    if (err == KITH_OK)
      err = kith_audit_append(txn, LOG, 1, KITH_AUDIT_STARTED, &value, 1, NULL);
    if (err == KITH_OK)
      err = kith_audit_record_peer(txn, LOG, 1, "ash", &peer, identity->public_keys.sign);
    if (err == KITH_OK)
      err = kith_audit_record_peer(txn, LOG, 1, "ash", &peer, identity->public_keys.sign);
    if (err == KITH_OK)
      err = kith_audit_checkpoint(txn, LOG, &checkpoint, "ash", identity);
    if (err == KITH_OK)
      err = kith_audit_verify(txn, LOG, &report, NULL);
    if (err == KITH_OK)
      err = kith_audit_export(txn, LOG, path, "ash", identity, NULL, NULL, NULL);
    if (err == KITH_OK)
      err = kith_audit_export_check_file(&report, path, NULL, NULL);
    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_true(err == KITH_ERR_MEMORY || err == KITH_ERR_IO);
    kith_txn_abort(txn);
  }
  kith_store_close(store);
}

/* A write that fails anywhere leaves the whole log of before. */
static void failed_writes_leave_the_log_whole(void **state)
{
  struct kith_store *store = open_store(state, "writes");
  struct kith_txn *txn = begin(store);
  struct kith_audit_report report;

  append_some(txn, 2);
  assert_int_equal(kith_txn_commit(txn), KITH_OK);
  for (unsigned long put = 1; put <= 2; put++) {
    txn = begin(store);
    kith_failpoint_arm("store.put", put);
    assert_int_equal(kith_audit_append(txn, LOG, 9, KITH_AUDIT_STARTED, NULL, 0, NULL),
                     KITH_ERR_IO);
    kith_failpoint_arm(NULL, 0);
    kith_txn_abort(txn);
    txn = begin(store);
    assert_int_equal(kith_audit_verify(txn, LOG, &report, NULL), KITH_OK);
    assert_int_equal(report.n_entries, 2);
    kith_txn_abort(txn);
  }
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
      cmocka_unit_test(an_empty_log_holds),
      cmocka_unit_test(keeps_entries_in_order),
      cmocka_unit_test(belongs_to_the_callers_transaction),
      cmocka_unit_test(time_never_runs_back),
      cmocka_unit_test(refuses_what_is_no_id),
      cmocka_unit_test(every_event_has_a_name),
      cmocka_unit_test(tampering_is_found_where_it_is),
      cmocka_unit_test(malformed_entries_are_refused),
      cmocka_unit_test(a_peer_that_rewrites_its_past_is_caught),
      cmocka_unit_test(false_checkpoints_are_not_recorded),
      cmocka_unit_test(a_full_store_is_no_contradiction),
      cmocka_unit_test(survives_failing_allocations),
      cmocka_unit_test(failed_writes_leave_the_log_whole),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return EXIT_FAILURE;
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
