/* True pairs that no comparison could show: one of the records was too sparse to be encoded, or
 * both together lack the policy's evidence. Private to matcher/linkage/.
 *
 * Who a person is does not decide which fields a record of theirs has (missing at random: Rubin
 * 1976). Then the comparisons that can show a match have the same share of true pairs as the others
 * between the same two parties, so true pairs among all are those among these by the number of
 * comparisons; docs/linkage.md, 6, has how far that holds on data with truth. */
#ifndef KITH_MATCHER_LINKAGE_COVERAGE_H
#define KITH_MATCHER_LINKAGE_COVERAGE_H

#include "matcher/linkage/evidence.h"

struct kith_coverage {
  double eligible; /* all true pairs, for one among records with enough evidence; 0: unknown */
  double complete; /* all true pairs, from those of records that share nearly all fields */
};

/* From candidates with probabilities; those of PLAUSIBLE (ppm) and more are counted. Pairs across
 * parties; of one party, inside it. KITH_ERR_MEMORY. */
KITH_MUST_USE enum kith_err kith_coverage_of(struct kith_coverage *out,
                                             const struct kith_classes *classes,
                                             const struct kith_linkage_pair *pairs, size_t n_pairs,
                                             uint32_t plausible);

#endif
