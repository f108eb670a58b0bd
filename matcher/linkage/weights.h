/* What agreement and disagreement on each bit of a row say: Fellegi and Sunter's weights, learnt
 * from the data at hand, without labels.
 *
 * Among likely matches, bits of a field that people keep (a date of birth) agree nearly always;
 * those of one that changes (an address, where people move) do not; and a bit that half of all rows
 * have set says less than a rare one. For each bit b, with m the shares among likely matches and u
 * those among pairs that chance makes of rows like these:
 *
 *     both set: log(m11 / u11)   one set: log(m10 / u10)   none: log(m00 / u00)
 *
 * A pair's weight is the sum over all bits of all filters. The bits of one token go together, so a
 * weight is no log of a likelihood ratio, only an order; score.h makes probabilities of it. Where
 * there are few likely matches the weights lean on what keeping most bits would give.
 *
 * All sums are of whole numbers: no order of rows, parties or threads changes a weight.
 * Life: zero bytes, learn (again), free. */
#ifndef KITH_MATCHER_LINKAGE_WEIGHTS_H
#define KITH_MATCHER_LINKAGE_WEIGHTS_H

#include <stdint.h>

#include "matcher/linkage/linkage.h"

enum { KITH_WEIGHT_UNIT = 1024 }; /* of a natural logarithm */

struct kith_weights {
  size_t bytes;  /* of a row, all filters */
  int32_t base;  /* of two empty rows */
  int32_t *both; /* owned; for each half byte and each of its 16 values: what common bits add */
  int32_t *each; /* owned; the same: what the bits of either row add */
};

/* Which pairs are likely matches. */
typedef bool (*kith_weights_likely)(const void *context, const struct kith_linkage_pair *pair);

/* Replaces what was learnt before. */
KITH_MUST_USE enum kith_err kith_weights_learn(struct kith_weights *weights,
                                               const struct kith_linkage_input *input,
                                               const struct kith_linkage_pair *pairs,
                                               size_t n_pairs, kith_weights_likely likely,
                                               const void *context);
void kith_weights_free(struct kith_weights *weights);
/* Of a pair, in KITH_WEIGHT_UNITs. */
int32_t kith_weights_of(const struct kith_weights *weights, const uint8_t *row_a,
                        const uint8_t *row_b);

#endif
