/* From weights to match probabilities, without labels. Private to matcher/linkage/.
 *
 * For each class of evidence and each bin of weight w, with h(w) the number of pairs across and
 * H(w) what pairs within foretell (yardstick.h):
 *
 *     H = F + R T,   h = F + T     so that F = (H - R h) / (1 - R)
 *
 * F are the false pairs, T the true ones, R the duplicates within for one true pair across. Once
 * clusters are there, duplicates that were found are taken out of H, and links out of the h that
 * R stands with. A pair at w is a match with probability 1 - F / h, made monotone.
 * docs/linkage.md has the derivation. */
#ifndef KITH_MATCHER_LINKAGE_SCORE_H
#define KITH_MATCHER_LINKAGE_SCORE_H

#include "matcher/linkage/bins.h"

struct kith_score {
  double across[KITH_CLASSES][KITH_BINS];                   /* match probability of a pair across */
  double false_pairs[KITH_CLASSES][KITH_BINS];              /* expected among those counted */
  double within[KITH_BIN_PARTIES][KITH_CLASSES][KITH_BINS]; /* of a pair inside a party */
  double comparisons[KITH_CLASSES];                         /* across */
};

/* Of pairs across; `duplicates` is r of each party. */
void kith_score_learn(struct kith_score *out, const struct kith_bins *bins,
                      const double *duplicates);
/* Of pairs inside parties, from a score learnt over all pairs across and bins of which nothing is
 * in a cluster. With one party it is all there is. */
void kith_score_learn_within(struct kith_score *score, const struct kith_bins *bins);

#endif
