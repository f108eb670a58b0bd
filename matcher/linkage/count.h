/* Counting comparisons and candidate pairs into bins. Private to matcher/linkage/. */
#ifndef KITH_MATCHER_LINKAGE_COUNT_H
#define KITH_MATCHER_LINKAGE_COUNT_H

#include "matcher/linkage/bins.h"

enum kith_counting {
  KITH_COUNT_ALL,       /* nothing is in a cluster yet */
  KITH_COUNT_CLUSTERED, /* every pair across; inside parties, and as unlinked, those that are not in
                           one cluster */
  KITH_COUNT_OPEN       /* the same, across only those whose clusters have no party in common */
};

struct kith_count {
  const struct kith_classes *classes;
  const struct kith_linkage_result *result; /* pairs with class and weight; clusters unless ALL */
  int32_t low;                              /* the range of weights that bins cut */
  int32_t high;
};

unsigned kith_count_bin(const struct kith_count *count, int32_t weight);
/* Whether a pair across could still be a link. */
bool kith_count_is_open(const struct kith_linkage_result *result,
                        const struct kith_linkage_pair *pair);
/* Fills all of *out. */
KITH_MUST_USE enum kith_err kith_count_into(struct kith_bins *out, const struct kith_count *count,
                                            enum kith_counting counting);

#endif
