#include "matcher/service/journal.h"

#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/seal.h"
#include "matcher/engine/gather.h"
#include "matcher/service/tables.h"

enum {
  VERSION = 1,         /* part of the identity: raised where units mean something else */
  SHARE_A_FLUSH = 100, /* of the work */
  FLUSH_MS = 10000,
  FLUSH_BYTES = 4 << 20,
  RUN_KEY_BYTES = KITH_ROUND_ID_BYTES + 1,
  KEY_BYTES = RUN_KEY_BYTES + 4,
  HEAD_BYTES = KITH_HASH_BYTES + 25,
  PAIR_BYTES = 14
};

struct kith_matching_journal {
  struct kith_store *store;
  struct kith_secret *key;
  struct kith_hash identity;
  size_t bytes_max;
  size_t bytes;          /* of records, of all runs */
  bool given_up;         /* nothing is written any more */
  uint8_t at[KEY_BYTES]; /* of the run at hand: its next record */
  uint32_t next;         /* that record's number */
  uint8_t head[HEAD_BYTES];
  kith_engine_sink *restored;
  void *restored_context;
  struct kith_gather gather;
  uint64_t flush_comparisons;
  int64_t flushed_ms;
};

enum kith_err kith_matching_journal_new(struct kith_matching_journal **out,
                                        struct kith_store *store, struct kith_secret *key,
                                        const kith_round_id round, const struct kith_hash *identity,
                                        size_t bytes_max)
{
  struct kith_matching_journal *journal = KITH_NEW(struct kith_matching_journal);
  struct kith_hasher hasher;

  if (!journal)
    return KITH_ERR_MEMORY;
  journal->store = store;
  journal->key = key;
  journal->bytes_max = bytes_max;
  memcpy(journal->at, round, KITH_ROUND_ID_BYTES);
  kith_hasher_init(&hasher, "kith matching journal");
  kith_hasher_u64(&hasher, VERSION);
  kith_hasher_part(&hasher, identity->bytes, sizeof identity->bytes);
  kith_hasher_final(&hasher, &journal->identity);
  *out = journal;
  return KITH_OK;
}

void kith_matching_journal_free(struct kith_matching_journal *journal)
{
  if (!journal)
    return;
  kith_gather_free(&journal->gather);
  kith_secret_free(journal->key);
  kith_free(journal);
}

enum kith_err kith_matching_journal_delete(struct kith_txn *txn, const kith_round_id round)
{
  return kith_store_delete_prefix(txn, KITH_TABLE_JOURNAL,
                                  (struct kith_bytes){round, KITH_ROUND_ID_BYTES});
}

/* ---- writing */

static void set_number(uint8_t key[KEY_BYTES], uint32_t number)
{
  for (unsigned i = 0; i < 4; i++)
    key[RUN_KEY_BYTES + i] = (uint8_t)(number >> (24 - 8 * i));
}

static enum kith_err put(struct kith_matching_journal *journal, struct kith_txn *txn,
                         uint32_t number, const void *bytes, size_t len)
{
  uint8_t key[KEY_BYTES];
  enum kith_err err;
  KITH_AUTO_FREE uint8_t *sealed = kith_calloc(len + KITH_BOX_OVERHEAD, 1);

  if (!sealed)
    return KITH_ERR_MEMORY;
  memcpy(key, journal->at, sizeof key);
  set_number(key, number);
  err = kith_box(sealed, journal->key, key, sizeof key, bytes, len);
  if (err == KITH_OK)
    err = kith_store_put(txn, KITH_TABLE_JOURNAL, (struct kith_bytes){key, sizeof key},
                         (struct kith_bytes){sealed, len + KITH_BOX_OVERHEAD});
  if (err == KITH_OK)
    journal->bytes += len + KITH_BOX_OVERHEAD;
  return err;
}

static void give_up(struct kith_matching_journal *journal, enum kith_err err)
{
  journal->given_up = true;
  kith_gather_clear(&journal->gather);
  kith_log(KITH_LOG_WARNING, "matching.journal", KITH_LOG_STR("error", kith_err_name(err)));
}

/* In one transaction: the units that are done and, with the first of them, the run's head; or that
 * the run is above its ceiling, without any. */
static void commit(struct kith_matching_journal *journal, bool over)
{
  const struct kith_buf *done = &journal->gather.done;
  const size_t len = done->len;
  struct kith_txn *txn = NULL;
  enum kith_err err = KITH_OK;

  if (journal->given_up)
    return;
  if (journal->bytes + len + HEAD_BYTES > journal->bytes_max)
    err = KITH_ERR_LIMIT;
  if (err == KITH_OK)
    err = kith_txn_begin(&txn, journal->store, true);
  if (err == KITH_OK && over) {
    journal->head[HEAD_BYTES - 1] = 1;
    err = kith_store_delete_prefix(txn, KITH_TABLE_JOURNAL,
                                   (struct kith_bytes){journal->at, RUN_KEY_BYTES});
  }
  if (err == KITH_OK && (over || journal->next == 0))
    err = put(journal, txn, 0, journal->head, sizeof journal->head);
  if (err == KITH_OK && !over)
    err = put(journal, txn, journal->next ? journal->next : 1, done->bytes, len);
  if (err == KITH_OK) {
    err = kith_txn_commit(txn);
    txn = NULL;
  }
  kith_txn_abort(txn);
  if (err != KITH_OK) {
    give_up(journal, err);
    return;
  }
  journal->next = (journal->next ? journal->next : 1) + 1;
  kith_gather_written(&journal->gather);
  journal->flushed_ms = kith_clock_monotonic_ms();
}

static enum kith_err engine_add(void *context, size_t unit, const struct kith_pair *pairs, size_t n)
{
  struct kith_matching_journal *journal = context;

  for (size_t i = 0; i < n && !journal->given_up; i++) {
    uint8_t bytes[PAIR_BYTES];
    enum kith_err err;

    kith_put_le(bytes, 4, pairs[i].row_a);
    kith_put_le(bytes + 4, 4, pairs[i].row_b);
    bytes[8] = pairs[i].party_a;
    bytes[9] = pairs[i].party_b;
    kith_put_le(bytes + 10, 4, kith_fraction_millionths(pairs[i].similarity));
    err = kith_gather_add(&journal->gather, unit, bytes, sizeof bytes);
    if (err != KITH_OK)
      give_up(journal, err);
  }
  return KITH_OK;
}

static enum kith_err engine_done(void *context, size_t unit, uint64_t comparisons)
{
  struct kith_matching_journal *journal = context;
  enum kith_err err;

  if (kith_failpoint("matching.unit"))
    return KITH_ERR_IO;
  if (journal->given_up)
    return KITH_OK;
  err = kith_gather_done(&journal->gather, unit, PAIR_BYTES, comparisons);
  if (err != KITH_OK) {
    give_up(journal, err);
    return KITH_OK;
  }
  if (journal->gather.comparisons > journal->flush_comparisons ||
      journal->gather.done.len > FLUSH_BYTES ||
      kith_clock_monotonic_ms() - journal->flushed_ms > FLUSH_MS)
    commit(journal, false);
  return KITH_OK;
}

/* ---- reading */

struct reading {
  struct kith_matching_journal *journal;
  uint64_t n_units;
  bool *finished;
  size_t n_finished;
  struct kith_pairs pairs;
  bool head; /* is there, and of this run */
  bool over;
};

static enum kith_err read_unit(void *context, uint32_t unit)
{
  struct reading *reading = context;

  reading->n_finished += !reading->finished[unit];
  reading->finished[unit] = true;
  return KITH_OK;
}

/* The fraction is not the pair's own, but has its millionths. */
static enum kith_err read_pair(void *context, const uint8_t *bytes)
{
  struct reading *reading = context;
  const struct kith_pair pair = {.row_a = (uint32_t)kith_get_le(bytes, 4),
                                 .row_b = (uint32_t)kith_get_le(bytes + 4, 4),
                                 .party_a = bytes[8],
                                 .party_b = bytes[9],
                                 .similarity = {kith_get_le(bytes + 10, 4), KITH_PPM}};

  return kith_pairs_sink(&reading->pairs, &pair, 1);
}

static void read_head(struct reading *reading, const uint8_t *head, size_t len)
{
  reading->head = len == HEAD_BYTES && memcmp(head, reading->journal->head, HEAD_BYTES - 1) == 0;
  reading->over = reading->head && head[HEAD_BYTES - 1];
}

static enum kith_err read_record(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct reading *reading = context;
  struct kith_matching_journal *journal = reading->journal;
  const struct kith_gather_reader reader = {reading, read_unit, read_pair};
  uint8_t expected[KEY_BYTES];
  enum kith_err err;

  memcpy(expected, journal->at, sizeof expected);
  set_number(expected, journal->next);
  if (key.len != KEY_BYTES || memcmp(key.bytes, expected, KEY_BYTES) != 0 ||
      value.len < KITH_BOX_OVERHEAD)
    return KITH_ERR_DATA;
  const size_t len = value.len - KITH_BOX_OVERHEAD;
  KITH_AUTO_FREE uint8_t *bytes = kith_calloc(len + 1, 1);
  if (!bytes)
    return KITH_ERR_MEMORY;
  err = kith_box_open(bytes, journal->key, expected, sizeof expected, value.bytes, value.len);
  if (err == KITH_OK && journal->next == 0)
    read_head(reading, bytes, len);
  else if (err == KITH_OK && reading->head)
    err = kith_gather_read(&reader, bytes, len, PAIR_BYTES, reading->n_units);
  if (err == KITH_OK && !reading->head)
    err = KITH_ERR_DATA;
  journal->next++;
  journal->bytes += value.len;
  return err;
}

/* What is there of the run at hand. */
static enum kith_err read_run(struct reading *reading)
{
  struct kith_matching_journal *journal = reading->journal;
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, journal->store, false);

  journal->next = 0;
  if (err == KITH_OK)
    err = kith_store_each(txn, KITH_TABLE_JOURNAL, (struct kith_bytes){journal->at, RUN_KEY_BYTES},
                          read_record, reading);
  kith_txn_abort(txn);
  return err;
}

/* Not of this run, or damaged: the run begins anew. */
static void forget(struct reading *reading)
{
  struct kith_matching_journal *journal = reading->journal;
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, journal->store, true);

  if (err == KITH_OK)
    err = kith_store_delete_prefix(txn, KITH_TABLE_JOURNAL,
                                   (struct kith_bytes){journal->at, RUN_KEY_BYTES});
  if (err == KITH_OK) {
    err = kith_txn_commit(txn);
    txn = NULL;
  }
  kith_txn_abort(txn);
  journal->next = 0;
  journal->bytes = 0; /* at most too little by what other runs have */
  reading->head = false;
  reading->over = false;
  reading->n_finished = 0;
  reading->pairs.n = 0;
  memset(reading->finished, 0, reading->n_units * sizeof reading->finished[0]);
  if (err != KITH_OK)
    give_up(journal, err);
}

static enum kith_err engine_open(void *context, uint64_t layout, size_t n_units,
                                 uint64_t comparisons, bool *finished)
{
  struct kith_matching_journal *journal = context;
  struct reading reading = {.journal = journal, .n_units = n_units, .finished = finished};
  enum kith_err err;

  kith_put_le(journal->head + KITH_HASH_BYTES + 8, 8, layout);
  kith_put_le(journal->head + KITH_HASH_BYTES + 16, 8, n_units);
  journal->flush_comparisons = comparisons / SHARE_A_FLUSH;
  journal->flushed_ms = kith_clock_monotonic_ms();
  kith_gather_clear(&journal->gather);
  if (n_units > UINT32_MAX)
    give_up(journal, KITH_ERR_LIMIT);
  if (journal->given_up)
    return KITH_OK;
  err = read_run(&reading);
  if (err != KITH_OK && err != KITH_ERR_MEMORY)
    forget(&reading);
  else if (err != KITH_OK)
    goto end;
  err = reading.over ? KITH_ERR_LIMIT : KITH_OK;
  if (reading.n_finished > 0)
    kith_log(KITH_LOG_INFO, "matching.resumed", KITH_LOG_INT("run", journal->at[RUN_KEY_BYTES - 1]),
             KITH_LOG_INT("finished", reading.n_finished), KITH_LOG_INT("units", n_units));
  if (err == KITH_OK && reading.pairs.n > 0)
    err = journal->restored(journal->restored_context, reading.pairs.items, reading.pairs.n);
end:
  kith_pairs_free(&reading.pairs);
  return err;
}

/* ---- what linkage calls */

static enum kith_err linkage_begin(void *context, unsigned run, struct kith_ratio bound,
                                   kith_engine_sink *restored, void *restored_context,
                                   struct kith_engine_journal *out)
{
  struct kith_matching_journal *journal = context;

  if (run > UINT8_MAX)
    return KITH_ERR_INTERNAL;
  journal->at[RUN_KEY_BYTES - 1] = (uint8_t)run;
  journal->restored = restored;
  journal->restored_context = restored_context;
  memset(journal->head, 0, sizeof journal->head);
  memcpy(journal->head, journal->identity.bytes, KITH_HASH_BYTES);
  kith_put_le(journal->head + KITH_HASH_BYTES, 4, bound.numerator);
  kith_put_le(journal->head + KITH_HASH_BYTES + 4, 4, bound.denominator);
  *out = (struct kith_engine_journal){journal, engine_open, engine_add, engine_done};
  return KITH_OK;
}

static void linkage_end(void *context, bool over)
{
  struct kith_matching_journal *journal = context;

  if (over || journal->gather.done.len > 0)
    commit(journal, over);
}

struct kith_linkage_journal kith_matching_journal_linkage(struct kith_matching_journal *journal)
{
  return (struct kith_linkage_journal){journal, linkage_begin, linkage_end};
}
