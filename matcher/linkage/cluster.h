/* Clusters from scored pairs: the best first, never two people of one party in one cluster, never
 * through a weak chain. Private to matcher/linkage/. */
#ifndef KITH_MATCHER_LINKAGE_CLUSTER_H
#define KITH_MATCHER_LINKAGE_CLUSTER_H

#include "matcher/linkage/judge.h"
#include "matcher/linkage/linkage.h"

/* Makes the clusters of *result (instead of those it has) from its pairs, which have probabilities:
 * groups are merged at or above the threshold. Pairs inside a party are duplicates at or above
 * one half (with one party: the threshold). `whole`: also makes the curve and true_pairs, and takes
 * clusters of one party alone apart unless the input asks for them. */
KITH_MUST_USE enum kith_err kith_cluster_build(struct kith_linkage_result *result,
                                               const struct kith_judge *judge, uint32_t threshold,
                                               bool whole);
/* Frees what build made. */
void kith_cluster_clear(struct kith_linkage_result *result);

#endif
