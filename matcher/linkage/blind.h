/* Linkage of what blind comparison gave: candidate pairs and the agencies' histograms in, clusters
 * out, as kith_linkage_run gives them (docs/blind.md, 5). Pure. */
#ifndef KITH_MATCHER_LINKAGE_BLIND_H
#define KITH_MATCHER_LINKAGE_BLIND_H

#include "matcher/linkage/blind_join.h"
#include "matcher/linkage/linkage.h"

struct kith_blind_input {
  /* parties: a row is a handle, in 8 bytes; rows of zeros are nobody's. */
  const struct kith_linkage_input *input;
  const uint64_t *n_people; /* of each party, as its submissions say */
  /* [p][q], p < q. The side lo of a pair is the party whose id is less, whatever its number. */
  struct kith_blind_pairs (*pairs)[KITH_LINKAGE_PARTIES_MAX];
  /* [p][q], p != q: of party p, for its peer q. */
  struct kith_blind_histogram (*within)[KITH_LINKAGE_PARTIES_MAX];
};

/* KITH_ERR_DATA: a handle that no row has. */
KITH_MUST_USE enum kith_err kith_blind_link(struct kith_linkage_result *out,
                                            const struct kith_blind_input *blind,
                                            struct kith_fault *fault);

/* The mean of max(0, 1 - 2 d / bits) over the fields that neither lacks, by weight, in ppm. */
uint32_t kith_blind_similarity(const struct kith_policy *policy, const uint8_t *distances,
                               const uint8_t *missing);

#endif
