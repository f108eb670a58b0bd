#include "cli/match/match_journal.h"

#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/match/match_records.h"
#include "matcher/engine/gather.h"

enum {
  SHARE_A_FLUSH = 100, /* of the work */
  FLUSH_MS = 10000,
  FLUSH_BYTES = 4 << 20
};

struct kith_match_journal {
  struct kith_match_records records;
  char *path;
  /* What it has of one part: found when it was opened. */
  struct kith_match_journal_part {
    uint32_t part;
    uint32_t n_parts;
    uint64_t layout;
    uint64_t n_units;
    uint64_t offset; /* of its record */
    uint64_t number;
    bool done;
    uint32_t *units; /* owned */
    size_t n_finished;
    size_t cap;
    struct kith_match_pairs pairs;
  } * parts; /* owned, in order */
  size_t n_parts;
  struct kith_match_journal_state state;
  /* The part at hand. */
  uint32_t part;
  uint32_t of_parts;
  struct kith_match_pairs *pairs; /* borrowed */
  kith_match_journal_map *map;
  void *map_context;
  struct kith_gather gather;
  uint64_t flush_comparisons;
  int64_t flushed_ms;
  struct kith_fault fault;
};

/* ---- reading */

static enum kith_err read_part(struct kith_match_journal *journal, const uint8_t *bytes, size_t len,
                               uint64_t offset)
{
  struct kith_match_journal_part *grown =
      kith_realloc(journal->parts, journal->n_parts + 1, sizeof *grown);
  if (!grown)
    return KITH_ERR_MEMORY;
  journal->parts = grown;
  if (len != 24 || kith_get_le(bytes, 4) != journal->n_parts)
    return KITH_ERR_DATA;
  journal->parts[journal->n_parts++] = (struct kith_match_journal_part){
      .part = (uint32_t)kith_get_le(bytes, 4),
      .n_parts = (uint32_t)kith_get_le(bytes + 4, 4),
      .layout = kith_get_le(bytes + 8, 8),
      .n_units = kith_get_le(bytes + 16, 8),
      .offset = offset,
      .number = journal->records.number,
  };
  return KITH_OK;
}

static enum kith_err add_finished(struct kith_match_journal_part *part, uint32_t unit)
{
  if (part->n_finished == part->cap) {
    size_t cap = part->cap ? part->cap * 2 : 1024;
    uint32_t *grown = kith_realloc(part->units, cap, sizeof *grown);
    if (!grown)
      return KITH_ERR_MEMORY;
    part->units = grown;
    part->cap = cap;
  }
  part->units[part->n_finished++] = unit;
  return KITH_OK;
}

static enum kith_err read_unit(void *context, uint32_t unit)
{
  return add_finished(context, unit);
}

static enum kith_err read_pair(void *context, const uint8_t *bytes)
{
  struct kith_match_journal_part *part = context;
  struct kith_match_pair pair;
  kith_match_pair_get(&pair, bytes);
  return kith_match_pairs_add(&part->pairs, &pair, 1);
}

static enum kith_err read_units(struct kith_match_journal_part *part, const uint8_t *bytes,
                                size_t len)
{
  const struct kith_gather_reader reader = {part, read_unit, read_pair};
  return kith_gather_read(&reader, bytes, len, KITH_MATCH_PAIR_BYTES, part->n_units);
}

static enum kith_err read_record(void *context, uint32_t type, const uint8_t *bytes, size_t len,
                                 uint64_t offset)
{
  struct kith_match_journal *journal = context;
  struct kith_match_journal_part *last =
      journal->n_parts ? &journal->parts[journal->n_parts - 1] : NULL;
  if (type == KITH_MATCH_RECORD_PART)
    return read_part(journal, bytes, len, offset);
  if (!last || last->done)
    return KITH_ERR_DATA;
  if (type == KITH_MATCH_RECORD_UNITS)
    return read_units(last, bytes, len);
  last->done = true;
  return type == KITH_MATCH_RECORD_DONE && len == 0 ? KITH_OK : KITH_ERR_DATA;
}

/* ---- writing */

static enum kith_err append(struct kith_match_journal *journal, enum kith_match_record type,
                            const void *bytes, size_t len)
{
  return kith_match_records_append(&journal->records, type, bytes, len, &journal->fault);
}

static enum kith_err flush_pending(struct kith_match_journal *journal)
{
  const struct kith_buf *done = &journal->gather.done;
  enum kith_err err = kith_buf_err(done);
  if (!err && done->len > 0)
    err = append(journal, KITH_MATCH_RECORD_UNITS, done->bytes, done->len);
  kith_gather_written(&journal->gather);
  journal->flushed_ms = kith_clock_monotonic_ms();
  return err;
}

enum kith_err kith_match_journal_flush(struct kith_match_journal *journal, bool part_done)
{
  enum kith_err err = flush_pending(journal);
  if (!err && part_done)
    err = append(journal, KITH_MATCH_RECORD_DONE, NULL, 0);
  return err;
}

/* ---- what the engine calls */

static void drop_from(struct kith_match_journal *journal, size_t first)
{
  for (size_t p = first; p < journal->n_parts; p++) {
    kith_free(journal->parts[p].units);
    kith_match_pairs_free(&journal->parts[p].pairs);
  }
  if (first < journal->n_parts)
    journal->n_parts = first;
}

static enum kith_err begin_part(struct kith_match_journal *journal, uint64_t layout, size_t n_units)
{
  uint8_t bytes[24];
  kith_put_le(bytes, 4, journal->part);
  kith_put_le(bytes + 4, 4, journal->of_parts);
  kith_put_le(bytes + 8, 8, layout);
  kith_put_le(bytes + 16, 8, n_units);
  return append(journal, KITH_MATCH_RECORD_PART, bytes, sizeof bytes);
}

static enum kith_err restore(struct kith_match_journal *journal,
                             struct kith_match_journal_part *part, bool *finished)
{
  for (size_t i = 0; i < part->n_finished; i++) {
    journal->state.n_finished += !finished[part->units[i]];
    finished[part->units[i]] = true;
  }
  return kith_match_pairs_add(journal->pairs, part->pairs.items, part->pairs.n);
}

static enum kith_err engine_open(void *context, uint64_t layout, size_t n_units,
                                 uint64_t comparisons, bool *finished)
{
  struct kith_match_journal *journal = context;
  struct kith_match_journal_part *had =
      journal->part < journal->n_parts ? &journal->parts[journal->part] : NULL;
  enum kith_err err = KITH_OK;
  if (n_units > UINT32_MAX)
    return kith_fail(&journal->fault, KITH_ERR_LIMIT, "%s: more work than a journal can note",
                     journal->path);
  journal->state.n_units = n_units;
  journal->state.n_finished = 0;
  journal->flush_comparisons = comparisons / SHARE_A_FLUSH;
  journal->flushed_ms = kith_clock_monotonic_ms();
  if (had && had->layout == layout && had->n_units == n_units &&
      had->n_parts == journal->of_parts) {
    err = restore(journal, had, finished);
    drop_from(journal, journal->part);
    return err;
  }
  if (had) {
    journal->state.other_plan = had->n_finished > 0;
    err = kith_match_records_cut(&journal->records, had->offset, had->number, &journal->fault);
    drop_from(journal, journal->part);
  }
  return err ? err : begin_part(journal, layout, n_units);
}

static enum kith_err engine_add(void *context, size_t unit, const struct kith_pair *pairs, size_t n)
{
  struct kith_match_journal *journal = context;
  enum kith_err err = KITH_OK;
  for (size_t i = 0; i < n && !err; i++) {
    const struct kith_match_pair pair = journal->map(journal->map_context, &pairs[i]);
    uint8_t bytes[KITH_MATCH_PAIR_BYTES];
    kith_match_pair_put(bytes, &pair);
    err = kith_gather_add(&journal->gather, unit, bytes, sizeof bytes);
  }
  return err;
}

static enum kith_err engine_done(void *context, size_t unit, uint64_t comparisons)
{
  struct kith_match_journal *journal = context;
  enum kith_err err = kith_gather_done(&journal->gather, unit, KITH_MATCH_PAIR_BYTES, comparisons);
  if (err)
    return err;
  if (kith_failpoint("journal.unit"))
    return KITH_ERR_IO;
  if (journal->gather.comparisons > journal->flush_comparisons ||
      journal->gather.done.len > FLUSH_BYTES ||
      kith_clock_monotonic_ms() - journal->flushed_ms > FLUSH_MS)
    return flush_pending(journal);
  return KITH_OK;
}

enum kith_err kith_match_journal_part(struct kith_match_journal *journal, uint32_t part,
                                      uint32_t n_parts, struct kith_match_pairs *pairs,
                                      kith_match_journal_map *map, void *map_context,
                                      struct kith_engine_journal *out, bool *done)
{
  const struct kith_match_journal_part *had =
      part < journal->n_parts ? &journal->parts[part] : NULL;
  journal->part = part;
  journal->of_parts = n_parts;
  journal->pairs = pairs;
  journal->map = map;
  journal->map_context = map_context;
  kith_gather_clear(&journal->gather);
  *out = (struct kith_engine_journal){journal, engine_open, engine_add, engine_done};
  *done = had && had->done && had->part == part && had->n_parts == n_parts;
  return *done ? kith_match_pairs_add(pairs, had->pairs.items, had->pairs.n) : KITH_OK;
}

/* ---- the whole */

enum kith_err kith_match_journal_open(struct kith_match_journal **out, const char *path,
                                      const struct kith_match_journal_identity *identity,
                                      const struct kith_secret *key, struct kith_fault *fault)
{
  struct kith_match_journal *journal = KITH_NEW(struct kith_match_journal);
  if (!journal)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", path);
  journal->records.fd = -1;
  journal->path = kith_strdup(path);
  enum kith_err err = journal->path ? KITH_OK : kith_fail(fault, KITH_ERR_MEMORY, "no memory");
  if (!err)
    err = kith_match_records_open(&journal->records, path, identity, key, read_record, journal,
                                  &journal->state.torn_bytes, fault);
  if (err) {
    kith_match_journal_free(journal);
    return err;
  }
  *out = journal;
  return KITH_OK;
}

void kith_match_journal_free(struct kith_match_journal *journal)
{
  if (!journal)
    return;
  drop_from(journal, 0);
  kith_free(journal->parts);
  kith_gather_free(&journal->gather);
  kith_match_records_close(&journal->records);
  kith_free(journal->path);
  kith_free(journal);
}

const struct kith_fault *kith_match_journal_fault(const struct kith_match_journal *journal)
{
  return &journal->fault;
}

struct kith_match_journal_state kith_match_journal_state(const struct kith_match_journal *journal)
{
  return journal->state;
}

enum kith_err kith_match_journal_destroy(struct kith_match_journal *journal,
                                         struct kith_fault *fault)
{
  return kith_file_destroy(journal->path, fault);
}
