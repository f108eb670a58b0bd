/* Clusters from scored pairs: the best first, never two people of one party in one cluster, never
 * through a weak chain. Private to matcher/linkage/. */
#ifndef KITH_MATCHER_LINKAGE_CLUSTER_H
#define KITH_MATCHER_LINKAGE_CLUSTER_H

#include "matcher/linkage/linkage.h"

/* Fills clusters, cluster_of and the pairs' `linked` of *result, whose pairs are scored and sorted
 * and whose threshold is set. Pairs inside a party are duplicates at or above the threshold. */
KITH_MUST_USE enum kith_err kith_cluster_build(struct kith_linkage_result *result,
                                               const struct kith_linkage_input *input);

#endif
