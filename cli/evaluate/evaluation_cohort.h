/* How right a list of people is, given the truth: pure counting for `kith evaluate`, by the
 * definitions of matcher/linkage/curve.h. */
#ifndef KITH_CLI_EVALUATE_EVALUATION_COHORT_H
#define KITH_CLI_EVALUATE_EVALUATION_COHORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/evaluate/evaluation.h"

enum { KITH_EVALUATION_SERVICES_MAX = 16 };

struct kith_cohort_tally {
  uint64_t listed;
  uint64_t wrong;    /* entries of nobody who belongs, and second ones of somebody who does */
  uint64_t repeated; /* of these: second ones */
  uint64_t mixed;    /* right, but with a record of somebody else */
  uint64_t missed;   /* people who belong and have no entry */
  uint64_t belong;   /* people */
};

struct kith_evaluation_cohort {
  struct kith_cohort_tally all;
  /* By number of services: an entry's own, a person's true ones. */
  struct kith_cohort_tally services[KITH_EVALUATION_SERVICES_MAX + 1];
  struct kith_cohort_tally *pairs;  /* owned; [p * n_parties + q], p < q: known to both */
  struct kith_cohort_tally *groups; /* owned; an entry or person with a record of the group */
};

struct kith_evaluation_cohort_input {
  const struct kith_evaluation_record *records;
  const uint32_t *entries; /* of each record: its entry of the list, or KITH_EVALUATION_NONE */
  size_t n_records;
  uint32_t n_parties; /* up to KITH_EVALUATION_SERVICES_MAX */
  uint32_t n_entities;
  uint32_t n_groups;
  uint32_t n_entries;
  const uint8_t *table; /* by set of parties: whether the rule selects it */
};

/* KITH_ERR_MEMORY. */
KITH_MUST_USE enum kith_err
kith_evaluation_cohort_run(struct kith_evaluation_cohort *out,
                           const struct kith_evaluation_cohort_input *input);
void kith_evaluation_cohort_free(struct kith_evaluation_cohort *cohort);

#endif
