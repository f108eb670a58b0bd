/* Of quality.c only: counting many values in little memory. All take 64-bit hashes under a key that
 * nobody keeps; none can give a value back.
 *
 * How many are different: HyperLogLog (Flajolet, Fusy, Gandouet and Meunier, 2007), within 3% of
 * the truth nearly always, exact for a few. How often the commonest comes: a count-min sketch
 * (Cormode and Muthukrishnan, 2005) with conservative update, too high by 0.07% of all at most but
 * for chance. Which come again: their hashes, of which a part is taken where there are many. */
#ifndef KITH_DAEMON_PIPELINE_QUALITY_SKETCH_H
#define KITH_DAEMON_PIPELINE_QUALITY_SKETCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { KITH_DISTINCT_BYTES = 4096, KITH_COMMONEST_ROWS = 4, KITH_COMMONEST_COLUMNS = 4096 };

struct kith_distinct {
  uint8_t ranks[KITH_DISTINCT_BYTES];
};
void kith_distinct_add(struct kith_distinct *distinct, uint64_t hash);
uint64_t kith_distinct_estimate(const struct kith_distinct *distinct);

struct kith_commonest {
  uint32_t counts[KITH_COMMONEST_ROWS][KITH_COMMONEST_COLUMNS];
  uint32_t most;
};
void kith_commonest_add(struct kith_commonest *commonest, uint64_t hash);

/* Entries that belong together where their keys are equal. Of more than `max` different rows only
 * those are kept whose key is in a part of 1 in 2^level, so that groups are kept whole. */
struct kith_pile_entry {
  uint64_t key;
  uint64_t other; /* what may differ inside a group */
  uint64_t row;
};
struct kith_pile {
  struct kith_pile_entry *entries; /* owned */
  size_t n;
  size_t cap;
  size_t max;
  unsigned level;
};
KITH_MUST_USE enum kith_err kith_pile_add(struct kith_pile *pile, uint64_t key, uint64_t other,
                                          uint64_t row);
/* By key, then row. */
void kith_pile_sort(struct kith_pile *pile);
/* The end of the group that starts at `at`, of a sorted pile. */
size_t kith_pile_group_end(const struct kith_pile *pile, size_t at);
void kith_pile_free(struct kith_pile *pile); /* wipes */

#endif
