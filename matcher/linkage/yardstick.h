/* What foretells false pairs: pairs within parties, which have the siblings, twins and namesakes
 * that pairs across have, and no matches but duplicates. Private to matcher/linkage/.
 *
 * r of a party: pairs within that are duplicates, for one match that it has across. At the very top
 * there are hardly any false pairs, so r is the least share of pairs within over cut-offs there. A
 * party whose duplicates would outweigh its false pairs is left out, while others are better. */
#ifndef KITH_MATCHER_LINKAGE_YARDSTICK_H
#define KITH_MATCHER_LINKAGE_YARDSTICK_H

#include "matcher/linkage/bins.h"

struct kith_yardstick {
  double within[KITH_BINS]; /* pairs within, weighted to stand for the comparisons across */
  double ratio[KITH_BINS];  /* duplicates among them, for one match across that is no link */
  uint64_t seen[KITH_BINS]; /* the pairs within that are behind it */
};

extern const double kith_yardstick_full; /* from here on people are known to no party just once */

/* r of each party, from bins of which nothing is in a cluster yet. */
void kith_yardstick_duplicates(double out[KITH_BIN_PARTIES], const struct kith_bins *bins);
/* Whether every party has more duplicates than `most`, for one match across, were it the only
 * yardstick. */
bool kith_yardstick_all_full(const struct kith_bins *bins, const double *duplicates, double most);
/* False where the class has no comparison within. */
bool kith_yardstick_make(struct kith_yardstick *out, const struct kith_bins *bins,
                         const double *duplicates, unsigned class);
/* Comparisons across parties, of a class. */
double kith_yardstick_comparisons(const struct kith_bins *bins, unsigned class);

#endif
