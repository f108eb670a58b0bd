/* What a journal of the engine gathers: the pairs of units under way, which come from several
 * threads mixed, and the units that are done, one after the other as bytes: unit, number of pairs
 * (4, 4, little-endian), pairs as the journal's owner writes them. */
#ifndef KITH_MATCHER_ENGINE_GATHER_H
#define KITH_MATCHER_ENGINE_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "matcher/engine/engine.h"

enum { KITH_GATHER_HEAD_BYTES = 8 };

/* Life: zero-initialise, kith_gather_free. */
struct kith_gather {
  struct {
    size_t unit;
    bool used;
    struct kith_buf pairs;
  } open[KITH_ENGINE_THREADS_MAX]; /* a thread has one unit at a time */
  struct kith_buf done;
  uint64_t comparisons; /* of the units that are done */
};

/* A pair of a unit under way, as `len` bytes. KITH_ERR_INTERNAL: more units than threads. */
KITH_MUST_USE enum kith_err kith_gather_add(struct kith_gather *gather, size_t unit,
                                            const void *pair, size_t len);
/* All pairs of the unit, which have pair_bytes each, are there. */
KITH_MUST_USE enum kith_err kith_gather_done(struct kith_gather *gather, size_t unit,
                                             size_t pair_bytes, uint64_t comparisons);
/* Forgets the units that are done: they have been written. */
void kith_gather_written(struct kith_gather *gather);
/* Forgets everything. */
void kith_gather_clear(struct kith_gather *gather);
void kith_gather_free(struct kith_gather *gather);

/* Reads what kith_gather_done has written: calls `unit` for each unit and then `pair` for each of
 * its pairs. KITH_ERR_DATA: not such bytes, or a unit at or above n_units. */
struct kith_gather_reader {
  void *context;
  enum kith_err (*unit)(void *context, uint32_t unit);
  enum kith_err (*pair)(void *context, const uint8_t *bytes);
};
KITH_MUST_USE enum kith_err kith_gather_read(const struct kith_gather_reader *reader,
                                             const uint8_t *bytes, size_t len, size_t pair_bytes,
                                             uint64_t n_units);

#endif
