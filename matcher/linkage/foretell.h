/* Precision and recall of each threshold, foretold, with intervals of 90%. Private to
 * matcher/linkage/. docs/linkage.md, 6, has the method. */
#ifndef KITH_MATCHER_LINKAGE_FORETELL_H
#define KITH_MATCHER_LINKAGE_FORETELL_H

#include "matcher/linkage/judge.h"
#include "matcher/linkage/linkage.h"

/* By step of the curve, the last one for all below it: pairs that merges joined, and parts per
 * million of them that are foretold to be wrong: if a merge is right where its best pair is, and if
 * each pair stands for itself. Whole numbers: sums have no order. */
struct kith_foretell {
  uint64_t joined[KITH_CURVE_STEPS + 1];
  uint64_t wrong_ppm[KITH_CURVE_STEPS + 1];
  uint64_t alone_ppm[KITH_CURVE_STEPS + 1];
};

/* n pairs that were joined at a probability; `alone`: the mean of their own, ppm. */
void kith_foretell_add(struct kith_foretell *foretell, uint64_t n, uint32_t probability,
                       uint32_t alone);
/* The result's true_pairs and curve; `missed_ppm`: the probabilities of pairs that stayed apart. */
void kith_foretell_curve(struct kith_linkage_result *result, const struct kith_foretell *foretell,
                         const struct kith_judge *judge, uint64_t missed_ppm);

#endif
