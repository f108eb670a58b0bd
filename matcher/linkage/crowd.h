/* How many false partners a row has: what its names and dates are worth where many people have
 * them. Private to matcher/linkage/.
 *
 * Weights (weights.h) take every agreement on a bit for alike. A filter is shared by all fields, so
 * no bit tells MUELLER from a rare name, but the row's neighbours do: the false pairs just below an
 * even chance, which fall off with weight e-fold for each `unit`, carried on upward to it. A row
 * with g times the mean of them makes that many more false links at every weight, so a pair of rows
 * with g_a and g_b is worth log of their geometric mean less: they are alike, so what is common
 * about one is common about the other. Few neighbours say little: the mean of a gamma distribution
 * after that many (negative binomial, Efron and Morris 1973), first over a wide surrounding, then
 * over a narrow one with the wide one's result as what is expected.
 *
 * Sums are of whole numbers: no order of rows, parties or threads changes a result.
 * Life: zero bytes, learn (again), free. */
#ifndef KITH_MATCHER_LINKAGE_CROWD_H
#define KITH_MATCHER_LINKAGE_CROWD_H

#include "matcher/linkage/evidence.h"

/* What a natural logarithm of false pairs is worth, in units: a little less than the fall by which
 * neighbours are counted, which is that of the pairs below an even chance; above, they fall faster.
 */
extern const double kith_crowd_log_worth;

struct kith_crowd {
  int32_t *less[KITH_LINKAGE_PARTIES_MAX]; /* owned; by row: what it takes off a pair's weight */
};

/* Replaces what was learnt before. `pairs` have class, weight (without any crowd's part) and
 * probability; `even`: the weight of an even chance, by class; `unit` > 0: a sixth of what likely
 * matches are above it. `lonely`: fewer neighbours than the mean count for a pair, too; else a row
 * that lacks fields, and has few for want of them, would gain by it. */
KITH_MUST_USE enum kith_err kith_crowd_learn(struct kith_crowd *crowd,
                                             const struct kith_linkage_input *input,
                                             const struct kith_linkage_pair *pairs, size_t n_pairs,
                                             const int32_t even[KITH_CLASSES], int32_t unit,
                                             bool lonely);
void kith_crowd_free(struct kith_crowd *crowd);

static inline int32_t kith_crowd_of(const struct kith_crowd *crowd,
                                    const struct kith_linkage_pair *pair)
{
  return crowd->less[0]
             ? crowd->less[pair->party_a][pair->row_a] + crowd->less[pair->party_b][pair->row_b]
             : 0;
}

#endif
