/* The journal of a round's matching: what it gives back, what it refuses, and what it leaves. */
#include "matcher/service/journal.h"

#include "base/mem.h"
#include "matcher/service/tables.h"
#include "tests/unit/unit.h"

enum { ROWS = 3000, BITS = 256, BYTES_MAX = 64 << 20 };

static const kith_round_id round_a = {0xaa};
static const kith_round_id round_b = {0xbb};
static const struct kith_hash identity_a = {{1}};
static const struct kith_hash identity_b = {{2}};
static const struct kith_ratio bound = {9, 10};

static uint64_t seed;
static struct kith_encodings parties[2];

static unsigned below(unsigned n)
{
  uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return (unsigned)((z ^ (z >> 31)) % n);
}

static int make_parties(void **state)
{
  for (unsigned p = 0; p < 2; p++) {
    kith_encodings_init(&parties[p]);
    if (kith_encodings_alloc(&parties[p], ROWS, BITS, false) != KITH_OK)
      return -1;
    for (size_t i = 0; i < ROWS; i++) {
      uint8_t *row = kith_encodings_row(&parties[p], i);
      if (p > 0 && below(3) == 0)
        memcpy(row, kith_encodings_row(&parties[0], below(ROWS)), BITS / 8);
      for (unsigned n = p > 0 ? below(3) : 60; n > 0; n--)
        row[below(BITS / 8)] |= (uint8_t)(1u << below(8));
    }
  }
  return unit_folder_make(state);
}

static int free_parties(void **state)
{
  kith_encodings_free(&parties[0]);
  kith_encodings_free(&parties[1]);
  return unit_folder_remove(state);
}

/* ---- what a test has: a store, and the runs in it */

static struct kith_store *open_store(void **state, const char *name, size_t map_bytes)
{
  static char letters[KITH_MATCHER_TABLES_END][2];
  const char *names[KITH_MATCHER_TABLES_END];
  for (unsigned i = 0; i < KITH_MATCHER_TABLES_END; i++) {
    letters[i][0] = (char)('a' + i);
    names[i] = letters[i];
  }
  const struct kith_store_options options = {names, KITH_MATCHER_TABLES_END, map_bytes};
  struct kith_store *store = NULL;
  assert_int_equal(kith_store_open(&store, unit_path(state, name), &options, NULL), KITH_OK);
  return store;
}

/* Between the engine and a journal: what the work is in comparisons, which units have few or many
 * of. */
struct meter {
  const struct kith_engine_journal *journal;
  uint64_t all;     /* of the whole run */
  uint64_t done;    /* by this attempt */
  uint64_t largest; /* unit */
};

static enum kith_err meter_open(void *context, uint64_t layout, size_t n_units,
                                uint64_t comparisons, bool *finished)
{
  struct meter *meter = context;
  meter->all = comparisons;
  return meter->journal->open(meter->journal->context, layout, n_units, comparisons, finished);
}

static enum kith_err meter_add(void *context, size_t unit, const struct kith_pair *pairs, size_t n)
{
  const struct meter *meter = context;
  return meter->journal->add(meter->journal->context, unit, pairs, n);
}

static enum kith_err meter_done(void *context, size_t unit, uint64_t comparisons)
{
  struct meter *meter = context;
  meter->done += comparisons;
  if (comparisons > meter->largest)
    meter->largest = comparisons;
  return meter->journal->done(meter->journal->context, unit, comparisons);
}

struct attempt {
  const uint8_t *round;
  const struct kith_hash *identity;
  struct kith_ratio bound;
  uint8_t key;
  enum kith_engine_method method;
  unsigned run;
  size_t bytes_max;
  unsigned long stop_at; /* the unit that fails, ULONG_MAX: none, but they are counted; 0: none */
  bool over;
  unsigned long units; /* done by it */
  struct meter work;
  struct kith_pairs pairs;
};

static struct attempt plain(void)
{
  return (struct attempt){.round = round_a,
                          .identity = &identity_a,
                          .bound = bound,
                          .key = 7,
                          .method = KITH_ENGINE_PIGEONHOLE,
                          .bytes_max = BYTES_MAX};
}

static enum kith_err attempt(struct attempt *of, struct kith_store *store)
{
  const struct kith_encodings *list[2] = {&parties[0], &parties[1]};
  struct kith_matching_journal *journal = NULL;
  struct kith_engine_journal of_engine;
  struct kith_engine_journal metered = {&of->work, meter_open, meter_add, meter_done};
  struct kith_engine_options options;
  struct kith_secret *key = NULL;
  uint8_t bytes[32];
  memset(bytes, of->key, sizeof bytes);
  of->pairs.n = 0;
  enum kith_err err = kith_secret_copy(&key, bytes, sizeof bytes);
  if (err)
    return err;
  err = kith_matching_journal_new(&journal, store, key, of->round, of->identity, of->bytes_max);
  if (err) {
    kith_secret_free(key);
    return err;
  }
  const struct kith_linkage_journal linkage = kith_matching_journal_linkage(journal);
  kith_engine_options_init(&options);
  options.bound = of->bound;
  options.within = true;
  options.n_threads = 2;
  options.method = of->method;
  options.journal = &metered;
  of->work = (struct meter){.journal = &of_engine};
  err = linkage.begin(linkage.context, of->run, of->bound, kith_pairs_sink, &of->pairs, &of_engine);
  if (of->stop_at)
    kith_failpoint_arm("matching.unit", of->stop_at);
  if (!err)
    err = kith_engine_run(list, 2, &options, kith_pairs_sink, &of->pairs, NULL);
  if (of->stop_at) {
    of->units = kith_failpoint_reached();
    kith_failpoint_arm(NULL, 0);
  }
  if (err != KITH_ERR_IO || of->over) /* a matcher that is killed does not come here */
    linkage.end(linkage.context, of->over);
  kith_matching_journal_free(journal);
  return err;
}

static void assert_right(struct kith_pairs *got)
{
  const struct kith_encodings *list[2] = {&parties[0], &parties[1]};
  struct kith_pairs want = {0};
  struct kith_engine_options options;
  kith_engine_options_init(&options);
  options.bound = bound;
  options.within = true;
  options.method = KITH_ENGINE_BRUTE;
  assert_int_equal(kith_engine_run(list, 2, &options, kith_pairs_sink, &want, NULL), KITH_OK);
  kith_pairs_sort(&want);
  kith_pairs_sort(got);
  assert_true(want.n > 1000);
  assert_int_equal(got->n, want.n);
  for (size_t i = 0; i < want.n; i++) {
    assert_int_equal(got->items[i].party_a, want.items[i].party_a);
    assert_int_equal(got->items[i].party_b, want.items[i].party_b);
    assert_int_equal(got->items[i].row_a, want.items[i].row_a);
    assert_int_equal(got->items[i].row_b, want.items[i].row_b);
    assert_int_equal(kith_fraction_millionths(got->items[i].similarity),
                     kith_fraction_millionths(want.items[i].similarity));
  }
  kith_pairs_free(&want);
}

/* ---- records */

struct counted {
  unsigned n;
  size_t bytes;
  bool plain; /* the identity can be read in one */
};

static enum kith_err count_record(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct counted *counted = context;
  (void)key;
  counted->n++;
  counted->bytes += value.len;
  counted->plain |= memmem(value.bytes, value.len, identity_a.bytes, 16) != NULL;
  return KITH_OK;
}

static struct counted records_of(struct kith_store *store, const kith_round_id round)
{
  struct counted counted = {0};
  struct kith_txn *txn = NULL;
  assert_int_equal(kith_txn_begin(&txn, store, false), KITH_OK);
  assert_int_equal(kith_store_each(txn, KITH_TABLE_JOURNAL,
                                   (struct kith_bytes){round, KITH_ROUND_ID_BYTES}, count_record,
                                   &counted),
                   KITH_OK);
  kith_txn_abort(txn);
  return counted;
}

/* The units that a whole run has. */
static unsigned long units_of_a_run(struct kith_store *store)
{
  struct attempt whole = plain();
  whole.round = round_b;
  whole.stop_at = ULONG_MAX;
  whole.bytes_max = 1;
  assert_int_equal(attempt(&whole, store), KITH_OK);
  kith_pairs_free(&whole.pairs);
  return whole.units;
}

/* ---- tests */

static void goes_on_with_little_done_twice(void **state)
{
  struct kith_store *store = open_store(state, "goes_on", BYTES_MAX);
  const unsigned long n_units = units_of_a_run(store);
  struct attempt again = plain();
  uint64_t done = 0;
  unsigned kills = 0;
  assert_true(n_units > 200);
  again.stop_at = n_units / 5;
  while (attempt(&again, store) == KITH_ERR_IO) {
    done += again.work.done;
    kills++;
    assert_true(kills < 20);
  }
  done += again.work.done;
  assert_true(kills >= 4);
  assert_true(done >= again.work.all);
  /* Each time a hundredth of the work, and a unit for each of the threads, at most. */
  assert_true(done - again.work.all <= kills * (again.work.all / 100 + 3 * again.work.largest));
  assert_right(&again.pairs);
  again.stop_at = ULONG_MAX;
  assert_int_equal(attempt(&again, store),
                   KITH_OK); /* killed after the end: nothing is left to do */
  assert_int_equal(again.units, 0);
  assert_right(&again.pairs);
  kith_pairs_free(&again.pairs);
  kith_store_close(store);
}

static void another_run_begins_anew(void **state)
{
  struct kith_store *store = open_store(state, "anew", BYTES_MAX);
  const unsigned long n_units = units_of_a_run(store);
  for (unsigned what = 0; what < 5; what++) {
    struct attempt first = plain();
    first.stop_at = n_units / 8;
    if (what == 0)
      first.identity = &identity_b;
    if (what == 1)
      first.bound = (struct kith_ratio){91, 100};
    if (what == 2)
      first.key = 8;
    if (what == 3)
      first.run = 1;
    if (what == 4)
      first.round = round_b;
    struct kith_txn *txn = NULL;
    assert_int_equal(kith_txn_begin(&txn, store, true), KITH_OK);
    assert_int_equal(kith_matching_journal_delete(txn, round_a), KITH_OK);
    assert_int_equal(kith_matching_journal_delete(txn, round_b), KITH_OK);
    assert_int_equal(kith_txn_commit(txn), KITH_OK);
    assert_int_equal(attempt(&first, store), KITH_ERR_IO);
    assert_true(records_of(store, first.round).n > 3);
    struct attempt second = plain();
    second.stop_at = ULONG_MAX;
    second.bytes_max = 1; /* it reads, and need not write */
    assert_int_equal(attempt(&second, store), KITH_OK);
    assert_int_equal(second.units, n_units);
    assert_right(&second.pairs);
    kith_pairs_free(&first.pairs);
    kith_pairs_free(&second.pairs);
  }
  kith_store_close(store);
}

static enum kith_err first_of(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct kith_bytes *out = context;
  static uint8_t kept_key[64];
  static uint8_t kept[1 << 16];
  assert_true(key.len <= sizeof kept_key && value.len <= sizeof kept);
  memcpy(kept_key, key.bytes, key.len);
  memcpy(kept, value.bytes, value.len);
  kept[value.len / 2] ^= 1;
  out[0] = (struct kith_bytes){kept_key, key.len};
  out[1] = (struct kith_bytes){kept, value.len};
  return KITH_ERR_CANCELLED;
}

static void what_is_damaged_is_forgotten(void **state)
{
  struct kith_store *store = open_store(state, "damaged", BYTES_MAX);
  struct kith_bytes record[2];
  struct kith_txn *txn = NULL;
  struct attempt of = plain();
  const unsigned long n_units = units_of_a_run(store);
  of.stop_at = n_units / 8;
  assert_int_equal(attempt(&of, store), KITH_ERR_IO);
  assert_int_equal(kith_txn_begin(&txn, store, false), KITH_OK);
  assert_int_equal(kith_store_each(txn, KITH_TABLE_JOURNAL,
                                   (struct kith_bytes){round_a, KITH_ROUND_ID_BYTES}, first_of,
                                   record),
                   KITH_OK);
  kith_txn_abort(txn);
  assert_int_equal(kith_txn_begin(&txn, store, true), KITH_OK);
  assert_int_equal(kith_store_put(txn, KITH_TABLE_JOURNAL, record[0], record[1]), KITH_OK);
  assert_int_equal(kith_txn_commit(txn), KITH_OK);
  of.stop_at = ULONG_MAX;
  of.bytes_max = 1;
  assert_int_equal(attempt(&of, store), KITH_OK);
  assert_int_equal(of.units, n_units);
  assert_right(&of.pairs);
  kith_pairs_free(&of.pairs);
  kith_store_close(store);
}

static void too_many_pairs_are_remembered(void **state)
{
  struct kith_store *store = open_store(state, "over", BYTES_MAX);
  struct attempt of = plain();
  of.stop_at = 100;
  of.over = true;
  assert_int_equal(attempt(&of, store), KITH_ERR_IO);
  assert_int_equal(records_of(store, round_a).n, 1);
  of.stop_at = 0;
  of.over = false;
  assert_int_equal(attempt(&of, store), KITH_ERR_LIMIT);
  of.run = 1;
  assert_int_equal(attempt(&of, store), KITH_OK);
  assert_right(&of.pairs);
  kith_pairs_free(&of.pairs);
  kith_store_close(store);
}

static void is_sealed_and_deleted(void **state)
{
  struct kith_store *store = open_store(state, "sealed", BYTES_MAX);
  struct attempt of = plain();
  struct kith_txn *txn = NULL;
  of.round = round_b;
  of.stop_at = 10000;
  assert_int_equal(attempt(&of, store), KITH_ERR_IO);
  of.round = round_a;
  assert_int_equal(attempt(&of, store), KITH_ERR_IO);
  assert_true(records_of(store, round_a).n > 10);
  assert_false(records_of(store, round_a).plain);
  assert_int_equal(kith_txn_begin(&txn, store, true), KITH_OK);
  assert_int_equal(kith_matching_journal_delete(txn, round_a), KITH_OK);
  assert_int_equal(kith_txn_commit(txn), KITH_OK);
  assert_int_equal(records_of(store, round_a).n, 0);
  assert_true(records_of(store, round_b).n > 10);
  kith_pairs_free(&of.pairs);
  kith_store_close(store);
}

/* A ceiling of its own, and a store that is full. */
static void without_room_it_is_done_without(void **state)
{
  struct kith_store *store = open_store(state, "ceiling", BYTES_MAX);
  struct attempt of = plain();
  of.bytes_max = 10000;
  assert_int_equal(attempt(&of, store), KITH_OK);
  assert_right(&of.pairs);
  assert_true(records_of(store, round_a).bytes > 0);
  assert_true(records_of(store, round_a).bytes <= 10000);
  kith_store_close(store);
  store = open_store(state, "small", 1 << 17);
  of.bytes_max = BYTES_MAX;
  assert_int_equal(attempt(&of, store), KITH_OK);
  assert_right(&of.pairs);
  of.stop_at = ULONG_MAX;
  assert_int_equal(attempt(&of, store), KITH_OK); /* from what is there */
  assert_right(&of.pairs);
  kith_pairs_free(&of.pairs);
  kith_store_close(store);
}

/* An allocation of the journal's own is no reason to fail. */
static void every_allocation_fails(void **state)
{
  struct kith_store *store = open_store(state, "allocations", BYTES_MAX);
  struct attempt of = plain();
  unsigned n_right = 0;
  of.method = KITH_ENGINE_BRUTE; /* few units */
  UNIT_EACH_ALLOCATION(n)
  {
    of.run = (unsigned)(n % 200);
    const enum kith_err err = attempt(&of, store);
    const bool all = kith_failpoint_reached() < n;
    kith_failpoint_arm(NULL, 0);
    assert_true(err == KITH_OK || err == KITH_ERR_MEMORY);
    if (err == KITH_OK && (all || n_right++ % 16 == 0))
      assert_right(&of.pairs);
    if (all) {
      assert_int_equal(err, KITH_OK);
      unit_allocations_done();
    }
  }
  assert_true(n_right > 10);
  kith_pairs_free(&of.pairs);
  kith_store_close(store);
}

int main(void)
{
  const char *given = getenv("KITH_TEST_SEED");
  seed = given ? strtoull(given, NULL, 0) : 20261123;
  printf("seed %llu\n", (unsigned long long)seed);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(goes_on_with_little_done_twice),
      cmocka_unit_test(another_run_begins_anew),
      cmocka_unit_test(what_is_damaged_is_forgotten),
      cmocka_unit_test(too_many_pairs_are_remembered),
      cmocka_unit_test(is_sealed_and_deleted),
      cmocka_unit_test(without_room_it_is_done_without),
      cmocka_unit_test(every_allocation_fails),
  };
  bool locked;
  if (kith_crypto_init(&locked) != KITH_OK)
    return EXIT_FAILURE;
  return cmocka_run_group_tests(tests, make_parties, free_parties);
}
