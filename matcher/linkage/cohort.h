/* The cohort: the clusters that the policy's rule selects, in an order that depends on content
 * only: more services first, then higher confidence, then the least filter of the cluster. Pure. */
#ifndef KITH_MATCHER_LINKAGE_COHORT_H
#define KITH_MATCHER_LINKAGE_COHORT_H

#include "matcher/linkage/linkage.h"

struct kith_cohort_member {
  uint32_t cluster; /* index into the result's clusters */
  uint32_t first;   /* into `records` */
  uint32_t n_records;
};

struct kith_cohort_record_ref {
  uint32_t row;
  uint8_t party;
};

struct kith_cohort_selection {
  size_t n;
  struct kith_cohort_member *members; /* owned */
  size_t n_records;
  struct kith_cohort_record_ref *records; /* owned; by party, then content, within a member */
};

/* table[set], a byte for each set of parties (bit i: party i): whether the policy's rule selects
 * who is known to just these. *out is the caller's (kith_free). `names`, errors: as below. */
KITH_MUST_USE enum kith_err kith_cohort_table(uint8_t **out, const struct kith_linkage_input *input,
                                              const char *const *names, struct kith_fault *fault);

/* `names`: the parties' ids, in the order of the input; a rule over a service that takes no part
 * holds as if it had no record. KITH_ERR_CONFIG with *fault where the rule does not parse over the
 * policy's agencies. */
KITH_MUST_USE enum kith_err kith_cohort_select(struct kith_cohort_selection *out,
                                               const struct kith_linkage_input *input,
                                               const struct kith_linkage_result *result,
                                               const char *const *names, struct kith_fault *fault);
void kith_cohort_selection_free(struct kith_cohort_selection *selection);

#endif
